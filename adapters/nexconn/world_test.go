package nexconn_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters/adaptertest"
	"dragoman/adapters/nexconn"
	"dragoman/core"
)

// api is a running server and how its server API is called.
type api struct {
	t *testing.T
	w *adaptertest.World
}

// newAPI starts a server with four people.
func newAPI(t *testing.T, s adaptertest.Setup, creds ...string) *api {
	t.Helper()
	s.Users = []string{"alice", "bob", "carol", "dave"}
	v := vendor()
	for i := 0; i+1 < len(creds); i += 2 {
		v.Creds[creds[i]] = creds[i+1]
	}
	return &api{t: t, w: adaptertest.NewWorld(t, v, s)}
}

// client keeps no connection: a server that ends must not wait for one.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// nonce makes each call's own.
var nonce atomic.Int64

// reply is an answer.
type reply struct {
	status int
	body   gjson.Result
	header http.Header
}

// code is the vendor's number.
func (r reply) code() string { return r.body.Get("code").Raw }

// result is what a success carries.
func (r reply) result(path string) gjson.Result { return r.body.Get("result." + path) }

// signed are the headers of a signature.
func signed(key, secret string) []string {
	n, at := strconv.FormatInt(nonce.Add(1), 36), strconv.FormatInt(time.Now().UnixMilli(), 10)
	return []string{"App-Key", key, "Nonce", n, "Timestamp", at, "Signature", nexconn.Sign(secret, n, at)}
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
	if !gjson.ValidBytes(b) || r.body.Get("code").Type != gjson.Number || !strings.Contains(rs.Header.Get("Content-Type"), "json") {
		a.t.Fatalf("%s %s: status %d with %.300s", method, path, rs.StatusCode, b)
	}
	return r
}

// call makes a signed call of v4.
func (a *api) call(path, body string) reply {
	a.t.Helper()
	return a.raw("POST", "/v4"+path, body, signed("key1", a.w.Creds["app_secret"])...)
}

// classic makes a signed call with a form.
func (a *api) classic(path, form string) reply {
	a.t.Helper()
	return a.raw("POST", path, form, append(signed("key1", a.w.Creds["app_secret"]), "Content-Type", "application/x-www-form-urlencoded")...)
}

// must makes a call that has to work.
func (a *api) must(path, body string) reply {
	a.t.Helper()
	r := a.call(path, body)
	if r.status != 200 || r.code() != "0" {
		a.t.Fatalf("%s %s: refused: %d %.300s", path, body, r.status, r.body.Raw)
	}
	return r
}

// send sends a text from one person to another and answers its id.
func (a *api) send(from, to, text string) string {
	a.t.Helper()
	return a.must("/direct-channel/message/send", `{"fromUserId":"`+from+`","toUserIds":["`+to+`"],"messageType":"RC:TxtMsg","content":"{\"content\":\"`+text+`\"}"}`).
		result("messageIds.0.messageId").String()
}

// group makes a group of alice with members.
func (a *api) group(id string, members ...string) {
	a.t.Helper()
	list := ""
	if len(members) > 0 {
		list = `,"userIds":["` + strings.Join(members, `","`) + `"]`
	}
	a.must("/group-channel/create", `{"channelId":"`+id+`","name":"`+id+`","owner":"alice"`+list+`}`)
}

// sendGroup sends a text into a group and answers its id.
func (a *api) sendGroup(from, id, text string) string {
	a.t.Helper()
	return a.must("/group-channel/message/send", `{"fromUserId":"`+from+`","toChannelIds":["`+id+`"],"messageType":"RC:TxtMsg","content":"{\"content\":\"`+text+`\"}"}`).
		result("messageIds.0.messageId").String()
}

// room makes an open channel.
func (a *api) room(id string) {
	a.t.Helper()
	a.must("/open-channel/create", `{"channelId":"`+id+`"}`)
}

// community makes a community of alice with members.
func (a *api) community(id string, members ...string) {
	a.t.Helper()
	a.must("/community-channel/create", `{"userId":"alice","channelId":"`+id+`","name":"`+id+`"}`)
	for _, m := range members {
		a.must("/community-channel/join", `{"userId":"`+m+`","channelId":"`+id+`"}`)
	}
}

// server is the actor of the app, for what the API has no call for.
func (a *api) server() core.Actor { return core.Actor{App: a.w.App, Access: core.AccessServer} }

// suspend takes an app offline.
func suspend(s *core.AppSettings) { s.Suspended = true }
