package adaptertest

import (
	"context"
	"sync/atomic"

	"dragoman/adapters"
	"dragoman/core"
)

// relay hands webhooks and callouts of a core to the dialect, which is made after it: a core needs
// them to start, and a dialect needs the core. A new world has nothing to call before that.
type relay struct {
	to atomic.Pointer[adapters.Dialect]
}

var (
	_ core.Hooks    = (*relay)(nil)
	_ core.Callouts = (*relay)(nil)
)

// bind names the dialect.
func (r *relay) bind(d adapters.Dialect) { r.to.Store(&d) }

// callouts is the dialect as the asker of the app's endpoints, or nil.
func (r *relay) callouts() core.Callouts {
	if d := r.to.Load(); d != nil {
		c, _ := (*d).(core.Callouts)
		return c
	}
	return nil
}

// Requests implements core.Hooks.
func (r *relay) Requests(app *core.App, ev *core.Event, attempt int) []core.HookRequest {
	if d := r.to.Load(); d != nil {
		if h, ok := (*d).(core.Hooks); ok {
			return h.Requests(app, ev, attempt)
		}
	}
	return nil
}

// BeforeSend implements core.Callouts.
func (r *relay) BeforeSend(ctx context.Context, do core.Doer, app *core.App, ch *core.Channel, author *core.User, m *core.Message) error {
	if c := r.callouts(); c != nil {
		return c.BeforeSend(ctx, do, app, ch, author, m)
	}
	return nil
}

// Command implements core.Callouts.
func (r *relay) Command(ctx context.Context, do core.Doer, app *core.App, ch *core.Channel, author *core.User, m *core.Message, form map[string]string) error {
	if c := r.callouts(); c != nil {
		return c.Command(ctx, do, app, ch, author, m, form)
	}
	return nil
}
