package nexconn

import (
	"context"
	"crypto/rand"
	"strings"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
)

// serveSocket runs one live connection. Who comes stands in the URL, so the server speaks first.
func (d *Dialect) serveSocket(ctx context.Context, conn adapters.Conn) error {
	l := &link{d: d, conn: conn, session: rand.Text()}
	var live core.Connection
	opened := false
	aside(func() { live, opened = l.admit(ctx) })
	if !opened {
		return nil
	}
	defer aside(func() { l.leave(live) })
	return l.read(ctx)
}

// aside runs f on a stack of its own and waits for it. Commands go deep, into the store; the goroutine
// that waits for a client's frames for hours must not keep the stack that takes. A panic is the
// caller's to handle, wherever it began.
func aside(f func()) {
	done := make(chan any)
	go func() {
		defer func() { done <- recover() }()
		f()
	}()
	if r := <-done; r != nil {
		panic(r)
	}
}

// version of the protocol that has a flag byte in the first frame.
const flaggedVersion = "4"

// admit judges who comes, registers the connection with the core and sends the first frame.
func (l *link) admit(ctx context.Context) (live core.Connection, ok bool) {
	q := l.conn.Request().Query
	version := 3
	if q.Get("protocolVer") == flaggedVersion {
		version = 4
	}
	token := q.Get("token")
	if token == "" {
		return l.refuse(version, fault.AuthTokenMissing.Error("The token is missing."))
	}
	by, err := l.d.login(ctx, q.Get("appId"), token)
	if err != nil {
		return l.refuse(version, err)
	}
	return l.open(ctx, version, by)
}

// open registers the connection of somebody who may come in.
func (l *link) open(ctx context.Context, version int, by core.Actor) (core.Connection, bool) {
	rq := l.conn.Request()
	l.by, l.t = by, l.d.byApp[by.App]
	l.device = rq.Query.Get("deviceId")
	if l.device == "" || len(l.device) > 128 {
		l.device = l.session
	}
	live, err := l.d.core.Live.Connect(ctx, l.by, core.Connect{
		Sink: l.sink, Everything: true, Ended: l.ended,
		Session: &core.Session{Device: l.device, Name: platformOf(rq.Query.Get("apiVer")), Platform: "web"},
	})
	if err != nil {
		return l.refuse(version, err)
	}
	l.by.Connection = live.ID
	at := l.d.now()
	l.mu.Lock()
	l.conn.Send(adapters.BinaryFrame(connAck(version, 0, string(l.by.User), l.session, at)))
	l.opened = true
	l.hold(pullSoon)
	l.mu.Unlock()
	return live, true
}

// refuse ends a connection that was not let in.
func (l *link) refuse(version int, err error) (core.Connection, bool) {
	l.conn.Send(adapters.BinaryFrame(connAck(version, connStatus(err), "", "", l.d.now())))
	l.conn.Close(1000, "")
	return core.Connection{}, false
}

// closeAway ends a connection whose client is to come back at once.
const closeAway = 1001

// ended tells the client why the core ends its connection.
func (l *link) ended(err error) {
	if fault.IsReason(err, fault.ServerUnavailable) {
		l.conn.Close(closeAway, "") // as in a drain: without a status the SDK comes back by itself
		return
	}
	l.conn.Send(adapters.BinaryFrame(disconnect(endStatus(err))))
	l.conn.Close(1000, "")
}

// leave ends the connection's part in the core and notes how far its device has come.
func (l *link) leave(live core.Connection) {
	live.Close()
	ctx, cancel := context.WithTimeout(context.Background(), tellWithin)
	defer cancel()
	l.mu.Lock()
	acked := l.acked
	if l.held != nil {
		l.held.Stop()
	}
	l.mu.Unlock()
	if acked > 0 {
		_ = l.d.core.Feeds.Ack(ctx, l.by, core.AckFeed{Device: l.device, Stamp: acked})
	}
}

// platformOf is the platform a client says it is of: apiVer is "browser|Chrome|120", for example.
func platformOf(apiVer string) string {
	p, _, _ := strings.Cut(apiVer, "|")
	if p == "" {
		return "web"
	}
	return strings.ToLower(p)
}
