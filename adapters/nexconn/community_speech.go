package nexconn

import (
	"context"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// communitySpeechOps rule who may write in communities.
func (d *Dialect) communitySpeechOps() []operation {
	const c = "/community-channel/"
	f := familyCommunity
	return []operation{
		{path: c + "mute-list/add", family: f, rate: 100, serve: d.muteInCommunity(false)},
		{path: c + "mute-list/remove", family: f, rate: 100, serve: d.muteInCommunity(true)},
		{path: c + "mute-list/get", family: f, rate: 100, serve: d.listMutedInCommunity},
		{path: c + "freeze-list/set", family: f, rate: 100, serve: d.freezeCommunity},
		{path: c + "freeze-list/get", family: f, rate: 100, serve: d.communityFrozen},
		{path: c + "allowed-sender-list/add", family: f, rate: 100, serve: d.allowInCommunity(false)},
		{path: c + "allowed-sender-list/remove", family: f, rate: 100, serve: d.allowInCommunity(true)},
		{path: c + "allowed-sender-list/get", family: f, rate: 100, serve: d.listAllowedInCommunity},
	}
}

// scope are the channels a call about speech is for: one subchannel, or without one all of them, of
// which the first tells for all.
func (d *Dialect) scope(ctx context.Context, by core.Actor, in *input) ([]core.ChannelKey, error) {
	id, err := d.community(by, in)
	sub := in.Text("subchannelId")
	if err == nil {
		err = in.Err()
	}
	if err != nil {
		return nil, err
	}
	all, err := d.core.Communities.Subs(ctx, by, core.ListSubchannels{Community: id})
	if err != nil {
		return nil, err
	}
	keys := []core.ChannelKey{core.CommunityKey(id, "")}
	if sub == defaultSub {
		return keys, nil
	}
	for _, s := range all {
		if s.ID == sub {
			return []core.ChannelKey{core.CommunityKey(id, sub)}, nil
		}
		keys = append(keys, core.CommunityKey(id, s.ID))
	}
	if sub != "" {
		return nil, fault.GroupNotFound.Error("The subchannel " + clip(sub) + " does not exist.").With("subchannel")
	}
	return keys, nil
}

// inCommunity checks that people are members of the community a channel belongs to.
func (d *Dialect) inCommunity(ctx context.Context, by core.Actor, key core.ChannelKey, users []core.UserID) error {
	id, _, _ := core.SplitCommunity(key)
	return d.needMember(ctx, by, &core.Channel{Key: core.CommunityKey(id, "")}, users...)
}

func (d *Dialect) muteInCommunity(lift bool) handler {
	return func(ctx context.Context, by core.Actor, in *input) (answer, error) {
		users := in.userIDs("userIds", maxMuted)
		keys, err := d.scope(ctx, by, in)
		if err == nil {
			err = d.inCommunity(ctx, by, keys[0], users)
		}
		if err != nil {
			return nil, err
		}
		for _, k := range keys {
			if err := firstErr(d.core.Speech.Mute(ctx, by, core.MuteMembers{Key: k, Users: users, Lift: lift, Anyone: true})); err != nil {
				return nil, err
			}
		}
		return nil, nil
	}
}

func (d *Dialect) listMutedInCommunity(ctx context.Context, by core.Actor, in *input) (answer, error) {
	p := in.pageOf(50, 200)
	keys, err := d.scope(ctx, by, in)
	if err != nil {
		return nil, err
	}
	list, err := d.core.Speech.Muted(ctx, by, core.ListMuted{Key: keys[0], Page: core.Page{Limit: listedAll}})
	return func(w *wire.Writer) {
		w.List("mutedMembers")
		for _, m := range cutPage(list, p) {
			w.Open()
			w.Text("userId", string(m.User))
			w.Close()
		}
		w.CloseList()
	}, err
}

func (d *Dialect) freezeCommunity(ctx context.Context, by core.Actor, in *input) (answer, error) {
	frozen := in.needFlag("status")
	keys, err := d.scope(ctx, by, in)
	for _, k := range keys {
		if err == nil {
			_, err = d.core.Speech.MuteAll(ctx, by, core.MuteAll{Key: k, Lift: !frozen})
		}
	}
	return nil, err
}

func (d *Dialect) communityFrozen(ctx context.Context, by core.Actor, in *input) (answer, error) {
	keys, err := d.scope(ctx, by, in)
	if err != nil {
		return nil, err
	}
	v, err := d.core.Groups.Get(ctx, by, core.GetGroup{Key: keys[0]})
	return func(w *wire.Writer) { w.Bool("status", v.Channel.Rules().MutedAll) }, err
}

func (d *Dialect) allowInCommunity(remove bool) handler {
	return func(ctx context.Context, by core.Actor, in *input) (answer, error) {
		users := in.userIDs("userIds", maxMuted)
		keys, err := d.scope(ctx, by, in)
		if err == nil {
			err = d.inCommunity(ctx, by, keys[0], users)
		}
		if err != nil {
			return nil, err
		}
		for _, k := range keys {
			if err := firstErr(d.core.Speech.Allow(ctx, by, core.AllowMembers{Key: k, Users: users, Remove: remove, Anyone: true})); err != nil {
				return nil, err
			}
		}
		return nil, nil
	}
}

func (d *Dialect) listAllowedInCommunity(ctx context.Context, by core.Actor, in *input) (answer, error) {
	p := in.pageOf(50, 200)
	keys, err := d.scope(ctx, by, in)
	if err != nil {
		return nil, err
	}
	list, err := d.core.Speech.Allowed(ctx, by, core.ListAllowed{Key: keys[0], Page: core.Page{Limit: listedAll}})
	return func(w *wire.Writer) {
		w.List("members")
		for _, m := range cutPage(list, p) {
			w.Open()
			w.Text("userId", string(m.User))
			w.Close()
		}
		w.CloseList()
	}, err
}

// sendCommunity sends into subchannels. Whoever is named as the author has to be in the community, and
// must not be muted there: this is the one kind of channel where the vendor asks that of servers too.
func (d *Dialect) sendCommunity(ctx context.Context, by core.Actor, in *input) (answer, error) {
	if err := d.on(by.App, serviceCommunity); err != nil {
		return nil, err
	}
	p := in.readPost()
	ids, only, sub := in.channelIDs("toChannelIds", maxGroupTargets), in.optUserIDs("toUserIds", maxIDs), in.Text("subchannelId")
	if err := in.Err(); err != nil {
		return nil, err
	}
	for _, id := range ids {
		if err := d.maySpeak(ctx, by, id, subID(sub), p.from); err != nil {
			return nil, err
		}
	}
	return d.sendAll(ctx, by, &p, ids, func(id string) core.ChannelKey { return core.CommunityKey(id, subID(sub)) }, only)
}

// maySpeak checks that a person may write in a subchannel.
func (d *Dialect) maySpeak(ctx context.Context, by core.Actor, id, sub string, user core.UserID) error {
	if _, err := d.readable(ctx, by, wireCommunity, user, id, sub); err != nil {
		return err
	}
	st, err := d.core.Speech.State(ctx, by, core.GetSpeech{Key: core.CommunityKey(id, sub), User: user})
	if err == nil && (st.Mute != nil || st.MutedAll && !st.Allowed) {
		err = fault.GroupMuted.Error("The user is muted in the community channel.")
	}
	return err
}
