package native

import (
	"context"
	"encoding/json"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
)

// which names a message in the path.
type which struct {
	Message string `json:"message" in:"path"`
}

// MessageBody is what a person writes.
type draftMessage struct {
	ID            string            `json:"id" max:"255" doc:"Chosen by the client: a second send with it answers the first message. The header Idempotency-Key does the same."`
	Text          string            `json:"text" max:"1048576" doc:"As long as the channel type allows: 5,000 characters by default."`
	Kind          string            `json:"kind" enum:"regular,custom,system"`
	Attachments   []json.RawMessage `json:"attachments" max:"30" doc:"Objects, at most 5 KiB together; upload files first and put their urls here."`
	Mentions      []core.UserID     `json:"mentions" max:"25"`
	Parent        string            `json:"parent" doc:"Reply in the thread of this message."`
	ShowInChannel bool              `json:"show_in_channel" doc:"Show a reply in the channel, too."`
	Quoted        string            `json:"quoted"`
	Silent        bool              `json:"silent" doc:"Raises no unread count."`
	Pinned        bool              `json:"pinned"`
	PinExpires    time.Time         `json:"pin_expires"`
	Poll          string            `json:"poll"`
	RestrictedTo  []core.UserID     `json:"restricted_to" doc:"Only these people and the author see it."`
	Tags          []string          `json:"tags"`
	Extra         core.Extra        `json:"extra" doc:"Free fields, at most 5 KiB."`
	CreatedAt     time.Time         `json:"created_at" doc:"Servers only: when it was written elsewhere."`
	Slash         bool              `json:"slash" doc:"A text that begins with a slash is a command; otherwise it is a text like any other."`
}

// input is the message as the core takes it.
func (m *draftMessage) input() core.MessageInput {
	return core.MessageInput{
		Alias: m.ID, Kind: core.MessageKind(m.Kind), Text: m.Text, Attachments: m.Attachments, Mentions: m.Mentions, Parent: m.Parent,
		ShowInChannel: m.ShowInChannel, Quoted: m.Quoted, Silent: m.Silent, Pinned: m.Pinned, PinExpires: m.PinExpires, PollID: m.Poll,
		RestrictedTo: m.RestrictedTo, Tags: m.Tags, Extra: m.Extra, CreatedAt: m.CreatedAt,
	}
}

type sendMessage struct {
	where
	Key string `json:"Idempotency-Key" in:"header" doc:"The message's id, where the body names none."`
	draftMessage
}

type changeMessage struct {
	which
	Text        *string            `json:"text" max:"1048576"`
	Attachments *[]json.RawMessage `json:"attachments" max:"30"`
	Mentions    *[]core.UserID     `json:"mentions" max:"25"`
	Tags        *[]string          `json:"tags"`
	Silent      *bool              `json:"silent"`
	Extra       core.Extra         `json:"extra" doc:"Members are replaced one by one, null removes."`
}

type history struct {
	paging
	Before string `json:"before" in:"query" doc:"Messages before this one."`
	After  string `json:"after" in:"query" doc:"Messages after this one."`
	Around string `json:"around" in:"query" doc:"Messages around this one."`
}

func (d *Dialect) messageRows() []row {
	return []row{
		op("GET", "/v1/channels/:channel/messages", "listMessages", "Messages of a channel, oldest first: the newest ones, or those by a bound.", d.listMessages),
		op("POST", "/v1/channels/:channel/messages", "sendMessage", "Sends a message. 201 when it is new, 200 when it was sent before.", d.sendMessage).fresh(),
		op("GET", "/v1/channels/:channel/pins", "listPins", "Pinned messages, newest pin first.", d.listPins),
		op("GET", "/v1/messages/:message", "getMessage", "Reads a message.", d.getMessage),
		op("PATCH", "/v1/messages/:message", "changeMessage", "Changes what is given of a message.", d.changeMessage),
		op("DELETE", "/v1/messages/:message", "deleteMessage", "Deletes a message: a tombstone remains, unless for good or for the caller alone.", d.deleteMessage),
		op("POST", "/v1/messages/:message/restore", "restoreMessage", "Brings a deleted message back.", func(ctx context.Context, c *call, in *which) (Message, error) {
			m, err := d.core.Messages.Delete(ctx, c.by, core.DeleteMessage{ID: in.Message, Undo: true})
			return messageOf(&m), err
		}).server(),
		op("PUT", "/v1/messages/:message/pin", "pinMessage", "Pins a message to its channel.", d.pin),
		op("DELETE", "/v1/messages/:message/pin", "unpinMessage", "Unpins a message.", func(ctx context.Context, c *call, in *which) (Message, error) {
			return d.edit(ctx, c, in.Message, func(m *core.Message) error { m.Pinned = false; return nil })
		}),
		op("POST", "/v1/messages/:message/action", "runAction", "Presses a button of a message that a command answered with.", d.runAction),
		op("GET", "/v1/messages/:message/receipts", "listReceipts", "Who has got and read a message; for members.", d.receipts),
	}
}

func (d *Dialect) sendMessage(ctx context.Context, c *call, in *sendMessage) (Message, error) {
	if in.ID == "" {
		in.ID = in.Key
	}
	sent, err := d.core.Messages.Send(ctx, c.by, core.SendMessage{Key: in.Channel, Message: in.input(), SkipCommands: !in.Slash})
	c.created(!sent.Duplicate)
	return messageOf(&sent.Message), err
}

// Acted is what became of a message whose button was pressed.
type Acted struct {
	Message *Message `json:"message,omitempty" doc:"Absent when the message is gone."`
}

