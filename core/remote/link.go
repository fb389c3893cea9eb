package remote

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/remote/codec"
)

// A link carries the live connections of one process to one node: an HTTP request that is upgraded,
// then frames both ways, each four bytes of length and that many bytes of a list of up or down. An empty
// frame says that the other side lives. Order is kept, so what a connection is told comes in the order
// in which the node has told it. Neither side waits for the other: a reader that is late fills the
// writer's queue, and a full queue cuts the link, upon which all its clients come back by themselves.
const (
	linkPath = "Live/Link"
	linkName = "dragoman-core"
	maxFrame = 64 << 20
)

// up is one word of a proxy.
type up struct {
	Conn  uint64 // the proxy's number of the connection
	Open  *opening
	Close bool
}

// opening asks for a connection.
type opening struct {
	Actor      core.Actor
	Origin     string
	Within     time.Duration
	Profile    *core.User
	Everything bool
	Device     *core.Device
	Session    *core.Session
	Ended      bool // whether the end is to be told
}

// down is one word of a node.
type down struct {
	Conn    uint64
	Opened  *opened
	Refused *codec.Failure
	Told    *told
	Ended   *codec.Failure
	Closed  bool // everything about the connection is done
	Bye     bool // of the link: the node goes away, take your connections elsewhere
}

// opened is an open connection.
type opened struct {
	ID   string
	Self core.Self
}

// told is one delivery. Events of a frame that several connections are told of stand in it once.
type told struct {
	Event  int // index in the frame
	As     core.Relation
	Counts *core.Counts
}

// upFrame and downFrame are what a frame holds.
type (
	upFrame   struct{ Words []up }
	downFrame struct {
		Events []*core.Event
		Words  []down
	}
)

// writeFrame sends one frame.
func writeFrame(w io.Writer, b []byte) error {
	head := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(b)), uint32(len(b))) //nolint:gosec // bounded by maxFrame
	_, err := w.Write(append(head, b...))
	return err
}

// readFrame receives one frame.
func readFrame(r *bufio.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > maxFrame {
		return nil, errors.New("remote: a frame is too large")
	}
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	return b, err
}

// link is the proxy's side.
type link struct {
	n *node

	mu    sync.Mutex
	conns map[uint64]*conn
	last  uint64
	out   []up
	kick  chan struct{} // there is something in out
	up    bool
	bye   bool   // the node is going away
	shut  func() // hangs up
}

// conn is one live connection.
type conn struct {
	l      *link
	no     uint64
	id     string // once open
	sink   core.Sink
	ended  func(error)
	answer chan down // Opened or Refused
	closed chan struct{}
	once   sync.Once
}

func newLink(n *node) *link {
	return &link{n: n, conns: map[uint64]*conn{}, kick: make(chan struct{}, 1)}
}

// ready reports whether connections can be opened.
func (l *link) ready() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.up && !l.bye
}

// keep holds the link up until the client ends.
func (l *link) keep() {
	for l.n.c.run.Err() == nil {
		err := l.hold()
		if l.n.c.run.Err() != nil {
			break
		}
		if err != nil && !errors.Is(err, errRefused) && l.n.cb.State() == 0 {
			l.n.c.opt.Report("the live link to a core node is gone", l.n.url, err)
		}
		select {
		case <-l.n.c.run.Done():
		case <-time.After(l.n.c.opt.Probe / 2):
		}
	}
}

// hold opens the link and serves it until it breaks.
func (l *link) hold() error {
	ctx, cancel := context.WithCancel(l.n.c.run)
	defer cancel()
	slow := time.AfterFunc(2*dialWithin, cancel) // the context ends what is no link yet
	rw, err := l.dial(ctx)
	if err != nil {
		return err
	}
	slow.Stop()
	// The stream is closed by whoever sees its end first: the reader, the writer, the watch or Close.
	var once sync.Once
	shut := func() { once.Do(func() { cancel(); _ = rw.Close() }) } // an end is an end
	defer shut()
	stop := context.AfterFunc(l.n.c.run, shut)
	defer stop()
	silence := l.n.c.opt.Silence
	watch := time.AfterFunc(silence, shut)
	defer watch.Stop()
	l.mu.Lock()
	l.up, l.bye, l.out, l.shut = true, false, nil, shut
	l.mu.Unlock()
	var writer sync.WaitGroup
	writer.Go(func() {
		defer shut()
		l.write(ctx, rw, silence/3)
	})
	err = l.read(rw, func() { watch.Reset(silence) })
	shut()
	writer.Wait()
	l.lost()
	return err
}

