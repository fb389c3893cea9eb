package nexconn

import (
	"context"
	"slices"

	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// Members of Extra that keep what the vendor goes by when an open channel has more messages than it can
// tell: which to drop first, and which never. Here none is dropped; the lists are kept and handed back.
const (
	settingsMember    = "nexconn" // of the app's settings
	prioritySenders   = "priority_senders"
	priorityTypes     = "priority_types"
	lowPriorityTypes  = "low_priority_types"
	maxPrioritySender = 20
	maxPriorityTypes  = 20
)

// priorityOps are the priorities of senders and message types in open channels.
func (d *Dialect) priorityOps() []operation {
	const p = "/open-channel/"
	return []operation{
		{path: p + "priority-sender-list/add", family: familyOpen, rate: 100, serve: d.putPrioritySenders(false), alias: p + "participant/priority-sender-list/add"},
		{path: p + "priority-sender-list/remove", family: familyOpen, rate: 100, serve: d.putPrioritySenders(true), alias: p + "participant/priority-sender-list/remove"},
		{path: p + "priority-sender-list/get", family: familyOpen, rate: 100, serve: d.listPrioritySenders, alias: p + "participant/priority-sender-list/get"},
		{path: p + "priority-message-type-list/add", family: familyOpen, rate: 100, serve: d.putTypes(priorityTypes, false)},
		{path: p + "priority-message-type-list/remove", family: familyOpen, rate: 100, serve: d.putTypes(priorityTypes, true)},
		{path: p + "priority-message-type-list/get", family: familyOpen, rate: 100, serve: d.listTypes(priorityTypes)},
		{path: p + "low-priority-message-type-list/add", family: familyOpen, rate: 100, serve: d.putTypes(lowPriorityTypes, false)},
		{path: p + "low-priority-message-type-list/remove", family: familyOpen, rate: 100, serve: d.putTypes(lowPriorityTypes, true)},
		{path: p + "low-priority-message-type-list/get", family: familyOpen, rate: 100, serve: d.listTypes(lowPriorityTypes)},
	}
}

// textList reads a list of texts from an Extra.
func textList(x []byte, path string) []string {
	var out []string
	for _, v := range gjson.GetBytes(x, path).Array() {
		out = append(out, v.Str)
	}
	return out
}

// textListJSON is the opposite of textList.
func textListJSON(list []string) []byte {
	w := wire.NewWriter(32 * len(list))
	w.OpenList()
	for _, s := range list {
		w.Item(s)
	}
	w.CloseList()
	return w.Bytes()
}

// changed is a list with texts added, each once, or taken away.
func changed(list, texts []string, remove bool) []string {
	list = slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(texts, s) })
	if remove {
		return list
	}
	return append(list, texts...)
}

func (d *Dialect) putPrioritySenders(remove bool) handler {
	return func(ctx context.Context, by core.Actor, in *input) (answer, error) {
		ids := in.userIDs("participantIds", maxPrioritySender)
		c, err := d.oneRoom(ctx, by, in)
		if err != nil {
			return nil, err
		}
		texts := make([]string, len(ids))
		for i, id := range ids {
			texts[i] = string(id)
		}
		_, err = d.core.Groups.Update(ctx, by, core.UpdateGroup{Key: c.Key, Change: func(c *core.Channel) error {
			list := changed(textList(c.Extra, prioritySenders), texts, remove)
			if len(list) > maxPrioritySender {
				return fault.RequestInvalid.Error("participantIds: an open channel has at most 20 priority senders")
			}
			c.Extra = putMembers(c.Extra, map[string][]byte{prioritySenders: textListJSON(list)})
			return nil
		}})
		return nil, err
	}
}

func (d *Dialect) listPrioritySenders(ctx context.Context, by core.Actor, in *input) (answer, error) {
	c, err := d.oneRoom(ctx, by, in)
	if err != nil {
		return nil, err
	}
	return func(w *wire.Writer) { w.Texts("participantIds", textList(c.Extra, prioritySenders)) }, nil
}

func (d *Dialect) putTypes(list string, remove bool) handler {
	return func(ctx context.Context, by core.Actor, in *input) (answer, error) {
		types := in.Texts("messageTypes", maxPriorityTypes)
		if len(types) == 0 && in.Err() == nil {
			in.Fail("messageTypes", "is a required field", fault.RequestMissingField)
		}
		for _, s := range types {
			if s == "" || len(s) > maxKind {
				in.Fail("messageTypes", "must be of 1 to 32 characters", fault.RequestFieldTooLong)
			}
		}
		if err := in.Err(); err != nil {
			return nil, err
		}
		_, err := d.core.Apps.Update(ctx, by, core.UpdateApp{Change: func(s *core.AppSettings) error {
			mine := core.Extra(gjson.GetBytes(s.Extra, settingsMember).Raw)
			next := changed(textList(mine, list), types, remove)
			if len(next) > maxPriorityTypes {
				return fault.RequestInvalid.Error("messageTypes: an app has at most 20")
			}
			s.Extra = putMembers(s.Extra, map[string][]byte{settingsMember: putMembers(mine, map[string][]byte{list: textListJSON(next)})})
			return nil
		}})
		return nil, err
	}
}

func (d *Dialect) listTypes(list string) handler {
	return func(ctx context.Context, by core.Actor, _ *input) (answer, error) {
		app, err := d.core.Apps.Get(ctx, by, core.GetApp{})
		if err != nil {
			return nil, err
		}
		return func(w *wire.Writer) { w.Texts("messageTypes", textList(app.Settings.Extra, settingsMember+"."+list)) }, nil
	}
}
