package core

import (
	"context"
	"time"
)

// FriendStatus is how far a friendship has come, seen by one of the two.
type FriendStatus string

// The statuses.
const (
	FriendAccepted FriendStatus = "accepted" // both want it
	FriendAsked    FriendStatus = "asked"    // this person has asked, the other has not answered
	FriendPending  FriendStatus = "pending"  // the other has asked, this person has not answered
)

// Friendship is one entry of a person's list of friends.
type Friendship struct {
	User      UserID       `json:"user"`
	Friend    UserID       `json:"friend"`
	Status    FriendStatus `json:"status"`
	CreatedAt time.Time    `json:"created_at"`
	UpdatedAt time.Time    `json:"updated_at"`
	Text      string       `json:"text,omitempty"`    // what was said when asking
	Remark    string       `json:"remark,omitempty"`  // what User calls the friend
	Extra     Extra        `json:"extra,omitempty"`   // what User keeps about the friend
	Profile   *User        `json:"profile,omitempty"` // the friend's; filled when answering
}

// AddFriends befriends User (the actor when empty; only servers may name another) with each of
// Friends: at once, or with Ask as a request that the other has to accept. Asking somebody who has
// asked already accepts. Each outcome is nil, friend.already_friends, target.is_self (variant
// friend), user.not_found or friend.limit_reached (1,000).
type AddFriends struct {
	User    UserID
	Friends []UserID // at most 100
	Ask     bool
	Text    string // told along with the question
}

// AnswerFriend accepts or refuses a request; friend.request_not_found if there is none.
type AnswerFriend struct {
	User   UserID
	Friend UserID
	Accept bool
}

// RemoveFriends ends friendships and takes requests back; friend.not_friends where there is none.
type RemoveFriends struct {
	User    UserID
	Friends []UserID
}

// PatchFriend changes what a person keeps about a friend: Remark and Extra; friend.not_friends.
type PatchFriend struct {
	User   UserID
	Friend UserID
	Change func(*Friendship) error
}

// FriendOutcome is what became of one person of a batch.
type FriendOutcome struct {
	Friend UserID
	Err    error
}

// ListFriends asks for a person's friends by id. Limit at most 100, default 30.
type ListFriends struct {
	User   UserID
	Status FriendStatus // empty means accepted
	Search string       // part of a name or an id
	Online bool         // only those who are online
	Page   Page
}

// Friends manages who is whose friend. Changes are told as FriendRequested, FriendAdded,
// FriendDeclined and FriendRemoved.
type Friends interface {
	Add(ctx context.Context, by Actor, in AddFriends) ([]FriendOutcome, error)
	Answer(ctx context.Context, by Actor, in AnswerFriend) (Friendship, error)
	Remove(ctx context.Context, by Actor, in RemoveFriends) ([]FriendOutcome, error)
	Patch(ctx context.Context, by Actor, in PatchFriend) (Friendship, error)
	List(ctx context.Context, by Actor, in ListFriends) ([]Friendship, error)
}
