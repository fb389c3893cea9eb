package web_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/proxy"
	"dragoman/web"
)

// browserOf calls a console's pages as the proxy would, and keeps cookies.
type browserOf struct {
	t      *testing.T
	pages  []proxy.Page
	cookie string
}

func (b *browserOf) ask(method, path, body string) *adapters.Response {
	b.t.Helper()
	rq := &adapters.Request{Method: method, Body: []byte(body), Scheme: "http", Headers: adapters.Values{{Name: "Cookie", Value: b.cookie}}}
	path, query, _ := strings.Cut(path, "?")
	rq.Path = path
	for pair := range strings.SplitSeq(query, "&") {
		k, v, _ := strings.Cut(pair, "=")
		rq.Query = append(rq.Query, adapters.Param{Name: k, Value: v})
	}
	for _, p := range b.pages {
		if p.Method == method && p.Path == path {
			rs := p.Serve(rq)
			for _, h := range rs.Header {
				if h.Name == "Set-Cookie" {
					b.cookie, _, _ = strings.Cut(h.Value, ";")
				}
			}
			return rs
		}
	}
	b.t.Fatalf("no page %s %s", method, path)
	return nil
}

func console(t *testing.T, now func() time.Time) (*web.Console, *browserOf) {
	t.Helper()
	c, err := web.NewConsole(web.ConsoleOptions{Core: &core.Core{}, Apps: []web.ConsoleApp{{ID: 1, Name: "one"}}, Password: "open sesame", Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return c, &browserOf{t: t, pages: c.Pages()}
}

func TestConsoleAsksForThePassword(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	_, b := console(t, func() time.Time { return now })
	closed := func(what string) {
		t.Helper()
		for _, path := range []string{"/console", "/console/people", "/console/rooms", "/console/traffic"} {
			if rs := b.ask(http.MethodGet, path, ""); rs.Status != http.StatusSeeOther {
				t.Errorf("%s: %s answers %d", what, path, rs.Status)
			}
		}
	}
	closed("without a session")
	b.cookie = "dragoman_console=99999999999.AAAA"
	closed("with a made-up session")
	if rs := b.ask(http.MethodPost, "/console/sign-in", "password=guess"); rs.Status != http.StatusForbidden {
		t.Errorf("a wrong password answers %d", rs.Status)
	}
	if rs := b.ask(http.MethodPost, "/console/sign-in", "password=open+sesame"); rs.Status != http.StatusSeeOther {
		t.Fatalf("the password answers %d", rs.Status)
	}
	if rs := b.ask(http.MethodGet, "/console", ""); rs.Status != http.StatusOK || !strings.Contains(string(rs.Body), "Traffic") {
		t.Errorf("the operator sees %d %s", rs.Status, rs.Body)
	}
	now = now.Add(13 * time.Hour)
	closed("after the session has ended")
}

func TestConsoleSlowsGuessing(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	_, b := console(t, func() time.Time { return now })
	for range 5 {
		b.ask(http.MethodPost, "/console/sign-in", "password=guess")
	}
	if rs := b.ask(http.MethodPost, "/console/sign-in", "password=open+sesame"); rs.Status != http.StatusTooManyRequests {
		t.Errorf("after five guesses the password answers %d", rs.Status)
	}
	now = now.Add(2 * time.Minute)
	if rs := b.ask(http.MethodPost, "/console/sign-in", "password=open+sesame"); rs.Status != http.StatusSeeOther {
		t.Errorf("later the password answers %d", rs.Status)
	}
}

func TestTrafficIsKeptOnlyWhileSomebodyLooks(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c, b := console(t, func() time.Time { return now })
	if c.Tap().Watching() {
		t.Error("somebody looks at a console nobody has opened")
	}
	b.ask(http.MethodPost, "/console/sign-in", "password=open+sesame")
	b.ask(http.MethodGet, "/console/traffic?after=0", "")
	if !c.Tap().Watching() {
		t.Fatal("nobody looks after a poll")
	}
	for i := range 700 {
		c.Tap().Tell(proxy.Traffic{Kind: proxy.TrafficRequest, Status: i, Reason: fault.UserNotFound.Name()})
	}
	var page struct {
		Next int64
		List []proxy.Traffic
	}
	if err := json.Unmarshal(b.ask(http.MethodGet, "/console/traffic?after=0", "").Body, &page); err != nil {
		t.Fatal(err)
	}
	if page.Next != 700 || len(page.List) != 200 || page.List[199].Status != 699 {
		t.Errorf("a poll answers %d pieces up to %d", len(page.List), page.Next)
	}
	if err := json.Unmarshal(b.ask(http.MethodGet, "/console/traffic?after=700", "").Body, &page); err != nil || len(page.List) != 0 {
		t.Errorf("the next poll answers %d pieces: %v", len(page.List), err)
	}
	now = now.Add(time.Minute)
	if c.Tap().Watching() {
		t.Error("somebody still looks a minute after the last poll")
	}
}
