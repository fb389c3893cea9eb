package agora

import (
	"cmp"
	"slices"

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
	return all
}
