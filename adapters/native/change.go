package native

import (
	"time"

	"dragoman/core"
)

// Change is what an event tells beside who did what to whom; the kind says which members are there.
type Change struct {
	Text        string          `json:"text,omitempty" doc:"Reason, announcement, or what was said along."`
	Until       time.Time       `json:"until,omitzero" doc:"End of a mute; without end when absent."`
	Old         string          `json:"old,omitempty" doc:"Rank or person before."`
	New         string          `json:"new,omitempty" doc:"Rank or person after, or what has changed."`
	Values      core.Extra      `json:"values,omitempty" doc:"Attributes set: texts by name."`
	Names       []string        `json:"names,omitempty" doc:"Attributes removed, or fields changed."`
	Rules       *Rules          `json:"rules,omitempty"`
	File        *SharedFile     `json:"file,omitempty"`
	Application *Application    `json:"application,omitempty"`
	Ack         *Ack            `json:"ack,omitempty"`
	Presence    *Presence       `json:"presence,omitempty"`
	Settings    *KeptSettings   `json:"settings,omitempty"`
	Session     *Session        `json:"session,omitempty"`
	Friend      *FriendshipText `json:"friend,omitempty"`
}

// FriendshipText is what one person keeps about a friend.
type FriendshipText struct {
	Text   string     `json:"text,omitempty"`
	Remark string     `json:"remark,omitempty"`
	Extra  core.Extra `json:"extra,omitempty"`
}

func changeOf(c *core.Change) Change {
	out := Change{
		Text: c.Text, Until: c.Until, Old: c.Old, New: c.New, Names: c.Names, Rules: maybe(c.Rules, rulesOf), File: maybe(c.File, sharedOf),
		Application: maybe(c.Application, applicationOf), Ack: maybe(c.Ack, ackOf), Presence: maybe(c.Presence, presenceOf),
		Settings: maybe(c.Settings, settingsOf), Session: maybe(c.Session, sessionOf),
		Friend: maybe(c.Friend, func(f *core.Friendship) FriendshipText { return FriendshipText{f.Text, f.Remark, f.Extra} }),
	}
	if len(c.Values) > 0 {
		out.Values = textsOf(c.Values)
	}
	return out
}

// Rules are the rules of one group or room.
type Rules struct {
	MaxMembers    int         `json:"max_members,omitempty" doc:"The app's limit when absent."`
	Silent        bool        `json:"silent,omitempty" doc:"Only the allow list and moderators write."`
	Approval      bool        `json:"approval,omitempty" doc:"Who joins by themself waits for a moderator."`
	Consent       bool        `json:"consent,omitempty" doc:"Who is invited is asked first."`
	MembersInvite bool        `json:"members_invite,omitempty" doc:"Every member may invite."`
	Announcement  string      `json:"announcement,omitempty"`
	AnnouncedBy   core.UserID `json:"announced_by,omitempty"`
	AnnouncedAt   time.Time   `json:"announced_at,omitzero"`
	Lifetime      int         `json:"lifetime,omitempty" doc:"Minutes after which a room ends by itself."`
	Fixed         bool        `json:"lifetime_fixed,omitempty" doc:"Counted from when it was set; otherwise since the room is empty and quiet."`
	Ends          time.Time   `json:"ends,omitzero" doc:"Of a fixed lifetime."`
}

func rulesOf(r *core.GroupRules) Rules {
	return Rules{
		r.MaxMembers, r.MutedAll, r.Approval, r.Consent, r.MembersInvite, r.Announcement, r.AnnouncedBy, r.AnnouncedAt,
		r.Lifetime.Minutes, r.Lifetime.Fixed, r.Lifetime.Ends,
	}
}

// changeRules is what may be said of rules.
type changeRules struct {
	MaxMembers    *int  `json:"max_members" max:"1000000" doc:"0 for the app's limit."`
	Approval      *bool `json:"approval" doc:"Who joins by themself waits for a moderator."`
	Consent       *bool `json:"consent" doc:"Who is invited is asked first."`
	MembersInvite *bool `json:"members_invite" doc:"Every member may invite."`
	Lifetime      *int  `json:"lifetime" max:"525600" doc:"Minutes after which a room ends by itself; 0 for never."`
	Fixed         *bool `json:"lifetime_fixed" doc:"Counted from now; otherwise since the room is empty and quiet."`
}

// apply changes rules.
func (in *changeRules) apply(r *core.GroupRules) error {
	set(&r.MaxMembers, in.MaxMembers)
	set(&r.Approval, in.Approval)
	set(&r.Consent, in.Consent)
	set(&r.MembersInvite, in.MembersInvite)
	if in.Lifetime != nil || in.Fixed != nil {
		l := core.Lifetime{Minutes: r.Lifetime.Minutes, Fixed: r.Lifetime.Fixed}
		set(&l.Minutes, in.Lifetime)
		set(&l.Fixed, in.Fixed)
		r.Lifetime = l
	}
	return nil
}
