package cometchat

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// historyRoutes are the lists of messages.
func (d *Dialect) historyRoutes() []adapters.Route {
	return []adapters.Route{
		op("GET", "/messages", "listMessages", d.listMessages, encodeHistory),
		op("GET", "/users/:uid/messages", "listUserMessages", d.userMessages, encodeHistory),
		op("GET", "/groups/:guid/messages", "listGroupMessages", d.groupMessages, encodeHistory),
	}
}

// Limits of a list of messages.
const (
	normalMessages = 30
	mostMessages   = 100
	mostReads      = 10 // pages read to find what the conditions want
)

// history is a run of messages, oldest first, or counts of unread ones.
type history struct {
	page     page
	affix    string
	messages []core.Message
	venue    *venue   // of all of them
	venues   []*venue // or of each
	counts   []unreadCount
	counted  bool
}

// historyQuery is what of a conversation is wanted.
type historyQuery struct {
	affix      string
	id         string
	at         time.Time
	updated    bool // at speaks of changes
	size       int
	categories []string
	types      []string
	tags       []string
	search     string
	from, to   time.Time
	hide       struct{ replies, deleted bool }
	only       struct{ deleted, mentions, reactions, attachments, links, pinned, saved, reached bool }
	notFrom    map[core.UserID]bool
	unread     bool
	bound      core.MessageID // of a list that goes on from a message that is not there
}

// readHistory reads the parameters of a list of messages.
func (d *Dialect) readHistory(ctx context.Context, by core.Actor, rq *adapters.Request) (h historyQuery, err error) {
	p, err := pageOf(rq, normalMessages, mostMessages)
	if err != nil {
		return h, err
	}
	h.size, h.affix, h.id = p.size, orElse(rq.Query.Get("affix"), "prepend"), rq.Query.Get("id")
	if h.affix != "prepend" && h.affix != "append" {
		return h, fault.RequestInvalid.Error("The affix must be prepend or append.")
	}
	q := wire.QueryOf(rq)
	at := func(name string) time.Time { return time.Unix(int64(q.Int(name, 0, 1<<40)), 0) }
	if rq.Query.Get("updatedAt") != "" {
		h.at, h.updated = at("updatedAt"), true
	} else if rq.Query.Get("sentAt") != "" {
		h.at = at("sentAt")
	}
	if rq.Query.Get("fromTimestamp") != "" {
		h.from = at("fromTimestamp")
	}
	if rq.Query.Get("toTimestamp") != "" {
		h.to = at("toTimestamp")
	}
	h.categories = append(texts(rq, "categories"), texts(rq, "category")...)
	h.types = append(texts(rq, "types"), texts(rq, "type")...)
	h.tags = texts(rq, "tags")
	h.search = strings.ToLower(rq.Query.Get("searchKey"))
	h.hide.replies, h.hide.deleted = flag(rq, "hideReplies"), flag(rq, "hideDeleted")
	h.only.deleted, h.only.mentions, h.only.reactions = flag(rq, "onlyDeleted"), flag(rq, "hasMentions"), flag(rq, "hasReactions")
	h.only.attachments, h.only.links, h.only.pinned = flag(rq, "hasAttachments"), flag(rq, "hasLinks"), flag(rq, "pinned")
	h.unread = flag(rq, "unread")
	h.only.saved, h.only.reached = flag(rq, "saved"), flag(rq, "onlyInteractionGoalCompleted")
	if flag(rq, "hideMessagesFromBlockedUsers") && by.User != "" {
		rel, err := d.relationsOf(ctx, by)
		if err != nil {
			return h, err
		}
		h.notFrom = rel.mine
	}
	return h, invalid(q.Err())
}

