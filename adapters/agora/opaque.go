package agora

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

	"dragoman/core"
)

// opaquePrefix begins the tokens of POST /token.
const opaquePrefix = "YWMt"

// Realms of a token of POST /token: which rules of the vendor it brings along. The Agora realm lets
// users be without a password.
const (
	realmEasemob = 'e'
	realmAgora   = 'a'
)

// opaqueLife is how long a token of POST /token is good for unless asked otherwise: 60 days.
const opaqueLife = 60 * 24 * time.Hour

// opaque is a token of POST /token: opaque to clients, signed with a key derived from the app
// certificate. Layout: realm, issue and end in Unix milliseconds, 8 random bytes, the user, HMAC.
type opaque struct {
	realm        byte
	issued, ends time.Time
	user         core.UserID // empty for an app token
}

// opaqueHead is the size of what stands before the user.
const opaqueHead = 1 + 8 + 8 + 8

// mint writes the token.
func (t *tenant) mint(o opaque) string {
	b := make([]byte, 0, opaqueHead+len(o.user)+sha256.Size)
	b = append(b, o.realm)
	b = binary.BigEndian.AppendUint64(b, uint64(o.issued.UnixMilli()))
	b = binary.BigEndian.AppendUint64(b, uint64(o.ends.UnixMilli()))
	b = append(b, make([]byte, 8)...)
	_, _ = rand.Read(b[len(b)-8:]) // never fails: crypto/rand aborts the process instead
	b = append(b, o.user...)
	return opaquePrefix + base64.RawURLEncoding.EncodeToString(t.seal(b))
}

// seal appends the HMAC.
func (t *tenant) seal(b []byte) []byte {
	h := hmac.New(sha256.New, t.secret)
	h.Write(b)
	return h.Sum(b)
}

// open reads a token of POST /token; shaped tells whether it has the form of one, ok whether this
// app issued it.
func (t *tenant) unseal(token string) (o opaque, shaped, ok bool) {
	text, shaped := strings.CutPrefix(token, opaquePrefix)
	if !shaped || len(text) > maxTokenText {
		return o, false, false
	}
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return o, false, false
	}
	n := len(b) - sha256.Size
	if n < opaqueHead || !hmac.Equal(t.seal(b[:n:n]), b) {
		return o, true, false
	}
	at := func(i int) time.Time { return time.UnixMilli(int64(binary.BigEndian.Uint64(b[i:]))) }
	return opaque{realm: b[0], issued: at(1), ends: at(9), user: core.UserID(b[opaqueHead:n])}, true, true
}
