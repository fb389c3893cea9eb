package agora

import (
	"bytes"
	"compress/zlib"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"time"

	"dragoman/core"
)

// MaxTokenLife is the longest life of a token.
const MaxTokenLife = 24 * time.Hour

// Bounds of a token: as text, and unpacked. Real ones have some 150 bytes; a zip bomb stops here.
const (
	maxTokenText = 4 << 10
	maxTokenData = 8 << 10
)

// tokenVersion begins an AccessToken2.
const tokenVersion = "007"

// Services of an AccessToken2 and what follows the privileges of each: so many texts. See
// https://docs.agora.io/en/agora-chat/develop/authentication.
const (
	serviceChat  = 5
	serviceAPaaS = 7
	serviceRTM2  = 8
)

var serviceTexts = map[uint16]int{1: 2, 2: 1, 3: 2, 4: 0, serviceChat: 1, 6: 2, serviceAPaaS: 2}

// Privileges of the chat service.
const (
	privilegeUser = 1
	privilegeApp  = 2
)

// accessToken is a token taken apart.
type accessToken struct {
	signature []byte
	signed    []byte // what the signature covers, as it came: unknown services survive
	appID     string
	issued    uint32 // Unix seconds
	expire    uint32 // seconds after issued
	salt      uint32
	chat      bool
	user      core.UserID // of the chat service; empty for an app token
	rights    map[uint16]uint32
}

// errToken is why a token cannot be read.
var errToken = errors.New("agora: the token is corrupt")

// unpacker reads the little-endian layout of a token.
type unpacker struct {
	b   []byte
	bad bool
}

func (u *unpacker) take(n int) []byte {
	if u.bad || n > len(u.b) {
		u.bad = true
		return make([]byte, min(n, 8))
	}
	out := u.b[:n]
	u.b = u.b[n:]
	return out
}

func (u *unpacker) u16() uint16  { return binary.LittleEndian.Uint16(u.take(2)) }
func (u *unpacker) u32() uint32  { return binary.LittleEndian.Uint32(u.take(4)) }
func (u *unpacker) text() []byte { return u.take(int(u.u16())) }

// parseToken takes an AccessToken2 apart. It does not judge it.
func parseToken(s string) (*accessToken, error) {
	if len(s) > maxTokenText || len(s) < len(tokenVersion) || s[:len(tokenVersion)] != tokenVersion {
		return nil, errToken
	}
	packed, err := base64.StdEncoding.DecodeString(s[len(tokenVersion):])
	if err != nil {
		return nil, errToken
	}
	z, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, errToken
	}
	data, err := io.ReadAll(io.LimitReader(z, maxTokenData+1))
	if err != nil || len(data) > maxTokenData {
		return nil, errToken
	}
	u := unpacker{b: data}
	t := &accessToken{signature: u.text(), rights: map[uint16]uint32{}}
	t.signed = u.b
	t.appID = string(u.text())
	t.issued, t.expire, t.salt = u.u32(), u.u32(), u.u32()
	for range u.u16() {
		if u.bad || !t.service(&u) {
			break
		}
	}
	if u.bad {
		return nil, errToken
	}
	return t, nil
}

// service reads one service; false ends the list, when what follows has a layout that is not known.
func (t *accessToken) service(u *unpacker) bool {
	kind := u.u16()
	rights := map[uint16]uint32{}
	for range u.u16() {
		if u.bad {
			return false
		}
		rights[u.u16()] = u.u32()
	}
	n, known := serviceTexts[kind]
	if !known {
		return false
	}
	var first []byte
	for i := range n {
		if s := u.text(); i == 0 {
			first = s
		}
	}
	switch kind {
	case serviceAPaaS:
		u.u16()
	case serviceChat:
		t.chat, t.user, t.rights = true, core.UserID(first), rights
	}
	return true
}

// sign is the signature of a token's content.
func sign(certificate string, issued, salt uint32, content []byte) []byte {
	mac := func(key, msg []byte) []byte {
		h := hmac.New(sha256.New, key)
		h.Write(msg)
		return h.Sum(nil)
	}
	key := mac(binary.LittleEndian.AppendUint32(nil, issued), []byte(certificate))
	key = mac(binary.LittleEndian.AppendUint32(nil, salt), key)
	return mac(key, content)
}

// genuine reports whether the token was signed with the app's certificate.
func (t *accessToken) genuine(appID, certificate string) bool {
	same := hmac.Equal([]byte(t.appID), []byte(appID))
	return hmac.Equal(t.signature, sign(certificate, t.issued, t.salt, t.signed)) && same
}

// ends is when the token, or the privilege it is used by, ends. ok is false when it has no
// privilege for the chat service.
func (t *accessToken) ends() (at time.Time, ok bool) {
	right := uint16(privilegeApp)
	if t.user != "" {
		right = privilegeUser
	}
	life, ok := t.rights[right]
	if !t.chat || !ok {
		return at, false
	}
	if life == 0 { // as long as the token
		life = t.expire
	}
	return time.Unix(int64(t.issued)+int64(min(life, t.expire)), 0), true
}

// MintToken makes an AccessToken2 for the chat service: of the user, or of the app when user is
// empty. Life is cut to whole seconds, at most MaxTokenLife.
func MintToken(appID, certificate string, user core.UserID, now time.Time, life time.Duration) (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(99999999))
	if err != nil {
		return "", fmt.Errorf("salt: %w", err)
	}
	issued, salt := uint32(now.Unix()), uint32(n.Int64())+1
	expire, right := uint32(min(life, MaxTokenLife)/time.Second), uint16(privilegeApp)
	if user != "" {
		right = privilegeUser
	}
	le := binary.LittleEndian
	text := func(b []byte, s string) []byte { return append(le.AppendUint16(b, uint16(len(s))), s...) }
	c := text(nil, appID)
	c = le.AppendUint32(le.AppendUint32(le.AppendUint32(c, issued), expire), salt)
	c = le.AppendUint16(c, 1)
	c = le.AppendUint16(le.AppendUint16(c, serviceChat), 1)
	c = le.AppendUint32(le.AppendUint16(c, right), expire)
	c = text(c, string(user))
	p := append(text(nil, string(sign(certificate, issued, salt, c))), c...)
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	if _, err := z.Write(p); err != nil {
		return "", fmt.Errorf("pack: %w", err)
	}
	if err := z.Close(); err != nil {
		return "", fmt.Errorf("pack: %w", err)
	}
	return tokenVersion + base64.StdEncoding.EncodeToString(packed.Bytes()), nil
}
