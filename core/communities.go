package core

import (
	"context"
	"time"
)

// CommunityType is the channel type of communities and their subchannels.
const CommunityType = "community"

// CommunityKey is the key of a subchannel; sub is empty for the first one, which every community has and
// which stands for the community itself: its members are the community's members.
func CommunityKey(id, sub string) ChannelKey {
	if sub != "" {
		id += "!" + sub
	}
	return KeyOf(CommunityType, id)
}

// SplitCommunity is the opposite of CommunityKey.
func SplitCommunity(key ChannelKey) (id, sub string, ok bool) {
	typ, rest := key.Split()
	if typ != CommunityType || rest == "" {
		return "", "", false
	}
	for i := range len(rest) {
		if rest[i] == '!' {
			return rest[:i], rest[i+1:], true
		}
	}
	return rest, "", true
}

// Bounds of communities.
const (
	CommunitiesJoined   = 100 // of one person
	CommunitySubs       = 50  // beside the first
	CommunityGroups     = 50  // member groups of one community
	CommunityGroupUsers = 100 // people of one member group
	CommunityBindings   = 10  // member groups of one subchannel
)

// Community is a large group that talks in several subchannels, each a channel of its own.
type Community struct {
	ID          string
	Name        string
	Owner       UserID
	MemberCount int
	CreatedAt   time.Time
}

// Subchannel is one channel of a community. A private one has those members of the community who were
// put there, or whose member group is bound to it; any other has all of them.
type Subchannel struct {
	Community string    `json:"community"`
	ID        string    `json:"id"`
	Private   bool      `json:"private,omitempty"`
	CreatedAt time.Time `json:"created_at"`
}

// MemberGroup is a named set of members of a community.
type MemberGroup struct {
	Community string    `json:"community"`
	ID        string    `json:"id"`
	CreatedAt time.Time `json:"created_at"`
}

// Commands of communities. Failures: group.not_found with the variant community, subchannel or
// member_group for what is missing; group.already_exists with the same; group.not_member with the
// variant community; group.limit_reached with the variants community_joined, subchannel, member_group
// and member_group_binding; group.full with the variant member_group.
type (
	CreateCommunity struct {
		ID, Name string
		Owner    UserID
	}
	UpdateCommunity struct{ ID, Name string }
	GetCommunity    struct{ ID string }
	DeleteCommunity struct{ ID string }
	// JoinCommunity puts a person into the community and its public subchannels. Joining twice is no error.
	JoinCommunity struct {
		ID   string
		User UserID
	}
	// LeaveCommunity takes a person out of everything.
	LeaveCommunity struct {
		ID   string
		User UserID
	}
	CreateSubchannel struct {
		Community, ID string
		Private       bool
	}
	// UpdateSubchannel makes a subchannel public or private. Going private keeps those who were put
	// there or belong to a bound member group.
	UpdateSubchannel struct {
		Community, ID string
		Private       bool
	}
	DeleteSubchannel struct{ Community, ID string }
	// ListSubchannels asks for the subchannels without the first, oldest first; with User those the
	// person is in.
	ListSubchannels struct {
		Community string
		User      UserID
	}
	// PutSubchannelMembers puts members into a private subchannel, or takes them out. At most 100.
	PutSubchannelMembers struct {
		Community, ID string
		Users         []UserID
		Remove        bool
	}
	// ListSubchannelMembers asks for those who were put into a private subchannel, by id.
	ListSubchannelMembers struct{ Community, ID string }
	// PutMemberGroups makes member groups, or removes them.
	PutMemberGroups struct {
		Community string
		IDs       []string
		Remove    bool
	}
	// PutGroupUsers puts members of the community into a member group, or takes them out.
	PutGroupUsers struct {
		Community, Group string
		Users            []UserID
		Remove           bool
	}
	// BindGroups lets member groups into a subchannel, or ends that.
	BindGroups struct {
		Community, Subchannel string
		Groups                []string
		Remove                bool
	}
	// ListMemberGroups asks for the member groups of a community; of those with User in them; or of
	// those bound to Subchannel. Oldest first.
	ListMemberGroups struct {
		Community  string
		User       UserID
		Subchannel string
	}
	// ListBound asks for the subchannels a member group is bound to, oldest binding first.
	ListBound struct{ Community, Group string }
)

// Communities manages communities. Servers only: those who take part in them do so through the
// channels. Comings and goings are told as MemberAdded and MemberRemoved of each channel concerned,
// subchannels as ChannelCreated, ChannelUpdated and ChannelDeleted.
type Communities interface {
	Create(ctx context.Context, by Actor, in CreateCommunity) (Community, error)
	Update(ctx context.Context, by Actor, in UpdateCommunity) (Community, error)
	Get(ctx context.Context, by Actor, in GetCommunity) (Community, error)
	Delete(ctx context.Context, by Actor, in DeleteCommunity) error
	Join(ctx context.Context, by Actor, in JoinCommunity) error
	Leave(ctx context.Context, by Actor, in LeaveCommunity) error
	CreateSub(ctx context.Context, by Actor, in CreateSubchannel) (Subchannel, error)
	UpdateSub(ctx context.Context, by Actor, in UpdateSubchannel) (Subchannel, error)
	DeleteSub(ctx context.Context, by Actor, in DeleteSubchannel) error
	Subs(ctx context.Context, by Actor, in ListSubchannels) ([]Subchannel, error)
	PutMembers(ctx context.Context, by Actor, in PutSubchannelMembers) error
	Members(ctx context.Context, by Actor, in ListSubchannelMembers) ([]UserID, error)
	PutGroups(ctx context.Context, by Actor, in PutMemberGroups) error
	PutUsers(ctx context.Context, by Actor, in PutGroupUsers) error
	Bind(ctx context.Context, by Actor, in BindGroups) error
	Groups(ctx context.Context, by Actor, in ListMemberGroups) ([]MemberGroup, error)
	Bound(ctx context.Context, by Actor, in ListBound) ([]string, error)
}
