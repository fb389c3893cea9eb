package web

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Bounds of signing in.
const (
	sessionLife  = 12 * time.Hour
	signInTries  = 5           // wrong passwords in signInWindow, from anywhere, before everyone waits
	signInWindow = time.Minute // see signInTries
	cookieName   = "dragoman_console"
)

// gate lets the operator in by a password and knows them again by a signed cookie. Sessions end
// with the process: the key that signs them is made at start.
type gate struct {
	password [sha256.Size]byte
	key      [32]byte
	now      func() time.Time

	mu    sync.Mutex
	wrong []time.Time
}

func newGate(password string, now func() time.Time) *gate {
	g := &gate{password: sha256.Sum256([]byte(password)), now: now}
	_, _ = rand.Read(g.key[:]) // never fails
	return g
}

// open checks a password. With too many wrong ones lately it answers wait, whatever was given.
func (g *gate) open(password string) (ok, wait bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	for len(g.wrong) > 0 && now.Sub(g.wrong[0]) > signInWindow {
		g.wrong = g.wrong[1:]
	}
	if len(g.wrong) >= signInTries {
		return false, true
	}
	sum := sha256.Sum256([]byte(password))
	if subtle.ConstantTimeCompare(sum[:], g.password[:]) == 1 {
		return true, false
	}
	g.wrong = append(g.wrong, now)
	return false, false
}

// ticket is the value of a new session's cookie: when it ends, signed.
func (g *gate) ticket() string {
	end := strconv.FormatInt(g.now().Add(sessionLife).Unix(), 10)
	return end + "." + g.sign(end)
}

// admits reports whether a Cookie header carries a session that has not ended.
func (g *gate) admits(cookies string) bool {
	for part := range strings.SplitSeq(cookies, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		end, sum, _ := strings.Cut(value, ".")
		if name != cookieName || subtle.ConstantTimeCompare([]byte(sum), []byte(g.sign(end))) != 1 {
			continue
		}
		at, err := strconv.ParseInt(end, 10, 64)
		return err == nil && g.now().Unix() < at
	}
	return false
}

func (g *gate) sign(end string) string {
	m := hmac.New(sha256.New, g.key[:])
	m.Write([]byte(end))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}
