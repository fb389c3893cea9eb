package adapters

import "io"

// Response is what a route answers. The proxy is the only one who writes it to the wire.
type Response struct {
	Status      int    // 0 means 200
	ContentType string // "" means application/json
	Header      []Param
	Body        []byte
	Stream      io.ReadCloser // instead of Body, closed by the proxy
	Length      int64         // of Stream; -1 when unknown
}

// Set adds a header.
func (r *Response) Set(name, value string) { r.Header = append(r.Header, Param{name, value}) }
