package adapters

import (
	"strings"

	"github.com/tidwall/gjson"

	"dragoman/core"
	"dragoman/normalize"
)

// Fronting is implemented by dialects that can stand in front of their own vendor and pass requests
// through. It tells what only the vendor's dialect knows: whose a request is, where it goes, which of
// its parts are credentials, and which answers name the vendor's hosts.
type Fronting interface {
	// AppOf names the app a request is for, by what it shows of itself: key, header, path, host. It
	// judges no credentials; false means that it cannot be told.
	AppOf(rq *Request) (core.AppID, bool)
	// Front prepares to pass one app's requests to its vendor.
	Front(app core.AppID, v VendorApp) (Front, error)
	// FailsQuietly reports whether failures of the vendor may come with a good status, so that every body
	// has to be looked at.
	FailsQuietly() bool
	// ReadError splits an answer of the vendor; ok is false when it is no failure.
	ReadError(u *normalize.Upstream, body []byte) (a normalize.Answer, ok bool)
}

// Introducing is implemented by dialects in whose live links the client speaks first and the handshake
// need not tell the app.
type Introducing interface {
	// AppOfFrame names the app by a message of the client, from the first on. more asks for another one.
	AppOfFrame(text bool, data []byte) (app core.AppID, ok, more bool)
}

// VendorApp is an app as its vendor knows it. Empty credentials mean that those of the client go on
// untouched.
type VendorApp struct {
	Key     string // public name of the app: api key, app key, client id
	Secret  string // signs tokens or calls, or is the key of servers
	AuthKey string // second key of servers, of lesser rights, where the vendor has one
}

// Service is one of the addresses a vendor is reached at.
type Service uint8

// The services. Vendors with one address have all three there.
const (
	ServiceClient Service = iota // what client SDKs call
	ServiceServer                // what servers call with the app's own keys
	ServiceLive                  // live links
)

// Owned tells how much of a call's credentials is ours rather than the caller's, and so whose fault it
// is when the vendor refuses them.
type Owned uint8

// The degrees.
const (
	OwnNothing Owned = iota // the caller's credentials, untouched
	OwnKey                  // the key or the signature is ours, the person is the caller's
	OwnCall                 // all of it is ours: any refusal of who calls is our own fault
)

// Front passes one app's requests to its vendor. It is safe for concurrent use.
type Front interface {
	// Service tells which address of the vendor a request goes to.
	Service(rq *Request) Service
	// Resign puts the vendor's credentials in the place of ours, where they differ. What is not signed
	// with our own passes as it is. An error refuses the request in the dialect's words.
	Resign(rq *Request, out Outgoing) (Owned, error)
	// Rewrites reports whether answers of the operation name the vendor's addresses.
	Rewrites(route string) bool
	// Rewrite puts our own addresses into an answer in the place of the vendor's, and returns where live
	// links are to be relayed to, if the answer tells: host[:port], with the path where links have a prefix
	// there, and with ws:// or wss:// where that is told. It returns the body itself where
	// there is nothing to do.
	Rewrite(route string, rq *Request, body []byte) (out []byte, live []string)
}

// Outgoing is a request on its way to the vendor, as far as a dialect may change it. Names of headers
// are compared without regard to case; the query is as the client wrote it.
type Outgoing interface {
	Header(name string) string
	SetHeader(name, value string)
	Path() string // without query, percent-encoded
	SetPath(path string)
	Query() string // raw
	SetQuery(raw string)
	Body() []byte // nil for a body that is passed on as a stream
	SetBody(b []byte)
}

// SetParam puts a value, percent-encoded already, in the place of every one of the name in a raw query.
// The rest of the query stays as it is.
func SetParam(raw, name, value string) string {
	pairs := strings.Split(raw, "&")
	for i, p := range pairs {
		if k, _, _ := strings.Cut(p, "="); k == name {
			pairs[i] = k + "=" + value
		}
	}
	return strings.Join(pairs, "&")
}

// Splice is a replacement within a JSON document: the value at a path of gjson, and the JSON to put
// there.
type Splice struct{ Path, Value string }

// SpliceJSON makes replacements in a JSON document and leaves every other byte as it is. Paths that lead
// nowhere are left out, as is a document that is no JSON.
func SpliceJSON(doc []byte, list []Splice) []byte {
	if !gjson.ValidBytes(doc) {
		return doc
	}
	for _, s := range list {
		v := gjson.GetBytes(doc, s.Path)
		if !v.Exists() || v.Index <= 0 || v.Index+len(v.Raw) > len(doc) {
			continue
		}
		out := make([]byte, 0, len(doc)+len(s.Value))
		out = append(append(append(out, doc[:v.Index]...), s.Value...), doc[v.Index+len(v.Raw):]...)
		doc = out
	}
	return doc
}
