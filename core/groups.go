package core

import (
	"context"
	"time"
)

// Admission tells who may become a member of a group by themself, and who finds it in listings.
type Admission string

// The admissions. The empty one follows the kind: a Room is open, everything else is closed.
const (
	AdmitDefault  Admission = ""
	AdmitAnyone   Admission = "anyone"   // listed, everybody may join
	AdmitPassword Admission = "password" // listed, whoever knows the password may join
	AdmitInvited  Admission = "invited"  // not listed, members are added by other members
)

// Admits is the channel's admission with the default resolved.
func (c *Channel) Admits() Admission {
	switch {
	case c.Admission != AdmitDefault:
		return c.Admission
	case c.Kind == KindRoom:
		return AdmitAnyone
	}
	return AdmitInvited
}

// GroupMember names a person of a group and their rank: MemberAdmin, MemberModerator or
// MemberMember; empty means MemberMember.
type GroupMember struct {
	User UserID
	Role string
}

// CreateGroup makes a group; group.already_exists if the key is taken. Owner is who owns it; empty
// means the actor. Password is required for, and only for, AdmitPassword (request.missing_field with
// variant group_password otherwise); it is kept as a salted hash. At most 100 members at once.
type CreateGroup struct {
	Key       ChannelKey
	Admission Admission
	Password  string
	Owner     UserID
	Name      string
	Image     string
	Tags      []string
	Extra     Extra
	Members   []GroupMember
	Rules     GroupRules // MutedAll, Announcement and the rest of the group's rules at first
}

// UpdateGroup changes a group; moderators and above. Admission and Password are left as they are
// when empty. Change may set name, image, tags and Extra.
type UpdateGroup struct {
	Key       ChannelKey
	Admission Admission
	Password  string
	Change    func(*Channel) error
	Rules     func(*GroupRules) error // may set MaxMembers, Approval, Consent, MembersInvite, Lifetime; told as GroupRuled
	Disabled  *bool                   // nobody writes while it is set; servers only
}

// DeleteGroup removes a group for its members; admins and above, or with ByOwner the owner alone.
type DeleteGroup struct {
	Key     ChannelKey
	ByOwner bool
}

// GetGroup reads a group as the actor sees it. Closed groups are shown to everyone who knows their
// key; only their messages and members are not.
type GetGroup struct{ Key ChannelKey }

// JoinGroup makes the actor a member: group.already_member, group.banned, group.join_denied
// (variant private), group.wrong_password, group.full. In a group whose rules want an approval the
// actor's request is filed and group.join_pending (variant admin_approval) answered.
type JoinGroup struct {
	Key      ChannelKey
	Password string
	Text     string // told along with a request
}

// LeaveGroup ends the actor's membership: group.not_member (self); group.owner_protected for the
// owner while others are left, who has to transfer the group first.
type LeaveGroup struct{ Key ChannelKey }

// AddToGroup makes people members; moderators and above. Outcomes come in the order of Members.
type AddToGroup struct {
	Key     ChannelKey
	Members []GroupMember
}

// GroupOutcome is what became of one person of a batch: Err is nil or a *fault.Error.
type GroupOutcome struct {
	User    UserID
	Err     error
	Pending bool // invited, not yet a member
}

// KickMember ends another person's membership; they may join again.
type KickMember struct {
	Key  ChannelKey
	User UserID
}

// RankMember gives a member another rank. group.role_conflict (variant same_scope) if they have it.
type RankMember struct {
	Key     ChannelKey
	User    UserID
	Role    string
	ByOwner bool // in this dialect only the owner may: group.permission_denied (variant owner_only)
}

// BanMember ends a person's membership and keeps them out, or lifts the ban.
type BanMember struct {
	Key    ChannelKey
	User   UserID
	Lift   bool
	For    time.Duration // 0 means without end
	Reason string
}

// TransferGroup makes another member the owner; only the owner, or a server. The old one is an admin
// then, or has the rank OldRole (MemberAdmin, MemberModerator, MemberMember), or with OldLeaves leaves.
type TransferGroup struct {
	Key       ChannelKey
	To        UserID
	OldRole   string
	OldLeaves bool
}

