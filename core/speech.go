package core

import (
	"context"
	"time"
)

// MemberMute forbids a person to write in one channel.
type MemberMute struct {
	Key       ChannelKey `json:"key"`
	User      UserID     `json:"user"`
	By        UserID     `json:"by,omitempty"`
	Reason    string     `json:"reason,omitempty"`
	CreatedAt time.Time  `json:"created_at"`
	Expires   time.Time  `json:"expires,omitzero"` // zero means never
	Target    *User      `json:"target,omitempty"` // filled when answering
}

// Active reports whether the mute is in force at t.
func (m *MemberMute) Active(t time.Time) bool { return m.Expires.IsZero() || t.Before(m.Expires) }

// MuteMembers forbids people to write in a group or room, or lifts that; moderators and above, over
// lower ranks. At most 100 at once. An outcome is group.not_member (variant target) unless Anyone is
// set or the channel is a room, or group.permission_denied (clearance). Muting again replaces the
// mute; lifting one that is not there is no error.
type MuteMembers struct {
	Key    ChannelKey
	Users  []UserID
	For    time.Duration // 0 means without end
	Reason string
	Lift   bool
	Anyone bool // also people who are not members
}

// ListMuted asks for the mutes in force, by user id; moderators and above. Limit at most 1000, default 100.
type ListMuted struct {
	Key  ChannelKey
	Page Page
}

// MuteAll forbids everyone but the allow list and moderators to write, or lifts that; moderators and above.
type MuteAll struct {
	Key  ChannelKey
	Lift bool
}

// AllowMembers puts people on the allow list of a channel, who write also while everyone is muted, or
// takes them off it; moderators and above. Outcomes as of MuteMembers; limit.reached over Max entries
// (0 means 1,000).
type AllowMembers struct {
	Key    ChannelKey
	Users  []UserID
	Remove bool
	Anyone bool
	Max    int
}

// AllowedMember is one entry of an allow list.
type AllowedMember struct {
	User      UserID    `json:"user"`
	By        UserID    `json:"by,omitempty"`
	CreatedAt time.Time `json:"created_at"`
}

// ListAllowed asks for the allow list, by user id; moderators and above. Limit at most 1000, default 100.
type ListAllowed struct {
	Key  ChannelKey
	Page Page
}

// GetSpeech asks what a person may do in a channel: the actor, or for moderators and servers another.
type GetSpeech struct {
	Key  ChannelKey
	User UserID
}

// SpeechState tells whether a person may write in a channel, and why not.
type SpeechState struct {
	Mute     *MemberMute // in force, of this channel
	MutedAll bool
	Allowed  bool // on the allow list
	KindMute *KindMute
}

// KindMute forbids a person to write in all channels of a kind.
type KindMute struct {
	User      UserID      `json:"user"`
	Kind      ChannelKind `json:"kind"`
	CreatedAt time.Time   `json:"created_at"`
	Expires   time.Time   `json:"expires,omitzero"` // zero means never
}

// Active reports whether the mute is in force at t.
func (m *KindMute) Active(t time.Time) bool { return m.Expires.IsZero() || t.Before(m.Expires) }

// MuteKinds forbids people to write in all channels of some kinds, or lifts that. Servers only; at
// most 100 people at once, all of whom must exist (user.not_found).
type MuteKinds struct {
	Users []UserID
	Kinds []ChannelKind
	For   time.Duration // 0 means without end
	Lift  bool
}

// ListKindMutes asks for mutes in force: of one person, or of one kind by user id. Servers, and
// everyone about themself. Limit at most 1000, default 100.
type ListKindMutes struct {
	User UserID      // all kinds of this person; or
	Kind ChannelKind // all people of this kind
	Page Page
}

// Speech rules who may write. A refused send answers group.muted with the variant user (muted in this
// channel), all (everyone is, and the person is neither on the allow list nor a moderator) or app
// (muted in all channels of the kind). Servers always may.
type Speech interface {
	Mute(ctx context.Context, by Actor, in MuteMembers) ([]GroupOutcome, error)
	Muted(ctx context.Context, by Actor, in ListMuted) ([]MemberMute, error)
	MuteAll(ctx context.Context, by Actor, in MuteAll) (Channel, error)
	Allow(ctx context.Context, by Actor, in AllowMembers) ([]GroupOutcome, error)
	Allowed(ctx context.Context, by Actor, in ListAllowed) ([]AllowedMember, error)
	State(ctx context.Context, by Actor, in GetSpeech) (SpeechState, error)
	MuteKinds(ctx context.Context, by Actor, in MuteKinds) ([]KindMute, error)
	KindMutes(ctx context.Context, by Actor, in ListKindMutes) ([]KindMute, error)
}
