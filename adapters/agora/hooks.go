package agora

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

// Bounds of webhooks; see https://docs.agora.io/en/agora-chat/develop/callbacks.
const (
	maxRules    = 4    // of each kind
	maxRuleText = 2000 // bytes
	maxRuleList = 50   // entries of msgTypes and interested
	maxPatience = 3000 // ms that an endpoint may think at most
)

// hookRoutes are the rules of webhooks, as the vendor's own console sets them.
func (d *Dialect) hookRoutes() []adapters.Route {
	var out []adapters.Route
	for kind, path := range map[string]string{kindAfter: "/callbacks", kindBefore: "/msghooks"} {
		name, one := map[string]string{kindAfter: "Callback", kindBefore: "MessageHook"}[kind], path+"/:name"
		out = append(out,
			op(d, full, "POST", path, "create"+name, d.putRule(kind, true), encodeRules),
			op(d, full, "GET", path, "list"+name+"s", d.listRules(kind), encodeRules),
			op(d, full, "GET", one, "get"+name, d.getRule(kind), encodeRules),
			op(d, full, "PUT", one, "update"+name, d.putRule(kind, false), encodeRules),
			op(d, full, "DELETE", one, "delete"+name, d.deleteRule(kind), encodeRules),
		)
	}
	for i := range out {
		out[i] = out[i].Gated(adapters.GateServer)
	}
	return out
}

// noRule is the failure of an unknown rule.
func noRule() error { return fault.IntegrationNotFound.Error("There is no rule of that name.") }

// ruleNamed reports whether a webhook is a rule of the kind and name.
func ruleNamed(kind, name string) func(core.EventHook) bool {
	return func(h core.EventHook) bool {
		return h.Kind == kind && gjson.GetBytes(h.Extra, "name").String() == name
	}
}

func (d *Dialect) listRules(kind string) func(context.Context, core.Actor, *adapters.Request) ([]core.EventHook, error) {
	return func(ctx context.Context, by core.Actor, _ *adapters.Request) ([]core.EventHook, error) {
		app, err := d.core.Apps.Get(ctx, server(by.App), core.GetApp{})
		return slices.DeleteFunc(slices.Clone(app.Settings.Hooks), func(h core.EventHook) bool { return h.Kind != kind }), err
	}
}

func (d *Dialect) getRule(kind string) func(context.Context, core.Actor, *adapters.Request) ([]core.EventHook, error) {
	return func(ctx context.Context, by core.Actor, rq *adapters.Request) ([]core.EventHook, error) {
		all, err := d.listRules(kind)(ctx, by, rq)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(all, ruleNamed(kind, rq.Param("name")))
		if i < 0 {
			return nil, noRule()
		}
		return all[i : i+1], nil
	}
}

// changeRules changes the webhooks of the app's settings.
func (d *Dialect) changeRules(ctx context.Context, by core.Actor, change func([]core.EventHook) ([]core.EventHook, error)) error {
	_, err := d.core.Apps.Update(ctx, server(by.App), core.UpdateApp{Change: func(s *core.AppSettings) error {
		hs, err := change(slices.Clone(s.Hooks))
		s.Hooks = hs
		return err
	}})
	return err
}

// putRule makes a rule, or changes one.
func (d *Dialect) putRule(kind string, fresh bool) func(context.Context, core.Actor, *adapters.Request) ([]core.EventHook, error) {
	return func(ctx context.Context, by core.Actor, rq *adapters.Request) ([]core.EventHook, error) {
		r, err := body(rq)
		if err != nil {
			return nil, err
		}
		var out core.EventHook
		err = d.changeRules(ctx, by, func(hs []core.EventHook) ([]core.EventHook, error) {
			name := cmp.Or(rq.Param("name"), r.TextMax("name", 100))
			i, count := slices.IndexFunc(hs, ruleNamed(kind, name)), 0
			for _, h := range hs {
				if h.Kind == kind {
					count++
				}
			}
			switch {
			case name == "":
				return hs, fault.RequestMissingField.Error("name is empty")
			case !fresh && i < 0:
				return hs, noRule()
			case fresh && i >= 0:
				return hs, fault.RequestInvalid.Error("there is a rule of that name")
			case fresh && count >= maxRules:
				return hs, fault.LimitReached.Error("the app has as many rules as it may have")
			case fresh:
				hs = append(hs, core.EventHook{ID: uuidOf(kind, name), Kind: kind, Enabled: true, Before: kind == kindBefore})
				i = len(hs) - 1
			}
			if err := readRule(&r, &hs[i], name); err != nil {
				return hs, err
			}
			out = hs[i]
			return hs, nil
		})
		if err != nil {
			return nil, err
		}
		return []core.EventHook{out}, nil
	}
}

