package engine

import (
	"context"
	"encoding/json"
	"errors"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/store"
)

// txn is one transaction of a command: the store's, plus what has to happen after its commit.
type txn struct {
	store.Tx
	e      *Engine
	app    core.AppID
	origin string // device session the command came from
	after  []func()
	events []*core.Event
	quiet  bool // webhooks are not told: another system does that
	drops  []invalidation
	untold error // why the other nodes were not told of what they have to forget
}

// update runs fn in a transaction ordered by channel ch (0 for none). fn may run more than once:
// it must not change anything outside the txn before the commit; use t.then for that.
func (e *Engine) update(ctx context.Context, op string, app core.AppID, ch core.ChannelID, fn func(*txn) error) error {
	t := &txn{}
	err := e.store.Update(ctx, app, ch, func(tx store.Tx) error {
		*t = txn{Tx: tx, e: e, app: app, origin: core.Origin(ctx)}
		return fn(t)
	}, t.committed)
	if errors.Is(err, store.ErrUnknownOutcome) {
		e.doubtful(unsureOf{room: roomKey{app, ch}, drops: t.drops})
	}
	if err == nil && t.untold != nil {
		err = fault.RealtimeFailed.Wrap(t.untold)
	}
	return translate(op, unforeseen(err))
}

// unforeseen is the error of a store that refuses a write for a reason of its own: neither the
// command's nor one that passes by itself.
func unforeseen(err error) error {
	var f *fault.Error
	if err == nil || errors.As(err, &f) {
		return err
	}
	for _, known := range []error{
		store.ErrBadFilter, store.ErrNotFound, store.ErrUnavailable, store.ErrUnknownOutcome, context.DeadlineExceeded, context.Canceled,
	} {
		if errors.Is(err, known) {
			return err
		}
	}
	return fault.OperationFailed.Wrap(err).With("database")
}

// forget drops values from the caches of all nodes after the commit. A node that was not told
// would go on with what it has: the caller learns of it (realtime.failed), though the write stands.
func (t *txn) forget(in invalidation) {
	t.drops = append(t.drops, in)
	t.then(func() {
		if err := t.e.forget(in); err != nil {
			t.untold = err
		}
	})
}

func (t *txn) committed() {
	for _, f := range t.after {
		f()
	}
	t.e.dispatch.push(t.events...)
}

// then registers work for after the commit. It must not block.
func (t *txn) then(f func()) { t.after = append(t.after, f) }

// emit records an event: stored with its channel when its kind is, queued for hooks if the app has
// any, and dispatched after the commit. Events are dispatched in the order of emit.
func (t *txn) emit(ev *core.Event) error { return t.record(ev, stored[ev.Kind]) }

// log is emit for an event that is stored with its channel although others of its kind are not.
func (t *txn) log(ev *core.Event) error { return t.record(ev, true) }

func (t *txn) record(ev *core.Event, keep bool) error {
	ev.App, ev.Origin = t.app, t.origin
	if ev.At.IsZero() {
		ev.At = t.e.now()
	}
	hooks := !t.quiet && t.e.hasHooks(t.app, ev.Kind)
	if hooks {
		t.then(func() { kick(t.e.kit.hooks) })
	}
	if ev.Channel != nil && keep {
		row := store.EventRow{Channel: ev.Channel.ID, Kind: ev.Kind, At: ev.At, Payload: payloadOf(ev)}
		if ev.User != nil {
			row.Actor = ev.User.ID
		}
		if ev.Message != nil {
			row.Message = ev.Message.ID
		}
		if err := t.AppendEvent(t.app, &row, hooks); err != nil {
			return err
		}
		ev.Ev, ev.Stamp = row.Ev, row.Stamp
	} else if hooks && hookable[ev.Kind] {
		b, err := json.Marshal(ev)
		if err != nil {
			return err
		}
		if err := t.AppendOutbox(t.app, b); err != nil {
			return err
		}
	}
	if err := t.box(ev); err != nil {
		return err
	}
	t.events = append(t.events, ev)
	return nil
}

// box puts an event into the boxes of those who will not find it in a channel.
func (t *txn) box(ev *core.Event) error {
	if len(ev.Box) == 0 {
		return nil
	}
	if ev.Stamp == 0 {
		ev.Stamp = t.NextStamp()
	}
	people := ev.Box
	ev.Box = nil // who else has it is nobody's business, and may be a thousand names
	b, err := json.Marshal(ev)
	ev.Box = people
	if err != nil {
		return err
	}
	return t.AppendBox(t.app, people, ev.Stamp, b)
}

// putUser writes a user and lets the caches forget them after the commit.
func (t *txn) putUser(u *core.User) error {
	if err := t.PutUser(t.app, u); err != nil {
		return err
	}
	t.forget(invalidation{App: t.app, Users: []core.UserID{u.ID}})
	return nil
}

// putChannel writes a channel and lets the caches forget it after the commit. A new one gets its
// number: that of its key, where the key is one.
func (t *txn) putChannel(c *core.Channel) error {
	if c.ID == 0 && c.AliasNo == 0 {
		if n, ok := c.Key.Number(); ok {
			c.AliasNo = n
		} else {
			c.AliasNo = int64(t.NextStamp())
		}
	}
	if err := t.PutChannel(t.app, c); err != nil {
		return err
	}
	t.dropChannel(c.Key)
	return nil
}

func (t *txn) dropChannel(key core.ChannelKey) {
	t.forget(invalidation{App: t.app, Keys: []core.ChannelKey{key}})
}

// putMember writes a membership; key is the channel's, whose member count may change.
func (t *txn) putMember(key core.ChannelKey, m *core.Member) error {
	if err := t.PutMember(t.app, m); err != nil {
		return err
	}
	t.dropPlace(key, m.Channel, m.User)
	k := placeKey{t.app, m.Channel, m.User}
	t.then(func() {
		if t.e.hub.joined(k.app, k.ch, k.user) && !t.e.alone.Load() { // another node may have removed them since the commit
			t.e.kit.look.place(k)
		}
	})
	return nil
}

func (t *txn) deleteMember(key core.ChannelKey, ch core.ChannelID, user core.UserID) error {
	if err := t.DeleteMember(t.app, ch, user); err != nil {
		return err
	}
	t.forget(invalidation{App: t.app, Keys: []core.ChannelKey{key}, Places: []placeOf{{Ch: ch, User: user, Gone: true}}})
	return nil
}

func (t *txn) dropPlace(key core.ChannelKey, ch core.ChannelID, user core.UserID) {
	t.forget(invalidation{App: t.app, Keys: []core.ChannelKey{key}, Places: []placeOf{{Ch: ch, User: user}}})
}

// putJSON writes a record.
func putJSON[T any](t *txn, space, key string, v *T) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return t.PutRecord(t.app, space, key, b)
}

// getJSON reads a record; store.ErrNotFound if there is none.
func getJSON[T any](ctx context.Context, r store.Reader, app core.AppID, space, key string) (T, error) {
	var v T
	b, err := r.Record(ctx, app, space, key)
	if err != nil {
		return v, err
	}
	return v, json.Unmarshal(b, &v)
}

// listJSON reads the records under a prefix.
func listJSON[T any](ctx context.Context, r store.Reader, app core.AppID, space, prefix, after string, desc bool, limit int) ([]T, error) {
	rows, err := r.Records(ctx, app, space, prefix, after, desc, limit)
	if err != nil {
		return nil, err
	}
	out := make([]T, len(rows))
	for i := range rows {
		if err := json.Unmarshal(rows[i].Value, &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}
