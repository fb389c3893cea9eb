package stream

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
)

var _ core.Hooks = (*Dialect)(nil)

// Requests implements core.Hooks: one call per webhook that wants the event, in Stream's shape; see
// https://getstream.io/chat/docs/node/webhooks_overview/. The signature covers the body as sent.
func (d *Dialect) Requests(app *core.App, ev *core.Event, attempt int) []core.HookRequest {
	t, ok := d.secrets[app.ID]
	if !ok {
		return nil
	}
	name := hookType(ev)
	if name == "" {
		return nil
	}
	var body []byte
	var out []core.HookRequest
	send := func(url string) {
		if body == nil {
			_, body = d.webhookEvent(ev)
		}
		out = append(out, core.HookRequest{URL: url, Header: hookHeader(t, ev, url, attempt, body), Body: body})
	}
	s := &app.Settings
	if s.WebhookURL != "" && wants(s.WebhookEvents, name) {
		send(s.WebhookURL)
	}
	for i := range s.Hooks {
		h := &s.Hooks[i]
		if h.Enabled && h.URL != "" && orElse(h.Kind, hookWebhook) == hookWebhook && wants(h.Events, name) {
			send(h.URL)
		}
	}
	return out
}

// hookType is the vendor's name of an event as a webhook sees it, "" for one it has no name for.
func hookType(e *core.Event) string {
	if hookless[e.Kind] {
		return ""
	}
	row := eventTable[e.Kind]
	switch typ := orElse(row.watcher.typ, row.subject.typ); typ {
	case "*":
		return e.Name
	default:
		return typ
	}
}

// hookless are the kinds that are told to connections only.
var hookless = map[core.EventKind]bool{
	core.TypingStarted: true, core.TypingStopped: true, core.WatchingStarted: true, core.WatchingStopped: true, core.UserPresence: true,
	core.MutesChanged: true, core.ChannelMutes: true, core.ReadMovedBack: true, core.DeliveredMoved: true, core.ChannelHidden: true,
	core.ChannelShown: true, core.DraftUpdated: true, core.DraftDeleted: true, core.CustomEvent: true,
}

// hookEvents are the names of all events a webhook may be told of, sorted.
func hookEvents() []string {
	var out []string
	for kind, row := range eventTable {
		if !hookless[kind] {
			out = append(out, orElse(row.watcher.typ, row.subject.typ))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// encodeHookEvents answers the events there are, all of them of the product chat.
func encodeHookEvents(w *wire.Writer, _ *adapters.Request, _ struct{}) {
	w.List("events")
	for _, name := range hookEvents() {
		w.Open()
		w.Text("name", name)
		w.Text("description", "")
		w.Texts("products", []string{"chat"})
		w.Close()
	}
	w.CloseList()
}

// wants reports whether a subscription lists the event; an empty list is all of them.
func wants(events []string, name string) bool {
	return len(events) == 0 || slices.Contains(events, name) || slices.Contains(events, "*")
}

// hookHeader signs a call. The id is the same for every attempt at one event and URL.
func hookHeader(t *tenant, ev *core.Event, url string, attempt int, body []byte) http.Header {
	h := signed(t, body)
	h.Set("X-Webhook-Id", hookID(ev, url))
	h.Set("X-Webhook-Attempt", strconv.Itoa(attempt))
	return h
}

// hookID names one event at one URL: what the event is, where and when it happened.
func hookID(ev *core.Event, url string) string {
	h := sha256.New()
	part := func(s string) {
		h.Write([]byte(strconv.Itoa(len(s))))
		h.Write([]byte{':'})
		h.Write([]byte(s))
	}
	part(strconv.FormatInt(int64(ev.App), 10))
	part(string(ev.Kind))
	part(strconv.FormatInt(ev.At.UnixNano(), 10))
	part(strconv.FormatInt(ev.Ev, 10))
	if ev.Channel != nil {
		part(string(ev.Channel.Key))
	}
	if ev.User != nil {
		part(string(ev.User.ID))
	}
	if ev.Target != nil {
		part(string(ev.Target.ID))
	}
	part(url)
	x := hex.EncodeToString(h.Sum(nil)[:16])
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}