// wants reports whether the message meets the conditions.
func (h *historyQuery) wants(m *core.Message, v *venue) bool {
	c := contentOf(m)
	switch {
	case h.hide.replies && m.Parent != 0, h.hide.deleted && m.Deleted(), h.only.deleted && !m.Deleted(),
		len(h.categories) > 0 && !slices.Contains(h.categories, c.category),
		len(h.types) > 0 && !slices.Contains(h.types, c.kind),
		len(h.tags) > 0 && !slices.ContainsFunc(h.tags, func(t string) bool { return slices.Contains(m.Tags, t) }),
		h.search != "" && (m.Deleted() || !strings.Contains(strings.ToLower(m.Text), h.search)),
		!h.from.IsZero() && m.CreatedAt.Before(h.from), !h.to.IsZero() && m.CreatedAt.After(h.to),
		h.only.mentions && len(m.Mentions) == 0, h.only.reactions && len(m.Reactions) == 0,
		h.only.attachments && len(m.Attachments) == 0, h.only.pinned && !m.Pinned,
		h.only.links && !strings.Contains(m.Text, "://"),
		h.only.saved && v.saved[m.ID].IsZero(), h.only.reached && v.interacted[m.ID].Reached.IsZero(),
		h.notFrom[m.User],
		h.bound != 0 && (h.affix == "append" && m.ID <= h.bound || h.affix != "append" && m.ID >= h.bound),
		h.updated && !h.at.IsZero() && h.affix == "append" && m.UpdatedAt.Unix() <= h.at.Unix():
		return false
	}
	if h.unread {
		o := &v.read.own
		return m.User != v.viewer && m.Seq > o.ReadSeq
	}
	return true
}

// start is the first page to ask the core for.
func (h *historyQuery) start(limit int) core.MessagePage {
	p := core.MessagePage{Limit: limit}
	forward := h.affix == "append"
	switch {
	case h.id != "" && forward:
		p.After = h.id
	case h.id != "":
		p.Before = h.id
	case h.updated && forward, h.at.IsZero() && forward:
		p.AfterTime = time.Unix(1, 0)
	case !h.at.IsZero() && !h.updated && forward:
		p.AfterTime = h.at.Add(time.Second - time.Millisecond) // the vendor counts seconds
	case !h.at.IsZero() && !h.updated:
		p.BeforeTime = h.at
	}
	return p
}

// lost notes that the message a list goes on from is not there: its number then is a bound that is
// compared with each message. It reports false for what is no number, or was noted before.
func (h *historyQuery) lost(p core.MessagePage) bool {
	if p.Before != h.id && p.After != h.id || h.bound != 0 {
		return false
	}
	n, err := strconv.ParseInt(h.id, 10, 64)
	h.bound = core.MessageID(n)
	return err == nil && n > 0
}

// run reads pages until enough messages meet the conditions, or there are no more.
func (d *Dialect) run(ctx context.Context, by core.Actor, in core.ListMessages, h *historyQuery, v *venue) (history, error) {
	out := history{page: page{number: 1, size: h.size}, affix: h.affix, venue: v}
	limit := min(h.size+1, 300)
	in.Page = h.start(limit)
	if h.id == "0" { // the beginning, as SDKs say it
		in.Page = core.MessagePage{Limit: limit, AfterTime: time.Unix(1, 0)}
		if h.affix == "prepend" {
			return out, nil
		}
	}
	if err := d.savedIn(ctx, by, v); err != nil {
		return out, err
	}
	for range mostReads {
		ms, err := d.core.Messages.List(ctx, by, in)
		if fault.IsReason(err, fault.MessageNotFound) && h.lost(in.Page) {
			in.Page = core.MessagePage{Limit: limit}
			if h.affix == "append" {
				in.Page.AfterTime = time.Unix(1, 0)
			}
			continue
		}
		if err != nil {
			return out, err
		}
		if err := d.interacted(ctx, by, v, ms); err != nil {
			return out, err
		}
		kept := make([]core.Message, 0, len(ms))
		for i := range ms {
			if h.wants(&ms[i], v) {
				kept = append(kept, ms[i])
			}
		}
		if h.affix == "append" {
			out.messages = append(out.messages, kept...)
		} else {
			out.messages = append(kept, out.messages...)
		}
		if len(ms) < limit || len(out.messages) > h.size {
			break
		}
		in.Page = core.MessagePage{Limit: limit}
		if h.affix == "append" {
			in.Page.After = ms[len(ms)-1].ID.String()
		} else {
			in.Page.Before = ms[0].ID.String()
		}
	}
	if out.page.more = len(out.messages) > h.size; out.page.more {
		if h.affix == "append" {
			out.messages = out.messages[:h.size]
		} else {
			out.messages = out.messages[len(out.messages)-h.size:]
		}
	}
	out.page.count = len(out.messages)
	return out, nil
}

