package engine

import (
	"context"
	"errors"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/perm"
	"dragoman/core/store"
)

// Flag reports a message or a person to the moderators, or takes the report back. Reporting the
// same thing twice renews the report.
func (m moderation) Flag(ctx context.Context, by core.Actor, in core.FlagContent) (core.Flag, error) {
	e := m.e
	const op = "moderation.flag"
	var f core.Flag
	if err := needUser(by); err != nil {
		return f, translate(op, err)
	}
	if (in.Message == "") == (in.User == "") {
		return f, translate(op, fault.RequestInvalid.Error("either a message or a user has to be named"))
	}
	me, err := e.actor(ctx, by)
	if err != nil {
		return f, translate(op, err)
	}
	f = core.Flag{By: by.User, Reason: in.Reason, Extra: in.Extra, ByUser: e.seen(by.App, me)}
	kind, what := core.UserFlagged, "u"
	var msg *core.Message
	var s *scene
	if in.Message != "" {
		kind, what = core.MessageFlagged, "m"
		if msg, s, err = e.readMessage(ctx, by, in.Message); err != nil {
			return f, translate(op, err)
		}
		if err := e.can(s, perm.FlagMessage, s.owns()); err != nil {
			return f, translate(op, err)
		}
		f.Message, f.Alias, f.Channel, f.Key, f.Target = msg.ID, msg.Alias, s.channel.ID, s.channel.Key, msg.User
	} else {
		if err := e.canApp(ctx, by, perm.FlagUser); err != nil {
			return f, translate(op, err)
		}
		f.Target = in.User
	}
	target, err := e.user(ctx, by.App, f.Target)
	if err != nil {
		return f, translate(op, err)
	}
	f.TargetUser = e.seen(by.App, target)
	if msg != nil {
		one := []core.Message{*msg}
		if err := e.resolve(ctx, by.App, "", one); err != nil {
			return f, translate(op, err)
		}
		f.MessageNow = &one[0]
	}
	index := keyOf(string(by.User), what, string(f.Target))
	if msg != nil {
		index = keyOf(string(by.User), what, msg.ID.String())
	}
	err = e.update(ctx, op, by.App, 0, func(t *txn) error {
		id, found, err := record[string](ctx, t, by.App, spaceFlagsBy, index)
		if err != nil {
			return err
		}
		if in.Unflag {
			return t.unflag(found, id, index)
		}
		f.ID, f.CreatedAt, f.UpdatedAt = e.newID(), e.now(), e.now()
		if found {
			old, err := getJSON[core.Flag](ctx, t, by.App, spaceFlags, id)
			if err != nil {
				return err
			}
			f.ID, f.CreatedAt = old.ID, old.CreatedAt
		}
		if err := t.putFlag(&f, index); err != nil {
			return err
		}
		ev := &core.Event{Kind: kind, User: f.ByUser, Target: f.TargetUser, Message: f.MessageNow, Flag: &f}
		if s != nil {
			ev.Channel, ev.Config = s.channel, s.config
		}
		return t.emit(ev)
	})
	return f, err
}

// unflag removes a report and its index.
func (t *txn) unflag(found bool, id, index string) error {
	if !found {
		return nil
	}
	if err := t.DeleteRecord(t.app, spaceFlags, id); err != nil {
		return err
	}
	return t.DeleteRecord(t.app, spaceFlagsBy, index)
}

// putFlag stores a report without what is filled in when answering.
func (t *txn) putFlag(f *core.Flag, index string) error {
	plain := *f
	plain.ByUser, plain.TargetUser, plain.MessageNow = nil, nil, nil
	if err := putJSON(t, spaceFlags, f.ID, &plain); err != nil {
		return err
	}
	return putJSON(t, spaceFlagsBy, index, &f.ID)
}

// flagAutomatically reports a message that a list matched, in the transaction that stores it.
func (t *txn) flagAutomatically(c *core.Channel, cfg *core.ChannelType, msg *core.Message, reason string) error {
	f := core.Flag{
		ID: t.e.newID(), Message: msg.ID, Alias: msg.Alias, Channel: c.ID, Key: c.Key, Target: msg.User,
		Reason: reason, Automatic: true, CreatedAt: t.e.now(), UpdatedAt: t.e.now(),
	}
	if err := t.putFlag(&f, keyOf("", "m", msg.ID.String())); err != nil {
		return err
	}
	return t.emit(&core.Event{Kind: core.MessageFlagged, Channel: c, Config: cfg, Target: msg.Author, Message: msg, Flag: &f})
}