// dial asks the node for a link.
func (l *link) dial(ctx context.Context) (io.ReadWriteCloser, error) {
	rq, err := http.NewRequestWithContext(ctx, http.MethodPost, l.n.url+prefix+linkPath, http.NoBody)
	if err != nil {
		return nil, err
	}
	rq.Header.Set("Authorization", "Bearer "+l.n.c.opt.Secret)
	rq.Header.Set(protocolHeader, protocol)
	rq.Header.Set("Connection", "Upgrade")
	rq.Header.Set("Upgrade", linkName)
	rs, err := l.n.c.http.RoundTrip(rq)
	if err != nil {
		return nil, err
	}
	rw, ok := rs.Body.(io.ReadWriteCloser)
	if rs.StatusCode != http.StatusSwitchingProtocols || !ok {
		_ = rs.Body.Close() // of no use
		if rs.Header.Get(drainingHeader) != "" {
			return nil, errRefused
		}
		return nil, fmt.Errorf("remote: %s refuses the live link with status %d", l.n.url, rs.StatusCode)
	}
	return rw, nil
}

// write sends what waits until the link ends, and a sign of life when nothing does.
func (l *link) write(ctx context.Context, w io.Writer, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		l.mu.Lock()
		f := upFrame{l.out}
		l.out = nil
		l.mu.Unlock()
		for len(f.Words) > 0 {
			part := upFrame{f.Words[:min(len(f.Words), 1000)]}
			f.Words = f.Words[len(part.Words):]
			if writeFrame(w, codec.Marshal(&part)) != nil {
				return
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-l.kick:
		case <-tick.C:
			if writeFrame(w, nil) != nil {
				return
			}
		}
	}
}

// read hands on what the node says until the link ends.
func (l *link) read(r io.Reader, alive func()) error {
	in := bufio.NewReaderSize(r, 64<<10)
	d := codec.Decoder{Stream: true}
	for {
		b, err := readFrame(in)
		if err != nil {
			return err
		}
		alive()
		if len(b) == 0 {
			continue
		}
		var f downFrame
		if err := codec.Read(&d, b, &f); err != nil {
			return err
		}
		for i := range f.Words {
			l.hear(&f, &f.Words[i])
		}
	}
}

// hear hands one word to its connection.
func (l *link) hear(f *downFrame, w *down) {
	if w.Bye {
		l.n.draining.Store(true)
		l.n.c.done.Go(l.leave)
		return
	}
	l.mu.Lock()
	c := l.conns[w.Conn]
	if c != nil && (w.Refused != nil || w.Closed) {
		delete(l.conns, w.Conn)
		l.empty()
	}
	l.mu.Unlock()
	if c == nil {
		return // closed meanwhile
	}
	switch {
	case w.Told != nil:
		if t := w.Told; t.Event >= 0 && t.Event < len(f.Events) {
			c.sink(core.Delivery{Event: f.Events[t.Event], As: t.As, Counts: t.Counts})
		}
	case w.Opened != nil, w.Refused != nil:
		if w.Opened != nil {
			l.n.c.conns.Store(w.Opened.ID, l.n)
		}
		c.answer <- *w
	case w.Ended != nil:
		c.end(w.Ended.Fault()) // its owner closes it then
	case w.Closed:
		c.close()
	}
}

// empty hangs up when the node is going away and nothing is left on the link. The caller holds mu.
func (l *link) empty() {
	if l.bye && len(l.conns) == 0 && l.shut != nil {
		l.shut()
	}
}

// push queues a word. The caller holds mu and has seen that the link is up.
func (l *link) push(w up) {
	l.out = append(l.out, w)
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

// end tells the owner that the connection has ended.
func (c *conn) end(err error) {
	if c.ended != nil {
		c.once.Do(func() { c.ended(err) })
	}
}

// close notes that the node has nothing more to do for the connection.
func (c *conn) close() { close(c.closed) }

// errLost is how connections end whose node is gone.
func errLost(n *node) *fault.Error {
	return fault.ServerUnavailable.Error("").Cause(errors.New("remote: the link to " + n.url + " is gone"))
}

// lost ends what was on the link.
func (l *link) lost() {
	l.mu.Lock()
	all := l.conns
	l.conns, l.up, l.out = map[uint64]*conn{}, false, nil
	l.mu.Unlock()
	for _, c := range all {
		select {
		case c.answer <- down{Refused: codec.FailureOf(errLost(l.n))}:
		default: // it was answered
		}
		c.end(errLost(l.n))
		c.close()
	}
}

// leave takes the connections off a node that goes away, spread over a while so that not all clients
// come back at the same moment; then it hangs up.
func (l *link) leave() {
	l.mu.Lock()
	l.bye = true
	l.empty()
	all := make([]*conn, 0, len(l.conns))
	for _, c := range l.conns {
		all = append(all, c)
	}
	l.mu.Unlock()
	if len(all) == 0 {
		return
	}
	tick := time.NewTicker(max(l.n.c.opt.Spread/time.Duration(len(all)), time.Microsecond))
	defer tick.Stop()
	for _, c := range all {
		select {
		case <-l.n.c.run.Done():
			return
		case <-tick.C:
		}
		c.end(errLost(l.n))
	}
}
