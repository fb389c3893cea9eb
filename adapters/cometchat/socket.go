package cometchat

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/normalize"
)

// Types of frames of the live link.
const (
	frameAuth      = "auth"
	frameMessage   = "message"
	frameReaction  = "reaction"
	frameReceipts  = "receipts"
	frameTyping    = "typing_indicator"
	frameTransient = "transient_message"
	framePresence  = "presence"
)

// Bounds of one connection.
const (
	authWithin = 15 * time.Second // from the upgrade to the auth frame
	maxQueue   = 2000             // events that wait to be written
	maxNoise   = 1000             // frames of the client that say nothing
)

// serverDevice is the deviceId of frames that no device caused. It must be nobody's own: clients
// drop the frames that bear theirs.
const serverDevice = "dragoman"

// Sockets implements adapters.Dialect. The link is at the root of its host, with no query.
func (d *Dialect) Sockets() []adapters.Socket {
	return []adapters.Socket{{Path: "/", Name: "Connect", Serve: d.serveSocket}}
}

// link is one live connection.
type link struct {
	d      *Dialect
	t      *tenant
	conn   adapters.Conn
	by     core.Actor
	device string
	roles  []string // only the presence of people of these roles; nil for everyone followed

	mu    sync.Mutex
	queue []core.Delivery
	wake  chan struct{}
}

// serveSocket runs one live connection: the auth frame first, then events one way and receipts,
// typing and transient messages the other.
func (d *Dialect) serveSocket(ctx context.Context, conn adapters.Conn) error {
	l := &link{d: d, conn: conn, wake: make(chan struct{}, 1)}
	first, err := l.greeting(ctx)
	if err != nil || !first.Exists() {
		return nil //nolint:nilerr // the connection ended before it began
	}
	live, err := l.admit(ctx, first)
	if err != nil {
		l.refuse(first, err)
		return nil
	}
	defer live.Close()
	l.by.Connection = live.ID
	if err := l.follow(ctx, first); err != nil {
		l.refuse(first, err)
		return nil
	}
	conn.Send(adapters.TextFrame(l.welcome()))
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var told sync.WaitGroup
	told.Go(func() { l.tellAll(ctx) })
	defer told.Wait()
	defer stop()
	return l.read(ctx)
}

// greeting waits for the auth frame; pings before it are answered. An absent result is a connection
// that has ended, or a client that had no patience with us.
func (l *link) greeting(ctx context.Context) (gjson.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, authWithin)
	defer cancel()
	for range maxNoise {
		text, data, err := l.conn.Read(ctx)
		if err != nil {
			l.conn.Close(closePolicy, "auth frame expected")
			return gjson.Result{}, err
		}
		f, ok := frame(text, data)
		switch {
		case !ok:
		case f.Get("action").Str == "ping":
			l.pong()
		case f.Get("type").Str == frameAuth:
			return f, nil
		}
	}
	l.conn.Close(closePolicy, "auth frame expected")
	return gjson.Result{}, nil
}

// frame reads one message of a client.
func frame(text bool, data []byte) (gjson.Result, bool) {
	if !text || !gjson.ValidBytes(data) {
		return gjson.Result{}, false
	}
	v := gjson.ParseBytes(data)
	return v, v.IsObject()
}

// admit judges the auth frame and opens the connection.
func (l *link) admit(ctx context.Context, f gjson.Result) (core.Connection, error) {
	d := l.d
	var none core.Connection
	t, ok := d.tenants[f.Get("appId").String()]
	if !ok {
		var err error
		if t, err = d.tenantOf(l.conn.Request()); err != nil {
			return none, err
		}
	}
	l.t = t
	l.device = orElse(f.Get("deviceId").String(), f.Get("body.deviceId").String())
	l.by = core.Actor{App: t.id, Access: core.AccessUser, Platform: platformOf(l.device)}
	app, err := d.core.Apps.Get(ctx, server(t.id), core.GetApp{})
	if err != nil {
		return none, err
	}
	if app.Settings.Suspended {
		return none, fault.AppSuspended.Error(app.Settings.SuspendedReason)
	}
	if l.by.User, err = d.holder(ctx, t, f.Get("body.auth").String()); err != nil {
		return none, err
	}
	return d.core.Live.Connect(ctx, l.by, core.Connect{Sink: l.sink, Everything: true})
}

// holder is who may open the live link with a JWT, or with an auth token itself.
func (d *Dialect) holder(ctx context.Context, t *tenant, secret string) (core.UserID, error) {
	s, ok := t.readSession(secret)
	switch {
	case secret == "":
		return "", fault.AuthTokenMissing.Error("The auth frame has no JWT.")
	case !ok:
		by, _, err := d.bearer(ctx, t, core.Actor{App: t.id}, secret)
		return by.User, err
	case s.expired(d.now()):
		return "", fault.AuthTokenExpired.Error("The JWT has expired.")
	}
	alive, err := d.tokenAlive(ctx, t, &s)
	if err != nil {
		return "", err
	}
	if !alive {
		return "", fault.AuthTokenInvalid.Error("The auth token of this JWT does not exist any more.")
	}
	u, err := d.person(ctx, t.id, s.user)
	if err != nil {
		return "", err
	}
	return u.ID, nil
}

