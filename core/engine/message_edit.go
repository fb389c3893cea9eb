package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/perm"
	"dragoman/core/store"
)

// sceneOfMessage loads the scene of the channel a message is in.
func (e *Engine) sceneOfMessage(ctx context.Context, by core.Actor, name string) (*scene, *core.Message, error) {
	m, err := e.messageNamed(ctx, by.App, name)
	if err != nil {
		return nil, nil, err
	}
	sc, err := e.enter(ctx, by, m.ChannelKey)
	if fault.IsReason(err, fault.GroupNotFound) {
		return nil, nil, fault.MessageNotFound.Error(fmt.Sprintf("Can't find message with id %q", cut(name)))
	}
	if err != nil {
		return nil, nil, err
	}
	if !canSee(m, by) || m.Seq <= sc.channel.TruncatedUpTo && !by.Server() {
		return nil, nil, fault.MessageNotFound.Error(fmt.Sprintf("Can't find message with id %q", cut(name)))
	}
	return sc, m, nil
}

// Edit changes a message.
func (ms messages) Edit(ctx context.Context, by core.Actor, in core.EditMessage) (core.Message, error) {
	out, err := ms.edit(ctx, by, in)
	return out, translate("messages.edit", err)
}

func (ms messages) edit(ctx context.Context, by core.Actor, in core.EditMessage) (core.Message, error) {
	e := ms.e
	sc, old, err := e.sceneOfMessage(ctx, by, in.ID)
	if err != nil {
		return core.Message{}, err
	}
	if old.Deleted() {
		return core.Message{}, fault.MessageNotFound.Error(fmt.Sprintf("message with id %q has been deleted", cut(in.ID)))
	}
	sc.maxExtra, sc.maxText = in.MaxExtra, in.MaxText
	next, err := e.edited(ctx, sc, old, &in)
	if err != nil {
		return core.Message{}, err
	}
	if err := e.mayEdit(sc, old, next); err != nil {
		return core.Message{}, err
	}
	var change *core.Change
	if pinOnly(old, next) {
		change = &core.Change{Names: []string{core.ChangePinned}}
	}
	if next.Text != old.Text {
		if next.Text, err = e.mask(ctx, sc, next.Text); err != nil {
			return core.Message{}, err
		}
		if v, err := e.moderate(ctx, sc, next.Text); err != nil {
			return core.Message{}, err
		} else if v == verdictBlock {
			return core.Message{}, fault.ModerationRejected.Error("Automod blocked your message")
		}
	}
	var out core.Message
	err = e.update(ctx, "messages.edit", by.App, sc.channel.ID, func(t *txn) error {
		now, err := t.Messages(ctx, by.App, []core.MessageID{old.ID})
		if err != nil {
			return err
		}
		if len(now) == 0 || now[0].Deleted() {
			return fault.MessageNotFound.Error(fmt.Sprintf("message with id %q has been deleted", cut(in.ID)))
		}
		m := *next
		m.ReplyCount, m.LastReplyAt, m.Participants, m.Reactions = now[0].ReplyCount, now[0].LastReplyAt, now[0].Participants, now[0].Reactions
		m.UpdatedAt = e.now()
		if m.Text != now[0].Text {
			m.EditedAt = m.UpdatedAt
		}
		if err := t.PutMessage(by.App, &m); err != nil {
			return err
		}
		one := []core.Message{m}
		if err := e.resolve(ctx, by.App, "", one); err != nil {
			return err
		}
		out = one[0]
		user := e.seen(by.App, cmp.Or(sc.user, one[0].Author))
		return t.emit(&core.Event{Kind: core.MessageEdited, Channel: sc.channel, Config: sc.config, User: user, Message: &one[0], To: receivers(&m), Change: change})
	})
	if err != nil {
		return core.Message{}, err
	}
	return e.forViewer(ctx, by, out)
}

