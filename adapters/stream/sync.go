package stream

import (
	"strings"
	"time"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// liveRoutes are the operations of live connections that travel as requests.
func (d *Dialect) liveRoutes() []adapters.Route {
	lv := d.core.Live
	return []adapters.Route{
		op(d, "POST", "/channels/:type/:id/event", "SendEvent", decodeSendEvent, lv.Send, d.encodeSentEvent),
		op(d, "POST", "/users/:user_id/event", "SendUserCustomEvent", decodeUserEvent, lv.Send, writeNothing[*core.Event]).Gated(adapters.GateServer),
		op(d, "POST", "/sync", "Sync", decodeSync, lv.Sync, d.encodeSynced),
	}
}

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

func decodeSync(rq *adapters.Request) (core.SyncSince, error) {
	var in core.SyncSince
	r, err := body(rq)
	if err != nil {
		return in, err
	}
	in.Keys, in.Since = cids(&r, "channel_cids", maxChannelsCall), r.Time("last_sync_at")
	if len(in.Keys) == 0 {
		r.Fail("channel_cids", "is a required field", fault.RequestMissingField)
	}
	if in.Since.IsZero() && !r.Has("last_sync_at") {
		r.Fail("last_sync_at", "is a required field", fault.RequestMissingField)
	}
	return in, firstErr(r.Err(), behalf(rq, &r))
}

// wantsInaccessible reads the flag that is documented for the query and sent by the JavaScript SDK
// in the body.
func wantsInaccessible(rq *adapters.Request) bool {
	if rq.Query.Get("with_inaccessible_cids") == "true" {
		return true
	}
	r, err := wire.Parse(rq.Body)
	return err == nil && r.Bool("with_inaccessible_cids")
}

// encodeSynced writes the events missed, as those who watch would have seen them.
func (d *Dialect) encodeSynced(w *wire.Writer, rq *adapters.Request, s core.Synced) {
	self := rq.Actor(rq.Caller()).User
	w.List("events")
	for _, e := range s.Events {
		d.render(core.Delivery{Event: e, As: core.AsWatcher | core.AsMember}, self, func(v variant, _ *core.Counts) {
			w.Value(d.event(e, v, nil))
		})
	}
	w.CloseList()
	if len(s.Inaccessible) > 0 && wantsInaccessible(rq) {
		w.List("inaccessible_cids")
		for _, k := range s.Inaccessible {
			w.Item(cidOf(k))
		}
		w.CloseList()
	}
}

// orNow returns t, or the other instant when t is not set.
func orNow(t, other time.Time) time.Time {
	if t.IsZero() {
		return other
	}
	return t
}
