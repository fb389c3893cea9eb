package config

import (
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// minSecret is the shortest secret that signs tokens, in characters.
const minSecret = 16

// minPassword is the shortest password of the operator, in characters.
const minPassword = 8

// appName is what an app may be called: the name is part of paths, labels and variables.
var appName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// Issue is one problem of a configuration.
type Issue struct {
	Path    string // the key, such as "app[0].stream.api_key", or the environment variable
	Line    int    // of the file; 0 when the problem stands on no line
	Message string
	Hint    string // what to do about it; may be empty
}

// Format writes the issue for a terminal, in the form file:line: key: message (hint).
func (i Issue) Format(file string) string {
	var b strings.Builder
	b.WriteString(file)
	if i.Line > 0 {
		b.WriteString(":" + strconv.Itoa(i.Line))
	}
	b.WriteString(": ")
	if i.Path != "" {
		b.WriteString(i.Path + ": ")
	}
	b.WriteString(i.Message)
	if i.Hint != "" {
		b.WriteString(" (" + i.Hint + ")")
	}
	return b.String()
}

// Validate reports everything that would not work, in the order of the file. It does not touch
// the network or the disk.
func (c *Config) Validate() []Issue {
	v := &checker{listeners: map[string]string{}}
	v.tags(c)
	v.address("listen", c.Listen, "main")
	v.address("ops_listen", c.OpsListen, "operations")
	for _, p := range c.TrustedProxies {
		if _, err := netip.ParsePrefix(p); err != nil {
			v.add("trusted_proxies", strconv.Quote(p)+" is not a network", "write it like \"10.0.0.0/8\" or \"192.0.2.1/32\"")
		}
	}
	v.core(c)
	if c.Core.Kind != CoreRemote {
		v.store(c)
		v.required("files.dir", c.Files.Dir)
	}
	if n := len(c.Console.Password); n > 0 && n < minPassword {
		v.add("console.password", fmt.Sprintf("must have at least %d characters", minPassword), "leave it empty for no console")
	}
	if len(c.Apps) == 0 {
		v.add("app", "there is no app to serve", "add a table [[app]]; \"dragoman config default\" shows one")
	}
	names, keys, hosts := map[string]bool{}, map[string]string{}, map[string]string{}
	for i := range c.Apps {
		v.app(fmt.Sprintf("app[%d]", i), &c.Apps[i], names, keys, hosts)
	}
	return v.issues
}

// checker collects issues.
type checker struct {
	issues    []Issue
	listeners map[string]string // address to what listens there
}

// add notes an issue.
func (v *checker) add(path, message, hint string) {
	v.issues = append(v.issues, Issue{Path: path, Message: message, Hint: hint})
}

// tags checks what the tags of the fields promise: enums and ranges.
func (v *checker) tags(c *Config) {
	walk(reflect.ValueOf(c).Elem(), "", func(path string, f reflect.StructField, val reflect.Value) {
		if list := enum(f); list != nil && !slices.Contains(list, val.String()) {
			hint := "one of " + strings.Join(list, ", ")
			v.add(path, strconv.Quote(val.String())+" is not allowed", hint)
		}
		if val.Kind() != reflect.Int {
			return
		}
		lo, _ := strconv.Atoi(f.Tag.Get("min"))
		hi, err := strconv.Atoi(f.Tag.Get("max"))
		if n := int(val.Int()); n < lo || err == nil && n > hi {
			v.add(path, fmt.Sprintf("%d is out of range", n), fmt.Sprintf("%d to %d", lo, hi))
		}
	})
}

// store checks that store and bus have what their kinds need, and go together.
func (v *checker) store(c *Config) {
	url := c.Store.URL.Reveal()
	server := func(s string) bool {
		return strings.HasPrefix(s, "postgres://") || strings.HasPrefix(s, "postgresql://")
	}
	switch c.Store.Kind {
	case StoreSQLite:
		v.required("store.dsn", c.Store.DSN)
		if server(c.Store.DSN) {
			v.add("store.dsn", "is the address of a server, not a path", "set store.kind = \"postgres\" and put the address into store.url")
		}
		if url != "" {
			v.add("store.url", "is set, but the store is a SQLite file", "set store.kind = \"postgres\", or take store.url away")
		}
	case StorePostgres:
		switch {
		case url == "":
			v.add("store.url", "must not be empty with store.kind = \"postgres\"", "postgres://user:password@host:5432/name, better as env:NAME or file:PATH")
		case !server(url) && !strings.Contains(url, "="):
			v.add("store.url", "is not the address of a database", "postgres://user:password@host:5432/name")
		}
	}
	urls := c.Bus.URL.Reveal()
	switch c.Bus.Kind {
	case BusEmbedded:
		if urls != "" {
			v.add("bus.url", "is set, but the bus is embedded", "set bus.kind = \"nats\", or take bus.url away")
		}
	case BusNATS:
		if urls == "" {
			v.add("bus.url", "must not be empty with bus.kind = \"nats\"", "nats://host:4222")
		}
		for _, u := range strings.Split(urls, ",") {
			u = strings.TrimSpace(u)
			if urls != "" && !strings.HasPrefix(u, "nats://") && !strings.HasPrefix(u, "tls://") {
				v.add("bus.url", "holds what is not the address of a NATS server", "nats://host:4222 or tls://host:4222")
				break
			}
		}
		if c.Store.Kind == StoreSQLite {
			v.add("bus.kind", "other nodes cannot be met over a SQLite file: one process alone may open it", "set store.kind = \"postgres\", or bus.kind = \"embedded\"")
		}
	}
}

// required checks that a text is there.
func (v *checker) required(path, value string) {
	if value == "" {
		v.add(path, "must not be empty", "")
	}
}

// address checks a listening address and that no other listener has it. What listens there is
// named by what; the same what may share an address.
func (v *checker) address(path, addr, what string) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		v.add(path, strconv.Quote(addr)+" is not an address", "host:port or :port, such as \"127.0.0.1:8080\"")
		return
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		v.add(path, strconv.Quote(port)+" is not a port", "1 to 65535")
		return
	}
	for other, who := range v.listeners {
		h, p, _ := net.SplitHostPort(other)
		if p == port && (h == host || wildcard(h) || wildcard(host)) && who != what {
			v.add(path, "the address "+addr+" is taken by the "+who+" listener", "")
			return
		}
	}
	v.listeners[addr] = what
}