// receivers narrows an event about a message that not everybody sees.
func receivers(m *core.Message) []core.UserID {
	switch {
	case m.Shadowed:
		return []core.UserID{m.User}
	case len(m.RestrictedTo) > 0:
		return append([]core.UserID{m.User}, m.RestrictedTo...)
	}
	return nil
}

// forViewer adds what only the actor sees of a message.
func (e *Engine) forViewer(ctx context.Context, by core.Actor, m core.Message) (core.Message, error) {
	one := []core.Message{m}
	if by.User != "" {
		if err := e.resolve(ctx, by.App, by.User, one); err != nil {
			return m, err
		}
	}
	veil(&one[0], by)
	return one[0], nil
}

// edited applies an edit to a copy of the message.
func (e *Engine) edited(ctx context.Context, sc *scene, old *core.Message, in *core.EditMessage) (*core.Message, error) {
	m := *old
	if in.Replace != nil {
		r := in.Replace
		m.Text, m.Attachments, m.Mentions, m.Extra = r.Text, r.Attachments, r.Mentions, r.Extra
		m.Silent = r.Silent || old.Silent
		m.RestrictedTo = r.RestrictedTo
		if r.Quoted != "" {
			q, err := e.messageIn(ctx, sc.by.App, sc.channel, r.Quoted)
			if err != nil {
				return nil, err
			}
			m.Quoted = q.ID
		} else {
			m.Quoted = 0
		}
		m.Pinned, m.PinExpires = r.Pinned, r.PinExpires
	}
	if in.Change != nil {
		m.Attachments, m.Mentions = slices.Clone(m.Attachments), slices.Clone(m.Mentions)
		if err := in.Change(&m); err != nil {
			return nil, err
		}
	}
	switch {
	case m.Pinned && !old.Pinned:
		m.PinnedAt = e.now()
		if sc.user != nil {
			m.PinnedBy = sc.user.ID
		}
	case !m.Pinned:
		m.PinnedAt, m.PinnedBy, m.PinExpires = time.Time{}, "", time.Time{}
	}
	m.ID, m.Seq, m.Channel, m.User, m.CreatedAt = old.ID, old.Seq, old.Channel, old.User, old.CreatedAt
	return &m, checkShape(sc, &m, max(len(old.Extra), sizeOf(old.Attachments)))
}

// pinOnly reports whether an edit pins or unpins the message and leaves the rest.
func pinOnly(old, next *core.Message) bool {
	if old.Pinned == next.Pinned && old.PinExpires.Equal(next.PinExpires) {
		return false
	}
	same := *next
	same.Pinned, same.PinnedAt, same.PinnedBy, same.PinExpires = old.Pinned, old.PinnedAt, old.PinnedBy, old.PinExpires
	return sameContent(&same, old)
}

// mayEdit checks the rights: pinning is one thing, changing another.
func (e *Engine) mayEdit(sc *scene, old, next *core.Message) error {
	if old.Pinned != next.Pinned || !old.PinExpires.Equal(next.PinExpires) {
		if err := e.can(sc, perm.PinMessage, false); err != nil {
			return err
		}
		if pinOnly(old, next) {
			return nil
		}
	}
	return e.can(sc, perm.UpdateMessage, sc.user != nil && old.User == sc.user.ID)
}

func sameContent(a, b *core.Message) bool {
	return a.Text == b.Text && a.Silent == b.Silent && a.Quoted == b.Quoted && string(a.Extra) == string(b.Extra) &&
		slices.Equal(a.Mentions, b.Mentions) && slices.EqualFunc(a.Attachments, b.Attachments, func(x, y json.RawMessage) bool { return string(x) == string(y) })
}

// Delete removes a message, or restores one.
func (ms messages) Delete(ctx context.Context, by core.Actor, in core.DeleteMessage) (core.Message, error) {
	out, err := ms.delete(ctx, by, in)
	return out, translate("messages.delete", err)
}

