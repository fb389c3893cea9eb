package agora

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // the vendor's own signature
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

var (
	_ core.Hooks    = (*Dialect)(nil)
	_ core.Callouts = (*Dialect)(nil)
)

// Kinds of the webhooks of this dialect among those of the app: told after a message was stored, and
// asked before.
const (
	kindAfter  = "callback"
	kindBefore = "msghook"
)

// securityVersion is the version of the scheme of "security".
const securityVersion = "1.0.0"

// calling is one call being written.
type calling struct {
	d    *Dialect
	t    *tenant
	hook *core.EventHook
	w    *wire.Writer
}

// call writes the members that every call has, and those that write adds. See
// https://docs.agora.io/en/agora-chat/develop/callbacks.
func (c *calling) call(id, eventType string, at time.Time, write func(*wire.Writer)) []byte {
	callID := c.t.key() + "_" + id
	ms := strconv.FormatInt(at.UnixMilli(), 10)
	sum := md5.Sum([]byte(callID + gjson.GetBytes(c.hook.Extra, "secret").String() + ms)) //nolint:gosec // the vendor's own signature
	w := wire.NewWriter(1024)
	w.Open()
	w.Text("callId", callID)
	w.Text("eventType", eventType)
	w.Int64("timestamp", at.UnixMilli())
	w.Text("appkey", c.t.key())
	w.Text("host", "dragoman")
	write(w)
	w.Text("securityVersion", securityVersion)
	w.Text("security", hex.EncodeToString(sum[:]))
	w.Close()
	return w.Bytes()
}

// toldKinds are the events that are told after they happened, with the chat_type that names them where
// the conversation's does not.
var toldKinds = map[core.EventKind]string{
	core.MessageSent: "", core.MessageEdited: "edit", core.MessageDeleted: "recall", core.MessageAcked: "read_ack", core.ReadMoved: "channel_ack",
	core.FriendRequested: "roster", core.FriendAdded: "roster", core.FriendDeclined: "roster", core.FriendRemoved: "roster",
}

// groupDeeds are the operations that events of groups and rooms are told as.
var groupDeeds = map[core.EventKind]string{
	core.ChannelCreated: "CREATE", core.ChannelDeleted: "DELETE", core.MemberAdded: "JOIN", core.MemberRemoved: "LEAVE", core.ChannelUpdated: "UPDATE",
	core.GroupRuled: "UPDATE", core.MemberUpdated: "ADMIN", core.OwnerChanged: "UPDATE", core.MemberMuted: "MUTE", core.MemberUnmuted: "MUTE", core.UserBanned: "BLOCK",
	core.UserUnbanned: "BLOCK", core.MemberAllowed: "WHITE", core.MemberDisallowed: "WHITE", core.FileShared: "SHARE_FILE", core.FileUnshared: "SHARE_FILE",
}

// Requests implements core.Hooks: one call for each webhook that wants the event. Deliveries are
// repeated by the core until they are answered.
func (d *Dialect) Requests(app *core.App, ev *core.Event, _ int) []core.HookRequest {
	t, ok := d.byApp[app.ID]
	if !ok {
		return nil
	}
	var out []core.HookRequest
	for i := range app.Settings.Hooks {
		h := &app.Settings.Hooks[i]
		if h.Kind != kindAfter || !h.Enabled {
			continue
		}
		c := &calling{d: d, t: t, hook: h}
		if b := c.told(ev); b != nil {
			out = append(out, core.HookRequest{URL: h.URL, Header: http.Header{"Content-Type": {"application/json;charset=utf-8"}}, Body: b})
		}
	}
	return out
}

// told writes the call of an event, or nothing if the webhook does not want it.
func (c *calling) told(ev *core.Event) []byte {
	ctx, cancel := context.WithTimeout(context.Background(), tellWithin)
	defer cancel()
	var v *venue
	if ev.Channel != nil {
		var err error
		if v, err = c.d.venueOf(ctx, c.t, ev.Channel); err != nil {
			return nil
		}
	}
	kind, ok := toldKinds[ev.Kind]
	switch {
	case ev.Watchers:
		return nil
	case ok && ev.Message != nil && (ev.Message.Notice != nil || v == nil):
		return nil
	case ok && ev.Kind == core.MessageEdited && ev.Message.EditedAt.IsZero():
		return nil
	case ok && ev.Message != nil:
		return c.message(v, ev, kind)
	case ok && ev.Kind == core.ReadMoved:
		return c.read(v, ev)
	case ok && ev.Target != nil:
		return c.contact(ev)
	}
	if deed := groupDeeds[ev.Kind]; deed != "" && v != nil && !v.direct() {
		return c.deed(v, ev, deed)
	}
	return nil
}