// readRule reads a rule over what there is.
func readRule(r *wire.Reader, h *core.EventHook, name string) error {
	old := gjson.ParseBytes(h.Extra)
	params, _ := r.Object("actionParams")
	h.URL = cmp.Or(r.TextMax("targetUrl", maxRuleText), params.TextMax("uri", maxRuleText), h.URL)
	secret := cmp.Or(r.TextMax("secret", maxRuleText), params.TextMax("hxSecret", maxRuleText), params.TextMax("secret", maxRuleText), old.Get("secret").String())
	if r.Has("status") {
		h.Enabled = r.Int("status", 0, 1) == 1
	}
	if r.Has("msgTypes") || r.Has("interested") {
		h.Events = append(r.Texts("msgTypes", maxRuleList), r.Texts("interested", maxRuleList)...)
	}
	timeout, action := int(old.Get("timeout").Int()), int(old.Get("defaultAction").Int())
	if params.Has("timeout") {
		timeout = params.Int("timeout", 1, maxPatience)
	}
	if params.Has("defaultAction") {
		action = params.Int("defaultAction", 0, 1)
	}
	w := wire.NewWriter(192)
	w.Open()
	w.Text("name", name)
	w.Text("secret", secret)
	if h.Kind == kindBefore {
		w.Int("timeout", cmp.Or(timeout, int(beforeWithin.Milliseconds())))
		w.Int("defaultAction", action)
	}
	w.Close()
	h.Extra = w.Bytes()
	if u, err := url.Parse(h.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fault.RequestInvalid.Error("targetUrl is no http or https URL")
	}
	if err := params.Err(); err != nil {
		return err
	}
	return r.Err()
}

func (d *Dialect) deleteRule(kind string) func(context.Context, core.Actor, *adapters.Request) ([]core.EventHook, error) {
	return func(ctx context.Context, by core.Actor, rq *adapters.Request) ([]core.EventHook, error) {
		return nil, d.changeRules(ctx, by, func(hs []core.EventHook) ([]core.EventHook, error) {
			i := slices.IndexFunc(hs, ruleNamed(kind, rq.Param("name")))
			if i < 0 {
				return hs, noRule()
			}
			return slices.Delete(hs, i, i+1), nil
		})
	}
}

// encodeRules answers rules. Their secrets are shown, as the vendor does, to who has an app token.
func encodeRules(a *answer, list []core.EventHook) {
	a.Entities()
	for i := range list {
		h := &list[i]
		x := gjson.ParseBytes(h.Extra)
		a.Open()
		a.Text("name", x.Get("name").String())
		a.Text("id", h.ID)
		a.Text("ruleId", h.ID)
		a.Texts("msgTypes", h.Events)
		a.Texts("interested", h.Events)
		a.Int("status", map[bool]int{true: 1}[h.Enabled])
		a.Text("targetUrl", h.URL)
		a.Text("forAppkey", a.t.key())
		a.Object("actionParams")
		a.Text("uri", h.URL)
		a.Text("secret", x.Get("secret").String())
		a.Text("hxSecret", x.Get("secret").String())
		if h.Before {
			a.Int64("timeout", x.Get("timeout").Int())
			a.Int64("defaultAction", x.Get("defaultAction").Int())
		}
		a.Close()
		a.Close()
	}
	a.CloseList()
}
