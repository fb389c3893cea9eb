package adapters

import (
	"context"
	"sync/atomic"

	"dragoman/core"
)

// Relay hands webhooks and callouts of a core to dialects that are made after it: a core needs
// them to start, and a dialect needs the core. Until Bind it does nothing.
type Relay struct{ bound atomic.Pointer[relayed] }

type relayed struct {
	hooks    []core.Hooks
	callouts []core.Callouts
}

var (
	_ core.Hooks    = (*Relay)(nil)
	_ core.Callouts = (*Relay)(nil)
)

// Bind names the dialects that write webhooks and callouts, where they do. A dialect answers
// nothing for an app it has no credentials of, so each app is called in the shape of its own.
func (r *Relay) Bind(ds ...Dialect) {
	var b relayed
	for _, d := range ds {
		if h, ok := d.(core.Hooks); ok {
			b.hooks = append(b.hooks, h)
		}
		if c, ok := d.(core.Callouts); ok {
			b.callouts = append(b.callouts, c)
		}
	}
	r.bound.Store(&b)
}

// Requests implements core.Hooks: the calls of all dialects.
func (r *Relay) Requests(app *core.App, ev *core.Event, attempt int) []core.HookRequest {
	var out []core.HookRequest
	if b := r.bound.Load(); b != nil {
		for _, h := range b.hooks {
			out = append(out, h.Requests(app, ev, attempt)...)
		}
	}
	return out
}

// BeforeSend implements core.Callouts: the dialects ask one after the other.
func (r *Relay) BeforeSend(ctx context.Context, do core.Doer, app *core.App, ch *core.Channel, author *core.User, m *core.Message) error {
	if b := r.bound.Load(); b != nil {
		for _, c := range b.callouts {
			if err := c.BeforeSend(ctx, do, app, ch, author, m); err != nil {
				return err
			}
		}
	}
	return nil
}

// Command implements core.Callouts. The first dialect that has callouts answers it.
func (r *Relay) Command(ctx context.Context, do core.Doer, app *core.App, ch *core.Channel, author *core.User, m *core.Message, form map[string]string) error {
	if b := r.bound.Load(); b != nil && len(b.callouts) > 0 {
		return b.callouts[0].Command(ctx, do, app, ch, author, m, form)
	}
	return nil
}
