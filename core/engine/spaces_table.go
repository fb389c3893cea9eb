package engine

import (
	"encoding/json"
	"time"

	"dragoman/core"
)

// ChannelRef tells where a record names a channel by its number, which is another one in another
// database.
type ChannelRef uint8

// The places.
const (
	RefNone   ChannelRef = iota
	RefValue             // the value is the number
	RefMember            // the member "channel" of the value
	RefKey               // the second part of the key
)

// Space describes a record space for those who move whole apps between databases.
type Space struct {
	Name string
	Kept bool // part of what an app is; the others are queues, caches and secrets
	Ref  ChannelRef
}

// Spaces are the record spaces of an app, sorted by name. Left out, and why: queues and what work in
// progress keeps (ephemerals, hook_queue, tasks), what other records lead to and is made from them
// (reminders_due), what holds for a running server only (calls_open, nodes, room_seats, rooms_due),
// cursors of feeds, whose events stay behind, and secrets that were handed out (credentials).
func Spaces() []Space {
	return []Space{
		{spaceAckCounts, true, RefNone},
		{spaceAcks, true, RefNone},
		{spaceAllowed, true, RefNone},
		{spaceApplications, true, RefNone},
		{spaceApplicationsBy, true, RefNone},
		{spaceBans, true, RefNone},
		{spaceBlockedBy, true, RefNone},
		{spaceBlocklists, true, RefNone},
		{spaceBlocks, true, RefNone},
		{spaceBroadcasts, true, RefNone},
		{spaceCalls, true, RefNone},
		{spaceCallsBy, true, RefNone},
		{spaceCallsOpen, false, RefNone},
		{spaceCommands, true, RefNone},
		{spaceCommunities, true, RefNone},
		{spaceCommunitiesOf, true, RefNone},
		{spaceCommunityPlaces, true, RefNone},
		{spaceConversations, true, RefNone},
		{spaceCredentials, false, RefNone},
		{spaceCredentialsBy, false, RefNone},
		{spaceCursors, false, RefNone},
		{spaceDeletedFor, true, RefKey},
		{spaceDeviceOwners, true, RefNone},
		{spaceDevices, true, RefNone},
		{spaceDrafts, true, RefMember},
		{spaceEphemerals, false, RefNone},
		{spaceFiles, true, RefNone},
		{spaceFlags, true, RefMember},
		{spaceFlagsBy, true, RefNone},
		{spaceFriends, true, RefNone},
		{spaceFutureBans, true, RefNone},
		{spaceGroupKeys, true, RefNone},
		{spaceHookQueue, false, RefNone},
		{spaceInteractions, true, RefNone},
		{spaceKindMutes, true, RefNone},
		{spaceKindMutesBy, true, RefNone},
		{spaceMemberAttributes, true, RefNone},
		{spaceMessageValues, true, RefNone},
		{spaceMuted, true, RefNone},
		{spaceMutes, true, RefNone},
		{spaceNames, true, RefNone},
		{spaceNodes, false, RefNone},
		{spacePollMessages, true, RefValue},
		{spacePollVotes, true, RefNone},
		{spacePolls, true, RefNone},
		{spacePresence, true, RefNone},
		{spacePresenceFollowers, true, RefNone},
		{spacePresenceSubs, true, RefNone},
		{spaceReminders, true, RefMember},
		{spaceRemindersDue, false, RefNone},
		{spaceRoles, true, RefNone},
		{spaceRoomAttributes, true, RefNone},
		{spaceRoomRanks, true, RefNone},
		{spaceRoomSeats, false, RefNone},
		{spaceRoomsDue, false, RefNone},
		{spaceShared, true, RefNone},
		{spaceStreamChunks, true, RefNone},
		{spaceStreams, true, RefNone},
		{spaceSuperAdmins, true, RefNone},
		{spaceTasks, false, RefNone},
		{spaceTasksOpen, false, RefNone},
		{spaceThreadPeople, true, RefNone},
		{spaceThreadReads, true, RefNone},
		{spaceThreads, true, RefNone},
		{spaceThreadsBy, true, RefNone},
		{spaceThreadsIn, true, RefNone},
		{spaceTypes, true, RefNone},
	}
}

// DueRecord is the record that a reminder's own leads to, for those who write reminders as records:
// the app it is kept under, its space and key. ok is false for a bookmark and for what was told.
func DueRecord(app core.AppID, reminder []byte) (under core.AppID, space, key string, ok bool) {
	var r core.Reminder
	if json.Unmarshal(reminder, &r) != nil || r.RemindAt.IsZero() || !r.FiredAt.IsZero() {
		return 0, "", "", false
	}
	return allApps, spaceRemindersDue, dueKey(app, &r), true
}

// RemindersSpace is where reminders are kept.
const RemindersSpace = spaceReminders

// FilesSpace is where uploads are described; the key is the name of the content.
const FilesSpace = spaceFiles

// MuteRecord is the record of a person muted by another.
func MuteRecord(user, target core.UserID, at time.Time) (space, key string, value []byte, err error) {
	value, err = json.Marshal(userMute{User: user, Target: target, CreatedAt: at, UpdatedAt: at})
	return spaceMutes, keyOf(string(user), string(target)), value, err
}
