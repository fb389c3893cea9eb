package stream

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strings"
	"time"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/normalize"
)

var _ adapters.Fronting = (*Dialect)(nil)

// AppOf implements adapters.Fronting: every call and the live link carry the API key.
func (d *Dialect) AppOf(rq *adapters.Request) (core.AppID, bool) {
	t, ok := d.tenants[orElse(rq.Query.Get("api_key"), rq.Headers.Get("X-Api-Key"))]
	if !ok {
		return 0, false
	}
	return t.id, true
}

// FailsQuietly implements adapters.Fronting: a failure has the status of one.
func (d *Dialect) FailsQuietly() bool { return false }

// ReadError implements adapters.Fronting.
func (d *Dialect) ReadError(u *normalize.Upstream, body []byte) (normalize.Answer, bool) {
	return ReadError(u, body)
}

// Front implements adapters.Fronting. The vendor has one host for calls and links, and no answer names
// it.
func (d *Dialect) Front(app core.AppID, v adapters.VendorApp) (adapters.Front, error) {
	t := d.secrets[app]
	if t == nil {
		return nil, fault.AppNotFound.Error("The app does not speak Stream Chat.")
	}
	f := &front{d: d, t: t, key: v.Key, secret: []byte(v.Secret)}
	if f.key == t.key {
		f.key = ""
	}
	if v.Secret == string(t.secret) {
		f.secret = nil
	}
	return f, nil
}

// front is one app before its vendor. Empty credentials are the same as ours.
type front struct {
	d      *Dialect
	t      *tenant
	key    string
	secret []byte
}

// Service implements adapters.Front.
func (f *front) Service(*adapters.Request) adapters.Service { return adapters.ServiceClient }

// Rewrites implements adapters.Front.
func (f *front) Rewrites(string) bool { return false }

// Rewrite implements adapters.Front.
func (f *front) Rewrite(_ string, _ *adapters.Request, body []byte) ([]byte, []string) {
	return body, nil
}

// Resign implements adapters.Front: the API key is swapped, tokens signed with our secret are signed
// with the vendor's. A token that has expired is refused here, since the vendor's refusal of a call
// that bears our signature counts as our own fault.
func (f *front) Resign(_ *adapters.Request, out adapters.Outgoing) (own adapters.Owned, err error) {
	if f.key != "" {
		own = adapters.OwnKey
		out.SetQuery(adapters.SetParam(out.Query(), "api_key", url.QueryEscape(f.key)))
		if out.Header("X-Api-Key") != "" {
			out.SetHeader("X-Api-Key", f.key)
		}
	}
	if len(f.secret) == 0 {
		return own, nil
	}
	swap := func(token string, put func(string)) {
		c, bad := f.d.tokens.claims(f.t, token)
		if bad != nil || c.unsigned || err != nil {
			return // not ours to vouch for
		}
		if err = c.valid(f.d.now(), time.Time{}); err != nil {
			return
		}
		if own = adapters.OwnKey; c.server {
			own = adapters.OwnCall
		}
		put(resign(token, f.secret))
	}
	if token := out.Header("Authorization"); token != "" {
		swap(token, func(s string) { out.SetHeader("Authorization", s) })
	}
	for pair := range strings.SplitSeq(out.Query(), "&") {
		if raw, ok := strings.CutPrefix(pair, "authorization="); ok {
			if token, bad := url.QueryUnescape(raw); bad == nil {
				swap(token, func(s string) { out.SetQuery(adapters.SetParam(out.Query(), "authorization", s)) })
			}
		}
	}
	return own, err
}

// resign puts another signature under a token.
func resign(token string, secret []byte) string {
	body := token[:strings.LastIndexByte(token, '.')]
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(body))
	return string(base64.RawURLEncoding.AppendEncode([]byte(body+"."), mac.Sum(nil)))
}
