package native_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters/adaptertest"
	"dragoman/adapters/native"
	"dragoman/core"
	"dragoman/core/fault"
)

// The test app.
const (
	testKey    = "test-key"
	testSecret = "test-secret-0123456789abcdef"
)

// vendor is this dialect for the suite.
func vendor() *adaptertest.Vendor {
	v := &adaptertest.Vendor{Entry: native.Entry(), Driver: driver{}, Creds: map[string]string{"api_key": testKey, "api_secret": testSecret}}
	for i := range fault.All() {
		v.Rows = append(v.Rows, rowName(i))
	}
	return v
}

// api is a running server and how to call it.
type api struct {
	t *testing.T
	w *adaptertest.World
}

// newAPI starts a server with four people.
func newAPI(t *testing.T, s adaptertest.Setup) *api {
	t.Helper()
	s.Users = []string{"alice", "bob", "carol", "dave"}
	return &api{t: t, w: adaptertest.NewWorld(t, vendor(), s)}
}

// client keeps no connection: a server that ends must not wait for one.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// reply is an answer.
type reply struct {
	status int
	body   gjson.Result
	header http.Header
}

// code is the code of a failure, "" for a success.
func (r reply) code() string {
	if r.status < 400 {
		return ""
	}
	return r.body.Get("code").String()
}

func token(user string) string {
	return native.UserToken(testKey, testSecret, core.UserID(user), time.Now(), time.Time{})
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
	if body != "" {
		rq.Header.Set("Content-Type", "application/json")
	}
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
	return reply{rs.StatusCode, gjson.ParseBytes(b), rs.Header}
}

// as makes a call of a person's client.
func (a *api) as(user, method, path, body string, headers ...string) reply {
	a.t.Helper()
	return a.raw(method, path, body, append([]string{"Authorization", "Bearer " + token(user)}, headers...)...)
}

// srv makes a call of a server.
func (a *api) srv(method, path, body string, headers ...string) reply {
	a.t.Helper()
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(testKey+":"+testSecret))
	return a.raw(method, path, body, append([]string{"Authorization", basic}, headers...)...)
}

// must fails the test for a refused call.
func (a *api) must(r reply) reply {
	a.t.Helper()
	if r.status >= 400 {
		a.t.Fatalf("refused: %d %.500s", r.status, r.body.Raw)
	}
	return r
}