func (d *Dialect) runAction(ctx context.Context, c *call, in *struct {
	which
	Form core.Extra `json:"form" need:"true" doc:"Texts by name: what the button stands for."`
}) (Acted, error) {
	form, _, err := patchOf(in.Form)
	if err != nil {
		return Acted{}, err
	}
	m, err := d.core.Messages.Action(ctx, c.by, core.RunAction{ID: in.Message, Form: form})
	return Acted{maybe(m, messageOf)}, err
}

// bounds turns the bound or the cursor of a history into what the core takes, and tells in which
// direction the next page lies.
func (h *history) bounds(normal int) (core.MessagePage, byte, error) {
	p := core.MessagePage{Limit: orElse(h.Limit, normal), Before: h.Before, After: h.After, Around: h.Around}
	if h.Cursor == "" {
		given := 0
		for _, s := range []string{h.Before, h.After, h.Around} {
			if s != "" {
				given++
			}
		}
		if given > 1 {
			return p, 0, fault.RequestInvalid.Error("Only one of before, after and around can be given.")
		}
		if h.After != "" {
			return p, 'a', nil
		}
		return p, 'b', nil
	}
	way, at, err := unseal(h.Cursor, "ab")
	p = core.MessagePage{Limit: p.Limit}
	if way == 'a' {
		p.After = at
	} else {
		p.Before = at
	}
	return p, way, err
}

// messages reads a page of a channel or a thread.
func (d *Dialect) messages(ctx context.Context, by core.Actor, key core.ChannelKey, parent string, h *history) (Page[Message], error) {
	var out Page[Message]
	p, way, err := h.bounds(50)
	if err != nil {
		return out, err
	}
	ms, err := d.core.Messages.List(ctx, by, core.ListMessages{Key: key, Parent: parent, Page: p})
	if err != nil {
		return out, err
	}
	out.Items = list(ms, messageOf)
	if n := len(ms); n > 0 && n >= p.Limit {
		edge := ms[0].Name()
		if way == 'a' {
			edge = ms[n-1].Name()
		}
		out.Next = seal(way, edge)
	}
	return out, nil
}

func (d *Dialect) listMessages(ctx context.Context, c *call, in *struct {
	where
	history
}) (Page[Message], error) {
	return d.messages(ctx, c.by, in.Channel, "", &in.history)
}

func (d *Dialect) listPins(ctx context.Context, c *call, in *struct {
	where
	paging
}) (Page[Message], error) {
	return listed(&in.paging, 25, 100, func(p core.Page) ([]core.Message, error) {
		return d.core.Messages.Pinned(ctx, c.by, core.PinnedMessages{Key: in.Channel, Page: core.MessagePage{Limit: p.Limit, Offset: p.Offset}})
	}, messageOf)
}

func (d *Dialect) getMessage(ctx context.Context, c *call, in *which) (Message, error) {
	h, err := d.hit(ctx, c.by, in.Message)
	return messageOf(&h.Message), err
}

// hit reads one message and its channel.
func (d *Dialect) hit(ctx context.Context, by core.Actor, id string) (core.Hit, error) {
	hits, err := d.core.Messages.Get(ctx, by, core.GetMessages{IDs: []string{id}, Strict: true})
	if err != nil || len(hits) == 0 {
		return core.Hit{}, err
	}
	return hits[0], nil
}

func (d *Dialect) changeMessage(ctx context.Context, c *call, in *changeMessage) (Message, error) {
	return d.edit(ctx, c, in.Message, func(m *core.Message) (err error) {
		set(&m.Text, in.Text)
		set(&m.Attachments, in.Attachments)
		set(&m.Mentions, in.Mentions)
		set(&m.Tags, in.Tags)
		set(&m.Silent, in.Silent)
		m.Extra, err = merged(m.Extra, in.Extra)
		return err
	})
}

func (d *Dialect) edit(ctx context.Context, c *call, id string, change func(*core.Message) error) (Message, error) {
	m, err := d.core.Messages.Edit(ctx, c.by, core.EditMessage{ID: id, Change: change})
	return messageOf(&m), err
}

func (d *Dialect) pin(ctx context.Context, c *call, in *struct {
	which
	Expires time.Time `json:"expires"`
}) (Message, error) {
	return d.edit(ctx, c, in.Message, func(m *core.Message) error {
		m.Pinned, m.PinExpires = true, in.Expires
		return nil
	})
}

func (d *Dialect) deleteMessage(ctx context.Context, c *call, in *struct {
	which
	Hard  bool `json:"hard" in:"query" doc:"Remove it for good."`
	ForMe bool `json:"for_me" in:"query" doc:"Hide it for the caller alone."`
}) (Message, error) {
	m, err := d.core.Messages.Delete(ctx, c.by, core.DeleteMessage{ID: in.Message, Hard: in.Hard, ForMe: in.ForMe})
	return messageOf(&m), err
}

// Receipts is how far a message came.
type Receipts struct {
	Items          []Receipt `json:"items" doc:"Of those it has reached."`
	Others         int       `json:"others" doc:"Members beside the author, at most 300."`
	DeliveredToAll bool      `json:"delivered_to_all"`
	ReadByAll      bool      `json:"read_by_all"`
}

func (d *Dialect) receipts(ctx context.Context, c *call, in *which) (Receipts, error) {
	r, err := d.core.Reads.Receipts(ctx, c.by, core.ListReceipts{Message: in.Message})
	return Receipts{list(r.Receipts, receiptOf), r.Others, r.DeliveredToAll, r.ReadByAll}, err
}
