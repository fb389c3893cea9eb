package native

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"time"

	"dragoman/core"
)

// signatureHeader proves that a webhook call is ours: t=<Unix seconds>,v1=<HMAC-SHA256 in hex of
// "t.body" with the app's secret>.
const signatureHeader = "Dragoman-Signature"

// hookCall is the body of a webhook call.
type hookCall struct {
	App     string `json:"app"`
	Attempt int    `json:"attempt"`
	Event   Event  `json:"event"`
}

// Requests implements core.Hooks: one call for each webhook that wants the event. Deliveries are
// repeated by the core until they are answered.
func (d *Dialect) Requests(app *core.App, ev *core.Event, attempt int) []core.HookRequest {
	t, ok := d.byApp[app.ID]
	if !ok || ev.Watchers {
		return nil
	}
	var out []core.HookRequest
	var body []byte
	for i := range app.Settings.Hooks {
		h := &app.Settings.Hooks[i]
		if h.Kind != hookKind || !h.Enabled || len(h.Events) > 0 && !slices.Contains(h.Events, string(ev.Kind)) {
			continue
		}
		if body == nil {
			var err error
			if body, err = encode(hookCall{t.key, attempt, eventOf(ev)}); err != nil {
				return nil
			}
		}
		out = append(out, core.HookRequest{URL: h.URL, Body: body, Header: http.Header{
			"Content-Type": {"application/json"}, signatureHeader: {t.signature(body, d.now())},
		}})
	}
	return out
}

// signature signs a body at a time.
func (t *tenant) signature(body []byte, at time.Time) string {
	s := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, t.secret)
	mac.Write([]byte(s + "."))
	mac.Write(body)
	return "t=" + s + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}
