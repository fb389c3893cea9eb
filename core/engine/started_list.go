package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/store"
)

// deleteReplies deletes the replies of a message.
func deleteReplies(ctx context.Context, e *Engine, app core.AppID, job json.RawMessage) (core.Extra, error) {
	var id core.MessageID
	if err := json.Unmarshal(job, &id); err != nil {
		return nil, err
	}
	ms, err := e.store.Messages(ctx, app, []core.MessageID{id})
	if err != nil || len(ms) == 0 {
		return nil, err
	}
	by, above := core.Actor{App: app, Access: core.AccessServer}, int64(0)
	for {
		list, err := e.store.RangeMessages(ctx, app, store.Range{Channel: ms[0].Channel, Parent: id, Above: above, Limit: maxMessagesShown, Hidden: true})
		if err != nil || len(list) == 0 {
			return nil, err
		}
		for i := range list {
			above = list[i].Seq
			if list[i].Deleted() {
				continue
			}
			_, err := messages{e}.Delete(ctx, by.As(list[i].User), core.DeleteMessage{ID: list[i].ID.String()})
			if err != nil && fault.From(err).Reason.Blame() != fault.BlameClient {
				return nil, err
			}
		}
	}
}

// People lists who is in a started thread, by id.
func (s threads) People(ctx context.Context, by core.Actor, in core.ListThreadPeople) ([]core.UserID, error) {
	const op = "threads.people"
	x, err := s.started(ctx, by, in.Parent)
	if err != nil {
		return nil, translate(op, err)
	}
	all, err := s.e.threadPeople(ctx, s.e.store, by.App, x.m.ID)
	if err == nil {
		all, err = paged(all, in.Page, func(u *core.UserID) string { return string(*u) })
	}
	return all, translate(op, err)
}

// Started lists started threads.
func (s threads) Started(ctx context.Context, by core.Actor, in core.ListStarted) ([]core.Thread, error) {
	out, err := s.listStarted(ctx, by, in)
	return out, translate("threads.started", err)
}

func (s threads) listStarted(ctx context.Context, by core.Actor, in core.ListStarted) ([]core.Thread, error) {
	e := s.e
	limit, err := pageLimit(in.Page, startedListed, maxStartedListed)
	if err != nil {
		return nil, err
	}
	in.Page.Offset = min(in.Page.Offset, maxOffset)
	if in.User != "" && in.User != by.User || in.User == "" && in.Key == "" {
		if err := serverOnly(by, "listing the threads of others"); err != nil {
			return nil, err
		}
	}
	if in.Key != "" {
		sc, err := e.group(ctx, by, in.Key)
		if err == nil {
			err = e.mayDeed(sc, "read", nil, "")
		}
		if err != nil {
			return nil, err
		}
	}
	space, prefix := spaceThreadsIn, ""
	switch {
	case in.User != "":
		space, prefix = spaceThreadsBy, prefixOf(string(in.User))
	case in.Key != "":
		prefix = prefixOf(string(in.Key))
	}
	ids, err := e.startedIDs(ctx, by.App, space, prefix)
	if err != nil {
		return nil, err
	}
	if !in.Oldest {
		slices.Reverse(ids)
	}
	if in.Page.Cursor != "" {
		at := slices.IndexFunc(ids, func(id core.MessageID) bool { return id.String() == in.Page.Cursor })
		ids = ids[at+1:]
	}
	var out []core.Thread
	skip := in.Page.Offset
	for _, id := range ids {
		meta, _, err := record[threadMeta](ctx, e.store, by.App, spaceThreads, id.String())
		if err != nil {
			return nil, err
		}
		if meta.Owner == "" || in.Key != "" && meta.Key != in.Key {
			continue
		}
		if skip > 0 {
			skip--
			continue
		}
		m, err := e.messageNamed(ctx, by.App, id.String())
		if fault.IsReason(err, fault.MessageNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		t, err := s.build(ctx, by, m, 1, 1, false)
		if fault.IsReason(err, fault.PermissionDenied) || fault.IsReason(err, fault.GroupNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if out = append(out, t); len(out) == limit {
			break
		}
	}
	return out, nil
}

// startedIDs reads the parents of started threads from an index, oldest first.
func (e *Engine) startedIDs(ctx context.Context, app core.AppID, space, prefix string) ([]core.MessageID, error) {
	var out []core.MessageID
	for after := ""; len(out) < maxScan; {
		rows, err := e.store.Records(ctx, app, space, prefix, after, false, scanPage)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			n, err := strconv.ParseInt(rows[i].Key[strings.LastIndexByte(rows[i].Key, 0)+1:], 10, 64)
			if err != nil {
				return nil, err
			}
			out = append(out, core.MessageID(n))
		}
		if len(rows) < scanPage {
			break
		}
		after = rows[len(rows)-1].Key
	}
	slices.SortFunc(out, func(a, b core.MessageID) int { return cmp.Compare(a, b) })
	return out, nil
}
