package agora_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters/adaptertest"
	"dragoman/adapters/agora"
	"dragoman/core"
)

// api is a running server and how to call it.
type api struct {
	t *testing.T
	w *adaptertest.World
}

// newAPI starts a server with four people. creds change the credentials of the app.
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

// reply is an answer.
type reply struct {
	status int
	body   gjson.Result
	raw    []byte
	header http.Header
}

// code is the vendor's name of a failure, "" for a success.
func (r reply) code() string { return r.body.Get("error").String() }

// data is what a success carries.
func (r reply) data(path string) gjson.Result {
	if path == "" {
		return r.body.Get("data")
	}
	return r.body.Get("data." + path)
}

// token is a token of a user, or of the app for nobody.
func (a *api) token(user string) string {
	a.t.Helper()
	return a.tokenAt(user, time.Now())
}

func (a *api) tokenAt(user string, at time.Time) string {
	a.t.Helper()
	tok, err := agora.MintToken(appID, certificate, core.UserID(user), at, time.Hour)
	if err != nil {
		a.t.Fatal(err)
	}
	return tok
}

// raw makes one call with the headers given in pairs. Every answer of the API must be a JSON object.
func (a *api) raw(method, path, body string, headers ...string) reply {
	a.t.Helper()
	r := a.fetch(method, path, body, headers...)
	if !gjson.ValidBytes(r.raw) || !r.body.IsObject() {
		a.t.Fatalf("%s %s: status %d with %.300s", method, path, r.status, r.raw)
	}
	return r
}

// fetch makes one call whose answer may be a file.
func (a *api) fetch(method, path, body string, headers ...string) reply {
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
	return reply{rs.StatusCode, gjson.ParseBytes(b), b, rs.Header}
}

// as makes a call of a person's client.
func (a *api) as(user, method, path, body string, headers ...string) reply {
	a.t.Helper()
	return a.raw(method, "/org/app"+path, body, append([]string{"Authorization", "Bearer " + a.token(user)}, headers...)...)
}

// srv makes a call of a server.
func (a *api) srv(method, path, body string, headers ...string) reply {
	a.t.Helper()
	return a.as("", method, path, body, headers...)
}

// must fails the test for a refused call.
func (a *api) must(r reply) reply {
	a.t.Helper()
	if r.status != 200 {
		a.t.Fatalf("refused: %d %.300s", r.status, r.raw)
	}
	return r
}

// group makes a public group of alice and answers its id.
func (a *api) group(members ...string) string {
	a.t.Helper()
	list := ""
	for _, m := range members {
		list += `,"` + m + `"`
	}
	if list != "" {
		list = list[1:]
	}
	return a.must(a.srv("POST", "/chatgroups", `{"groupname":"G","public":true,"owner":"alice","members":[`+list+`]}`)).data("groupid").String()
}

// room makes a room of alice and answers its id.
func (a *api) room(members ...string) string {
	a.t.Helper()
	id := a.must(a.srv("POST", "/chatrooms", `{"name":"R","description":"D","owner":"alice"}`)).data("id").String()
	for _, m := range members {
		a.must(a.srv("POST", "/chatrooms/"+id+"/users/"+m, ""))
	}
	return id
}

// text sends a text of alice to bob and answers its id.
func (a *api) text(text string) string {
	a.t.Helper()
	return a.must(a.srv("POST", "/messages/users", `{"from":"alice","to":["bob"],"type":"txt","body":{"msg":"`+text+`"}}`)).data("bob").String()
}

// upload sends a file of some bytes as alice and answers it.
func (a *api) upload(content string, headers ...string) reply {
	a.t.Helper()
	body := "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\n" + content + "\r\n--x--\r\n"
	return a.as("alice", "POST", "/chatfiles", body, append([]string{"Content-Type", "multipart/form-data; boundary=x"}, headers...)...)
}
