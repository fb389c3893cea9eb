package normalize

import (
	"encoding/json"

	"dragoman/core/fault"
)

// Row is one error of a vendor's published table.
type Row struct {
	ID        string          // stable row name, such as "ST010"
	Catalog   string          // catalogue the row belongs to, such as "stream"
	Surface   Surface         // where on the wire the row is seen
	Status    int             // HTTP status it travels on; 0 where the vendor has none (SDK numbers)
	Code      json.RawMessage // the vendor's code as it stands on the wire, JSON type included
	Body      json.RawMessage // the code to write into a body; differs from Code only on rows that name a bare HTTP status
	Name      string          // the vendor's name for the error
	Message   string          // the vendor's text with {placeholders}; empty where none is published
	Reason    *fault.Reason   // canonical meaning
	Variant   string          // finer case within the meaning; (Reason, Variant) is unique in a catalogue
	Recognise bool            // true for rows that are understood but never raised by us
	Reach     Reach           // what it takes to provoke the row
	Meaning   string          // our own one-sentence description
	Proof     []string        // names of the tests that provoke the row
	Unproven  string          // why no test can provoke the row here; empty where one does, or is owed
	Line      int             // line in the table the row was read from
}

// CodeText is the vendor's code without JSON quoting: 4, -1, forbidden_op.
func (r *Row) CodeText() string { return codeText(r.Code) }

// Surface names the place of the wire a row belongs to.
type Surface string

// The surfaces. A number means nothing without one: 404 is a status, a business code and an SDK number.
const (
	SurfaceREST Surface = "rest" // a code in the body of an HTTP answer
	SurfaceHTTP Surface = "http" // a bare HTTP status without a code of its own
	SurfaceSDK  Surface = "sdk"  // a number a client library hands to the app
)

// Reach is what it takes to provoke a row on a running server.
type Reach string

// The ways. A row is claimed as proven only by a test named in the vendor's proven.tsv.
const (
	ReachRequest  Reach = "request"  // a wrong request is enough
	ReachConfig   Reach = "config"   // a switch or limit has to be set first
	ReachFault    Reach = "fault"    // something has to break
	ReachClient   Reach = "client"   // only a client library raises it
	ReachUpstream Reach = "upstream" // only the vendor's own servers raise it
)

// State tells what is known of a row: a test provokes it, or it can only be recognised, or the
// dialect still owes the test.
type State string

// The states. Nothing is proven that no test provokes.
const (
	StateProven     State = "proven"
	StateRecognised State = "recognised" // no server of ours raises it; it is understood and translated
	StateExplained  State = "explained"  // nothing here can raise it, for the reason that is given
	StateOwed       State = "owed"
)

// State is what is known of the row.
func (r *Row) State() State {
	switch {
	case len(r.Proof) > 0:
		return StateProven
	case r.Recognise || r.Reach == ReachClient || r.Reach == ReachUpstream:
		return StateRecognised
	case r.Unproven != "":
		return StateExplained
	}
	return StateOwed
}

// Fit tells how well a vendor's row says what the canonical error means.
type Fit string

// The three grades, best first.
const (
	FitExact    Fit = "exact"    // the row means exactly this
	FitVariant  Fit = "variant"  // same canonical error, another case of it
	FitFallback Fit = "fallback" // the nearest row of the vendor; the meaning is only approximate
)

// Match tells by what a vendor's answer was recognised.
type Match string

// The grades of recognition, surest first. MatchNone means that no row was found.
const (
	MatchCode    Match = "code"    // the code names one row
	MatchText    Match = "text"    // status, code and the whole text agree
	MatchHint    Match = "hint"    // rows with one wire form, told apart by URL or exception
	MatchPart    Match = "part"    // the longest fixed part of a row's text occurs in the message
	MatchGeneral Match = "general" // status and code agree, the text is not known
	MatchStatus  Match = "status"  // only the HTTP status is known
	MatchNone    Match = "none"
)
