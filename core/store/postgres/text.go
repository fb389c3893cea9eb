package postgres

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgtype"

	"dragoman/core"
	"time"
)

// PostgreSQL holds neither a zero character nor bytes that are not UTF-8 in a text, but both occur.
// They are written as \x01 and a sign; texts without them, all but a few, are stored as they are.

// escape is the character that the written forms begin with.
const escape = '\x01'

// enc makes a text storable.
func enc[S ~string](s S) string {
	t := string(s)
	if strings.IndexByte(t, 0) < 0 && strings.IndexByte(t, escape) < 0 && utf8.ValidString(t) {
		return t
	}
	var b strings.Builder
	for i := 0; i < len(t); {
		r, n := utf8.DecodeRuneInString(t[i:])
		switch {
		case r == 0:
			b.WriteString("\x010")
		case r == escape:
			b.WriteString("\x011")
		case r == utf8.RuneError && n == 1:
			b.WriteByte(escape)
			b.WriteRune(rune(t[i]) + 0x100)
		default:
			b.WriteString(t[i : i+n])
		}
		i += n
	}
	return b.String()
}

// dec is the opposite of enc.
func dec(s string) string {
	if strings.IndexByte(s, escape) < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		if s[i] != escape || i+1 == len(s) {
			b = append(b, s[i])
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i+1:])
		switch {
		case r == '0':
			b = append(b, 0)
		case r == '1':
			b = append(b, escape)
		default:
			b = append(b, byte(r-0x100))
		}
		i += 1 + n
	}
	return string(b)
}

// encs makes texts storable.
func encs[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = enc(s)
	}
	return out
}

// ints is a list of numbers as the server takes it.
func ints[N ~int64](list []N) []int64 {
	out := make([]int64, len(list))
	for i, n := range list {
		out[i] = int64(n)
	}
	return out
}

// doc makes a JSON document storable; nothing is NULL.
func doc(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return bytes.ToValidUTF8(b, []byte("\ufffd"))
}

// text scans a text column; NULL is "".
type text[S ~string] struct{ to *S }

// ScanText implements pgtype.TextScanner.
func (t text[S]) ScanText(v pgtype.Text) error {
	*t.to = S(dec(v.String))
	return nil
}

// str scans into a text.
func str[S ~string](to *S) text[S] { return text[S]{to} }

// clock scans a time column in milliseconds; NULL and 0 are never.
type clock struct{ to *time.Time }

// ScanInt64 implements pgtype.Int64Scanner.
func (c clock) ScanInt64(v pgtype.Int8) error {
	*c.to = core.FromMillis(v.Int64)
	return nil
}

// at scans into a time.
func at(to *time.Time) clock { return clock{to} }

// number scans an integer column; NULL is 0.
type number[N ~int | ~int64 | ~uint8] struct{ to *N }

// ScanInt64 implements pgtype.Int64Scanner.
func (n number[N]) ScanInt64(v pgtype.Int8) error {
	*n.to = N(v.Int64)
	return nil
}

// num scans into an integer.
func num[N ~int | ~int64 | ~uint8](to *N) number[N] { return number[N]{to} }
