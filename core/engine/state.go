package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/perm"
	"dragoman/core/store"
)

// storeRange is the newest single message with Seq below the bound, whatever it is.
func storeRange(ch core.ChannelID, below int64) store.Range {
	return store.Range{Channel: ch, Below: below, Newest: true, All: true, Hidden: true, Limit: 1}
}

// Query finds channels and reads their state.
func (cs channels) Query(ctx context.Context, by core.Actor, in core.QueryChannels) ([]core.ChannelState, error) {
	out, err := cs.query(ctx, by, in)
	return out, translate("channels.query", err)
}

func (cs channels) query(ctx context.Context, by core.Actor, in core.QueryChannels) ([]core.ChannelState, error) {
	e := cs.e
	limit := cmp.Or(in.Page.Limit, 10)
	if limit < 0 || limit > maxChannelsPage || in.Page.Offset < 0 || in.Page.Offset > maxOffset {
		return nil, fault.RequestInvalidField.Error(fmt.Sprintf("limit must be at most %d and offset at most %d", maxChannelsPage, maxOffset))
	}
	if (in.State.Watch || in.State.Presence) && !by.Server() {
		if _, err := e.connection(ctx, by, ""); err != nil {
			return nil, err
		}
	}
	f := in.Filter
	if !mentionsField(f, "hidden") && by.User != "" {
		f = core.And(f, core.Cond("hidden", core.OpEq, core.Bool(false)))
	}
	if a, err := e.app(ctx, by.App); err != nil {
		return nil, err
	} else if a.Settings.Teams && !by.Server() && !mentionsField(f, "team") {
		u, err := e.actor(ctx, by)
		if err != nil {
			return nil, err
		}
		f = core.And(f, core.Cond("team", core.OpIn, core.Texts(append([]string{""}, u.Teams...))))
	}
	found, err := e.store.FindChannels(ctx, by.App, store.Query{Filter: f, Sort: in.Sort, Limit: limit, Offset: in.Page.Offset, Viewer: by.User})
	if err != nil {
		return nil, err
	}
	out := make([]core.ChannelState, 0, len(found))
	for i := range found {
		sc, err := e.sceneOf(ctx, by, &found[i])
		if err != nil {
			return nil, err
		}
		wanted := in.State
		if err := e.can(sc, perm.ReadChannel, sc.owns()); err != nil && sc.member != nil && !sc.member.RejectedAt.IsZero() {
			// Who declined an invitation still finds the channel, or one refusal would turn every list
			// of "my" channels into an error; but not what is said in it.
			wanted = core.StateWanted{}
		} else if err != nil {
			if fault.IsReason(err, fault.PermissionDenied) {
				return nil, fault.ConversationAccessDenied.Error(strings.Replace(err.Error(), "permission.denied: ", "", 1))
			}
			return nil, err
		}
		st, err := e.state(ctx, sc, wanted)
		if err != nil {
			return nil, err
		}
		out = append(out, st)
	}
	return out, nil
}

// mentionsField reports whether a filter speaks of a field.
func mentionsField(f core.Filter, field string) bool {
	if f.Field == field {
		return true
	}
	for i := range f.Sub {
		if mentionsField(f.Sub[i], field) {
			return true
		}
	}
	return false
}

// state reads what a client shows first of a channel. Watching starts before anything is read.
func (e *Engine) state(ctx context.Context, sc *scene, w core.StateWanted) (core.ChannelState, error) {
	by := sc.by
	if w.Watch && !by.Server() {
		conn, err := e.connection(ctx, by, "")
		if err == nil {
			err = conn.watch(ctx, sc)
		}
		if err != nil {
			return core.ChannelState{}, err
		}
		c, err := e.channel(ctx, by.App, sc.channel.Key)
		if err != nil {
			return core.ChannelState{}, err
		}
		sc.channel = c
	}
	st := core.ChannelState{Channel: *sc.channel, Config: *sc.config}
	owners, err := e.usersByID(ctx, by.App, []core.UserID{sc.channel.CreatedBy})
	if err != nil {
		return st, err
	}
	st.Channel.Owner = owners[sc.channel.CreatedBy]
	if !by.Server() {
		st.Capabilities = e.capabilities(sc)
	}
	if sc.member != nil {
		m := *sc.member
		m.Profile = e.seen(by.App, sc.user)
		st.Membership, st.Hidden = &m, !m.HiddenAt.IsZero()
	}
	if !w.State {
		return st, nil
	}
	if st.Messages, err = e.page(ctx, sc, 0, w.Messages, 25); err != nil {
		return st, err
	}
	if st.Pinned, err = e.pinned(ctx, sc, maxPinnedShown); err != nil {
		return st, err
	}
	limit := cmp.Or(w.MemberLimit, maxMembersShown)
	if limit < 0 || limit > maxMembersShown || w.MemberOffset < 0 || w.MemberOffset > maxOffset {
		return st, fault.RequestInvalidField.Error("members limit must be at most 100")
	}
	ms, err := e.store.Members(ctx, by.App, sc.channel.ID, nil, limit, w.MemberOffset)
	if err != nil {
		return st, err
	}
	if err := e.profiles(ctx, by.App, ms); err != nil {
		return st, err
	}
	st.Members = ms
	if sc.config.Features[core.FeatureReads] {
		if st.Reads, err = e.readsOf(ctx, sc, ms); err != nil {
			return st, err
		}
	}
	ids, n := e.hub.watching(by.App, sc.channel.ID, w.Watchers)
	st.WatcherCount = n
	if len(ids) > 0 {
		us, err := e.usersByID(ctx, by.App, ids)
		if err != nil {
			return st, err
		}
		st.Watchers = usersIn(us, ids)
	}
	if w.Presence && !by.Server() {
		if conn, err := e.connection(ctx, by, ""); err == nil {
			people := make([]core.UserID, 0, len(ms))
			for i := range ms {
				people = append(people, ms[i].User)
			}
			if err := conn.follow(ctx, people, false); err != nil {
				return st, err
			}
		}
	}
	if by.User != "" {
		if st.Draft, err = e.draftOf(ctx, by.App, by.User, sc.channel.Key, ""); err != nil {
			return st, err
		}
	}
	return st, nil
}

