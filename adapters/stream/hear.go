package stream

import (
	"strings"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// sendable are the vendor's own event types that a client may send.
var sendable = map[string]core.EventKind{
	"typing.start":        core.TypingStarted,
	"typing.stop":         core.TypingStopped,
	"ai_indicator.update": core.CustomEvent,
	"ai_indicator.stop":   core.CustomEvent,
	"ai_indicator.clear":  core.CustomEvent,
}

// maxEventType bounds the name of a custom event.
const maxEventType = 255

// readEvent reads the "event" of a body. Types with a dot are the vendor's own; only a few of them
// may be sent.
func readEvent(r *wire.Reader) (in core.SendEvent, user core.UserID, err error) {
	o, ok := r.Object("event")
	if !ok {
		r.Fail("event", "is a required field", fault.RequestMissingField)
		return in, "", r.Err()
	}
	typ := o.Need("type")
	if len(typ) > maxEventType {
		o.Fail("type", "must be at most 255 characters", fault.RequestFieldTooLong)
	}
	if err := r.Err(); err != nil {
		return in, "", err
	}
	kind, own := sendable[typ]
	switch {
	case own:
		in.Kind = kind
	case strings.Contains(typ, "."):
		return in, "", fault.EventNotSupported.Error("event type " + clip(typ) + " is not supported")
	default:
		in.Kind = core.CustomEvent
	}
	if in.Kind == core.CustomEvent {
		in.Name = typ
		in.Extra = custom(&o, eventNames, maxCustom)
	}
	in.Parent = o.Text("parent_id")
	return in, named(&adapters.Request{}, &o), r.Err()
}

func decodeSendEvent(rq *adapters.Request) (core.SendEvent, error) {
	r, err := body(rq)
	if err != nil {
		return core.SendEvent{}, err
	}
	in, user, err := readEvent(&r)
	in.Key = keyParam(rq)
	if err != nil {
		return in, err
	}
	if user == "" || !rq.Caller().Server() {
		user = named(rq, &r)
	}
	return in, actFor(rq, user)
}

func (d *Dialect) encodeSentEvent(w *wire.Writer, _ *adapters.Request, e *core.Event) {
	if e != nil {
		w.Key("event")
		w.Value(d.event(e, eventTable[e.Kind].watcher, nil))
	}
}

// decodeUserEvent reads a custom event for one person.
func decodeUserEvent(rq *adapters.Request) (core.SendEvent, error) {
	r, err := body(rq)
	if err != nil {
		return core.SendEvent{}, err
	}
	in, user, err := readEvent(&r)
	if fault.IsReason(err, fault.EventNotSupported) || err == nil && in.Kind != core.CustomEvent {
		err = fault.RequestInvalidField.Error("event.type must not contain a dot")
	}
	in.To = []core.UserID{core.UserID(rq.Param("user_id"))}
	return in, firstErr(err, actFor(rq, user))
}
