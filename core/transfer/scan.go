package transfer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// maxItem bounds one item of a file, in bytes.
const maxItem = 16 << 20

// errFormat is a file that is neither a JSON array nor JSON lines.
var errFormat = errors.New("this is neither a JSON array nor JSON lines")

// scanner splits a file into its objects: one per line, or the items of one array. It counts bytes
// and lines, so that an item can be named and a reader can go on where another stopped.
type scanner struct {
	r      *bufio.Reader
	offset int64 // bytes taken so far
	line   int   // line at that place, from 1
	buf    []byte
}

// newScanner reads on from a place: its byte and its line.
func newScanner(r io.Reader, offset int64, line int) *scanner {
	return &scanner{r: bufio.NewReaderSize(r, 1<<20), offset: offset, line: line}
}

// next returns the next object, valid until the one after, and the line it begins on; io.EOF at the
// end. What is between objects may be space, commas and the brackets of the array.
func (s *scanner) next() (raw []byte, line int, err error) {
	for {
		c, err := s.byte()
		if err != nil {
			return nil, s.line, err
		}
		switch c {
		case '\n', ' ', '\t', '\r', ',', '[', ']', 0xef, 0xbb, 0xbf:
		case '{':
			line = s.line
			raw, err = s.object()
			return raw, line, err
		default:
			return nil, s.line, fmt.Errorf("line %d: %w: found %q where an object begins", s.line, errFormat, c)
		}
	}
}

// byte takes one byte.
func (s *scanner) byte() (byte, error) {
	c, err := s.r.ReadByte()
	if err != nil {
		return 0, err
	}
	s.offset++
	if c == '\n' {
		s.line++
	}
	return c, nil
}

// object takes the rest of an object whose brace was taken.
func (s *scanner) object() ([]byte, error) {
	s.buf = append(s.buf[:0], '{')
	depth, quoted, escaped := 1, false, false
	for depth > 0 {
		part, err := s.r.Peek(max(1, min(s.r.Buffered(), 64<<10)))
		if len(part) == 0 {
			if errors.Is(err, io.EOF) {
				err = fmt.Errorf("line %d: the file ends within an object: %w", s.line, io.ErrUnexpectedEOF)
			}
			return nil, err
		}
		n := 0
		for n < len(part) && depth > 0 {
			c := part[n]
			n++
			switch {
			case escaped:
				escaped = false
			case quoted:
				switch c {
				case '\\':
					escaped = true
				case '"':
					quoted = false
				}
			case c == '"':
				quoted = true
			case c == '{' || c == '[':
				depth++
			case c == '}' || c == ']':
				depth--
			}
		}
		s.buf = append(s.buf, part[:n]...)
		s.offset += int64(n)
		s.line += bytes.Count(part[:n], []byte{'\n'})
		if _, err := s.r.Discard(n); err != nil {
			return nil, err
		}
		if len(s.buf) > maxItem {
			return nil, fmt.Errorf("line %d: an item is larger than %d bytes", s.line, maxItem)
		}
	}
	return s.buf, nil
}
