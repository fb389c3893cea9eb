package engine

import (
	"context"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/store"
)

type acks struct{ e *Engine }

// maxAcksCounted bounds one call of Count.
const maxAcksCounted = 100

func ackPrefix(id core.MessageID) string { return prefixOf(ordered(int64(id))) }

// countAcks counts the receipts of a message.
func countAcks(ctx context.Context, r store.Reader, app core.AppID, id core.MessageID) (int, error) {
	n, _, err := record[int](ctx, r, app, spaceAckCounts, ordered(int64(id)))
	return n, err
}

// seenBy enters the channel of a message as somebody who may see it.
func (s acks) seenBy(ctx context.Context, by core.Actor, name string) (*core.Message, *scene, error) {
	m, sc, err := s.e.readMessage(ctx, by, name)
	if err != nil {
		return nil, nil, err
	}
	if !by.Server() && (sc.member == nil || !canSee(m, by)) {
		return nil, nil, fault.MessageAccessDenied.Error("only members of the channel know who acknowledged a message")
	}
	return m, sc, nil
}

// Ack gives a receipt of a message.
func (s acks) Ack(ctx context.Context, by core.Actor, in core.AckMessage) (core.MessageAck, error) {
	const op = "acks.ack"
	e := s.e
	var out core.MessageAck
	err := needUser(by)
	if err == nil {
		err = checkSaid(in.Text)
	}
	if err != nil {
		return out, translate(op, err)
	}
	m, sc, err := s.seenBy(ctx, by, in.Message)
	if err == nil && sc.member == nil {
		err = fault.GroupNotMember.Error("only members acknowledge messages").With("self")
	}
	if err == nil && m.User == by.User {
		err = fault.TargetIsSelf.Error("nobody acknowledges their own messages").With("message")
	}
	if err != nil {
		return out, translate(op, err)
	}
	err = e.update(ctx, op, by.App, sc.channel.ID, func(t *txn) error {
		key := ackPrefix(m.ID) + string(by.User)
		n, err := countAcks(ctx, t, t.app, m.ID)
		if err != nil {
			return err
		}
		old, found, err := record[core.MessageAck](ctx, t, t.app, spaceAcks, key)
		if err != nil {
			return err
		}
		if found {
			old.Count = n
			out = old
			return nil
		}
		out = core.MessageAck{Message: m.ID, User: by.User, Text: in.Text, CreatedAt: e.now()}
		if err := putJSON(t, spaceAcks, key, &out); err != nil {
			return err
		}
		n++
		if err := putJSON(t, spaceAckCounts, ordered(int64(m.ID)), &n); err != nil {
			return err
		}
		out.Count = n
		c, err := t.Channel(ctx, t.app, sc.channel.Key)
		if err != nil {
			return err
		}
		told := out
		return t.emit(&core.Event{
			Kind: core.MessageAcked, Channel: &c, Config: sc.config, User: e.seen(t.app, sc.user), Message: m, To: []core.UserID{m.User},
			Change: &core.Change{Ack: &told, Text: in.Text},
		})
	})
	return out, err
}

// List lists the receipts of a message by person.
func (s acks) List(ctx context.Context, by core.Actor, in core.ListAcks) ([]core.MessageAck, error) {
	const op = "acks.list"
	m, _, err := s.seenBy(ctx, by, in.Message)
	if err != nil {
		return nil, translate(op, err)
	}
	all, err := scan[core.MessageAck](ctx, s.e.store, by.App, spaceAcks, ackPrefix(m.ID))
	if err != nil {
		return nil, translate(op, err)
	}
	n := len(all)
	all, err = paged(all, in.Page, func(a *core.MessageAck) string { return string(a.User) })
	for i := range all {
		all[i].Count = n
	}
	return all, translate(op, err)
}

// Count counts the receipts of messages.
func (s acks) Count(ctx context.Context, by core.Actor, in core.CountAcks) (map[core.MessageID]int, error) {
	const op = "acks.count"
	if len(in.Messages) > maxAcksCounted {
		return nil, translate(op, fault.RequestBatchTooLarge.Error("the receipts of at most 100 messages can be counted at once"))
	}
	out := make(map[core.MessageID]int, len(in.Messages))
	for _, name := range in.Messages {
		m, _, err := s.seenBy(ctx, by, name)
		if fault.IsReason(err, fault.MessageNotFound) || fault.IsReason(err, fault.MessageAccessDenied) {
			continue
		}
		if err == nil {
			out[m.ID], err = countAcks(ctx, s.e.store, by.App, m.ID)
		}
		if err != nil {
			return nil, translate(op, err)
		}
	}
	return out, nil
}
