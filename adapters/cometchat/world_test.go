package cometchat_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters/adaptertest"
	"dragoman/adapters/cometchat"
	"dragoman/core"
)

// api is a running server and how to call it.
type api struct {
	t *testing.T
	w *adaptertest.World
}

// newAPI starts a server with four people.
func newAPI(t *testing.T, s adaptertest.Setup) *api {
	t.Helper()
	s.Users = []string{"alice", "bob", "carol", "dave"}
	return &api{t, adaptertest.NewWorld(t, vendor(), s)}
}

// client keeps no connection: a server that ends must not wait for one.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// reply is an answer.
type reply struct {
	status int
	body   gjson.Result
	header http.Header
}

// code is the vendor's code of a failure, "" for a success.
func (r reply) code() string { return r.body.Get("error.code").String() }

// data is what a success carries.
func (r reply) data(path string) gjson.Result {
	if path == "" {
		return r.body.Get("data")
	}
	return r.body.Get("data." + path)
}

// raw makes one call with the headers given in pairs.
func (a *api) raw(method, path, body string, headers ...string) reply {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	rq, err := http.NewRequestWithContext(ctx, method, a.w.URL+path, bytes.NewReader([]byte(body)))
	if err != nil {
		a.t.Fatal(err)
	}
	rq.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		rq.Header.Set(headers[i], headers[i+1])
	}
	rs, err := client.Do(rq)
	if err != nil {
		a.t.Fatal(err)
	}
	defer rs.Body.Close()
	b, err := io.ReadAll(rs.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	r := reply{rs.StatusCode, gjson.ParseBytes(b), rs.Header}
	if !gjson.ValidBytes(b) || r.body.Get("data").Exists() == r.body.Get("error").Exists() || rs.StatusCode == 204 {
		a.t.Fatalf("%s %s: status %d with %.300s", method, path, rs.StatusCode, b)
	}
	return r
}

// as makes a call of a person's client.
func (a *api) as(user, method, path, body string, headers ...string) reply {
	a.t.Helper()
	token := cometchat.UserToken(a.w.Creds["full_access_key"], core.UserID(user), time.Now(), time.Time{})
	return a.raw(method, "/v3.0"+path, body, append([]string{"appId", "app1", "authToken", token}, headers...)...)
}

// srv makes a call of a server with the full access key.
func (a *api) srv(method, path, body string, headers ...string) reply {
	a.t.Helper()
	return a.raw(method, "/v3"+path, body, append([]string{"appId", "app1", "apikey", "full-key"}, headers...)...)
}

// must fails the test for a refused call.
func (a *api) must(r reply) reply {
	a.t.Helper()
	if r.code() != "" || r.status != 200 {
		a.t.Fatalf("refused: %d %.300s", r.status, r.body.Raw)
	}
	return r
}

// text sends a text and answers its id.
func (a *api) text(from, kind, to, text string) string {
	a.t.Helper()
	return a.must(a.as(from, "POST", "/messages", `{"receiver":"`+to+`","receiverType":"`+kind+`","category":"message","type":"text","data":{"text":"`+text+`"}}`)).data("id").String()
}

// group makes a group of alice with members by scope.
func (a *api) group(guid, kind string, scopes ...string) {
	a.t.Helper()
	a.must(a.as("alice", "POST", "/groups", `{"guid":"`+guid+`","name":"`+guid+`","type":"`+kind+`"`+password(kind)+`}`))
	for _, s := range scopes {
		user, scope, _ := strings.Cut(s, ":")
		a.must(a.as("alice", "PUT", "/groups/"+guid+"/members", `{"`+scope+`":["`+user+`"]}`))
	}
}

func password(kind string) string {
	if kind == "password" {
		return `,"password":"open"`
	}
	return ""
}
