package nexconn

import (
	"context"
	"time"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// Limits of reading history.
const (
	maxHistory    = 100
	historyWindow = 14 * 24 * time.Hour
)

// historyOps are the reading of history.
func (d *Dialect) historyOps() []operation {
	return []operation{
		{path: "/direct-channel/history-message/list", family: familyMessage, rate: 10, serve: d.history(wireDirect)},
		{path: "/group-channel/history-message/list", family: familyGroup, rate: 10, serve: d.history(wireGroup)},
		{path: "/community-channel/history-message/list", family: familyCommunity, rate: 10, serve: d.history(wireCommunity)},
		{path: "/open-channel/history-message/list", family: familyOpen, rate: 10, serve: d.history(wireOpen)},
	}
}

// history reads a channel backwards: from startAt down to endAt, newest first.
func (d *Dialect) history(kind int) handler {
	return func(ctx context.Context, by core.Actor, in *input) (answer, error) {
		user, id, sub := in.userID("userId"), in.channelID("channelId"), in.Text("subchannelId")
		in.needNumber("startAt", 1, 1<<52)
		in.needNumber("endAt", 0, 1<<52)
		from, to := in.millis("startAt"), in.millis("endAt")
		size, including := int(in.number("pageSize", 10, 1, maxHistory)), in.flag("includeStart", false)
		if err := in.Err(); err != nil {
			return nil, err
		}
		switch {
		case from.Before(to):
			return nil, fault.RequestInvalid.Error("startAt must not be before endAt: history is read backwards")
		case !to.IsZero() && from.Sub(to) > historyWindow:
			return nil, fault.RequestInvalid.Error("startAt and endAt must be within 14 days")
		}
		if err := d.on(by.App, serviceHistory); err != nil {
			return nil, err
		}
		key, err := d.readable(ctx, by, kind, user, id, sub)
		if err != nil {
			return nil, err
		}
		ms, err := d.backwards(ctx, by, key, user, from, to, size, including)
		if err != nil {
			return nil, err
		}
		ids := make([]core.MessageID, len(ms))
		for i := range ms {
			ids[i] = ms[i].ID
		}
		values, err := d.core.Values.Get(ctx, by, core.GetMessageValues{Messages: ids})
		if err != nil {
			return nil, err
		}
		return func(w *wire.Writer) {
			w.List("messages")
			for i := range ms {
				writeHistory(w, kind, id, sub, &ms[i], values[ms[i].ID])
			}
			w.CloseList()
		}, nil
	}
}

// readable is the key of a channel that a person may read.
func (d *Dialect) readable(ctx context.Context, by core.Actor, kind int, user core.UserID, id, sub string) (core.ChannelKey, error) {
	if _, err := d.person(ctx, by, user); err != nil {
		return "", err
	}
	key, err := channelKey(kind, user, id, sub)
	if err != nil || kind == wireDirect {
		return key, err
	}
	v, err := d.core.Groups.Get(ctx, by.As(user), core.GetGroup{Key: key})
	switch {
	case fault.IsReason(err, fault.GroupNotFound) && kind == wireCommunity && sub != "":
		if _, err := d.core.Communities.Get(ctx, by, core.GetCommunity{ID: id}); err != nil {
			return "", err
		}
		return "", fault.GroupNotFound.Error("The subchannel does not exist.").With("subchannel")
	case err != nil:
		return "", err
	case v.Member == nil && kind != wireOpen:
		return "", fault.GroupNotMember.Error("The user is not a member.")
	}
	return key, nil
}

// backwards reads messages that count as history, newest first. A conversation nobody has begun has none.
func (d *Dialect) backwards(ctx context.Context, by core.Actor, key core.ChannelKey, user core.UserID, from, to time.Time, size int, including bool) ([]core.Message, error) {
	reader := core.Actor{App: by.App, User: user, Access: core.AccessUser}
	var out []core.Message
	page := core.MessagePage{BeforeTime: from, Inclusive: including, Limit: min(2*size, 300)}
	for len(out) < size {
		ms, err := d.core.Messages.List(ctx, reader, core.ListMessages{Key: key, Page: page})
		if fault.IsReason(err, fault.GroupNotFound) && len(key) > 0 && isDirect(key) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		for i := len(ms) - 1; i >= 0; i-- {
			m := &ms[i]
			if !to.IsZero() && !m.CreatedAt.After(to) {
				return out, nil
			}
			if c := contentOf(m); m.Deleted() || !c.stored {
				continue
			}
			if out = append(out, *m); len(out) == size {
				return out, nil
			}
		}
		if len(ms) < page.Limit {
			return out, nil
		}
		page = core.MessagePage{Before: ms[0].ID.String(), Limit: page.Limit}
	}
	return out, nil
}

// isDirect reports whether a key is that of the conversation of two people.
func isDirect(key core.ChannelKey) bool {
	_, id := key.Split()
	return id != "" && id[0] == '!'
}

// writeHistory writes one message of a history. Content is JSON in a text; each kind of channel has
// members of its own.
func writeHistory(w *wire.Writer, kind int, id, sub string, m *core.Message, values []core.MessageValue) {
	c := contentOf(m)
	w.Open()
	w.Text("channelId", id)
	if kind == wireCommunity {
		w.Text("subchannelId", sub)
	}
	w.Text("fromUserId", string(m.User))
	w.Text("messageId", m.ID.String())
	w.Int64("sentAt", sentAt(m.CreatedAt))
	w.Text("messageType", c.kind)
	w.Text("content", c.body)
	if kind != wireOpen {
		w.Bool("hasMetadata", c.expandable)
		w.Key("metadata")
		writeMetadata(w, values)
		if kind != wireCommunity {
			w.Bool("aiGenerated", false)
		}
	}
	if m.QuotedMessage != nil {
		q := contentOf(m.QuotedMessage)
		w.Object("quote")
		w.Text("messageId", m.QuotedMessage.ID.String())
		w.Text("fromUserId", string(m.QuotedMessage.User))
		w.Text("messageType", q.kind)
		w.Text("content", q.body)
		w.Close()
	}
	w.Close()
}

// writeMetadata writes the metadata of a message as a list.
func writeMetadata(w *wire.Writer, values []core.MessageValue) {
	w.OpenList()
	for _, v := range values {
		w.Open()
		w.Text("key", v.Name)
		w.Text("value", v.Value)
		w.Int64("updatedAt", sentAt(v.UpdatedAt))
		w.Close()
	}
	w.CloseList()
}
