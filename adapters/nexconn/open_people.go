package nexconn

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// openPeopleOps are the participants of open channels and who of them may speak.
func (d *Dialect) openPeopleOps() []operation {
	const p = "/open-channel/participant"
	return []operation{
		{path: p + "/list", family: familyOpen, rate: 100, serve: d.listParticipants},
		{path: p + "/exist", family: familyOpen, rate: 100, serve: d.participantsExist},
		{path: p + "/mute-list/add", family: familyOpen, rate: 100, serve: d.muteParticipants(false)},
		{path: p + "/mute-list/remove", family: familyOpen, rate: 100, serve: d.muteParticipants(true)},
		{path: p + "/mute-list/get", family: familyOpen, rate: 100, serve: d.listMutedParticipants},
		{path: p + "/ban-list/add", family: familyOpen, rate: 100, serve: d.banParticipants},
		{path: p + "/ban-list/remove", family: familyOpen, rate: 100, serve: d.unbanParticipants},
		{path: p + "/ban-list/get", family: familyOpen, rate: 100, serve: d.listBannedParticipants},
		{path: "/open-channel/global-mute-list/add", family: familyOpen, rate: 100, serve: d.muteEverywhere(false), alias: p + "/global-mute-list/add"},
		{path: "/open-channel/global-mute-list/remove", family: familyOpen, rate: 100, serve: d.muteEverywhere(true), alias: p + "/global-mute-list/remove"},
		{path: "/open-channel/global-mute-list/get", family: familyOpen, rate: 100, serve: d.listMutedEverywhere, alias: p + "/global-mute-list/get"},
		{path: "/open-channel/freeze-list/add", family: familyOpen, rate: 100, serve: d.freezeRoom(false)},
		{path: "/open-channel/freeze-list/remove", family: familyOpen, rate: 100, serve: d.freezeRoom(true)},
		{path: "/open-channel/freeze-list/get", family: familyOpen, rate: 100, serve: d.listFrozenRooms},
		{path: "/open-channel/freeze/check", family: familyOpen, rate: 100, serve: d.checkFrozen},
		{path: p + "/allowed-sender-list/add", family: familyOpen, rate: 100, serve: d.allowParticipants(false)},
		{path: p + "/allowed-sender-list/remove", family: familyOpen, rate: 100, serve: d.allowParticipants(true)},
		{path: p + "/allowed-sender-list/get", family: familyOpen, rate: 100, serve: d.listAllowedParticipants},
	}
}

// participants reads the people a call about open channels names. Extra and needNotify are what the
// participants are told along; they are told in any case.
func (in *input) participants(max int) []core.UserID {
	in.flag("needNotify", false)
	in.Text("extra")
	return in.userIDs("participantIds", max)
}

func (d *Dialect) listParticipants(ctx context.Context, by core.Actor, in *input) (answer, error) {
	size, order := in.number("pageSize", 20, 1, maxParticipants), in.number("order", 1, 1, 2)
	c, err := d.oneRoom(ctx, by, in)
	if err != nil {
		return nil, err
	}
	all, err := d.everyMember(ctx, by, c)
	if err != nil {
		return nil, err
	}
	if order == 2 {
		slices.Reverse(all)
	}
	return func(w *wire.Writer) {
		w.Int("total", len(all))
		w.List("participants")
		for _, m := range all[:min(int(size), len(all))] {
			w.Open()
			w.Text("participantId", string(m.User))
			w.Text("createdAt", dateTime(m.CreatedAt))
			w.Close()
		}
		w.CloseList()
	}, nil
}

func (d *Dialect) participantsExist(ctx context.Context, by core.Actor, in *input) (answer, error) {
	ids := in.userIDs("participantIds", maxExists)
	c, err := d.oneRoom(ctx, by, in)
	if err != nil {
		return nil, err
	}
	there, err := d.core.Rooms.In(ctx, by, core.InRoom{Key: c.Key, Users: ids})
	if err != nil {
		return nil, err
	}
	return func(w *wire.Writer) {
		w.List("participants")
		for _, id := range ids {
			w.Open()
			w.Text("participantId", string(id))
			w.Int("isInOpenChannel", bit(there[id]))
			w.Close()
		}
		w.CloseList()
	}, nil
}

func (d *Dialect) muteParticipants(lift bool) handler {
	return func(ctx context.Context, by core.Actor, in *input) (answer, error) {
		mute := core.MuteMembers{Lift: lift, Anyone: true}
		if !lift {
			mute.For = in.minutes("durationMinutes")
		}
		mute.Users = in.participants(maxMuted)
		c, err := d.oneRoom(ctx, by, in)
		if err != nil {
			return nil, err
		}
		mute.Key = c.Key
		return nil, firstErr(d.core.Speech.Mute(ctx, by, mute))
	}
}

func (d *Dialect) listMutedParticipants(ctx context.Context, by core.Actor, in *input) (answer, error) {
	c, err := d.oneRoom(ctx, by, in)
	if err != nil {
		return nil, err
	}
	list, err := d.core.Speech.Muted(ctx, by, core.ListMuted{Key: c.Key, Page: core.Page{Limit: listedAll}})
	if err != nil {
		return nil, err
	}
	return func(w *wire.Writer) {
		w.List("mutedParticipants")
		for i := range list {
			w.Open()
			w.Text("participantId", string(list[i].User))
			w.Text("muteExpiresAt", dateTime(list[i].Expires))
			w.Close()
		}
		w.CloseList()
	}, nil
}

