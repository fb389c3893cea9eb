package native

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/core"
	"dragoman/core/fault"
)

// maxToken bounds a token in bytes before anything looks inside.
const maxToken = 4 << 10

// skew is how far the clock of a token's issuer may be ahead of ours.
const skew = 5 * time.Second

// claims are what a token says: a JSON Web Token (RFC 7519) signed with HS256 and the app's secret.
// The issuer is the app's API key, which tells whose secret that is. Times are Unix seconds.
type claims struct {
	Issuer  string      `json:"iss"`
	User    core.UserID `json:"sub,omitempty"`
	Server  bool        `json:"srv,omitempty"` // the bearer is the app itself
	Issued  int64       `json:"iat,omitempty"`
	Before  int64       `json:"nbf,omitempty"`
	Expires int64       `json:"exp,omitempty"`
}

// UserToken makes a token of a person, issued at iat; a zero expires means no end.
func UserToken(key, secret string, user core.UserID, iat, expires time.Time) string {
	return sign([]byte(secret), claims{Issuer: key, User: user, Issued: unix(iat), Expires: unix(expires)})
}

// ServerToken makes a token that is trusted with the whole app.
func ServerToken(key, secret string, iat, expires time.Time) string {
	return sign([]byte(secret), claims{Issuer: key, Server: true, Issued: unix(iat), Expires: unix(expires)})
}

// unix is a time as claims have it, 0 for none.
func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// sign makes the token.
func sign(secret []byte, c claims) string {
	enc := base64.RawURLEncoding
	payload, _ := json.Marshal(c) // plain fields: cannot fail
	b := enc.AppendEncode(nil, []byte(`{"alg":"HS256","typ":"JWT"}`))
	b = enc.AppendEncode(append(b, '.'), payload)
	mac := hmac.New(sha256.New, secret)
	mac.Write(b)
	return string(enc.AppendEncode(append(b, '.'), mac.Sum(nil)))
}

// The failures of tokens that cannot be believed.
var (
	errGarbled   = fault.AuthTokenInvalid.Error("The token is not a JSON Web Token.")
	errMethod    = fault.AuthTokenInvalid.Error("The token must be signed with HS256.")
	errNobody    = fault.AuthTokenInvalid.Error("The token names neither a user (sub) nor a server (srv).")
	errSignature = fault.AuthTokenSignatureInvalid.Error("The signature of the token does not verify with the app's secret.")
	errKey       = fault.AuthAPIKeyInvalid.Error("The issuer of the token (iss) is no API key of an app.")
)

// parseToken finds the app of a token, verifies the signature in constant time and reads the claims.
// The times are not judged here: they are whenever the token is used.
func (d *Dialect) parseToken(token string) (*tenant, claims, error) {
	var c claims
	head, rest, ok1 := strings.Cut(token, ".")
	payload, sig, ok2 := strings.Cut(rest, ".")
	if len(token) > maxToken || !ok1 || !ok2 || strings.Contains(sig, ".") {
		return nil, c, errGarbled
	}
	h, ok1 := segment(head)
	p, ok2 := segment(payload)
	if !ok1 || !ok2 || json.Unmarshal([]byte(p), &c) != nil {
		return nil, c, errGarbled
	}
	if gjson.Get(h, "alg").Str != "HS256" {
		return nil, c, errMethod
	}
	t, ok := d.tenants[c.Issuer]
	if !ok {
		return nil, c, errKey
	}
	got, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(sig, "="))
	mac := hmac.New(sha256.New, t.secret)
	mac.Write([]byte(token[:len(head)+1+len(payload)]))
	if err != nil || !hmac.Equal(got, mac.Sum(nil)) {
		return t, c, errSignature
	}
	if c.User == "" && !c.Server {
		return t, c, errNobody
	}
	return t, c, nil
}

// segment decodes one part of a token into the text of a JSON object.
func segment(s string) (string, bool) {
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "="))
	if err != nil || !gjson.ValidBytes(b) {
		return "", false
	}
	return string(b), gjson.ParseBytes(b).IsObject()
}

// valid judges the times of a token at now: not before, issued, expired, in this order.
func (c *claims) valid(now time.Time) error {
	switch s := now.Unix(); {
	case c.Before > s+int64(skew/time.Second):
		return fault.AuthTokenNotYetValid.Error("The token is not valid yet (nbf).")
	case c.Issued > s+int64(skew/time.Second):
		return fault.AuthTokenUsedBeforeIssued.Error("The token was issued in the future (iat).")
	case c.Expires != 0 && c.Expires <= s:
		return fault.AuthTokenExpired.Error("The token has expired (exp).")
	}
	return nil
}

// revoked reports whether the token is older than an instant before which tokens were revoked. A
// token that does not say when it was issued counts as older.
func (c *claims) revoked(before time.Time) bool { return !before.IsZero() && c.Issued < before.Unix() }

// tokenGeneration is how many verified tokens one generation of the cache holds.
const tokenGeneration = 8192

// verified is a token that was believed.
type verified struct {
	t *tenant
	c claims
}

// tokenCache remembers verified tokens, so that a signature is computed once and not per request. It
// keeps two generations and forgets the older one when the younger is full; refused tokens are not kept.
type tokenCache struct {
	mu       sync.RWMutex
	now, old map[string]verified
}

func newTokenCache() *tokenCache { return &tokenCache{now: map[string]verified{}} }

// read verifies a token or remembers that it was.
func (d *Dialect) read(token string) (*tenant, claims, error) {
	k := d.tokens
	k.mu.RLock()
	v, ok := k.now[token]
	if !ok {
		v, ok = k.old[token]
	}
	k.mu.RUnlock()
	if ok {
		return v.t, v.c, nil
	}
	t, c, err := d.parseToken(token)
	if err != nil {
		return t, c, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.now) >= tokenGeneration {
		k.old, k.now = k.now, make(map[string]verified, tokenGeneration/4)
	}
	k.now[token] = verified{t, c}
	return t, c, nil
}
