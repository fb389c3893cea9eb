package core

// Access is how far a caller has proven who it is.
type Access uint8

// The kinds of caller, weakest first. A Server is trusted with everything in its app and acts on
// behalf of whom it names; User is empty then, or the person it acts for.
const (
	AccessAnonymous Access = iota
	AccessGuest
	AccessUser
	AccessServer
)

// Actor is who asks: the result of a dialect's authentication.
type Actor struct {
	App        AppID
	User       UserID // empty for a server that acts for nobody
	Access     Access
	Connection string // id of the live connection this request belongs to, if any
	Platform   string // ios, android, web, server; for rate limits and statistics
}

// Server reports whether permission checks do not apply.
func (a Actor) Server() bool { return a.Access == AccessServer }

// As returns the server actor acting for the user: same trust, other author.
func (a Actor) As(u UserID) Actor {
	a.User = u
	return a
}