// wants reports whether the webhook is for messages of a kind: of a kind of conversation, or of all.
func (c *calling) wants(names ...string) bool {
	return len(c.hook.Events) == 0 || slices.ContainsFunc(names, func(n string) bool { return slices.Contains(c.hook.Events, n) })
}

// message writes the call of a message, or of what was done to one.
func (c *calling) message(v *venue, ev *core.Event, kind string) []byte {
	m := ev.Message
	b := bodyOf(v, m)
	typ := orElse(kind, v.talk())
	content := contentTypeOf(v, &b)
	if !c.wants(typ, content) {
		return nil
	}
	from := m.User
	if kind != "" && ev.User != nil {
		from = ev.User.ID
	}
	return c.call(callIDOf(m, ev), "chat", ev.At, func(w *wire.Writer) {
		w.Text("chat_type", typ)
		w.Text("content_type", content)
		if !v.direct() {
			w.Text("group_id", numberOf(v.c))
		}
		w.Text("from", string(from))
		w.Text("to", v.to(m.User))
		w.Text("msg_id", m.ID.String())
		w.Raw("payload", payloadJSON(v, m))
	})
}

// callIDOf tells the calls of one message apart.
func callIDOf(m *core.Message, ev *core.Event) string {
	if ev.Kind == core.MessageSent {
		return m.ID.String()
	}
	return m.ID.String() + "_" + strconv.FormatInt(int64(ev.Stamp), 10)
}

// contentTypeOf names what a message holds, such as chat:user:text.
func contentTypeOf(v *venue, b *msgBody) string {
	names := map[always]string{
		contentText: "text", contentImage: "image", contentVideo: "video", contentLocation: "location", contentVoice: "voice",
		contentFile: "file", contentCommand: "command", contentCustom: "custom", contentCombine: "combine",
	}
	if len(b.contents) == 0 {
		return v.chatType()
	}
	return v.chatType() + ":" + names[b.contents[0].kind]
}

// read writes the call of somebody's having read a conversation.
func (c *calling) read(v *venue, ev *core.Event) []byte {
	if v == nil || !v.direct() || ev.Read == nil || !c.wants("channel_ack") {
		return nil
	}
	from := ev.Read.User.ID
	return c.call(strconv.FormatInt(int64(ev.Stamp), 10), "chat", ev.At, func(w *wire.Writer) {
		w.Text("chat_type", "channel_ack")
		w.Text("content_type", "channel_ack")
		w.Text("from", string(from))
		w.Text("to", v.to(from))
		w.Text("msg_id", ev.Read.Message.String())
		w.Object("payload")
		w.Close()
	})
}

// rosterDeeds are the operations that events of contacts are told as.
var rosterDeeds = map[core.EventKind]string{
	core.FriendRequested: "add", core.FriendAdded: "accept", core.FriendDeclined: "decline", core.FriendRemoved: "remove",
}

// contact writes the call of an event of contacts.
func (c *calling) contact(ev *core.Event) []byte {
	if !c.wants("roster") || ev.User == nil {
		return nil
	}
	return c.call(strconv.FormatInt(int64(ev.Stamp), 10), "chat", ev.At, func(w *wire.Writer) {
		w.Text("chat_type", "roster")
		w.Text("content_type", "roster")
		w.Text("from", string(ev.User.ID))
		w.Text("to", string(ev.Target.ID))
		w.Object("payload")
		w.Text("operation", rosterDeeds[ev.Kind])
		if ev.Change != nil {
			w.TextIf("reason", ev.Change.Text)
		}
		w.Close()
	})
}

// deed writes the call of an event of a group or room.
func (c *calling) deed(v *venue, ev *core.Event, deed string) []byte {
	if !c.wants("group_op_event", "muc") {
		return nil
	}
	return c.call(strconv.FormatInt(int64(ev.Stamp), 10), "group_op_event", ev.At, func(w *wire.Writer) {
		w.Text("event", "group_op_event")
		w.Text("operation", deed)
		w.Text("chat_type", "muc")
		w.Text("type", map[bool]string{false: "GROUP", true: "CHATROOM"}[v.room()])
		w.Text("group_id", numberOf(v.c))
		w.Text("id", numberOf(v.c))
		if ev.User != nil {
			w.Text("operator", string(ev.User.ID))
		}
		if ev.Target != nil {
			w.Texts("member", []string{string(ev.Target.ID)})
		}
		w.Int64("count", int64(ev.Channel.MemberCount))
	})
}

