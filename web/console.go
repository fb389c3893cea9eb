package web

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/proxy"
)

var (
	//go:embed console.html
	consoleHTML string
	//go:embed console.css
	consoleCSS []byte
	//go:embed console.js
	consoleJS []byte
)

// ConsoleOptions is what a console shows.
type ConsoleOptions struct {
	Core     *core.Core
	Apps     []ConsoleApp
	Password string // of the operator; at least 8 characters
	Now      func() time.Time
	// Panes is the folder of the built live panes ("make panes"): one script for each dialect, which
	// brings that vendor's own SDK. Empty means that there are none and the view says how to get them.
	Panes string
	// Pane tells how a person enters a dialect: what its script is given. nil means no panes.
	Pane func(ctx context.Context, app, dialect, user string) (PaneSetup, error)
}

// ConsoleApp is one tenant.
type ConsoleApp struct {
	ID   core.AppID
	Name string
}

// PaneSetup is what a live pane is given: the line an app would change, as data.
type PaneSetup struct {
	Dialect string            `json:"dialect"`
	URL     string            `json:"url"` // of the dialect, without a trailing slash
	User    string            `json:"user"`
	Token   string            `json:"token"`
	Room    string            `json:"room"`
	Keys    map[string]string `json:"keys"` // public ones alone: api key, app id
}

// Console is the operator's view: live traffic, people and rooms, and in the demo four panes in which
// the vendors' own SDKs talk to each other.
type Console struct {
	o    ConsoleOptions
	gate *gate
	tail *tail
	page *template.Template
}

// dialectsShown are the panes, in order, with the person each is by default.
var dialectsShown = []struct{ Name, Title, User string }{
	{"stream", "Stream Chat", "alice"}, {"cometchat", "CometChat", "bob"}, {"agora", "Agora Chat", "carol"}, {"nexconn", "Nexconn", "dave"},
}

// NewConsole prepares a console.
func NewConsole(o ConsoleOptions) (*Console, error) {
	page, err := template.New("console").Funcs(template.FuncMap{
		"ms": func(d time.Duration) string {
			return strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', 1, 64) + " ms"
		},
	}).Parse(consoleHTML)
	if err != nil {
		return nil, fmt.Errorf("console page: %w", err)
	}
	return &Console{o: o, gate: newGate(o.Password, o.Now), tail: &tail{now: o.Now}, page: page}, nil
}

// Tap is where the proxy tells of traffic.
func (c *Console) Tap() proxy.Tap { return c.tail }

// Pages are the console's pages below /console.
func (c *Console) Pages() []proxy.Page {
	get := func(path string, f func(*adapters.Request) *adapters.Response) proxy.Page {
		return proxy.Page{Method: http.MethodGet, Path: path, Serve: c.guarded(f)}
	}
	return []proxy.Page{
		get("/console", c.live),
		get("/console/people", c.people),
		get("/console/rooms", c.rooms),
		get("/console/rooms/:key", c.room),
		get("/console/traffic", c.traffic),
		get("/console/pane/:dialect", c.pane),
		get("/console/panes/:file", c.script),
		{Method: http.MethodGet, Path: "/console/console.css", Serve: asset("text/css; charset=utf-8", consoleCSS)},
		{Method: http.MethodGet, Path: "/console/console.js", Serve: asset("text/javascript; charset=utf-8", consoleJS)},
		{Method: http.MethodGet, Path: "/console/sign-in", Serve: func(*adapters.Request) *adapters.Response { return c.signInPage(http.StatusOK, "") }},
		{Method: http.MethodPost, Path: "/console/sign-in", Serve: c.signIn},
		{Method: http.MethodPost, Path: "/console/sign-out", Serve: c.signOut},
	}
}

// consolePolicy is the Content-Security-Policy of the console's own pages.
const consolePolicy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; frame-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guarded lets only the operator pass.
func (c *Console) guarded(f func(*adapters.Request) *adapters.Response) func(*adapters.Request) *adapters.Response {
	return func(rq *adapters.Request) *adapters.Response {
		if !c.gate.admits(rq.Headers.Get("Cookie")) {
			return redirect("/console/sign-in")
		}
		return f(rq)
	}
}

func asset(kind string, body []byte) func(*adapters.Request) *adapters.Response {
	return func(*adapters.Request) *adapters.Response {
		rs := &adapters.Response{ContentType: kind, Body: body}
		rs.Set("X-Content-Type-Options", "nosniff")
		rs.Set("Cache-Control", "no-cache")
		return rs
	}
}

