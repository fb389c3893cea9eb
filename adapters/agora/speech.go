package agora

import (
	"context"
	"slices"
	"time"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
)

// speechRoutes are the operations on who may write.
func (s *space) speechRoutes() []adapters.Route {
	return []adapters.Route{
		here(s, full, "GET", "/mute", "listMutedOf", s.listMuted, encodeMuted),
		here(s, full, "POST", "/mute", "muteIn", s.mute, allDid("mute")),
		here(s, full, "DELETE", "/mute/:usernames", "unmuteIn", s.unmute, allDid("unmute")),
		here(s, full, "POST", "/ban", "muteAllOf", s.muteAll(true), encodeMuteAll),
		here(s, full, "PUT", "/ban", "muteAllOfPut", s.muteAll(true), encodeMuteAll),
		here(s, full, "DELETE", "/ban", "unmuteAllOf", s.muteAll(false), encodeMuteAll),
		here(s, full, "GET", "/white/users", "listAllowedOf", s.listAllowed, nameList),
		here(s, full, "POST", "/white/users", "allowIn", s.allow, allDid("add_user_whitelist")),
		here(s, full, "GET", "/white/users/:username", "isAllowedIn", s.isAllowed, encodeAllowed),
		here(s, full, "POST", "/white/users/:username", "allowOneIn", s.allowOne, oneDid("add_user_whitelist")),
		here(s, full, "DELETE", "/white/users/:usernames", "disallowIn", s.disallow, allDid("remove_user_whitelist")),
		here(s, full, "GET", "/blocks/users", "listBannedOf", s.listBanned, nameList),
		here(s, full, "POST", "/blocks/users", "banManyIn", s.banMany, allDid("add_blocks")),
		here(s, full, "POST", "/blocks/users/:username", "banIn", s.ban(false), eitherDid("add_blocks")),
		here(s, full, "DELETE", "/blocks/users/:username", "unbanIn", s.ban(true), eitherDid("remove_blocks")),
		op(s.d, full, "GET", "/sdk"+s.base+"/:id/mute/:username", "amIMutedIn"+s.noun, s.amMuted, encodeAmMuted),
	}
}

func (s *space) listMuted(ctx context.Context, at *spot, _ *adapters.Request) ([]core.MemberMute, error) {
	ms, err := s.d.core.Speech.Muted(ctx, at.by, core.ListMuted{Key: at.key(), Page: core.Page{Limit: 1000}})
	return ms, at.fail(err, "")
}

// expiry is the end of a mute as the vendor has it: -1 for none.
func expiry(t time.Time) int64 {
	if t.IsZero() {
		return -1
	}
	return t.UnixMilli()
}

func encodeMuted(a *answer, _ *spot, ms []core.MemberMute) {
	a.List("data")
	for i := range ms {
		a.Open()
		a.Int64("expire", expiry(ms[i].Expires))
		a.Text("user", string(ms[i].User))
		a.Close()
	}
	a.CloseList()
	a.Int("count", len(ms))
}

// mute forbids people to write for a time in milliseconds; below 0 is without end.
func (s *space) mute(ctx context.Context, at *spot, rq *adapters.Request) ([]did, error) {
	ids, r, err := at.usersIn(ctx, rq)
	if err != nil {
		return nil, err
	}
	ms := r.Int("mute_duration", -1<<53, 1<<53)
	if err := r.Err(); err != nil {
		return nil, err
	}
	if slices.Contains(ids, at.view.Channel.CreatedBy) {
		return nil, at.fail(fault.GroupOwnerProtected.Error(""), at.view.Channel.CreatedBy)
	}
	in, expire := core.MuteMembers{Key: at.key(), Users: ids}, int64(-1)
	if ms > 0 {
		in.For = time.Duration(min(ms, 1<<42)) * time.Millisecond
		expire = s.d.now().Add(in.For).UnixMilli()
	}
	out, err := at.outcomes(s.d.core.Speech.Mute(ctx, at.by, in))
	for i := range out {
		out[i].sparse, out[i].expire = true, &expire
	}
	return out, err
}

func (s *space) unmute(ctx context.Context, at *spot, rq *adapters.Request) ([]did, error) {
	ids, err := at.usersAt(ctx, rq, "usernames")
	if err != nil {
		return nil, err
	}
	out, err := at.outcomes(s.d.core.Speech.Mute(ctx, at.by, core.MuteMembers{Key: at.key(), Users: ids, Lift: true}))
	for i := range out {
		out[i].sparse = true
	}
	return out, err
}

func (s *space) muteAll(on bool) func(context.Context, *spot, *adapters.Request) (bool, error) {
	return func(ctx context.Context, at *spot, _ *adapters.Request) (bool, error) {
		_, err := s.d.core.Speech.MuteAll(ctx, at.by, core.MuteAll{Key: at.key(), Lift: !on})
		return on, at.fail(err, "")
	}
}

func encodeMuteAll(a *answer, _ *spot, on bool) {
	a.Object("data")
	a.Bool("mute", on)
	a.Close()
}