// Texts of refusals that are the vendor's own.
const (
	textDenied   = "custom logic denied" // also the name of the placeholder in link.tsv
	textInternal = "custom internal error"
)

// beforeWithin is how long an endpoint may think by default; see
// https://docs.agora.io/en/agora-chat/develop/callbacks.
const beforeWithin = 200 * time.Millisecond

// BeforeSend implements core.Callouts: the app's endpoints may refuse a message of a client, or put
// another payload in its place. What an endpoint that fails means is the app's to say.
func (d *Dialect) BeforeSend(ctx context.Context, do core.Doer, app *core.App, ch *core.Channel, _ *core.User, m *core.Message) error {
	t, ok := d.byApp[app.ID]
	if k, own := keptOf(m); !ok || own && k.device == "" {
		return nil // messages of servers are not asked about
	}
	for i := range app.Settings.Hooks {
		h := &app.Settings.Hooks[i]
		if h.Kind != kindBefore || !h.Enabled {
			continue
		}
		v, err := d.venueOf(ctx, t, ch)
		if err != nil {
			return err
		}
		c := &calling{d: d, t: t, hook: h}
		if err := c.ask(ctx, do, v, m); err != nil {
			return err
		}
	}
	return nil
}

// ask asks one endpoint.
func (c *calling) ask(ctx context.Context, do core.Doer, v *venue, m *core.Message) error {
	b := bodyOf(v, m)
	content := contentTypeOf(v, &b)
	if !c.wants(v.talk(), content) {
		return nil
	}
	within := time.Duration(gjson.GetBytes(c.hook.Extra, "timeout").Int()) * time.Millisecond
	if within <= 0 {
		within = beforeWithin
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	id := strconv.FormatUint(c.d.serial(), 10)
	body := c.call(id, "chat", m.CreatedAt, func(w *wire.Writer) {
		w.Text("chat_type", v.talk())
		w.Text("content_type", content)
		if !v.direct() {
			w.Text("group_id", numberOf(v.c))
		}
		w.Text("from", string(m.User))
		w.Text("to", v.to(m.User))
		w.Text("msg_id", id)
		w.Raw("payload", payloadJSON(v, m))
	})
	rq, err := http.NewRequestWithContext(ctx, http.MethodPost, c.hook.URL, bytes.NewReader(body))
	if err != nil {
		return c.fallback()
	}
	rq.Header.Set("Content-Type", "application/json;charset=utf-8")
	status, answer, err := do.Do(rq)
	if err != nil || status != http.StatusOK || !gjson.ValidBytes(answer) {
		return c.fallback()
	}
	r := gjson.ParseBytes(answer)
	switch valid := r.Get("valid"); {
	case valid.Type != gjson.True && valid.Type != gjson.False:
		return c.fallback()
	case !valid.Bool():
		return denied(orElse(r.Get("code").String(), textDenied))
	}
	if p := r.Get("payload.bodies.0"); p.IsObject() && len(answer) <= maxAnswer {
		return replace(v, m, &b, p)
	}
	return nil
}

// maxAnswer bounds an answer whose payload counts, in bytes.
const maxAnswer = 1000

// denied is the refusal of a message by the app's endpoint, whose text the sender is shown.
func denied(text string) error {
	return fault.ModerationRejected.Error(clip(text)).With("webhook").Param(textDenied, clip(text))
}

// fallback is what a failing endpoint means.
func (c *calling) fallback() error {
	if gjson.GetBytes(c.hook.Extra, "defaultAction").Int() == actionDeny {
		return denied(textInternal)
	}
	return nil
}

// actionDeny is the default action that refuses messages.
const actionDeny = 1

// replace puts the text an endpoint answered in the place of the message's.
func replace(v *venue, m *core.Message, b *msgBody, p gjson.Result) error {
	if typ := p.Get("type").String(); typ != "txt" && typ != "" || len(b.contents) == 0 || b.contents[0].kind != contentText {
		return nil
	}
	msg := p.Get("msg")
	if msg.Type != gjson.String {
		return nil
	}
	k, ok := keptOf(m)
	b.contents[0].text = msg.Str
	m.Text = msg.Str
	if ok {
		raw := appendMessage(without(rawOf(v, m), fieldBodyContents), fieldBodyContents, &b.contents[0])
		k.body = raw
		m.Extra = k.extra(b)
	}
	return nil
}

// Command implements core.Callouts: this vendor has no commands.
func (d *Dialect) Command(context.Context, core.Doer, *core.App, *core.Channel, *core.User, *core.Message, map[string]string) error {
	return fault.IntegrationNotConfigured.Error("the app has no handler for this command")
}