// profiles fills in who members are, and their bans in force.
func (e *Engine) profiles(ctx context.Context, app core.AppID, ms []core.Member) error {
	ids := make([]core.UserID, len(ms))
	for i := range ms {
		ids[i] = ms[i].User
	}
	us, err := e.usersByID(ctx, app, ids)
	if err != nil {
		return err
	}
	for i := range ms {
		ms[i].Profile = us[ms[i].User]
	}
	return nil
}

// readsOf reads how far members have read, with the messages they read last.
func (e *Engine) readsOf(ctx context.Context, sc *scene, ms []core.Member) ([]core.Read, error) {
	var ids []core.MessageID
	for i := range ms {
		if ms[i].ReadMessage != 0 {
			ids = append(ids, ms[i].ReadMessage)
		}
	}
	aliases := map[core.MessageID]string{}
	if len(ids) > 0 {
		found, err := e.store.Messages(ctx, sc.by.App, ids)
		if err != nil {
			return nil, err
		}
		for i := range found {
			aliases[found[i].ID] = found[i].Alias
		}
	}
	out := make([]core.Read, 0, len(ms))
	for i := range ms {
		if ms[i].Profile == nil {
			continue
		}
		r := readOf(ms[i].Profile, &ms[i], aliases[ms[i].ReadMessage])
		if ms[i].ReadSeq < sc.channel.LastSeq {
			rows, err := e.store.Unread(ctx, sc.by.App, ms[i].User, []core.ChannelID{sc.channel.ID})
			if err != nil {
				return nil, err
			}
			if len(rows) > 0 {
				r.Unread = rows[0].Count
			}
		}
		if ms[i].DeliveredSeq > 0 {
			if at, err := e.store.RangeMessages(ctx, sc.by.App, storeRange(sc.channel.ID, ms[i].DeliveredSeq+1)); err == nil && len(at) > 0 {
				r.DeliveredID, r.DeliveredName = at[0].ID, at[0].Alias
			}
		}
		out = append(out, r)
	}
	return out, nil
}

// Members finds members of a channel.
func (cs channels) Members(ctx context.Context, by core.Actor, in core.QueryMembers) ([]core.Member, error) {
	e := cs.e
	const op = "channels.members"
	key := in.Key
	if len(in.Direct) > 0 {
		key = core.KeyOf(in.Type, core.DirectID(in.Direct))
	}
	sc, err := e.enter(ctx, by, key)
	if err != nil {
		return nil, translate(op, err)
	}
	if err := e.can(sc, perm.ReadChannelMembers, sc.owns()); err != nil {
		return nil, translate(op, err)
	}
	limit := cmp.Or(in.Page.Limit, maxMembersShown)
	if limit < 0 || limit > maxMembersShown || in.Page.Offset < 0 || in.Page.Offset > maxOffset {
		return nil, translate(op, fault.RequestInvalidField.Error("limit must be at most 100 and offset at most 1000"))
	}
	ms, err := e.store.FindMembers(ctx, by.App, sc.channel.ID, store.Query{Filter: in.Filter, Sort: in.Sort, Limit: limit, Offset: in.Page.Offset, Viewer: by.User})
	if err != nil {
		return nil, translate(op, err)
	}
	return ms, translate(op, e.profiles(ctx, by.App, ms))
}