func (ms messages) delete(ctx context.Context, by core.Actor, in core.DeleteMessage) (core.Message, error) {
	e := ms.e
	sc, old, err := e.sceneOfMessage(ctx, by, in.ID)
	if err != nil {
		return core.Message{}, err
	}
	if in.ForMe {
		return ms.deleteForMe(ctx, sc, old)
	}
	if err := e.can(sc, perm.DeleteMessage, sc.user != nil && old.User == sc.user.ID); err != nil {
		return core.Message{}, err
	}
	if (in.Hard || in.Undo) && !by.Server() {
		return core.Message{}, fault.PermissionDenied.Error("hard delete and undelete of messages are server side only")
	}
	if old.Deleted() != in.Undo && !(in.Hard && old.Deleted()) {
		return core.Message{}, fault.MessageNotFound.Error(fmt.Sprintf("message with id %q is not in a state for this", cut(in.ID)))
	}
	var out core.Message
	err = e.update(ctx, "messages.delete", by.App, sc.channel.ID, func(t *txn) error {
		now, err := t.Messages(ctx, by.App, []core.MessageID{old.ID})
		if err != nil {
			return err
		}
		if len(now) == 0 {
			return fault.MessageNotFound.Error(fmt.Sprintf("Can't find message with id %q", cut(in.ID)))
		}
		m := now[0]
		kind := core.MessageDeleted
		m.UpdatedAt = e.now()
		if in.Undo {
			kind, m.DeletedAt, m.DeletedBy = core.MessageRestored, time.Time{}, ""
		} else {
			m.DeletedAt, m.DeletedBy = m.UpdatedAt, by.User
			m.Pinned = false
		}
		if in.Hard {
			if err := e.forgetMessage(ctx, t, &m); err != nil {
				return err
			}
		} else if err := t.PutMessage(by.App, &m); err != nil {
			return err
		}
		one := []core.Message{m}
		if err := e.resolve(ctx, by.App, "", one); err != nil {
			return err
		}
		out = one[0]
		told := one[0]
		if !in.Undo {
			told.Text, told.Attachments = "", nil
		}
		user := e.seen(by.App, cmp.Or(sc.user, one[0].Author))
		return t.emit(&core.Event{Kind: kind, Channel: sc.channel, Config: sc.config, User: user, Message: &told, Hard: in.Hard, To: receivers(&m)})
	})
	if err != nil {
		return core.Message{}, err
	}
	return e.forViewer(ctx, by, out)
}

// forgetMessage removes a message for good, with its thread, and takes it off its parent's count.
func (e *Engine) forgetMessage(ctx context.Context, t *txn, m *core.Message) error {
	if m.Parent != 0 {
		ps, err := t.Messages(ctx, t.app, []core.MessageID{m.Parent})
		if err != nil {
			return err
		}
		if len(ps) > 0 && ps[0].ReplyCount > 0 {
			ps[0].ReplyCount--
			if err := t.PutMessage(t.app, &ps[0]); err != nil {
				return err
			}
		}
	} else if m.ReplyCount > 0 {
		for {
			rs, err := t.RangeMessages(ctx, t.app, store.Range{Channel: m.Channel, Parent: m.ID, Limit: 500, Hidden: true})
			if err != nil {
				return err
			}
			for i := range rs {
				if err := t.DeleteMessages(t.app, m.Channel, rs[i].Seq, rs[i].Seq, ""); err != nil {
					return err
				}
			}
			if len(rs) < 500 {
				break
			}
		}
	}
	return t.DeleteMessages(t.app, m.Channel, m.Seq, m.Seq, "")
}

func hiddenForKey(user core.UserID, ch core.ChannelID) string {
	return string(user) + "\x00" + fmt.Sprint(int64(ch))
}

