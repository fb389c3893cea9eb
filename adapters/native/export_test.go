package native

import (
	"reflect"

	"dragoman/adapters"
	"dragoman/core"
)

// ReadToken verifies a token.
func ReadToken(d *Dialect, token string) (core.UserID, error) {
	_, c, err := d.read(token)
	return c.User, err
}

// Decode runs the decoder of the i-th route on a body.
func Decode(d *Dialect, i int, body []byte) {
	in := d.table[i].in
	_ = in.decode(reflect.New(in.typ).Elem(), &adapters.Request{Body: body})
}

// Merged patches free fields.
func Merged(old, patch []byte) ([]byte, error) {
	out, err := merged(old, patch)
	return out, err
}
