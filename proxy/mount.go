package proxy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/normalize"
)

// socketMethod marks live links in the table; no client can send it as a method.
const socketMethod = "(websocket)"

// mount is a dialect at its place, compiled.
type mount struct {
	name    string
	dialect adapters.Dialect // nil: not built, or pages
	catalog *normalize.Catalog
	prefix  string
	hosts   []string
	table   trie[target]
	quotas  adapters.Quotas
	rewrite adapters.Rewriter
	pages   bool
	live    *socketMetrics

	speaks adapters.Fronting       // of dialects that can stand before their vendor
	hears  adapters.Introducing    // of those whose clients tell their app in the live link
	fronts map[core.AppID]*fronted // the apps that have one; empty for none
}

// target is what a path leads to: exactly one of route, socket, refused and page is set.
type target struct {
	name    string // metric label
	route   *adapters.Route
	plain   *adapters.Route // the route for a body that is no upload, if it takes either
	socket  *adapters.Socket
	refused *adapters.Unsupported
	page    func(*adapters.Request) *adapters.Response
	dialect string // metric label
	once    sync.Once
	met     targetMetrics // made at the first call: a table has hundreds of routes that nobody calls
}

// series returns the metrics of the target.
func (t *target) series(m *metrics) *targetMetrics {
	t.once.Do(func() { t.met = m.target(t.dialect, t.name) })
	return &t.met
}

// newMount compiles a dialect's tables.
func newMount(s *Server, m *Mount) (*mount, error) {
	out := &mount{name: m.Name, dialect: m.Dialect, catalog: m.Catalog, prefix: m.Prefix, hosts: m.Hosts, live: s.met.socket(m.Name)}
	if m.Prefix != "" && (!strings.HasPrefix(m.Prefix, "/") || strings.HasSuffix(m.Prefix, "/")) {
		return nil, fmt.Errorf("mount %s: prefix %q must start with a slash and end without one", m.Name, m.Prefix)
	}
	if m.Dialect == nil {
		return out, nil
	}
	if m.Catalog == nil {
		return nil, fmt.Errorf("mount %s: no error catalogue", m.Name)
	}
	out.quotas, _ = m.Dialect.(adapters.Quotas)
	out.rewrite, _ = m.Dialect.(adapters.Rewriter)
	out.speaks, _ = m.Dialect.(adapters.Fronting)
	out.hears, _ = m.Dialect.(adapters.Introducing)
	out.fronts = s.frontsOf(m.Name)
	var errs []error
	add := func(method, path string, t *target) {
		t.dialect = m.Name
		errs = append(errs, out.table.add(method, path, t.name, t))
	}
	routes := slices.Clone(m.Dialect.Routes())
	for i := range routes {
		if routes[i].Serve == nil {
			errs = append(errs, fmt.Errorf("route %s: no handler", routes[i].Name))
			continue
		}
		t := &target{name: routes[i].Name, route: &routes[i]}
		if routes[i].Upload && routes[i].Either {
			plain := routes[i]
			plain.Upload, plain.MaxBody = false, 0
			t.plain = &plain
		}
		add(routes[i].Method, routes[i].Path, t)
	}
	for _, so := range m.Dialect.Sockets() {
		add(socketMethod, so.Path, &target{name: so.Name, socket: &so})
	}
	if r, ok := m.Dialect.(adapters.Refuser); ok {
		for _, u := range r.Unsupported() {
			add(u.Method, u.Path, &target{name: u.Name, refused: &u})
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("mount %s: %w", m.Name, err)
	}
	return out, nil
}

// newPages compiles the plain handlers of a listener.
func newPages(pages []Page) (*mount, error) {
	out := &mount{name: "pages", pages: true}
	var errs []error
	for _, p := range pages {
		t := &target{name: p.Method + " " + p.Path, page: p.Serve, dialect: out.name}
		errs = append(errs, out.table.add(p.Method, p.Path, t.name, t))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	return out, nil
}

// under reports whether the path lies below the prefix and returns what is left of it.
func (m *mount) under(path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, m.prefix)
	switch {
	case !ok:
		return "", false
	case rest == "":
		return "/", true
	}
	return rest, rest[0] == '/'
}

// matchHost compares a host without port to a pattern, label by label.
func matchHost(pattern, host string) bool {
	for {
		p, prest, pmore := strings.Cut(pattern, ".")
		h, hrest, hmore := strings.Cut(host, ".")
		if p != "*" && !strings.EqualFold(p, h) || h == "" || pmore != hmore {
			return false
		}
		if !pmore {
			return true
		}
		pattern, host = prest, hrest
	}
}
