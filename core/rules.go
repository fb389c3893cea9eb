package core

import "time"

// GroupRules are the rules of one group or room that are neither grants nor part of its type. They
// are stored with the channel's overrides; read them by Channel.Rules, change them by
// Groups.Update, Speech.MuteAll and Board.Announce.
type GroupRules struct {
	MaxMembers    int       `json:"max_members,omitempty"`    // group.full above it; 0 means the app's limit
	MutedAll      bool      `json:"muted_all,omitempty"`      // only the allow list and moderators speak
	Approval      bool      `json:"approval,omitempty"`       // who joins by themself waits for a moderator
	Consent       bool      `json:"consent,omitempty"`        // who is invited is asked first
	MembersInvite bool      `json:"members_invite,omitempty"` // every member may invite, not only moderators
	Announcement  string    `json:"announcement,omitempty"`
	AnnouncedBy   UserID    `json:"announced_by,omitempty"`
	AnnouncedAt   time.Time `json:"announced_at,omitzero"`
	Lifetime      Lifetime  `json:"lifetime,omitzero"` // rooms only
}

// Lifetime is when a room ends by itself. The zero value means never.
type Lifetime struct {
	Minutes int       `json:"minutes,omitempty"` // 1 to 525,600
	Fixed   bool      `json:"fixed,omitempty"`   // counted from when Lifetime was set, whoever is there; otherwise since the room is empty and nothing happens in it
	Ends    time.Time `json:"ends,omitzero"`     // of a fixed one; set by the core
}

// Rules are the channel's group rules; the zero value where none were set.
func (c *Channel) Rules() GroupRules {
	if c.Overrides.Rules == nil {
		return GroupRules{}
	}
	return *c.Overrides.Rules
}

// Change is what an event of the kinds that say so tells beside User (who did it), Target (whom it
// was done to) and Channel. The comment at the kind names the members that are set.
type Change struct {
	Text        string                `json:"text,omitempty"`   // reason, announcement, free text
	Until       time.Time             `json:"until,omitzero"`   // end of a mute; zero means without end
	Old         string                `json:"old,omitempty"`    // rank or person before
	New         string                `json:"new,omitempty"`    // rank or person after
	Values      map[string]string     `json:"values,omitempty"` // attributes set
	Names       []string              `json:"names,omitempty"`  // attributes removed; fields changed
	Rules       *GroupRules           `json:"rules,omitempty"`
	File        *SharedFile           `json:"file,omitempty"`
	Application *Application          `json:"application,omitempty"`
	Ack         *MessageAck           `json:"ack,omitempty"`
	Presence    *Presence             `json:"presence,omitempty"`
	Settings    *ConversationSettings `json:"settings,omitempty"`
	Session     *Session              `json:"session,omitempty"`
	Friend      *Friendship           `json:"friend,omitempty"`
}

// ChangePinned is the name of the field that a change of a pin alone has changed: in MessageEdited
// that of the message, in MemberUpdated that of the member's own list of channels.
const ChangePinned = "pinned"

// ChangeFrozen is the name of the field in ChannelUpdated when a channel was frozen, or is no more.
const ChangeFrozen = "frozen"
