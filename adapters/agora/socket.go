package agora

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/normalize"
)

// Bounds of one connection.
const (
	maxFrame     = 512 << 10        // bytes of one message of the client
	loginWithin  = 15 * time.Second // from the upgrade to the PROVISION frame; the SDK waits 10 s for its answer
	maxNoise     = 1000             // frames that say nothing
	closeNormal  = 1000
	closePolicy  = 1008
	closeTooBig  = 1009
	closeRetry   = 1013
	closeAway    = 1001             // as in a drain: the SDK comes back by itself
	expiryGrace  = 30 * time.Second // for a client that ends itself when its token does
	tokenPrefix  = "$t$"
	commandWaits = 15 * time.Second // the SDK gives a send up after that
	// lastWords is how long a connection stays after its client was told why it ends: the SDK decodes
	// frames later than it hears of a close, and would come again without knowing better.
	lastWords = 500 * time.Millisecond
)

// Sockets implements adapters.Dialect.
func (d *Dialect) Sockets() []adapters.Socket {
	return []adapters.Socket{{Path: "/websocket", Name: "MSync", MaxMessage: maxFrame, Serve: d.serveSocket}}
}

// link is one live connection. It waits for the client's frames in the goroutine of the socket;
// whatever goes deep runs in another one, so that a connection that only waits keeps a small stack.
type link struct {
	d       *Dialect
	conn    adapters.Conn
	t       *tenant
	by      core.Actor
	device  string // the client's resource
	session string
	live    core.Connection
	expiry  *time.Timer
	over    atomic.Bool // the client was told why its connection ends

	mu      sync.Mutex
	told    []*core.Event // what waits to be told
	telling bool          // a goroutine is at it, or the login is under way
	tellers sync.WaitGroup
	queues  map[core.ChannelID]*queue // those that anything happened in; 0 is the person's own box
}

// apart runs f in a goroutine of its own and waits for it; a panic is the caller's to handle.
func apart(f func()) {
	done := make(chan any)
	go func() {
		defer func() { done <- recover() }()
		f()
	}()
	if r := <-done; r != nil {
		panic(r)
	}
}

// serveSocket runs one live connection.
func (d *Dialect) serveSocket(ctx context.Context, conn adapters.Conn) error {
	l := &link{d: d, conn: conn, telling: true}
	first, ok := l.greeting(ctx)
	if !ok {
		return nil
	}
	in := false
	apart(func() { in = l.login(ctx, first) })
	if !in {
		return nil
	}
	defer l.end()
	return l.read(ctx)
}

// greeting waits for the PROVISION frame.
func (l *link) greeting(ctx context.Context) (*frame, bool) {
	ctx, cancel := context.WithTimeout(ctx, loginWithin)
	defer cancel()
	for range maxNoise {
		text, data, err := l.conn.Read(ctx)
		if err != nil {
			break
		}
		f := new(frame)
		if !text && f.decode(data, 0) == nil && f.command == cmdProvision {
			return f, true
		}
	}
	l.conn.Close(closePolicy, "login expected")
	return nil, false
}

// login admits the client, or refuses it with the text its SDK knows.
func (l *link) login(ctx context.Context, f *frame) bool {
	ctx, cancel := context.WithTimeout(ctx, commandWaits)
	defer cancel()
	var p provision
	err := p.decode(f.payload, 0)
	if err != nil {
		err = fault.AuthTokenInvalid.Error("The login frame cannot be read.")
	}
	var until time.Time
	if err == nil {
		l.session = p.sessionID
		until, err = l.admit(ctx, f, &p)
	}
	if err == nil {
		err = l.catchUp(ctx)
	}
	if err != nil {
		if l.live.Close != nil {
			l.live.Close()
		}
		l.refuse(&p, err)
		return false
	}
	if !until.IsZero() {
		// The timer may fire at once, so that it is set before anything else is told.
		l.expiry = time.AfterFunc(until.Sub(l.d.now())+expiryGrace, func() { l.conn.Close(closeNormal, "token expired") })
	}
	l.send(cmdProvision, l.welcome(&p, until))
	l.mu.Lock()
	l.telling = len(l.told) > 0
	if l.telling {
		l.tellers.Go(l.tellAll)
	}
	l.mu.Unlock()
	return true
}

