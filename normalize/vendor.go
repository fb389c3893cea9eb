package normalize

// Vendor joins a catalogue with the code that reads and writes the vendor's error bodies.
type Vendor struct {
	Catalog *Catalog
	// Read splits an answer into what the catalogue looks at; ok is false when the answer is no
	// failure. Body is decompressed and capped; it may be cut short, empty or not JSON at all.
	Read func(u *Upstream, body []byte) (a Answer, ok bool)
	// Encode writes a problem in the vendor's shape. Nil for tables of client library numbers,
	// which never travel on a wire of ours.
	Encode func(p *Problem) Native
}

// Upstream is an answer of a foreign server as it came over the wire.
type Upstream struct {
	Status int
	Path   string                   // URL path of the request that was answered
	Header func(name string) string // response headers by canonical name; nil means none
	Body   []byte                   // as received, possibly compressed
}

// header returns a response header, or nothing.
func (u *Upstream) header(name string) string {
	if u.Header == nil {
		return ""
	}
	return u.Header(name)
}
