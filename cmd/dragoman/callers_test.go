package main

import (
	"context"
	"errors"
	"slices"
	"testing"

	"dragoman/core"
	"dragoman/core/fault"
)

// fakeHooks names itself in the URL of its one call.
type fakeHooks string

// Requests implements core.Hooks.
func (f fakeHooks) Requests(*core.App, *core.Event, int) []core.HookRequest {
	return []core.HookRequest{{URL: string(f)}}
}

// A webhook that waits since before a restart must reach the dialects that write it, however early
// the core asks.
func TestCallersWaitForTheDialects(t *testing.T) {
	c := newCallers()
	got := make(chan []core.HookRequest)
	go func() { got <- c.Requests(&core.App{}, &core.Event{}, 1) }()
	c.hooks = append(c.hooks, fakeHooks("a"), fakeHooks("b"))
	if !c.abandoned() {
		t.Error("released before its time")
	}
	c.release()
	c.release()
	if rqs := <-got; len(rqs) != 2 || rqs[0].URL != "a" || rqs[1].URL != "b" {
		t.Errorf("requests %v", rqs)
	}
	if c.abandoned() {
		t.Error("still not released")
	}
}

// asker is a dialect's way to the app's endpoints, which answer what it says.
type asker struct {
	core.Callouts
	before, command error
	asked           *[]string
	name            string
}

// BeforeSend implements core.Callouts.
func (a asker) BeforeSend(context.Context, core.Doer, *core.App, *core.Channel, *core.User, *core.Message) error {
	*a.asked = append(*a.asked, a.name)
	return a.before
}

// Command implements core.Callouts.
func (a asker) Command(context.Context, core.Doer, *core.App, *core.Channel, *core.User, *core.Message, map[string]string) error {
	*a.asked = append(*a.asked, a.name)
	return a.command
}

// An app that speaks several dialects may have an endpoint configured with each of them.
func TestCallersAskEveryDialect(t *testing.T) {
	c := newCallers()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.BeforeSend(ctx, nil, nil, nil, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("before release, call cancelled: %v", err)
	}
	var asked []string
	unset := fault.IntegrationNotConfigured.Error("unset")
	c.callouts = []core.Callouts{
		asker{name: "a", asked: &asked, command: unset},
		asker{name: "b", asked: &asked, before: fault.PermissionDenied.Error("refused")},
		asker{name: "c", asked: &asked, command: fault.PermissionDenied.Error("not reached")},
	}
	c.release()
	if err := c.BeforeSend(t.Context(), nil, nil, nil, nil, nil); !fault.IsReason(err, fault.PermissionDenied) || !slices.Equal(asked, []string{"a", "b"}) {
		t.Errorf("err = %v, asked %v", err, asked)
	}
	asked = nil
	if err := c.Command(t.Context(), nil, nil, nil, nil, nil, nil); err != nil || !slices.Equal(asked, []string{"a", "b"}) {
		t.Errorf("command: err = %v, asked %v", err, asked)
	}
	c.callouts = c.callouts[:1]
	if err := c.Command(t.Context(), nil, nil, nil, nil, nil, nil); !fault.IsReason(err, fault.IntegrationNotConfigured) {
		t.Errorf("command without an endpoint: %v", err)
	}
}
