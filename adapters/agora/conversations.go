package agora

import (
	"context"
	"slices"
	"strings"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// conversationRoutes are the operations on a person's list of conversations, and on pinned messages.
func (d *Dialect) conversationRoutes() []adapters.Route {
	return []adapters.Route{
		op(d, full, "GET", "/sdk/user/:username/user_channels/list", "listConversations", d.conversations, encodeConversations),
		op(d, full, "GET", "/sdk/user/:username/user_channels/mark/search", "searchConversations", d.conversations, encodeConversations),
		op(d, full, "GET", "/users/:username/user_channels", "listConversationsOld", d.conversations, encodeOldConversations),
		op(d, full, "GET", "/users/:username/user_channels/page", "pageConversationsOld", d.conversations, encodeOldConversations),
		op(d, full, "POST", "/sdk/user/:username/user_channel/top", "pinConversation", d.top(true), encodeTop),
		op(d, full, "DELETE", "/sdk/user/:username/user_channel/top", "unpinConversation", d.top(false), encodeTop),
		op(d, full, "POST", "/sdk/user/:username/user_channels/mark", "markConversations", d.mark(true), encodeMarked),
		op(d, full, "DELETE", "/sdk/user/:username/user_channels/mark", "unmarkConversations", d.mark(false), encodeMarked),
		op(d, full, "DELETE", "/user/:username/user_channel", "sdkDropConversation", d.drop, encodeDropped),
		op(d, full, "DELETE", "/users/:username/user_channel", "dropConversation", d.drop, encodeDropped),
		op(d, full, "GET", "/sdk/user/:username/user_channel/pin", "listPinned", d.pinned, encodePinned),
		op(d, full, "POST", "/sdk/user/:username/user_channel/pin", "pinMessage", d.pin(true), nothing),
		op(d, full, "DELETE", "/sdk/user/:username/user_channel/pin", "unpinMessage", d.pin(false), nothing),
	}
}

// named finds the conversation with somebody or of a group, which is made when two have not talked
// yet and one of them keeps something about it.
func (d *Dialect) named(ctx context.Context, by core.Actor, to, kind string, make bool) (place, error) {
	domain := domainGroup
	if kind == "chat" || kind == "singleChat" || kind == "user" {
		domain = domainUser
	}
	at, err := d.queueOf(ctx, by, to+"@"+domain)
	if err != nil || at.user == "" || !make {
		return at, err
	}
	return at, d.openDirect(ctx, by, at.user)
}

// listing is a page of conversations.
type listing struct {
	list   []core.Conversation
	venues []*venue
	cursor string
	marks  bool
}

func (d *Dialect) conversations(ctx context.Context, by core.Actor, rq *adapters.Request) (listing, error) {
	var out listing
	t, err := d.tenantOf(rq)
	if err != nil {
		return out, err
	}
	by, _, err = d.self(ctx, by, rq, "username")
	if err != nil {
		return out, err
	}
	q := wire.QueryOf(rq)
	in := core.ListConversations{
		Kinds:  []core.ChannelKind{core.KindDirect, core.KindGroup},
		Pinned: q.Bool("is_top"), Mark: q.Text("mark"), Empty: q.Bool("needEmptySession"), Page: core.Page{Limit: q.Int("limit", 0, 1<<30), Cursor: cursorIn(rq)},
	}
	out.marks = q.Bool("need_mark") || in.Mark != ""
	if err := q.Err(); err != nil {
		return out, err
	}
	p, err := pageOf(rq, 20, 50)
	if err != nil {
		return out, err
	}
	switch {
	case in.Page.Limit > 0:
		in.Page.Limit = min(in.Page.Limit, 50)
	case rq.Query.Get("pageNum") != "":
		in.Page = core.Page{Limit: p.size, Offset: (p.number - 1) * p.size}
	default:
		in.Page.Limit = 100
	}
	if out.list, err = d.core.Conversations.List(ctx, reader(by), in); err != nil {
		return out, err
	}
	if n := len(out.list); n == in.Page.Limit {
		out.cursor = cursorOf(string(out.list[n-1].Channel.Key))
	}
	for i := range out.list {
		v, err := d.venueOf(ctx, t, &out.list[i].Channel)
		if err != nil {
			return out, err
		}
		out.venues = append(out.venues, v)
	}
	return out, nil
}

func encodeConversations(a *answer, l listing) {
	a.Object("data")
	a.Text("cursor", l.cursor)
	a.List("channel_infos")
	for i := range l.list {
		c, v := &l.list[i], l.venues[i]
		a.Open()
		a.Text("session_to", v.to(c.Member.User))
		a.Text("session_type", v.talk())
		a.Bool("is_top", !c.Settings.Pinned.IsZero())
		a.Int64("update_top_status_time", since(c.Settings.Pinned))
		a.Int("unread_num", c.Unread)
		if l.marks {
			a.Texts("marks", c.Settings.Marks)
		}
		writeLast(a, v, c)
		a.Close()
	}
	a.CloseList()
	a.Close()
}

// writeLast writes the last message of a conversation; its payload is JSON in a text.
func writeLast(a *answer, v *venue, c *core.Conversation) {
	a.Object("meta")
	if m := c.Last; m != nil && m.Notice == nil {
		writeMeta(a, v, m)
	}
	a.Close()
}

// writeMeta writes the members of a message as lists of conversations have them.
func writeMeta(a *answer, v *venue, m *core.Message) {
	a.Text("id", m.ID.String())
	a.Text("from", string(m.User))
	a.Text("to", v.to(m.User))
	a.Int64("timestamp", m.CreatedAt.UnixMilli())
	a.Text("payload", string(payloadJSON(v, m)))
}

func encodeOldConversations(a *answer, l listing) {
	a.Object("data")
	a.List("channel_infos")
	for i := range l.list {
		c, v := &l.list[i], l.venues[i]
		j := v.queue(c.Member.User)
		a.Open()
		a.Text("channel_id", j.appKey+"_"+j.name+"@"+j.domain)
		a.Int("unread_num", c.Unread)
		writeLast(a, v, c)
		a.Close()
	}
	a.CloseList()
	a.Close()
}

// top keeps a conversation at the top of a person's list, or takes it down.
func (d *Dialect) top(on bool) func(context.Context, core.Actor, *adapters.Request) (core.ConversationSettings, error) {
	return func(ctx context.Context, by core.Actor, rq *adapters.Request) (core.ConversationSettings, error) {
		by, _, err := d.self(ctx, by, rq, "username")
		if err != nil {
			return core.ConversationSettings{}, err
		}
		r, err := body(rq)
		if err != nil {
			return core.ConversationSettings{}, err
		}
		to, kind := orElse(r.Text("to"), rq.Query.Get("to")), orElse(r.Text("type"), rq.Query.Get("type"))
		if err := r.Err(); err != nil {
			return core.ConversationSettings{}, err
		}
		at, err := d.named(ctx, by, to, kind, on)
		if err != nil {
			return core.ConversationSettings{}, err
		}
		return d.core.Conversations.Pin(ctx, reader(by), core.PinConversation{Key: at.key, Unpin: !on})
	}
}

func encodeTop(a *answer, s core.ConversationSettings) {
	a.Object("data")
	a.Bool("is_top", !s.Pinned.IsZero())
	a.Int64("update_top_status_time", since(s.Pinned))
	a.Close()
}

// maxMarked is how many conversations one call marks.
const maxMarked = 20

// mark puts a mark on conversations, or takes it off.
func (d *Dialect) mark(on bool) func(context.Context, core.Actor, *adapters.Request) (none, error) {
	return func(ctx context.Context, by core.Actor, rq *adapters.Request) (none, error) {
		by, _, err := d.self(ctx, by, rq, "username")
		if err != nil {
			return none{}, err
		}
		r, err := body(rq)
		if err != nil {
			return none{}, err
		}
		v, ok := r.Look("mark")
		mark := v.String()
		if !ok || mark == "" {
			return none{}, fault.RequestMissingField.Error("param mark illegal, please check it!")
		}
		var targets [][2]string
		r.EachObject("targets", maxMarked, func(_ int, o *wire.Reader) { targets = append(targets, [2]string{o.Need("to"), o.Need("type")}) })
		if err := r.Err(); err != nil {
			return none{}, err
		}
		for _, x := range targets {
			at, err := d.named(ctx, by, x[0], x[1], on)
			if err == nil {
				_, err = d.core.Conversations.Put(ctx, reader(by), core.PutSettings{Scope: core.SettingsScope{Key: at.key}, Change: func(s *core.ConversationSettings) error {
					s.Marks = slices.DeleteFunc(s.Marks, func(m string) bool { return m == mark })
					if on {
						s.Marks = append(s.Marks, mark)
					}
					return nil
				}})
			}
			if err != nil {
				return none{}, err
			}
		}
		return none{}, nil
	}
}

func encodeMarked(a *answer, _ none) {
	a.Object("data")
	a.Bool("result", true)
	a.Close()
}

// drop takes a conversation off a person's list; with delete_roam its history too.
func (d *Dialect) drop(ctx context.Context, by core.Actor, rq *adapters.Request) (none, error) {
	by, _, err := d.self(ctx, by, rq, "username")
	if err != nil {
		return none{}, err
	}
	r, err := body(rq)
	if err != nil {
		return none{}, err
	}
	to, kind, clear := r.Need("channel"), r.Need("type"), r.Bool("delete_roam")
	if err := r.Err(); err != nil {
		return none{}, err
	}
	at, err := d.named(ctx, by, to, kind, false)
	if err != nil {
		return none{}, err
	}
	err = d.core.Conversations.Drop(ctx, reader(by), core.DropConversation{Key: at.key, Clear: clear})
	if fault.IsReason(err, fault.GroupNotFound) && at.user != "" {
		err = nil // the two have not talked: it is on no list
	}
	return none{}, err
}

func encodeDropped(a *answer, _ none) {
	a.Object("data")
	a.Text("result", "ok")
	a.Close()
}

// pin pins a message of a conversation for everybody in it, or takes the pin off. Every member may.
func (d *Dialect) pin(on bool) func(context.Context, core.Actor, *adapters.Request) (none, error) {
	return func(ctx context.Context, by core.Actor, rq *adapters.Request) (none, error) {
		by, _, err := d.self(ctx, by, rq, "username")
		if err != nil {
			return none{}, err
		}
		r, err := body(rq)
		if err != nil {
			return none{}, err
		}
		v, _ := r.Look("pin_msg_id")
		id := textOf(v)
		to, kind := r.Need("to"), r.Need("type")
		if err := r.Err(); err != nil {
			return none{}, err
		}
		at, err := d.named(ctx, by, to, kind, false)
		if err != nil {
			return none{}, err
		}
		h, err := d.visible(ctx, by, id)
		if err == nil && (h.Channel.Key != at.key || !on && !h.Message.Pinned) {
			err = fault.MessageNotFound.Error("")
		}
		if err != nil {
			return none{}, err
		}
		_, err = d.core.Messages.Edit(ctx, behalf(by), core.EditMessage{ID: id, MaxExtra: maxExtra, Change: func(m *core.Message) error {
			m.Pinned = on
			return nil
		}})
		return none{}, err
	}
}

// pinnedPage is a page of pinned messages.
type pinnedPage struct {
	list  []core.Message
	venue *venue
}

func (d *Dialect) pinned(ctx context.Context, by core.Actor, rq *adapters.Request) (pinnedPage, error) {
	var out pinnedPage
	t, err := d.tenantOf(rq)
	if err != nil {
		return out, err
	}
	by, _, err = d.self(ctx, by, rq, "username")
	if err != nil {
		return out, err
	}
	at, err := d.named(ctx, by, rq.Query.Get("to"), orElse(rq.Query.Get("type"), "chat"), false)
	if err != nil {
		return out, err
	}
	st, err := d.core.Channels.Open(ctx, reader(by), core.OpenChannel{Type: typeOf(at.key), ID: idOf(at.key), MustExist: true})
	if fault.IsReason(err, fault.GroupNotFound) && at.user != "" {
		return out, nil
	}
	if err != nil {
		return out, err
	}
	if out.venue, err = d.venueOf(ctx, t, &st.Channel); err != nil {
		return out, err
	}
	out.list, err = d.core.Messages.Pinned(ctx, reader(by), core.PinnedMessages{Key: at.key, Page: core.MessagePage{Limit: 50}})
	return out, err
}

func encodePinned(a *answer, p pinnedPage) {
	a.Object("data")
	a.List("msg_infos")
	for i := range p.list {
		m := &p.list[i]
		a.Open()
		a.Object("message")
		writeMeta(a, p.venue, m)
		a.Close()
		a.Int64("pin_opt_at", since(m.PinnedAt))
		a.Text("pin_operator", string(m.PinnedBy))
		a.Close()
	}
	a.CloseList()
	a.Text("cursor", "")
	a.Close()
}

// acksRoute reads who has acknowledged a message of a group.
func (d *Dialect) ackRoutes() []adapters.Route {
	return []adapters.Route{
		here(d.spaces()[0], full, "GET", "/acks/:msg_id", "listAcksOf", d.acks, encodeAcks),
	}
}

func (d *Dialect) acks(ctx context.Context, at *spot, rq *adapters.Request) ([]core.MessageAck, error) {
	list, err := d.core.Acks.List(ctx, at.by, core.ListAcks{Message: rq.Param("msg_id"), Page: core.Page{Limit: 1000}})
	return list, at.fail(err, "")
}

func encodeAcks(a *answer, _ *spot, list []core.MessageAck) {
	a.Object("data")
	a.Text("ackmid", a.rq.Param("msg_id"))
	a.List("userlist")
	for i := range list {
		a.Open()
		a.Text("username", string(list[i].User))
		a.Int64("timestamp", list[i].CreatedAt.UnixMilli())
		a.TextIf("ack_content", list[i].Text)
		a.Close()
	}
	a.CloseList()
	a.Int("total", len(list))
	a.Text("next_key", "")
	a.Bool("is_last", true)
	a.Close()
}

// split cuts a comma joined list.
func split(s string) []string {
	return slices.DeleteFunc(strings.Split(s, ","), func(x string) bool { return x == "" })
}
