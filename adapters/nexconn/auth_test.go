package nexconn_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"dragoman/adapters/adaptertest"
	"dragoman/adapters/nexconn"
)

// The headers have aliases, and the time may be in seconds.
func TestSignatureInAllItsForms(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	secret := a.w.Creds["app_secret"]
	ms, s := strconv.FormatInt(time.Now().UnixMilli(), 10), strconv.FormatInt(time.Now().Unix(), 10)
	for what, headers := range map[string][]string{
		"milliseconds": {"App-Key", "key1", "Nonce", "a1", "Timestamp", ms, "Signature", nexconn.Sign(secret, "a1", ms)},
		"seconds":      {"App-Key", "key1", "Nonce", "a2", "Timestamp", s, "Signature", nexconn.Sign(secret, "a2", s)},
		"aliases":      {"RC-App-Key", "key1", "RC-Nonce", "a3", "RC-Timestamp", ms, "RC-Signature", nexconn.Sign(secret, "a3", ms)},
		"lower case":   {"app-key", "key1", "nonce", "a4", "timestamp", ms, "signature", nexconn.Sign(secret, "a4", ms)},
		"capitals":     {"App-Key", "key1", "Nonce", "a5", "Timestamp", ms, "Signature", strings.ToUpper(nexconn.Sign(secret, "a5", ms))},
	} {
		t.Run(what, func(t *testing.T) {
			if r := (&api{t: t, w: a.w}).raw("POST", "/v4/user/get", `{"userId":"alice"}`, headers...); r.status != 200 {
				t.Errorf("%d %.200s", r.status, r.body.Raw)
			}
		})
	}
}

// A nonce counts once, whatever the body: what was listened to cannot be said again.
func TestNonceCannotBeReplayed(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	h := signed("key1", a.w.Creds["app_secret"])
	if r := a.raw("POST", "/v4/user/get", `{"userId":"alice"}`, h...); r.status != 200 {
		t.Fatalf("the first call: %d %.200s", r.status, r.body.Raw)
	}
	expect(t, a.raw("POST", "/v4/user/get", `{"userId":"bob"}`, h...), "NX017")
}

// A clock may be off by minutes, not by an hour, in either direction.
func TestClockSkew(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	for off, ok := range map[time.Duration]bool{-10 * time.Minute: true, 10 * time.Minute: true, -time.Hour: false, time.Hour: false} {
		n, at := "skew"+off.String(), strconv.FormatInt(time.Now().Add(off).UnixMilli(), 10)
		r := a.raw("POST", "/v4/user/get", `{"userId":"alice"}`, "App-Key", "key1", "Nonce", n, "Timestamp", at, "Signature", nexconn.Sign(a.w.Creds["app_secret"], n, at))
		if (r.status == 200) != ok {
			t.Errorf("off by %v: %d %.200s", off, r.status, r.body.Raw)
		}
	}
}

// The token leads a client to where it was issued.
func TestTokenSteersTheClient(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	token := a.must("/auth/access-token/issue", `{"userId":"alice","name":"Alice"}`).result("accessToken").String()
	if bare, at, ok := strings.Cut(token, "@"); !ok || len(bare) < 40 || at != a.w.URL {
		t.Errorf("token %q, want one that ends in @%s", token, a.w.URL)
	}
	second := a.must("/auth/access-token/issue", `{"userId":"alice","name":"Alice"}`).result("accessToken").String()
	if second == token {
		t.Error("two tokens are the same")
	}
}

// A failure about one key of a profile names it beside the message.
func TestProfileKeyIsNamed(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	r := a.call("/user/profile/set", `{"userId":"alice","userExtProfile":{"ext_a":"1","color":"red"}}`)
	if r.body.Get("profileKey").String() != "color" || r.code() != "24362" {
		t.Errorf("%.300s", r.body.Raw)
	}
}

// Bodies that are not what they should be answer the vendor's error, never a 5xx.
func TestBadBodies(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	for _, body := range []string{`[]`, `null`, `"x"`, `{"userId":1}`, `{"userId":null}`, "\xff\xfe", `{"userId":"a`, strings.Repeat("[", 100), `{"userIds":"alice"}`, `userId=alice`} {
		if r := a.call("/user/get", body); r.status != 400 {
			t.Errorf("%.40q: %d %.200s", body, r.status, r.body.Raw)
		}
	}
	for _, form := range []string{"%zz", "userId", "=&=", "userId=%00"} {
		if r := a.classic("/user/info.json", form); r.status != 400 {
			t.Errorf("%q: %d %.200s", form, r.status, r.body.Raw)
		}
	}
}
