package cometchat

import (
	"context"
	"strings"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// userRoutes are the operations on people.
func (d *Dialect) userRoutes() []adapters.Route {
	srv := adapters.GateServer
	return []adapters.Route{
		op("GET", "/users", "listUsers", d.listUsers, encodeUsers),
		op("POST", "/users", "createUser", d.createUser, encodeUser).Gated(srv),
		op("PUT", "/users", "reactivateUsers", d.activate(true), encodeActivated).Gated(srv),
		op("DELETE", "/users", "deactivateUsers", d.activate(false), encodeActivated).Gated(srv),
		op("GET", "/users/:uid", "getUser", d.getUser, encodeUser),
		op("PUT", "/users/:uid", "updateUser", d.updateUser, encodeUser).Gated(srv),
		op("DELETE", "/users/:uid", "deleteUser", d.deleteUser, done("User deleted successfully.")).Gated(srv),
	}
}

// userOut is a person to answer, and how they are seen.
type userOut struct {
	user  core.User
	view  userView
	token string // of a new person, when asked for
}

func encodeUser(w *wire.Writer, _ *adapters.Request, u userOut) {
	w.Object("data")
	userMembers(w, &u.user, u.view)
	w.TextIf("authToken", u.token)
	w.Close()
}

func encodeUsers(w *wire.Writer, _ *adapters.Request, l listed[userOut]) {
	writeList(w, &l, func(u *userOut) { writeUser(w, &u.user, u.view) })
}

// relations are who has blocked whom, seen by one person.
type relations struct {
	viewer core.UserID
	mine   map[core.UserID]bool // whom the viewer has blocked
	theirs map[core.UserID]bool // who has blocked the viewer
}

// relationsOf reads whom the viewer has blocked, and who has blocked them.
func (d *Dialect) relationsOf(ctx context.Context, by core.Actor) (relations, error) {
	r := relations{viewer: by.User, mine: map[core.UserID]bool{}, theirs: map[core.UserID]bool{}}
	if by.User == "" {
		return r, nil
	}
	bs, err := d.core.Moderation.Blocks(ctx, by, core.ListBlocks{})
	if err != nil {
		return r, err
	}
	for i := range bs {
		r.mine[bs[i].Target.ID] = true
	}
	bs, err = d.core.Moderation.Blocks(ctx, by, core.ListBlocks{Back: true})
	for i := range bs {
		r.theirs[bs[i].By.ID] = true
	}
	return r, err
}

// view is how the viewer sees the person.
func (r *relations) view(by core.Actor, id core.UserID) userView {
	return userView{viewer: r.viewer, private: by.Server(), relation: r.viewer != "", blockedByMe: r.mine[id], hasBlockedMe: r.theirs[id]}
}

// createUser creates a person; uids are lower case.
func (d *Dialect) createUser(ctx context.Context, by core.Actor, rq *adapters.Request) (userOut, error) {
	out := userOut{view: userView{private: true}}
	r, err := body(rq)
	if err != nil {
		return out, invalid(err)
	}
	uid := strings.ToLower(r.Text("uid"))
	if uid == "" {
		r.Fail("uid", "The uid field is required.", fault.RequestMissingField)
	} else if !uidOK(uid) {
		r.Fail("uid", "The uid may have at most 100 letters, digits, - and _.", fault.RequestInvalidField)
	}
	if r.Text("name") == "" {
		r.Fail("name", "The name field is required.", fault.RequestMissingField)
	}
	p, _ := readUser(&r)
	if err := r.Err(); err != nil {
		return out, invalid(err)
	}
	u := core.User{ID: core.UserID(uid)}
	if err := p.apply(&u); err != nil {
		return out, err
	}
	us, err := d.core.Users.Upsert(ctx, by, core.UpsertUsers{Users: []core.User{u}, Create: true})
	if err != nil {
		return out, untold(d.taken(ctx, by, u.ID, err), "user_create")
	}
	out.user = us[0]
	if flag := r.Bool("withAuthToken"); flag {
		c, err := d.mint(ctx, by, u.ID)
		if err != nil {
			return out, err
		}
		out.token = c.Secret
	}
	return out, nil
}

// taken tells who has the uid of a person that could not be made: a bot has a code of its own.
func (d *Dialect) taken(ctx context.Context, by core.Actor, id core.UserID, err error) error {
	if fault.IsReason(err, fault.UserAlreadyExists) {
		if _, other := d.bot(ctx, by, id); other == nil {
			return fault.IntegrationAlreadyExists.Error("The uid " + clip(string(id)) + " belongs to a bot already.").With("bot")
		}
	}
	return lifecycle(err)
}

// lifecycle tells that a uid is taken by somebody who was deleted.
func lifecycle(err error) error {
	if fault.IsReason(err, fault.UserLifecycleConflict) || fault.IsReason(err, fault.UserAlreadyExists) {
		return fault.UserAlreadyExists.Error(fault.From(err).Detail).With(variantUID)
	}
	return err
}

// uidOK reports whether a uid can be given to a new person.
func uidOK(uid string) bool {
	if uid == "" || len(uid) > maxUID {
		return false
	}
	for _, c := range []byte(uid) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// getUser reads one person.
func (d *Dialect) getUser(ctx context.Context, by core.Actor, rq *adapters.Request) (userOut, error) {
	u, err := d.person(ctx, by.App, core.UserID(rq.Param("uid")))
	if err != nil {
		return userOut{}, err
	}
	rel, err := d.relationsOf(ctx, by)
	if err != nil {
		return userOut{}, err
	}
	return userOut{user: *u, view: rel.view(by, u.ID)}, nil
}

// updateUser changes a profile.
func (d *Dialect) updateUser(ctx context.Context, by core.Actor, rq *adapters.Request) (userOut, error) {
	out := userOut{view: userView{private: true}}
	u, err := d.person(ctx, by.App, core.UserID(rq.Param("uid")))
	if err != nil {
		return out, err
	}
	r, err := body(rq)
	if err != nil {
		return out, invalid(err)
	}
	p, _ := readUser(&r)
	if err := r.Err(); err != nil {
		return out, invalid(err)
	}
	us, err := d.core.Users.Patch(ctx, by, core.PatchUsers{Patches: []core.UserPatch{{ID: u.ID, Change: p.apply}}})
	if err != nil {
		return out, untold(err, "user_update")
	}
	out.user = us[0]
	return out, nil
}

// deleteUser deactivates a person, or with permanent removes them.
func (d *Dialect) deleteUser(ctx context.Context, by core.Actor, rq *adapters.Request) (none struct{}, err error) {
	r, err := body(rq)
	if err != nil {
		return none, invalid(err)
	}
	permanent := r.Bool("permanent") || flag(rq, "permanent")
	if err := r.Err(); err != nil {
		return none, invalid(err)
	}
	id := core.UserID(rq.Param("uid"))
	us, err := d.core.Users.Get(ctx, by, core.GetUsers{IDs: []core.UserID{id}})
	if err != nil {
		return none, err
	}
	if len(us) == 0 || !us[0].DeletedAt.IsZero() {
		return none, noUser(id)
	}
	if _, err := d.core.Credentials.Delete(ctx, server(by.App), core.DeleteCredentials{Kind: core.CredentialToken, User: id}); err != nil {
		return none, failed(err, "user_delete")
	}
	if permanent {
		_, err = d.core.Users.Delete(ctx, server(by.App), core.DeleteUsers{IDs: []core.UserID{id}, Hard: true, Messages: core.DeleteSoft})
		return none, failed(err, "user_delete")
	}
	if us[0].DeactivatedAt.IsZero() {
		_, err = d.core.Users.Deactivate(ctx, server(by.App), core.DeactivateUsers{IDs: []core.UserID{id}})
	}
	return none, failed(err, "user_delete")
}

// activated is the outcome of a change of several people's state.
type activated struct {
	name string
	ids  []core.UserID
}

// activate takes people out of use, or back in. Who is in that state already stays so.
func (d *Dialect) activate(restore bool) func(context.Context, core.Actor, *adapters.Request) (activated, error) {
	field, answer := "uidsToDeactivate", "deactivatedUids"
	if restore {
		field, answer = "uidsToActivate", "nonDeactivatedUids"
	}
	return func(ctx context.Context, by core.Actor, rq *adapters.Request) (activated, error) {
		out := activated{name: answer}
		r, err := body(rq)
		if err != nil {
			return out, invalid(err)
		}
		list := r.Texts(field, 100)
		if len(list) == 0 {
			r.Fail(field, "The "+field+" field is required.", fault.RequestMissingField)
		}
		if err := r.Err(); err != nil {
			return out, invalid(err)
		}
		out.ids = ids(list)
		us, err := d.core.Users.Get(ctx, by, core.GetUsers{IDs: out.ids})
		if err != nil {
			return out, err
		}
		var todo []core.UserID
		for _, id := range out.ids {
			at := -1
			for i := range us {
				if us[i].ID == id && us[i].DeletedAt.IsZero() {
					at = i
				}
			}
			if at < 0 {
				return out, noUser(id)
			}
			if us[at].DeactivatedAt.IsZero() != restore {
				todo = append(todo, id)
			}
		}
		if len(todo) == 0 {
			return out, nil
		}
		_, err = d.core.Users.Deactivate(ctx, server(by.App), core.DeactivateUsers{IDs: todo, Restore: restore})
		return out, err
	}
}

func encodeActivated(w *wire.Writer, _ *adapters.Request, a activated) {
	w.Object("data")
	w.IDs(a.name, a.ids)
	w.Close()
}

// ids turns texts into uids.
func ids(list []string) []core.UserID {
	out := make([]core.UserID, len(list))
	for i, s := range list {
		out[i] = core.UserID(s)
	}
	return out
}

// listUsers lists people; a client is not in its own list.
func (d *Dialect) listUsers(ctx context.Context, by core.Actor, rq *adapters.Request) (listed[userOut], error) {
	var out listed[userOut]
	var err error
	if out.page, err = pageOf(rq, 100, 100); err != nil {
		return out, err
	}
	rel, err := d.relationsOf(ctx, by)
	if err != nil {
		return out, err
	}
	f, err := d.userFilter(ctx, by, rq, &rel)
	if err != nil {
		return out, err
	}
	p, ok := out.core()
	if !ok {
		return out, nil
	}
	in := core.QueryUsers{Filter: f, Page: p, Sort: userSort(rq), IncludeDeactivated: by.Server() && (flag(rq, "withDeactivated") || flag(rq, "onlyDeactivated"))}
	us, err := d.core.Users.Query(ctx, by, in)
	if err != nil {
		return out, err
	}
	status := rq.Query.Get("status")
	onlyOff := flag(rq, "onlyDeactivated")
	us = cut(&out.page, us)
	err = out.whole(100, func(p core.Page) (int, error) {
		in.Page = p
		us, err := d.core.Users.Query(ctx, by, in)
		return len(us), err
	})
	if err != nil {
		return out, err
	}
	for _, u := range us {
		online := u.Online && !u.Invisible
		if !u.DeletedAt.IsZero() || onlyOff && u.DeactivatedAt.IsZero() || status == "offline" && online || (status == "available" || status == "online") && !online {
			continue
		}
		out.items = append(out.items, userOut{user: u, view: rel.view(by, u.ID)})
	}
	out.count = len(out.items)
	return out, nil
}

// userSort is the order of a list of people: by name unless asked otherwise.
func userSort(rq *adapters.Request) []core.Sort {
	field := "name"
	if rq.Query.Get("sortBy") == "createdAt" {
		field = "created_at"
	}
	return []core.Sort{{Field: field, Desc: rq.Query.Get("sortOrder") == "desc"}, {Field: "id"}}
}

// userFilter reads the conditions of a list of people.
func (d *Dialect) userFilter(ctx context.Context, by core.Actor, rq *adapters.Request, rel *relations) (core.Filter, error) {
	hidden := []core.UserID{core.SystemUser}
	if by.User != "" {
		hidden = append(hidden, by.User)
		if flag(rq, "hideBlockedUsers") {
			for id := range rel.mine {
				hidden = append(hidden, id)
			}
		}
	}
	f := []core.Filter{core.Cond("id", core.OpNin, core.Texts(hidden))}
	if s := rq.Query.Get("searchKey"); s != "" {
		f = append(f, core.Filter{Op: core.OpOr, Sub: []core.Filter{
			core.Cond("name", core.OpAutocomplete, core.Text(s)), core.Cond("id", core.OpAutocomplete, core.Text(s)),
		}})
	}
	roles := append(texts(rq, "roles"), texts(rq, "role")...)
	if len(roles) > 0 {
		for i := range roles {
			roles[i] = coreRole(roles[i])
		}
		f = append(f, core.Cond("role", core.OpIn, core.Texts(roles)))
	}
	f = append(f, hasTags("tags", texts(rq, "tags")))
	if uids := texts(rq, "uids"); len(uids) > 0 {
		f = append(f, core.Cond("id", core.OpIn, core.Texts(uids)))
	}
	if flag(rq, "friendsOnly") && by.User != "" {
		fs, err := d.core.Friends.List(ctx, by, core.ListFriends{User: by.User, Page: core.Page{Limit: 100}})
		if err != nil {
			return core.Filter{}, err
		}
		friends := make([]core.UserID, len(fs))
		for i := range fs {
			friends[i] = fs[i].Friend
		}
		f = append(f, core.Cond("id", core.OpIn, core.Texts(friends)))
	}
	return core.And(f...), nil
}
