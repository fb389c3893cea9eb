package main

import (
	"context"
	"sync"

	"dragoman/adapters"
	"dragoman/core"
)

// callers are the dialects as the core calls them: writers of webhooks, askers of the app's own
// endpoints. The core is built before the dialects, which need it, so whoever calls early waits
// until they are all there.
type callers struct {
	ready    chan struct{}
	once     sync.Once
	hooks    []core.Hooks
	callouts core.Callouts
}

var (
	_ core.Hooks    = (*callers)(nil)
	_ core.Callouts = (*callers)(nil)
)

// newCallers makes an empty list that is not released yet.
func newCallers() *callers { return &callers{ready: make(chan struct{})} }

// add takes what a dialect offers; only before release.
func (c *callers) add(d adapters.Dialect) {
	if h, ok := d.(core.Hooks); ok {
		c.hooks = append(c.hooks, h)
	}
	if co, ok := d.(core.Callouts); ok && c.callouts == nil {
		c.callouts = co
	}
}

// release lets the calls through. Idempotent.
func (c *callers) release() { c.once.Do(func() { close(c.ready) }) }

// abandoned reports whether release has not happened.
func (c *callers) abandoned() bool {
	select {
	case <-c.ready:
		return false
	default:
		return true
	}
}

// Requests implements core.Hooks: the calls of all dialects.
func (c *callers) Requests(app *core.App, ev *core.Event, attempt int) []core.HookRequest {
	<-c.ready
	var out []core.HookRequest
	for _, h := range c.hooks {
		out = append(out, h.Requests(app, ev, attempt)...)
	}
	return out
}

// BeforeSend implements core.Callouts.
func (c *callers) BeforeSend(ctx context.Context, do core.Doer, app *core.App, ch *core.Channel, author *core.User, m *core.Message) error {
	if co := c.asker(ctx); co != nil {
		return co.BeforeSend(ctx, do, app, ch, author, m)
	}
	return ctx.Err()
}

// Command implements core.Callouts.
func (c *callers) Command(ctx context.Context, do core.Doer, app *core.App, ch *core.Channel, author *core.User, m *core.Message, form map[string]string) error {
	if co := c.asker(ctx); co != nil {
		return co.Command(ctx, do, app, ch, author, m, form)
	}
	return ctx.Err()
}

// asker is the dialect that asks the app's endpoints, or nil when there is none or ctx ends first.
func (c *callers) asker(ctx context.Context) core.Callouts {
	select {
	case <-c.ready:
		return c.callouts
	case <-ctx.Done():
		return nil
	}
}
