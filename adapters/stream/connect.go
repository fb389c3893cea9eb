package stream

import (
	"context"
	"time"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// hello is what a client says when it opens a live connection, in the "json" parameter.
type hello struct {
	user    core.UserID
	profile *core.User // nil when only the id was sent
	device  *core.Device
}

// readHello reads the parameter. Role and teams in it are ignored by the core.
func readHello(text string) (hello, error) {
	var h hello
	r, err := wire.ParseText(text)
	if err != nil {
		return h, err
	}
	h.user = core.UserID(r.Text("user_id"))
	u, ok := r.Object("user_details")
	if id := u.Text("id"); ok && id != "" {
		h.user = core.UserID(id)
	}
	if ok && len(u.Fields()) > 1 && !u.Bool("anon") {
		p := readUser(&u)
		h.profile = &p
	}
	if o, ok := r.Object("device"); ok {
		h.device = &core.Device{ID: o.Text("id"), Provider: o.Text("push_provider"), ProviderName: o.Text("push_provider_name")}
		if h.device.ID == "" {
			h.device = nil
		}
	}
	return h, r.Err()
}

// admitted is a client whose credentials were judged and whose hello was read.
type admitted struct {
	caller
	hello
}

// admit judges a client that opens a live connection. Everything comes in query parameters: a
// browser cannot add headers to an upgrade.
func (d *Dialect) admit(ctx context.Context, rq *adapters.Request) (admitted, error) {
	var a admitted
	ctx, cancel := d.bounded(ctx)
	defer cancel()
	t, app, err := d.tenantOf(ctx, rq)
	if err != nil {
		return a, err
	}
	if a.caller, err = d.identify(ctx, t, &app, rq); err != nil {
		a.actor.App = t.id // whose settings say how the error is written
		return a, err
	}
	if a.hello, err = readHello(rq.Query.Get("json")); err != nil {
		return a, err
	}
	switch by := a.actor; {
	case by.Access == core.AccessAnonymous:
		a.profile = nil
	case by.Server():
		return a, fault.AuthTokenInvalid.Error("JWTAuth error: a server token cannot open a user's connection")
	case a.hello.user != "" && a.hello.user != by.User:
		return a, fault.AuthTokenInvalid.Error("JWTAuth error: user_id claim of the token does not match the id of user_details")
	}
	if a.profile != nil {
		a.profile.ID = a.actor.User
	}
	return a, nil
}

// bounded gives a live link's calls the deadline that the proxy gives those of requests.
func (d *Dialect) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if d.env.RequestTimeout > 0 {
		return context.WithTimeout(ctx, d.env.RequestTimeout)
	}
	return context.WithCancel(ctx)
}

// connect registers the client with the core; ended is told when the core ends the connection.
func (d *Dialect) connect(ctx context.Context, a *admitted, sink core.Sink, ended func(error)) (core.Connection, error) {
	ctx, cancel := d.bounded(ctx)
	defer cancel()
	return d.core.Live.Connect(ctx, a.actor, core.Connect{Profile: a.profile, Sink: sink, Ended: ended, Device: a.device})
}

// health writes the event that opens a connection and keeps it alive; self is sent in the first one.
func health(id string, at time.Time, self *core.Self) []byte {
	w := wire.NewWriter(256)
	w.Open()
	w.Text("type", "health.check")
	w.Text("connection_id", id)
	w.Text("cid", "*")
	w.Time("created_at", at)
	if self != nil {
		w.Key("me")
		writeSelf(w, self)
	}
	w.Close()
	return w.Bytes()
}
