package stream

import (
	"context"
	"fmt"
	"time"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/normalize"
)

// Entry registers the dialect.
func Entry() adapters.Entry {
	return adapters.Entry{
		Name:    "stream",
		Title:   "Stream Chat",
		Hosts:   []string{"chat.stream-io-api.com", "*.stream-io-api.com"},
		SDKLine: "new StreamChat(apiKey, {baseURL: %q})",
		Catalog: Catalog,
		New:     New,
	}
}

// Dialect is Stream Chat's wire over one core.
type Dialect struct {
	env     adapters.Env
	core    *core.Core
	now     func() time.Time
	tenants map[string]*tenant // by api_key
	secrets map[core.AppID]*tenant
	tokens  *tokenCache
	books   *bookCache
	polls   *pollTable
	routes  []adapters.Route
}

var _ adapters.Dialect = (*Dialect)(nil)

// New builds the dialect. It fails when two apps share an api_key or one has no secret.
func New(env adapters.Env) (adapters.Dialect, error) {
	d := &Dialect{env: env, core: env.Core, now: env.Now, tenants: map[string]*tenant{}, secrets: map[core.AppID]*tenant{}, tokens: newTokenCache(), books: newBookCache(), polls: newPollTable()}
	if d.now == nil {
		d.now = time.Now
	}
	for _, a := range env.Apps {
		key, secret := a.Creds["api_key"], a.Creds["api_secret"]
		if key == "" || secret == "" {
			return nil, fmt.Errorf("stream: app %q needs api_key and api_secret", a.Name)
		}
		if _, dup := d.tenants[key]; dup {
			return nil, fmt.Errorf("stream: api_key %q is used by two apps", key)
		}
		t := &tenant{id: a.ID, key: key, secret: []byte(secret)}
		d.tenants[key] = t
		d.secrets[a.ID] = t
	}
	d.routes = d.table()
	return d, nil
}

// tenant is an app as its credentials show it.
type tenant struct {
	id     core.AppID
	key    string
	secret []byte
}

// Routes implements adapters.Dialect.
func (d *Dialect) Routes() []adapters.Route { return d.routes }

// EncodeError implements adapters.Dialect. The vendor's published table lacks code 46, which its
// SDKs know: the connection of a long poll is gone.
func (d *Dialect) EncodeError(p *normalize.Problem) normalize.Native {
	if p.Reason != fault.SessionNotLoggedIn || p.Variant != variantConnection {
		return EncodeError(p)
	}
	row := normalize.Row{Status: 404, Body: []byte("46")}
	n := normalize.Native{Status: row.Status, ContentType: "application/json", Message: message(p)}
	n.Body = appendError(make([]byte, 0, 256), p, row, n.Message, "0.00ms", moreInfo)
	return n
}

// op builds a route whose answer is one JSON object: encode writes its members, the duration that
// ends every success body is added here. POST and PUT answer 201, as Stream does.
func op[In, Out any](d *Dialect, method, path, name string,
	decode func(*adapters.Request) (In, error),
	call func(context.Context, core.Actor, In) (Out, error),
	encode func(*wire.Writer, *adapters.Request, Out),
) adapters.Route {
	status := 200
	if method == "POST" || method == "PUT" {
		status = 201
	}
	return adapters.Route{
		Method: method, Path: path, Name: name,
		Serve: func(ctx context.Context, by core.Actor, rq *adapters.Request, rs *adapters.Response) error {
			start := d.now()
			in, err := decode(rq)
			if err != nil {
				return err
			}
			out, err := call(ctx, rq.Actor(by), in)
			if err != nil {
				return err
			}
			w := wire.NewWriter(1024)
			w.Open()
			encode(w, rq, out)
			writeDuration(w, d.now().Sub(start))
			w.Close()
			rs.Status, rs.Body = status, w.Bytes()
			return nil
		},
	}
}

// behalf lets a server act for the person named by the body (user_id, or the id of user) or by the
// query. A user acts for nobody else.
func behalf(rq *adapters.Request, r *wire.Reader) error {
	return actFor(rq, named(rq, r))
}

// named is the person a request names as its actor, or "".
func named(rq *adapters.Request, r *wire.Reader) core.UserID {
	if r != nil {
		if id := r.Text("user_id"); id != "" {
			return core.UserID(id)
		}
		if v, ok := r.Look("user"); ok && v.IsObject() {
			if u, ok := r.Object("user"); ok {
				if id := u.Text("id"); id != "" {
					return core.UserID(id)
				}
			}
		}
	}
	return core.UserID(rq.Query.Get("user_id"))
}

// actFor makes the person the actor of the request, if the caller is a server.
func actFor(rq *adapters.Request, id core.UserID) error {
	by := rq.Caller()
	switch {
	case id == "" || id == by.User:
		return nil
	case by.Server():
		rq.SetActor(by.As(id))
		return nil
	}
	return fault.RequestInvalidField.Error("user_id must be the user of the token")
}

// body reads the request body.
func body(rq *adapters.Request) (wire.Reader, error) { return wire.Parse(rq.Body) }

// none decodes a request that has nothing to say.
func none[In any](*adapters.Request) (In, error) {
	var in In
	return in, nil
}

// keyParam is the channel of a path with :type and :id.
func keyParam(rq *adapters.Request) core.ChannelKey {
	return core.KeyOf(rq.Param("type"), rq.Param("id"))
}
