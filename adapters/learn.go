package adapters

import (
	"time"

	"dragoman/core"
	"dragoman/normalize/diff"
)

// Learner is implemented by dialects that can tell from their vendor's traffic what is so there: people,
// channels, members, messages and what happens to them, and the tokens its server has handed out.
// Everything is read from what the vendor said, hardly anything from what a client asked for: the vendor
// decides what came of it. It is safe for concurrent use and keeps nothing.
type Learner interface {
	// Learn reads a successful answer of the vendor to an operation. The body may be of any shape: what
	// cannot be read is counted and passed over.
	Learn(route string, rq *Request, answer []byte) Lesson
	// Listen begins to read the messages of one live link.
	Listen(rq *Request) Listener
	// Webhook reads a call of the vendor's to the app's own server; false when it does not prove to be the
	// vendor's, or the vendor has no proof.
	Webhook(app core.AppID, rq *Request) (Lesson, bool)
	// Fill makes the call to the vendor's own API that reads a page of what is missing, with the
	// credentials of our app; nil when the vendor has no call for it.
	Fill(app core.AppID, g Gap) *Call
	// Next reads from the answer to a fill what is still missing: further pages, and for a gap of the kind
	// GapAll the channels that were named.
	Next(app core.AppID, g Gap, answer []byte) []Gap
	// Again makes of a request the one to put to the other side, without what concerns the live link of
	// the first alone. For a write answer is what the first side said, so that what it named gets the same
	// name there. Nil when the other side cannot be asked.
	Again(route string, rq *Request, raw string, answer []byte) *Call
	// Made is the name that a side gave to what an operation has made there, where sides give different
	// ones; else nothing.
	Made(route string, answer []byte) string
	// Rules tells what of the answers is to agree when both sides answer.
	Rules() (*diff.Table, error)
}

// Listener reads the messages of one live link, in their order; client tells who sent one.
type Listener interface {
	Hear(client, text bool, data []byte) Lesson
}

// Lesson is what a piece of traffic says.
type Lesson struct {
	Items  []core.Imported
	Gaps   []Gap // what it shows to be missing
	Unread int   // parts that should have been readable and were not
}

// Add appends another lesson.
func (l *Lesson) Add(o Lesson) {
	l.Items, l.Gaps, l.Unread = append(l.Items, o.Items...), append(l.Gaps, o.Gaps...), l.Unread+o.Unread
}

// GapKind is what is missing.
type GapKind string

// The kinds of gap.
const (
	GapAll       GapKind = "all"       // every channel that changed since
	GapPeople    GapKind = "people"    // every person
	GapChannel   GapKind = "channel"   // one channel: itself, its members, its messages since
	GapMembers   GapKind = "members"   // the members of one channel
	GapThread    GapKind = "thread"    // the replies to one message
	GapReactions GapKind = "reactions" // the reactions to one message
)

// Gap is something that is missing and can be read from the vendor.
type Gap struct {
	Kind    GapKind
	Channel core.ChannelKey
	Message string
	User    core.UserID
	Since   time.Time // zero means from the beginning
	Page    string    // where to go on, in the dialect's own words
}

// Call is a request made up by a dialect. Path has no prefix; Raw is the path with its query.
type Call struct {
	Route   string
	Request *Request
	Raw     string
	// Once says that the call must not be sent again when its outcome is unknown: done twice it would be
	// two things.
	Once bool
}
