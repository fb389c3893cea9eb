package stream

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

var _ core.Callouts = (*Dialect)(nil)

// maxFormValues bounds the form of a command's buttons.
const maxFormValues = 100

// BeforeSend implements core.Callouts: the app's endpoint may rewrite the message or turn it into
// an error message; see https://getstream.io/chat/docs/node/before_message_send_webhook/. An
// endpoint that fails or is late lets the message through as it is, as the vendor does.
func (d *Dialect) BeforeSend(ctx context.Context, do core.Doer, app *core.App, ch *core.Channel, author *core.User, m *core.Message) error {
	t, ok := d.secrets[app.ID]
	if !ok || app.Settings.BeforeSendURL == "" {
		return nil
	}
	w := wire.NewWriter(2048)
	w.Open()
	w.Key("message")
	writeMessage(w, m)
	writeAsked(w, ch, author)
	w.Object("request_info")
	w.Close()
	w.Close()
	if r, err := ask(ctx, do, t, app.Settings.BeforeSendURL, w.Bytes()); err == nil {
		rewrite(&r, m)
	}
	return nil
}

// Command implements core.Callouts: the app's endpoint answers a custom command with the message
// that takes its place; see https://getstream.io/chat/docs/node/custom_commands_webhook/.
func (d *Dialect) Command(ctx context.Context, do core.Doer, app *core.App, ch *core.Channel, author *core.User, m *core.Message, filled map[string]string) error {
	t, ok := d.secrets[app.ID]
	if !ok || app.Settings.CommandURL == "" {
		return fault.IntegrationNotConfigured.Error("custom_action_handler_url is not set, so the command /" + clip(m.Command) + " cannot be run")
	}
	w := wire.NewWriter(2048)
	w.Open()
	w.Key("message")
	writeMessage(w, m)
	writeAsked(w, ch, author)
	w.Object("form_data")
	names := make([]string, 0, len(filled))
	for k := range filled {
		names = append(names, k)
	}
	slices.Sort(names)
	for _, k := range names[:min(len(names), maxFormValues)] {
		w.KeyOf(k)
		w.Item(filled[k])
	}
	w.Close()
	w.Close()
	target := strings.ReplaceAll(app.Settings.CommandURL, "{type}", url.PathEscape(m.Command))
	r, err := ask(ctx, do, t, target, w.Bytes())
	if err != nil {
		return fault.IntegrationCallFailed.Wrap(err)
	}
	if _, ok := r.Object("message"); !ok {
		return fault.IntegrationCallFailed.Error("the answer of the command's endpoint has no message")
	}
	rewrite(&r, m)
	return nil
}

// writeAsked writes who asks and where, beside the message.
func writeAsked(w *wire.Writer, ch *core.Channel, author *core.User) {
	if author != nil {
		w.Key("user")
		writeUser(w, author)
	}
	if ch != nil {
		w.Key("channel")
		writeChannel(w, ch, channelView{})
	}
}

// ask posts a signed body to the app's endpoint and reads the JSON object it answers.
func ask(ctx context.Context, do core.Doer, t *tenant, target string, body []byte) (wire.Reader, error) {
	rq, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return wire.Reader{}, err
	}
	rq.Header = signed(t, body)
	status, b, err := do.Do(rq)
	if err != nil {
		return wire.Reader{}, err
	}
	if status < 200 || status > 299 {
		return wire.Reader{}, fault.IntegrationCallFailed.Error("the app's endpoint answered " + http.StatusText(status))
	}
	return wire.Parse(b)
}

// rewrite applies the message an endpoint answered: what it leaves out stays as it was.
func rewrite(r *wire.Reader, m *core.Message) {
	o, ok := r.Object("message")
	if !ok {
		return
	}
	switch k := core.MessageKind(o.Text("type")); k {
	case core.MessageRegular, core.MessageEphemeral, core.MessageError, core.MessageSystem:
		m.Kind = k
	}
	if _, ok := o.Look("text"); ok {
		m.Text = o.Text("text")
	}
	if b := o.OptBool("show_in_channel"); b != nil {
		m.ShowInChannel = *b
	}
	if b := o.OptBool("silent"); b != nil {
		m.Silent = *b
	}
	if x := o.RawObject("i18n"); x != nil {
		m.Translations = x
	}
	if _, ok := o.Look("attachments"); ok {
		m.Attachments = rewritten(&o)
	}
	m.Extra = mergeExtra(m.Extra, o.Rest(messageNames.And("custom")), nil)
	m.Extra = mergeExtra(m.Extra, o.RawObject("custom"), nil)
}

// rewritten reads the attachments of an endpoint's answer; anything but an object is left out.
func rewritten(o *wire.Reader) []json.RawMessage {
	out := []json.RawMessage{}
	o.Each("attachments", maxAttachments, func(_ int, v gjson.Result) {
		if v.IsObject() {
			out = append(out, wire.Compact(v.Raw))
		}
	})
	return out
}

// signed are the headers of every call to an app's own endpoint.
func signed(t *tenant, body []byte) http.Header {
	mac := hmac.New(sha256.New, t.secret)
	mac.Write(body)
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	h.Set("X-Api-Key", t.key)
	h.Set("X-Signature", hex.EncodeToString(mac.Sum(nil)))
	return h
}