// platformOf is what kind of client a session id names.
func platformOf(device string) string {
	s := strings.ToLower(device)
	for _, p := range []string{"android", "ios"} {
		if strings.HasPrefix(s, p) {
			return p
		}
	}
	return "web"
}

// Kinds of presence a client may ask for; see
// https://www.cometchat.com/docs/sdk/javascript/user-presence.
const (
	presenceAll     = "ALL_USERS"
	presenceRoles   = "ROLES"
	presenceFriends = "FRIENDS"
)

// follow subscribes to the presence the auth frame asks for.
func (l *link) follow(ctx context.Context, f gjson.Result) error {
	in := core.FollowPresence{Everyone: true}
	switch f.Get("body.presenceSubscription").String() {
	case presenceAll:
	case presenceRoles:
		l.roles = []string{}
		for _, r := range words(f.Get("body.roles")) {
			l.roles = append(l.roles, coreRole(r))
		}
	case presenceFriends:
		in.Everyone = false
		for page := (core.Page{Limit: 100}); page.Offset <= 900; page.Offset += page.Limit {
			fs, err := l.d.core.Friends.List(ctx, l.by, core.ListFriends{Page: page})
			if err != nil {
				return err
			}
			for i := range fs {
				in.Users = append(in.Users, fs[i].Friend)
			}
			if len(fs) < page.Limit {
				break
			}
		}
	default:
		return nil
	}
	_, err := l.d.core.Live.Follow(ctx, l.by, in)
	return err
}

// words reads a list that may be a text with commas.
func words(v gjson.Result) []string {
	if !v.IsArray() {
		if v.String() == "" {
			return nil
		}
		return strings.Split(v.String(), ",")
	}
	var out []string
	for _, x := range v.Array() {
		out = append(out, x.String())
	}
	return out
}

// refuse ends a connection that was not let in. The SDK shows nothing of a failure but the close.
func (l *link) refuse(f gjson.Result, err error) {
	p := normalize.New(fault.From(err), normalize.OriginCore, Catalog())
	p.Op, p.RequestID = "Connect", l.conn.Request().ID
	b, code := AuthFailure(p, f.Get("appId").String())
	l.conn.Send(adapters.TextFrame(b))
	l.conn.Close(code, "")
}

// welcome is the frame that ends the SDK's waiting: code and status are texts, and exactly these.
func (l *link) welcome() []byte {
	w := wire.NewWriter(256)
	w.Open()
	w.Text("appId", l.t.appID)
	w.Text("receiver", string(l.by.User))
	w.Text("receiverType", "user")
	w.Text("deviceId", l.device)
	w.Text("type", frameAuth)
	w.Text("sender", string(l.by.User))
	w.Object("body")
	w.Text("code", "200")
	w.Text("status", "OK")
	w.Close()
	w.Close()
	return w.Bytes()
}

func (l *link) pong() { l.conn.Send(pong) }

// pong answers a ping; without it the SDK reconnects after three seconds.
var pong = adapters.TextFrame([]byte(`{"action":"pong","ack":"true"}`))

// sink takes what the core tells. It must not block, and writing a frame can take a look at the
// store: the connection's own goroutine does that.
func (l *link) sink(dl core.Delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) >= maxQueue {
		l.conn.Close(closeTryLater, "too slow")
		return
	}
	l.queue = append(l.queue, dl)
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// tellAll writes what is queued until the connection ends.
func (l *link) tellAll(ctx context.Context) {
	for {
		l.mu.Lock()
		batch := l.queue
		l.queue = nil
		l.mu.Unlock()
		for i := range batch {
			l.tell(ctx, batch[i].Event)
		}
		if len(batch) > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-l.conn.Done():
			return
		case <-l.wake:
		}
	}
}

// tell writes the frames of one event.
func (l *link) tell(ctx context.Context, ev *core.Event) {
	if ev.Kind == core.UserPresence && (ev.User.ID == l.by.User || l.roles != nil && !slices.Contains(l.roles, orElse(ev.User.Role, core.RoleUser))) {
		return
	}
	frames := core.Encoded(ev, "cometchat", func(e *core.Event) []adapters.Frame { return l.d.frames(ctx, l.t, e) })
	for _, f := range frames {
		l.conn.Send(f)
	}
}

// read serves the client's frames until the connection ends.
func (l *link) read(ctx context.Context) error {
	for noise := 0; noise < maxNoise; {
		text, data, err := l.conn.Read(ctx)
		switch {
		case errors.Is(err, adapters.ErrTooBig):
			l.conn.Close(1009, "message too big")
			return nil
		case err != nil:
			return nil //nolint:nilerr // the connection has ended, which is how connections end
		}
		f, ok := frame(text, data)
		switch {
		case !ok:
			noise++
		case f.Get("action").Str == "ping":
			l.pong()
		case !l.hear(core.WithOrigin(ctx, l.device), f):
			noise++
		}
	}
	l.conn.Close(closePolicy, "too many frames that say nothing")
	return nil
}