// wildcard reports whether a host means every address of the machine.
func wildcard(h string) bool { return h == "" || h == "0.0.0.0" || h == "::" }

// app checks one app and that it shares neither name, key nor host with another.
func (v *checker) app(path string, a *App, names map[string]bool, keys, hosts map[string]string) {
	switch {
	case a.Name == "":
		v.add(path+".name", "an app needs a name", "")
	case !appName.MatchString(a.Name):
		v.add(path+".name", strconv.Quote(a.Name)+" is not a name", "up to 64 letters, digits, - and _, beginning with a letter or digit")
	case names[envName(a.Name)]:
		v.add(path+".name", "the name "+a.Name+" is taken", "names are compared without regard to case, and - is the same as _")
	}
	names[envName(a.Name)] = true
	if a.Limits.Body.Bytes <= 0 {
		v.add(path+".limits.body", "must be above zero", "")
	}
	if a.Stream.bare() && a.CometChat.bare() && a.Agora.bare() && a.Nexconn.bare() &&
		a.Stream.APIKey == "" && a.CometChat.AppID == "" && a.Agora.AppID == "" && a.Nexconn.AppKey == "" && a.Native == (Native{}) {
		v.add(path, "the app speaks no dialect", "add a table such as [app.stream]")
		return
	}
	v.native(path+".native", a, keys)
	v.stream(path+".stream", a, keys, hosts)
	v.cometchat(path+".cometchat", a, keys)
	v.agora(path+".agora", a, keys)
	v.nexconn(path+".nexconn", a, keys)
}

