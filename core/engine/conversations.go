package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/store"
)

type conversations struct{ e *Engine }

// Limits of conversations.
const (
	conversationsListed    = 20
	maxConversationsListed = 100
	maxMarks               = 20
	maxMark                = 32 // bytes
	maxScopes              = 100
)

// scopeKey is the record of a person's settings of a scope.
func scopeKey(user core.UserID, s core.SettingsScope) string {
	switch {
	case s.Everywhere:
		return keyOf(string(user), "*")
	case s.Key == "":
		return keyOf(string(user), "kind", strconv.Itoa(int(s.Kind)))
	}
	return keyOf(string(user), "key", string(s.Key))
}

// settings reads a person's settings of a scope; the zero value names the scope.
func settings(ctx context.Context, r store.Reader, app core.AppID, user core.UserID, s core.SettingsScope) (core.ConversationSettings, error) {
	out, found, err := record[core.ConversationSettings](ctx, r, app, spaceConversations, scopeKey(user, s))
	if !found {
		out = core.ConversationSettings{User: user, Key: s.Key, Kind: s.Kind}
	}
	return out, err
}

// Put changes the actor's settings of a scope.
func (s conversations) Put(ctx context.Context, by core.Actor, in core.PutSettings) (core.ConversationSettings, error) {
	const op = "conversations.put"
	e := s.e
	var out core.ConversationSettings
	err := needUser(by)
	var sc *scene
	if err == nil && in.Scope.Key != "" {
		if sc, err = e.asMember(ctx, by, in.Scope.Key); err == nil {
			in.Scope.Kind = sc.channel.Kind
		}
	}
	if err != nil {
		return out, translate(op, err)
	}
	err = e.update(ctx, op, by.App, 0, func(t *txn) error {
		old, err := settings(ctx, t, by.App, by.User, in.Scope)
		if err != nil {
			return err
		}
		out = old
		out.Marks = slices.Clone(old.Marks)
		if err := in.Change(&out); err != nil {
			return err
		}
		if err := checkKept(&out); err != nil {
			return err
		}
		out.User, out.Key, out.Kind, out.Pinned, out.UpdatedAt = by.User, in.Scope.Key, in.Scope.Kind, time.Time{}, e.now()
		if err := putJSON(t, spaceConversations, scopeKey(by.User, in.Scope), &out); err != nil {
			return err
		}
		what := "settings"
		switch {
		case !slices.Equal(old.Marks, out.Marks):
			what = "marked"
		case old.Quiet != out.Quiet || !old.QuietTill.Equal(out.QuietTill):
			what = "quiet"
		}
		return s.tell(t, sc, by.User, out, what)
	})
	return out, err
}

func checkKept(c *core.ConversationSettings) error {
	if len(c.Marks) > maxMarks || slices.ContainsFunc(c.Marks, func(m string) bool { return m == "" || len(m) > maxMark }) {
		return fault.RequestInvalidField.Error(fmt.Sprintf("a conversation has at most %d marks of 1 to %d bytes", maxMarks, maxMark))
	}
	if len(c.Quiet) > maxMark || len(c.Extra) > maxCustom {
		return fault.RequestFieldTooLong.Error("settings of a conversation are smaller than 5KB")
	}
	return nil
}

// tell tells the person's own connections, and their box, of a change.
func (s conversations) tell(t *txn, sc *scene, user core.UserID, now core.ConversationSettings, what string) error {
	ev := &core.Event{
		Kind: core.ConversationChanged, To: []core.UserID{user}, Box: []core.UserID{user}, Change: &core.Change{Settings: &now, New: what},
	}
	if sc != nil {
		told := *sc.channel
		ev.Channel, ev.Config, ev.User = &told, sc.config, s.e.seen(t.app, sc.user)
	}
	return t.emit(ev)
}

// Pin puts a conversation at the top of the actor's list, or back.
func (s conversations) Pin(ctx context.Context, by core.Actor, in core.PinConversation) (core.ConversationSettings, error) {
	const op = "conversations.pin"
	e := s.e
	var out core.ConversationSettings
	sc, err := e.asMember(ctx, by, in.Key)
	if err != nil {
		return out, translate(op, err)
	}
	at, what := e.now(), "pinned"
	if in.Unpin {
		at, what = time.Time{}, "unpinned"
	}
	m, err := channels(s).PatchMember(ctx, by, core.PatchMember{Key: in.Key, User: by.User, Change: func(m *core.Member) error {
		if m.PinnedAt.IsZero() || in.Unpin {
			m.PinnedAt = at
		}
		return nil
	}})
	if err != nil {
		return out, err
	}
	err = e.update(ctx, op, by.App, 0, func(t *txn) error {
		if out, err = settings(ctx, t, by.App, by.User, core.SettingsScope{Key: in.Key, Kind: sc.channel.Kind}); err != nil {
			return err
		}
		out.Pinned, out.UpdatedAt = m.PinnedAt, e.now()
		return s.tell(t, sc, by.User, out, what)
	})
	return out, err
}

