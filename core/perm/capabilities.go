package perm

import "dragoman/core"

// Own tells whose "-owner" variant counts for a capability.
type Own uint8

// The answers: nobody's, that of the channel's creator, or anybody's (the capability speaks of
// one's own messages).
const (
	OwnNone Own = iota
	OwnChannel
	OwnAlways
)

// Capability is one thing a client is told it may do in a channel.
type Capability struct {
	Name    string
	Needs   ID           // permission; empty when the switch alone decides
	Own     Own          // whether the "-owner" variant is enough
	Feature core.Feature // switch of the channel that must be on; empty means none
	Thaw    bool         // lost while the channel is frozen
}

// Names of the two capabilities that depend on slow mode.
const (
	SkipSlowMode = "skip-slow-mode"
	SlowMode     = "slow-mode"
)

var capabilities = []Capability{
	{"ban-channel-members", BanChannelMember, OwnChannel, "", false},
	{"cast-poll-vote", ReadChannel, OwnChannel, core.FeaturePolls, true},
	{"connect-events", "", OwnNone, core.FeatureConnects, false},
	{"create-attachment", CreateAttachment, OwnChannel, "", true},
	{"create-mention", CreateMention, OwnChannel, "", true},
	{"delete-any-message", DeleteMessage, OwnNone, "", false},
	{"delete-channel", DeleteChannel, OwnChannel, "", false},
	{"delete-own-message", DeleteMessage, OwnAlways, "", false},
	{"delivery-events", "", OwnNone, core.FeatureDelivery, false},
	{"flag-message", FlagMessage, OwnChannel, "", false},
	{"freeze-channel", UpdateChannelFrozen, OwnChannel, "", false},
	{"join-channel", JoinChannel, OwnChannel, "", false},
	{"leave-channel", RemoveOwnChannelMembership, OwnChannel, "", false},
	{"mute-channel", MuteChannel, OwnChannel, core.FeatureMutes, false},
	{"pin-message", PinMessage, OwnChannel, "", false},
	{"query-poll-votes", ReadChannel, OwnChannel, core.FeaturePolls, false},
	{"quote-message", CreateMessage, OwnChannel, core.FeatureQuotes, true},
	{"read-events", "", OwnNone, core.FeatureReads, false},
	{"search-messages", ReadChannel, OwnChannel, core.FeatureSearch, false},
	{"send-custom-events", SendCustomEvent, OwnChannel, core.FeatureCustom, false},
	{"send-links", AddLinks, OwnChannel, "", true},
	{"send-message", CreateMessage, OwnChannel, "", true},
	{"send-poll", CreateMessage, OwnChannel, core.FeaturePolls, true},
	{"send-reaction", CreateReaction, OwnChannel, core.FeatureReactions, true},
	{"send-reply", CreateMessage, OwnChannel, core.FeatureReplies, true},
	{"send-restricted-visibility-message", CreateRestrictedVisibilityMessage, OwnChannel, "", true},
	{"send-typing-events", CreateMessage, OwnChannel, core.FeatureTyping, true},
	{"set-channel-cooldown", UpdateChannelCooldown, OwnChannel, "", false},
	{"share-location", CreateMessage, OwnChannel, core.FeatureLocations, true},
	{SkipSlowMode, SkipChannelCooldown, OwnChannel, "", false},
	{"typing-events", "", OwnNone, core.FeatureTyping, false},
	{"update-any-message", UpdateMessage, OwnNone, "", false},
	{"update-channel", UpdateChannel, OwnChannel, "", false},
	{"update-channel-members", UpdateChannelMembers, OwnChannel, "", false},
	{"update-own-message", UpdateMessage, OwnAlways, "", false},
	{"update-thread", CreateMessage, OwnChannel, core.FeatureReplies, true},
	{"upload-file", UploadAttachment, OwnChannel, core.FeatureUploads, true},
}

// Capabilities returns the table, sorted by name. SlowMode is not in it: it holds when the channel
// has a cooldown and SkipSlowMode does not hold.
func Capabilities() []Capability { return capabilities }
