package cometchat

import (
	"dragoman/adapters/wire"
	"dragoman/core"
)

// callData writes the data of a call message: the state of the call stands in entities.on.
func callData(w *wire.Writer, m *core.Message, v *venue) {
	c := m.Notice.Call
	if c == nil {
		c = &core.Call{}
	}
	w.Text("action", string(c.Status))
	w.Object("entities")
	entityUser(w, "by", m.Author, m.User)
	v.receiverEntity(w, "for", m.User)
	w.Object("on")
	w.Key("entity")
	writeCall(w, c, v)
	w.Text("entityType", "call")
	w.Close()
	w.Close()
}

// writeCall writes a call as the SDK reads it.
func writeCall(w *wire.Writer, c *core.Call, v *venue) {
	w.Open()
	w.Text("sessionid", c.Session)
	w.Text("status", string(c.Status))
	w.Text("type", c.Kind)
	unixIf(w, "initiatedAt", c.InitiatedAt)
	unixIf(w, "joinedAt", c.JoinedAt)
	unixIf(w, "startedAt", c.StartedAt)
	unixIf(w, "endedAt", c.EndedAt)
	w.Text("sender", string(c.By))
	v.receiver(w, c.By)
	w.Object("data")
	w.Object("entities")
	entityUser(w, "sender", c.Caller, c.By)
	v.receiverEntity(w, "receiver", c.By)
	w.Close()
	if len(c.Extra) > 0 {
		w.Raw("metadata", c.Extra)
	}
	w.Close()
	w.Close()
}
