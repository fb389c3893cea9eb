package cometchat

import (
	"context"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
)

// readRoutes are the operations that tell how far somebody has read or been sent.
func (d *Dialect) readRoutes() (out []adapters.Route) {
	read, deliver := done("Messages are marked as read."), done("Messages are marked as delivered.")
	for _, of := range conversationPaths {
		out = append(out,
			op("POST", of.path+"/read", "mark"+of.name+"ConversationRead", d.markRead, read),
			op("DELETE", of.path+"/read", "mark"+of.name+"ConversationUnread", d.markUnread, d.encodeUnreadConversation),
			op("POST", of.path+"/delivered", "mark"+of.name+"ConversationDelivered", d.markDelivered, deliver),
		)
	}
	return out
}

// unreadCount is how many messages of a conversation are unread.
type unreadCount struct {
	group bool
	id    string
	count int
}

// unreadCounts counts a person's unread messages, of one conversation or of all, or of those of
// one kind.
func (d *Dialect) unreadCounts(ctx context.Context, by core.Actor, only core.ChannelKey, kind string) (history, error) {
	out := history{counted: true}
	u, err := d.core.Reads.Unread(ctx, by, core.GetUnread{User: by.User})
	if err != nil {
		return out, err
	}
	for _, c := range u.Channels {
		if only != "" && c.Key != only || c.Count == 0 {
			continue
		}
		st, err := d.core.Channels.Open(ctx, behalf(by), core.OpenChannel{Type: typeOf(c.Key), ID: idOf(c.Key), MustExist: true})
		if fault.IsReason(err, fault.GroupNotFound) {
			continue
		}
		if err != nil {
			return out, err
		}
		p, direct, err := d.pairOf(ctx, by.App, &st.Channel)
		if err != nil {
			return out, err
		}
		n := unreadCount{group: !direct, id: string(c.Key), count: c.Count}
		if kind == "user" && n.group || kind == "group" && !n.group {
			continue
		}
		if direct {
			if n.id = string(p[0]); p[0] == by.User {
				n.id = string(p[1])
			}
		}
		out.counts = append(out.counts, n)
	}
	return out, nil
}

// messageID reads the message a body names, "" for none.
func messageID(rq *adapters.Request) (string, error) {
	r, err := body(rq)
	if err != nil {
		return "", invalid(err)
	}
	return orElse(scalar(&r, "messageId"), rq.Query.Get("messageId")), nil
}

func (d *Dialect) markRead(ctx context.Context, by core.Actor, rq *adapters.Request) (none struct{}, err error) {
	by = reader(by)
	key, err := d.named(ctx, by, rq)
	if err != nil {
		return none, err
	}
	id, err := messageID(rq)
	if err != nil {
		return none, err
	}
	_, err = d.core.Reads.Mark(ctx, by, core.MarkRead{Key: key, Message: id})
	return none, d.noConversation(err)
}

func (d *Dialect) markDelivered(ctx context.Context, by core.Actor, rq *adapters.Request) (none struct{}, err error) {
	by = reader(by)
	key, err := d.named(ctx, by, rq)
	if err != nil {
		return none, err
	}
	id, err := messageID(rq)
	if err != nil {
		return none, err
	}
	if id == "" {
		out, err := d.open(ctx, by, key)
		if err != nil {
			return none, err
		}
		if len(out.state.Messages) == 0 {
			return none, nil
		}
		id = out.state.Messages[len(out.state.Messages)-1].ID.String()
	}
	_, err = d.core.Reads.Delivered(ctx, by, core.MarkDelivered{Latest: []core.DeliveredUpTo{{Key: key, Message: id}}})
	return none, d.noConversation(err)
}

// markUnread moves the actor's read position to before a message.
func (d *Dialect) markUnread(ctx context.Context, by core.Actor, rq *adapters.Request) (conversationOut, error) {
	by = reader(by)
	key, err := d.named(ctx, by, rq)
	if err != nil {
		return conversationOut{}, err
	}
	id, err := messageID(rq)
	if err != nil {
		return conversationOut{}, err
	}
	if id == "" {
		return conversationOut{}, fault.RequestInvalid.Error("The messageId field is required.")
	}
	if _, err := d.core.Reads.Unmark(ctx, by, core.MarkUnread{Key: key, Message: id}); err != nil {
		return conversationOut{}, noMessage(id, d.noConversation(err))
	}
	out, err := d.open(ctx, by, key)
	if err != nil {
		return out, err
	}
	return out, d.countUnread(ctx, by, &out)
}
