package codec

import (
	"bytes"
	"encoding/json"
	"strings"
)

// space passes over white space.
func (d *Decoder) space() {
	for d.pos < len(d.in) {
		switch d.in[d.pos] {
		case ' ', '\n', '\r', '\t':
			d.pos++
		default:
			return
		}
	}
}

// take passes over one byte, if it is there.
func (d *Decoder) take(c byte) bool {
	d.space()
	if d.pos < len(d.in) && d.in[d.pos] == c {
		d.pos++
		return true
	}
	return false
}

// word passes over a word, if it is there.
func (d *Decoder) word(w string) bool {
	d.space()
	if len(d.in)-d.pos < len(w) || string(d.in[d.pos:d.pos+len(w)]) != w {
		return false
	}
	d.pos += len(w)
	return true
}

func (d *Decoder) null() bool { return d.word("null") }

// number passes over the signs of a number and returns them; none if there is no number.
func (d *Decoder) number() []byte {
	d.space()
	at := d.pos
	for d.pos < len(d.in) {
		switch c := d.in[d.pos]; {
		case c >= '0' && c <= '9', c == '-', c == '+', c == '.', c == 'e', c == 'E':
			d.pos++
		default:
			return d.in[at:d.pos]
		}
	}
	return d.in[at:d.pos]
}

// str reads a text.
func (d *Decoder) str() (string, error) {
	if !d.take('"') {
		return "", d.bad("a text")
	}
	at := d.pos
	end := bytes.IndexByte(d.in[at:], '"')
	if end >= 0 && bytes.IndexByte(d.in[at:at+end], '\\') < 0 {
		d.pos = at + end + 1
		return string(d.in[at : at+end]), nil
	}
	var b strings.Builder
	for d.pos < len(d.in) {
		switch c := d.in[d.pos]; {
		case c == '"':
			d.pos++
			return b.String(), nil
		case c != '\\':
			b.WriteByte(c)
			d.pos++
		case d.pos+1 < len(d.in) && (d.in[d.pos+1] == '"' || d.in[d.pos+1] == '\\'):
			b.WriteByte(d.in[d.pos+1])
			d.pos += 2
		case d.pos+1 < len(d.in) && d.in[d.pos+1] == 'n':
			b.WriteByte('\n')
			d.pos += 2
		default:
			return d.escaped(at - 1)
		}
	}
	return "", d.bad("the end of a text")
}

// escaped reads a text with escapes that are rare; it begins at a quote.
func (d *Decoder) escaped(at int) (string, error) {
	for p := at + 1; p < len(d.in); p++ {
		switch d.in[p] {
		case '\\':
			p++
		case '"':
			var s string
			if json.Unmarshal(d.in[at:p+1], &s) != nil {
				return "", d.bad("a text")
			}
			d.pos = p + 1
			return s, nil
		}
	}
	return "", d.bad("the end of a text")
}

// object reads an object: each is called with a name and has to read the value.
func (d *Decoder) object(each func(name []byte) error) error {
	return d.within('{', '}', func() error {
		d.space()
		at := d.pos + 1
		if _, err := d.str(); err != nil {
			return err
		}
		name := d.in[at : d.pos-1]
		if !d.take(':') {
			return d.bad("a colon")
		}
		return each(name)
	})
}

// list reads a list: each is called before every element and has to read it.
func (d *Decoder) list(each func() error) error { return d.within('[', ']', each) }

// within reads what stands between brackets, separated by commas.
func (d *Decoder) within(open, end byte, each func() error) error {
	if !d.take(open) {
		return d.bad(string(open))
	}
	if d.depth++; d.depth > maxDepth {
		return d.bad("less depth")
	}
	defer func() { d.depth-- }()
	for first := true; ; first = false {
		if d.take(end) {
			return nil
		}
		if !first && !d.take(',') {
			return d.bad("a comma")
		}
		if err := each(); err != nil {
			return err
		}
	}
}

// skip passes over one value, whatever it is.
func (d *Decoder) skip() error {
	d.space()
	if d.pos >= len(d.in) {
		return d.bad("a value")
	}
	switch d.in[d.pos] {
	case '{':
		return d.object(func([]byte) error { return d.skip() })
	case '[':
		return d.list(d.skip)
	case '"':
		_, err := d.str()
		return err
	}
	if d.word("true") || d.word("false") || d.null() || len(d.number()) > 0 {
		return nil
	}
	return d.bad("a value")
}

// raw passes over an object or a list without a look at what is in it, however deep.
func (d *Decoder) raw() []byte {
	at, open := d.pos, 0
	for ; d.pos < len(d.in); d.pos++ {
		switch d.in[d.pos] {
		case '{', '[':
			open++
		case '}', ']':
			if open--; open == 0 {
				d.pos++
				return d.in[at:d.pos]
			}
		case '"':
			for d.pos++; d.pos < len(d.in) && d.in[d.pos] != '"'; d.pos++ {
				if d.in[d.pos] == '\\' {
					d.pos++
				}
			}
		}
	}
	d.pos = min(d.pos, len(d.in))
	return d.in[at:d.pos]
}
