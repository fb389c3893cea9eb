package nexconn

import (
	"context"
	"maps"
	"slices"

	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// kindExpansion is the command by which clients change the expansion of a message and are told of it:
// the vendor's metadata of messages, the core's values.
const kindExpansion = "RC:MsgExMsg"

// maxExpansion bounds the entries of a message.
const maxExpansion = 300

// expand serves the command that changes a message's expansion.
func expand(ctx context.Context, c *call, _ place, up *upMessage) (outcome, error) {
	v := gjson.Parse(up.content)
	set := map[string]string{}
	v.Get("put").ForEach(func(k, x gjson.Result) bool {
		set[k.Str] = x.String()
		return true
	})
	var remove []string
	for _, k := range v.Get("del").Array() {
		remove = append(remove, k.String())
	}
	return c.expandMessage(ctx, v.Get("mid").String(), set, remove, v.Get("clear").Bool())
}

// expandMessage changes the expansion of one message.
func (c *call) expandMessage(ctx context.Context, uid string, set map[string]string, remove []string, all bool) (outcome, error) {
	m, _, err := c.d.messageNamed(ctx, c.by, uid)
	if err != nil {
		return outcome{}, fault.MessageNotFound.Error("The message " + clip(uid) + " does not exist.").With("community_expansion")
	}
	if body := contentOf(m); !body.expandable {
		return outcome{}, fault.MessageActionNotAllowed.Error("The message was sent without leave to expand it.").With("community_expansion")
	}
	for k := range set {
		if !metadataName(k) {
			return outcome{}, fault.RequestInvalidField.Error("The key " + clip(k) + " has characters that are not allowed.").With("community_expansion")
		}
	}
	if all {
		have, err := c.d.core.Values.Get(ctx, c.by, core.GetMessageValues{Messages: []core.MessageID{m.ID}})
		if err != nil {
			return outcome{}, err
		}
		for _, x := range have[m.ID] {
			remove = append(remove, x.Name)
		}
	}
	if err := c.d.annotate(ctx, c.by, uid, set, remove, maxExpansion); err != nil {
		return outcome{}, err
	}
	now := c.d.now()
	return outcome{uid: stampUID(core.StampAt(now)), at: now}, nil
}

// expandCommunity serves the query that does the same in a community.
func expandCommunity(ctx context.Context, c *call) (outcome, error) {
	c.kind = wireCommunity
	var in changeRequest
	if err := in.read(c.data); err != nil {
		return outcome{}, err
	}
	v := gjson.Parse(in.content)
	set := map[string]string{}
	v.Get("put").ForEach(func(k, x gjson.Result) bool {
		set[k.Str] = x.String()
		return true
	})
	var remove []string
	for _, k := range v.Get("del").Array() {
		remove = append(remove, k.String())
	}
	return c.expandMessage(ctx, in.uid, set, remove, v.Get("removeAll").Bool() || v.Get("clear").Bool())
}

// expansions fills in what hangs on the messages of a page.
func (c *call) expansions(ctx context.Context, list []*downMessage) error {
	var ids []core.MessageID
	for _, m := range list {
		if m.id != 0 && m.status&downExpand != 0 {
			ids = append(ids, m.id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	found, err := c.d.core.Values.Get(ctx, server(c.by.App), core.GetMessageValues{Messages: ids})
	if err != nil {
		return err
	}
	for _, m := range list {
		if vs, ok := found[m.id]; ok && m.id != 0 {
			m.expand = expansionJSON(vs)
		}
	}
	return nil
}

// expansionJSON is an expansion as the wire writes it: {"key":{"v":"value"}}.
func expansionJSON(vs []core.MessageValue) string {
	w := wire.NewWriter(64)
	w.Open()
	for i := range vs {
		w.Object(vs[i].Name)
		w.Text("v", vs[i].Value)
		w.Close()
	}
	w.Close()
	return string(w.Bytes())
}

// firstExpansion reads the expansion a client sends along with a message.
func firstExpansion(s string) map[string]string {
	out := map[string]string{}
	gjson.Parse(s).ForEach(func(k, x gjson.Result) bool {
		if x.IsObject() {
			out[k.Str] = x.Get("v").String()
		}
		return len(out) < maxExpansion
	})
	return out
}

// expanded tells that a message's expansion has changed.
func expanded(ev *core.Event, p place, viewer core.UserID) *downMessage {
	v := gjson.ParseBytes(ev.Extra)
	w := wire.NewWriter(256)
	w.Open()
	w.Text("mid", uidOf(ev.Message))
	if set := v.Get("set"); len(set.Map()) > 0 {
		w.Object("put")
		m := set.Map()
		for _, k := range slices.Sorted(maps.Keys(m)) {
			w.Text(k, m[k].String())
		}
		w.Close()
	}
	if gone := v.Get("removed").Array(); len(gone) > 0 {
		w.List("del")
		for _, k := range gone {
			w.Item(k.String())
		}
		w.CloseList()
	}
	w.Close()
	by := ev.Message.User
	if ev.User != nil {
		by = ev.User.ID
	}
	out := &downMessage{typ: kindExpansion, content: string(w.Bytes()), uid: stampUID(ev.Stamp), at: ev.At.UnixMilli(), status: downStored}
	out.stand(p, by, viewer)
	return out
}

// tellExpansion tells it live.
func (l *link) tellExpansion(_ context.Context, ev *core.Event, p place) {
	switch p.kind {
	case wireOpen:
	case wireCommunity:
		l.notify(topicCommand, commandChanges, ev.Stamp, "")
	default:
		l.pushDown(ev.Stamp, expanded(ev, p, l.by.User))
	}
}