// native checks an app's table for our own API.
func (v *checker) native(path string, a *App, keys map[string]string) {
	n := &a.Native
	if n.APIKey == "" {
		if n.APISecret != "" {
			v.add(path+".api_key", "must not be empty", "without a key the rest of the table has no effect")
		}
		return
	}
	if strings.ContainsAny(n.APIKey, ": ") {
		v.add(path+".api_key", "must hold neither a colon nor a space", "it is the user name of Basic credentials")
	}
	id := "native " + n.APIKey
	if other, dup := keys[id]; dup {
		v.add(path+".api_key", "the key is also the one of app "+other, "a key names one app")
	}
	keys[id] = a.Name
	if len(n.APISecret) < minSecret {
		v.add(path+".api_secret", fmt.Sprintf("must have at least %d characters", minSecret), "")
	}
}

// bare reports whether nothing of the table is set.
func (s *Stream) bare() bool {
	return s.APISecret == "" && s.Listen == "" && len(s.Hosts) == 0 && s.Upstream.off()
}

// bare reports whether nothing of the table is set.
func (c *CometChat) bare() bool {
	return c.Region == "" && c.FullAccessKey == "" && c.AuthOnlyKey == "" && c.Listen == "" && c.Upstream.off()
}

// bare reports whether nothing of the table is set.
func (g *Agora) bare() bool {
	set := *g
	set.FileLifetime = Duration{} // has a default
	set.Upstream = Upstream{}     // looked at by itself
	return reflect.ValueOf(set).IsZero() && g.Upstream.off()
}

// hex32 is how app ids of Agora are written.
var hex32 = regexp.MustCompile(`^[0-9a-fA-F]{32}$`)

// agora checks an app's table for that dialect.
func (v *checker) agora(path string, a *App, keys map[string]string) {
	g := &a.Agora
	if g.AppID == "" {
		if !g.bare() {
			v.add(path+".app_id", "must not be empty", "without an app id the rest of the table has no effect")
		}
		return
	}
	if !hex32.MatchString(g.AppID) {
		v.add(path+".app_id", strconv.Quote(g.AppID)+" is not an app id", "32 hexadecimal digits")
	}
	if len(g.AppCertificate) < minSecret {
		v.add(path+".app_certificate", fmt.Sprintf("must have at least %d characters", minSecret), "")
	}
	for _, n := range []struct{ key, name string }{{".org", g.Org}, {".app", g.App}} {
		if !appName.MatchString(n.name) {
			v.add(path+n.key, strconv.Quote(n.name)+" is not a name", "up to 64 letters, digits, - and _: it is part of every path")
		}
	}
	for _, id := range []string{"agora " + g.AppID, "agora " + g.AppKey()} {
		if other, dup := keys[id]; dup && other != a.Name {
			v.add(path+".app_id", "app id or app key are also those of app "+other, "each names one app")
		}
		keys[id] = a.Name
	}
	if g.ClientID != "" && len(g.ClientSecret) < minSecret {
		v.add(path+".client_secret", fmt.Sprintf("must have at least %d characters", minSecret), "")
	}
	if g.Listen != "" {
		v.address(path+".listen", g.Listen, "agora")
	}
	v.upstream(path+".upstream", &g.Upstream, "", false)
}

// bare reports whether nothing of the table is set.
func (n *Nexconn) bare() bool {
	return n.AppSecret == "" && n.Listen == "" && len(n.Callers) == 0 && len(n.ServicesOff) == 0 && len(n.Quotas) == 0 && n.Upstream.off()
}

// nexconnServices are what an app may have switched off.
var nexconnServices = []string{"allowlist", "blocklist", "community", "history", "open_metadata", "open_visitors", "presence", "profiles", "recall_others", "rtc"}

// nexconnQuotas are the caps an app may have of its own.
var nexconnQuotas = []string{"admins", "allowlist", "blocklist", "favorites", "friends", "keepalive", "profile_keys", "subscriptions", "users", "words"}

