package nexconn

import (
	"context"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"dragoman/core"
)

// Kinds of EventChange.
const (
	changeGroup   = 11 // what happened to a group and its members
	changeProfile = 12 // a group's profile, a member's, a remark
	changeApply   = 13 // applications and invitations
	changeFriend  = 31
	changeReceipt = 36
)

// changeTable are the events that reach clients as changes they pull, not as messages.
var changeTable = map[core.EventKind]func(*Dialect, *core.Event, place, core.UserID) *eventChange{
	core.MessageAcked: func(_ *Dialect, ev *core.Event, p place, viewer core.UserID) *eventChange {
		return ackedFor(ev, p, viewer)
	},
	core.FriendRequested:     friendChange,
	core.FriendAdded:         friendChange,
	core.FriendDeclined:      friendChange,
	core.FriendRemoved:       friendChange,
	core.MemberAdded:         groupChanged(groupJoined),
	core.MemberRemoved:       groupChanged(groupKicked),
	core.MemberUpdated:       groupRanked,
	core.UserBanned:          groupBanned,
	core.ChannelDeleted:      groupChanged(groupEnded),
	core.OwnerChanged:        groupChanged(groupTransferred),
	core.ChannelUpdated:      groupUpdated,
	core.JoinRequested:       applied,
	core.JoinAccepted:        applied,
	core.JoinDeclined:        applied,
	core.GroupInvited:        applied,
	core.GroupInviteAccepted: applied,
	core.GroupInviteDeclined: applied,
}

func ackedFor(ev *core.Event, p place, viewer core.UserID) *eventChange {
	if ev.Message == nil || ev.Message.User != viewer {
		return nil
	}
	return readersEvent(ev, p)
}

// change is what an event tells the viewer as a change; nil for none.
func (d *Dialect) change(ctx context.Context, ev *core.Event, viewer core.UserID) *eventChange {
	make, ok := changeTable[ev.Kind]
	if !ok {
		return nil
	}
	var p place
	if ev.Channel != nil {
		if p, ok = d.placeOf(ctx, ev.App, viewer, ev.Channel); !ok {
			return nil
		}
	}
	return make(d, ev, p, viewer)
}

// Kinds of changes of friends.
const (
	friendAsked   = 0
	friendRefused = 1
	friendMade    = 2
	friendGone    = 3
)

// friendBoth says that a friendship is of both sides; the vendor knows no other.
const friendBoth = 2

// Who asked, as FriendApplyEvent tells it.
const (
	askedBySelf = 1
	askedByPeer = 2
)

// friendChange tells what became of a friendship: of the other one, seen by the viewer.
func friendChange(_ *Dialect, ev *core.Event, _ place, viewer core.UserID) *eventChange {
	if ev.User == nil || ev.Target == nil {
		return nil
	}
	other, asked := ev.User, askedByPeer
	if other.ID == viewer {
		other, asked = ev.Target, askedBySelf
	}
	out := &eventChange{about: string(other.ID), at: ev.At.UnixMilli(), change: changeFriend}
	text := ""
	if ev.Change != nil {
		text = ev.Change.Text
	}
	switch ev.Kind {
	case core.FriendRequested, core.FriendDeclined:
		out.sub = friendAsked
		if ev.Kind == core.FriendDeclined {
			out.sub = friendRefused
			asked = askedByPeer + askedBySelf - asked // the one told is the one who asked
		}
		out.data = build(func(p *pb) {
			p.int(1, int64(asked))
			p.int(2, friendBoth)
			p.textIf(3, text)
			p.textIf(4, other.Name)
			p.textIf(5, other.Image)
		})
	case core.FriendAdded:
		out.sub = friendMade
		out.data = build(func(p *pb) {
			p.text(1, string(other.ID))
			p.int(2, out.at)
			p.int(3, friendBoth)
			p.textIf(6, other.Name)
			p.textIf(7, other.Image)
		})
	default:
		out.sub = friendGone
		out.data = build(func(p *pb) {
			p.text(1, string(other.ID))
			p.int(2, friendBoth)
		})
	}
	return out
}

// pullChanges answers the changes after the client's cursor. Without one there is nothing to catch up
// with: the client asks for the state itself.
func pullChanges(ctx context.Context, c *call) (outcome, error) {
	asked, err := oneNumber(c.data, 1)
	if err != nil {
		return outcome{}, err
	}
	var list []*eventChange
	last, more := c.d.present(), false
	if asked > 0 {
		last, more, err = c.pull(ctx, "", cursorOf(asked), func(ev *core.Event) bool {
			if x := c.d.change(ctx, ev, c.by.User); x != nil {
				list = append(list, x)
			}
			return len(list) < maxPage
		})
		if err != nil {
			return outcome{}, err
		}
	}
	return answered(func(p *pb) {
		for _, x := range list {
			p.msg(1, x.write)
		}
		p.int(2, max(int64(last), asked))
		p.bool(3, more)
	})
}

