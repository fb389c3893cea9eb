package cometchat

import (
	"context"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// friendRoutes are the operations on friends.
func (d *Dialect) friendRoutes() []adapters.Route {
	srv := adapters.GateServer
	return []adapters.Route{
		op("GET", "/users/:uid/friends", "listFriends", d.listFriends, encodeUsers).Gated(srv),
		op("POST", "/users/:uid/friends", "addFriends", d.addFriends, encodeFriends).Gated(srv),
		op("DELETE", "/users/:uid/friends", "removeFriends", d.removeFriends, done("Friends removed successfully.")).Gated(srv),
	}
}

func (d *Dialect) listFriends(ctx context.Context, by core.Actor, rq *adapters.Request) (listed[userOut], error) {
	var out listed[userOut]
	by, err := d.subject(ctx, by, rq)
	if err != nil {
		return out, err
	}
	if out.page, err = pageOf(rq, 25, 99); err != nil {
		return out, err
	}
	p, ok := out.core()
	if !ok {
		return out, nil
	}
	fs, err := d.core.Friends.List(ctx, by, core.ListFriends{User: by.User, Search: rq.Query.Get("searchKey"), Page: p})
	if err != nil {
		return out, err
	}
	fs = cut(&out.page, fs)
	err = out.whole(100, func(p core.Page) (int, error) {
		fs, err := d.core.Friends.List(ctx, by, core.ListFriends{User: by.User, Search: rq.Query.Get("searchKey"), Page: p})
		return len(fs), err
	})
	if err != nil {
		return out, err
	}
	for _, f := range fs {
		u := core.User{ID: f.Friend}
		if f.Profile != nil {
			u = *f.Profile
		}
		out.items = append(out.items, userOut{user: u, view: userView{viewer: by.User, private: true}})
	}
	return out, nil
}

// friendRequest reads whose friends are meant, and who.
func (d *Dialect) friendRequest(ctx context.Context, by core.Actor, rq *adapters.Request, field string) (core.Actor, []core.UserID, error) {
	by, err := d.subject(ctx, by, rq)
	if err != nil {
		return by, nil, err
	}
	r, err := body(rq)
	if err != nil {
		return by, nil, invalid(err)
	}
	uids := ids(r.Texts(field, 100))
	if len(uids) == 0 {
		r.Fail(field, "The "+field+" field is required.", fault.RequestMissingField)
	}
	return by, uids, invalid(r.Err())
}

func (d *Dialect) addFriends(ctx context.Context, by core.Actor, rq *adapters.Request) ([]outcome, error) {
	by, uids, err := d.friendRequest(ctx, by, rq, "accepted")
	if err != nil {
		return nil, err
	}
	list, err := d.core.Friends.Add(ctx, by, core.AddFriends{User: by.User, Friends: uids})
	if err != nil {
		return nil, failed(err, "friend_add")
	}
	out := outcomes(list, "The user is a friend now.")
	return out, refused(out)
}

func outcomes(list []core.FriendOutcome, text string) []outcome {
	out := make([]outcome, len(list))
	for i, o := range list {
		out[i] = outcome{id: o.Friend, err: o.Err, text: text}
	}
	return out
}

func encodeFriends(w *wire.Writer, rq *adapters.Request, os []outcome) {
	w.Object("data")
	w.Object("accepted")
	for _, o := range os {
		w.KeyOf(string(o.id))
		writeOutcome(w, o.err, o.text)
	}
	w.Close()
	w.Close()
}

func (d *Dialect) removeFriends(ctx context.Context, by core.Actor, rq *adapters.Request) (none struct{}, err error) {
	by, uids, err := d.friendRequest(ctx, by, rq, "friends")
	if err != nil {
		return none, err
	}
	list, err := d.core.Friends.Remove(ctx, by, core.RemoveFriends{User: by.User, Friends: uids})
	if err != nil {
		return none, err
	}
	return none, refused(outcomes(list, ""))
}
