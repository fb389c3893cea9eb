package nexconn

import (
	"context"

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
	core.FriendRequested: friendChange,
	core.FriendAdded:     friendChange,
	core.FriendDeclined:  friendChange,
	core.FriendRemoved:   friendChange,
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
const friendBoth = 1

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
	last, more := core.StampAt(c.d.now()), false
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
