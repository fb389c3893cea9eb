package cometchat

import (
	"cmp"
	"slices"
	"strings"

	"dragoman/adapters"
	"dragoman/core/fault"
)

// table is every operation of the dialect, sorted by path and method.
func (d *Dialect) table() []adapters.Route {
	all := slices.Concat(
		d.sessionRoutes(),
		d.tokenRoutes(),
		d.keyRoutes(),
		d.userRoutes(),
		d.blockRoutes(),
		d.friendRoutes(),
		d.groupRoutes(),
		d.memberRoutes(),
		d.banRoutes(),
		d.roleRoutes(),
		d.messageRoutes(),
		d.historyRoutes(),
		d.threadRoutes(),
		d.reactionRoutes(),
		d.conversationRoutes(),
		d.readRoutes(),
		d.fileRoutes(),
		d.deviceRoutes(),
		d.muteRoutes(),
		d.reminderRoutes(),
		d.extensionRoutes(),
		d.callRoutes(),
		d.interactionRoutes(),
		d.hookRoutes(),
		d.importRoutes(),
	)
	slices.SortFunc(all, func(a, b adapters.Route) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
	})
	for i := range all {
		if r := &all[i]; r.Method == "GET" || strings.HasPrefix(r.Path, "/messages") || strings.HasPrefix(r.Path, "/me") || strings.HasSuffix(r.Path, "/read") {
			r.Quota = quota
		}
	}
	return all
}

// quota is the vendor's limit for one app, in calls per minute, of what clients do all the time;
// see https://www.cometchat.com/docs/articles/rate-limits. What manages people and groups keeps the
// server's default.
const quota = 10000

// Rewrite implements adapters.Rewriter. The documentation says /v3, the SDKs say /v3.0, JS before
// its settings arrive says nothing, and iOS says it twice when the host it is given ends in it.
func (d *Dialect) Rewrite(path string) (string, error) {
	for {
		seg, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
		switch {
		case seg == "v3" || seg == "v3.0":
			path = "/" + rest
		case version(seg) && rest != "ping":
			return path, fault.RequestAPIVersionUnsupported.Error("The API version " + clip(seg) + " is not supported: use v3.")
		default:
			return path, nil
		}
	}
}

// version reports whether a path segment names a version of the API.
func version(seg string) bool {
	if len(seg) < 2 || seg[0] != 'v' {
		return false
	}
	return strings.Trim(seg[1:], "0123456789.") == ""
}