// admit judges the credentials and opens the connection.
func (l *link) admit(ctx context.Context, f *frame, p *provision) (until time.Time, err error) {
	guid := f.guid.v
	if guid == nil {
		guid = &jid{}
	}
	l.device = orElse(p.resource, orElse(guid.resource, p.deviceUUID))
	l.by, until, err = l.d.login(ctx, guid.appKey, core.UserID(guid.name), tokenOf(f, p))
	l.t = l.d.byApp[l.by.App]
	if err != nil {
		return until, err
	}
	l.by.Platform = platformOf(p)
	if err = l.makeRoom(ctx, p); err != nil {
		return until, err
	}
	session := &core.Session{Device: l.device, Name: p.deviceName, Platform: l.by.Platform, Extra: l.described(p)}
	l.live, err = l.d.core.Live.Connect(ctx, l.by, core.Connect{Sink: l.sink, Everything: true, Ended: l.ended, Session: session})
	l.by.Connection = l.live.ID
	return until, err
}

// maxDevices is how many devices of one platform a person can be logged in on at once; see
// https://docs.agora.io/en/agora-chat/develop/multi-device-login.
const maxDevices = 4

// described is what is kept of the device.
func (l *link) described(p *provision) core.Extra {
	w := wire.NewWriter(64)
	w.Open()
	w.Text("device_uuid", clip(p.deviceUUID))
	w.Close()
	return w.Bytes()
}

// makeRoom ends the sessions that give way to this login: one of the same device, and the oldest when
// the person has too many. They are told what the app said when logging in.
func (l *link) makeRoom(ctx context.Context, p *provision) error {
	own, err := l.d.core.Sessions.List(ctx, l.by, core.ListSessions{})
	if err != nil {
		return err
	}
	same := own[:0:0]
	for _, s := range own {
		switch {
		case s.Device == l.device:
			err = l.kick(ctx, s.Connection, p.reason)
		case s.Platform == l.by.Platform:
			same = append(same, s)
		}
		if err != nil {
			return err
		}
	}
	for len(same) >= maxDevices {
		if err := l.kick(ctx, same[0].Connection, p.reason); err != nil {
			return err
		}
		same = same[1:]
	}
	return nil
}

func (l *link) kick(ctx context.Context, connection, text string) error {
	_, err := l.d.core.Sessions.Kick(ctx, l.by, core.KickSessions{Connection: connection, Reason: kickElsewhere, Text: orElse(text, kickElsewhere)})
	return err
}

// kickElsewhere is the core's word for a session that gave way to another login.
const kickElsewhere = "elsewhere"

// tokenOf finds the token in a login: the frame has it, and the payload as JSON.
func tokenOf(f *frame, p *provision) string {
	token := f.auth
	if token == "" {
		if r, err := wire.ParseText(p.authToken); err == nil {
			token = r.Text("token")
		}
	}
	if len(token) >= len(tokenPrefix) && token[:len(tokenPrefix)] == tokenPrefix {
		token = token[len(tokenPrefix):]
	}
	return token
}

// platformOf names the kind of client by its operating system.
func platformOf(p *provision) string {
	switch p.osType {
	case 0:
		return "ios"
	case 1:
		return "android"
	case 16:
		return "web"
	}
	return "desktop"
}

// refuse answers a login that is not let in. The SDK goes by the text.
func (l *link) refuse(p *provision, err error) {
	s := LoginStatus(l.problem(err))
	out := provision{status: oneStatus{&wireStatus{int64(s.Code), s.Reason}}, resource: orElse(p.resource, l.device), sessionID: p.sessionID}
	l.send(cmdProvision, &out)
	l.conn.Close(closeNormal, "")
}

func (l *link) problem(err error) *normalize.Problem {
	p := normalize.New(fault.From(err), normalize.OriginCore, Catalog())
	p.Op, p.RequestID = "MSync", l.conn.Request().ID
	return p
}

