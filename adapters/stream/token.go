package stream

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"sync"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/core"
	"dragoman/core/fault"
)

// maxToken bounds a token in bytes before anything looks inside.
const maxToken = 8 << 10

// skew is how far the clock of a token's issuer may be ahead of ours.
const skew = 2 * time.Second

// devSignature stands where the signature of an unsigned development token would be.
const devSignature = "devtoken"

// claims are what a token says once its signature is verified. Times are Unix seconds, 0 when absent.
type claims struct {
	user          core.UserID
	server        bool
	unsigned      bool // a development token
	exp, iat, nbf int64
}

// tokenErrors are the texts of the vendor for tokens that cannot be read.
var (
	errTokenMissing  = fault.AuthTokenMissing.Error("JWTAuth error: Authorization header is missing or empty")
	errTokenGarbled  = fault.AuthTokenInvalid.Error("JWTAuth error: token contains an invalid number of segments")
	errTokenEncoding = fault.AuthTokenInvalid.Error("JWTAuth error: token is malformed")
	errTokenMethod   = fault.AuthTokenInvalid.Error("JWTAuth error: signing method is not HS256")
	errTokenNobody   = fault.AuthTokenInvalid.Error("JWTAuth error: token has no user_id and is not a server token")
)

// parseToken verifies the signature of a token with the tenant's secret and reads its claims. The
// claims are not judged here: they are when the token is used.
func parseToken(t *tenant, token string) (claims, error) {
	var c claims
	if token == "" {
		return c, errTokenMissing
	}
	head, rest, ok1 := strings.Cut(token, ".")
	payload, sig, ok2 := strings.Cut(rest, ".")
	if len(token) > maxToken || !ok1 || !ok2 || strings.Contains(sig, ".") {
		return c, errTokenGarbled
	}
	h, okh := segment(head)
	p, okp := segment(payload)
	if !okh || !okp {
		return c, errTokenEncoding
	}
	if sig == devSignature {
		c.unsigned = true
	} else {
		if gjson.Get(h, "alg").Str != "HS256" {
			return c, errTokenMethod
		}
		got, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(sig, "="))
		mac := hmac.New(sha256.New, t.secret)
		mac.Write([]byte(token[:len(head)+1+len(payload)]))
		if err != nil || !hmac.Equal(got, mac.Sum(nil)) {
			return c, errSignature(t)
		}
	}
	return c, c.read(p)
}

func errSignature(t *tenant) error {
	return fault.AuthTokenSignatureInvalid.Error(
		`JWTAuth error: signature is not valid. Make sure the token is created using the secret for API key "` + t.key + `"`)
}

// segment decodes one part of a token into JSON text.
func segment(s string) (string, bool) {
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "="))
	if err != nil || !gjson.ValidBytes(b) {
		return "", false
	}
	return string(b), gjson.ParseBytes(b).IsObject()
}

// read takes the claims from the payload, with the vendor's text for one of a wrong type.
func (c *claims) read(payload string) (err error) {
	gjson.Parse(payload).ForEach(func(k, v gjson.Result) bool {
		switch k.Str {
		case "user_id":
			err = claimType(v, gjson.String, k.Str, "string")
			c.user = core.UserID(v.Str)
		case "server":
			c.server = v.Type == gjson.True
			if !v.IsBool() {
				err = claimType(v, gjson.True, k.Str, "bool")
			}
		case "exp":
			err = claimType(v, gjson.Number, k.Str, "int64")
			c.exp = int64(v.Num)
		case "iat":
			err = claimType(v, gjson.Number, k.Str, "int64")
			c.iat = int64(v.Num)
		case "nbf":
			err = claimType(v, gjson.Number, k.Str, "int64")
			c.nbf = int64(v.Num)
		}
		return err == nil
	})
	if err == nil && c.user == "" && !c.server {
		err = errTokenNobody
	}
	return err
}

func claimType(v gjson.Result, want gjson.Type, name, typ string) error {
	if v.Type == want || v.Type == gjson.Null {
		return nil
	}
	is := "object"
	switch {
	case v.Type == gjson.String:
		is = "string"
	case v.Type == gjson.Number:
		is = "number"
	case v.IsBool():
		is = "bool"
	case v.IsArray():
		is = "array"
	}
	return fault.AuthTokenInvalid.Error("JWTAuth error: json: cannot unmarshal " + is + " into Go struct field StreamJWTClaims." + name + " of type " + typ)
}

// valid judges the times of a token at now: not-before, issued-at, expiry, in this order, and
// revocation. revoked is the instant before which tokens of the app were revoked.
func (c *claims) valid(now, revoked time.Time) error {
	switch s := now.Unix(); {
	case c.nbf != 0 && c.nbf > s+int64(skew/time.Second):
		return fault.AuthTokenNotYetValid.Error("JWTAuth error: token is not valid yet (nbf)")
	case c.iat != 0 && c.iat > s+int64(skew/time.Second):
		return fault.AuthTokenUsedBeforeIssued.Error("JWTAuth error: token used before issue at (iat)")
	case c.exp != 0 && c.exp <= s:
		return fault.AuthTokenExpired.Error("JWTAuth error: token is expired (exp)")
	case !revoked.IsZero() && c.issuedBefore(revoked):
		return fault.AuthTokenExpired.Error("JWTAuth error: token has been revoked")
	}
	return nil
}

// issuedBefore reports whether the token is older than the instant; one that does not say when it
// was issued counts as older.
func (c *claims) issuedBefore(t time.Time) bool { return c.iat < t.Unix() }

// tokenGeneration is how many verified tokens one generation of the cache holds.
const tokenGeneration = 8192

// tokenCache remembers verified tokens, so that a signature is computed once and not per request.
// It keeps two generations and forgets the older one when the younger is full. Refused tokens are
// not kept.
type tokenCache struct {
	mu       sync.RWMutex
	now, old map[tokenKey]claims
}

type tokenKey struct {
	app   core.AppID
	token string
}

func newTokenCache() *tokenCache { return &tokenCache{now: map[tokenKey]claims{}} }

// claims verifies the token or remembers that it was.
func (c *tokenCache) claims(t *tenant, token string) (claims, error) {
	k := tokenKey{t.id, token}
	c.mu.RLock()
	v, ok := c.now[k]
	if !ok {
		v, ok = c.old[k]
	}
	full := len(c.now) >= tokenGeneration
	c.mu.RUnlock()
	if ok {
		return v, nil
	}
	v, err := parseToken(t, token)
	if err != nil {
		return v, err
	}
	c.mu.Lock()
	if full && len(c.now) >= tokenGeneration {
		c.old, c.now = c.now, make(map[tokenKey]claims, tokenGeneration/4)
	}
	c.now[k] = v
	c.mu.Unlock()
	return v, nil
}

// signToken makes a user token of the tenant, issued at iat (zero: not told) and without expiry.
func signToken(t *tenant, user core.UserID, iat time.Time) string {
	return sign(t.secret, userClaims(user, iat))
}

// sign makes a token of a payload.
func sign(secret, payload []byte) string {
	enc := base64.RawURLEncoding
	b := enc.AppendEncode(nil, []byte(`{"alg":"HS256","typ":"JWT"}`))
	b = append(b, '.')
	b = enc.AppendEncode(b, payload)
	mac := hmac.New(sha256.New, secret)
	mac.Write(b)
	b = append(b, '.')
	return string(enc.AppendEncode(b, mac.Sum(nil)))
}
