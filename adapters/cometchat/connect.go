package cometchat

import (
	"context"
	"strings"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/normalize"
)

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
	if err := app.Settings.Refused(d.now()); err != nil {
		return none, err
	}
	if l.by.User, err = d.holder(ctx, t, f.Get("body.auth").String()); err != nil {
		return none, err
	}
	return d.core.Live.Connect(ctx, l.by, core.Connect{Sink: l.sink, Everything: true, Ended: l.ended})
}

// ended sends the client to another node when the one it was on is gone, as a drain does. The vendor
// has no word for the other ends: a client that may not stay finds out with its next call.
func (l *link) ended(err error) {
	if fault.IsReason(err, fault.ServerUnavailable) {
		l.conn.Close(closeAway, "")
	}
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
