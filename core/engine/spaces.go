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
//	friends          user|friend                        core.Friendship
//	calls            session                            core.Call
//	calls_by         user|time|session                  callRef
//	muted            channel key|user                   core.MemberMute
//	allowed          channel key|user                   core.AllowedMember
//	kind_mutes       user|kind                          core.KindMute
//	kind_mutes_by    kind|user                          core.KindMute
//	applications     channel key|kind|user              core.Application
//	applications_by  user|channel key|kind              nothing
//	shared           channel key|time|file id           core.SharedFile
//	member_attrs     channel key|user|name              text
//	room_attrs       channel key|name                   core.RoomAttribute
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

	spaceMuted            = "muted"
	spaceAllowed          = "allowed"
	spaceKindMutes        = "kind_mutes"
	spaceKindMutesBy      = "kind_mutes_by"
	spaceApplications     = "applications"
	spaceApplicationsBy   = "applications_by"
	spaceShared           = "shared"
	spaceMemberAttributes = "member_attrs"
	spaceRoomAttributes   = "room_attrs"
	spaceSuperAdmins      = "super_admins"

	spaceCredentials   = "credentials"
	spaceCredentialsBy = "credentials_by"
	spaceCursors       = "cursors"
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