// banParticipants throws people out of an open channel and keeps them out for a time.
func (d *Dialect) banParticipants(ctx context.Context, by core.Actor, in *input) (answer, error) {
	long, ids := in.minutes("durationMinutes"), in.participants(maxMuted)
	c, err := d.oneRoom(ctx, by, in)
	if err != nil {
		return nil, err
	}
	if _, err := d.people(ctx, by, ids); err != nil {
		return nil, err
	}
	for _, id := range ids {
		if _, err := d.core.Groups.Ban(ctx, by, core.BanMember{Key: c.Key, User: id, For: long}); err != nil && !fault.IsReason(err, fault.GroupBanConflict) {
			return nil, err
		}
	}
	return nil, nil
}

func (d *Dialect) unbanParticipants(ctx context.Context, by core.Actor, in *input) (answer, error) {
	ids := in.participants(maxMuted)
	c, err := d.oneRoom(ctx, by, in)
	if err != nil {
		return nil, err
	}
	if _, err := d.people(ctx, by, ids); err != nil {
		return nil, err
	}
	for _, id := range ids {
		if _, err := d.core.Groups.Ban(ctx, by, core.BanMember{Key: c.Key, User: id, Lift: true}); err != nil && !fault.IsReason(err, fault.GroupBanConflict) {
			return nil, err
		}
	}
	return nil, nil
}

func (d *Dialect) listBannedParticipants(ctx context.Context, by core.Actor, in *input) (answer, error) {
	c, err := d.oneRoom(ctx, by, in)
	if err != nil {
		return nil, err
	}
	list, err := d.core.Moderation.Bans(ctx, by, core.QueryBans{Filter: core.Cond("key", core.OpEq, core.Text(string(c.Key))), Page: core.Page{Limit: 300}})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b core.Ban) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(string(a.User), string(b.User)))
	})
	return func(w *wire.Writer) {
		w.List("bannedParticipants")
		for i := range list {
			w.Open()
			w.Text("participantId", string(list[i].User))
			w.Text("banExpiresAt", dateTime(list[i].Expires))
			w.Close()
		}
		w.CloseList()
	}, nil
}

// muteEverywhere mutes people in all open channels.
func (d *Dialect) muteEverywhere(lift bool) handler {
	return func(ctx context.Context, by core.Actor, in *input) (answer, error) {
		mute := core.MuteKinds{Kinds: []core.ChannelKind{core.KindRoom}, Lift: lift}
		if !lift {
			mute.For = in.minutes("durationMinutes")
		}
		mute.Users = in.participants(maxMuted)
		if err := in.Err(); err != nil {
			return nil, err
		}
		_, err := d.core.Speech.MuteKinds(ctx, by, mute)
		return nil, err
	}
}

func (d *Dialect) listMutedEverywhere(ctx context.Context, by core.Actor, in *input) (answer, error) {
	list, err := d.core.Speech.KindMutes(ctx, by, core.ListKindMutes{Kind: core.KindRoom, Page: core.Page{Limit: listedAll}})
	if err != nil {
		return nil, err
	}
	return func(w *wire.Writer) {
		w.List("mutedParticipants")
		for i := range list {
			w.Open()
			w.Text("participantId", string(list[i].User))
			w.Text("muteExpiresAt", dateTime(list[i].Expires))
			w.Close()
		}
		w.CloseList()
	}, nil
}

// freezeRoom mutes everybody in an open channel but those on its allow list.
func (d *Dialect) freezeRoom(lift bool) handler {
	return func(ctx context.Context, by core.Actor, in *input) (answer, error) {
		in.flag("needNotify", false)
		c, err := d.oneRoom(ctx, by, in)
		if err != nil {
			return nil, err
		}
		_, err = d.core.Speech.MuteAll(ctx, by, core.MuteAll{Key: c.Key, Lift: lift})
		return nil, err
	}
}

// roomsOnly is the filter of open channels among all channels.
var roomsOnly = core.Cond("kind", core.OpEq, core.Number(float64(core.KindRoom)))

func (d *Dialect) listFrozenRooms(ctx context.Context, by core.Actor, in *input) (answer, error) {
	p := in.pageOf(50, 200)
	if err := in.Err(); err != nil {
		return nil, err
	}
	all, err := d.frozen(ctx, by, roomsOnly)
	if err != nil {
		return nil, err
	}
	return func(w *wire.Writer) {
		w.List("channelIds")
		for _, c := range cutPage(all, p) {
			w.Item(roomID(c.Key))
		}
		w.CloseList()
	}, nil
}

func (d *Dialect) checkFrozen(ctx context.Context, by core.Actor, in *input) (answer, error) {
	c, err := d.oneRoom(ctx, by, in)
	if err != nil {
		return nil, err
	}
	return func(w *wire.Writer) { w.Int("status", bit(c.Rules().MutedAll)) }, nil
}

func (d *Dialect) allowParticipants(remove bool) handler {
	return func(ctx context.Context, by core.Actor, in *input) (answer, error) {
		ids := in.participants(maxIDs)
		c, err := d.oneRoom(ctx, by, in)
		if err != nil {
			return nil, err
		}
		out, err := d.core.Speech.Allow(ctx, by, core.AllowMembers{Key: c.Key, Users: ids, Remove: remove, Anyone: true, Max: maxRoomAllowed})
		if err = firstErr(out, err); fault.IsReason(err, fault.LimitReached) {
			err = tooManyAllowed()
		}
		return nil, err
	}
}

func (d *Dialect) listAllowedParticipants(ctx context.Context, by core.Actor, in *input) (answer, error) {
	c, err := d.oneRoom(ctx, by, in)
	if err != nil {
		return nil, err
	}
	return d.allowedAnswer(ctx, by, c.Key, "participantIds")
}
