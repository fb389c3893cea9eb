package engine

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"dragoman/core"
)

// The record spaces of the engine. Parts of a key are joined by a zero byte, written | here.
//
//	space            key                                value
//	bans             channel key|user (app-wide: |user) core.Ban
//	future_bans      banner|user                        core.Ban
//	mutes            muter|target                       userMute
//	blocks           blocker|target                     userBlock
//	flags            flag id (ordered by time)          core.Flag
//	flags_by         reporter|m or u|target             id of the flag
//	blocklists       name                               core.Blocklist
//	types            name                               core.ChannelType
//	commands         name                               core.Command
//	roles            name                               core.Role
//	names            normal form of a name|user         nothing
//	polls            poll id                            core.Poll with its tallies
//	poll_votes       poll id|user|vote id               core.PollVote
//	poll_messages    poll id|message id                 core.ChannelID
//	drafts           user|channel key|parent            core.Draft
//	reminders        user|message id                    core.Reminder
//	reminders_due    time|app|user|message id (app 0)   nothing
//	devices          user|device id                     core.Device
//	device_owners    device id                          id of the user
//	files            file id                            storedFile
//	tasks            task id                            storedTask
//	tasks_open       app|task id (app 0)                nothing
//	threads          parent message id                  threadMeta
//	thread_reads     user|parent message id             threadRead
//	ephemerals       user|message name                  core.Message waiting for an action
//	deleted_for      user|channel id                    ids of messages
//	credentials      kind|secret                        core.Credential
//	credentials_by   kind|user|secret                   nothing
//	hook_queue       app|channel|outbox id (app 0)      hookJob
//	group_keys       channel key                        groupKey
//	interactions     user|message id                    core.Interacted
//	friends          user|friend                        core.Friendship
//	calls            session                            core.Call
//	calls_by         user|time|session                  callRef
//	communities      community id                       book
//	communities_of   user|community id                  nothing
//	community_places community id|subchannel|user       nothing: put into a private subchannel
//	message_values   message id                         storedValue by name
//	streams          message id                         streamMeta
//	stream_chunks    message id|number                  core.StreamChunk
//	muted            channel key|user                   core.MemberMute
//	allowed          channel key|user                   core.AllowedMember
//	kind_mutes       user|kind                          core.KindMute
//	kind_mutes_by    kind|user                          core.KindMute
//	applications     channel key|kind|user              core.Application
//	applications_by  user|channel key|kind              nothing
//	shared           channel key|time|file id           core.SharedFile
//	member_attrs     channel key|user|name              text
//	room_attrs       channel key|name                   core.RoomAttribute
//	room_ranks       channel key|user                   rank of somebody who is not in the room now
//	room_seats       node|app|channel key|user (app 0)  nothing: who is in a room by a connection of a node
//	rooms_due        time|app|channel key (app 0)       nothing: when to look whether a room ends
//	nodes            node (app 0)                       nodeSeen
//	presence         user                               storedPresence
//	presence_subs    follower|user                      subscription
//	presence_by      user|follower                      subscription
//	acks             message id|user                    core.MessageAck
//	ack_counts       message id                         how many
//	conversations    user|scope                         core.ConversationSettings
//	broadcasts       message id                         storedBroadcast
//	thread_people    parent message id|user             threadPerson
//	threads_by       user|parent message id             channel key
//	threads_in       channel key|parent message id      nothing
//	super_admins     user                               superAdmin
//	calls_open       u|user or g|channel key            callRef: what holds them
//	cursors          user|device|key of a channel       cursor: how far a device has come in a feed;
//	                                                    of the empty device: the furthest of them all
const (
	spaceBans         = "bans"
	spaceFutureBans   = "future_bans"
	spaceMutes        = "mutes"
	spaceBlocks       = "blocks"
	spaceBlockedBy    = "blocked_by"
	spaceInteractions = "interactions"
	spaceFlags        = "flags"
	spaceFlagsBy      = "flags_by"
	spaceBlocklists   = "blocklists"
	spaceTypes        = "types"
	spaceCommands     = "commands"
	spaceRoles        = "roles"
	spaceNames        = "names"
	spacePolls        = "polls"
	spacePollVotes    = "poll_votes"
	spacePollMessages = "poll_messages"
	spaceDrafts       = "drafts"
	spaceReminders    = "reminders"
	spaceRemindersDue = "reminders_due"
	spaceDevices      = "devices"
	spaceDeviceOwners = "device_owners"
	spaceFiles        = "files"
	spaceTasks        = "tasks"
	spaceTasksOpen    = "tasks_open"
	spaceThreads      = "threads"
	spaceThreadReads  = "thread_reads"
	spaceEphemerals   = "ephemerals"
	spaceDeletedFor   = "deleted_for"
	spaceHookQueue    = "hook_queue"
	spaceGroupKeys    = "group_keys"
	spaceFriends      = "friends"
	spaceCalls        = "calls"
	spaceCallsBy      = "calls_by"
	spaceCallsOpen    = "calls_open"

	spaceMuted             = "muted"
	spaceAllowed           = "allowed"
	spaceKindMutes         = "kind_mutes"
	spaceKindMutesBy       = "kind_mutes_by"
	spaceApplications      = "applications"
	spaceApplicationsBy    = "applications_by"
	spaceShared            = "shared"
	spaceMemberAttributes  = "member_attrs"
	spaceRoomAttributes    = "room_attrs"
	spaceRoomRanks         = "room_ranks"
	spaceRoomSeats         = "room_seats"
	spaceRoomsDue          = "rooms_due"
	spaceNodes             = "nodes"
	spacePresence          = "presence"
	spacePresenceSubs      = "presence_subs"
	spacePresenceFollowers = "presence_by"
	spaceAcks              = "acks"
	spaceAckCounts         = "ack_counts"
	spaceThreadPeople      = "thread_people"
	spaceThreadsBy         = "threads_by"
	spaceThreadsIn         = "threads_in"
	spaceBroadcasts        = "broadcasts"
	spaceConversations     = "conversations"
	spaceSuperAdmins       = "super_admins"

	spaceCredentials   = "credentials"
	spaceCredentialsBy = "credentials_by"

	spaceCommunities     = "communities"
	spaceCommunitiesOf   = "communities_of"
	spaceCommunityPlaces = "community_places"
	spaceMessageValues   = "message_values"
	spaceStreams         = "streams"
	spaceStreamChunks    = "stream_chunks"
	spaceCursors         = "cursors"
)

// allApps is the app under which queues over all apps are kept.
const allApps core.AppID = 0

// nothing is the value of records whose key says it all.
var nothing = []byte("{}")

// keyOf joins the parts of a record key.
func keyOf(parts ...string) string { return strings.Join(parts, "\x00") }

// prefixOf is the prefix of all keys that start with the parts.
func prefixOf(parts ...string) string { return strings.Join(parts, "\x00") + "\x00" }

// ordered renders a number so that keys sort by it.
func ordered(n int64) string { return fmt.Sprintf("%020d", n) }

// orderedTime renders an instant so that keys sort by it.
func orderedTime(t time.Time) string { return ordered(core.Millis(t)) }

// newID makes an id that sorts by time, for records that are listed newest first.
func (e *Engine) newID() string {
	return strconv.FormatInt(core.Millis(e.now())+1<<44, 36) + "-" + randomID(9)
}

func banKey(key core.ChannelKey, user core.UserID) string { return keyOf(string(key), string(user)) }

func threadReadKey(user core.UserID, parent core.MessageID) string {
	return keyOf(string(user), parent.String())
}
