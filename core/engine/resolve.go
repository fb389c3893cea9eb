package engine

import (
	"context"

	"dragoman/core"
)

// latestShown is how many reactions a message shows.
const latestShown = 10

// resolve fills in what messages refer to: people, quoted messages, reactions, polls, and for a
// viewer their own reactions, reminders and what they deleted for themselves.
func (e *Engine) resolve(ctx context.Context, app core.AppID, viewer core.UserID, ms []core.Message) error {
	if len(ms) == 0 {
		return nil
	}
	return e.resolveDeep(ctx, app, viewer, ms, true)
}

func (e *Engine) resolveDeep(ctx context.Context, app core.AppID, viewer core.UserID, ms []core.Message, quotes bool) error {
	people := make([]core.UserID, 0, len(ms)+4)
	var reacted, quoted []core.MessageID
	for i := range ms {
		m := &ms[i]
		people = append(people, m.User, m.PinnedBy)
		if n := m.Notice; n != nil {
			people = append(people, n.Of)
			if n.Call != nil {
				people = append(people, n.Call.By, n.Call.To)
			}
		}
		people = append(people, m.Mentions...)
		people = append(people, m.Participants...)
		if len(m.Reactions) > 0 {
			reacted = append(reacted, m.ID)
		}
		if m.Quoted != 0 && quotes {
			quoted = append(quoted, m.Quoted)
		}
	}
	var latest, own []core.Reaction
	var err error
	if len(reacted) > 0 {
		if latest, err = e.store.LatestReactions(ctx, app, reacted, latestShown); err != nil {
			return err
		}
		if viewer != "" {
			if own, err = e.store.UserReactions(ctx, app, reacted, viewer); err != nil {
				return err
			}
		}
		for i := range latest {
			people = append(people, latest[i].User)
		}
	}
	users, err := e.usersByID(ctx, app, append(people, viewer))
	if err != nil {
		return err
	}
	quotedBy := map[core.MessageID]*core.Message{}
	if len(quoted) > 0 {
		qs, err := e.store.Messages(ctx, app, quoted)
		if err != nil {
			return err
		}
		if err := e.resolveDeep(ctx, app, "", qs, false); err != nil {
			return err
		}
		for i := range qs {
			quotedBy[qs[i].ID] = &qs[i]
		}
	}
	byMessage := map[core.MessageID][]core.Reaction{}
	for i := range latest {
		latest[i].Author = users[latest[i].User]
		byMessage[latest[i].Message] = append(byMessage[latest[i].Message], latest[i])
	}
	ownBy := map[core.MessageID][]core.Reaction{}
	for i := range own {
		own[i].Author = users[own[i].User]
		ownBy[own[i].Message] = append(ownBy[own[i].Message], own[i])
	}
	for i := range ms {
		m := &ms[i]
		m.Author = users[m.User]
		if m.PinnedBy != "" {
			m.PinnedByUser = users[m.PinnedBy]
		}
		if m.Notice != nil {
			m.Notice = noticeWith(m.Notice, users)
		}
		m.Mentioned = usersIn(users, m.Mentions)
		m.ThreadUsers = usersIn(users, m.Participants)
		m.LatestReactions, m.OwnReactions = byMessage[m.ID], ownBy[m.ID]
		if q := quotedBy[m.Quoted]; q != nil && q.Channel == m.Channel {
			m.QuotedMessage = q
			m.QuotedAlias = q.Alias
		}
		if !m.PinExpires.IsZero() && m.Pinned && !e.now().Before(m.PinExpires) {
			m.Pinned = false
		}
		if m.PollID != "" {
			if m.Poll, err = e.pollFor(ctx, app, viewer, m.PollID); err != nil {
				return err
			}
		}
	}
	if viewer == "" || !quotes {
		return nil
	}
	return e.resolvePersonal(ctx, app, viewer, ms)
}

// resolvePersonal fills in what one viewer has attached to messages. Both collections are small
// and most people have neither, so they are read by prefix once.
func (e *Engine) resolvePersonal(ctx context.Context, app core.AppID, viewer core.UserID, ms []core.Message) error {
	rems, err := e.remindersOf(ctx, app, viewer)
	if err != nil {
		return err
	}
	gone, err := e.hiddenFor(ctx, app, viewer, ms[0].Channel)
	if err != nil {
		return err
	}
	for i := range ms {
		if r, ok := rems[ms[i].ID]; ok {
			ms[i].Reminder = r
		}
		if gone[ms[i].ID] {
			ms[i].DeletedFor = true
		}
	}
	return nil
}

func usersIn(users map[core.UserID]*core.User, ids []core.UserID) []core.User {
	if len(ids) == 0 {
		return nil
	}
	out := make([]core.User, 0, len(ids))
	for _, id := range ids {
		if u := users[id]; u != nil {
			out = append(out, *u)
		}
	}
	return out
}

// noticeWith is the notice with its people filled in; the one given may be shared and stays as it is.
func noticeWith(n *core.Notice, users map[core.UserID]*core.User) *core.Notice {
	c := *n
	c.Person = users[n.Of]
	if n.Call != nil {
		call := *n.Call
		call.Caller, call.Callee = users[call.By], users[call.To]
		c.Call = &call
	}
	return &c
}
