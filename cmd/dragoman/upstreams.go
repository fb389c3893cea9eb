package main

import (
	"context"
	"errors"
	"slices"

	"go.uber.org/zap"

	"dragoman/adapters"
	"dragoman/config"
	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/normalize"
	"dragoman/proxy"
)

// behind finds the vendor of an app in a dialect; nil for our own API, which has none.
func behind(a *config.App, dialect string) *config.Upstream {
	switch dialect {
	case "stream":
		return &a.Stream.Upstream
	case "cometchat":
		return &a.CometChat.Upstream
	case "agora":
		return &a.Agora.Upstream
	case "nexconn":
		return &a.Nexconn.Upstream
	}
	return nil
}

// upstreams are the vendors of the configuration.
func upstreams(c *config.Config, ids []core.AppID) ([]proxy.Upstream, error) {
	var out []proxy.Upstream
	for i := range c.Apps {
		for j := range dialects {
			u := behind(&c.Apps[i], dialects[j].name)
			if u == nil || u.URL == "" || !dialects[j].configured(&c.Apps[i]) {
				continue
			}
			format, _ := normalize.ParseMode(u.ErrorFormat) // the configuration allows nothing else
			to := proxy.Upstream{
				App: ids[i], Dialect: dialects[j].name, URL: u.URL, ServerURL: u.ServerURL, LiveURL: u.LiveURL,
				Vendor: adapters.VendorApp{Key: u.Key, Secret: u.Secret.Reveal(), AuthKey: u.AuthKey.Reveal()},
				Mode:   proxy.Mode(u.Mode), ErrorFormat: format, Trusted: u.TrustedHop,
				Timeout: u.Timeout.Duration, Connect: u.ConnectTimeout.Duration, KeepAlive: u.KeepAlive.Duration,
				Connections: u.Connections, Links: u.Links, Rate: u.Rate, Retries: u.Retries, Hedge: u.HedgeAfter.Duration,
			}
			for _, r := range u.Routes {
				rm, err := proxy.ParseRouteMode(r)
				if err != nil {
					return nil, err
				}
				to.Routes = append(to.Routes, rm)
			}
			out = append(out, to)
		}
	}
	return out, nil
}

// names are the names of the configured apps.
func names(c *config.Config) []string {
	out := make([]string, len(c.Apps))
	for i := range c.Apps {
		out[i] = c.Apps[i].Name
	}
	return out
}

// Reload reads the upstreams of the configuration anew: addresses, keys and bounds. Everything else of
// the file needs a restart. by is who asks for it.
func (p *Program) Reload(ctx context.Context, by string) error {
	if p.Reread == nil {
		return fault.RequestInvalid.Error("There is no configuration file to read again.")
	}
	c, err := p.Reread()
	if err != nil {
		return fault.RequestInvalid.Error("The configuration was not read: " + err.Error())
	}
	was, ids := names(p.Config), make([]core.AppID, 0, len(c.Apps))
	for _, name := range names(c) {
		i := slices.Index(was, name)
		if i < 0 {
			return fault.RequestInvalid.Error("An app cannot be added at run time: restart for that.")
		}
		ids = append(ids, p.node.ids[i])
	}
	list, err := upstreams(c, ids)
	if err != nil {
		return fault.RequestInvalid.Error(err.Error())
	}
	return p.node.front.Load().Renew(ctx, by, list)
}

// reloadOn reloads at every signal until ctx ends.
func (p *Program) reloadOn(ctx context.Context, hup <-chan struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			if err := p.Reload(ctx, "signal"); err != nil && !errors.Is(err, context.Canceled) {
				p.Log.Error("reload failed", zap.Error(err))
			}
		}
	}
}