// hiddenFor reads which messages of a channel a person has deleted for themself.
func (e *Engine) hiddenFor(ctx context.Context, app core.AppID, user core.UserID, ch core.ChannelID) (map[core.MessageID]bool, error) {
	ids, _, err := record[[]core.MessageID](ctx, e.store, app, spaceDeletedFor, hiddenForKey(user, ch))
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	out := make(map[core.MessageID]bool, len(ids))
	for _, id := range ids {
		out[id] = true
	}
	return out, nil
}

func (ms messages) deleteForMe(ctx context.Context, sc *scene, m *core.Message) (core.Message, error) {
	e := ms.e
	if sc.user == nil {
		return core.Message{}, fault.RequestInvalid.Error("deleted_by is required to delete a message for one user")
	}
	key := hiddenForKey(sc.user.ID, sc.channel.ID)
	err := e.update(ctx, "messages.delete", sc.by.App, sc.channel.ID, func(t *txn) error {
		ids, err := getJSON[[]core.MessageID](ctx, t, sc.by.App, spaceDeletedFor, key)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if !slices.Contains(ids, m.ID) {
			if len(ids) >= maxDeletedFor {
				return fault.LimitReached.Error(fmt.Sprintf("at most %d messages of a channel can be deleted for one user", maxDeletedFor))
			}
			ids = append(ids, m.ID)
		}
		if err := putJSON(t, spaceDeletedFor, key, &ids); err != nil {
			return err
		}
		one := []core.Message{*m}
		if err := e.resolve(ctx, sc.by.App, "", one); err != nil {
			return err
		}
		one[0].DeletedFor = true
		*m = one[0]
		return t.emit(&core.Event{Kind: core.MessageDeleted, Channel: sc.channel, Config: sc.config, User: e.seen(sc.by.App, sc.user), Message: &one[0], To: []core.UserID{sc.user.ID}})
	})
	return *m, err
}

// Get reads messages by name, with their channels.
func (ms messages) Get(ctx context.Context, by core.Actor, in core.GetMessages) ([]core.Hit, error) {
	e := ms.e
	const op = "messages.get"
	if len(in.IDs) > maxMessagesShown {
		return nil, translate(op, fault.RequestBatchTooLarge.Error(fmt.Sprintf("at most %d messages can be read at once", maxMessagesShown)))
	}
	out := make([]core.Hit, 0, len(in.IDs))
	for _, id := range in.IDs {
		sc, m, err := e.sceneOfMessage(ctx, by, id)
		if err == nil && in.Key != "" && sc.channel.Key != in.Key {
			err = fault.MessageNotFound.Error(fmt.Sprintf("Can't find message with id %q in this channel", cut(id)))
		}
		if err == nil {
			err = e.can(sc, perm.ReadChannel, sc.owns())
		}
		if fault.IsReason(err, fault.MessageNotFound) && !in.Strict {
			continue
		}
		if err != nil {
			return nil, translate(op, err)
		}
		one := []core.Message{*m}
		if err := e.resolve(ctx, by.App, by.User, one); err != nil {
			return nil, translate(op, err)
		}
		if one[0].Deleted() && !(in.ShowDeleted && by.Server()) {
			one[0].Text, one[0].Attachments = "", nil
		}
		veil(&one[0], by)
		out = append(out, core.Hit{Message: one[0], Channel: *sc.channel})
	}
	return out, nil
}

// List reads a run of messages of a channel or of a thread.
func (ms messages) List(ctx context.Context, by core.Actor, in core.ListMessages) ([]core.Message, error) {
	e := ms.e
	const op = "messages.list"
	var sc *scene
	var parent core.MessageID
	var err error
	if in.Parent != "" {
		var p *core.Message
		if sc, p, err = e.sceneOfMessage(ctx, by, in.Parent); err == nil {
			parent = p.ID
		}
	} else {
		sc, err = e.enter(ctx, by, in.Key)
	}
	if err == nil {
		err = e.can(sc, perm.ReadChannel, sc.owns())
	}
	if err != nil {
		return nil, translate(op, err)
	}
	out, err := e.page(ctx, sc, parent, in.Page, 100)
	if len(in.Sort) > 0 && in.Sort[0].Desc {
		slices.Reverse(out)
	}
	return out, translate(op, err)
}

