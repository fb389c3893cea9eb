package cometchat

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
)

// venue is the conversation that messages are shown in, and who looks at them.
type venue struct {
	viewer core.UserID   // whose reactions and receipts are marked; empty for servers and events
	group  *core.Channel // nil for a conversation of two
	me     *core.Member  // the viewer's membership of the group, if any
	pair   [2]*core.User // the two people, by ascending id
	read   receiptState

	saved      map[core.MessageID]time.Time       // what the viewer has saved, as far as it was asked for
	interacted map[core.MessageID]core.Interacted // what the viewer has done with interactive messages
}

// receiptState is how far a conversation of two has been delivered and read by the peer, and by
// the viewer; the zero value tells nothing.
type receiptState struct{ peer, own core.Member }

// id is the conversation's id.
func (v *venue) id() string {
	if v.group != nil {
		return groupConversation(v.group.Key)
	}
	return directConversation(v.pair[0].ID, v.pair[1].ID)
}

// key is the channel of the conversation.
func (v *venue) key() core.ChannelKey {
	if v.group != nil {
		return v.group.Key
	}
	return directKey(v.pair[0].ID, v.pair[1].ID)
}

// peer is the other one of the two.
func (v *venue) peer(of core.UserID) *core.User {
	if v.pair[0].ID == of {
		return v.pair[1]
	}
	return v.pair[0]
}

// receiver writes receiverType and receiver of something that the person did.
func (v *venue) receiver(w *wire.Writer, from core.UserID) {
	if v.group != nil {
		w.Text("receiverType", "group")
		w.Text("receiver", string(v.group.Key))
		return
	}
	w.Text("receiverType", "user")
	w.Text("receiver", string(v.peer(from).ID))
}

// entity writes {entity, entityType} of a user as a member.
func entityUser(w *wire.Writer, name string, u *core.User, id core.UserID) {
	w.Object(name)
	w.Key("entity")
	writeUserOr(w, u, id, userView{})
	w.Text("entityType", "user")
	w.Close()
}

// receiverEntity writes {entity, entityType} of the receiver as a member.
func (v *venue) receiverEntity(w *wire.Writer, name string, from core.UserID) {
	if v.group == nil {
		p := v.peer(from)
		entityUser(w, name, p, p.ID)
		return
	}
	w.Object(name)
	w.Key("entity")
	writeGroup(w, v.group, v.me)
	w.Text("entityType", "group")
	w.Close()
}

// writeMessage writes a message object.
func writeMessage(w *wire.Writer, m *core.Message, v *venue) {
	w.Open()
	messageMembers(w, m, v, true)
	w.Close()
}

// messageMembers writes the members of a message; a quoted message shows no further quote.
func messageMembers(w *wire.Writer, m *core.Message, v *venue, quotes bool) {
	c := contentOf(m)
	w.Text("id", m.ID.String())
	w.TextIf("muid", c.muid)
	w.Text("conversationId", v.id())
	w.Text("sender", string(m.User))
	v.receiver(w, m.User)
	w.Text("category", c.category)
	w.Text("type", c.kind)
	w.Object("data")
	if m.Deleted() {
		deletedData(w, m, v)
	} else {
		dataMembers(w, m, &c, v)
	}
	w.Close()
	unix(w, "sentAt", m.CreatedAt)
	unix(w, "updatedAt", m.UpdatedAt)
	messageTimes(w, m, v)
	if m.Parent != 0 {
		w.Text("parentId", m.Parent.String())
	}
	w.Int("replyCount", m.ReplyCount)
	if len(m.Tags) > 0 {
		w.Texts("tags", m.Tags)
	}
	if m.Pinned {
		unixIf(w, "pinnedAt", m.PinnedAt)
		w.Text("pinnedBy", string(m.PinnedBy))
	}
	if at, ok := v.saved[m.ID]; ok {
		unix(w, "savedAt", at)
	}
	if q := m.QuotedMessage; q != nil && quotes {
		w.Text("quotedMessageId", q.ID.String())
		w.Object("quotedMessage")
		messageMembers(w, q, v, false)
		w.Close()
	}
}

// messageTimes writes when the message was changed, and how far it has come.
func messageTimes(w *wire.Writer, m *core.Message, v *venue) {
	if !m.EditedAt.IsZero() {
		unix(w, "editedAt", m.EditedAt)
		w.Text("editedBy", orElse(gjson.GetBytes(m.Extra, "edited_by").String(), string(m.User)))
	}
	if m.Deleted() {
		unix(w, "deletedAt", m.DeletedAt)
		w.Text("deletedBy", orElse(string(m.DeletedBy), string(core.SystemUser)))
	}
	if v.group != nil {
		return
	}
	if p := &v.read.peer; m.User != p.User {
		if p.ReadSeq >= m.Seq && !p.ReadAt.IsZero() {
			unix(w, "readAt", p.ReadAt)
		}
		if p.DeliveredSeq >= m.Seq && !p.DeliveredAt.IsZero() {
			unix(w, "deliveredAt", p.DeliveredAt)
		}
	}
	if o := &v.read.own; o.User != "" && m.User != o.User && (o.ReadSeq >= m.Seq || o.DeliveredSeq >= m.Seq) {
		w.Object("myReceipt")
		if o.DeliveredSeq >= m.Seq {
			unixIf(w, "deliveredAt", o.DeliveredAt)
		}
		if o.ReadSeq >= m.Seq {
			unixIf(w, "readAt", o.ReadAt)
		}
		w.Close()
	}
}

