package nexconn

import "time"

// dateTime renders an instant as most of the vendor's answers do: a text, in UTC; "" for never.
func dateTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateTime)
}
