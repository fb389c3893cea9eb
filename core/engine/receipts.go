package engine

import (
	"context"

	"dragoman/core"
	"dragoman/core/fault"
)

// maxReceipts bounds the members a receipt is worked out for.
const maxReceipts = 300

// Receipts tells who has got and read a message, by the positions of the members of its channel.
func (r reads) Receipts(ctx context.Context, by core.Actor, in core.ListReceipts) (core.Receipts, error) {
	e := r.e
	const op = "reads.receipts"
	var out core.Receipts
	m, sc, err := e.readMessage(ctx, by, in.Message)
	if err != nil {
		return out, translate(op, err)
	}
	if !by.Server() && (sc.member == nil || !canSee(m, by)) {
		return out, translate(op, fault.MessageAccessDenied.Error("the message is not visible to this user"))
	}
	out.Message = *m
	ms, err := e.store.Members(ctx, by.App, sc.channel.ID, nil, maxReceipts, 0)
	if err != nil {
		return out, translate(op, err)
	}
	if err := e.profiles(ctx, by.App, ms); err != nil {
		return out, translate(op, err)
	}
	var delivered, read int
	for i := range ms {
		x := &ms[i]
		if x.User == m.User || x.Profile == nil {
			continue
		}
		out.Others++
		got := core.Receipt{User: *x.Profile}
		if x.ReadSeq >= m.Seq {
			got.ReadAt = later(x.ReadAt, m.CreatedAt)
			read++
		}
		if x.ReadSeq >= m.Seq || x.DeliveredSeq >= m.Seq {
			got.DeliveredAt = later(x.DeliveredAt, m.CreatedAt)
			if !got.ReadAt.IsZero() && got.DeliveredAt.After(got.ReadAt) {
				got.DeliveredAt = got.ReadAt
			}
			delivered++
			out.Receipts = append(out.Receipts, got)
		}
	}
	out.DeliveredToAll = out.Others > 0 && delivered == out.Others
	out.ReadByAll = out.Others > 0 && read == out.Others
	return out, nil
}

// everyone reports whether all members beside one have come at least to seq, in channels small
// enough to ask.
func (e *Engine) everyone(ctx context.Context, t *txn, c *core.Channel, but core.UserID, seq int64, read bool) (bool, error) {
	if c.MemberCount > maxReceipts || seq == 0 {
		return false, nil
	}
	ms, err := t.Members(ctx, t.app, c.ID, nil, maxReceipts, 0)
	if err != nil {
		return false, err
	}
	for i := range ms {
		at := ms[i].ReadSeq
		if !read {
			at = max(at, ms[i].DeliveredSeq)
		}
		if ms[i].User != but && at < seq {
			return false, nil
		}
	}
	return len(ms) > 1, nil
}