// welcome answers a login: the resource is echoed, since the client takes it over, and the end of
// the token is told as a moment, in milliseconds.
func (l *link) welcome(p *provision, until time.Time) *provision {
	out := &provision{status: success(), resource: l.device, sessionID: p.sessionID}
	if !until.IsZero() {
		w := wire.NewWriter(40)
		w.Open()
		w.Int64("expires_in", until.UnixMilli())
		w.Close()
		out.authToken = string(w.Bytes())
	}
	return out
}

// send queues one frame.
func (l *link) send(command int64, payload message) {
	l.conn.Send(frameOf(command, payload.encode(make([]byte, 0, 256))))
}

// frameOf wraps a payload.
func frameOf(command int64, payload []byte) adapters.Frame {
	f := frame{command: command, payload: payload}
	return adapters.BinaryFrame(f.encode(make([]byte, 0, len(payload)+16)))
}

// end closes the connection's place in the core, when nothing is told any more.
func (l *link) end() {
	if l.expiry != nil {
		l.expiry.Stop()
	}
	l.live.Close()
	l.tellers.Wait()
}

// ended tells the client why the core ends its connection, which the SDK takes for final, and closes it.
func (l *link) ended(err error) {
	if fault.IsReason(err, fault.ServerUnavailable) {
		l.conn.Close(closeAway, "")
		return
	}
	op := KickOperation(l.problem(err))
	if op == 0 {
		op = kickRemoved // the account is gone or out of use
	}
	body := statsBody{op: always(op)}
	if f := fault.From(err); op == kickLogin && f.Detail != kickElsewhere {
		body.reason = f.Detail // what the app said with the login that took its place
	}
	x := item{id: l.d.serial(), timestamp: uint64(l.d.now().UnixMilli()), ns: nsStatistic, payload: body.encode(nil)} //nolint:gosec // after 1970
	x.from.v, x.to.v = &jid{name: "admin", domain: domainUser}, l.self()
	dl := syncDL{status: success(), metas: []item{x}, isLast: true, timestamp: x.timestamp}
	dl.queue.v = boxJID()
	l.send(cmdSync, &dl)
	l.over.Store(true)
	time.AfterFunc(lastWords, func() { l.conn.Close(closeNormal, "") })
}

// self names the person of the connection.
func (l *link) self() *jid {
	return &jid{appKey: l.t.key(), name: string(l.by.User), domain: domainUser}
}

// read serves the client's frames until the connection ends.
func (l *link) read(ctx context.Context) error {
	for noise := 0; noise < maxNoise; {
		text, data, err := l.conn.Read(ctx)
		switch {
		case errors.Is(err, adapters.ErrTooBig):
			l.conn.Close(closeTooBig, "message too big")
			return nil
		case err != nil:
			return nil //nolint:nilerr // the connection has ended, which is how connections end
		}
		if l.over.Load() {
			continue // what comes after the last words is nobody's
		}
		var f frame
		if text || f.decode(data, 0) != nil {
			noise++
			continue
		}
		switch f.command {
		case cmdUnread:
			l.unread()
		case cmdSync:
			var ul syncUL
			if ul.decode(f.payload, 0) != nil {
				noise++
				continue
			}
			apart(func() { l.sync(ctx, &ul) })
		case cmdLogout:
			l.conn.Close(closeNormal, "")
			return nil
		default:
			noise++
		}
	}
	l.conn.Close(closePolicy, "too many frames that say nothing")
	return nil
}

// sync serves a SYNC frame: something sent, or a queue to read on.
func (l *link) sync(ctx context.Context, ul *syncUL) {
	ctx, cancel := context.WithTimeout(core.WithOrigin(ctx, l.device), commandWaits)
	defer cancel()
	switch {
	case ul.meta.v != nil:
		l.hear(ctx, ul.meta.v)
	case ul.queue.v != nil:
		l.pull(ctx, ul.queue.v, core.Stamp(ul.key)) //nolint:gosec // a key that is none acknowledges nothing
	}
}
