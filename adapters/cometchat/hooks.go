package cometchat

import (
	"cmp"
	"context"
	"net/url"
	"slices"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// Bounds of webhooks.
const (
	maxHooks    = 50
	maxHookText = 1024
)

// hookRoutes manage webhooks and their triggers. The vendor has them at its management host, with
// credentials of a developer; here the app's full access key does. See
// https://www.cometchat.com/docs/rest-api/management-apis/webhooks/overview.
func (d *Dialect) hookRoutes() []adapters.Route {
	const one, trig = "/apps/:appId/webhooks/:webhookId", "/apps/:appId/webhooks/:webhookId/triggers"
	srv := adapters.GateServer
	return []adapters.Route{
		op("POST", "/apps/:appId/webhooks", "createWebhook", d.createHook, encodeHook).Gated(srv),
		op("GET", "/apps/:appId/webhooks", "listWebhooks", d.listHooks, encodeHooks).Gated(srv),
		op("GET", one, "getWebhook", d.getHook, encodeHook).Gated(srv),
		op("PUT", one, "updateWebhook", d.updateHook, encodeHook).Gated(srv),
		op("DELETE", one, "deleteWebhook", d.deleteHook, done("Webhook deleted successfully.")).Gated(srv),
		op("GET", trig, "listTriggers", d.getHook, encodeTriggers).Gated(srv),
		op("POST", trig, "addTriggers", d.changeTriggers(true), encodeTriggers).Gated(srv),
		op("DELETE", trig, "removeTriggers", d.changeTriggers(false), encodeTriggers).Gated(srv),
	}
}

// noHook is the failure of an unknown webhook.
func noHook(id string) error {
	return fault.IntegrationNotFound.Error("The webhook " + clip(id) + " does not exist.").With("webhook")
}

// ownApp refuses a path that names another app than the key's.
func (d *Dialect) ownApp(by core.Actor, rq *adapters.Request) error {
	if id := rq.Param("appId"); id != d.byApp[by.App].appID {
		return fault.AppNotFound.Error("The app " + clip(id) + " does not exist.")
	}
	return nil
}

// hooksOf reads the webhooks of this dialect.
func (d *Dialect) hooksOf(ctx context.Context, by core.Actor, rq *adapters.Request) ([]core.EventHook, error) {
	if err := d.ownApp(by, rq); err != nil {
		return nil, err
	}
	app, err := d.core.Apps.Get(ctx, server(by.App), core.GetApp{})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(app.Settings.Hooks), func(h core.EventHook) bool { return h.Kind != hookKind }), nil
}

func (d *Dialect) getHook(ctx context.Context, by core.Actor, rq *adapters.Request) (core.EventHook, error) {
	hs, err := d.hooksOf(ctx, by, rq)
	if err != nil {
		return core.EventHook{}, err
	}
	id := rq.Param("webhookId")
	i := slices.IndexFunc(hs, func(h core.EventHook) bool { return h.ID == id })
	if i < 0 {
		return core.EventHook{}, noHook(id)
	}
	return hs[i], nil
}

func (d *Dialect) listHooks(ctx context.Context, by core.Actor, rq *adapters.Request) ([]core.EventHook, error) {
	return d.hooksOf(ctx, by, rq)
}

// changeHooks changes the webhooks of this dialect in the app's settings.
func (d *Dialect) changeHooks(ctx context.Context, by core.Actor, change func([]core.EventHook) ([]core.EventHook, error)) error {
	_, err := d.core.Apps.Update(ctx, server(by.App), core.UpdateApp{Change: func(s *core.AppSettings) error {
		hs, err := change(slices.Clone(s.Hooks))
		s.Hooks = hs
		return err
	}})
	return err
}

// changeHook changes one of them.
func (d *Dialect) changeHook(ctx context.Context, by core.Actor, rq *adapters.Request, change func(*core.EventHook) error) (core.EventHook, error) {
	var out core.EventHook
	if err := d.ownApp(by, rq); err != nil {
		return out, err
	}
	id := rq.Param("webhookId")
	err := d.changeHooks(ctx, by, func(hs []core.EventHook) ([]core.EventHook, error) {
		i := slices.IndexFunc(hs, func(h core.EventHook) bool { return h.Kind == hookKind && h.ID == id })
		if i < 0 {
			return hs, noHook(id)
		}
		err := change(&hs[i])
		out = hs[i]
		return hs, err
	})
	return out, err
}

