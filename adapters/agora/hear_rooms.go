package agora

import (
	"context"

	"dragoman/adapters/wire"
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

// enter makes the person present in a room and answers what the SDK shows of it.
func (l *link) enter(ctx context.Context, b *mucBody) (ack, error) {
	key := core.ChannelKey(b.muc.v.name)
	in := core.EnterRoom{Key: key, LeaveOthers: b.leaveOthers}
	if b.ext != "" {
		w := wire.NewWriter(len(b.ext) + 16)
		w.Open()
		w.Text("ext", b.ext)
		w.Close()
		in.Extra = w.Bytes()
	}
	g, err := l.d.core.Rooms.Enter(ctx, l.by, in)
	if err != nil {
		return ack{}, l.roomRefusal(b, err)
	}
	a := l.done()
	v := &venue{t: l.t, c: &g.Channel}
	body := mucBody{op: mucJoin, room: true}
	body.muc.v, body.from.v = v.group(), &jid{name: string(l.by.User)}
	info, err := l.roomInfo(ctx, &g)
	if err != nil {
		return ack{}, err
	}
	body.status.v = &mucStatus{chatroomInfo: info}
	x := item{id: a.id, timestamp: millis(a.at), ns: nsMUC, payload: body.encode(nil)}
	x.from.v, x.to.v = v.group(), l.self()
	a.metas = []item{x}
	return a, nil
}

// roomRefusal names the person where the vendor's text does.
func (l *link) roomRefusal(b *mucBody, err error) error {
	if _, ok := core.ChannelKey(b.muc.v.name).Number(); !ok && fault.IsReason(err, fault.GroupNotFound) {
		return fault.GroupInvalidID.Error("The id of the room is no number.")
	}
	return fault.From(err).Param("username", string(l.by.User)).Param("group_id", b.muc.v.name)
}

// roomInfo is the state of a room for the person who enters it; see
// https://docs.agora.io/en/agora-chat/client-api/chat-room/manage-chatrooms.
func (l *link) roomInfo(ctx context.Context, g *core.GroupView) (string, error) {
	st, err := l.d.core.Speech.State(ctx, l.by, core.GetSpeech{Key: g.Channel.Key})
	if err != nil {
		return "", err
	}
	until := int64(-1)
	if st.Mute != nil {
		until = 0
		if !st.Mute.Expires.IsZero() {
			until = st.Mute.Expires.UnixMilli()
		}
	}
	w := wire.NewWriter(192)
	w.Open()
	w.KeyOf(string(l.by.User))
	w.Open()
	w.Bool("is_all_mute", st.MutedAll)
	w.Int64("create_timestamp", g.Channel.CreatedAt.UnixMilli())
	w.Bool("is_in_white_list", st.Allowed)
	w.Int("member_count", g.Channel.MemberCount)
	w.Int64("mute_duration", until)
	w.Close()
	w.Close()
	return string(w.Bytes()), nil
}

// leave ends the person's presence in a room. Who is not in it has what they want.
func (l *link) leave(ctx context.Context, b *mucBody) (ack, error) {
	_, err := l.d.core.Rooms.Leave(ctx, l.by, core.LeaveRoom{Key: core.ChannelKey(b.muc.v.name)})
	if fault.IsReason(err, fault.GroupNotMember) {
		err = nil
	}
	if err != nil {
		err = l.roomRefusal(b, err)
	}
	return l.done(), err
}
