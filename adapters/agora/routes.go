package agora

import (
	"cmp"
	"slices"
	"strings"

	"dragoman/adapters"
)

// root begins the path of every operation. An app named by its id has the literal "app-id" in the
// place of its organisation.
const root = "/:org/:app"

// table is every operation of the dialect, sorted by path and method.
func (d *Dialect) table() []adapters.Route {
	all := slices.Concat(
		d.tokenRoutes(),
		d.userRoutes(),
		d.contactRoutes(),
		d.attributeRoutes(),
		d.groupRoutes(),
		d.hookRoutes(),
		d.messageRoutes(),
		d.historyRoutes(),
		d.fileRoutes(),
		d.spaceAttributeRoutes(),
		d.presenceRoutes(),
		d.reactionRoutes(),
		d.threadRoutes(),
		d.conversationRoutes(),
		d.ackRoutes(),
		d.deviceRoutes(),
		d.moderationRoutes(),
		d.sessionRoutes(),
		d.roomRoutes(),
		d.bootRoutes(),
	)
	for _, s := range d.spaces() {
		all = slices.Concat(all, s.spaceRoutes(), s.memberRoutes(), s.admissionRoutes(), s.speechRoutes(), s.boardRoutes(), s.shareRoutes())
	}
	slices.SortFunc(all, func(a, b adapters.Route) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
	})
	for i := range all {
		all[i].Quota = quotaOf(&all[i])
	}
	return all
}

// quota is the vendor's limit for one app, in calls per minute, of what clients do all the time; see
// https://docs.agora.io/en/agora-chat/reference/limitations. What manages groups and rooms keeps the
// server's default.
const quota = 100 * 60

// quotas are the limits of single calls.
var quotas = map[string]int{"getHistoryFile": 10, "deleteUsers": 30 * 60, "listRooms": 50 * 60, "createRoom": 50 * 60, "batchUserStatus": 50 * 60}

// quotaOf is the limit of a route; 0 is the server's default.
func quotaOf(r *adapters.Route) int {
	if n, ok := quotas[r.Name]; ok {
		return n
	}
	path := strings.TrimPrefix(r.Path, root)
	for _, prefix := range []string{"/messages", "/reaction", "/sdk", "/users/:username/messageroaming", "/thread", "/chatfiles"} {
		if strings.HasPrefix(path, prefix) {
			return quota
		}
	}
	if r.Method == "GET" {
		return quota
	}
	return 0
}
