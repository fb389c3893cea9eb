package agora

import (
	"context"
	"crypto/subtle"
	"time"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// tokenRoutes hand out tokens.
func (d *Dialect) tokenRoutes() []adapters.Route {
	return []adapters.Route{
		op(d, plain, "POST", "/token", "issueToken", d.issue, encodeGrant).Gated(adapters.GateApp),
		op(d, full, "GET", "/sdk/users/:username/token/expires", "tokenExpires", d.tokenExpires, encodeExpires),
	}
}

// grant is what a grant answers.
type grant struct {
	token  string
	ends   time.Time
	user   *core.User
	shape  string // the grant type
	issued time.Time
}

func encodeGrant(a *answer, g grant) {
	a.Text("access_token", g.token)
	if g.shape == "agora" {
		a.Int64("expire_timestamp", g.ends.UnixMilli())
		return
	}
	a.Int64("expires_in", int64(g.ends.Sub(g.issued)/time.Second))
	a.Text("application", a.t.uuid)
	if g.user != nil {
		a.Key("user")
		writeUser(a, g.user)
	}
}

// issue serves POST /token in its four forms; see
// https://docs.agora.io/en/agora-chat/develop/authentication and the vendor's server SDK.
func (d *Dialect) issue(ctx context.Context, by core.Actor, rq *adapters.Request) (grant, error) {
	t, err := d.tenantOf(rq)
	if err != nil {
		return grant{}, err
	}
	r, err := body(rq)
	if err != nil {
		return grant{}, err
	}
	g := grant{shape: r.Text("grant_type"), issued: d.now()}
	o := opaque{realm: realmEasemob, issued: g.issued, ends: g.issued.Add(life(&r))}
	if err := r.Err(); err != nil {
		return g, err
	}
	switch g.shape {
	case "client_credentials":
		id, secret := equal(r.Text("client_id"), t.clientID), equal(r.Text("client_secret"), t.clientSecret)
		if t.clientID == "" || !id || !secret {
			return g, wrongGrant()
		}
	case "password":
		g.user, err = d.byPassword(ctx, by.App, core.UserID(r.Text("username")), r.Text("password"))
	case "inherit":
		g.user, err = d.inherit(ctx, t, rq, &r)
	case "agora":
		var b bearer
		if b, err = d.bearer(t, rq); err == nil {
			o.realm, o.user, o.ends = realmAgora, b.user, b.ends
		}
	default:
		return g, fault.RequestInvalid.Error("The grant type is not known.")
	}
	if err == nil {
		err = r.Err()
	}
	if err != nil {
		return g, err
	}
	if g.user != nil {
		o.user = g.user.ID
	}
	g.token, g.ends = t.mint(o), o.ends
	return g, nil
}

// life is the ttl of a body, in seconds; 0 or none is the default.
func life(r *wire.Reader) time.Duration {
	v, ok := r.Look("ttl")
	if !ok || v.Num <= 0 {
		return opaqueLife
	}
	return time.Duration(min(v.Num, float64(10*365*24*3600))) * time.Second
}

// equal compares secrets in constant time.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// wrongGrant is the failure of a wrong user, password or secret alike: nobody learns which.
func wrongGrant() *fault.Error { return fault.AuthWrongPassword.Error("Invalid username or password.") }

// byPassword finds the user a name and a password belong to.
func (d *Dialect) byPassword(ctx context.Context, app core.AppID, name core.UserID, password string) (*core.User, error) {
	u, err := d.person(ctx, app, name)
	if err != nil && !fault.IsReason(err, fault.UserNotFound) {
		return nil, err
	}
	id := name
	if u != nil {
		id = u.ID
	}
	ok, err := d.opens(ctx, app, id, password)
	if err != nil {
		return nil, err
	}
	if !ok || u == nil {
		return nil, wrongGrant()
	}
	return u, nil
}

// inherit finds the user a server names, and creates them when asked to.
func (d *Dialect) inherit(ctx context.Context, t *tenant, rq *adapters.Request, r *wire.Reader) (*core.User, error) {
	b, err := d.bearer(t, rq)
	if err != nil {
		return nil, err
	}
	if b.user != "" {
		return nil, fault.PermissionDenied.Error("Only an app token makes tokens of users.")
	}
	name := core.UserID(r.Text("username"))
	u, err := d.person(ctx, t.id, name)
	if !fault.IsReason(err, fault.UserNotFound) || !r.Bool("autoCreateUser") {
		return u, err
	}
	us, err := d.register(ctx, t.id, []newUser{{name: name}})
	if err != nil {
		return nil, err
	}
	return &us[0], nil
}

// tokenExpires tells when the token of the request ends. The SDK asks with a new token before it
// takes it, and reads the member at the top; others look below data.
func (d *Dialect) tokenExpires(_ context.Context, _ core.Actor, rq *adapters.Request) (time.Time, error) {
	t, err := d.tenantOf(rq)
	if err != nil {
		return time.Time{}, err
	}
	b, err := d.bearer(t, rq)
	return b.ends, err
}

func encodeExpires(a *answer, ends time.Time) {
	a.Int64("expire_timestamp", ends.UnixMilli())
	a.Object("data")
	a.Int64("expire_timestamp", ends.UnixMilli())
	a.Close()
}
