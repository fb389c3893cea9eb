package nexconn

import (
	"context"
	"crypto/sha1" //nolint:gosec // the vendor's signature is SHA-1
	"crypto/subtle"
	"encoding/hex"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
)

// maxSkew is how far the clock of a server may be off, either way.
const maxSkew = 15 * time.Minute

// maxNonce bounds the nonce. The vendor says 18 characters; its own older SDKs send longer numbers.
const maxNonce = 64

// Authenticate implements adapters.Dialect: every call carries the App-Key and the signature of a
// nonce and the time with the app's secret. The body is not signed. See https://docs.nexconn.ai.
//
// A nonce counts once: what was listened to on the way cannot be said again. The headers have aliases
// that begin with RC-; v4 sends milliseconds, the classic SDKs send seconds.
func (d *Dialect) Authenticate(ctx context.Context, rt *adapters.Route, rq *adapters.Request) (core.Actor, error) {
	key := header(rq, "App-Key")
	if key == "" && rt.Gate == adapters.GateApp {
		key = rq.Headers.Get("RC-Appkey")
	}
	if key == "" {
		return core.Actor{}, unsigned("The header App-Key is missing.")
	}
	t, ok := d.byKey[key]
	if !ok {
		return core.Actor{}, fault.AuthAPIKeyInvalid.Error("The App-Key " + clip(key) + " does not exist.")
	}
	by := core.Actor{App: t.id, Platform: "web"}
	app, err := d.core.Apps.Get(ctx, server(t.id), core.GetApp{})
	if err != nil {
		return by, err
	}
	if err := app.Settings.Refused(d.now()); err != nil {
		return by, err
	}
	if err := d.hook(ctx, t, &app); err != nil {
		return by, err
	}
	if rt.Gate == adapters.GateApp {
		return by, nil
	}
	if len(t.callers) > 0 && !slices.Contains(t.callers, host(rq.Remote)) {
		return by, fault.AuthIPDenied.Error("Calls from this address are not allowed.")
	}
	if err := d.verify(t, rq); err != nil {
		return by, err
	}
	return server(t.id), nil
}

// header reads one of the signature's headers by either of its names.
func header(rq *adapters.Request, name string) string {
	if v := rq.Headers.Get(name); v != "" {
		return v
	}
	return rq.Headers.Get("RC-" + name)
}

// verify judges the signature of a call.
func (d *Dialect) verify(t *tenant, rq *adapters.Request) error {
	nonce, stamp, sign := header(rq, "Nonce"), header(rq, "Timestamp"), header(rq, "Signature")
	switch {
	case nonce == "" || len(nonce) > maxNonce:
		return unsigned("The header Nonce is missing or too long.")
	case sign == "":
		return unsigned("The header Signature is missing.")
	}
	at, ok := stampTime(stamp)
	if !ok {
		return unsigned("The header Timestamp is missing or not a number of milliseconds.")
	}
	if !signedBy(t.secret, nonce, stamp, sign) {
		for _, other := range d.byKey {
			if other != t && signedBy(other.secret, nonce, stamp, sign) {
				return fault.AuthAPIKeyInvalid.Error("The App Secret does not go with the App-Key.")
			}
		}
		return unsigned("The signature does not verify.")
	}
	if skew := d.now().Sub(at); skew > maxSkew || skew < -maxSkew {
		return unsigned("The header Timestamp is too far from the time of this server.")
	}
	if !d.nonces.take(t.id, nonce, stamp) {
		return unsigned("The nonce was used before.")
	}
	return nil
}

// unsigned is the failure of a signature.
func unsigned(detail string) error { return fault.AuthRequestSignatureInvalid.Error(detail) }

// Sign is the signature of a call: lower-case hex of SHA-1 over secret, nonce and timestamp.
func Sign(secret, nonce, stamp string) string {
	sum := sha1.Sum([]byte(secret + nonce + stamp)) //nolint:gosec // see above
	return hex.EncodeToString(sum[:])
}

// signedBy reports whether the signature is that of the secret.
func signedBy(secret, nonce, stamp, sign string) bool {
	return subtle.ConstantTimeCompare([]byte(Sign(secret, nonce, stamp)), []byte(strings.ToLower(sign))) == 1
}

// stampTime reads a timestamp in milliseconds or, where it is too small for that, in seconds.
func stampTime(s string) (time.Time, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	switch {
	case err != nil || n <= 0:
		return time.Time{}, false
	case n < 1e11:
		return time.Unix(n, 0), true
	}
	return time.UnixMilli(n), true
}

// host is the address without its port.
func host(remote string) string {
	if h, _, err := net.SplitHostPort(remote); err == nil {
		return h
	}
	return remote
}

// clip shortens what is echoed.
func clip(s string) string {
	if len(s) > 100 {
		return strings.ToValidUTF8(s[:100], "") + "…"
	}
	return s
}
