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
	for i := range all {
		if all[i].Quota == 0 {
			all[i].Quota = quotas[all[i].Name]
		}
	}
	slices.SortFunc(all, func(a, b adapters.Route) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
	})
	return all
}

// quotas are the vendor's calls per minute for one app, where a route does not name its own and
// the default (1,000) is wrong.
var quotas = map[string]int{
	"GetOrCreateChannel": 10000, "GetOrCreateDistinctChannel": 10000, "QueryChannels": 10000, "GetChannel": 10000,
	"LongPoll": 10000, "Hi": 10000, "MarkRead": 10000, "MarkChannelsRead": 10000, "MarkDelivered": 10000, "SendEvent": 10000,
	"UpdateChannel": 300, "UpdateChannelPartial": 300, "QueryMembers": 300, "UpdateMemberPartial": 300,
	"UpdateMemberPartialByID": 300, "UpdateUsers": 300, "UpdateUsersPartial": 300,
	"DeleteChannel": 60, "DeleteChannels": 60, "TruncateChannel": 60, "DeleteUser": 60, "ExportUser": 60,
	"DeactivateUser": 60, "ReactivateUser": 60, "DeactivateUsers": 60, "ReactivateUsers": 60, "RestoreUsers": 60,
	"DeleteUsers": 6,
}
