package stream_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/stream"
	"dragoman/core"
)

// claimsToken signs claims with the app's secret.
func claimsToken(claims string) string { return stream.Sign(apiSecret, claims) }

func at(d time.Duration) int64 { return now.Add(d).Unix() }

func TestAuthenticateRefuses(t *testing.T) {
	gone := core.User{ID: "gone", DeactivatedAt: now}
	revoked := core.User{ID: "revoked", RevokedBefore: now.Add(-time.Hour)}
	users := map[core.UserID]core.User{"gone": gone, "revoked": revoked, "alice": {ID: "alice"}}
	segments := strings.Split(token("alice"), ".")
	cases := []struct {
		name     string
		settings core.AppSettings
		key      string
		token    string
		kind     string
		query    []string
		code     int
		message  string
	}{
		{name: "no key", code: 2, message: "api_key or app_id not provided"},
		{name: "unknown key", key: "other", token: token("alice"), code: 2, message: "api_key not valid"},
		{name: "suspended before the token", key: apiKey, settings: core.AppSettings{Suspended: true}, code: 99},
		{name: "no token", key: apiKey, code: 5},
		{name: "garbage", key: apiKey, token: "garbage", code: 5},
		{name: "two segments", key: apiKey, token: "a.b", code: 5},
		{name: "four segments", key: apiKey, token: token("alice") + ".x", code: 5},
		{name: "no json inside", key: apiKey, token: "YQ.YQ.YQ", code: 5},
		{name: "no algorithm", key: apiKey, token: "eyJhbGciOiJub25lIn0." + segments[1] + ".", code: 5},
		{name: "huge", key: apiKey, token: strings.Repeat("a", 9000) + ".b.c", code: 5},
		{name: "other secret", key: apiKey, token: stream.UserToken("another", "alice"), code: 43, message: `JWTAuth error: signature is not valid. Make sure the token is created using the secret for API key "key"`},
		{name: "no signature", key: apiKey, token: segments[0] + "." + segments[1] + ".", code: 43},
		{name: "development token while checks are on", key: apiKey, token: segments[0] + "." + segments[1] + ".devtoken", code: 43},
		{name: "not valid yet, though expired too", key: apiKey, token: claimsToken(fmt.Sprintf(`{"user_id":"alice","nbf":%d,"exp":%d}`, at(time.Hour), at(-time.Hour))), code: 41},
		{name: "issued in the future", key: apiKey, token: claimsToken(fmt.Sprintf(`{"user_id":"alice","iat":%d}`, at(time.Hour))), code: 42, message: "JWTAuth error: token used before issue at (iat)"},
		{name: "expired", key: apiKey, token: claimsToken(fmt.Sprintf(`{"user_id":"alice","exp":%d}`, at(-time.Second))), code: 40, message: "JWTAuth error: token is expired (exp)"},
		{name: "signature before expiry", key: apiKey, token: stream.Sign("another", fmt.Sprintf(`{"user_id":"alice","exp":%d}`, at(-time.Hour))), code: 43},
		{name: "expiry of a wrong type", key: apiKey, token: claimsToken(`{"user_id":"alice","exp":{}}`), code: 5, message: "JWTAuth error: json: cannot unmarshal object into Go struct field StreamJWTClaims.exp of type int64"},
		{name: "user of a wrong type", key: apiKey, token: claimsToken(`{"user_id":1}`), code: 5},
		{name: "nobody", key: apiKey, token: claimsToken(`{}`), code: 5},
		{name: "app revoked older tokens", key: apiKey, settings: core.AppSettings{RevokeTokensBefore: now}, token: claimsToken(fmt.Sprintf(`{"user_id":"alice","iat":%d}`, at(-time.Minute))), code: 40},
		{name: "user revoked tokens without iat", key: apiKey, token: token("revoked"), code: 40},
		{name: "deactivated", key: apiKey, token: token("gone"), code: 5},
		{name: "other user in the query", key: apiKey, token: token("alice"), query: []string{"user_id", "bob"}, code: 5},
		{name: "anonymous with a user's token", key: apiKey, token: token("alice"), kind: "anonymous", code: 5},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d := newDialect(t, &fake{settings: c.settings, users: users})
			rq := request(c.query...)
			if c.key != "" {
				rq.Query = append(rq.Query, adapters.Param{Name: "api_key", Value: c.key})
			}
			rq.Headers = adapters.Values{{Name: "Authorization", Value: c.token}, {Name: "Stream-Auth-Type", Value: c.kind}}
			rt := route(t, d, "QueryChannels")
			by, err := d.Authenticate(t.Context(), rt, rq)
			if err == nil {
				t.Fatalf("let in as %+v", by)
			}
			if c.code != 2 && by.App != 1 {
				t.Error("the app is not named beside the error")
			}
			body := wireError(d, rt.Name, err)
			if got := int(gjson.Get(body, "code").Int()); got != c.code {
				t.Errorf("code %d, want %d: %s", got, c.code, body)
			}
			want := `QueryChannels failed with error: "` + c.message + `"`
			if got := gjson.Get(body, "message").Str; c.message != "" && got != want {
				t.Errorf("message %q, want %q", got, want)
			}
		})
	}
}

