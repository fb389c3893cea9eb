package nexconn

import (
	"context"
	"strings"

	"dragoman/core"
	"dragoman/core/fault"
)

// Channel types as numbers of the wire.
const (
	wireDirect    = 1
	wireGroup     = 3
	wireOpen      = 4
	wireSystem    = 6
	wireCommunity = 10
)

// roomType is the core's channel type of open channels.
const roomType = "livestream"

// roomKey is the key of an open channel.
func roomKey(id string) core.ChannelKey { return core.KeyOf(roomType, id) }

// groupKey is the key of a group channel.
func groupKey(id string) core.ChannelKey { return core.ChannelKey(id) }

// pairKey is the key of the conversation of two people.
func pairKey(a, b core.UserID) core.ChannelKey {
	return core.KeyOf(core.DefaultType, core.DirectID([]core.UserID{a, b}))
}

// openDirect finds the conversation of two people or begins it. Both have to exist.
func (d *Dialect) openDirect(ctx context.Context, by core.Actor, a, b core.UserID) (core.ChannelKey, error) {
	if a == b {
		return "", fault.RequestInvalid.Error("A direct channel has two people.")
	}
	st, err := d.core.Channels.Open(ctx, by.As(a), core.OpenChannel{
		Type: core.DefaultType, Input: core.ChannelInput{CreatedBy: a, Members: []core.MemberInput{{User: a}, {User: b}}},
	})
	return st.Channel.Key, err
}

// wireType is the number and the id by which a channel is known, as one of its people sees it: a direct
// channel has the id of the other one, a room and a subchannel go without the type of their key.
func wireType(ch *core.Channel) int {
	switch ch.Kind {
	case core.KindDirect:
		return wireDirect
	case core.KindRoom:
		return wireOpen
	case core.KindCommunity:
		return wireCommunity
	}
	return wireGroup
}

// roomID is the id of an open channel by its key.
func roomID(key core.ChannelKey) string { return strings.TrimPrefix(string(key), roomType+":") }

// channelKey is the key of a channel as the wire names it, seen by one of its people.
func channelKey(kind int, who core.UserID, id, sub string) (core.ChannelKey, error) {
	switch kind {
	case wireDirect:
		return pairKey(who, core.UserID(id)), nil
	case wireGroup:
		return groupKey(id), nil
	case wireOpen:
		return roomKey(id), nil
	case wireSystem:
		return core.SystemKey(core.UserID(id), who), nil
	case wireCommunity:
		return core.CommunityKey(id, subID(sub)), nil
	}
	return "", fault.RequestInvalidField.Error("channelType must be 1, 3, 4, 6 or 10")
}

// defaultSub is what the vendor calls the subchannel that every community has from the start.
const defaultSub = "RCDefault"

// subID is the core's id of a subchannel; empty for the first one.
func subID(sub string) string {
	if sub == defaultSub {
		return ""
	}
	return sub
}
