package stream

import (
	"cmp"
	"slices"

	"dragoman/adapters"
)

// table is every operation of the dialect, sorted by path and method.
func (d *Dialect) table() []adapters.Route {
	all := slices.Concat(
		d.chatRoutes(),
		d.moreRoutes(),
	)
	slices.SortFunc(all, func(a, b adapters.Route) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
	})
	return all
}
