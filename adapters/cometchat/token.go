package cometchat

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
)

// signedPrefix marks auth tokens that prove themselves; the others are looked up.
const signedPrefix = "signed."

// sessionLife is how long a JWT of the live link is good for; the SDK asks for a new one with
// every login.
const sessionLife = 7 * 24 * time.Hour

// claims are what a signed token says.
type claims struct {
	user     core.UserID
	iat, exp int64  // Unix seconds; exp 0 for no end
	token    string // of a JWT: the hash of the auth token it was made for
}

// expired reports whether the token has ended.
func (c *claims) expired(now time.Time) bool { return c.exp != 0 && c.exp <= now.Unix() }

// newToken makes an auth token as the vendor's look: the uid, the time, and what nobody can guess.
func newToken(user core.UserID, now time.Time) string {
	var b [20]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand aborts the process instead
	return string(user) + "_" + strconv.FormatInt(now.UnixMilli(), 10) + hex.EncodeToString(b[:])
}

// newKey makes an API key.
func newKey() string {
	var b [20]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// UserToken makes an auth token of an app without asking a server: signed with its full access
// key. A zero exp is no end.
func UserToken(fullAccessKey string, user core.UserID, iat, exp time.Time) string {
	w := wire.NewWriter(96)
	w.Open()
	w.Text("uid", string(user))
	w.Int64("iat", iat.Unix())
	if !exp.IsZero() {
		w.Int64("exp", exp.Unix())
	}
	w.Close()
	return signedPrefix + seal(signingSecret(fullAccessKey), base64.RawURLEncoding.EncodeToString(w.Bytes()))
}

// signed reads a signed auth token; ok is false for any other text.
func (t *tenant) signed(token string) (c claims, ok bool) {
	rest, ok := strings.CutPrefix(token, signedPrefix)
	if !ok || len(token) > 4<<10 {
		return c, false
	}
	payload, ok := t.unseal(rest)
	if !ok {
		return c, false
	}
	return readClaims(payload)
}

// session makes the JWT that opens the live link and names the auth token it goes back to.
func (t *tenant) session(user core.UserID, token string, now time.Time) string {
	w := wire.NewWriter(160)
	w.Open()
	w.Text("uid", string(user))
	w.Text("sub", string(user))
	w.Text("appId", t.appID)
	w.Text("tok", tokenHash(token))
	w.Int64("iat", now.Unix())
	w.Int64("exp", now.Add(sessionLife).Unix())
	w.Close()
	enc := base64.RawURLEncoding
	return seal(t.secret, enc.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`))+"."+enc.EncodeToString(w.Bytes()))
}

// readSession verifies a JWT of the live link; whether its auth token is still good is another
// question.
func (t *tenant) readSession(jwt string) (c claims, ok bool) {
	if len(jwt) > 4<<10 {
		return c, false
	}
	body, ok := t.unseal(strings.TrimPrefix(jwt, "Bearer "))
	if !ok {
		return c, false
	}
	_, payload, ok := strings.Cut(body, ".")
	if !ok {
		return c, false
	}
	return readClaims(payload)
}

// tokenHash names an auth token without telling it.
func tokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:12])
}

// seal adds a signature to a text.
func seal(secret []byte, text string) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// unseal takes the signature off a text if it is ours.
func (t *tenant) unseal(sealed string) (string, bool) {
	i := strings.LastIndexByte(sealed, '.')
	if i < 0 {
		return "", false
	}
	return sealed[:i], hmac.Equal([]byte(seal(t.secret, sealed[:i])), []byte(sealed))
}

// readClaims decodes a payload.
func readClaims(payload string) (c claims, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil || !gjson.ValidBytes(b) {
		return c, false
	}
	v := gjson.ParseBytes(b)
	c = claims{user: core.UserID(v.Get("uid").String()), iat: v.Get("iat").Int(), exp: v.Get("exp").Int(), token: v.Get("tok").String()}
	return c, c.user != ""
}
