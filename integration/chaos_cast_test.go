package integration_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"
)

// chaosRest is about how long a client is silent between two messages of a group, in milliseconds.
const chaosRest = 250

// peer is one client: a process with a vendor's SDK.
type peer struct {
	id, dialect string
	groups      []string
	in          io.WriteCloser

	mu        sync.Mutex
	ready     bool
	up        bool
	quiet     bool
	ups       int // how often its link came up
	calm      int // of these, before anything was broken
	refused   int
	acked     map[string][]string        // by group, in the order of acknowledgement
	heard     map[string]map[string]bool // by group: text, one way or another
	live      map[string][]spoken        // by group, in the order of arrival
	history   map[string][]string        // by group, as it reads it at the end
	lastNotes []string
}

// spoken is a message heard on a link; session counts the links.
type spoken struct {
	text    string
	session int64
}

type cast []*peer

// invite makes the people and the groups, starts the clients and waits until their links are up.
func (c *cluster) invite(hook *hookLog) cast {
	t := c.t
	api := api{fmt.Sprintf("http://127.0.0.1:%d", c.ports[0]+1), demoKey, demoSecret}
	agora := fmt.Sprintf("http://127.0.0.1:%d/demo-org/demo-app", c.ports[0]+3)
	token := restJSON(t, "", agora+"/token", `{"grant_type":"client_credentials","client_id":"demo-client-id","client_secret":"demo-client-secret"}`).Get("access_token").Str
	var ids []string
	for _, x := range chaosCast {
		ids = append(ids, x.name)
		restJSON(t, token, agora+"/users", object("username", x.name, "password", "pw-"+x.name))
	}
	var groups []string
	for i := range chaosGroups {
		made := restJSON(t, token, agora+"/chatgroups", object("groupname", fmt.Sprintf("group %d", i), "desc", "d", "public", true, "maxusers", 50, "owner", ids[0], "members", ids[1:]))
		groups = append(groups, made.Get("data.groupid").Str)
	}
	if r := api.do(t, call{Method: "PATCH", Path: "/app", Token: api.server(), Body: object("webhook_url", hook.url)}); r.Status/100 != 2 {
		t.Fatalf("webhook: %d %s", r.Status, r.Body)
	}
	c.groups = groups
	var all cast
	for _, x := range chaosCast {
		front := c.fronts[x.node][x.dialect]
		all = append(all, c.peer(x.dialect, x.name, groups, object(
			"id", x.name, "groups", groups, "rest", chaosRest, "url", "http://"+front.Addr(), "host", fmt.Sprintf("localhost:%d", front.Port()),
			"key", map[string]string{"stream": demoKey, "nexconn": demoNexconnKey}[x.dialect],
			"secret", map[string]string{"stream": demoSecret, "nexconn": demoNexconnSecret}[x.dialect],
			"app", demoCometApp, "authKey", demoCometAuthOnly, "package", "agora-chat", "appKey", "demo-org#demo-app", "password", "pw-"+x.name)))
	}
	if err := within(60*time.Second, func() bool { return all.linked() }); err != nil {
		t.Fatalf("not everyone has come: %v\n%s\n%s\n%s", err, all.state(), all.notes(), c.log)
	}
	return all
}

// restJSON posts to a REST API and returns the answer, which has to be good.
func restJSON(t *testing.T, token, to, body string) gjson.Result {
	t.Helper()
	rq, err := http.NewRequestWithContext(t.Context(), http.MethodPost, to, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	rq.Header.Set("Content-Type", "application/json")
	rq.Header.Set("Authorization", "Bearer "+token)
	r, err := http.DefaultClient.Do(rq)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s %v", to, r.StatusCode, b, err)
	}
	return gjson.ParseBytes(b)
}

// peer starts a client.
func (c *cluster) peer(dialect, id string, groups []string, me string) *peer {
	t := c.t
	p := &peer{id: id, dialect: dialect, groups: groups, acked: map[string][]string{}, heard: map[string]map[string]bool{}, live: map[string][]spoken{}, history: map[string][]string{}}
	for _, g := range groups {
		p.heard[g] = map[string]bool{}
	}
	cmd := exec.Command(node(t), "chaos/"+dialect+".mjs")
	cmd.Env = append(os.Environ(), "CHAOS_PEER="+me, "NODE_EXTRA_CA_CERTS="+c.ca)
	cmd.Stderr = noteWriter{p}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if p.in, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		sc := bufio.NewScanner(out)
		sc.Buffer(nil, 16<<20)
		for sc.Scan() {
			p.take(sc.Bytes())
		}
		_ = cmd.Wait() // it is killed in the end
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		<-over
	})
	return p
}

// noteWriter keeps what a client says outside of the protocol.
type noteWriter struct{ p *peer }

// Write implements io.Writer.
func (w noteWriter) Write(b []byte) (int, error) {
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	w.p.note(string(bytes.TrimSpace(b)))
	return len(b), nil
}

// maxNotes bounds what is kept of a client's remarks.
const maxNotes = 25

// note keeps a remark. The lock is held.
func (p *peer) note(s string) {
	p.lastNotes = append(p.lastNotes, time.Now().Format("05.000 ")+s)
	if len(p.lastNotes) > maxNotes {
		p.lastNotes = p.lastNotes[1:]
	}
}

