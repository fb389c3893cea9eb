package cometchat

import (
	"context"
	"time"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
)

// eventTable tells what frames an event makes; kinds that are missing make none. Frames are the
// same for everybody who is told, so each event is written once.
var eventTable = map[core.EventKind]func(*Dialect, *telling){
	core.MessageSent:     (*Dialect).tellMessage,
	core.MessageEdited:   (*Dialect).tellEdited,
	core.MessageRestored: (*Dialect).tellEdited,
	core.MessageDeleted:  (*Dialect).tellDeleted,
	core.ReactionAdded:   (*Dialect).tellReaction,
	core.ReactionChanged: (*Dialect).tellReaction,
	core.ReactionRemoved: (*Dialect).tellReaction,
	core.MemberAdded:     (*Dialect).tellMember,
	core.MemberRemoved:   (*Dialect).tellMember,
	core.MemberUpdated:   (*Dialect).tellMemberChange,
	core.UserBanned:      (*Dialect).tellMember,
	core.UserUnbanned:    (*Dialect).tellMember,
	core.ReadMoved:       (*Dialect).tellReceipt,
	core.DeliveredMoved:  (*Dialect).tellReceipt,
	core.TypingStarted:   (*Dialect).tellTyping,
	core.TypingStopped:   (*Dialect).tellTyping,
	core.CustomEvent:     (*Dialect).tellTransient,
	core.UserPresence:    (*Dialect).tellPresence,
	core.GoalReached:     (*Dialect).tellInteraction,
	core.ReminderCreated: (*Dialect).tellSaved,
	core.ReminderDeleted: (*Dialect).tellSaved,
}

// telling is one event being written.
type telling struct {
	ev  *core.Event
	t   *tenant
	v   *venue // nil for events without a channel
	out []adapters.Frame
}

// tellWithin bounds the look at the store that a frame may need.
const tellWithin = 5 * time.Second

// frames writes the frames of an event. The outcome is shared, so that it does not end with the
// connection that happens to ask first.
func (d *Dialect) frames(ctx context.Context, t *tenant, ev *core.Event) []adapters.Frame {
	tell, ok := eventTable[ev.Kind]
	if !ok {
		return nil
	}
	x := &telling{ev: ev, t: t}
	if ev.Channel != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellWithin)
		defer cancel()
		v, err := d.venueOf(ctx, ev.App, "", ev.Channel)
		if err != nil {
			return nil
		}
		x.v = v
	}
	tell(d, x)
	return x.out
}

// actor is who did it, "" for nobody.
func (x *telling) actor() core.UserID {
	if x.ev.User != nil {
		return x.ev.User.ID
	}
	return core.SystemUser
}

// frame adds one frame: the envelope, and a body that write fills, object and all.
func (x *telling) frame(typ string, sender core.UserID, write func(*wire.Writer)) {
	w := wire.NewWriter(1024)
	w.Open()
	w.Text("appId", x.t.appID)
	if x.v != nil {
		x.v.receiver(w, sender)
	} else if len(x.ev.To) > 0 {
		w.Text("receiver", string(x.ev.To[0]))
		w.Text("receiverType", "user")
	}
	w.Text("deviceId", orElse(x.ev.Origin, serverDevice))
	w.Text("type", typ)
	w.Text("sender", string(sender))
	w.Key("body")
	write(w)
	w.Close()
	x.out = append(x.out, adapters.TextFrame(w.Bytes()))
}
