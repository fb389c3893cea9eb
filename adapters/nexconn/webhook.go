package nexconn

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"dragoman/adapters/wire"
	"dragoman/core"
)

var _ core.Hooks = (*Dialect)(nil)

// hookKind marks the webhooks of this dialect among those of the app.
const hookKind = "nexconn"

// Types of webhook calls; see https://docs.nexconn.ai, webhooks.
const (
	hookMessage = "message:send"
	hookStatus  = "user:connection_status"
)

// hookKinds are the events that are told and what the calls are called.
var hookKinds = map[core.EventKind]string{core.MessageSent: hookMessage, core.UserPresence: hookStatus}

// Requests implements core.Hooks: a call to each of the app's webhooks of this dialect. Deliveries are
// repeated by the core until they are answered. The vendor's console sets one address for an app; here
// it is the app's setting webhook_url.
func (d *Dialect) Requests(app *core.App, ev *core.Event, attempt int) []core.HookRequest {
	t, ok := d.byApp[app.ID]
	kind := hookKinds[ev.Kind]
	if !ok || kind == "" {
		return nil
	}
	var out []core.HookRequest
	for i := range app.Settings.Hooks {
		h := &app.Settings.Hooks[i]
		if h.Kind != hookKind || !h.Enabled {
			continue
		}
		if r, ok := d.hookRequest(t, h.URL, kind, ev, attempt); ok {
			out = append(out, r)
		}
	}
	return out
}

// hook puts the configured webhook among those of the app, which is where the core looks whether an app
// has any; before the first call or link of the app is served.
func (d *Dialect) hook(ctx context.Context, t *tenant, app *core.App) error {
	if t.hooked.Load() {
		return nil
	}
	mine := func(h core.EventHook) bool { return h.Kind == hookKind }
	i := slices.IndexFunc(app.Settings.Hooks, mine)
	if (t.webhook == "") != (i < 0) || i >= 0 && app.Settings.Hooks[i].URL != t.webhook {
		_, err := d.core.Apps.Update(ctx, server(t.id), core.UpdateApp{Change: func(s *core.AppSettings) error {
			s.Hooks = slices.DeleteFunc(slices.Clone(s.Hooks), mine)
			if t.webhook != "" {
				s.Hooks = append(s.Hooks, core.EventHook{Kind: hookKind, URL: t.webhook, Enabled: true})
			}
			return nil
		}})
		if err != nil {
			return err
		}
	}
	t.hooked.Store(true)
	return nil
}

// hookRequest writes one call. The address carries the signature, as the vendor's callbacks do: app
// key, nonce, time and the SHA-1 of secret, nonce and time.
func (d *Dialect) hookRequest(t *tenant, address, kind string, ev *core.Event, attempt int) (core.HookRequest, bool) {
	u, err := url.Parse(address)
	if err != nil {
		return core.HookRequest{}, false
	}
	body, ok := d.hookBody(t, kind, ev)
	if !ok {
		return core.HookRequest{}, false
	}
	at := strconv.FormatInt(d.now().UnixMilli(), 10)
	nonce := strconv.FormatInt(int64(ev.Stamp), 36) + "-" + strconv.Itoa(attempt)
	q := u.Query()
	q.Set("appKey", t.key)
	q.Set("nonce", nonce)
	q.Set("signTimestamp", at)
	q.Set("signature", Sign(t.secret, nonce, at))
	u.RawQuery = q.Encode()
	return core.HookRequest{URL: u.String(), Header: http.Header{"Content-Type": {"application/json"}}, Body: body}, true
}

// hookBody is {"type","id","time","data":[…]}; what is empty is left out.
func (d *Dialect) hookBody(t *tenant, kind string, ev *core.Event) ([]byte, bool) {
	w := wire.NewWriter(512)
	w.Open()
	w.Text("type", kind)
	w.Text("id", stampUID(ev.Stamp))
	w.Int64("time", ev.At.UnixMilli())
	w.List("data")
	w.Open()
	switch kind {
	case hookStatus:
		if ev.User == nil {
			return nil, false
		}
		status := 1
		if ev.User.Online {
			status = 0
		}
		w.Text("userId", string(ev.User.ID))
		w.Int("status", status)
		w.Text("os", "Websocket")
	default:
		if !d.hookMessage(w, t, ev) {
			return nil, false
		}
	}
	w.Close()
	w.CloseList()
	w.Close()
	return w.Bytes(), true
}

// hookMessage writes a message as webhooks tell it.
func (d *Dialect) hookMessage(w *wire.Writer, t *tenant, ev *core.Event) bool {
	m := ev.Message
	if m == nil || ev.Channel == nil || m.Notice != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), tellWithin)
	defer cancel()
	p, ok := d.placeOf(ctx, t.id, m.User, ev.Channel)
	if !ok {
		return false
	}
	c := contentOf(m)
	w.Text("userId", string(m.User))
	w.Text("channelId", p.id)
	w.Text("messageType", c.kind)
	w.Text("content", c.body)
	w.Int("channelType", p.kind)
	w.Int64("time", m.CreatedAt.UnixMilli())
	w.Text("messageId", uidOf(m))
	w.Text("os", hookSource(m))
	w.TextIf("busChannelId", p.sub)
	if len(m.RestrictedTo) > 0 {
		w.IDs("groupUserIds", m.RestrictedTo)
	}
	return true
}

// hookSource is what kind of client a message comes from: those of the live link have names of their own.
func hookSource(m *core.Message) string {
	if strings.HasPrefix(m.Alias, aliasPrefix) {
		return "Websocket"
	}
	return "Server"
}
