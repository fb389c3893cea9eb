package proxy

import (
	"bytes"
	"context"
	"regexp"
	"time"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"dragoman/adapters"
	"dragoman/core/trace"
)

// Tap is told of the traffic of all dialects while an operator looks at it. It must not block. Secrets
// are taken out of what it is shown: headers are left out, and values that are named like tokens,
// keys or passwords are hidden in queries and bodies.
type Tap interface {
	Watching() bool
	Tell(t Traffic)
}

// watched reports whether somebody looks at the traffic.
func (s *Server) watched() bool { return s.opt.Tap != nil && s.opt.Tap.Watching() }

// TrafficKind is what a piece of traffic is.
type TrafficKind string

// The kinds of traffic.
const (
	TrafficRequest TrafficKind = "request" // a request and its answer
	TrafficOpened  TrafficKind = "opened"  // a live connection began
	TrafficIn      TrafficKind = "in"      // a frame of the client
	TrafficOut     TrafficKind = "out"     // a frame to the client
	TrafficCommand TrafficKind = "command" // what a frame of the client became
	TrafficClosed  TrafficKind = "closed"  // a live connection ended
)

// Traffic is one piece of it.
type Traffic struct {
	Kind     TrafficKind
	At       time.Time
	ID       string // of the request, or of the one a live connection began with
	App      string
	Dialect  string
	Route    string
	User     string
	Method   string
	Path     string // with the query
	Status   int    // of an answer, or the code a connection was closed with
	Took     time.Duration
	Sent     Shown // what the client said
	Answered Shown // what it was told
	Commands []trace.Command
	// Of an error: our name for it, the vendor's code for it, and the sentence.
	Reason, VendorCode, Detail string
}

// Shown is a body or a frame, cut to what a person reads.
type Shown struct {
	Text  string // empty for binary ones
	Bytes int    // length of the whole
}

// maxShown bounds what is shown of a body or frame, in bytes.
const maxShown = 2 << 10

// secretValue finds members of JSON, form and query whose name speaks of a secret.
var secretValue = regexp.MustCompile(`(?i)((?:"?[a-z_.-]*(?:token|secret|password|passwd|pwd|api_?key|signature|authorization)[a-z_-]*"?|"auth")\s*[:=]\s*)("(?:[^"\\]|\\.)*"?|[^&\s,}"]+)`)

// secretText finds tokens by their looks, wherever they stand: JSON Web Tokens and AccessToken2.
var secretText = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,2}|007eJ[A-Za-z0-9+/=_-]{16,}`)

// show cuts and cleans a body or frame.
func show(b []byte) Shown {
	s := Shown{Bytes: len(b)}
	cut := b[:min(len(b), 2*maxShown)]
	for i := 0; i < 3 && len(cut) > 0 && len(cut) < len(b) && !utf8.Valid(cut); i++ {
		cut = cut[:len(cut)-1]
	}
	if !utf8.Valid(cut) || bytes.IndexByte(cut, 0) >= 0 {
		return s
	}
	clean := secretText.ReplaceAll(secretValue.ReplaceAll(cut, []byte(`$1"…"`)), []byte("…"))
	for clean = clean[:min(len(clean), maxShown)]; !utf8.Valid(clean); {
		clean = clean[:len(clean)-1]
	}
	s.Text = string(clean)
	return s
}

// showPath is a request's path and query without secrets.
func showPath(rq *adapters.Request) string {
	s := rq.Path
	for i, q := range rq.Query {
		sep := "&"
		if i == 0 {
			sep = "?"
		}
		s += sep + q.Name + "=" + q.Value
	}
	return show([]byte(s)).Text
}

// traced makes the commands of a request known to the tap.
func (x *exchange) traced(ctx context.Context) context.Context {
	if x.l.s.opt.Tap == nil {
		return ctx
	}
	return trace.With(ctx, x)
}

// Watching implements trace.Recorder.
func (x *exchange) Watching() bool { return x.l.s.watched() }

// Record implements trace.Recorder.
func (x *exchange) Record(c trace.Command) {
	x.tap.Lock()
	x.commands = append(x.commands, c)
	x.tap.Unlock()
}

// tell shows the tap an answered request, or the beginning of a connection.
func (x *exchange) tell() {
	if !x.l.s.watched() || x.m == nil || x.m.pages || x.early {
		return
	}
	t := Traffic{
		Kind: TrafficRequest, At: x.start, ID: x.rq.ID, Dialect: x.m.name, User: string(x.by.User), Method: printable(x.rq.Method),
		Path: showPath(x.rq), Status: x.status, Took: time.Since(x.start), Sent: show(x.rq.Body), Answered: show(x.answer),
	}
	if x.live {
		t.Kind = TrafficOpened
	}
	if x.app != nil {
		t.App = x.app.Name
	}
	if x.t != nil {
		t.Route = x.t.name
	}
	if x.problem != nil {
		t.Reason, t.VendorCode, t.Detail = x.problem.Code, vendorCode(x), x.problem.Detail
	}
	x.tap.Lock()
	t.Commands = x.commands
	x.tap.Unlock()
	x.l.s.opt.Tap.Tell(t)
}

// traced makes the commands of a connection known to the tap.
func (c *conn) traced(ctx context.Context) context.Context {
	if c.s.opt.Tap == nil {
		return ctx
	}
	return trace.With(ctx, c)
}

// Watching implements trace.Recorder.
func (c *conn) Watching() bool { return c.s.watched() }

// Record implements trace.Recorder.
func (c *conn) Record(cmd trace.Command) {
	t := c.traffic(TrafficCommand)
	t.User, t.Commands, t.Reason, t.Detail = string(cmd.User), []trace.Command{cmd}, cmd.Reason, cmd.Detail
	c.s.opt.Tap.Tell(t)
}

// traffic begins a piece of a connection's traffic.
func (c *conn) traffic(kind TrafficKind) Traffic {
	return Traffic{Kind: kind, At: time.Now(), ID: c.rq.ID, Dialect: c.m.name, Route: c.spec.Name}
}

// tellIn shows the tap a frame of the client.
func (c *conn) tellIn(text bool, data []byte) {
	if c.watch != nil {
		c.watch.Frame(FromClient, text, data)
	}
	if c.s.watched() {
		t := c.traffic(TrafficIn)
		t.Sent = show(data)
		c.s.opt.Tap.Tell(t)
	}
}

// tellOut shows the tap a frame to the client.
func (c *conn) tellOut(wire []byte) {
	if c.watch == nil && !c.s.watched() {
		return
	}
	r := bytes.NewReader(wire)
	head, err := ws.ReadHeader(r)
	if err != nil {
		return
	}
	if c.watch != nil && head.OpCode.IsData() {
		c.watch.Frame(ToClient, head.OpCode == ws.OpText, wire[len(wire)-r.Len():])
	}
	if !c.s.watched() {
		return
	}
	t := c.traffic(TrafficOut)
	t.Answered = show(wire[len(wire)-r.Len():])
	c.s.opt.Tap.Tell(t)
}

// tellEnd shows the tap that a connection ended.
func (c *conn) tellEnd(code int, took time.Duration) {
	if c.s.watched() {
		t := c.traffic(TrafficClosed)
		t.Status, t.Took = code, took
		c.s.opt.Tap.Tell(t)
	}
}