// deletedData is the data of a tombstone: the SDK needs the entities, the content is gone.
func deletedData(w *wire.Writer, m *core.Message, v *venue) { entities(w, m, v) }

// entities writes who sent it and to whom; the SDK builds sender and receiver from here.
func entities(w *wire.Writer, m *core.Message, v *venue) {
	w.Object("entities")
	entityUser(w, "sender", m.Author, m.User)
	v.receiverEntity(w, "receiver", m.User)
	w.Close()
}

// writtenData are the members of data that are written from the core, not from the content.
var writtenData = wire.NamesOf("text", "attachments", "url", "entities", "mentions", "reactions", "resource", "interactions")

// dataMembers writes the members of data.
func dataMembers(w *wire.Writer, m *core.Message, c *content, v *venue) {
	if m.Notice != nil {
		noticeData(w, m, v)
		return
	}
	files := attachmentsOf(m)
	switch {
	case c.category == categoryCustom || c.category == categoryInteractive:
		if t := gjson.GetBytes(c.data, "text"); t.Exists() {
			w.Raw("text", []byte(t.Raw))
		}
	case m.Text == "" && m.Poll != nil:
		w.Text("text", "["+m.Poll.Name+"]")
	case m.Text != "" || c.kind == "text":
		w.Text("text", m.Text)
	}
	if len(files) > 0 {
		w.Text("url", files[0].url)
		w.List("attachments")
		for i := range files {
			files[i].write(w)
		}
		w.CloseList()
	}
	w.Extra(core.Extra(c.data), writtenData)
	if !gjson.GetBytes(c.data, "metadata").Exists() {
		foreignMetadata(w, m)
	}
	if c.category == categoryInteractive {
		writeInteractions(w, v.interacted[m.ID].Done)
	}
	w.TextIf("resource", gjson.GetBytes(c.data, "resource").String())
	writeMentions(w, m)
	writeGroups(w, m, v.viewer)
	entities(w, m, v)
}

// foreignMetadata shows custom fields of another dialect as metadata, so that they are not lost.
func foreignMetadata(w *wire.Writer, m *core.Message) {
	if fields := wire.Fields(m.Extra); fields != nil {
		w.Raw("metadata", fields)
	}
}

// attachmentsOf are the files of a message; what has no link, such as a card, is left out.
func attachmentsOf(m *core.Message) []attachment {
	var out []attachment
	for _, raw := range m.Attachments {
		if a := attachmentOf(raw); a.url != "" {
			out = append(out, a)
		}
	}
	return out
}

// writeMentions writes the people mentioned by their uids; the text carries <@uid:UID>.
func writeMentions(w *wire.Writer, m *core.Message) {
	if len(m.Mentions) == 0 {
		return
	}
	w.Object("mentions")
	for _, id := range m.Mentions {
		i := slices.IndexFunc(m.Mentioned, func(u core.User) bool { return u.ID == id })
		w.KeyOf(string(id))
		if i < 0 {
			writeUserOr(w, nil, id, userView{})
		} else {
			writeUser(w, &m.Mentioned[i], userView{})
		}
	}
	w.Close()
}

// writeGroups writes the sums of reactions.
func writeGroups(w *wire.Writer, m *core.Message, viewer core.UserID) {
	if len(m.Reactions) == 0 {
		return
	}
	gs := slices.Clone(m.Reactions)
	slices.SortStableFunc(gs, func(a, b core.ReactionGroup) int {
		return cmp.Or(a.FirstAt.Compare(b.FirstAt), strings.Compare(a.Type, b.Type))
	})
	w.List("reactions")
	for i := range gs {
		mine := viewer != "" && slices.ContainsFunc(m.OwnReactions, func(r core.Reaction) bool { return r.Type == gs[i].Type })
		w.Open()
		w.Text("reaction", gs[i].Type)
		w.Int("count", gs[i].Count)
		w.Bool("reactedByMe", mine)
		w.Close()
	}
	w.CloseList()
}

// writeReaction writes one person's reaction.
func writeReaction(w *wire.Writer, r *core.Reaction) {
	w.Open()
	w.Text("id", reactionID(r))
	w.Text("messageId", r.Message.String())
	w.Text("reaction", r.Type)
	w.Text("uid", string(r.User))
	unix(w, "reactedAt", r.CreatedAt)
	w.Key("reactedBy")
	writeUserOr(w, r.Author, r.User, userView{})
	w.Close()
}

// reactionID names a reaction: the core knows it by message, person and type.
func reactionID(r *core.Reaction) string {
	return r.Message.String() + "_" + string(r.User) + "_" + r.Type
}