// Settings reads the actor's settings of scopes.
func (s conversations) Settings(ctx context.Context, by core.Actor, in core.GetSettings) ([]core.ConversationSettings, error) {
	const op = "conversations.settings"
	e := s.e
	err := needUser(by)
	if err == nil && len(in.Scopes) > maxScopes {
		err = fault.RequestBatchTooLarge.Error("the settings of at most 100 conversations can be read at once")
	}
	if err != nil {
		return nil, translate(op, err)
	}
	out := make([]core.ConversationSettings, 0, len(in.Scopes))
	for _, scope := range in.Scopes {
		one, err := settings(ctx, e.store, by.App, by.User, scope)
		if err != nil {
			return nil, translate(op, err)
		}
		if scope.Key != "" {
			switch c, err := e.channel(ctx, by.App, scope.Key); {
			case err == nil:
				p, err := e.place(ctx, by.App, c, by.User)
				if err != nil {
					return nil, translate(op, err)
				}
				if p.member != nil {
					one.Pinned = p.member.PinnedAt
				}
			case !fault.IsReason(err, fault.GroupNotFound):
				return nil, translate(op, err)
			}
		}
		out = append(out, one)
	}
	return out, nil
}

// Quiet reads the actor's settings of the conversations that are quiet now.
func (s conversations) Quiet(ctx context.Context, by core.Actor, _ core.ListQuiet) ([]core.ConversationSettings, error) {
	const op = "conversations.quiet"
	if err := needUser(by); err != nil {
		return nil, translate(op, err)
	}
	all, err := scan[core.ConversationSettings](ctx, s.e.store, by.App, spaceConversations, prefixOf(string(by.User), "key"))
	if err != nil {
		return nil, translate(op, err)
	}
	return slices.DeleteFunc(all, func(c core.ConversationSettings) bool {
		return c.Quiet == "" || !c.QuietTill.IsZero() && !s.e.now().Before(c.QuietTill)
	}), nil
}

// Drop takes a conversation off the actor's list until the next message.
func (s conversations) Drop(ctx context.Context, by core.Actor, in core.DropConversation) error {
	const op = "conversations.drop"
	sc, err := s.e.asMember(ctx, by, in.Key)
	if err != nil {
		return translate(op, err)
	}
	if _, err := channels(s).Hide(ctx, by, core.HideChannel{Key: in.Key, ClearHistory: in.Clear}); err != nil {
		return err
	}
	return s.e.update(ctx, op, by.App, 0, func(t *txn) error {
		now, err := settings(ctx, t, by.App, by.User, core.SettingsScope{Key: in.Key, Kind: sc.channel.Kind})
		if err != nil {
			return err
		}
		return s.tell(t, sc, by.User, now, "dropped")
	})
}

// List lists the actor's conversations.
func (s conversations) List(ctx context.Context, by core.Actor, in core.ListConversations) ([]core.Conversation, error) {
	out, err := s.list(ctx, by, in)
	return out, translate("conversations.list", err)
}