// Flags finds reports.
func (m moderation) Flags(ctx context.Context, by core.Actor, in core.QueryFlags) ([]core.Flag, error) {
	e := m.e
	const op = "moderation.flags"
	if err := e.canApp(ctx, by, perm.ReadFlagReports); err != nil {
		key, pinned := fixed(in.Filter, "key")
		if !pinned {
			return nil, translate(op, err)
		}
		s, err := e.enter(ctx, by, core.ChannelKey(key))
		if err == nil {
			err = e.can(s, perm.ReadMessageFlags, s.owns())
		}
		if err != nil {
			return nil, translate(op, err)
		}
	}
	all, err := scan[core.Flag](ctx, e.store, by.App, spaceFlags, "")
	if err != nil {
		return nil, translate(op, err)
	}
	if in.Messages {
		kept := all[:0]
		for i := range all {
			if all[i].Message != 0 {
				kept = append(kept, all[i])
			}
		}
		all = kept
	}
	if len(in.Sort) == 0 {
		in.Sort = []core.Sort{{Field: "created_at", Desc: true}}
	}
	teams := map[core.ChannelID]string{}
	if err := e.teamsOf(ctx, by.App, in.Filter, all, teams); err != nil {
		return nil, translate(op, err)
	}
	out, _, _, err := listing[core.Flag]{
		get:    func(f *core.Flag) fields { return flagFields(f, teams) },
		filter: in.Filter, sort: in.Sort, page: in.Page, normal: bansListed, most: maxBansListed,
		id: func(f *core.Flag) string { return f.ID },
	}.run(all)
	if err != nil {
		return nil, translate(op, err)
	}
	return out, translate(op, e.fillFlags(ctx, by.App, out))
}

// teamsOf reads the teams of the channels of reports when the filter speaks of them.
func (e *Engine) teamsOf(ctx context.Context, app core.AppID, f core.Filter, all []core.Flag, into map[core.ChannelID]string) error {
	if !mentions(f, "team") {
		return nil
	}
	var ids []core.ChannelID
	for i := range all {
		if _, seen := into[all[i].Channel]; !seen && all[i].Channel != 0 {
			into[all[i].Channel] = ""
			ids = append(ids, all[i].Channel)
		}
	}
	for start := 0; start < len(ids); start += 500 {
		cs, err := e.store.Channels(ctx, app, ids[start:min(start+500, len(ids))])
		if err != nil {
			return err
		}
		for i := range cs {
			into[cs[i].ID] = cs[i].Team
		}
	}
	return nil
}

// mentions reports whether a filter speaks of a field.
func mentions(f core.Filter, field string) bool {
	if f.Field == field {
		return true
	}
	for _, s := range f.Sub {
		if mentions(s, field) {
			return true
		}
	}
	return false
}

func flagFields(f *core.Flag, teams map[core.ChannelID]string) fields {
	return func(name string) (core.Value, bool) {
		switch name {
		case "id":
			return core.Text(f.ID), true
		case "by":
			return word(f.By), true
		case "user":
			return word(f.Target), true
		case "key":
			return word(f.Key), true
		case "message":
			if f.Message == 0 {
				return core.Value{}, true
			}
			if f.Alias != "" {
				return core.Text(f.Alias), true
			}
			return core.Text(f.Message.String()), true
		case "team":
			return word(teams[f.Channel]), true
		case "reviewed":
			return core.Bool(!f.ReviewedAt.IsZero()), true
		case "created_at":
			return instant(f.CreatedAt), true
		case "updated_at":
			return instant(f.UpdatedAt), true
		}
		return core.Value{}, false
	}
}

// fillFlags fills in people and messages as they are now; a message that is gone stays empty.
func (e *Engine) fillFlags(ctx context.Context, app core.AppID, fs []core.Flag) error {
	var ids []core.UserID
	var msgs []core.MessageID
	for i := range fs {
		ids = append(ids, fs[i].By, fs[i].Target)
		if fs[i].Message != 0 {
			msgs = append(msgs, fs[i].Message)
		}
	}
	users, err := e.usersByID(ctx, app, ids)
	if err != nil {
		return err
	}
	now := map[core.MessageID]*core.Message{}
	if len(msgs) > 0 {
		ms, err := e.store.Messages(ctx, app, msgs)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := e.resolve(ctx, app, "", ms); err != nil {
			return err
		}
		for i := range ms {
			now[ms[i].ID] = &ms[i]
		}
	}
	for i := range fs {
		fs[i].ByUser, fs[i].TargetUser, fs[i].MessageNow = users[fs[i].By], users[fs[i].Target], now[fs[i].Message]
	}
	return nil
}
