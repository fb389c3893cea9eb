package nexconn

import (
	"context"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/normalize"
)

// Bounds of a pull. A piece is small because the SDK reads what has arrived as whole events, however
// the network cut them.
const (
	pullIdle   = 30 * time.Second  // without a chunk: 29003
	pullLease  = 100 * time.Second // of one pull, below the time an answer may take to write: 29001
	pullLook   = time.Second       // between looks for chunks that came by another node
	pullPiece  = 512               // bytes of text in one event
	maxPulls   = 10                // live ones of one person; the SDK makes at most 3. One more: 29001
	pullWithin = 5 * time.Second   // one look at the store
)

// pacing is how long pulls go on.
type pacing struct{ idle, lease, age time.Duration }

// pulls are the pulls that wait for chunks, by who pulls and by what.
type pulls struct {
	mu   sync.Mutex
	pace pacing
	of   map[pullKey]int
	open map[pullKey]map[*pull]struct{}
}

// pullKey is a person's id, or a message's, in an app.
type pullKey struct {
	app core.AppID
	id  string
}

func newPulls() *pulls {
	return &pulls{
		pace: pacing{pullIdle, pullLease, core.StreamAge},
		of:   map[pullKey]int{}, open: map[pullKey]map[*pull]struct{}{},
	}
}

// add registers a pull; it reports false when the person has as many as they may.
func (ps *pulls) add(p *pull) bool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if p.pace = ps.pace; ps.of[p.who] >= maxPulls {
		return false
	}
	ps.of[p.who]++
	if ps.open[p.what] == nil {
		ps.open[p.what] = map[*pull]struct{}{}
	}
	ps.open[p.what][p] = struct{}{}
	return true
}

// remove forgets a pull.
func (ps *pulls) remove(p *pull) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if _, ok := ps.open[p.what][p]; !ok {
		return
	}
	if delete(ps.open[p.what], p); len(ps.open[p.what]) == 0 {
		delete(ps.open, p.what)
	}
	if ps.of[p.who]--; ps.of[p.who] == 0 {
		delete(ps.of, p.who)
	}
}

// tell wakes those who pull a stream that has grown.
func (ps *pulls) tell(app core.AppID, message string) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for p := range ps.open[pullKey{app, message}] {
		select {
		case p.wake <- struct{}{}:
		default: // it is about to look
		}
	}
}

// pull is a stream as one reader is told it, while it grows: the body of an answer of server-sent
// events. It needs no goroutine: whoever reads it waits for the next chunk.
type pull struct {
	d         *Dialect
	ctx       context.Context //nolint:containedctx // of the server: ends when it drains
	by        core.Actor
	who, what pullKey
	message   string
	pace      pacing
	live      bool // waits for more; otherwise it tells what is there
	wake      chan struct{}
	began     time.Time
	news      time.Time // when the last chunk came
	after     int
	events    [][]byte // that wait to be read
	ended     bool
}

var _ io.ReadCloser = (*pull)(nil)

// pullStream answers a stream from its first chunk on, and what is added to it as it comes. Browsers
// call it with the token of their link, and its failures are {"code","message"}.
func (d *Dialect) pullStream(ctx context.Context, _ core.Actor, rq *adapters.Request, rs *adapters.Response) error {
	open(rs)
	p, err := d.openPull(ctx, rq)
	if err != nil {
		n := encode(normalize.New(fault.From(err), normalize.OriginCore, Catalog()), `,"message":`)
		rs.Status, rs.Body = n.Status, n.Body
		return nil
	}
	rs.Set("Cache-Control", "no-store")
	rs.Set("X-Accel-Buffering", "no") // proxies in front would keep what has to arrive at once
	rs.ContentType, rs.Stream, rs.Length = "text/event-stream", p, -1
	return nil
}

// openPull finds who pulls what, and reads what is there.
func (d *Dialect) openPull(ctx context.Context, rq *adapters.Request) (*pull, error) {
	token, ok := strings.CutPrefix(rq.Headers.Get("Authorization"), "Bearer ")
	if !ok || token == "" {
		return nil, fault.AuthTokenMissing.Error("The token is missing.")
	}
	by, err := d.login(ctx, rq.Headers.Get("App-Key"), strings.TrimSpace(token))
	if err != nil {
		return nil, err
	}
	id := rq.Query.Get("messageUID")
	p := &pull{
		d: d, ctx: ctx, by: by, message: id, wake: make(chan struct{}, 1), began: d.now(), news: d.now(),
		who: pullKey{by.App, string(by.User)}, what: pullKey{by.App, id},
	}
	p.event("init", "{}")
	p.live = d.pulls.add(p)
	if err := p.look(); err != nil {
		d.pulls.remove(p)
		return nil, err
	}
	return p, nil
}

