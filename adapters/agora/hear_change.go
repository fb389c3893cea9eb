package agora

import (
	"context"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// recallWithin is how long after it a message can be recalled; see
// https://docs.agora.io/en/agora-chat/client-api/messages/recall-messages.
const recallWithin = 2 * time.Minute

// hearRecall takes a message back.
func (l *link) hearRecall(ctx context.Context, m *item, b *msgBody) (ack, error) {
	hit, err := l.message(ctx, b.ackID)
	if err != nil {
		return ack{}, err
	}
	if hit.Message.User == l.by.User && l.d.now().Sub(hit.Message.CreatedAt) > recallWithin {
		return ack{}, fault.MessageWindowExpired.Error("The message is too old to be recalled.")
	}
	for i := range m.ext {
		if k := &m.ext[i]; k.key == "recallMessageExtensionInfo" && k.text != "" {
			_, err = l.d.core.Messages.Edit(ctx, behalf(l.by), core.EditMessage{ID: hit.Message.ID.String(), MaxExtra: maxExtra, Change: func(c *core.Message) error {
				c.Extra = noteRecall(c.Extra, k.text)
				return nil
			}})
			if err != nil {
				return ack{}, err
			}
		}
	}
	_, err = l.d.core.Messages.Delete(ctx, l.by, core.DeleteMessage{ID: hit.Message.ID.String()})
	if fault.IsReason(err, fault.PermissionDenied) {
		err = fault.MessageNotOwner.Error("The message is somebody else's.")
	}
	return l.done(), err
}

// noteRecall keeps what was said when recalling.
func noteRecall(x core.Extra, text string) core.Extra {
	w := wire.NewWriter(len(x) + len(text) + 32)
	w.Open()
	w.Extra(x, wire.NamesOf(msyncName))
	w.Object(msyncName)
	if v := gjson.GetBytes(x, msyncName); v.IsObject() {
		w.Extra(core.Extra(v.Raw), wire.NamesOf("recall"))
	}
	w.Text("recall", text)
	w.Close()
	w.Close()
	return w.Bytes()
}

// maxEdits is how often a message can be changed; see
// https://docs.agora.io/en/agora-chat/client-api/messages/modify-messages.
const maxEdits = 10

// hearEdit changes a message: its content, and its extension fields where the edit says so. The
// answer tells what the SDK shows of the edit.
func (l *link) hearEdit(ctx context.Context, _ *item, b *msgBody) (ack, error) {
	hit, err := l.message(ctx, b.editID)
	if err != nil {
		return ack{}, err
	}
	if len(b.contents) == 0 {
		return ack{}, fault.MessageInvalid.Error("The edit says nothing.")
	}
	v, err := l.d.venueOf(ctx, l.t, &hit.Channel)
	if err != nil {
		return ack{}, err
	}
	edited, err := l.d.core.Messages.Edit(ctx, l.by, core.EditMessage{ID: hit.Message.ID.String(), MaxExtra: maxExtra, Change: func(m *core.Message) error {
		return edit(v, m, b)
	}})
	if fault.IsReason(err, fault.PermissionDenied) {
		err = fault.MessageNotOwner.Error("The message is somebody else's.")
	}
	if err != nil {
		return ack{}, err
	}
	a := ack{id: l.d.serial(), at: editedAt(&edited)}
	w := wire.NewWriter(192)
	w.Open()
	w.Key("edit_msg")
	writeEdit(w, v, &edited, l.by.User)
	w.Close()
	x := item{id: a.id, timestamp: millis(a.at), ns: nsNotify, payload: w.Bytes()}
	x.from.v, x.to.v = l.self(), l.self()
	a.metas = []item{x}
	return a, nil
}

// edit changes a stored message: its bytes where the edit has new ones, and what other dialects see.
func edit(v *venue, m *core.Message, b *msgBody) error {
	k, _ := keptOf(m)
	if k.edits >= maxEdits {
		return fault.LimitReached.Error("The message was changed too often.").With("edits")
	}
	old := bodyOf(v, m)
	if len(old.contents) == 0 || old.contents[0].kind != b.contents[0].kind {
		return fault.MessageInvalid.Error("An edit keeps the kind of the message.")
	}
	raw := without(rawOf(v, m), fieldBodyContents)
	for i := range b.contents {
		raw = appendMessage(raw, fieldBodyContents, &b.contents[i])
	}
	if b.editScope == 2 {
		raw = without(raw, fieldBodyExt)
		for i := range b.ext {
			raw = appendMessage(raw, fieldBodyExt, &b.ext[i])
		}
	}
	var now msgBody
	if err := now.decode(raw, 0); err != nil {
		return fault.MessageInvalid.Wrap(err)
	}
	k.body, k.edits = raw, k.edits+1
	c := &now.contents[0]
	m.Text, m.Attachments, m.Extra = c.plain(), c.attachments(), k.extra(&now)
	return nil
}
