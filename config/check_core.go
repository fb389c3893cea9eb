package config

import (
	"fmt"
	"net/url"
	"strconv"
)

// minClusterSecret is the shortest secret of a cluster, in characters: it opens every app.
const minClusterSecret = 32

// core checks that the place of the core has what it needs.
func (v *checker) core(c *Config) {
	o := &c.Core
	if c.Core.Kind == CoreRemote {
		if len(o.Nodes) == 0 {
			v.add("core.nodes", "must not be empty with core.kind = \"remote\"", "the addresses that the nodes have in core.listen")
		}
		seen := map[string]bool{}
		for _, n := range o.Nodes {
			u, err := url.Parse(n)
			if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Path != "" && u.Path != "/" || u.User != nil {
				v.add("core.nodes", strconv.Quote(n)+" is not the address of a node", "http://host:port or https://host:port, without a path")
			}
			if seen[n] {
				v.add("core.nodes", strconv.Quote(n)+" is named twice", "")
			}
			seen[n] = true
		}
		if o.Listen != "" {
			v.add("core.listen", "is set, but there is no core in this process", "set it on the nodes")
		}
		if c.Store.URL != "" {
			v.add("store.url", "is set, but the core is on other nodes", "set it on the nodes, or set core.kind = \"embedded\"")
		}
		if c.Bus.URL != "" {
			v.add("bus.url", "is set, but the core is on other nodes", "set it on the nodes, or set core.kind = \"embedded\"")
		}
	} else {
		if len(o.Nodes) > 0 {
			v.add("core.nodes", "is set, but the core is in this process", "set core.kind = \"remote\", or take core.nodes away")
		}
		if o.Listen != "" {
			v.address("core.listen", o.Listen, "core")
		} else if o.Secret != "" {
			v.add("core.secret", "is set, but no sidecar is served", "set core.listen, or take core.secret away")
		}
	}
	if (c.Core.Kind == CoreRemote || o.Listen != "") && len(o.Secret) < minClusterSecret {
		v.add("core.secret", fmt.Sprintf("must have at least %d characters", minClusterSecret), "the same secret on nodes and sidecars, such as 32 random bytes in hexadecimal")
	}
}