// Read implements io.Reader. It answers whole events as far as they fit.
func (p *pull) Read(b []byte) (int, error) {
	for len(p.events) == 0 && !p.ended {
		if err := p.await(); err != nil {
			return 0, err
		}
	}
	if len(p.events) == 0 {
		return 0, io.EOF
	}
	n := 0
	for len(p.events) > 0 && (n == 0 || n+len(p.events[0]) <= len(b)) {
		took := copy(b[n:], p.events[0])
		if n += took; took < len(p.events[0]) {
			p.events[0] = p.events[0][took:]
			break
		}
		p.events = p.events[1:]
	}
	return n, nil
}

// Close implements io.Closer.
func (p *pull) Close() error {
	p.d.pulls.remove(p)
	return nil
}

// await waits for something to tell and looks for it.
func (p *pull) await() error {
	now := p.d.now()
	last := min(p.pace.idle-now.Sub(p.news), p.pace.lease-now.Sub(p.began))
	timer := time.NewTimer(max(0, min(pullLook, last)))
	defer timer.Stop()
	select {
	case <-p.wake:
	case <-timer.C:
	case <-p.ctx.Done():
		p.stop(fault.StreamNotFinished.Error(""), 0, false)
		return nil
	}
	return p.look()
}

// look reads the chunks that have come since, and ends the pull where that is due.
func (p *pull) look() error {
	ctx, cancel := context.WithTimeout(p.ctx, pullWithin)
	defer cancel()
	var s core.Stream
	var err error
	aside(func() { s, err = p.d.core.Streams.Read(ctx, p.by, core.ReadStream{Message: p.message, After: p.after}) })
	if err != nil {
		return err
	}
	now := p.d.now()
	for _, c := range s.Chunks {
		p.after, p.news = c.Seq, now
		for text := c.Text; text != ""; {
			piece := text
			if len(piece) > pullPiece {
				n := pullPiece
				for n > 0 && !utf8.RuneStart(piece[n]) {
					n--
				}
				piece = piece[:n]
			}
			text = text[len(piece):]
			p.event("delta", `{"content":`+string(normalize.AppendString(nil, piece))+`}`)
		}
	}
	switch {
	case s.Done:
		why, ok := cutShort[s.Reason]
		if !ok {
			code, _ := strconv.Atoi(s.Reason)
			p.stop(nil, code, true)
			break
		}
		p.stop(why, 0, true)
	case now.Sub(s.StartedAt) >= p.pace.age:
		p.stop(cutShort["duration"], 0, true)
	case now.Sub(p.news) >= p.pace.idle:
		p.stop(fault.StreamIdleTimeout.Error(""), 0, false)
	case !p.live || now.Sub(p.began) >= p.pace.lease:
		p.stop(fault.StreamNotFinished.Error(""), 0, false)
	}
	return nil
}

// cutShort are the ends of streams that their authors did not make.
var cutShort = map[string]*fault.Error{
	"size": fault.StreamCutOff.Error("").With("size"), "duration": fault.StreamCutOff.Error("").With("duration"),
	"moderation": fault.ModerationRejected.Error("").With("stream"),
}

// stop ends the pull: why it was not the author who ended the stream (nil if it was), what they said
// about it, and whether nothing more will come.
func (p *pull) stop(why *fault.Error, reason int, complete bool) {
	code := 0
	if why != nil {
		code = int(AckStatus(normalize.New(why, normalize.OriginCore, Catalog())))
	}
	w := wire.NewWriter(96)
	w.Open()
	w.Bool("complete", complete)
	w.Int("stopReason", code)
	w.Int("completeReason", reason)
	w.Close()
	p.event("complete", string(w.Bytes()))
	p.ended = true
}

// event queues one event. The SDK takes names and data as they stand, so no space follows a colon.
func (p *pull) event(name, data string) {
	p.events = append(p.events, []byte("event:"+name+"\ndata:"+data+"\n\n"))
}
