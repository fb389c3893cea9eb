package stream

import (
	"slices"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// maxHooks and maxHookEvents bound one change of the webhook subscriptions.
const (
	maxHooks      = 50
	maxHookEvents = 200
)

// hookWebhook is the only kind of subscription served; queues and pending messages are refused.
const hookWebhook = "webhook"

// hookNames are the members of a subscription the core knows.
var hookNames = wire.NamesOf("id", "hook_type", "enabled", "event_types", "webhook_url", "delete", "created_at", "updated_at")

// hookEdit is one entry of event_hooks as sent.
type hookEdit struct {
	hook   core.EventHook
	remove bool
}

// readHooks reads the webhook subscriptions. The list takes the place of what was, unless
// explicit_event_hooks_deletion is set: then entries change or add one each, and remove one by
// "delete"; see https://getstream.io/chat/docs/node/multi_event_hooks/.
func readHooks(r *wire.Reader, do func(func(*core.AppSettings))) {
	if v := r.Texts("webhook_events", maxHookEvents); r.Has("webhook_events") {
		do(func(s *core.AppSettings) { s.WebhookEvents = v })
	}
	if !r.Has("event_hooks") {
		return
	}
	var edits []hookEdit
	r.EachObject("event_hooks", maxHooks, func(_ int, o *wire.Reader) { edits = append(edits, readHook(o)) })
	explicit := r.Bool("explicit_event_hooks_deletion")
	do(func(s *core.AppSettings) { s.Hooks = applyHooks(s.Hooks, edits, explicit) })
}

// readHook reads one subscription.
func readHook(o *wire.Reader) hookEdit {
	e := hookEdit{
		hook: core.EventHook{
			ID: o.Text("id"), Kind: orElse(o.Text("hook_type"), hookWebhook), URL: o.Text("webhook_url"),
			Events: o.Texts("event_types", maxHookEvents), Enabled: true, Extra: o.Rest(hookNames),
		},
		remove: o.Bool("delete"),
	}
	if on := o.OptBool("enabled"); on != nil {
		e.hook.Enabled = *on
	}
	switch {
	case e.remove:
	case e.hook.Kind != hookWebhook:
		o.Fail("hook_type", "must be webhook: events go to no queue", fault.RequestInvalidField)
	case e.hook.URL == "":
		o.Fail("webhook_url", "is a required field", fault.RequestMissingField)
	}
	return e
}

// applyHooks is the list of subscriptions after the edits.
func applyHooks(old []core.EventHook, edits []hookEdit, explicit bool) []core.EventHook {
	out := slices.DeleteFunc(slices.Clone(old), func(h core.EventHook) bool {
		return !explicit && orElse(h.Kind, hookWebhook) == hookWebhook // other kinds belong to other dialects
	})
	for _, e := range edits {
		i := slices.IndexFunc(out, func(h core.EventHook) bool { return h.ID != "" && h.ID == e.hook.ID })
		switch {
		case e.remove && i >= 0:
			out = slices.Delete(out, i, i+1)
		case e.remove:
		case i >= 0:
			out[i] = e.hook
		default:
			out = append(out, e.hook)
		}
	}
	return out
}

// writeHooks writes the webhook subscriptions.
func writeHooks(w *wire.Writer, hs []core.EventHook) {
	w.List("event_hooks")
	for i := range hs {
		h := &hs[i]
		if orElse(h.Kind, hookWebhook) != hookWebhook {
			continue
		}
		w.Open()
		w.Text("id", h.ID)
		w.Text("hook_type", orElse(h.Kind, hookWebhook))
		w.Bool("enabled", h.Enabled)
		w.Texts("event_types", h.Events)
		w.Text("webhook_url", h.URL)
		if !hasMember(h.Extra, "product") {
			w.Text("product", "chat")
		}
		w.Extra(h.Extra, hookNames)
		w.Close()
	}
	w.CloseList()
}
