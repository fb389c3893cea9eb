package agora

import (
	"strconv"
	"time"

	"dragoman/adapters/wire"
	"dragoman/core"
)

// muted tells that somebody may not write, or may again.
func (x *telling) muted() {
	if x.own() {
		return
	}
	op := mucAddMute
	if x.ev.Kind == core.MemberUnmuted {
		op = mucRemoveMute
	}
	x.muc(op, x.actor(), func(b *mucBody) {
		x.whom(x.target())(b)
		if c := x.ev.Change; op == mucAddMute && c != nil {
			until := int64(-1)
			if !c.Until.IsZero() {
				until = c.Until.UnixMilli()
			}
			b.ext = `{"user_mute_time":` + strconv.FormatInt(until, 10) + `}`
		}
	})
}

// plainly tells an event of which who did it says everything.
func plainly(op int) func(*telling) {
	return func(x *telling) {
		if !x.own() {
			x.muc(op, x.actor(), nil)
		}
	}
}

// allowed tells that somebody is on the allow list, or off it.
func (x *telling) allowed() {
	op := mucAddWhite
	if x.ev.Kind == core.MemberDisallowed {
		op = mucRemoveWhite
	}
	if !x.own() {
		x.muc(op, x.actor(), x.whom(x.target()))
	}
}

func (x *telling) announced() {
	if x.own() || x.ev.Change == nil {
		return
	}
	op := mucAnnounce
	if x.ev.Change.Text == "" {
		op = mucUnannounce
	}
	x.muc(op, x.actor(), func(b *mucBody) { b.reason = x.ev.Change.Text })
}

func (x *telling) owned() {
	if !x.own() {
		x.muc(mucAssignOwner, x.actor(), x.whom(x.target()))
	}
}

// memberValues tells what is kept about a member now.
func (x *telling) memberValues() {
	if x.own() || x.ev.Change == nil {
		return
	}
	c := x.ev.Change
	x.muc(mucMemberMeta, x.actor(), func(b *mucBody) {
		w := wire.NewWriter(160)
		w.Open()
		w.Text("username", string(x.target()))
		w.Object("properties")
		writeStrings(w, c.Values)
		for _, name := range c.Names {
			w.KeyOf(name)
			w.Item("")
		}
		w.Close()
		w.Close()
		b.info.v = &eventInfo{ext: string(w.Bytes())}
	})
}

// roomValues tells what is kept with a room now, or no more.
func (x *telling) roomValues() {
	if x.own() || x.ev.Change == nil {
		return
	}
	c, op := x.ev.Change, mucSetMeta
	names := c.Names
	if x.ev.Kind == core.RoomAttributesRemoved {
		op = mucDeleteMeta
	} else {
		names = sortedNames(c.Values)
	}
	x.muc(op, x.actor(), func(b *mucBody) {
		w := wire.NewWriter(160)
		w.Open()
		w.Object("result")
		w.Texts("successKeys", names)
		w.Object("errorKeys")
		w.Close()
		w.Close()
		w.Object("properties")
		writeStrings(w, c.Values)
		w.Close()
		w.Close()
		b.info.v = &eventInfo{ext: string(w.Bytes())}
	})
}

// requested tells moderators that somebody wants in.
func (x *telling) requested() {
	x.muc(mucApply, x.target(), func(b *mucBody) { b.reason = x.applied() })
}

// applied is what was said when asking.
func (x *telling) applied() string {
	if c := x.ev.Change; c != nil && c.Application != nil {
		return c.Application.Text
	}
	return ""
}

// decided tells who asked what came of it.
func (x *telling) decided() {
	op := mucApplyAccept
	if x.ev.Kind == core.JoinDeclined {
		op = mucApplyDecline
	}
	x.muc(op, x.actor(), func(b *mucBody) {
		x.whom(x.target())(b)
		if c := x.ev.Change; c != nil && c.Application != nil {
			b.reason = c.Application.Answer
		}
	})
}