// userMessages lists the conversation with a person.
func (d *Dialect) userMessages(ctx context.Context, by core.Actor, rq *adapters.Request) (history, error) {
	if err := needUser(by); err != nil {
		return history{}, err
	}
	by = reader(by)
	u, err := d.person(ctx, by.App, core.UserID(rq.Param("uid")))
	if err != nil {
		return history{}, err
	}
	if flag(rq, "count") {
		return d.unreadCounts(ctx, by, directKey(by.User, u.ID), "")
	}
	h, err := d.readHistory(ctx, by, rq)
	if err != nil {
		return history{}, err
	}
	v, err := d.directVenue(ctx, by.App, by.User, by.User, u.ID)
	if err == nil {
		err = d.receipts(ctx, by.App, v)
	}
	if err != nil {
		return history{}, err
	}
	out, err := d.run(ctx, by, core.ListMessages{Key: directKey(by.User, u.ID)}, &h, v)
	if fault.IsReason(err, fault.GroupNotFound) {
		return history{page: page{number: 1, size: h.size}, affix: h.affix, venue: v}, nil
	}
	return out, err
}

// groupMessages lists the messages of a group the person is a member of.
func (d *Dialect) groupMessages(ctx context.Context, by core.Actor, rq *adapters.Request) (history, error) {
	return d.channelMessages(ctx, reader(by), rq, core.ChannelKey(rq.Param("guid")))
}

func (d *Dialect) channelMessages(ctx context.Context, by core.Actor, rq *adapters.Request, key core.ChannelKey) (history, error) {
	g, err := d.memberOf(ctx, by, key)
	if err != nil {
		return history{}, err
	}
	if flag(rq, "count") {
		return d.unreadCounts(ctx, by, key, "")
	}
	h, err := d.readHistory(ctx, by, rq)
	if err != nil {
		return history{}, err
	}
	v := &venue{viewer: by.User, group: &g.Channel, me: g.Member}
	if g.Member != nil {
		v.read.own = *g.Member
	}
	out, err := d.run(ctx, by, core.ListMessages{Key: key}, &h, v)
	if err != nil {
		err = d.refusal(ctx, by, key, err)
	}
	return out, err
}

// memberOf reads a group that the actor must be a member of; servers that act for nobody need not.
func (d *Dialect) memberOf(ctx context.Context, by core.Actor, key core.ChannelKey) (core.GroupView, error) {
	g, err := d.core.Groups.Get(ctx, by, core.GetGroup{Key: key})
	switch {
	case err != nil || by.User == "" || g.Member != nil:
		return g, err
	case g.Banned:
		return g, fault.GroupBanned.Error("The user is banned from the group " + clip(string(key)) + ".")
	}
	return g, notJoined(key)
}

