package native

import (
	"cmp"
	"slices"

	"dragoman/adapters"
)

// rows is every operation of the dialect, sorted by path and method. The groups are the tags of the
// OpenAPI document.
func (d *Dialect) rows() ([]row, error) {
	var all []row
	for _, g := range []struct {
		tag  string
		rows []row
	}{
		{"app", d.appRows()},
		{"tokens", d.tokenRows()},
		{"users", d.userRows()},
		{"channels", d.channelRows()},
		{"members", d.memberRows()},
		{"admissions", d.admissionRows()},
		{"speech", d.speechRows()},
		{"attributes", d.attributeRows()},
		{"board", d.boardRows()},
		{"rooms", d.roomRows()},
		{"communities", d.communityRows()},
		{"conversations", d.conversationRows()},
		{"messages", d.messageRows()},
		{"threads", d.threadRows()},
		{"threads", d.startedRows()},
		{"streams", d.streamRows()},
		{"acknowledgements", d.ackRows()},
		{"values and interactions", d.valueRows()},
		{"reactions", d.reactionRows()},
		{"reads", d.readRows()},
		{"search", d.searchRows()},
		{"files", d.fileRows()},
		{"moderation", d.moderationRows()},
		{"friends", d.friendRows()},
		{"presence", d.presenceRows()},
		{"sessions", d.sessionRows()},
		{"broadcasts", d.broadcastRows()},
		{"devices", d.deviceRows()},
		{"polls", d.pollRows()},
		{"drafts and reminders", d.personalRows()},
		{"calls", d.callRows()},
		{"feed", d.feedRows()},
		{"webhooks", d.hookRows()},
		{"roles, commands and types", d.registryRows()},
	} {
		for _, r := range g.rows {
			r.tag = g.tag
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
	})
	return all, nil
}

// Sockets implements adapters.Dialect.
func (d *Dialect) Sockets() []adapters.Socket {
	return []adapters.Socket{{Path: "/v1/live", Name: "live", MaxMessage: maxFrame, Serve: d.serveSocket}}
}