// page reads a run of messages as the actor may see them.
func (e *Engine) page(ctx context.Context, sc *scene, parent core.MessageID, p core.MessagePage, def int) ([]core.Message, error) {
	if p.Limit < 0 || p.Limit > maxMessagesShown || p.Offset < 0 || p.Offset > maxOffset {
		return nil, fault.RequestInvalidField.Error(fmt.Sprintf("limit must be between 0 and %d", maxMessagesShown))
	}
	limit := cmp.Or(p.Limit, def)
	r := store.Range{Channel: sc.channel.ID, Parent: parent, Limit: limit, Offset: p.Offset, Newest: true, Viewer: sc.by.User, Hidden: sc.by.Server()}
	floor := sc.floor()
	r.Above = floor
	var err error
	switch {
	case p.Around != "" || !p.AroundTime.IsZero():
		return e.pageAround(ctx, sc, r, p, limit)
	case p.Before != "" || !p.BeforeTime.IsZero():
		r.Below, err = e.bound(ctx, sc, p.Before, p.BeforeTime, p.Inclusive, true)
	case p.After != "" || !p.AfterTime.IsZero():
		r.Newest = false
		var above int64
		above, err = e.bound(ctx, sc, p.After, p.AfterTime, p.Inclusive, false)
		r.Above = max(floor, above)
	}
	if err != nil {
		return nil, err
	}
	if r.Below == 1 {
		return nil, nil
	}
	ms, err := e.store.RangeMessages(ctx, sc.by.App, r)
	if err != nil {
		return nil, err
	}
	return e.shown(ctx, sc, ms)
}

// floor is the Seq up to which messages are out of the actor's view.
func (s *scene) floor() int64 {
	f := s.channel.TruncatedUpTo
	if s.member != nil {
		f = max(f, s.member.HiddenUpTo)
	}
	return f
}

// bound turns a message name or a time into an exclusive Seq bound.
func (e *Engine) bound(ctx context.Context, sc *scene, name string, at time.Time, inclusive, below bool) (int64, error) {
	if name != "" {
		m, err := e.messageIn(ctx, sc.by.App, sc.channel, name)
		if err != nil {
			return 0, err
		}
		switch {
		case below && inclusive:
			return m.Seq + 1, nil
		case !below && inclusive:
			return m.Seq - 1, nil
		}
		return m.Seq, nil
	}
	if below != inclusive { // before at, or after and including at: up to just before at
		at = at.Add(-time.Millisecond)
	}
	seq, err := e.store.SeqAt(ctx, sc.by.App, sc.channel.ID, at)
	if below {
		return seq + 1, err
	}
	return seq, err
}

// pageAround reads half before and half after a message, which is part of the answer.
func (e *Engine) pageAround(ctx context.Context, sc *scene, r store.Range, p core.MessagePage, limit int) ([]core.Message, error) {
	below, err := e.bound(ctx, sc, p.Around, p.AroundTime, true, true)
	if err != nil {
		return nil, err
	}
	before, after := r, r
	before.Below, before.Limit = below, (limit-1)/2+1
	after.Above, after.Newest, after.Limit = max(r.Above, below-1), false, max(limit-before.Limit, 1)
	old, err := e.store.RangeMessages(ctx, sc.by.App, before)
	if err != nil {
		return nil, err
	}
	fresh, err := e.store.RangeMessages(ctx, sc.by.App, after)
	if err != nil {
		return nil, err
	}
	ms := append(old, fresh...)
	if len(ms) > limit {
		ms = ms[len(ms)-limit:]
	}
	return e.shown(ctx, sc, ms)
}

// shown resolves messages for the actor and drops what the actor deleted for themself.
func (e *Engine) shown(ctx context.Context, sc *scene, ms []core.Message) ([]core.Message, error) {
	if err := e.resolve(ctx, sc.by.App, sc.by.User, ms); err != nil {
		return nil, err
	}
	ms = slices.DeleteFunc(ms, func(m core.Message) bool { return m.DeletedFor })
	for i := range ms {
		veil(&ms[i], sc.by)
	}
	return ms, nil
}

// veil takes the content out of a tombstone.
func veil(m *core.Message, by core.Actor) {
	if m.Deleted() && !by.Server() {
		m.Text, m.Attachments = "", nil
	}
	if m.Shadowed && m.User == by.User {
		m.Shadowed = false // their author is not to know
	}
}

// pinned reads the pinned messages, newest pin first.
func (e *Engine) pinned(ctx context.Context, sc *scene, limit int) ([]core.Message, error) {
	ms, err := e.store.RangeMessages(ctx, sc.by.App, store.Range{
		Channel: sc.channel.ID, Pinned: true, All: true, Newest: true, Limit: maxMessagesShown, Above: sc.floor(), Viewer: sc.by.User, Hidden: sc.by.Server(),
	})
	if err != nil {
		return nil, err
	}
	ms = slices.DeleteFunc(ms, func(m core.Message) bool {
		return m.Deleted() || !m.PinExpires.IsZero() && !e.now().Before(m.PinExpires)
	})
	slices.SortStableFunc(ms, func(a, b core.Message) int { return b.PinnedAt.Compare(a.PinnedAt) })
	if len(ms) > limit {
		ms = ms[:limit]
	}
	return e.shown(ctx, sc, ms)
}
