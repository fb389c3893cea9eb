package main

import (
	"context"
	"sync"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
)

// callers are the dialects as the core calls them: writers of webhooks, askers of the app's own
// endpoints. The core is built before the dialects, which need it, so whoever calls early waits
// until they are all there.
type callers struct {
	ready    chan struct{}
	once     sync.Once
	hooks    []core.Hooks
	callouts []core.Callouts
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
	if co, ok := d.(core.Callouts); ok {
		c.callouts = append(c.callouts, co)
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

// BeforeSend implements core.Callouts: every dialect asks what the app has configured with it, in
// the order of the demo's ports. The first refusal stands.
func (c *callers) BeforeSend(ctx context.Context, do core.Doer, app *core.App, ch *core.Channel, author *core.User, m *core.Message) error {
	if err := c.wait(ctx); err != nil {
		return err
	}
	for _, co := range c.callouts {
		if err := co.BeforeSend(ctx, do, app, ch, author, m); err != nil {
			return err
		}
	}
	return nil
}

// Command implements core.Callouts: the dialect with which the app has configured an endpoint for
// commands runs it.
func (c *callers) Command(ctx context.Context, do core.Doer, app *core.App, ch *core.Channel, author *core.User, m *core.Message, form map[string]string) error {
	if err := c.wait(ctx); err != nil {
		return err
	}
	var err error = fault.IntegrationNotConfigured.Error("no dialect of this server has commands")
	for _, co := range c.callouts {
		if err = co.Command(ctx, do, app, ch, author, m, form); !fault.IsReason(err, fault.IntegrationNotConfigured) {
			return err
		}
	}
	return err
}

// wait returns when the dialects are all there; the error is that of a call that ended first.
func (c *callers) wait(ctx context.Context) error {
	select {
	case <-c.ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
