package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/store"
)

type broadcasts struct{ e *Engine }

// The kinds of task of broadcasts.
const (
	taskBroadcast   = "broadcasts.send"
	taskUnbroadcast = "broadcasts.delete"
)

// maxSystem bounds the people of one call, broadcastRun those read at once in the background.
const (
	maxSystem    = 100
	broadcastRun = 200
)

// storedBroadcast is a broadcast and what its copies are made of.
type storedBroadcast struct {
	core.Broadcast
	Direct  bool              `json:"direct,omitempty"`
	Bound   int               `json:"bound,omitempty"`
	Message core.MessageInput `json:"message"`
}

// system finds or makes the system conversation of a person with from.
func (e *Engine) system(ctx context.Context, app core.AppID, from core.UserID, to *core.User) (core.ChannelKey, error) {
	key := core.SystemKey(from, to.ID)
	_, err := e.channel(ctx, app, key)
	if !fault.IsReason(err, fault.GroupNotFound) {
		return key, err
	}
	by := core.Actor{App: app, User: from, Access: core.AccessServer}
	sc := &scene{by: by}
	if sc.user, err = e.actor(ctx, by); err != nil {
		return key, err
	}
	return key, e.update(ctx, "broadcasts.system", app, 0, func(t *txn) error {
		c, err := t.Channel(ctx, app, key)
		if err == nil && c.DeletedAt.IsZero() {
			return nil
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		now := e.now()
		c = core.Channel{ID: c.ID, Key: key, Type: core.DefaultType, Kind: core.KindSystem, CreatedBy: from, CreatedAt: now, UpdatedAt: now}
		if err := t.putChannel(&c); err != nil {
			return err
		}
		sc.channel = &c
		if sc.config, err = e.configOf(ctx, app, &c); err != nil {
			return err
		}
		told := c
		if err := t.emit(&core.Event{Kind: core.ChannelCreated, Channel: &told, Config: sc.config, User: e.seen(app, sc.user)}); err != nil {
			return err
		}
		return e.enrol(ctx, t, sc, &c, e.newMember(&c, core.MemberInput{User: to.ID}), to, core.MemberAdded, false)
	})
}

// copyTo writes one copy into a conversation.
func (e *Engine) copyTo(ctx context.Context, by core.Actor, key core.ChannelKey, in *core.MessageInput, bound int) (*core.Message, error) {
	sent, err := messages{e}.Send(ctx, by, core.SendMessage{Key: key, Message: *in, SkipCommands: true, MaxText: bound, MaxExtra: bound})
	if err != nil {
		return nil, err
	}
	return &sent.Message, nil
}

// System writes to people outside of any conversation with a person.
func (b broadcasts) System(ctx context.Context, by core.Actor, in core.SendSystem) ([]core.SystemOutcome, error) {
	const op = "broadcasts.system"
	e := b.e
	err := serverOnly(by, "system messages")
	if err == nil && (len(in.To) == 0 || len(in.To) > maxSystem) {
		err = fault.RequestBatchTooLarge.Error("a system message goes to 1 to 100 people")
	}
	if err == nil && in.From == "" {
		err = fault.RequestMissingField.Error("who speaks is required")
	}
	if err == nil {
		_, err = e.actor(ctx, by.As(in.From))
	}
	if err != nil {
		return nil, translate(op, err)
	}
	people, err := e.usersByID(ctx, by.App, in.To)
	if err != nil {
		return nil, translate(op, err)
	}
	out := make([]core.SystemOutcome, 0, len(in.To))
	for _, id := range in.To {
		one := core.SystemOutcome{User: id}
		u := people[id]
		if u == nil || !u.DeletedAt.IsZero() {
			one.Err = translate(op, fault.UserNotFound.Error(fmt.Sprintf("The user with ID %q does not exist", id)))
			out = append(out, one)
			continue
		}
		one.Key, err = e.system(ctx, by.App, in.From, u)
		if err == nil {
			one.Message, err = e.copyTo(ctx, by.As(in.From), one.Key, &in.Message, in.MaxExtra)
		}
		if one.Err = translate(op, err); err != nil && fault.From(one.Err).Reason.Blame() != fault.BlameClient {
			return out, one.Err
		}
		out = append(out, one)
	}
	return out, nil
}

// Send writes to many at once.
func (b broadcasts) Send(ctx context.Context, by core.Actor, in core.SendBroadcast) (core.Broadcast, error) {
	const op = "broadcasts.send"
	e := b.e
	var out core.Broadcast
	err := serverOnly(by, "broadcasts")
	switch {
	case err != nil:
	case in.From == "":
		err = fault.RequestMissingField.Error("who speaks is required")
	case in.Audience != core.AudienceEveryone && in.Audience != core.AudienceOnline && in.Audience != core.AudienceRooms:
		err = fault.RequestInvalidField.Error("the audience of a broadcast is not known")
	}
	var from *core.User
	if err == nil {
		from, err = e.actor(ctx, by.As(in.From))
	}
	if err != nil {
		return out, translate(op, err)
	}
	err = e.update(ctx, op, by.App, 0, func(t *txn) error {
		out = core.Broadcast{ID: core.MessageID(t.NextStamp()), From: in.From, Audience: in.Audience, CreatedAt: e.now()}
		if in.Audience == core.AudienceOnline {
			return t.emit(&core.Event{Kind: core.BroadcastTold, User: e.seen(t.app, from), Message: loose(&out, from, &in.Message)})
		}
		s := storedBroadcast{Broadcast: out, Direct: in.Direct, Bound: in.MaxExtra, Message: in.Message}
		task, err := startTask(t, taskBroadcast, &s.ID)
		if err != nil {
			return err
		}
		out.Task = task.ID
		s.Task = task.ID
		return putJSON(t, spaceBroadcasts, ordered(int64(s.ID)), &s)
	})
	return out, err
}

// loose is a message that stands in no channel.
func loose(b *core.Broadcast, from *core.User, in *core.MessageInput) *core.Message {
	return &core.Message{
		ID: b.ID, User: from.ID, Author: from, Kind: core.MessageRegular, Text: in.Text, Attachments: in.Attachments, Tags: in.Tags,
		Extra: in.Extra, CreatedAt: b.CreatedAt, UpdatedAt: b.CreatedAt,
	}
}

// Delete takes back the copies of a broadcast.
func (b broadcasts) Delete(ctx context.Context, by core.Actor, in core.DeleteBroadcast) (core.Task, error) {
	const op = "broadcasts.delete"
	var out core.Task
	if err := serverOnly(by, "broadcasts"); err != nil {
		return out, translate(op, err)
	}
	err := b.e.update(ctx, op, by.App, 0, func(t *txn) error {
		_, found, err := record[storedBroadcast](ctx, t, t.app, spaceBroadcasts, ordered(int64(in.ID)))
		if err == nil && !found {
			err = fault.MessageNotFound.Error("there is no broadcast with this id")
		}
		if err == nil {
			out, err = startTask(t, taskUnbroadcast, &in.ID)
		}
		return err
	})
	return out, err
}

// sendBroadcast writes the copies of a broadcast. Each has an alias of its own, so that a run after an
// interrupted one writes what is missing.
func sendBroadcast(ctx context.Context, e *Engine, app core.AppID, job json.RawMessage) (core.Extra, error) {
	return e.eachCopy(ctx, app, job, func(by core.Actor, s *storedBroadcast, key core.ChannelKey) error {
		in := s.Message
		in.Alias = copyAlias(s.ID, key)
		var err error
		if in.Extra, err = withField(in.Extra, "broadcast_id", s.ID.String()); err != nil {
			return err
		}
		_, err = e.copyTo(ctx, by, key, &in, s.Bound)
		return err
	})
}

// deleteBroadcast removes the copies of a broadcast.
func deleteBroadcast(ctx context.Context, e *Engine, app core.AppID, job json.RawMessage) (core.Extra, error) {
	return e.eachCopy(ctx, app, job, func(by core.Actor, s *storedBroadcast, key core.ChannelKey) error {
		_, err := messages{e}.Delete(ctx, by, core.DeleteMessage{ID: copyAlias(s.ID, key)})
		return err
	})
}

// copyAlias names the copy of a broadcast in a conversation; the key is hashed, since it may hold what
// an alias may not.
func copyAlias(id core.MessageID, key core.ChannelKey) string {
	sum := sha256.Sum256([]byte(key))
	return "broadcast-" + id.String() + "-" + hex.EncodeToString(sum[:12])
}

// withField adds a text field to custom fields.
func withField(x core.Extra, name, value string) (core.Extra, error) {
	fields := map[string]json.RawMessage{}
	if len(x) > 0 {
		if err := json.Unmarshal(x, &fields); err != nil {
			return nil, fault.RequestInvalid.Error("custom fields must be an object").Cause(err)
		}
	}
	fields[name] = json.RawMessage(strconv.Quote(value))
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(fields)
	return bytes.TrimSpace(b.Bytes()), err
}

// eachCopy calls do for every conversation a broadcast goes to, and tells how many there were. What is
// wrong with one of them does not keep the others waiting.
func (e *Engine) eachCopy(ctx context.Context, app core.AppID, job json.RawMessage, do func(core.Actor, *storedBroadcast, core.ChannelKey) error) (core.Extra, error) {
	var id core.MessageID
	if err := json.Unmarshal(job, &id); err != nil {
		return nil, err
	}
	s, err := getJSON[storedBroadcast](ctx, e.store, app, spaceBroadcasts, ordered(int64(id)))
	if err != nil {
		return nil, err
	}
	by := core.Actor{App: app, User: s.From, Access: core.AccessServer}
	done := 0
	one := func(key core.ChannelKey, err error) error {
		if err == nil {
			err = do(by, &s, key)
		}
		if err == nil {
			done++
		} else if f := fault.From(translate(taskBroadcast, err)); f.Reason.Blame() != fault.BlameClient {
			return f
		}
		return nil
	}
	if s.Audience == core.AudienceRooms {
		err = e.eachRoom(ctx, app, func(c *core.Channel) error { return one(c.Key, nil) })
	} else {
		err = e.eachPerson(ctx, app, func(u *core.User) error {
			if u.ID == s.From || u.ID == core.SystemUser {
				return nil
			}
			return one(e.mailbox(ctx, by, &s, u))
		})
	}
	return core.Extra(fmt.Sprintf(`{"copies":%d}`, done)), err
}

// mailbox is the conversation in which a person gets their copy.
func (e *Engine) mailbox(ctx context.Context, by core.Actor, s *storedBroadcast, u *core.User) (core.ChannelKey, error) {
	if !s.Direct {
		return e.system(ctx, by.App, s.From, u)
	}
	in := core.OpenChannel{Type: core.DefaultType, Input: core.ChannelInput{Members: []core.MemberInput{{User: s.From}, {User: u.ID}}}}
	st, err := channels{e}.Open(ctx, by, in)
	return st.Channel.Key, err
}

func (e *Engine) eachRoom(ctx context.Context, app core.AppID, do func(*core.Channel) error) error {
	f := core.Cond("kind", core.OpEq, core.Number(float64(core.KindRoom)))
	for after := ""; ; {
		next := ""
		list, err := e.store.FindChannels(ctx, app, store.Query{Filter: f, Sort: []core.Sort{{Field: "key"}}, Limit: broadcastRun, After: after, Next: &next})
		if err != nil {
			return err
		}
		for i := range list {
			if err := do(&list[i]); err != nil {
				return err
			}
		}
		if after = next; next == "" {
			return nil
		}
	}
}

func (e *Engine) eachPerson(ctx context.Context, app core.AppID, do func(*core.User) error) error {
	for after := ""; ; {
		next := ""
		list, err := e.store.FindUsers(ctx, app, store.Query{Sort: []core.Sort{{Field: "id"}}, Limit: broadcastRun, After: after, Next: &next})
		if err != nil {
			return err
		}
		for i := range list {
			if err := do(&list[i]); err != nil {
				return err
			}
		}
		if after = next; next == "" {
			return nil
		}
	}
}