func (s conversations) list(ctx context.Context, by core.Actor, in core.ListConversations) ([]core.Conversation, error) {
	e := s.e
	if err := needUser(by); err != nil {
		return nil, err
	}
	limit, err := pageLimit(core.Page{Limit: in.Page.Limit, Offset: in.Page.Offset}, conversationsListed, maxConversationsListed)
	if err != nil {
		return nil, err
	}
	all, err := scan[core.ConversationSettings](ctx, e.store, by.App, spaceConversations, prefixOf(string(by.User), "key"))
	if err != nil {
		return nil, err
	}
	kept := make(map[core.ChannelKey]core.ConversationSettings, len(all))
	for i := range all {
		kept[all[i].Key] = all[i]
	}
	ms, err := e.store.Memberships(ctx, by.App, by.User, maxMemberships)
	if err != nil {
		return nil, err
	}
	ms = slices.DeleteFunc(ms, func(m core.Member) bool {
		return !m.HiddenAt.IsZero() || m.Pending() || !m.RejectedAt.IsZero() || in.Pinned && m.PinnedAt.IsZero()
	})
	slices.SortStableFunc(ms, func(a, b core.Member) int { return b.PinnedAt.Compare(a.PinnedAt) })
	skip, waiting := in.Page.Offset, in.Page.Cursor != ""
	var out []core.Conversation
	for part := range slices.Chunk(ms, maxConversationsListed) {
		ids := make([]core.ChannelID, len(part))
		for i := range part {
			ids[i] = part[i].Channel
		}
		list, err := e.store.Channels(ctx, by.App, ids)
		if err != nil {
			return nil, err
		}
		byID := make(map[core.ChannelID]*core.Channel, len(list))
		for i := range list {
			byID[list[i].ID] = &list[i]
		}
		for i := range part {
			c := byID[part[i].Channel]
			if c == nil || !c.DeletedAt.IsZero() || !listed(c, &part[i], &in) || in.Mark != "" && !slices.Contains(kept[c.Key].Marks, in.Mark) {
				continue
			}
			if waiting {
				waiting = string(c.Key) != in.Page.Cursor
				continue
			}
			if skip > 0 {
				skip--
				continue
			}
			one := core.Conversation{Channel: *c, Member: part[i], Settings: kept[c.Key]}
			one.Settings.User, one.Settings.Key, one.Settings.Kind, one.Settings.Pinned = by.User, c.Key, c.Kind, part[i].PinnedAt
			if out = append(out, one); len(out) == limit {
				return out, s.fill(ctx, by, out)
			}
		}
	}
	return out, s.fill(ctx, by, out)
}

// listed reports whether a conversation is one of those asked for.
func listed(c *core.Channel, m *core.Member, in *core.ListConversations) bool {
	if len(in.Kinds) == 0 && c.Kind == core.KindRoom || len(in.Kinds) > 0 && !slices.Contains(in.Kinds, c.Kind) {
		return false
	}
	return in.Empty || c.LastSeq > max(c.TruncatedUpTo, m.HiddenUpTo)
}

// fill reads the last message, the unread count and the other person of conversations.
func (s conversations) fill(ctx context.Context, by core.Actor, list []core.Conversation) error {
	e := s.e
	if len(list) == 0 {
		return nil
	}
	ids := make([]core.ChannelID, len(list))
	at := make(map[core.ChannelID]*core.Conversation, len(list))
	for i := range list {
		ids[i] = list[i].Channel.ID
		at[ids[i]] = &list[i]
	}
	rows, err := e.store.Unread(ctx, by.App, by.User, ids)
	if err != nil {
		return err
	}
	for i := range rows {
		at[rows[i].Channel].Unread = rows[i].Count
	}
	for i := range list {
		if err := s.fillOne(ctx, by, &list[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s conversations) fillOne(ctx context.Context, by core.Actor, one *core.Conversation) error {
	e, c := s.e, &one.Channel
	last, err := e.store.RangeMessages(ctx, by.App, store.Range{
		Channel: c.ID, Newest: true, Limit: 1, Above: max(c.TruncatedUpTo, one.Member.HiddenUpTo), Viewer: by.User,
	})
	if err != nil {
		return err
	}
	if err := e.resolve(ctx, by.App, by.User, last); err != nil {
		return err
	}
	if len(last) > 0 {
		veil(&last[0], by)
		one.Last = &last[0]
	}
	if c.Kind == core.KindSystem {
		one.Peer, err = e.ownerOf(ctx, by.App, c)
		return err
	}
	if c.Kind != core.KindDirect {
		return nil
	}
	ms, err := e.store.Members(ctx, by.App, c.ID, nil, 3, 0)
	if err != nil {
		return err
	}
	us, err := e.usersByID(ctx, by.App, others(ms, by.User))
	for _, u := range us {
		one.Peer = cmp.Or(one.Peer, u)
	}
	return err
}

// others are the members beside one.
func others(ms []core.Member, user core.UserID) []core.UserID {
	var out []core.UserID
	for i := range ms {
		if ms[i].User != user {
			out = append(out, ms[i].User)
		}
	}
	slices.SortFunc(out, func(a, b core.UserID) int { return strings.Compare(string(a), string(b)) })
	return out[:min(len(out), 1)]
}
