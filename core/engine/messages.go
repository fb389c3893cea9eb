package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/perm"
	"dragoman/core/store"
)

// Limits of a message.
const (
	maxAttachments = 30
	maxMentions    = 25
	maxCustom      = 5 << 10   // bytes of attachments together, and of custom fields, unless the dialect allows more
	mostCustom     = 256 << 10 // the most a dialect may allow
	maxAlias       = 255
	maxDeletedFor  = 100 // messages of one channel a person may delete for themself
)

type messages struct{ e *Engine }

// messageNamed finds a message by name.
func (e *Engine) messageNamed(ctx context.Context, app core.AppID, name string) (*core.Message, error) {
	if name != "" && len(name) <= maxAlias {
		ms, err := e.store.MessagesNamed(ctx, app, []string{name})
		if err != nil {
			return nil, err
		}
		if len(ms) > 0 {
			return &ms[0], nil
		}
	}
	return nil, fault.MessageNotFound.Error(fmt.Sprintf("Can't find message with id %q", cut(name)))
}

// cut shortens what is echoed.
func cut(s string) string {
	if len(s) > 100 {
		return strings.ToValidUTF8(s[:100], "") + "…"
	}
	return s
}

// messageIn finds a message that must be of the channel.
func (e *Engine) messageIn(ctx context.Context, app core.AppID, c *core.Channel, name string) (*core.Message, error) {
	m, err := e.messageNamed(ctx, app, name)
	if err == nil && m.Channel != c.ID {
		err = fault.MessageNotFound.Error(fmt.Sprintf("Can't find message with id %q in this channel", cut(name)))
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// firstSince finds the first message at or after a time.
func (e *Engine) firstSince(ctx context.Context, app core.AppID, c *core.Channel, at time.Time) (*core.Message, error) {
	seq, err := e.store.SeqAt(ctx, app, c.ID, at.Add(-time.Millisecond))
	if err != nil {
		return nil, err
	}
	ms, err := e.store.RangeMessages(ctx, app, store.Range{Channel: c.ID, Above: seq, Limit: 1, All: true, Hidden: true})
	if err != nil {
		return nil, err
	}
	if len(ms) == 0 {
		return nil, fault.MessageNotFound.Error("there is no message at or after this time")
	}
	return &ms[0], nil
}

// Send appends a message.
func (ms messages) Send(ctx context.Context, by core.Actor, in core.SendMessage) (core.Sent, error) {
	out, err := ms.send(ctx, by, in)
	return out, translate("messages.send", err)
}

func (ms messages) send(ctx context.Context, by core.Actor, in core.SendMessage) (core.Sent, error) {
	e := ms.e
	sc, err := e.enter(ctx, by, in.Key)
	if err != nil {
		return core.Sent{}, err
	}
	if sc.user == nil {
		return core.Sent{}, fault.RequestInvalid.Error("either message.user or message.user_id must be provided when using server side auth.")
	}
	sc.maxExtra, sc.maxText = in.MaxExtra, in.MaxText
	if in.Inside && sc.member == nil && !by.Server() && !sc.banned(e.now()) { // who is banned is told that instead
		return core.Sent{}, fault.GroupNotMember.Error("only members may write here").With("self")
	}
	m, err := e.compose(ctx, sc, &in.Message)
	if err != nil {
		return core.Sent{}, err
	}
	if in.Directed {
		m.RestrictedTo = nil // until its right was judged
	}
	if err := e.maySend(ctx, sc, m, in.QuietBlock); err != nil {
		return core.Sent{}, err
	}
	m.RestrictedTo = in.Message.RestrictedTo
	if err := e.intoThread(ctx, sc, m, in.Inside); err != nil {
		return core.Sent{}, err
	}
	if !in.SkipCommands && strings.HasPrefix(m.Text, "/") {
		done, err := e.slash(ctx, sc, m, nil)
		if err != nil || done {
			m.Author = e.seen(by.App, sc.user)
			return core.Sent{Message: *m}, err
		}
	}
	if sc.app.Settings.AsksBefore() && e.opts.Callouts != nil {
		if err := e.askBefore(ctx, sc, m); err != nil {
			return core.Sent{}, err
		}
	}
	if m.Text, err = e.mask(ctx, sc, m.Text); err != nil {
		return core.Sent{}, err
	}
	flag, err := e.judge(ctx, sc, m)
	if err != nil {
		return core.Sent{}, err
	}
	return e.append(ctx, sc, m, in.KeepHidden, flag)
}

// compose makes a message of what the client sent and checks its shape.
func (e *Engine) compose(ctx context.Context, sc *scene, in *core.MessageInput) (*core.Message, error) {
	now := e.now()
	m := &core.Message{
		Alias: in.Alias, Channel: sc.channel.ID, ChannelKey: sc.channel.Key, User: sc.user.ID, Kind: cmp.Or(in.Kind, core.MessageRegular),
		Text: in.Text, Attachments: in.Attachments, Mentions: in.Mentions, ShowInChannel: in.ShowInChannel,
		Silent: in.Silent, PollID: in.PollID, RestrictedTo: in.RestrictedTo, Tags: in.Tags, Extra: in.Extra, CreatedAt: now, UpdatedAt: now,
	}
	if !in.CreatedAt.IsZero() && sc.by.Server() {
		m.CreatedAt, m.UpdatedAt = in.CreatedAt, in.CreatedAt
		sc.dated = true
	}
	if err := checkShape(sc, m, 0); err != nil {
		return nil, err
	}
	if in.Parent != "" {
		if err := e.toThread(ctx, sc, m, in.Parent); err != nil {
			return nil, err
		}
	}
	if in.Quoted != "" {
		if err := sc.need(core.FeatureQuotes, "quotes"); err != nil {
			return nil, err
		}
		q, err := e.messageIn(ctx, sc.by.App, sc.channel, in.Quoted)
		if err != nil {
			return nil, err
		}
		m.Quoted, m.QuotedAlias = q.ID, q.Alias
	}
	if in.PollID != "" {
		if err := sc.need(core.FeaturePolls, "polls"); err != nil {
			return nil, err
		}
		p, err := e.pollFor(ctx, sc.by.App, "", in.PollID)
		if err != nil {
			return nil, err
		}
		if p == nil {
			return nil, fault.ResourceNotFound.Error(fmt.Sprintf("poll %q does not exist", cut(in.PollID)))
		}
	}
	if in.Pinned {
		if err := e.can(sc, perm.PinMessage, false); err != nil {
			return nil, err
		}
		m.Pinned, m.PinnedAt, m.PinnedBy, m.PinExpires = true, now, sc.user.ID, in.PinExpires
	}
	return m, nil
}

// sizeOf is the length of attachments together.
func sizeOf(attachments []json.RawMessage) (n int) {
	for _, a := range attachments {
		n += len(a)
	}
	return n
}

// checkShape bounds the parts of a message. An edit may leave a message as long as it was.
func checkShape(sc *scene, m *core.Message, was int) error {
	cfg, most := sc.config, max(maxCustom, min(sc.maxExtra, mostCustom), was)
	switch {
	case len(m.Alias) > maxAlias || strings.ContainsAny(m.Alias, ",%"):
		return fault.RequestInvalidField.Error("message.id must be at most 255 characters long and not contain , or %")
	case cfg.MaxLength > 0 && len(m.Text) > max(cfg.MaxLength, min(sc.maxText, mostCustom)) && utf8.RuneCountInString(m.Text) > cfg.MaxLength:
		return fault.MessageTooLong.Error(fmt.Sprintf("message text is too long. Max length is %d", cfg.MaxLength))
	case len(m.Attachments) > maxAttachments:
		return fault.RequestInvalidField.Error(fmt.Sprintf("message.attachments must contain a maximum of %d items", maxAttachments))
	case len(m.Mentions) > maxMentions:
		return fault.RequestInvalidField.Error(fmt.Sprintf("message.mentioned_users must contain a maximum of %d items", maxMentions))
	case len(m.Extra) > most:
		return fault.RequestFieldTooLong.Error(fmt.Sprintf("custom data of a message must be smaller than %dKB", most>>10))
	case sizeOf(m.Attachments) > most:
		return fault.RequestFieldTooLong.Error(fmt.Sprintf("attachments of a message must be smaller than %dKB together", most>>10))
	}
	if m.Text == "" && len(m.Attachments) == 0 && m.PollID == "" && len(m.Extra) == 0 && m.Kind != core.MessageSystem {
		return fault.RequestMissingField.Error("message.text is a required field")
	}
	return nil
}

// toThread ties a message to the first message of its thread.
func (e *Engine) toThread(ctx context.Context, sc *scene, m *core.Message, parent string) error {
	if err := sc.need(core.FeatureReplies, "replies"); err != nil {
		return err
	}
	if err := e.planned(ctx, sc.by.App, core.PlanThreads); err != nil {
		return err
	}
	p, err := e.messageNamed(ctx, sc.by.App, parent)
	if fault.IsReason(err, fault.MessageNotFound) || (err == nil && p.Channel != sc.channel.ID) {
		return fault.MessageNotFound.Error(fmt.Sprintf("parent message with id %q does not exist in this channel", cut(parent)))
	}
	if err != nil {
		return err
	}
	if p.Parent != 0 {
		return fault.ThreadNestingTooDeep.Error("Thread replies can't be replied to: the parent message is a reply itself")
	}
	m.Parent, m.ParentAlias = p.ID, p.Alias
	return e.gatherThread(ctx, sc, p.ID)
}

// maySend checks who may write what here, and how often.
func (e *Engine) maySend(ctx context.Context, sc *scene, m *core.Message, quietBlock bool) error {
	now := e.now()
	if sc.user.Banned(now) {
		return fault.PermissionDenied.Error(fmt.Sprintf("User '%s' is banned", sc.user.ID))
	}
	if sc.ban != nil && sc.ban.Active(now) && !sc.ban.Shadow {
		return fault.GroupBanned.Error(fmt.Sprintf("User '%s' is banned from this channel", sc.user.ID))
	}
	if sc.by.Server() {
		return nil
	}
	if sc.channel.Kind == core.KindSystem {
		return fault.PermissionDenied.Error("nobody answers in a system conversation")
	}
	if err := e.maySpeak(ctx, sc); err != nil {
		return err
	}
	p := perm.CreateMessage
	if m.Kind == core.MessageSystem {
		p = perm.CreateSystemMessage
	}
	if err := e.can(sc, p, sc.owns()); err != nil {
		return err
	}
	if sc.channel.Frozen && e.can(sc, perm.UseFrozenChannel, sc.owns()) != nil {
		return muted("this channel is frozen: messages and reactions are not allowed", "all", time.Time{}, e.now())
	}
	if sc.channel.Disabled {
		return fault.PermissionDenied.Error("this channel is disabled")
	}
	if len(m.Attachments) > 0 {
		if err := e.can(sc, perm.CreateAttachment, sc.owns()); err != nil {
			return err
		}
	}
	if len(m.Mentions) > 0 {
		if err := e.can(sc, perm.CreateMention, sc.owns()); err != nil {
			return err
		}
	}
	if strings.Contains(m.Text, "://") {
		if err := e.can(sc, perm.AddLinks, sc.owns()); err != nil {
			return err
		}
	}
	if len(m.RestrictedTo) > 0 {
		if err := e.can(sc, perm.CreateRestrictedVisibilityMessage, sc.owns()); err != nil {
			return err
		}
	}
	if sc.channel.Kind == core.KindDirect {
		switch err := e.notBlocked(ctx, sc); {
		case quietBlock && fault.IsReason(err, fault.BlockByPeer):
			m.Shadowed = true
		case err != nil:
			return err
		}
		if err := e.within(ctx, sc); err != nil {
			return err
		}
	}
	return e.slow(ctx, sc, now)
}

// slow holds slow mode.
func (e *Engine) slow(ctx context.Context, sc *scene, now time.Time) error {
	if sc.channel.Cooldown == 0 || e.can(sc, perm.SkipChannelCooldown, sc.owns()) == nil {
		return nil
	}
	pause := time.Duration(sc.channel.Cooldown) * time.Second
	last, err := e.store.LastSent(ctx, sc.by.App, sc.channel.ID, sc.user.ID, now.Add(-pause))
	if err != nil || last.IsZero() {
		return err
	}
	if rest := last.Add(pause).Sub(now); rest > 0 {
		return fault.RateCooldown.Error("user sent a message too recently: this channel is in slow mode").After(rest)
	}
	return nil
}

// judge asks the word lists, and finds out whether the author is shadow banned.
func (e *Engine) judge(ctx context.Context, sc *scene, m *core.Message) (flag bool, err error) {
	now := e.now()
	if b := sc.user.Ban; b != nil && b.Shadow && b.Active(now) {
		m.Shadowed = true
	}
	if b := sc.ban; b != nil && b.Shadow && b.Active(now) {
		m.Shadowed = true
	}
	if sc.by.Server() && sc.by.User == "" {
		return false, nil
	}
	v, err := e.moderate(ctx, sc, m.Text)
	if err != nil {
		return false, err
	}
	switch v {
	case verdictBlock:
		return false, fault.ModerationRejected.Error("Automod blocked your message")
	case verdictShadow:
		m.Shadowed = true
	}
	return v == verdictFlag, nil
}

// append stores the message and tells of it.
func (e *Engine) append(ctx context.Context, sc *scene, m *core.Message, keepHidden, flag bool) (core.Sent, error) {
	one := []core.Message{*m}
	if err := e.resolveNew(ctx, sc, one); err != nil {
		return core.Sent{}, err
	}
	sent := &one[0]
	quiet := m.Kind == core.MessageSystem && sc.config.Features[core.FeatureQuietSystem]
	in := &store.Append{
		App: sc.by.App, Message: sent, MoveRead: sc.member != nil, QuietChannel: quiet,
		Outbox: e.hasHooks(sc.by.App, core.MessageSent),
		Event:  store.EventRow{Channel: m.Channel, Kind: core.MessageSent, At: m.UpdatedAt, Actor: m.User},
		Unhide: !keepHidden && !m.Shadowed && e.anyHidden(ctx, sc),
		Timely: !sc.dated,
	}
	ev := &core.Event{Kind: core.MessageSent, App: sc.by.App, At: m.UpdatedAt, Config: sc.config, User: sent.Author, Message: sent, Member: sc.member, Origin: core.Origin(ctx)}
	if m.Shadowed {
		ev.To = []core.UserID{m.User}
	} else if len(m.RestrictedTo) > 0 {
		ev.To = append([]core.UserID{m.User}, m.RestrictedTo...)
	}
	in.Event.Payload = payloadOf(&core.Event{To: ev.To})
	err := e.store.Append(ctx, in, func() {
		if in.Duplicate {
			return
		}
		e.appended(sc, in, ev)
	})
	if errors.Is(err, store.ErrUnknownOutcome) {
		e.doubtful(unsureOf{room: roomKey{in.App, m.Channel}, drops: []invalidation{{App: in.App, Keys: []core.ChannelKey{sc.channel.Key}, Places: []placeOf{{Ch: m.Channel, User: m.User}}}}})
	}
	if err != nil {
		return core.Sent{}, unforeseen(err)
	}
	if in.Duplicate {
		if e.opts.Shared { // whoever stored it may not have told anybody
			e.check(unsureOf{room: roomKey{in.App, m.Channel}})
		}
		return e.duplicate(ctx, sc, in.Message)
	}
	if in.Parent != nil && !m.Shadowed {
		if err := e.tellParent(ctx, ev, in.Parent); err != nil {
			e.opts.Report("thread parent cannot be told", err)
		}
	}
	if flag {
		if err := e.autoFlag(ctx, sc, sent); err != nil {
			return core.Sent{}, err
		}
	}
	if sent.PollID != "" {
		if err := e.attachPoll(ctx, sc.by.App, sent); err != nil {
			return core.Sent{}, err
		}
	}
	out := *sent
	veil(&out, sc.by)
	return core.Sent{Message: out}, nil
}

// appended runs after the commit, in commit order.
func (e *Engine) appended(sc *scene, in *store.Append, ev *core.Event) {
	if in.Outbox {
		kick(e.kit.hooks)
	}
	c := *sc.channel
	if now, ok := e.channels.get(channelKey{in.App, c.Key}); ok {
		c = *now
	}
	c.LastSeq, c.LastEv, c.LastMessageAt, c.MessageCount = in.Channel.LastSeq, in.Channel.LastEv, in.Channel.LastMessageAt, in.Channel.MessageCount
	e.channels.put(channelKey{in.App, c.Key}, &c)
	if sc.member != nil {
		k := placeKey{in.App, c.ID, in.Message.User}
		if p, ok := e.places.get(k); ok && p.member != nil {
			m := *p.member
			m.ReadSeq, m.ReadAt, m.ReadMessage = in.Message.Seq, in.Message.CreatedAt, in.Message.ID
			now := *p
			now.member = &m
			e.places.put(k, &now)
		}
	}
	if in.Unhide {
		e.hidden.put(c.ID, false)
		e.places.dropWhere(func(k placeKey) bool { return k.app == in.App && k.ch == c.ID })
	}
	if p := in.Parent; p != nil {
		// Who is in the thread travels with the reply: they are told of it wherever they are.
		ev.Message.Participants = withPeople(append([]core.UserID{p.User}, p.Participants...), sc.threadPeople)
	}
	ev.Channel, ev.Ev, ev.Stamp, ev.At = &c, in.Event.Ev, in.Event.Stamp, in.Event.At
	e.dispatch.push(ev)
}

// tellParent tells watchers that a thread grew. It is told once and not stored: the reply is.
func (e *Engine) tellParent(ctx context.Context, ev *core.Event, parent *core.Message) error {
	one := []core.Message{*parent}
	if err := e.resolve(ctx, ev.App, "", one); err != nil {
		return err
	}
	e.dispatch.push(&core.Event{Kind: core.MessageEdited, App: ev.App, At: ev.At, Channel: ev.Channel, Config: ev.Config, User: ev.User, Message: &one[0], Watchers: true})
	return nil
}

// duplicate answers a repeated send with what was stored, if it is the author's own.
func (e *Engine) duplicate(ctx context.Context, sc *scene, old *core.Message) (core.Sent, error) {
	if old.User != sc.user.ID || old.Channel != sc.channel.ID {
		return core.Sent{}, fault.RequestInvalid.Error(fmt.Sprintf("a message with ID %q already exists", old.Alias))
	}
	one := []core.Message{*old}
	if err := e.resolve(ctx, sc.by.App, sc.by.User, one); err != nil {
		return core.Sent{}, err
	}
	return core.Sent{Message: one[0], Duplicate: true}, nil
}

// resolveNew fills in a message that nobody has reacted to yet: no reads but for what it names.
func (e *Engine) resolveNew(ctx context.Context, sc *scene, one []core.Message) error {
	m := &one[0]
	m.Author = e.seen(sc.by.App, sc.user)
	if sc.member != nil {
		m.AuthorChannelRole = sc.member.ChannelRole
	}
	if len(m.Mentions) == 0 && m.Quoted == 0 && m.PollID == "" && m.PinnedBy == "" {
		return nil
	}
	return e.resolve(ctx, sc.by.App, "", one)
}

// anyHidden reports whether some member hides the channel; the answer is kept.
func (e *Engine) anyHidden(ctx context.Context, sc *scene) bool {
	any, err := e.hidden.load(sc.channel.ID, func() (bool, error) {
		ms, err := e.store.FindMembers(ctx, sc.by.App, sc.channel.ID, store.Query{
			Filter: core.Cond("hidden", core.OpEq, core.Bool(true)), Limit: 1,
		})
		return len(ms) > 0, err
	})
	return any || err != nil // when in doubt the update is harmless
}

// systemMessage stores a message told along with a change, in the change's transaction.
func (e *Engine) systemMessage(ctx context.Context, t *txn, sc *scene, c *core.Channel, in *core.SendMessage, now time.Time) (*core.Message, error) {
	author := sc.user
	if author == nil {
		return nil, fault.RequestMissingField.Error("message.user or message.user_id is required")
	}
	m := core.Message{
		Alias: in.Message.Alias, Channel: c.ID, ChannelKey: c.Key, User: author.ID, Kind: cmp.Or(in.Message.Kind, core.MessageSystem),
		Text: in.Message.Text, Attachments: in.Message.Attachments, Mentions: in.Message.Mentions, Silent: in.Message.Silent,
		Extra: in.Message.Extra, CreatedAt: now, UpdatedAt: now,
	}
	if err := checkShape(sc, &m, 0); err != nil {
		return nil, err
	}
	old, err := t.InsertMessage(t.app, &m)
	if err != nil {
		return nil, err
	}
	if old != nil {
		return nil, fault.RequestInvalid.Error(fmt.Sprintf("a message with ID %q already exists", m.Alias))
	}
	one := []core.Message{m}
	if err := e.resolveNew(ctx, &scene{by: sc.by, user: author}, one); err != nil {
		return nil, err
	}
	told := *c
	return &one[0], t.emit(&core.Event{Kind: core.MessageSent, Channel: &told, Config: sc.config, User: e.seen(t.app, author), Message: &one[0]})
}