// Pinned lists pinned messages.
func (ms messages) Pinned(ctx context.Context, by core.Actor, in core.PinnedMessages) ([]core.Message, error) {
	e := ms.e
	const op = "messages.pinned"
	sc, err := e.enter(ctx, by, in.Key)
	if err == nil {
		err = e.can(sc, perm.ReadChannel, sc.owns())
	}
	if err != nil {
		return nil, translate(op, err)
	}
	limit := cmp.Or(in.Page.Limit, maxPinnedShown)
	if limit < 0 || limit > maxMessagesShown {
		return nil, translate(op, fault.RequestInvalidField.Error("limit must be between 0 and 300"))
	}
	out, err := e.pinned(ctx, sc, maxMessagesShown)
	if err != nil {
		return nil, translate(op, err)
	}
	if len(in.Sort) > 0 && !in.Sort[0].Desc {
		slices.Reverse(out)
	}
	out = boundPinned(out, in.Page)
	if len(out) > limit {
		out = out[:limit]
	}
	return out, nil
}

// boundPinned cuts a list of pinned messages at a message or a time.
func boundPinned(ms []core.Message, p core.MessagePage) []core.Message {
	name := cmp.Or(p.Before, p.After, p.Around)
	if name != "" {
		at := slices.IndexFunc(ms, func(m core.Message) bool { return m.Name() == name || m.ID.String() == name })
		switch {
		case at < 0:
			return nil
		case p.Before != "" && p.Inclusive, p.Around != "":
			return ms[at:]
		case p.Before != "":
			return ms[at+1:]
		case p.Inclusive:
			return ms[:at+1]
		default:
			return ms[:at]
		}
	}
	return slices.DeleteFunc(ms, func(m core.Message) bool {
		switch {
		case !p.BeforeTime.IsZero():
			return !m.PinnedAt.Before(p.BeforeTime) && !(p.Inclusive && m.PinnedAt.Equal(p.BeforeTime))
		case !p.AfterTime.IsZero():
			return !m.PinnedAt.After(p.AfterTime) && !(p.Inclusive && m.PinnedAt.Equal(p.AfterTime))
		}
		return false
	})
}

// slash runs a message that is a command of the channel; done means that m is the answer and
// nothing is stored.
func (e *Engine) slash(ctx context.Context, sc *scene, m *core.Message, form map[string]string) (done bool, err error) {
	name, args, _ := strings.Cut(strings.TrimPrefix(m.Text, "/"), " ")
	if !slices.Contains(sc.config.Commands, name) {
		return false, nil
	}
	m.Command, m.CommandArgs = name, strings.TrimSpace(args)
	return e.runCommand(ctx, sc, m, form)
}

// beforeSendTime is how long a sender waits for the app's endpoint to look at a message.
const beforeSendTime = time.Second

// askBefore lets the app's endpoint change or refuse a message. An endpoint that does not answer
// in time has had its say: the message goes as it is.
func (e *Engine) askBefore(ctx context.Context, sc *scene, m *core.Message) error {
	ask, cancel := context.WithTimeout(ctx, beforeSendTime)
	defer cancel()
	if err := e.opts.Callouts.BeforeSend(ask, e.doer, sc.app, sc.channel, sc.user, m); err != nil {
		if ask.Err() != nil && ctx.Err() == nil {
			return nil
		}
		return err
	}
	return checkShape(sc, m, 0)
}

// Action answers the buttons of an ephemeral message: the message is not stored, so the form says
// what it was.
func (ms messages) Action(ctx context.Context, by core.Actor, in core.RunAction) (*core.Message, error) {
	out, err := ms.e.act(ctx, by, in)
	return out, translate("messages.action", err)
}