func redirect(to string) *adapters.Response {
	rs := &adapters.Response{Status: http.StatusSeeOther, ContentType: "text/plain; charset=utf-8", Body: []byte("See " + to + "\n")}
	rs.Set("Location", to)
	return rs
}

// consolePage is what the template sees.
type consolePage struct {
	View    string // live, people, rooms, room, sign-in
	Notice  string
	App     string
	Apps    []ConsoleApp
	Panes   []paneOf
	People  []core.User
	Rooms   []core.ChannelState
	Room    *core.ChannelState
	Built   bool
	Traffic bool
}

// paneOf is one live pane.
type paneOf struct{ Name, Title, User string }

// render writes a page.
func (c *Console) render(status int, p consolePage) *adapters.Response {
	var b bytes.Buffer
	if err := c.page.Execute(&b, p); err != nil {
		return &adapters.Response{Status: http.StatusInternalServerError, ContentType: "text/plain; charset=utf-8", Body: []byte("The page could not be made.\n")}
	}
	rs := &adapters.Response{Status: status, ContentType: "text/html; charset=utf-8", Body: b.Bytes()}
	rs.Set("Content-Security-Policy", consolePolicy)
	rs.Set("X-Content-Type-Options", "nosniff")
	rs.Set("Referrer-Policy", "no-referrer")
	rs.Set("Cache-Control", "no-store")
	return rs
}

// app is the tenant a page is about: the one named, or the first.
func (c *Console) app(rq *adapters.Request) ConsoleApp {
	for _, a := range c.o.Apps {
		if a.Name == rq.Query.Get("app") {
			return a
		}
	}
	if len(c.o.Apps) == 0 {
		return ConsoleApp{}
	}
	return c.o.Apps[0]
}

func (c *Console) live(rq *adapters.Request) *adapters.Response {
	p := consolePage{View: "live", App: c.app(rq).Name, Apps: c.o.Apps, Traffic: true, Built: c.o.Panes != ""}
	if c.o.Pane != nil {
		for _, d := range dialectsShown {
			p.Panes = append(p.Panes, paneOf(d))
		}
	}
	return c.render(http.StatusOK, p)
}

// listed bounds what a list shows.
const listed = 100

// pageTime bounds reading what a page shows.
const pageTime = 5 * time.Second

func (c *Console) people(rq *adapters.Request) *adapters.Response {
	ctx, cancel := context.WithTimeout(context.Background(), pageTime)
	defer cancel()
	a := c.app(rq)
	us, err := c.o.Core.Users.Query(ctx, operator(a), core.QueryUsers{Page: core.Page{Limit: listed}})
	return c.render(http.StatusOK, consolePage{View: "people", App: a.Name, Apps: c.o.Apps, People: us, Notice: sentence(err)})
}

func (c *Console) rooms(rq *adapters.Request) *adapters.Response {
	ctx, cancel := context.WithTimeout(context.Background(), pageTime)
	defer cancel()
	a := c.app(rq)
	rooms, err := c.o.Core.Channels.Query(ctx, operator(a), core.QueryChannels{Page: core.Page{Limit: 30}})
	return c.render(http.StatusOK, consolePage{View: "rooms", App: a.Name, Apps: c.o.Apps, Rooms: rooms, Notice: sentence(err)})
}

func (c *Console) room(rq *adapters.Request) *adapters.Response {
	ctx, cancel := context.WithTimeout(context.Background(), pageTime)
	defer cancel()
	a := c.app(rq)
	p := consolePage{View: "room", App: a.Name, Apps: c.o.Apps}
	found, err := c.o.Core.Channels.Query(ctx, operator(a), core.QueryChannels{
		Filter: core.Cond("key", core.OpEq, core.Text(rq.Param("key"))), Page: core.Page{Limit: 1},
		State: core.StateWanted{State: true, Messages: core.MessagePage{Limit: 50}},
	})
	if p.Notice = sentence(err); len(found) > 0 {
		p.Room = &found[0]
	} else if err == nil {
		p.Notice = "There is no such room."
	}
	return c.render(http.StatusOK, p)
}

// operator acts for nobody, with the trust of a server.
func operator(a ConsoleApp) core.Actor {
	return core.Actor{App: a.ID, Access: core.AccessServer, Platform: "server"}
}

// sentence is an error as the page shows it.
func sentence(err error) string {
	if err == nil {
		return ""
	}
	return "The core answered: " + err.Error()
}

