package cometchat

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

var _ core.Callouts = (*Dialect)(nil)

// triggerBefore is the trigger of webhooks that are asked while a message is on its way; see
// https://www.cometchat.com/docs/webhooks/webhooks-legacy-events.
const triggerBefore = "before_message"

// blockActions are the words for "action" in an answer by which a webhook keeps a message back.
var blockActions = []string{"do_not_propagate", "block"}

// maxInjected bounds what one webhook may add to the metadata of a message, in bytes.
const maxInjected = 4 << 10

// BeforeSend implements core.Callouts: every webhook with the trigger before_message is asked, in
// order. One may keep the message back; whatever else it answers becomes part of the message's
// metadata under "@injected". A webhook that fails or is late has no say, as with the vendor.
func (d *Dialect) BeforeSend(ctx context.Context, do core.Doer, app *core.App, ch *core.Channel, author *core.User, m *core.Message) error {
	t, ok := d.byApp[app.ID]
	if !ok || m.Notice != nil {
		return nil
	}
	for i := range app.Settings.Hooks {
		h := &app.Settings.Hooks[i]
		if h.Kind != hookKind || !h.Enabled || !h.Before {
			continue
		}
		v, err := d.venueOf(ctx, app.ID, "", ch)
		if err != nil {
			return err
		}
		shown := *m
		shown.Author = author
		x := &telling{t: t, v: v, ev: &core.Event{App: app.ID, Channel: ch, User: author, Message: &shown}}
		answer, err := askHook(ctx, do, h, x.beforeBody(h.ID))
		if err != nil {
			continue
		}
		if slices.Contains(blockActions, answer.Get("action").String()) {
			return fault.ModerationRejected.Error(orElse(clip(answer.Get("message").String()), "The message was blocked by the webhook "+h.ID+".")).With("webhook")
		}
		inject(m, h.ID, answer)
	}
	return nil
}

// Command implements core.Callouts. This vendor has no commands.
func (d *Dialect) Command(context.Context, core.Doer, *core.App, *core.Channel, *core.User, *core.Message, map[string]string) error {
	return fault.IntegrationNotConfigured.Error("CometChat has no custom commands")
}

// beforeBody writes the call: data is the message itself, which has no id yet.
func (x *telling) beforeBody(hook string) []byte {
	w := wire.NewWriter(1024)
	w.Open()
	w.Text("trigger", triggerBefore)
	w.Key("data")
	writeMessage(w, x.ev.Message, x.v)
	w.Text("appId", x.t.appID)
	w.Text("region", x.t.region)
	w.Text("webhook", hook)
	w.Close()
	return w.Bytes()
}

// askHook posts a body to a webhook and reads the object it answers; an empty answer is an empty
// object.
func askHook(ctx context.Context, do core.Doer, h *core.EventHook, body []byte) (gjson.Result, error) {
	none := gjson.Result{Type: gjson.JSON, Raw: "{}"}
	rq, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return none, err
	}
	rq.Header = hookHeader(h)
	status, b, err := do.Do(rq)
	if err != nil {
		return none, err
	}
	if status < 200 || status > 299 {
		return none, fault.IntegrationCallFailed.Error("the webhook answered " + http.StatusText(status))
	}
	if v := gjson.ParseBytes(b); gjson.ValidBytes(b) && v.IsObject() {
		return v, nil
	}
	return none, nil
}

// inject puts what a webhook answered into the metadata of the message.
func inject(m *core.Message, hook string, answer gjson.Result) {
	if len(answer.Raw) > maxInjected || len(answer.Map()) == 0 || answer.Get("action").Exists() {
		return
	}
	c := contentOf(m)
	data := extraEdit{x: core.Extra(c.data)}
	meta := extraEdit{x: core.Extra(gjson.GetBytes(c.data, "metadata").Raw)}
	injected := extraEdit{x: core.Extra(gjson.GetBytes(meta.x, `\@injected`).Raw)}
	hooks := extraEdit{x: core.Extra(gjson.GetBytes(injected.x, "webhooks").Raw)}
	hooks.raw(hook, []byte(answer.Raw))
	injected.raw("webhooks", hooks.x)
	meta.raw("@injected", injected.x)
	data.raw("metadata", meta.x)
	c.data = json.RawMessage(data.x)
	all := extraEdit{x: m.Extra}
	all.raw(contentName, []byte(gjson.GetBytes(c.extra(), contentName).Raw))
	m.Extra = all.x
}