// ListBanned asks for the people banned from a group, by id; moderators and above. Limit at most 100.
type ListBanned struct {
	Key    ChannelKey
	Search string // part of a name or an id
	Page   Page
}

// QueryGroups lists the groups an actor may know of: open ones, those with a password, and those
// they are a member of; all of them for a server acting for nobody. Filter and Sort as in
// QueryChannels, with admission as one more field. Limit at most 100, default 30.
type QueryGroups struct {
	Filter Filter
	Sort   []Sort
	Page   Page
	Joined bool   // only those the actor is a member of
	Search string // part of a name or a key
}

// GroupView is a group as one person sees it.
type GroupView struct {
	Channel Channel
	Member  *Member // the actor's membership; nil if none
	Banned  bool    // the actor is banned here
	// Notice is the message in the log that tells of what was done; nil when reading.
	Notice *Message
	// Other is the membership of the person acted on, as it is now (or was, when it ended).
	Other *Member
}

// GroupPage is one page of groups. More tells whether others follow.
type GroupPage struct {
	Groups []GroupView
	More   bool
}

// Groups is the membership of channels for dialects in which rank rules (owner, admin, moderator,
// member) rather than grants. The rights of the ranks are one table in the engine; the checks answer
// group.permission_denied with the variants moderator_scope (takes a moderator), admin_scope (takes
// an admin), clearance (the other ranks too high), scope_change (may not give that rank), and
// target.is_self (variant group). The person acted on who is no member is group.not_member (variant
// target); the actor who is none is group.not_member (self). Servers without a User may do everything.
//
// Every change of membership writes a MessageSystem with a Notice into the log, raises no unread
// count, and is told twice: as the MessageSent of the notice, and as MemberAdded, MemberUpdated,
// MemberRemoved, UserBanned or UserUnbanned with Event.Message set to the notice, so that a dialect
// can tell it once, in whichever form it has. The author of a notice of a server is SystemUser.
type Groups interface {
	Create(ctx context.Context, by Actor, in CreateGroup) (GroupView, error)
	Update(ctx context.Context, by Actor, in UpdateGroup) (GroupView, error)
	Delete(ctx context.Context, by Actor, in DeleteGroup) error
	Get(ctx context.Context, by Actor, in GetGroup) (GroupView, error)
	Query(ctx context.Context, by Actor, in QueryGroups) (GroupPage, error)
	Join(ctx context.Context, by Actor, in JoinGroup) (GroupView, error)
	Leave(ctx context.Context, by Actor, in LeaveGroup) (GroupView, error)
	Add(ctx context.Context, by Actor, in AddToGroup) ([]GroupOutcome, error)
	Kick(ctx context.Context, by Actor, in KickMember) (GroupView, error)
	Rank(ctx context.Context, by Actor, in RankMember) (GroupView, error)
	Ban(ctx context.Context, by Actor, in BanMember) (GroupView, error)
	Banned(ctx context.Context, by Actor, in ListBanned) ([]Ban, error)
	Transfer(ctx context.Context, by Actor, in TransferGroup) (GroupView, error)
}

// SystemUser is the person in whose name the app itself speaks. It exists from its first use.
const SystemUser UserID = "app_system"

// NoticeKind is what a notice tells of.
type NoticeKind string

// The kinds of notice. The comment tells which members of Notice are set beside Of.
const (
	NoticeJoined   NoticeKind = "joined"
	NoticeLeft     NoticeKind = "left"
	NoticeAdded    NoticeKind = "added"
	NoticeKicked   NoticeKind = "kicked"
	NoticeBanned   NoticeKind = "banned"
	NoticeUnbanned NoticeKind = "unbanned"
	NoticeRanked   NoticeKind = "ranked" // Old, New
	NoticeCall     NoticeKind = "call"   // Call
)

// Notice is what a message of the log tells of, when it was not written but happened. The author of
// the message is who did it.
type Notice struct {
	Kind NoticeKind `json:"kind"`
	Of   UserID     `json:"of,omitempty"`  // whom it was done to
	Old  string     `json:"old,omitempty"` // rank before
	New  string     `json:"new,omitempty"` // rank after
	Call *Call      `json:"call,omitempty"`
	At   time.Time  `json:"at,omitzero"`
	// Person is Of's profile; filled when answering.
	Person *User `json:"person,omitempty"`
}
