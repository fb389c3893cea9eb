package nexconn

import (
	"context"

	"dragoman/adapters/wire"
	"dragoman/core"
)

// Limits of moderation lists.
const (
	maxMuted  = 20   // people of one call
	listedAll = 1000 // entries read at once
)

// groupSpeechOps rule who may write in groups.
func (d *Dialect) groupSpeechOps() []operation {
	return []operation{
		{path: "/group-channel/user/mute-list/add", family: familyGroup, rate: 100, serve: d.muteInGroups},
		{path: "/group-channel/user/mute-list/remove", family: familyGroup, rate: 100, serve: d.unmuteInGroups},
		{path: "/group-channel/user/mute-list/get", family: familyGroup, rate: 100, serve: d.listMutedInGroup, alias: "/group-channel/user/mute-list-get"},
		{path: "/group-channel/freeze-list/add", family: familyGroup, rate: 100, serve: d.freezeGroups(false)},
		{path: "/group-channel/freeze-list/remove", family: familyGroup, rate: 100, serve: d.freezeGroups(true)},
		{path: "/group-channel/freeze-list/get", family: familyGroup, rate: 100, serve: d.listFrozenGroups},
		{path: "/group-channel/allowed-sender-list/add", family: familyGroup, rate: 100, serve: d.allowInGroup(false)},
		{path: "/group-channel/allowed-sender-list/remove", family: familyGroup, rate: 100, serve: d.allowInGroup(true)},
		{path: "/group-channel/allowed-sender-list/get", family: familyGroup, rate: 100, serve: d.listAllowedInGroup},
	}
}

// firstErr is the first failure of a batch.
func firstErr(out []core.GroupOutcome, err error) error {
	for i := range out {
		if err == nil {
			err = out[i].Err
		}
	}
	return err
}

// muteInGroups mutes people in one group for a time, or without a group in all of them.
func (d *Dialect) muteInGroups(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id, users, long := in.Text("channelId"), in.userIDs("userIds", maxMuted), in.minutes("durationMinutes")
	if err := in.Err(); err != nil {
		return nil, err
	}
	if id == "" {
		_, err := d.core.Speech.MuteKinds(ctx, by, core.MuteKinds{Users: users, Kinds: []core.ChannelKind{core.KindGroup}, For: long})
		return nil, err
	}
	c, err := d.group(ctx, by, id)
	if err != nil {
		return nil, err
	}
	return nil, firstErr(d.core.Speech.Mute(ctx, by, core.MuteMembers{Key: c.Key, Users: users, For: long}))
}

func (d *Dialect) unmuteInGroups(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id, users := in.Text("channelId"), in.userIDs("userIds", maxMuted)
	if err := in.Err(); err != nil {
		return nil, err
	}
	if id == "" {
		_, err := d.core.Speech.MuteKinds(ctx, by, core.MuteKinds{Users: users, Kinds: []core.ChannelKind{core.KindGroup}, Lift: true})
		return nil, err
	}
	c, err := d.group(ctx, by, id)
	if err != nil {
		return nil, err
	}
	return nil, firstErr(d.core.Speech.Mute(ctx, by, core.MuteMembers{Key: c.Key, Users: users, Lift: true, Anyone: true}))
}

func (d *Dialect) listMutedInGroup(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id := in.Text("channelId")
	if err := in.Err(); err != nil {
		return nil, err
	}
	var list []core.MemberMute
	if id == "" {
		all, err := d.core.Speech.KindMutes(ctx, by, core.ListKindMutes{Kind: core.KindGroup, Page: core.Page{Limit: listedAll}})
		if err != nil {
			return nil, err
		}
		for _, m := range all {
			list = append(list, core.MemberMute{User: m.User, CreatedAt: m.CreatedAt, Expires: m.Expires})
		}
	} else {
		c, err := d.group(ctx, by, id)
		if err != nil {
			return nil, err
		}
		if list, err = d.core.Speech.Muted(ctx, by, core.ListMuted{Key: c.Key, Page: core.Page{Limit: listedAll}}); err != nil {
			return nil, err
		}
	}
	return func(w *wire.Writer) {
		w.List("mutedMembers")
		for i := range list {
			w.Open()
			w.Text("userId", string(list[i].User))
			w.Text("mutedAt", dateTime(list[i].CreatedAt))
			w.Text("muteExpiresAt", dateTime(list[i].Expires))
			w.Close()
		}
		w.CloseList()
	}, nil
}