// amMuted tells a person whether they are muted.
func (s *space) amMuted(ctx context.Context, by core.Actor, rq *adapters.Request) (bool, error) {
	at, err := s.at(ctx, by, rq)
	if err != nil {
		return false, err
	}
	name := core.UserID(rq.Param("username"))
	if name == "me" && by.User != "" {
		name = by.User
	}
	u, err := s.d.known(ctx, by.App, name)
	if err != nil {
		return false, err
	}
	st, err := s.d.core.Speech.State(ctx, by, core.GetSpeech{Key: at.key(), User: u.ID})
	return st.Mute != nil, at.fail(err, u.ID)
}

func encodeAmMuted(a *answer, muted bool) { a.Bool("data", muted) }

func (s *space) listAllowed(ctx context.Context, at *spot, _ *adapters.Request) ([]core.UserID, error) {
	list, err := s.d.core.Speech.Allowed(ctx, at.by, core.ListAllowed{Key: at.key(), Page: core.Page{Limit: 1000}})
	ids := make([]core.UserID, 0, len(list))
	for i := range list {
		ids = append(ids, list[i].User)
	}
	return ids, at.fail(err, "")
}

func (s *space) allow(ctx context.Context, at *spot, rq *adapters.Request) ([]did, error) {
	ids, _, err := at.usersIn(ctx, rq)
	if err != nil {
		return nil, err
	}
	return at.outcomes(s.d.core.Speech.Allow(ctx, at.by, core.AllowMembers{Key: at.key(), Users: ids}))
}

func (s *space) allowOne(ctx context.Context, at *spot, rq *adapters.Request) (did, error) {
	ids, err := at.usersAt(ctx, rq, "username")
	if err != nil {
		return did{}, err
	}
	out, err := at.outcomes(s.d.core.Speech.Allow(ctx, at.by, core.AllowMembers{Key: at.key(), Users: ids}))
	if err != nil {
		return did{}, err
	}
	return out[0], out[0].err
}

func (s *space) disallow(ctx context.Context, at *spot, rq *adapters.Request) ([]did, error) {
	ids, err := at.usersAt(ctx, rq, "usernames")
	if err != nil {
		return nil, err
	}
	return at.outcomes(s.d.core.Speech.Allow(ctx, at.by, core.AllowMembers{Key: at.key(), Users: ids, Remove: true}))
}

// allowedOne is whether one person is on the allow list.
type allowedOne struct {
	user core.UserID
	yes  bool
}

// isAllowed reads the list with the trust of the app: everybody may ask about themself.
func (s *space) isAllowed(ctx context.Context, at *spot, rq *adapters.Request) (allowedOne, error) {
	ids, err := at.usersAt(ctx, rq, "username")
	if err != nil || len(ids) == 0 {
		return allowedOne{}, err
	}
	st, err := s.d.core.Speech.State(ctx, at.by, core.GetSpeech{Key: at.key(), User: ids[0]})
	return allowedOne{ids[0], st.Allowed}, at.fail(err, ids[0])
}

func encodeAllowed(a *answer, _ *spot, x allowedOne) {
	a.Object("data")
	a.Text("member", string(x.user))
	a.Bool("white", x.yes)
	a.Close()
}

func (s *space) listBanned(ctx context.Context, at *spot, _ *adapters.Request) ([]core.UserID, error) {
	var ids []core.UserID
	for len(ids) < 1000 {
		bs, err := s.d.core.Groups.Banned(ctx, at.by, core.ListBanned{Key: at.key(), Page: core.Page{Limit: 100, Offset: len(ids)}})
		for i := range bs {
			ids = append(ids, bs[i].User)
		}
		if err != nil || len(bs) < 100 {
			return ids, at.fail(err, "")
		}
	}
	return ids, nil
}

// banOne keeps a person out of a place, or lets them in again. Doing it again is no failure.
func (s *spot) banOne(ctx context.Context, id core.UserID, lift bool) error {
	if id == s.view.Channel.CreatedBy {
		return fault.GroupOwnerProtected.Error("")
	}
	if !lift { // the vendor's block list is of members
		m, err := s.member(ctx, id)
		if err != nil {
			return err
		}
		if m == nil && !s.room {
			return fault.GroupNotMember.Error("").With("remove")
		}
	}
	_, err := s.d.core.Groups.Ban(ctx, s.by, core.BanMember{Key: s.key(), User: id, Lift: lift})
	if fault.IsReason(err, fault.GroupBanConflict) {
		return nil
	}
	return notMember(err)
}

func (s *space) ban(lift bool) func(context.Context, *spot, *adapters.Request) ([]did, error) {
	return func(ctx context.Context, at *spot, rq *adapters.Request) ([]did, error) {
		ids, err := at.usersAt(ctx, rq, "username")
		if err != nil {
			return nil, err
		}
		return at.each(ids, func(id core.UserID) error { return at.banOne(ctx, id, lift) })
	}
}

func (s *space) banMany(ctx context.Context, at *spot, rq *adapters.Request) ([]did, error) {
	ids, _, err := at.usersIn(ctx, rq)
	if err != nil {
		return nil, err
	}
	return at.each(ids, func(id core.UserID) error { return at.banOne(ctx, id, false) })
}
