package stream

import (
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