// freezeGroups mutes everybody in groups but the owner, the admins and those on the allow list.
func (d *Dialect) freezeGroups(lift bool) handler {
	return func(ctx context.Context, by core.Actor, in *input) (answer, error) {
		ids := in.channelIDs("channelIds", 20)
		if err := in.Err(); err != nil {
			return nil, err
		}
		for _, id := range ids {
			if _, err := d.group(ctx, by, id); err != nil {
				return nil, err
			}
		}
		for _, id := range ids {
			if _, err := d.core.Speech.MuteAll(ctx, by, core.MuteAll{Key: groupKey(id), Lift: lift}); err != nil {
				return nil, err
			}
		}
		return nil, nil
	}
}

// listFrozenGroups tells of the groups named whether they are frozen, or reads those that are.
func (d *Dialect) listFrozenGroups(ctx context.Context, by core.Actor, in *input) (answer, error) {
	ids, p := []string(nil), in.pageOf(50, 200)
	if in.Has("channelIds") {
		ids = in.channelIDs("channelIds", 20)
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	type status struct {
		id     string
		frozen bool
	}
	var out []status
	for _, id := range ids {
		c, err := d.group(ctx, by, id)
		if err != nil {
			return nil, err
		}
		out = append(out, status{id, c.Rules().MutedAll})
	}
	if ids == nil {
		all, err := d.frozen(ctx, by, groupsOnly)
		if err != nil {
			return nil, err
		}
		for _, c := range cutPage(all, p) {
			out = append(out, status{string(c.Key), true})
		}
	}
	return func(w *wire.Writer) {
		w.List("freezeStatuses")
		for _, s := range out {
			w.Open()
			w.Text("channelId", s.id)
			w.Int("status", bit(s.frozen))
			w.Close()
		}
		w.CloseList()
	}, nil
}

// frozen reads the channels of a kind in which everybody is muted.
func (d *Dialect) frozen(ctx context.Context, by core.Actor, kind core.Filter) ([]core.Channel, error) {
	var out []core.Channel
	for from := 0; from <= 1000; from += 100 {
		page, err := d.core.Groups.Query(ctx, by, core.QueryGroups{Filter: kind, Sort: []core.Sort{{Field: "created_at"}}, Page: core.Page{Limit: 100, Offset: from}})
		if err != nil {
			return nil, err
		}
		for i := range page.Groups {
			if c := page.Groups[i].Channel; c.Rules().MutedAll {
				out = append(out, c)
			}
		}
		if !page.More {
			break
		}
	}
	return out, nil
}

func (d *Dialect) allowInGroup(remove bool) handler {
	return func(ctx context.Context, by core.Actor, in *input) (answer, error) {
		id, users := in.channelID("channelId"), in.userIDs("userIds", maxMuted)
		if err := in.Err(); err != nil {
			return nil, err
		}
		c, err := d.group(ctx, by, id)
		if err != nil {
			return nil, err
		}
		return nil, firstErr(d.core.Speech.Allow(ctx, by, core.AllowMembers{Key: c.Key, Users: users, Remove: remove, Anyone: remove}))
	}
}

func (d *Dialect) listAllowedInGroup(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id := in.channelID("channelId")
	if err := in.Err(); err != nil {
		return nil, err
	}
	c, err := d.group(ctx, by, id)
	if err != nil {
		return nil, err
	}
	return d.allowedAnswer(ctx, by, c.Key, "userIds")
}

// allowedAnswer reads the allow list of a channel into a list of ids.
func (d *Dialect) allowedAnswer(ctx context.Context, by core.Actor, key core.ChannelKey, name string) (answer, error) {
	list, err := d.core.Speech.Allowed(ctx, by, core.ListAllowed{Key: key, Page: core.Page{Limit: listedAll}})
	if err != nil {
		return nil, err
	}
	return func(w *wire.Writer) {
		w.List(name)
		for i := range list {
			w.Item(string(list[i].User))
		}
		w.CloseList()
	}, nil
}
