package cometchat

import (
	"context"
	"slices"
	"time"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// conversationPaths are the two ways to name a conversation by whom it is with.
var conversationPaths = []struct{ path, name string }{{"/users/:uid/conversation", "User"}, {"/groups/:guid/conversation", "Group"}}

// conversationRoutes are the operations on a person's conversations.
func (d *Dialect) conversationRoutes() []adapters.Route {
	gone := done("The conversation has been deleted successfully.")
	out := []adapters.Route{
		op("GET", "/conversations", "listConversations", d.listConversations, d.encodeConversations),
		op("GET", "/conversations/:conversationId", "getConversation", d.getConversation, d.encodeConversation),
		op("DELETE", "/conversations/:conversationId", "deleteConversation", d.clear, gone),
	}
	for _, of := range conversationPaths {
		out = append(out,
			op("GET", of.path, "get"+of.name+"Conversation", d.getConversation, d.encodeConversation),
			op("PUT", of.path, "tag"+of.name+"Conversation", d.tagConversation, d.encodeConversation),
			op("DELETE", of.path, "reset"+of.name+"Conversation", d.clear, gone),
			op("POST", of.path+"/pin", "pin"+of.name+"Conversation", d.pinConversation(true), d.encodeConversation),
			op("DELETE", of.path+"/pin", "unpin"+of.name+"Conversation", d.pinConversation(false), d.encodeConversation),
		)
	}
	return out
}

// conversationOut is a conversation as its person sees it.
type conversationOut struct {
	state   core.ChannelState
	venue   *venue
	outline bool // unread messages were not counted, the last one was not read: they are left out
}

// named finds the conversation a path names, for a person.
func (d *Dialect) named(ctx context.Context, by core.Actor, rq *adapters.Request) (core.ChannelKey, error) {
	if err := needUser(by); err != nil {
		return "", err
	}
	if uid := rq.Param("uid"); uid != "" {
		u, err := d.person(ctx, by.App, core.UserID(uid))
		if err != nil {
			return "", err
		}
		return directKey(by.User, u.ID), nil
	}
	if guid := rq.Param("guid"); guid != "" {
		_, err := d.memberOf(ctx, by, core.ChannelKey(guid))
		return core.ChannelKey(guid), err
	}
	c, err := d.conversation(ctx, by, rq.Param("conversationId"))
	return c.key(), err
}

// conversation finds what an id names: a conversation that exists and that the actor has part in.
func (d *Dialect) conversation(ctx context.Context, by core.Actor, id string) (conversation, error) {
	for _, c := range conversationsNamed(id) {
		_, err := d.core.Channels.Open(ctx, server(by.App), core.OpenChannel{Type: typeOf(c.key()), ID: idOf(c.key()), MustExist: true})
		if fault.IsReason(err, fault.GroupNotFound) || fault.IsReason(err, fault.RequestInvalid) {
			continue
		}
		if err != nil {
			return c, err
		}
		if by.User == "" || c.group == "" && (c.a == by.User || c.b == by.User) {
			return c, nil
		}
		if c.group != "" {
			if _, err := d.memberOf(ctx, by, c.group); err == nil {
				return c, nil
			}
		}
		return c, fault.ConversationAccessDenied.Error("The conversation " + clip(id) + " is not accessible to this user.")
	}
	return conversation{}, fault.ConversationNotFound.Error("The conversation " + clip(id) + " does not exist.")
}

// wanted is what of a channel a conversation shows.
var wanted = core.StateWanted{State: true, Messages: core.MessagePage{Limit: 1}, MemberLimit: 1}

// open reads one conversation of the actor.
func (d *Dialect) open(ctx context.Context, by core.Actor, key core.ChannelKey) (conversationOut, error) {
	st, err := d.core.Channels.Open(ctx, by, core.OpenChannel{Type: typeOf(key), ID: idOf(key), MustExist: true, State: wanted})
	if fault.IsReason(err, fault.GroupNotFound) || fault.IsReason(err, fault.PermissionDenied) {
		err = fault.ConversationAccessDenied.Error("The conversation is not accessible to this user.")
	}
	if err != nil {
		return conversationOut{}, err
	}
	return d.stateOf(ctx, by, st)
}

// stateOf completes a conversation: its venue, and the actor's read state, which the core lists
// only among the first members.
func (d *Dialect) stateOf(ctx context.Context, by core.Actor, st core.ChannelState) (conversationOut, error) {
	out := conversationOut{state: st}
	var err error
	if out.venue, err = d.venueOf(ctx, by.App, by.User, &st.Channel); err != nil {
		return out, err
	}
	out.venue.me = st.Membership
	return out, d.receipts(ctx, by.App, out.venue)
}

func (d *Dialect) getConversation(ctx context.Context, by core.Actor, rq *adapters.Request) (conversationOut, error) {
	by = reader(by)
	key, err := d.named(ctx, by, rq)
	if err != nil {
		return conversationOut{}, err
	}
	out, err := d.open(ctx, by, key)
	if err != nil {
		return out, err
	}
	return out, d.countUnread(ctx, by, &out)
}

// countUnread fills in how many messages of the conversation the actor has not read.
func (d *Dialect) countUnread(ctx context.Context, by core.Actor, outs ...*conversationOut) error {
	u, err := d.core.Reads.Unread(ctx, by, core.GetUnread{User: by.User})
	if err != nil {
		return err
	}
	for _, o := range outs {
		o.state.Reads = nil
		for _, c := range u.Channels {
			if c.Key == o.state.Channel.Key {
				o.state.Reads = []core.Read{{Unread: c.Count}}
			}
		}
	}
	return nil
}

// Limits of a list of conversations.
const (
	normalConversations = 25
	mostConversations   = 50
)

// listConversations lists the actor's conversations that have a message, newest first.
func (d *Dialect) listConversations(ctx context.Context, by core.Actor, rq *adapters.Request) (listed[conversationOut], error) {
	var out listed[conversationOut]
	var err error
	if err = needUser(by); err != nil {
		return out, err
	}
	by = reader(by)
	if out.page, err = pageOf(rq, normalConversations, mostConversations); err != nil {
		return out, err
	}
	kind := rq.Query.Get("conversationType")
	f := core.And(
		core.Cond("joined", core.OpEq, core.Bool(true)),
		core.Cond("last_message_at", core.OpExists, core.Bool(true)),
		kindFilter(kind),
		hasTags("tags", texts(rq, "groupTags")),
	)
	if flag(rq, "unread") {
		f = core.And(f, core.Cond("has_unread", core.OpEq, core.Bool(true)))
	}
	sort := []core.Sort{{Field: "last_message_at", Desc: true}}
	states, err := d.channels(ctx, by, f, sort, &out.page)
	if err != nil {
		return out, err
	}
	blocked := relations{}
	if !flag(rq, "includeBlockedUsers") {
		if blocked, err = d.relationsOf(ctx, by); err != nil {
			return out, err
		}
	}
	var ptrs []*conversationOut
	for _, st := range states {
		c, err := d.stateOf(ctx, by, st)
		if err != nil {
			return out, err
		}
		if c.venue.group == nil && blocked.mine[c.venue.peer(by.User).ID] || kind == "user" && c.venue.group != nil {
			continue
		}
		out.items = append(out.items, c)
	}
	for i := range out.items {
		ptrs = append(ptrs, &out.items[i])
	}
	out.count = len(out.items)
	return out, d.countUnread(ctx, by, ptrs...)
}

// kindFilter is the condition of a conversation's type.
func kindFilter(kind string) core.Filter {
	switch kind {
	case "user":
		return core.Cond("kind", core.OpEq, core.Number(float64(core.KindDirect)))
	case "group":
		return core.Cond("kind", core.OpNe, core.Number(float64(core.KindDirect)))
	}
	return core.Filter{}
}

// channels reads a page of channels; the core answers 30 at most at a time.
func (d *Dialect) channels(ctx context.Context, by core.Actor, f core.Filter, sort []core.Sort, p *page) ([]core.ChannelState, error) {
	const step = 30
	var out []core.ChannelState
	for off := (p.number - 1) * p.size; len(out) <= p.size && off <= maxOffset; off += step {
		sts, err := d.core.Channels.Query(ctx, by, core.QueryChannels{Filter: f, Sort: sort, Page: core.Page{Limit: step, Offset: off}, State: wanted})
		if err != nil {
			return nil, err
		}
		out = append(out, sts...)
		if len(sts) < step {
			break
		}
	}
	if p.more = len(out) > p.size; p.more {
		out = out[:p.size]
	}
	p.count = len(out)
	return out, p.whole(step, func(p core.Page) (int, error) {
		sts, err := d.core.Channels.Query(ctx, by, core.QueryChannels{Filter: f, Sort: sort, Page: p})
		return len(sts), err
	})
}

func (d *Dialect) encodeConversations(w *wire.Writer, _ *adapters.Request, l listed[conversationOut]) {
	writeList(w, &l, func(c *conversationOut) { writeConversation(w, c) })
}

func (d *Dialect) encodeConversation(w *wire.Writer, _ *adapters.Request, c conversationOut) {
	w.Key("data")
	writeConversation(w, &c)
}

// encodeUnreadConversation answers the conversation one level deeper.
func (d *Dialect) encodeUnreadConversation(w *wire.Writer, _ *adapters.Request, c conversationOut) {
	w.Object("data")
	w.Key("conversation")
	writeConversation(w, &c)
	w.Close()
}

// writeConversation writes a conversation object.
func writeConversation(w *wire.Writer, c *conversationOut) {
	st, v := &c.state, c.venue
	unread := 0
	if len(st.Reads) > 0 {
		unread = st.Reads[0].Unread
	}
	w.Open()
	w.Text("conversationId", v.id())
	if v.group != nil {
		w.Text("conversationType", "group")
	} else {
		w.Text("conversationType", "user")
	}
	if !c.outline {
		w.Text("unreadMessageCount", itoa(unread))
		w.Int("unreadMentionsCount", 0)
	}
	unix(w, "createdAt", st.Channel.CreatedAt)
	at := st.Channel.LastMessageAt
	if at.IsZero() {
		at = st.Channel.UpdatedAt
	}
	unix(w, "updatedAt", at)
	if me := st.Membership; me != nil {
		if me.ReadMessage != 0 {
			w.Text("lastReadMessageId", me.ReadMessage.String())
		}
		if tags := memberTags(me); len(tags) > 0 {
			w.Texts("tags", tags)
		}
		if !me.PinnedAt.IsZero() {
			unix(w, "pinnedAt", me.PinnedAt)
			w.Text("pinnedBy", string(me.User))
		}
	}
	if n := len(st.Messages); n > 0 {
		w.Text("latestMessageId", st.Messages[n-1].ID.String())
		w.Key("lastMessage")
		writeMessage(w, &st.Messages[n-1], v)
	}
	w.Key("conversationWith")
	if v.group != nil {
		writeGroup(w, v.group, v.me)
	} else {
		writeUser(w, v.peer(v.viewer), userView{viewer: v.viewer})
	}
	w.Close()
}

// tagsName is the member of a membership's Extra with the tags of the conversation.
const tagsName = "tags"

func memberTags(m *core.Member) []string {
	r, err := wire.Parse(m.Extra)
	if err != nil {
		return nil
	}
	return r.Texts(tagsName, maxTags)
}

// tagConversation sets the tags that the actor gives the conversation.
func (d *Dialect) tagConversation(ctx context.Context, by core.Actor, rq *adapters.Request) (conversationOut, error) {
	r, err := body(rq)
	if err != nil {
		return conversationOut{}, invalid(err)
	}
	tags := readTags(&r)
	if err := r.Err(); err != nil {
		return conversationOut{}, invalid(err)
	}
	w := wire.NewWriter(64)
	w.OpenList()
	for _, t := range tags {
		w.Item(t)
	}
	w.CloseList()
	return d.changeMember(ctx, by, rq, func(m *core.Member) error {
		e := extraEdit{x: m.Extra}
		e.raw(tagsName, w.Bytes())
		m.Extra = e.x
		return nil
	})
}

// maxPinned is how many conversations a person may pin.
const maxPinned = 5

// pinConversation pins the conversation on the actor's list, or takes the pin off.
func (d *Dialect) pinConversation(on bool) func(context.Context, core.Actor, *adapters.Request) (conversationOut, error) {
	return func(ctx context.Context, by core.Actor, rq *adapters.Request) (conversationOut, error) {
		if on && by.User != "" {
			p := page{number: 1, size: maxPinned}
			sts, err := d.channels(ctx, reader(by), core.Cond("pinned", core.OpEq, core.Bool(true)), nil, &p)
			if err != nil {
				return conversationOut{}, err
			}
			key, err := d.named(ctx, reader(by), rq)
			if err != nil {
				return conversationOut{}, err
			}
			if len(sts) >= maxPinned && !slices.ContainsFunc(sts, func(st core.ChannelState) bool { return st.Channel.Key == key }) {
				return conversationOut{}, fault.LimitReached.Error("At most 5 conversations can be pinned.").With("pinned_conversations")
			}
		}
		now := d.now()
		return d.changeMember(ctx, by, rq, func(m *core.Member) error {
			if m.PinnedAt = now; !on {
				m.PinnedAt = time.Time{}
			}
			return nil
		})
	}
}

// changeMember changes the actor's own membership.
func (d *Dialect) changeMember(ctx context.Context, by core.Actor, rq *adapters.Request, change func(*core.Member) error) (conversationOut, error) {
	by = reader(by)
	key, err := d.named(ctx, by, rq)
	if err != nil {
		return conversationOut{}, err
	}
	_, err = d.core.Channels.PatchMember(ctx, behalf(by), core.PatchMember{Key: key, User: by.User, Change: change})
	if fault.IsReason(err, fault.GroupNotFound) {
		err = fault.ConversationAccessDenied.Error("The conversation is not accessible to this user.")
	}
	if err != nil {
		return conversationOut{}, err
	}
	out, err := d.open(ctx, by, key)
	if err != nil {
		return out, err
	}
	return out, d.countUnread(ctx, by, &out)
}

// clear takes the conversation off the actor's list, with its history. What comes later shows it
// again.
func (d *Dialect) clear(ctx context.Context, by core.Actor, rq *adapters.Request) (none struct{}, err error) {
	by = reader(by)
	key, err := d.named(ctx, by, rq)
	if err != nil {
		return none, err
	}
	_, err = d.core.Channels.Hide(ctx, by, core.HideChannel{Key: key, ClearHistory: true})
	return none, d.noConversation(err)
}

// noConversation tells that two people have not talked yet.
func (d *Dialect) noConversation(err error) error {
	if fault.IsReason(err, fault.GroupNotFound) {
		return fault.ConversationAccessDenied.Error("The conversation is not accessible to this user.")
	}
	return err
}
