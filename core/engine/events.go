package engine

import (
	"context"
	"encoding/json"
	"errors"

	"dragoman/core"
	"dragoman/core/store"
)

// stored are the kinds that are written to the channel's event log and can be replayed.
var stored = map[core.EventKind]bool{
	core.MessageSent: true, core.MessageEdited: true, core.MessageDeleted: true, core.MessageRestored: true,
	core.ReactionAdded: true, core.ReactionChanged: true, core.ReactionRemoved: true,
	core.ChannelCreated: true, core.ChannelUpdated: true, core.ChannelTruncated: true, core.ChannelDeleted: true,
	core.MemberAdded: true, core.MemberUpdated: true, core.MemberRemoved: true,
	core.MemberInvited: true, core.InviteAccepted: true, core.InviteRejected: true,
	core.ReadMoved: true, core.MessageValued: true,

	core.MemberMuted: true, core.MemberUnmuted: true, core.GroupMutedAll: true, core.GroupUnmutedAll: true,
	core.MemberAllowed: true, core.MemberDisallowed: true, core.Announced: true, core.GroupRuled: true, core.OwnerChanged: true,
	core.FileShared: true, core.FileUnshared: true, core.MemberAttributes: true, core.MessageAcked: true,
	core.ThreadStarted: true, core.ThreadClosed: true,
}

// hooksOnly are the kinds that connections are not told of.
var hooksOnly = map[core.EventKind]bool{
	core.UserFlagged: true, core.MessageFlagged: true, core.UserMuted: true, core.UserUnmuted: true,
	core.UserBlocked: true, core.UserUnblocked: true,
}

// remembered is what an event row keeps beside its columns; the message itself is read again when
// the event is replayed, unless it is gone for good.
type remembered struct {
	To       []core.UserID  `json:"to,omitempty"`
	Box      []core.UserID  `json:"box,omitempty"`
	Watchers bool           `json:"watchers,omitempty"`
	Message  *core.Message  `json:"message,omitempty"`
	Reaction *core.Reaction `json:"reaction,omitempty"`
	Member   *core.Member   `json:"member,omitempty"`
	Target   *core.User     `json:"target,omitempty"`
	Read     *core.Read     `json:"read,omitempty"`
	Thread   *core.Thread   `json:"thread,omitempty"`
	Change   *core.Change   `json:"change,omitempty"`
	Ban      *core.Ban      `json:"ban,omitempty"`
	Extra    core.Extra     `json:"extra,omitempty"`
	Hard     bool           `json:"hard,omitempty"`
	Name     string         `json:"name,omitempty"`
	Parent   string         `json:"parent,omitempty"`
}

// payloadOf is nil for plain message events: the hot path stores columns only.
func payloadOf(ev *core.Event) []byte {
	r := remembered{
		To: ev.To, Box: ev.Box, Watchers: ev.Watchers, Reaction: ev.Reaction, Member: ev.Member, Target: ev.Target,
		Read: ev.Read, Thread: ev.Thread, Change: ev.Change, Ban: ev.Ban, Extra: ev.Extra, Hard: ev.Hard,
		Name: ev.Name, Parent: ev.Parent,
	}
	if ev.Hard {
		r.Message = ev.Message
	}
	if ev.To == nil && ev.Box == nil && !ev.Watchers && r.Message == nil && ev.Reaction == nil && ev.Member == nil &&
		ev.Target == nil && ev.Read == nil && ev.Thread == nil && ev.Change == nil && ev.Ban == nil && ev.Extra == nil && !ev.Hard && ev.Name == "" {
		return nil
	}
	b, err := json.Marshal(&r)
	if err != nil {
		return nil // nouns of the core always encode; the event is still replayed by its columns
	}
	return b
}

// rebuild makes events of their rows, resolving the people and messages they name as they are now.
// Events whose channel or message is gone are left out.
func (e *Engine) rebuild(ctx context.Context, app core.AppID, rows []store.EventRow) ([]*core.Event, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	var chs []core.ChannelID
	var msgs []core.MessageID
	var people []core.UserID
	seenCh, seenMsg := map[core.ChannelID]bool{}, map[core.MessageID]bool{}
	for i := range rows {
		if !seenCh[rows[i].Channel] {
			seenCh[rows[i].Channel] = true
			chs = append(chs, rows[i].Channel)
		}
		if id := rows[i].Message; id != 0 && !seenMsg[id] {
			seenMsg[id] = true
			msgs = append(msgs, id)
		}
		people = append(people, rows[i].Actor)
	}
	channels := map[core.ChannelID]*core.Channel{}
	list, err := e.store.Channels(ctx, app, chs)
	if err != nil {
		return nil, err
	}
	for i := range list {
		channels[list[i].ID] = &list[i]
	}
	var found []core.Message
	for start := 0; start < len(msgs); start += 500 {
		part, err := e.store.Messages(ctx, app, msgs[start:min(start+500, len(msgs))])
		if err != nil {
			return nil, err
		}
		found = append(found, part...)
	}
	if err := e.resolve(ctx, app, "", found); err != nil {
		return nil, err
	}
	messages := map[core.MessageID]*core.Message{}
	for i := range found {
		messages[found[i].ID] = &found[i]
	}
	users, err := e.usersByID(ctx, app, people)
	if err != nil {
		return nil, err
	}
	out := make([]*core.Event, 0, len(rows))
	for i := range rows {
		r := &rows[i]
		ev := &core.Event{Kind: r.Kind, App: app, At: r.At, Ev: r.Ev, Stamp: r.Stamp, Channel: channels[r.Channel], User: users[r.Actor], Message: messages[r.Message]}
		if ev.Channel == nil {
			continue
		}
		if ev.Config, err = e.configOf(ctx, app, ev.Channel); err != nil {
			return nil, err
		}
		if r.Payload != nil {
			var p remembered
			if err := json.Unmarshal(r.Payload, &p); err != nil {
				return nil, err
			}
			ev.Box, ev.Name, ev.Parent = p.Box, p.Name, p.Parent
			ev.To, ev.Watchers, ev.Reaction, ev.Member, ev.Target = p.To, p.Watchers, p.Reaction, p.Member, p.Target
			ev.Read, ev.Thread, ev.Extra, ev.Hard = p.Read, p.Thread, p.Extra, p.Hard
			ev.Change, ev.Ban = p.Change, p.Ban
			if ev.Message == nil {
				ev.Message = p.Message
			}
		}
		if r.Message != 0 && ev.Message == nil {
			continue
		}
		out = append(out, ev)
	}
	return out, nil
}

// configOf returns the effective type of a channel.
func (e *Engine) configOf(ctx context.Context, app core.AppID, c *core.Channel) (*core.ChannelType, error) {
	t, err := e.ctype(ctx, app, c.Type)
	if err != nil {
		return nil, err
	}
	return effective(t, c), nil
}

// record reads a record, answering the zero value when there is none.
func record[T any](ctx context.Context, r store.Reader, app core.AppID, space, key string) (T, bool, error) {
	v, err := getJSON[T](ctx, r, app, space, key)
	if errors.Is(err, store.ErrNotFound) {
		return v, false, nil
	}
	return v, err == nil, err
}