// Kinds of changes of groups.
const (
	groupJoined      = 1
	groupKicked      = 2
	groupQuit        = 3
	groupEnded       = 4
	groupManager     = 5
	groupUnmanaged   = 6
	groupTransferred = 7
)

// groupBanned tells that somebody is out of the group because they are banned from it.
func groupBanned(d *Dialect, ev *core.Event, p place, viewer core.UserID) *eventChange {
	if ev.Ban == nil || ev.Ban.Shadow || ev.Member == nil { // who stays a member may not write, of which nobody is told
		return nil
	}
	return groupChanged(groupKicked)(d, ev, p, viewer)
}

// groupRanked tells that somebody is a manager, or no more. A rank of its own below an admin's is the
// vendor's manager, too.
func groupRanked(d *Dialect, ev *core.Event, p place, viewer core.UserID) *eventChange {
	manages := func(rank string) bool { return rank == core.MemberAdmin || rank == core.MemberModerator }
	old, now := "", ""
	switch {
	case ev.Message != nil && ev.Message.Notice != nil:
		old, now = ev.Message.Notice.Old, ev.Message.Notice.New
	case ev.Change != nil:
		old, now = ev.Change.Old, ev.Change.New
	}
	switch {
	case now == "" || old == core.MemberOwner || now == core.MemberOwner || manages(old) == manages(now):
		return nil
	case manages(now):
		return groupChanged(groupManager)(d, ev, p, viewer)
	}
	return groupChanged(groupUnmanaged)(d, ev, p, viewer)
}

// groupChanged tells what happened to a group: who did it, to whom.
func groupChanged(sub int) func(*Dialect, *core.Event, place, core.UserID) *eventChange {
	return func(_ *Dialect, ev *core.Event, p place, _ core.UserID) *eventChange {
		if p.kind != wireGroup {
			return nil
		}
		kind, target := sub, ev.Target
		if target == nil && ev.Member != nil {
			target = ev.Member.Profile
			if target == nil {
				target = &core.User{ID: ev.Member.User}
			}
		}
		if kind == groupKicked && target != nil && ev.User != nil && target.ID == ev.User.ID {
			kind = groupQuit
		}
		return &eventChange{about: p.id, kind: wireGroup, at: ev.At.UnixMilli(), change: changeGroup, sub: kind, data: build(func(b *pb) {
			writePerson(b, 1, ev.User)
			b.msg(2, func(b *pb) { writeHosted(b, ev.Channel, nil, "") })
			writePerson(b, 3, target)
		})}
	}
}

// writePerson is ChannelsUserInfo of somebody of whom only the profile is known.
func writePerson(p *pb, num protowire.Number, u *core.User) {
	if u == nil {
		return
	}
	p.msg(num, func(p *pb) {
		p.text(1, string(u.ID))
		p.textIf(4, u.Name)
		p.textIf(5, u.Image)
	})
}

// groupUpdated tells that a group's profile has changed.
func groupUpdated(_ *Dialect, ev *core.Event, p place, _ core.UserID) *eventChange {
	if p.kind != wireGroup || ev.Change != nil && slices.Contains(ev.Change.Names, core.ChangeFrozen) {
		return nil // nobody is told of a mute of all
	}
	by := ev.User
	if by == nil {
		by = &core.User{}
	}
	return &eventChange{about: p.id, kind: wireGroup, at: ev.At.UnixMilli(), change: changeProfile, data: build(func(b *pb) {
		writePerson(b, 1, by)
		b.msg(2, func(b *pb) { writeHosted(b, ev.Channel, nil, "") })
		b.msg(4, func(b *pb) { writeHosted(b, ev.Channel, nil, "") })
	})}
}

// applied tells of an application or an invitation, and of its answer.
func applied(_ *Dialect, ev *core.Event, p place, viewer core.UserID) *eventChange {
	if ev.Change == nil || ev.Change.Application == nil {
		return nil
	}
	return &eventChange{about: p.id, kind: wireGroup, at: ev.At.UnixMilli(), change: changeApply, data: build(func(b *pb) {
		writeApplication(b, ev.Change.Application, viewer)
	})}
}
