package nexconn

import (
	"strconv"
	"time"
)

// dateTime renders an instant as most of the vendor's answers do: a text, in UTC; "" for never.
func dateTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateTime)
}

// itoa renders a number.
func itoa(n int) string { return strconv.Itoa(n) }
