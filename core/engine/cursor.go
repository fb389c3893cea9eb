package engine

import (
	"encoding/base64"
	"strconv"
	"strings"

	"dragoman/core/fault"
)

// cursorOffset makes an opaque cursor of a position in a list, for lists that are short by nature.
func cursorOffset(n int) string {
	return base64.RawURLEncoding.EncodeToString([]byte("o:" + strconv.Itoa(n)))
}

// offsetCursor reads a cursor made by cursorOffset.
func offsetCursor(s string) (int, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		if text, ok := strings.CutPrefix(string(b), "o:"); ok {
			if n, err := strconv.Atoi(text); err == nil && n >= 0 && n <= 100000 {
				return n, nil
			}
		}
	}
	return 0, fault.RequestInvalidField.Error("the cursor is not one of ours")
}