// wanted tells a person that they are invited.
func (x *telling) wanted() {
	x.muc(mucInvite, x.actor(), func(b *mucBody) {
		b.name, b.reason = x.ev.Channel.Name, x.applied()
		x.whom(x.viewer)(b)
	})
}

// replied tells who invited what the invited says.
func (x *telling) replied() {
	op := mucInviteAccept
	if x.ev.Kind == core.GroupInviteDeclined {
		op = mucInviteReject
	}
	x.muc(op, x.target(), func(b *mucBody) { x.whom(x.viewer)(b) })
}

// roster adds an event of contacts.
func (x *telling) roster(op int, from core.UserID, reason string) {
	x.add(func(id uint64) []byte { return x.d.rosterBytes(x.t, id, x.ev.At, op, from, x.viewer, reason) })
}

// befriended tells both that they are contacts. Who was asked and says yes is the one "accepted" is
// said of; a friendship made at once is told to both alike.
func (x *telling) befriended() {
	by, of := x.actor(), x.target()
	other := by
	if by == x.viewer {
		other = of
	}
	switch accepted := x.ev.Change != nil && x.ev.Change.New == "accepted"; {
	case !accepted:
		x.roster(rosterAccept, other, "")
	case by == x.viewer:
		x.roster(rosterAccept, other, "")
	default:
		x.roster(rosterRemoteAccept, other, "")
	}
}

func (x *telling) friendAsked() {
	reason := ""
	if x.ev.Change != nil {
		reason = x.ev.Change.Text
	}
	if x.target() == x.viewer {
		x.roster(rosterAdd, x.actor(), reason)
	}
}

func (x *telling) friendDeclined() {
	if x.target() == x.viewer {
		x.roster(rosterRemoteDecline, x.actor(), "")
	}
}

func (x *telling) friendRemoved() {
	other := x.actor()
	if other == x.viewer {
		if x.own() {
			return
		}
		other = x.target()
	}
	x.roster(rosterRemove, other, "")
}

// acked tells the author that somebody has read one message; in groups also how many have.
func (x *telling) acked() {
	c := x.ev.Change
	if c == nil || c.Ack == nil || x.v == nil || x.ev.Message == nil || x.ev.Message.User != x.viewer {
		return
	}
	x.add(func(id uint64) []byte {
		return x.d.ackBytes(x.v, bodyReadAck, c.Ack.User, x.viewer, c.Ack.Message, id, x.ev.At, func(it *item, b *msgBody) {
			if x.v.direct() {
				return
			}
			b.ack = c.Ack.Text
			b.config.v = &msgConfig{allowGroupAck: true}
			n := `{"` + c.Ack.Message.String() + `":` + strconv.Itoa(c.Ack.Count) + `}`
			b.ext = []keyValue{{key: "groupReadCount", kind: some(kvJSON), text: n}}
			it.to.v = x.v.group()
		})
	})
}

// presence tells how somebody shows themself on their devices.
func (x *telling) presence() {
	c := x.ev.Change
	if c == nil || c.Presence == nil {
		return
	}
	x.notify("presence", func(w *wire.Writer) {
		w.Object("data")
		w.List("values")
		w.Open()
		w.Text("uid", string(c.Presence.User))
		w.Int64("last_time", seconds(c.Presence.LastSeen, x.ev.At))
		w.Int64("expiry", seconds(c.Presence.Expires, x.ev.At))
		w.Text("ext", c.Presence.Text)
		w.Object("status")
		for _, device := range sortedNames(c.Presence.Devices) {
			w.KeyOf(device)
			w.Number(c.Presence.Devices[device])
		}
		w.Close()
		w.Close()
		w.CloseList()
		w.Close()
	})
}

// seconds is a time in seconds since 1970, or another one where it is not set.
func seconds(t, or time.Time) int64 {
	if t.IsZero() {
		t = or
	}
	return t.Unix()
}