// readHook reads the body over what there is.
func readHook(r *wire.Reader, h *core.EventHook) error {
	old := gjson.ParseBytes(h.Extra)
	text := func(name string) string { return cmp.Or(r.TextMax(name, maxHookText), old.Get(name).String()) }
	h.URL = cmp.Or(r.TextMax("webhookURL", maxHookText), h.URL)
	if on := r.OptBool("enabled"); on != nil {
		h.Enabled = *on
	}
	basic := old.Get("useBasicAuth").Bool()
	if on := r.OptBool("useBasicAuth"); on != nil {
		basic = *on
	}
	w := wire.NewWriter(192)
	w.Open()
	w.Text("name", text("name"))
	w.Bool("useBasicAuth", basic)
	w.TextIf("username", text("username"))
	w.TextIf("password", text("password"))
	w.Close()
	h.Extra = w.Bytes()
	u, err := url.Parse(h.URL)
	if h.URL == "" || err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		r.Fail("webhookURL", "The webhook URL format is invalid.", fault.RequestInvalidField)
	}
	return invalid(r.Err())
}

func (d *Dialect) createHook(ctx context.Context, by core.Actor, rq *adapters.Request) (core.EventHook, error) {
	h := core.EventHook{Kind: hookKind, Enabled: true}
	if err := d.ownApp(by, rq); err != nil {
		return h, err
	}
	r, err := body(rq)
	if err != nil {
		return h, invalid(err)
	}
	h.ID = r.TextMax("id", 100)
	if h.ID == "" {
		h.ID = newKey()[:16]
	}
	if err := readHook(&r, &h); err != nil {
		return h, err
	}
	return h, d.changeHooks(ctx, by, func(hs []core.EventHook) ([]core.EventHook, error) {
		switch {
		case len(hs) >= maxHooks:
			return hs, fault.PlanQuotaExceeded.Error("An app has at most " + itoa(maxHooks) + " webhooks.")
		case slices.ContainsFunc(hs, func(x core.EventHook) bool { return x.Kind == hookKind && x.ID == h.ID }):
			return hs, fault.RequestInvalid.Error("The webhook " + clip(h.ID) + " exists already.")
		}
		return append(hs, h), nil
	})
}

func (d *Dialect) updateHook(ctx context.Context, by core.Actor, rq *adapters.Request) (core.EventHook, error) {
	r, err := body(rq)
	if err != nil {
		return core.EventHook{}, invalid(err)
	}
	return d.changeHook(ctx, by, rq, func(h *core.EventHook) error { return readHook(&r, h) })
}

func (d *Dialect) deleteHook(ctx context.Context, by core.Actor, rq *adapters.Request) (none struct{}, err error) {
	if _, err = d.getHook(ctx, by, rq); err != nil {
		return none, err
	}
	id := rq.Param("webhookId")
	return none, d.changeHooks(ctx, by, func(hs []core.EventHook) ([]core.EventHook, error) {
		return slices.DeleteFunc(hs, func(h core.EventHook) bool { return h.Kind == hookKind && h.ID == id }), nil
	})
}

// changeTriggers adds triggers to a webhook, or takes some away.
func (d *Dialect) changeTriggers(add bool) func(context.Context, core.Actor, *adapters.Request) (core.EventHook, error) {
	return func(ctx context.Context, by core.Actor, rq *adapters.Request) (core.EventHook, error) {
		r, err := body(rq)
		if err != nil {
			return core.EventHook{}, invalid(err)
		}
		names := r.Texts("triggerIds", 100)
		if err := r.Err(); err != nil {
			return core.EventHook{}, invalid(err)
		}
		known := triggers()
		for _, n := range names {
			if !slices.Contains(known, n) {
				return core.EventHook{}, fault.IntegrationNotFound.Error("The trigger " + clip(n) + " does not exist.").With("trigger")
			}
		}
		return d.changeHook(ctx, by, rq, func(h *core.EventHook) error {
			h.Events = slices.DeleteFunc(slices.Clone(h.Events), func(n string) bool { return slices.Contains(names, n) })
			if add {
				h.Events = append(h.Events, names...)
				slices.Sort(h.Events)
			}
			h.Before = slices.Contains(h.Events, triggerBefore)
			return nil
		})
	}
}

func writeHook(w *wire.Writer, h *core.EventHook) {
	v := gjson.ParseBytes(h.Extra)
	w.Open()
	w.Text("id", h.ID)
	w.Text("name", v.Get("name").String())
	w.Text("webhookURL", h.URL)
	w.Bool("enabled", h.Enabled)
	w.Bool("useBasicAuth", v.Get("useBasicAuth").Bool())
	w.Bool("retryOnFailure", true)
	w.Close()
}

func encodeHook(w *wire.Writer, _ *adapters.Request, h core.EventHook) {
	w.Key("data")
	writeHook(w, &h)
}

func encodeHooks(w *wire.Writer, _ *adapters.Request, hs []core.EventHook) {
	l := listed[core.EventHook]{page: page{number: 1, size: maxHooks, count: len(hs)}, items: hs}
	writeList(w, &l, func(h *core.EventHook) { writeHook(w, h) })
}

func encodeTriggers(w *wire.Writer, _ *adapters.Request, h core.EventHook) {
	l := listed[string]{page: page{number: 1, size: 100, count: len(h.Events)}, items: h.Events}
	writeList(w, &l, func(name *string) {
		w.Open()
		w.Text("id", *name)
		w.Close()
	})
}
