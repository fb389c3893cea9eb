package agora

import (
	"context"

	"dragoman/core"
	"dragoman/core/fault"
)

// hearMUC lets the person into a room, or out. Groups are joined over REST.
func (l *link) hearMUC(ctx context.Context, m *item) (ack, error) {
	var b mucBody
	if err := b.decode(m.payload, 0); err != nil || b.muc.v == nil {
		return ack{}, fault.GroupInvalidID.Error("The room is not named.")
	}
	switch b.op {
	case mucJoin:
		return l.enter(ctx, &b)
	case mucLeave:
		return l.leave(ctx, &b)
	}
	return ack{}, fault.RequestInvalid.Error("The operation is not known.")
}

// hearRoster serves what older clients say of contacts over the link.
func (l *link) hearRoster(ctx context.Context, m *item) (ack, error) {
	var b rosterBody
	if err := b.decode(m.payload, 0); err != nil || len(b.to) == 0 {
		return ack{}, fault.RequestInvalid.Error("The contact is not named.")
	}
	u, err := l.d.person(ctx, l.t.id, core.UserID(b.to[0].name))
	if err != nil {
		return ack{}, err
	}
	var outcomes []core.FriendOutcome
	switch b.op {
	case rosterAdd:
		outcomes, err = l.d.core.Friends.Add(ctx, l.by, core.AddFriends{Friends: []core.UserID{u.ID}, Ask: true})
	case rosterRemove:
		outcomes, err = l.d.core.Friends.Remove(ctx, l.by, core.RemoveFriends{Friends: []core.UserID{u.ID}})
	case rosterAccept, rosterDecline:
		_, err = l.d.core.Friends.Answer(ctx, l.by, core.AnswerFriend{Friend: u.ID, Accept: b.op == rosterAccept})
	default:
		err = fault.RequestInvalid.Error("The operation is not known.")
	}
	if err == nil && len(outcomes) > 0 {
		err = outcomes[0].Err
	}
	return l.done(), err
}