// listMessages lists the messages of a conversation by its id, for servers, or counts the unread
// messages of a person, which is what the SDKs ask here.
func (d *Dialect) listMessages(ctx context.Context, by core.Actor, rq *adapters.Request) (history, error) {
	by = reader(by)
	if flag(rq, "count") && by.User != "" {
		return d.unreadCounts(ctx, by, "", rq.Query.Get("receiverType"))
	}
	id := rq.Query.Get("conversationId")
	if id == "" {
		return d.allMessages(ctx, by, rq)
	}
	c, err := d.conversation(ctx, by, id)
	if err != nil {
		return history{}, err
	}
	if c.group != "" {
		return d.channelMessages(ctx, by, rq, c.group)
	}
	h, err := d.readHistory(ctx, by, rq)
	if err != nil {
		return history{}, err
	}
	v, err := d.directVenue(ctx, by.App, by.User, c.a, c.b)
	if err != nil {
		return history{}, err
	}
	return d.run(ctx, by, core.ListMessages{Key: c.key()}, &h, v)
}

// allMessages lists the newest messages of all conversations the actor has part in; for a server
// that acts for nobody, of all.
func (d *Dialect) allMessages(ctx context.Context, by core.Actor, rq *adapters.Request) (history, error) {
	h, err := d.readHistory(ctx, by, rq)
	if err != nil {
		return history{}, err
	}
	f := core.Filter{}
	if by.User != "" {
		f = core.Cond("joined", core.OpEq, core.Bool(true))
	}
	since := time.Unix(1, 0)
	if !h.from.IsZero() {
		since = h.from
	}
	found, err := d.core.Messages.Search(ctx, behalf(by), core.SearchMessages{
		ChannelFilter: f, Filter: core.Cond("created_at", core.OpGte, core.Time(since)),
		Sort: []core.Sort{{Field: "created_at", Desc: true}}, Page: core.Page{Limit: min(5*h.size, 1000)},
	})
	if err != nil {
		return history{}, err
	}
	out := history{page: page{number: 1, size: h.size}, affix: h.affix}
	for i := range found.Hits {
		v, err := d.venueOf(ctx, by.App, by.User, &found.Hits[i].Channel)
		if err != nil {
			return out, err
		}
		if !h.wants(&found.Hits[i].Message, v) || len(out.messages) == h.size {
			continue
		}
		out.messages = append(out.messages, found.Hits[i].Message)
		out.venues = append(out.venues, v)
	}
	slices.Reverse(out.messages)
	slices.Reverse(out.venues)
	out.page.count = len(out.messages)
	return out, nil
}

// encodeHistory writes a list of messages with both forms of its meta: the SDKs read the cursor
// and the pagination, older clients current, next and previous.
func encodeHistory(w *wire.Writer, _ *adapters.Request, h history) {
	w.List("data")
	if h.counted {
		for _, c := range h.counts {
			kind := "user"
			if c.group {
				kind = "group"
			}
			w.Open()
			w.Text("entityType", kind)
			w.Text("entityId", c.id)
			w.Int("count", c.count)
			w.Close()
		}
		w.CloseList()
		return
	}
	for i := range h.messages {
		v := h.venue
		if v == nil {
			v = h.venues[i]
		}
		writeMessage(w, &h.messages[i], v)
	}
	w.CloseList()
	w.Object("meta")
	h.page.writePagination(w)
	w.Object("current")
	w.Int("limit", h.page.size)
	w.Int("count", h.page.count)
	w.Close()
	if n := len(h.messages); n > 0 {
		first, last := &h.messages[0], &h.messages[n-1]
		edge := first
		if h.affix == "append" {
			edge = last
		}
		writeCursor(w, "cursor", h.affix, edge)
		writeCursor(w, "next", "append", last)
		writeCursor(w, "previous", "prepend", first)
	} else {
		w.Object("cursor")
		w.Text("affix", h.affix)
		w.Close()
	}
	w.Close()
}

// writeCursor writes where a list goes on.
func writeCursor(w *wire.Writer, name, affix string, m *core.Message) {
	w.Object(name)
	w.Text("affix", affix)
	unix(w, "sentAt", m.CreatedAt)
	unix(w, "updatedAt", m.UpdatedAt)
	w.Text("id", m.ID.String())
	w.Close()
}
