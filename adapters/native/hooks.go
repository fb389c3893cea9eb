package native

import (
	"context"
	"crypto/rand"
	"net/url"
	"slices"
	"strings"

	"dragoman/core"
	"dragoman/core/fault"
)

// hookKind marks the webhooks of this dialect among those of the app.
const hookKind = "api"

// maxHooks bounds the webhooks of one app.
const maxHooks = 20

// Webhook is an address that is told of events.
type Webhook struct {
	ID      string   `json:"id"`
	URL     string   `json:"url"`
	Events  []string `json:"events,omitempty" doc:"Kinds of events; all of them when absent."`
	Enabled bool     `json:"enabled"`
}

func hookOf(h *core.EventHook) Webhook { return Webhook{h.ID, h.URL, h.Events, h.Enabled} }

type hookName struct {
	Webhook string `json:"webhook" in:"path"`
}

type newHook struct {
	URL    string   `json:"url" need:"true" max:"2048"`
	Events []string `json:"events"`
}

type changeHook struct {
	hookName
	URL     *string   `json:"url" max:"2048"`
	Events  *[]string `json:"events"`
	Enabled *bool     `json:"enabled"`
}

func (d *Dialect) hookRows() []row {
	return []row{
		op("GET", "/v1/webhooks", "listWebhooks", "The webhooks of the app.", func(ctx context.Context, c *call, _ *none) (Page[Webhook], error) {
			app, err := d.settings(ctx, c.by.App)
			out := Page[Webhook]{Items: []Webhook{}}
			for i := range app.Settings.Hooks {
				if h := &app.Settings.Hooks[i]; h.Kind == hookKind {
					out.Items = append(out.Items, hookOf(h))
				}
			}
			return out, err
		}).server(),
		op("POST", "/v1/webhooks", "createWebhook", "Adds a webhook, at most 20 of an app. Calls are signed: see docs/native.md.", d.createHook).server().fresh(),
		op("PATCH", "/v1/webhooks/:webhook", "changeWebhook", "Changes a webhook.", d.changeHook).server(),
		op("DELETE", "/v1/webhooks/:webhook", "deleteWebhook", "Removes a webhook.", d.deleteHook).server(),
	}
}

// checkURL refuses addresses that nobody could call. Private ones are refused when called, unless
// the operator allows them.
func checkURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return fault.RequestInvalidField.Error("url must be an http or https address without credentials")
	}
	return nil
}

// changeHooks changes the app's webhooks in one transaction.
func (d *Dialect) changeHooks(ctx context.Context, by core.Actor, change func([]core.EventHook) ([]core.EventHook, error)) error {
	_, err := d.core.Apps.Update(ctx, by, core.UpdateApp{Change: func(s *core.AppSettings) (err error) {
		s.Hooks, err = change(slices.Clone(s.Hooks))
		return err
	}})
	return err
}

func (d *Dialect) createHook(ctx context.Context, c *call, in *newHook) (Webhook, error) {
	h := core.EventHook{ID: strings.ToLower(rand.Text()), Kind: hookKind, URL: in.URL, Events: in.Events, Enabled: true}
	if err := checkURL(in.URL); err != nil {
		return Webhook{}, err
	}
	err := d.changeHooks(ctx, c.by, func(hs []core.EventHook) ([]core.EventHook, error) {
		n := 0
		for i := range hs {
			if hs[i].Kind == hookKind {
				n++
			}
		}
		if n >= maxHooks {
			return nil, fault.LimitReached.Error("An app has at most " + itoa(maxHooks) + " webhooks.")
		}
		return append(hs, h), nil
	})
	c.created(true)
	return hookOf(&h), err
}

// at finds a webhook of this dialect.
func at(hs []core.EventHook, id string) (int, error) {
	i := slices.IndexFunc(hs, func(h core.EventHook) bool { return h.Kind == hookKind && h.ID == id })
	if i < 0 {
		return 0, fault.IntegrationNotFound.Error("There is no webhook " + clip(id) + ".")
	}
	return i, nil
}

func (d *Dialect) changeHook(ctx context.Context, c *call, in *changeHook) (Webhook, error) {
	if in.URL != nil {
		if err := checkURL(*in.URL); err != nil {
			return Webhook{}, err
		}
	}
	var out Webhook
	err := d.changeHooks(ctx, c.by, func(hs []core.EventHook) ([]core.EventHook, error) {
		i, err := at(hs, in.Webhook)
		if err != nil {
			return nil, err
		}
		set(&hs[i].URL, in.URL)
		set(&hs[i].Events, in.Events)
		set(&hs[i].Enabled, in.Enabled)
		out = hookOf(&hs[i])
		return hs, nil
	})
	return out, err
}

func (d *Dialect) deleteHook(ctx context.Context, c *call, in *hookName) (none, error) {
	return none{}, d.changeHooks(ctx, c.by, func(hs []core.EventHook) ([]core.EventHook, error) {
		i, err := at(hs, in.Webhook)
		if err != nil {
			return nil, err
		}
		return slices.Delete(hs, i, i+1), nil
	})
}