// trafficPage is what a poll answers.
type trafficPage struct {
	Next int64           `json:"next"`
	List []proxy.Traffic `json:"list"`
}

// traffic answers what passed since the number the last poll ended with.
func (c *Console) traffic(rq *adapters.Request) *adapters.Response {
	after, _ := strconv.ParseInt(rq.Query.Get("after"), 10, 64) // anything else starts from the oldest
	list, next := c.tail.after(after)
	b, err := json.Marshal(trafficPage{next, list})
	if err != nil {
		return &adapters.Response{Status: http.StatusInternalServerError, Body: []byte("{}")}
	}
	rs := &adapters.Response{Body: b}
	rs.Set("Cache-Control", "no-store")
	return rs
}

// paneHTML is the page inside a pane. The setup travels as data, not as script.
const paneHTML = `<!doctype html><html lang="en"><meta charset="utf-8"><title>%[1]s</title><link rel="stylesheet" href="/console/console.css">
<body class="pane" data-setup="%[2]s"><ol id="log"></ol><form id="say"><input id="text" placeholder="Message" autocomplete="off" aria-label="Message"><button>Send</button></form>
<p id="state">connecting</p><script src="/console/panes/%[1]s.js"></script></body></html>`

// panePolicy lets a vendor's SDK work: it connects to whatever host it was given, and one of them makes its
// protobuf codecs by eval. Nothing but the pane's own frame has this policy.
const panePolicy = "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-eval'; connect-src http: https: ws: wss:; img-src * data: blob:; worker-src 'self' blob:; base-uri 'none'; frame-ancestors 'self'"

// pane is one live pane.
func (c *Console) pane(rq *adapters.Request) *adapters.Response {
	if c.o.Pane == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), pageTime)
	defer cancel()
	setup, err := c.o.Pane(ctx, c.app(rq).Name, rq.Param("dialect"), rq.Query.Get("user"))
	if err != nil {
		return &adapters.Response{Status: http.StatusServiceUnavailable, ContentType: "text/plain; charset=utf-8", Body: []byte(err.Error() + "\n")}
	}
	b, err := json.Marshal(setup)
	if err != nil {
		return nil
	}
	body := fmt.Sprintf(paneHTML, template.HTMLEscapeString(setup.Dialect), template.HTMLEscapeString(string(b)))
	rs := &adapters.Response{ContentType: "text/html; charset=utf-8", Body: []byte(body)}
	rs.Set("Content-Security-Policy", panePolicy)
	rs.Set("Cache-Control", "no-store")
	return rs
}

// scriptName is what a built script may be called: nothing that leads out of its folder.
var scriptName = regexp.MustCompile(`^[a-z]+\.js$`)

// script is a built pane.
func (c *Console) script(rq *adapters.Request) *adapters.Response {
	name := rq.Param("file")
	if c.o.Panes == "" || !scriptName.MatchString(name) {
		return nil
	}
	b, err := os.ReadFile(filepath.Join(c.o.Panes, name))
	if err != nil {
		return nil
	}
	return asset("text/javascript; charset=utf-8", b)(rq)
}

func (c *Console) signInPage(status int, notice string) *adapters.Response {
	return c.render(status, consolePage{View: "sign-in", Notice: notice})
}

// signIn takes the operator's password.
func (c *Console) signIn(rq *adapters.Request) *adapters.Response {
	form, err := url.ParseQuery(string(rq.Body))
	if err != nil {
		return c.signInPage(http.StatusBadRequest, "This is not a form.")
	}
	switch ok, wait := c.gate.open(form.Get("password")); {
	case wait:
		return c.signInPage(http.StatusTooManyRequests, "Too many wrong passwords. Try again in a minute.")
	case !ok:
		return c.signInPage(http.StatusForbidden, "That is not the password.")
	}
	rs := redirect("/console")
	rs.Set("Set-Cookie", cookie(rq, c.gate.ticket(), int(sessionLife.Seconds())))
	return rs
}

// signOut takes the cookie back.
func (c *Console) signOut(rq *adapters.Request) *adapters.Response {
	rs := redirect("/console/sign-in")
	rs.Set("Set-Cookie", cookie(rq, "", 0))
	return rs
}

// cookie is strict: no other site can make a request that carries it.
func cookie(rq *adapters.Request, value string, age int) string {
	s := cookieName + "=" + value + "; Path=/console; HttpOnly; SameSite=Strict; Max-Age=" + strconv.Itoa(age)
	if rq.Scheme == "https" {
		s += "; Secure"
	}
	return s
}
