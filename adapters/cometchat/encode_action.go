package cometchat

import (
	"time"

	"dragoman/adapters/wire"
	"dragoman/core"
)

// Actions on members of a group.
const (
	actionJoined       = "joined"
	actionLeft         = "left"
	actionKicked       = "kicked"
	actionBanned       = "banned"
	actionUnbanned     = "unbanned"
	actionAdded        = "added"
	actionScopeChanged = "scopeChanged"
)

// Actions on messages.
const (
	actionEdited  = "edited"
	actionDeleted = "deleted"
)

// actions are the vendor's names of notices.
var actions = map[core.NoticeKind]string{
	core.NoticeJoined: actionJoined, core.NoticeLeft: actionLeft, core.NoticeKicked: actionKicked, core.NoticeBanned: actionBanned,
	core.NoticeUnbanned: actionUnbanned, core.NoticeAdded: actionAdded, core.NoticeRanked: actionScopeChanged,
}

// noticeData writes the data of a message that nobody wrote.
func noticeData(w *wire.Writer, m *core.Message, v *venue) {
	if m.Notice.Kind == core.NoticeCall {
		callData(w, m, v)
		return
	}
	memberActionData(w, m.Notice, m.Author, m.User, v)
}

// memberActionData writes the data of an action message about a member. Who joins or leaves does
// it to themself.
func memberActionData(w *wire.Writer, n *core.Notice, by *core.User, byID core.UserID, v *venue) {
	on := core.UserID(orElse(string(n.Of), string(byID)))
	person := n.Person
	if person == nil && on == byID {
		person = by
	}
	w.Text("action", actions[n.Kind])
	w.Object("entities")
	entityUser(w, "by", by, byID)
	entityUser(w, "on", person, on)
	v.receiverEntity(w, "for", byID)
	w.Close()
	if n.Kind == core.NoticeRanked {
		w.Object("extras")
		w.Object("scope")
		w.Text("new", scopeOfRank(n.New))
		w.Text("old", scopeOfRank(n.Old))
		w.Close()
		w.Close()
	}
}

// writeMemberAction writes an action message that is not stored: for changes made elsewhere.
func writeMemberAction(w *wire.Writer, id string, n *core.Notice, by *core.User, byID core.UserID, at time.Time, v *venue) {
	w.Open()
	actionHead(w, id, "groupMember", byID, at, v)
	w.Object("data")
	memberActionData(w, n, by, byID, v)
	w.Close()
	w.Close()
}

// writeMessageAction writes the action message that tells an edit or a deletion: the answer of
// both, and the frame pushed to the others. It bears the id of the message it is about.
func writeMessageAction(w *wire.Writer, action string, m *core.Message, by *core.User, byID core.UserID, v *venue) {
	w.Open()
	actionHead(w, m.ID.String(), "message", byID, m.UpdatedAt, v)
	w.Object("data")
	w.Text("action", action)
	w.Object("entities")
	entityUser(w, "by", by, byID)
	v.receiverEntity(w, "for", m.User)
	w.Object("on")
	w.Key("entity")
	writeMessage(w, m, v)
	w.Text("entityType", "message")
	w.Close()
	w.Close()
	w.Close()
	w.Close()
}

// actionHead writes what every action message begins with.
func actionHead(w *wire.Writer, id, kind string, by core.UserID, at time.Time, v *venue) {
	w.Text("id", id)
	w.Text("conversationId", v.id())
	w.Text("sender", string(by))
	v.receiver(w, by)
	w.Text("category", categoryAction)
	w.Text("type", kind)
	unix(w, "sentAt", at)
	unix(w, "updatedAt", at)
}
