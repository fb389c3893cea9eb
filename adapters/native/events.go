package native

import (
	"dragoman/adapters"
	"dragoman/core"
)

// eventFrame tells one event.
type eventFrame struct {
	Type  string `json:"type"`
	Event Event  `json:"event"`
}

// unreadFrame tells a person's totals after something that moved them.
type unreadFrame struct {
	Type   string `json:"type"`
	Counts Counts `json:"unread"`
}

// frame writes an event once for everybody who is told.
func (l *link) frame(ev *core.Event) adapters.Frame {
	return core.Encoded(ev, "native", func(e *core.Event) adapters.Frame {
		b, err := encode(eventFrame{"event", eventOf(e)})
		if err != nil {
			return adapters.Frame{} // not sent
		}
		return adapters.TextFrame(b)
	})
}

// tell sends one event, and the person's totals where it moved them. That a thread grew is told to
// those who watch as a change of its first message.
func (l *link) tell(dl *core.Delivery) {
	l.conn.Send(l.frame(dl.Event))
	if dl.Counts != nil {
		l.say(unreadFrame{"unread", countsOf(*dl.Counts)})
	}
}
