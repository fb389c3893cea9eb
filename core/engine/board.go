package engine

import (
	"context"
	"fmt"
	"slices"

	"dragoman/core"
	"dragoman/core/fault"
)

type board struct{ e *Engine }

// maxShared bounds a group's list of files.
const maxShared = 1000

// maxSharedName bounds the name and the id of a shared file, in bytes.
const maxSharedName = 1024

func sharedKey(key core.ChannelKey, f *core.SharedFile) string {
	return keyOf(string(key), orderedTime(f.CreatedAt), f.ID)
}

// Share puts a file on a group's list.
func (b board) Share(ctx context.Context, by core.Actor, in core.ShareFile) (core.SharedFile, error) {
	const op = "board.share"
	e, out := b.e, in.File
	if out.ID == "" || len(out.ID) > maxSharedName || len(out.Name) > maxSharedName || len(out.Extra) > maxCustom {
		return out, translate(op, fault.RequestInvalidField.Error("a shared file needs an id; id and name are at most 1,024 bytes long"))
	}
	x, err := e.roundOf(ctx, op, by, in.Key, "read", nil)
	if err != nil {
		return out, err
	}
	most := in.Max
	if most <= 0 {
		most = maxShared
	}
	err = e.update(ctx, op, by.App, x.sc.channel.ID, func(t *txn) error {
		c, err := t.Channel(ctx, t.app, in.Key)
		if err != nil {
			return err
		}
		all, err := scan[core.SharedFile](ctx, t, t.app, spaceShared, prefixOf(string(c.Key)))
		if err != nil {
			return err
		}
		if len(all) >= most {
			return fault.LimitReached.Error(fmt.Sprintf("the group keeps at most %d files", most))
		}
		if slices.ContainsFunc(all, func(f core.SharedFile) bool { return f.ID == out.ID }) {
			return fault.RequestInvalidField.Error("the file is shared already")
		}
		out.Owner, out.CreatedAt = x.author.ID, e.now()
		if err := putJSON(t, spaceShared, sharedKey(c.Key, &out), &out); err != nil {
			return err
		}
		file := out
		return x.tell(t, &c, core.FileShared, nil, &core.Change{File: &file})
	})
	return out, err
}

// Unshare takes a file off a group's list.
func (b board) Unshare(ctx context.Context, by core.Actor, in core.UnshareFile) (core.SharedFile, error) {
	const op = "board.unshare"
	e := b.e
	var out core.SharedFile
	x, err := e.roundOf(ctx, op, by, in.Key, "read", nil)
	if err != nil {
		return out, err
	}
	err = e.update(ctx, op, by.App, x.sc.channel.ID, func(t *txn) error {
		c, err := t.Channel(ctx, t.app, in.Key)
		if err != nil {
			return err
		}
		all, err := scan[core.SharedFile](ctx, t, t.app, spaceShared, prefixOf(string(c.Key)))
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(f core.SharedFile) bool { return f.ID == in.ID })
		if i < 0 {
			return fault.FileNotFound.Error("the group shares no file with this id")
		}
		if out = all[i]; out.Owner != by.User || by.User == "" {
			if err := e.mayDeed(x.sc, "tend", nil, ""); err != nil {
				return err
			}
		}
		if err := t.DeleteRecord(t.app, spaceShared, sharedKey(c.Key, &out)); err != nil {
			return err
		}
		file := out
		return x.tell(t, &c, core.FileUnshared, nil, &core.Change{File: &file})
	})
	return out, err
}

// Shared lists a group's files, newest first.
func (b board) Shared(ctx context.Context, by core.Actor, in core.ListShared) ([]core.SharedFile, error) {
	const op = "board.shared"
	all, _, err := listGroup[core.SharedFile](ctx, b.e, by, in.Key, "read", spaceShared)
	if err != nil {
		return nil, translate(op, err)
	}
	slices.Reverse(all)
	limit, err := pageLimit(in.Page, listedByID, maxListedByID)
	if err != nil {
		return nil, translate(op, err)
	}
	all = all[min(in.Page.Offset, len(all)):]
	return all[:min(limit, len(all))], nil
}
