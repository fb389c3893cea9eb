package remote

// reads are the commands that change nothing: they may be sent again whatever has become of them. What
// is not listed is a write.

var reads = set(
	appsMethod, readyMethod,
	"Acks.Count", "Acks.List",
	"Admissions.List",
	"Apps.Get",
	"Attributes.Members", "Attributes.Room",
	"Blocklists.Get", "Blocklists.List",
	"Board.Shared",
	"Calls.Get", "Calls.List",
	"Channels.Members", "Channels.Query",
	"Commands.Get", "Commands.List",
	"Communities.Bound", "Communities.Get", "Communities.Groups", "Communities.Members", "Communities.Subs",
	"Conversations.List", "Conversations.Quiet", "Conversations.Settings",
	"Credentials.Get", "Credentials.List",
	"Devices.List",
	"Drafts.Get", "Drafts.Query",
	"Feeds.Cursor", "Feeds.Pending", "Feeds.Pull",
	"Friends.List",
	"Groups.Banned", "Groups.Get", "Groups.Query",
	"Interactions.Get",
	"Live.Follow", "Live.Self", "Live.Sync", "Live.Watch",
	"Messages.Get", "Messages.List", "Messages.Pinned", "Messages.Search",
	"Moderation.Bans", "Moderation.Blocks", "Moderation.Flags",
	"Polls.Get", "Polls.Query", "Polls.Votes",
	"Presences.Query", "Presences.Subscriptions",
	"Previews.Get",
	"Reactions.List",
	"Reads.Receipts", "Reads.Unread",
	"Reminders.Query",
	"Roles.List", "Roles.Permission", "Roles.Permissions",
	"Rooms.In", "Rooms.Joined", "Rooms.SuperAdmins",
	"Sessions.List",
	"Speech.Allowed", "Speech.KindMutes", "Speech.Muted", "Speech.State",
	"Streams.Read",
	"Tasks.Get",
	"Threads.Get", "Threads.People", "Threads.Query", "Threads.Started",
	"Types.Get", "Types.List",
	"Users.Export", "Users.Get", "Users.Query",
	"Values.Get",
)

// set makes a set of names.
func set(names ...string) map[string]bool {
	out := make(map[string]bool, len(names))
	for _, n := range names {
		out[n] = true
	}
	return out
}