// take reads one line of a client.
func (p *peer) take(line []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !json.Valid(line) {
		p.note(string(line))
		return
	}
	r := gjson.ParseBytes(bytes.Clone(line))
	group := r.Get("group").Str
	switch {
	case r.Get("ready").Bool():
		p.ready = true
	case r.Get("hushed").Bool():
		p.quiet = true
	case r.Get("link").Exists():
		if up := r.Get("link").Bool(); up != p.up {
			if p.up = up; up {
				p.ups++
			}
			p.note(fmt.Sprintf("link %v", up))
		}
	case r.Get("acked").Exists():
		p.acked[group] = append(p.acked[group], r.Get("acked").Str)
	case r.Get("refused").Exists():
		p.refused++
		p.note(r.Get("refused").Str + " refused: " + r.Get("why").Str)
	case r.Get("heard").Exists():
		if p.heard[group] == nil {
			p.note("heard in a strange place: " + string(line))
			return
		}
		text := r.Get("heard").Str
		p.heard[group][text] = true
		if r.Get("how").Str == "live" {
			p.live[group] = append(p.live[group], spoken{text, r.Get("session").Int()})
		}
	case r.Get("history").Exists():
		p.history[group] = []string{}
		for _, x := range r.Get("history").Array() {
			p.history[group] = append(p.history[group], x.Str)
		}
	case r.Get("note").Exists():
		p.note(r.Get("note").Str)
	}
}

// mark notes that from now on a new link is one that was lost before.
func (p *peer) mark() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calm = p.ups
}

// every reports whether something holds of all clients.
func (cs cast) every(f func(*peer) bool) bool {
	for _, p := range cs {
		p.mu.Lock()
		ok := f(p)
		p.mu.Unlock()
		if !ok {
			return false
		}
	}
	return true
}

func (cs cast) linked() bool { return cs.every(func(p *peer) bool { return p.ready && p.up }) }
func (cs cast) hushed() bool { return cs.every(func(p *peer) bool { return p.quiet }) }
func (cs cast) told() bool {
	return cs.every(func(p *peer) bool { return len(p.history) == len(p.groups) })
}

// acked counts the messages acknowledged so far.
func (cs cast) acked() (n int) {
	cs.every(func(p *peer) bool {
		for _, list := range p.acked {
			n += len(list)
		}
		return true
	})
	return n
}

// reconnects counts how often links came up.
func (cs cast) reconnects() (n int) {
	cs.every(func(p *peer) bool {
		n += p.ups
		return true
	})
	return n
}

// all gives every client an order.
func (cs cast) all(order string) {
	for _, p := range cs {
		_, _ = io.WriteString(p.in, order+"\n") // a client that is gone says nothing, which is noticed
	}
}

// state is how the clients are.
func (cs cast) state() string {
	var b strings.Builder
	cs.every(func(p *peer) bool {
		fmt.Fprintf(&b, "%s (%s): ready %v, link %v, quiet %v, histories %d\n", p.id, p.dialect, p.ready, p.up, p.quiet, len(p.history))
		return true
	})
	return b.String()
}

// notes is what they remarked.
func (cs cast) notes() string {
	var b strings.Builder
	cs.every(func(p *peer) bool {
		fmt.Fprintf(&b, "%s (%s)\n    %s\n", p.id, p.dialect, strings.Join(p.lastNotes, "\n    "))
		return true
	})
	return b.String()
}

// missing says who has not heard what of others; "" when everyone has heard everything.
func (cs cast) missing(truth map[string][]string) string {
	var b strings.Builder
	cs.every(func(p *peer) bool {
		for g, texts := range truth {
			var gap []string
			for _, text := range texts {
				if !strings.HasPrefix(text, p.id+"/") && !p.heard[g][text] {
					gap = append(gap, text)
				}
			}
			if len(gap) > 0 {
				fmt.Fprintf(&b, "%s (%s) has not heard %d of %d in %s: %v\n", p.id, p.dialect, len(gap), len(texts), g, gap[:min(len(gap), 12)])
			}
		}
		return true
	})
	return b.String()
}

// truth is what is stored, by group, in order, as one of the nodes reads it.
func (c *cluster) truth() map[string][]string {
	out := map[string][]string{}
	a := api{fmt.Sprintf("http://127.0.0.1:%d", c.ports[0]+1), demoKey, demoSecret}
	for _, g := range c.groups {
		var all []string
		for before := ""; ; {
			page := object("limit", 300)
			if before != "" {
				page = object("limit", 300, "id_lt", before)
			}
			r := a.do(c.t, call{Method: "POST", Path: "/channels/messaging/" + g + "/query", Token: a.server(),
				Query: url.Values{"user_id": {chaosCast[0].name}}, Body: object("state", true, "messages", json.RawMessage(page))})
			list := r.Get("messages").Array()
			if r.Status/100 != 2 {
				c.t.Fatalf("history of %s: %d %s", g, r.Status, r.Body)
			}
			var texts []string
			for _, m := range list {
				if m.Get("type").Str != "system" && m.Get("text").Str != "" {
					texts = append(texts, m.Get("text").Str)
				}
			}
			all = append(texts, all...)
			if len(list) < 300 {
				break
			}
			before = list[0].Get("id").Str
		}
		out[g] = all
	}
	return out
}

// inOrder counts the places at which a text follows one that it should come before.
func inOrder(texts []string, at map[string]int) (wrong int) {
	last := -1
	for _, x := range texts {
		i, known := at[x]
		if !known {
			continue
		}
		if i < last {
			wrong++
		}
		last = i
	}
	return wrong
}

// places are the positions of texts.
func places(texts []string) map[string]int {
	at := make(map[string]int, len(texts))
	for i, x := range texts {
		at[x] = i
	}
	return at
}

// equalTexts reports whether a client's own history is the truth, without what is not text.
func equalTexts(a, b []string) bool { return slices.Equal(a, b) }
