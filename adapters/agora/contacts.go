package agora

import (
	"context"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// contactRoutes are the operations on contacts and block lists.
func (d *Dialect) contactRoutes() []adapters.Route {
	return []adapters.Route{
		op(d, full, "GET", "/users/:username/contacts/users", "listContacts", d.listContacts, encodeContacts),
		op(d, full, "POST", "/users/:username/contacts/users/:friend", "addContact", d.addContact, oneUser).Gated(adapters.GateServer),
		op(d, full, "DELETE", "/users/:username/contacts/users/:friend", "removeContact", d.removeContact, oneUser),
		op(d, full, "PUT", "/users/:username/contacts/users/:friend", "sdkSetRemark", d.setRemark, encodeRemarked),
		op(d, full, "PUT", "/user/:username/contacts/users/:friend", "setRemark", d.setRemark, encodeRemarked),
		op(d, full, "GET", "/users/:username/contacts", "sdkPageContacts", d.pageContacts, encodeContactPage),
		op(d, full, "GET", "/user/:username/contacts", "pageContacts", d.pageContacts, encodeContactPage),
		op(d, full, "POST", "/users/:username/contacts/apply", "applyContact", d.applyContact, encodeApplied),
		op(d, full, "POST", "/users/:username/contacts/accept/users/:friend", "acceptContact", d.answerContact(true), encodeAnswered("acceptContacts")),
		op(d, full, "POST", "/users/:username/contacts/decline/users/:friend", "declineContact", d.answerContact(false), encodeAnswered("declineContacts")),
		op(d, full, "POST", "/users/:username/contacts/import", "importContacts", d.importContacts, encodeImported).Gated(adapters.GateServer),
		op(d, full, "GET", "/users/:username/blocks/users", "listBlocks", d.listBlocks, encodeBlocks),
		op(d, full, "POST", "/users/:username/blocks/users", "addBlocks", d.block(true), names[core.UserID]),
		op(d, full, "DELETE", "/users/:username/blocks/users/:friend", "removeBlock", d.unblock, oneUser),
		op(d, full, "POST", "/sdk/user/:username/blocks", "sdkAddBlocks", d.block(true), names[core.UserID]),
		op(d, full, "DELETE", "/sdk/user/:username/blocks", "sdkRemoveBlocks", d.block(false), names[core.UserID]),
	}
}

// contactPage bounds one read of the core's list of friends.
const contactPage = 100

// friends reads all friends of a person.
func (d *Dialect) friends(ctx context.Context, by core.Actor) ([]core.Friendship, error) {
	var all []core.Friendship
	for {
		fs, err := d.core.Friends.List(ctx, by, core.ListFriends{User: by.User, Page: core.Page{Limit: contactPage, Offset: len(all)}})
		if all = append(all, fs...); err != nil || len(fs) < contactPage || len(all) >= 1000 {
			return all, err
		}
	}
}

// contactList is a person's contacts, with remarks if wanted.
type contactList struct {
	friends []core.Friendship
	remarks bool
}

func (d *Dialect) listContacts(ctx context.Context, by core.Actor, rq *adapters.Request) (contactList, error) {
	by, _, err := d.self(ctx, by, rq, "username")
	if err != nil {
		return contactList{}, err
	}
	fs, err := d.friends(ctx, by)
	return contactList{fs, rq.Query.Get("needReturnRemark") == "true"}, err
}

func encodeContacts(a *answer, l contactList) {
	if l.remarks {
		a.Entities()
		for i := range l.friends {
			writeContact(a, &l.friends[i])
		}
		a.CloseList()
	}
	ids := make([]core.UserID, 0, len(l.friends))
	for i := range l.friends {
		ids = append(ids, l.friends[i].Friend)
	}
	names(a, ids)
}

// writeContact writes a contact with the name its owner gave it.
func writeContact(a *answer, f *core.Friendship) {
	a.Open()
	if f.Remark == "" {
		a.Null("remark")
	} else {
		a.Text("remark", f.Remark)
	}
	a.Text("username", string(f.Friend))
	a.Close()
}

// contactPageOf is one page of contacts.
type contactPageOf struct {
	friends []core.Friendship
	cursor  string
}

func (d *Dialect) pageContacts(ctx context.Context, by core.Actor, rq *adapters.Request) (contactPageOf, error) {
	var out contactPageOf
	by, _, err := d.self(ctx, by, rq, "username")
	if err != nil {
		return out, err
	}
	q := wire.QueryOf(rq)
	limit := q.Int("limit", 0, 1<<30)
	if err := q.Err(); err != nil {
		return out, err
	}
	if limit == 0 {
		limit = 10
	}
	fs, err := d.friends(ctx, by)
	after := core.UserID(cursorIn(rq))
	for i := range fs {
		if fs[i].Friend <= after {
			continue
		}
		if len(out.friends) == min(limit, 50) {
			out.cursor = cursorOf(string(out.friends[len(out.friends)-1].Friend))
			break
		}
		out.friends = append(out.friends, fs[i])
	}
	return out, err
}

func encodeContactPage(a *answer, p contactPageOf) {
	a.Object("data")
	a.List("contacts")
	for i := range p.friends {
		writeContact(a, &p.friends[i])
	}
	a.CloseList()
	a.Text("cursor", p.cursor)
	a.Close()
	a.Int("count", len(p.friends))
}

// maxRemark is how long a remark may be, in bytes.
const maxRemark = 100

// setRemark names a contact.
func (d *Dialect) setRemark(ctx context.Context, by core.Actor, rq *adapters.Request) (none, error) {
	by, u, err := d.pair(ctx, by, rq)
	if err != nil {
		return none{}, err
	}
	r, err := body(rq)
	if err != nil {
		return none{}, err
	}
	remark := r.Text("remark")
	if err := r.Err(); err != nil {
		return none{}, err
	}
	if len(remark) > maxRemark {
		return none{}, fault.RequestFieldTooLong.Error("the remark may have at most 100 bytes")
	}
	_, err = d.core.Friends.Patch(ctx, by, core.PatchFriend{User: by.User, Friend: u.ID, Change: func(f *core.Friendship) error {
		f.Remark = remark
		return nil
	}})
	return none{}, err
}

func encodeRemarked(a *answer, _ none) { a.Text("status", "OK") }

// pair is the person of the path and the one they have to do with.
func (d *Dialect) pair(ctx context.Context, by core.Actor, rq *adapters.Request) (core.Actor, *core.User, error) {
	by, _, err := d.self(ctx, by, rq, "username")
	if err != nil {
		return by, nil, err
	}
	u, err := d.known(ctx, by.App, core.UserID(rq.Param("friend")))
	return by, u, err
}

// addContact befriends two people at once. Doing it again is no failure.
func (d *Dialect) addContact(ctx context.Context, by core.Actor, rq *adapters.Request) (core.User, error) {
	by, u, err := d.pair(ctx, by, rq)
	if err != nil {
		return core.User{}, err
	}
	out, err := d.core.Friends.Add(ctx, by, core.AddFriends{User: by.User, Friends: []core.UserID{u.ID}})
	if err == nil {
		err = out[0].Err
	}
	if fault.IsReason(err, fault.FriendAlreadyFriends) {
		err = nil
	}
	return *u, err
}

func (d *Dialect) removeContact(ctx context.Context, by core.Actor, rq *adapters.Request) (core.User, error) {
	by, u, err := d.pair(ctx, by, rq)
	if err != nil {
		return core.User{}, err
	}
	out, err := d.core.Friends.Remove(ctx, by, core.RemoveFriends{User: by.User, Friends: []core.UserID{u.ID}})
	if err == nil && out[0].Err != nil && !fault.IsReason(out[0].Err, fault.FriendNotFriends) {
		err = out[0].Err
	}
	return *u, err
}

// applyContact asks people to be contacts. Asking again is no failure.
func (d *Dialect) applyContact(ctx context.Context, by core.Actor, rq *adapters.Request) ([]core.UserID, error) {
	by, _, err := d.self(ctx, by, rq, "username")
	if err != nil {
		return nil, err
	}
	r, err := body(rq)
	if err != nil {
		return nil, err
	}
	text := r.TextMax("reason", 1024)
	ids, err := usernames(&r, "usernames", 60)
	if err != nil {
		return nil, err
	}
	if ids, err = d.everybody(ctx, by.App, ids); err != nil {
		return nil, err
	}
	out, err := d.core.Friends.Add(ctx, by, core.AddFriends{User: by.User, Friends: ids, Ask: true, Text: text})
	if err != nil {
		return nil, err
	}
	for _, o := range out {
		if o.Err != nil && !fault.IsReason(o.Err, fault.FriendRequestPending) && !fault.IsReason(o.Err, fault.FriendAlreadyFriends) {
			return nil, o.Err
		}
	}
	return ids, nil
}

func encodeApplied(a *answer, ids []core.UserID) {
	a.Object("data")
	a.IDs("applyContacts", ids)
	a.Close()
}

// answerContact accepts or declines what was asked.
func (d *Dialect) answerContact(accept bool) func(context.Context, core.Actor, *adapters.Request) (core.UserID, error) {
	return func(ctx context.Context, by core.Actor, rq *adapters.Request) (core.UserID, error) {
		by, u, err := d.pair(ctx, by, rq)
		if err != nil {
			return "", err
		}
		_, err = d.core.Friends.Answer(ctx, by, core.AnswerFriend{User: by.User, Friend: u.ID, Accept: accept})
		return u.ID, err
	}
}

func encodeAnswered(name string) func(*answer, core.UserID) {
	return func(a *answer, id core.UserID) {
		a.Object("data")
		a.Text(name, string(id))
		a.Close()
	}
}

// imported is what became of contacts that were brought along.
type imported struct{ good, missing, full, failed []core.UserID }

// importContacts befriends a person with many at once.
func (d *Dialect) importContacts(ctx context.Context, by core.Actor, rq *adapters.Request) (imported, error) {
	var res imported
	by, _, err := d.self(ctx, by, rq, "username")
	if err != nil {
		return res, err
	}
	r, err := body(rq)
	if err != nil {
		return res, err
	}
	ids, err := usernames(&r, "usernames", 100)
	if err != nil {
		return res, err
	}
	found, err := d.people(ctx, by.App, ids)
	if err != nil {
		return res, err
	}
	for _, id := range ids {
		u := found[id]
		if u == nil {
			res.missing = append(res.missing, id)
			continue
		}
		out, err := d.core.Friends.Add(ctx, by, core.AddFriends{User: by.User, Friends: []core.UserID{u.ID}})
		if err != nil {
			return res, err
		}
		switch err := out[0].Err; {
		case err == nil, fault.IsReason(err, fault.FriendAlreadyFriends):
			res.good = append(res.good, id)
		case fault.IsReason(err, fault.FriendLimitReached):
			res.full = append(res.full, id)
		default:
			res.failed = append(res.failed, id)
		}
	}
	return res, nil
}

func encodeImported(a *answer, res imported) {
	a.Text("status", "ok")
	a.Object("data")
	a.IDs("UnKnowFailed", res.failed) // the vendor's spelling
	a.IDs("success", res.good)
	a.IDs("NotExistFailed", res.missing)
	a.IDs("maxLimitFailed", res.full)
	a.Close()
}

// blocked reads whom a person has blocked.
func (d *Dialect) blocked(ctx context.Context, by core.Actor) ([]core.UserID, error) {
	bs, err := d.core.Moderation.Blocks(ctx, by, core.ListBlocks{})
	ids := make([]core.UserID, 0, len(bs))
	for i := range bs {
		ids = append(ids, bs[i].Target.ID)
	}
	return ids, err
}

func (d *Dialect) listBlocks(ctx context.Context, by core.Actor, rq *adapters.Request) (namePage, error) {
	by, _, err := d.self(ctx, by, rq, "username")
	if err != nil {
		return namePage{}, err
	}
	ids, err := d.blocked(ctx, by)
	if err != nil {
		return namePage{}, err
	}
	return pageOfNames(rq, "pageSize", ids)
}

func encodeBlocks(a *answer, p namePage) {
	names(a, p.names)
	a.TextIf("cursor", p.cursor)
}

// block puts people on a person's block list, or takes them off.
func (d *Dialect) block(on bool) func(context.Context, core.Actor, *adapters.Request) ([]core.UserID, error) {
	return func(ctx context.Context, by core.Actor, rq *adapters.Request) ([]core.UserID, error) {
		by, _, err := d.self(ctx, by, rq, "username")
		if err != nil {
			return nil, err
		}
		r, err := body(rq)
		if err != nil {
			return nil, err
		}
		ids, err := usernames(&r, "usernames", 50)
		if err != nil {
			return nil, err
		}
		found, err := d.people(ctx, by.App, ids)
		if err != nil {
			return nil, err
		}
		for i, id := range ids {
			u := found[id]
			if u == nil {
				return nil, noUser(id)
			}
			if ids[i] = u.ID; u.ID == by.User {
				return nil, fault.RequestInvalid.Error("Nobody blocks themself.")
			}
			if _, err := d.core.Moderation.Block(ctx, by, core.BlockUser{User: u.ID, Unblock: !on}); err != nil {
				return nil, err
			}
		}
		return ids, nil
	}
}

func (d *Dialect) unblock(ctx context.Context, by core.Actor, rq *adapters.Request) (core.User, error) {
	by, u, err := d.pair(ctx, by, rq)
	if err != nil {
		return core.User{}, err
	}
	_, err = d.core.Moderation.Block(ctx, by, core.BlockUser{User: u.ID, Unblock: true})
	return *u, err
}