func TestAuthenticateLetsIn(t *testing.T) {
	segments := strings.Split(token("alice"), ".")
	cases := []struct {
		name     string
		settings core.AppSettings
		token    string
		kind     string
		query    []string
		want     core.Actor
	}{
		{"user", core.AppSettings{}, token("alice"), "jwt", []string{"user_id", "alice", "connection_id", "c1"}, core.Actor{App: 1, User: "alice", Access: core.AccessUser, Connection: "c1", Platform: "web"}},
		{"user not stored yet", core.AppSettings{}, token("new"), "", nil, core.Actor{App: 1, User: "new", Access: core.AccessUser, Platform: "web"}},
		{"guest", core.AppSettings{}, token("visitor"), "jwt", nil, core.Actor{App: 1, User: "visitor", Access: core.AccessGuest, Platform: "web"}},
		{"server", core.AppSettings{}, stream.ServerToken(apiSecret), "jwt", []string{"user_id", "bob"}, core.Actor{App: 1, Access: core.AccessServer, Platform: "server"}},
		{"anonymous", core.AppSettings{}, "", "anonymous", []string{"user_id", "random"}, core.Actor{App: 1, User: "!anon", Access: core.AccessAnonymous, Platform: "web"}},
		{"development token", core.AppSettings{DisableAuthChecks: true}, segments[0] + "." + segments[1] + ".devtoken", "jwt", nil, core.Actor{App: 1, User: "alice", Access: core.AccessUser, Platform: "web"}},
		{"issued after the revocation", core.AppSettings{RevokeTokensBefore: now.Add(-time.Hour)}, claimsToken(fmt.Sprintf(`{"user_id":"alice","iat":%d,"exp":%d}`, at(0), at(time.Hour))), "jwt", nil, core.Actor{App: 1, User: "alice", Access: core.AccessUser, Platform: "web"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d := newDialect(t, &fake{settings: c.settings, users: map[core.UserID]core.User{"visitor": {ID: "visitor", Role: core.RoleGuest}}})
			rq := request(append([]string{"api_key", apiKey}, c.query...)...)
			rq.Headers = adapters.Values{{Name: "Authorization", Value: c.token}, {Name: "Stream-Auth-Type", Value: c.kind}}
			for range 2 { // the second time from the cache
				by, err := d.Authenticate(t.Context(), route(t, d, "QueryChannels"), rq)
				if err != nil || by != c.want {
					t.Fatalf("got %+v, %v; want %+v", by, err, c.want)
				}
			}
		})
	}
}

func TestAuthenticateJudgesCachedTokensAnew(t *testing.T) {
	f := &fake{}
	d := newDialect(t, f)
	rq := request("api_key", apiKey)
	rq.Headers = adapters.Values{{Name: "Authorization", Value: claimsToken(fmt.Sprintf(`{"user_id":"alice","iat":%d}`, at(-time.Minute)))}}
	if _, err := d.Authenticate(t.Context(), route(t, d, "QueryChannels"), rq); err != nil {
		t.Fatal(err)
	}
	f.settings.RevokeTokensBefore = now
	if _, err := d.Authenticate(t.Context(), route(t, d, "QueryChannels"), rq); err == nil {
		t.Error("a revoked token still opens the door")
	}
}

func TestServerRoutesRefuseUsers(t *testing.T) {
	d := newDialect(t, &fake{})
	rq := request("api_key", apiKey)
	rq.Headers = adapters.Values{{Name: "Authorization", Value: token("alice")}}
	rt := route(t, d, "DeleteUsers")
	_, err := d.Authenticate(t.Context(), rt, rq)
	if err == nil || gjson.Get(wireError(d, rt.Name, err), "code").Int() != 17 {
		t.Errorf("got %v", err)
	}
}

func TestNewRefusesSharedKeys(t *testing.T) {
	app := adapters.App{ID: 1, Name: "a", Creds: map[string]string{"api_key": "k", "api_secret": "s"}}
	if _, err := stream.New(adapters.Env{Apps: []adapters.App{app, app}}); err == nil {
		t.Error("two apps with one key were accepted")
	}
	if _, err := stream.New(adapters.Env{Apps: []adapters.App{{ID: 1, Name: "a"}}}); err == nil {
		t.Error("an app without credentials was accepted")
	}
}