// nexconn checks an app's table for that dialect.
func (v *checker) nexconn(path string, a *App, keys map[string]string) {
	n := &a.Nexconn
	if n.AppKey == "" {
		if !n.bare() {
			v.add(path+".app_key", "must not be empty", "without a key the rest of the table has no effect")
		}
		return
	}
	id := "nexconn " + n.AppKey
	if other, dup := keys[id]; dup {
		v.add(path+".app_key", "the key is also the one of app "+other, "a key names one app")
	}
	keys[id] = a.Name
	if len(n.AppSecret) < minSecret {
		v.add(path+".app_secret", fmt.Sprintf("must have at least %d characters", minSecret), "")
	}
	if n.Listen != "" {
		v.address(path+".listen", n.Listen, "nexconn")
	}
	v.upstream(path+".upstream", &n.Upstream, "", false)
	for _, c := range n.Callers {
		if _, err := netip.ParseAddr(c); err != nil {
			v.add(path+".callers", strconv.Quote(c)+" is not an address", "such as 203.0.113.7")
		}
	}
	for _, q := range n.Quotas {
		name, most, _ := strings.Cut(q, "=")
		if n, err := strconv.Atoi(most); err != nil || n < 1 || !slices.Contains(nexconnQuotas, name) {
			v.add(path+".quotas", strconv.Quote(q)+" is not a quota", "name=number, one of "+strings.Join(nexconnQuotas, ", "))
		}
	}
	for _, s := range n.ServicesOff {
		if !slices.Contains(nexconnServices, s) {
			v.add(path+".services_off", strconv.Quote(s)+" is not a service", "one of "+strings.Join(nexconnServices, ", "))
		}
	}
}

// cometchat checks an app's table for that dialect.
func (v *checker) cometchat(path string, a *App, keys map[string]string) {
	c := &a.CometChat
	if c.AppID == "" {
		if !c.bare() {
			v.add(path+".app_id", "must not be empty", "without an app id the rest of the table has no effect")
		}
		return
	}
	if !appName.MatchString(c.AppID) {
		v.add(path+".app_id", strconv.Quote(c.AppID)+" is not an app id", "up to 64 letters, digits, - and _: it is part of host names")
	}
	id := "cometchat " + c.AppID
	if other, dup := keys[id]; dup {
		v.add(path+".app_id", "the app id is also the one of app "+other, "an app id names one app")
	}
	keys[id] = a.Name
	if len(c.FullAccessKey) < minSecret {
		v.add(path+".full_access_key", fmt.Sprintf("must have at least %d characters", minSecret), "")
	}
	if c.AuthOnlyKey != "" && c.AuthOnlyKey == c.FullAccessKey {
		v.add(path+".auth_only_key", "must differ from full_access_key", "")
	}
	if c.Listen != "" {
		v.address(path+".listen", c.Listen, "cometchat")
	}
	v.upstream(path+".upstream", &c.Upstream, c.AppID, true)
}

// stream checks an app's table for that dialect.
func (v *checker) stream(path string, a *App, keys, hosts map[string]string) {
	s := &a.Stream
	if s.APIKey == "" {
		if !s.bare() {
			v.add(path+".api_key", "must not be empty", "without a key the rest of the table has no effect")
		}
		return
	}
	if other, dup := keys[s.APIKey]; dup {
		v.add(path+".api_key", "the key is also the one of app "+other, "a key names one app")
	}
	keys[s.APIKey] = a.Name
	if len(s.APISecret) < minSecret {
		v.add(path+".api_secret", fmt.Sprintf("must have at least %d characters", minSecret), "")
	}
	if s.Listen != "" {
		v.address(path+".listen", s.Listen, "stream")
	}
	v.upstream(path+".upstream", &s.Upstream, "", false)
	for _, h := range s.Hosts {
		if h == "" || strings.ContainsAny(h, "/: ") {
			v.add(path+".hosts", strconv.Quote(h)+" is not a host name", "without scheme, port and path")
		}
		if other, dup := hosts[strings.ToLower(h)]; dup && other != a.Name {
			v.add(path+".hosts", "the host "+h+" is also one of app "+other, "")
		}
		hosts[strings.ToLower(h)] = a.Name
	}
}
