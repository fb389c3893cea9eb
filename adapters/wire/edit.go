package wire

import (
	"bytes"
	"strconv"

	"github.com/tidwall/gjson"
)

// Without returns a JSON object without the members named; what is not an object comes back as it is.
func Without(body []byte, names ...string) []byte {
	return edit(body, names, "", nil)
}

// With returns a JSON object with a member set to a JSON value, in its place or at the end; what is not
// an object comes back as it is.
func With(body []byte, name string, value []byte) []byte {
	return edit(body, nil, name, value)
}

// edit walks the members of an object once.
func edit(body []byte, drop []string, name string, value []byte) []byte {
	v := gjson.ParseBytes(body)
	if !v.IsObject() || !gjson.ValidBytes(body) {
		return body
	}
	var b bytes.Buffer
	put := func(k string, raw []byte) {
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(k)
		b.WriteByte(':')
		b.Write(raw)
	}
	set := false
	v.ForEach(func(k, x gjson.Result) bool {
		for _, d := range drop {
			if k.Str == d {
				return true
			}
		}
		if k.Str == name && value != nil {
			if !set {
				put(k.Raw, value)
			}
			set = true
			return true
		}
		put(k.Raw, []byte(x.Raw))
		return true
	})
	if value != nil && !set {
		put(strconv.Quote(name), value)
	}
	return append(append([]byte{'{'}, b.Bytes()...), '}')
}
