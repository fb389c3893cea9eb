package main

import (
	"context"
	"errors"
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

// refuser is an app endpoint that refuses every message.
type refuser struct{ core.Callouts }

// BeforeSend implements core.Callouts.
func (refuser) BeforeSend(context.Context, core.Doer, *core.App, *core.Channel, *core.User, *core.Message) error {
	return fault.PermissionDenied.Error("refused")
}

func TestCallersAskTheApp(t *testing.T) {
	c := newCallers()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.BeforeSend(ctx, nil, nil, nil, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("before release, call cancelled: %v", err)
	}
	c.callouts = refuser{}
	c.release()
	if err := c.BeforeSend(t.Context(), nil, nil, nil, nil, nil); !fault.IsReason(err, fault.PermissionDenied) {
		t.Errorf("err = %v", err)
	}
}
