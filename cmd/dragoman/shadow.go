package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"

	"go.uber.org/zap"

	"dragoman/adapters"
	"dragoman/config"
	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/proxy"
	"dragoman/proxy/shadow"
)

// openShadow makes what follows the side that does not answer; nil when no app has a vendor.
func (n *node) openShadow(c *config.Config, log *zap.Logger, mounts []proxy.Mount) (proxy.Observer, error) {
	some := false
	of := map[core.AppID]*config.App{}
	for i := range c.Apps {
		of[n.ids[i]] = &c.Apps[i]
		for j := range dialects {
			u := behind(&c.Apps[i], dialects[j].name)
			some = some || u != nil && u.URL != ""
		}
	}
	if !some {
		return nil, nil
	}
	follow := map[string]shadow.Dialect{}
	for i := range mounts {
		l, ok := mounts[i].Dialect.(adapters.Learner)
		if !ok {
			continue
		}
		rules, err := l.Rules()
		if err != nil {
			return nil, fmt.Errorf("rules of comparison: %w", err)
		}
		follow[mounts[i].Name] = shadow.Dialect{Learner: l, Rules: rules}
	}
	upstream := func(app core.AppID, dialect string) config.Upstream {
		if a := of[app]; a != nil {
			if u := behind(a, dialect); u != nil {
				return *u
			}
		}
		return config.Upstream{}
	}
	s, err := shadow.New(shadow.Options{
		Core: n.served, Dialects: follow, Registry: n.metrics, Log: log,
		Writes: func(app core.AppID, dialect string) bool { return upstream(app, dialect).ShadowWrites },
		Seen:   func(app core.AppID, dialect string) bool { return upstream(app, dialect).ShadowFill == "seen" },
	})
	if err != nil {
		return nil, err
	}
	n.shadow = s
	return s, nil
}

// adminHandlers are the operator's operations: those of the proxy, and the reports of the shadow.
//
//	GET  /admin/shadow/report?app=&dialect=   how both sides agree
//	POST /admin/shadow/reset                  count anew: {"app": …, "dialect": …}
func (n *node) adminHandlers(a *proxy.Admin) map[string]http.Handler {
	out := maps.Clone(a.Handlers())
	out["GET /admin/shadow/report"] = a.Guard(func(w http.ResponseWriter, r *http.Request, _ string) error {
		q := r.URL.Query()
		return n.writeReports(w, q.Get("app"), q.Get("dialect"))
	})
	out["POST /admin/shadow/reset"] = a.Guard(func(w http.ResponseWriter, r *http.Request, _ string) error {
		var of struct {
			App     string `json:"app"`
			Dialect string `json:"dialect"`
		}
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<10)).Decode(&of); err != nil {
			return fault.RequestMalformedJSON.Error("The body is not an object with app and dialect.")
		}
		if n.shadow != nil {
			n.shadow.Reset(of.App, of.Dialect)
		}
		return n.writeReports(w, of.App, of.Dialect)
	})
	return out
}

// hookPages take the webhooks of vendors, by dialect and app, while their apps are shadowed.
func (n *node) hookPages(c *config.Config) []proxy.Page {
	return []proxy.Page{{Method: http.MethodPost, Path: "/vendor-hooks/:dialect/:app", Serve: func(rq *adapters.Request) *adapters.Response {
		for i := range c.Apps {
			if a := &c.Apps[i]; n.shadow != nil && a.Name == rq.Param("app") && n.shadow.Webhook(n.ids[i], a.Name, rq.Param("dialect"), rq) {
				return &adapters.Response{Body: []byte("{}")}
			}
		}
		return nil // to whom does not know, there is nothing here
	}}}
}

// reports are those of all apps and dialects, for the console.
func (n *node) reports() []shadow.Report {
	if n.shadow == nil {
		return nil
	}
	return n.shadow.Reports("", "")
}

// writeReports answers the reports of an app and a dialect, or of all.
func (n *node) writeReports(w http.ResponseWriter, app, dialect string) error {
	list := []shadow.Report{}
	if n.shadow != nil {
		list = n.shadow.Reports(app, dialect)
	}
	b, err := json.Marshal(list)
	if err != nil {
		return fault.ServerInternal.Wrap(err)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(b) // a caller that hung up
	return nil
}
