package agora

import (
	"context"
	"regexp"
	"strings"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
)

// userRoutes are the operations on accounts.
func (d *Dialect) userRoutes() []adapters.Route {
	return []adapters.Route{
		op(d, full, "POST", "/users", "registerUsers", d.registerUsers, writeUsers).Gated(adapters.GateApp),
		op(d, full, "GET", "/users", "listUsers", d.listUsers, encodeUserPage).Gated(adapters.GateServer),
		op(d, full, "DELETE", "/users", "deleteUsers", d.deleteUsers, encodeUserPage).Gated(adapters.GateServer),
		op(d, full, "POST", "/users/batch/status", "batchUserStatus", d.batchStatus, encodeStatuses).Gated(adapters.GateServer),
		op(d, full, "GET", "/users/:username", "getUser", d.getUser, encodeUser),
		op(d, full, "PUT", "/users/:username", "updateUser", d.updateUser, oneUser),
		op(d, full, "DELETE", "/users/:username", "deleteUser", d.deleteUser, oneUser).Gated(adapters.GateServer),
		op(d, full, "PUT", "/users/:username/password", "changePassword", d.changePassword, nothing),
		op(d, full, "POST", "/users/:username/password", "setPassword", d.changePassword, nothing),
		op(d, full, "POST", "/users/:username/activate", "activateUser", d.lifecycle(true), activated).Gated(adapters.GateServer),
		op(d, full, "POST", "/users/:username/deactivate", "deactivateUser", d.lifecycle(false), oneUser).Gated(adapters.GateServer),
		op(d, full, "GET", "/users/:username/status", "getUserStatus", d.userStatus, encodeStatus),
		op(d, full, "POST", "/users/:username/status", "postUserStatus", unsupportedOperation, nothing),
	}
}

// Limits of accounts.
const (
	maxRegister = 60  // users of one call
	maxNickname = 100 // bytes
	maxUsers    = 100 // users of one page
)

// legalName is what a username may be, in lower case.
var legalName = regexp.MustCompile(`^[a-z0-9_.-]{1,64}$`)

// newUser is an account to make.
type newUser struct {
	name               core.UserID
	nickname, password string
}

// registerUsers makes one account or many: all or none. See
// https://docs.agora.io/en/agora-chat/restful-api/user-system-registration.
func (d *Dialect) registerUsers(ctx context.Context, by core.Actor, rq *adapters.Request) ([]core.User, error) {
	needed, err := d.mayRegister(ctx, by, rq)
	if err != nil {
		return nil, err
	}
	rs, err := objects(rq, maxRegister)
	if err != nil {
		return nil, err
	}
	var list []newUser
	for i := range rs {
		r := &rs[i]
		if v, ok := r.Look("username"); !ok || v.String() == "" {
			return nil, fault.RequestMissingField.Error("").With("username")
		}
		_, given := r.Look("password")
		u := newUser{name: core.UserID(r.Text("username")), nickname: r.TextMax("nickname", maxNickname), password: r.Text("password")}
		if err := r.Err(); err != nil {
			return nil, err
		}
		if u.password == "" && (needed || given) {
			return nil, fault.RequestMissingField.Error("").With("password")
		}
		list = append(list, u)
	}
	return d.register(ctx, by.App, list)
}

// mayRegister judges who makes accounts: servers, or everybody where registration is open. It tells
// whether a password is needed: in the Agora realm, that of AccessToken2, users have tokens alone.
func (d *Dialect) mayRegister(ctx context.Context, by core.Actor, rq *adapters.Request) (password bool, err error) {
	t, err := d.tenantOf(rq)
	if err != nil {
		return true, err
	}
	closed := fault.AuthRegistrationClosed.Error("")
	if tokenIn(rq) == "" {
		if !t.open {
			return true, closed
		}
		return true, nil
	}
	b, err := d.bearer(t, rq)
	if err == nil {
		by, err = d.admit(ctx, by, b)
	}
	switch {
	case err != nil && fault.From(err).Reason.Blame() == fault.BlameClient:
		return true, closed.Cause(err) // the vendor's one text for a token that is no good here
	case err != nil:
		return true, err
	case !by.Server() && !t.open:
		return true, closed
	}
	return b.realm != realmAgora || !by.Server(), nil
}

// register makes the accounts and keeps their passwords.
func (d *Dialect) register(ctx context.Context, app core.AppID, list []newUser) ([]core.User, error) {
	in := core.UpsertUsers{Create: true}
	ids, seen := []core.UserID{}, map[core.UserID]bool{}
	for i := range list {
		u := &list[i]
		low := core.UserID(strings.ToLower(string(u.name)))
		if !legalName.MatchString(string(low)) {
			return nil, fault.UserInvalidID.Error("").Param("username", clip(string(u.name)))
		}
		if seen[low] {
			return nil, taken(u.name)
		}
		seen[low] = true
		ids = append(ids, u.name, low)
		u.name = low
		in.Users = append(in.Users, core.User{ID: low, Name: u.nickname, Role: core.RoleUser})
	}
	there, err := d.core.Users.Get(ctx, server(app), core.GetUsers{IDs: ids})
	if err != nil {
		return nil, err
	}
	if len(there) > 0 {
		return nil, taken(there[0].ID)
	}
	if err := d.roomFor(ctx, d.byApp[app], len(in.Users)); err != nil {
		return nil, err
	}
	us, err := d.core.Users.Upsert(ctx, server(app), in)
	if fault.IsReason(err, fault.UserAlreadyExists) {
		return nil, taken(list[0].name)
	}
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].password == "" {
			continue
		}
		if err := SetPassword(ctx, d.core, app, list[i].name, list[i].password); err != nil {
			return nil, err
		}
	}
	return us, nil
}

// taken is the failure of a name that somebody has.
func taken(name core.UserID) *fault.Error {
	return fault.UserAlreadyExists.Error("").Param("username", clip(string(name)))
}

func (d *Dialect) getUser(ctx context.Context, by core.Actor, rq *adapters.Request) (core.User, error) {
	u, err := d.known(ctx, by.App, core.UserID(rq.Param("username")))
	if err != nil {
		return core.User{}, err
	}
	return *u, nil
}

// unsupportedOperation is a method that the collection does not have.
func unsupportedOperation(context.Context, core.Actor, *adapters.Request) (none, error) {
	return none{}, fault.RequestMethodNotAllowed.Error("").With("service_operation")
}

// activated answers the end of a suspension, which shows no user.
func activated(*answer, core.User) {}

func encodeUser(a *answer, u core.User) {
	oneUser(a, u)
	a.Int("count", 1)
}
