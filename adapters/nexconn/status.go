package nexconn

import (
	"dragoman/core/fault"
	"dragoman/normalize"
)

// Statuses of the live link that the vendor's SDK knows by name and its server API never answers. The
// SDK hands a status to the app as it is, so the number is the error.
const (
	statusBlocked     = 405   // REJECTED_BY_BLACKLIST
	statusNotAllowed  = 407   // NOT_IN_WHITELIST
	statusMutedDirect = 20106 // FORBIDDEN_IN_PRIVATE
	statusTooLarge    = 20115 // MESSAGE_SIZE_EXCEEDED
	statusTooFast     = 20604 // SEND_FREQUENCY_TOO_FAST
	statusUnsupported = 20606 // OPERATION_NOT_SUPPORT
	statusSensitive   = 21501 // SENSITIVE_SHIELD
	statusParameter   = 26010 // RC_SERVER_PARAMETER_INVALID
	statusRoomKVSome  = 23428 // CHATROOM_KV_STORE_NOT_ALL_SUCCESS
)

// linkStatuses are the statuses of failures on the link by kind of conversation, 0 for any. What is
// not here has the number of the error table.
var linkStatuses = map[int]map[*fault.Reason]uint16{
	0: {
		fault.BlockByPeer: statusBlocked, fault.FriendRequestRefused: statusNotAllowed, fault.FriendNotFriends: statusNotAllowed,
		fault.RateLimited: statusTooFast, fault.RateCooldown: statusTooFast, fault.ModerationRejected: statusSensitive,
		fault.MessageTooLong: statusTooLarge, fault.RequestPayloadTooLarge: statusTooLarge,
		fault.RequestNotImplemented: statusUnsupported, fault.RequestInvalid: statusParameter, fault.MessageNotFound: 25101,
	},
	wireDirect: {fault.GroupMuted: statusMutedDirect},
	wireGroup: {
		fault.GroupNotMember: 22406, fault.GroupNotFound: 22406, fault.PermissionDenied: 22406, fault.ConversationAccessDenied: 22406,
		fault.GroupBanned: 22406, fault.GroupMuted: 22408,
	},
	wireOpen: {
		fault.GroupNotMember: 23406, fault.PermissionDenied: 23406, fault.ConversationAccessDenied: 23406, fault.GroupMuted: 23408,
		fault.GroupBanned: 23409, fault.GroupNotFound: 23410, fault.GroupFull: 23411, fault.LimitReached: 23423,
		fault.AttributeNotFound: 23427,
	},
	wireCommunity: {
		fault.GroupNotMember: 24406, fault.PermissionDenied: 24406, fault.ConversationAccessDenied: 24406, fault.GroupMuted: 24408,
		fault.GroupNotFound: 24410,
	},
}

// linkStatus is the status that tells a failure, in a conversation of a kind or (0) in none. A failure
// with a variant of its own has a number of its own.
func linkStatus(kind int, err error) uint16 {
	e := fault.From(err)
	if kind != 0 {
		if s, ok := linkStatuses[kind][e.Reason]; ok && (e.Variant == "" || !ownNumber[e.Variant]) {
			return s
		}
	}
	if s, ok := linkStatuses[0][e.Reason]; ok && e.Variant == "" {
		return s
	}
	return AckStatus(normalize.New(e, normalize.OriginCore, Catalog()))
}

// ownNumber are the variants of failures that say more than the kind of conversation does.
var ownNumber = map[string]bool{"subchannel": true, "open_channel_metadata": true}

// Statuses of the first frame, which the SDK answers connect() with as 31000 and more.
const (
	connNoVersion   = 1
	connNoApp       = 2
	connUnavailable = 3
	connBadToken    = 4
	connAppOff      = 8
	connBanned      = 9
	connExpired     = 10
	connDeleted     = 19
)

// connStatuses are the statuses of refused connections.
var connStatuses = map[*fault.Reason]byte{
	fault.AppNotFound: connNoApp, fault.AuthAPIKeyInvalid: connNoApp, fault.AppSuspended: connAppOff,
	fault.AuthTokenInvalid: connBadToken, fault.AuthTokenMissing: connBadToken, fault.AuthTokenSignatureInvalid: connBadToken,
	fault.AuthTokenExpired: connExpired, fault.UserNotFound: connBadToken, fault.AuthFailed: connDeleted,
}

// connStatus is the status of the first frame that tells why somebody may not come in.
func connStatus(err error) byte {
	e := fault.From(err)
	switch e.Variant {
	case variantBanned:
		return connBanned
	case variantDeleted:
		return connDeleted
	}
	if s, ok := connStatuses[e.Reason]; ok {
		return s
	}
	return connUnavailable
}

// Statuses of the last frame. 6, which makes clients look for another address at once, is never sent:
// there is none.
const (
	endKicked   = 1 // RC_DISCONN_KICK: another device took over, or a server ended it
	endBlocked  = 2 // RC_CONN_USER_BLOCKED
	endRevoked  = 7 // RC_CONN_TOKEN_EXPIRED
	endVanished = 9 // RC_ACCOUNT_CANCELLATION
)

// textBanned is what a ban tells the links it ends: the core has no reason of its own for that.
const textBanned = "The user is banned."

// endStatus is the status of the last frame that tells why the core ended a connection.
func endStatus(err error) byte {
	switch e := fault.From(err); {
	case e.Reason == fault.AuthTokenExpired || e.Variant == "password":
		return endRevoked
	case e.Reason == fault.SessionKicked && e.Detail == textBanned:
		return endBlocked
	case e.Reason == fault.AuthFailed || e.Variant == "removed":
		return endVanished
	}
	return endKicked
}
