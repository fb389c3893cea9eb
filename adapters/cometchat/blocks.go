package cometchat

import (
	"context"
	"slices"
	"strings"
	"time"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// blockRoutes are the operations on whom a person has blocked.
func (d *Dialect) blockRoutes() []adapters.Route {
	srv := adapters.GateServer
	return []adapters.Route{
		op("GET", "/blockedusers", "listBlockedUsers", d.listBlocked, encodeBlocked),
		op("POST", "/blockedusers", "blockUsers", d.block(false), encodeBatch),
		op("DELETE", "/blockedusers", "unblockUsers", d.block(true), encodeBatch),
		op("GET", "/users/:uid/blockedusers", "listBlockedUsersOf", d.listBlocked, encodeBlocked).Gated(srv),
		op("POST", "/users/:uid/blockedusers", "blockUsersOf", d.block(false), encodeBatch).Gated(srv),
		op("DELETE", "/users/:uid/blockedusers", "unblockUsersOf", d.block(true), encodeBatch).Gated(srv),
	}
}

// subject is whom a call is about: the person of the path, or the caller.
func (d *Dialect) subject(ctx context.Context, by core.Actor, rq *adapters.Request) (core.Actor, error) {
	if uid := rq.Param("uid"); uid != "" {
		u, err := d.person(ctx, by.App, core.UserID(uid))
		if err != nil {
			return by, err
		}
		return by.As(u.ID), nil
	}
	return by, needUser(by)
}

// outcome is what became of one item of a batch.
type outcome struct {
	id   core.UserID
	err  error
	text string
}

func encodeBatch(w *wire.Writer, _ *adapters.Request, os []outcome) {
	w.Object("data")
	for _, o := range os {
		w.KeyOf(string(o.id))
		writeOutcome(w, o.err, o.text)
	}
	w.Close()
}

// refused is the error of a batch of which nothing worked: a call that did nothing has failed.
func refused(os []outcome) error {
	for _, o := range os {
		if o.err == nil {
			return nil
		}
	}
	if len(os) == 0 {
		return nil
	}
	return os[0].err
}

// block blocks people, or takes blocks back.
func (d *Dialect) block(lift bool) func(context.Context, core.Actor, *adapters.Request) ([]outcome, error) {
	verb := "blocked"
	if lift {
		verb = "unblocked"
	}
	return func(ctx context.Context, by core.Actor, rq *adapters.Request) ([]outcome, error) {
		by, err := d.subject(ctx, by, rq)
		if err != nil {
			return nil, err
		}
		r, err := body(rq)
		if err != nil {
			return nil, invalid(err)
		}
		uids := ids(r.Texts("blockedUids", 100))
		if len(uids) == 0 {
			r.Fail("blockedUids", "The blockedUids field is required.", fault.RequestMissingField)
		}
		if err := r.Err(); err != nil {
			return nil, invalid(err)
		}
		out := make([]outcome, len(uids))
		for i, uid := range uids {
			out[i] = outcome{id: uid, text: "The user with UID " + string(uid) + " has been " + verb + " successfully."}
			if uid == by.User {
				out[i].err = fault.TargetIsSelf.Error("A user cannot block themself.").With("block")
				continue
			}
			if _, err := d.core.Moderation.Block(ctx, by, core.BlockUser{User: uid, Unblock: lift}); err != nil {
				if out[i].err = err; fault.IsReason(err, fault.UserNotFound) {
					out[i].err = noUser(uid)
				}
			}
		}
		return out, refused(out)
	}
}

// blocked is one entry of a list of blocks, in either direction.
type blocked struct {
	user       core.User
	view       userView
	at         time.Time // of the first of the two
	mine, back time.Time // when the person blocked them, and they the person; zero for never
}

// listBlocked lists whom the person has blocked, and unless told otherwise, who has blocked them.
func (d *Dialect) listBlocked(ctx context.Context, by core.Actor, rq *adapters.Request) (listed[blocked], error) {
	by, err := d.subject(ctx, by, rq)
	if err != nil {
		return listed[blocked]{}, err
	}
	var all []blocked
	place := map[core.UserID]int{}
	direction := rq.Query.Get("direction")
	for _, way := range []struct {
		but  string // the direction that leaves it out
		back bool
	}{{directionTheirs, false}, {directionMine, true}} {
		if direction == way.but {
			continue
		}
		bs, err := d.core.Moderation.Blocks(ctx, by, core.ListBlocks{Back: way.back})
		if err != nil {
			return listed[blocked]{}, err
		}
		for i := range bs {
			u := bs[i].Target
			if way.back {
				u = bs[i].By
			}
			at, known := place[u.ID]
			if !known {
				at, place[u.ID] = len(all), len(all)
				all = append(all, blocked{user: u, at: bs[i].CreatedAt, view: userView{viewer: by.User, relation: true}})
			}
			if b := &all[at]; way.back {
				b.view.hasBlockedMe, b.back = true, bs[i].CreatedAt
			} else {
				b.view.blockedByMe, b.mine = true, bs[i].CreatedAt
			}
		}
	}
	if search := strings.ToLower(rq.Query.Get("searchKey")); search != "" {
		all = slices.DeleteFunc(all, func(b blocked) bool {
			return !strings.Contains(strings.ToLower(b.user.Name), search) && !strings.Contains(strings.ToLower(string(b.user.ID)), search)
		})
	}
	return sliced(rq, all)
}

// The directions of a list of blocks; any other means both.
const (
	directionMine   = "blockedByMe"
	directionTheirs = "hasBlockedMe"
)

func encodeBlocked(w *wire.Writer, _ *adapters.Request, l listed[blocked]) {
	writeList(w, &l, func(b *blocked) {
		w.Open()
		userMembers(w, &b.user, b.view)
		unixIf(w, "blockedByMeAt", b.mine)
		unixIf(w, "hasBlockedMeAt", b.back)
		unix(w, "blockedAt", b.at)
		w.Close()
	})
}
