package nexconn

import (
	"cmp"
	"context"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// maxBlocked is how many people one person may block, unless the app has another quota.
const maxBlocked = 3000

// addBlocked blocks people for a person.
func (d *Dialect) addBlocked(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id, targets := in.userID("userId"), in.userIDs("targetUserIds", maxBanned)
	if err := in.Err(); err != nil {
		return nil, err
	}
	if err := d.on(by.App, serviceBlocklist); err != nil {
		return nil, err
	}
	if _, err := d.people(ctx, by, append([]core.UserID{id}, targets...)); err != nil {
		return nil, err
	}
	have, err := d.core.Moderation.Blocks(ctx, by.As(id), core.ListBlocks{})
	if err != nil {
		return nil, err
	}
	fresh := slices.DeleteFunc(slices.Clone(targets), func(t core.UserID) bool {
		return slices.ContainsFunc(have, func(b core.UserBlock) bool { return b.Target.ID == t })
	})
	if len(have)+len(fresh) > d.byApp[by.App].quota("blocklist", maxBlocked) {
		return nil, fault.LimitReached.Error("The user's blocklist is full.").With("direct_blocklist")
	}
	for _, t := range fresh {
		if _, err := d.core.Moderation.Block(ctx, by.As(id), core.BlockUser{User: t}); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// removeBlocked ends that.
func (d *Dialect) removeBlocked(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id, targets := in.userID("userId"), in.userIDs("blockedUserIds", maxBanned)
	if err := in.Err(); err != nil {
		return nil, err
	}
	if err := d.on(by.App, serviceBlocklist); err != nil {
		return nil, err
	}
	if _, err := d.people(ctx, by, append([]core.UserID{id}, targets...)); err != nil {
		return nil, err
	}
	for _, t := range targets {
		if _, err := d.core.Moderation.Block(ctx, by.As(id), core.BlockUser{User: t, Unblock: true}); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// listBlocked reads whom a person has blocked, in the order of blocking.
func (d *Dialect) listBlocked(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id, order := in.userID("userId"), in.number("order", 0, 0, 1)
	cut := in.tokenPage(1000, 1000)
	if err := in.Err(); err != nil {
		return nil, err
	}
	if err := d.on(by.App, serviceBlocklist); err != nil {
		return nil, err
	}
	if _, err := d.person(ctx, by, id); err != nil {
		return nil, err
	}
	all, err := d.core.Moderation.Blocks(ctx, by.As(id), core.ListBlocks{})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b core.UserBlock) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(string(a.Target.ID), string(b.Target.ID)))
	})
	if order == 1 {
		slices.Reverse(all)
	}
	part, next := cutToken(all, cut)
	return func(w *wire.Writer) {
		w.Text("pageToken", next)
		w.List("blockedUserIds")
		for i := range part {
			w.Item(string(part[i].Target.ID))
		}
		w.CloseList()
	}, nil
}

// tokenPage is a part of a list by an opaque token.
type tokenPage struct{ from, size int }

// tokenPage reads pageToken and pageSize. A token nobody handed out is told as such.
func (in *input) tokenPage(def, max int) tokenPage {
	p := tokenPage{size: int(in.number("pageSize", int64(def), 1, int64(max)))}
	if s := in.Text("pageToken"); s != "" {
		from, ok := readToken(s)
		if !ok {
			in.Fail("pageToken", "cannot be read", fault.RequestInvalidField)
		}
		p.from = from
	}
	return p
}

// pageToken is the token of what follows an offset.
func pageToken(from int) string {
	return base64.RawURLEncoding.EncodeToString([]byte("after " + strconv.Itoa(from)))
}

// readToken is the opposite of pageToken.
func readToken(s string) (int, bool) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return 0, false
	}
	rest, ok := strings.CutPrefix(string(b), "after ")
	n, err := strconv.Atoi(rest)
	return n, ok && err == nil && n > 0
}

// cutToken is the part of a list and the token of the next one, "" at the end.
func cutToken[T any](all []T, p tokenPage) (part []T, next string) {
	from := min(p.from, len(all))
	to := min(from+p.size, len(all))
	if to < len(all) {
		next = pageToken(to)
	}
	return all[from:to], next
}
