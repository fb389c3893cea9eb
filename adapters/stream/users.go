package stream

import (
	"context"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// userRoutes are the operations on people.
func (d *Dialect) userRoutes() []adapters.Route {
	users := d.core.Users
	return []adapters.Route{
		op(d, "GET", "/users", "QueryUsers", decodeQueryUsers, users.Query, encodeUserList),
		op(d, "POST", "/users", "UpdateUsers", decodeUpsertUsers, users.Upsert, encodeUserMap),
		op(d, "PATCH", "/users", "UpdateUsersPartial", decodePatchUsers, users.Patch, encodeUserMap),
		op(d, "POST", "/users/:user_id/deactivate", "DeactivateUser", decodeDeactivate(false), users.Deactivate, encodeOneUser).Gated(adapters.GateServer),
		op(d, "POST", "/users/:user_id/reactivate", "ReactivateUser", decodeDeactivate(true), users.Deactivate, encodeOneUser).Gated(adapters.GateServer),
		op(d, "POST", "/users/deactivate", "DeactivateUsers", decodeDeactivateMany(false), d.deactivateMany, encodeTask).Gated(adapters.GateServer),
		op(d, "POST", "/users/reactivate", "ReactivateUsers", decodeDeactivateMany(true), d.deactivateMany, encodeTask).Gated(adapters.GateServer),
		op(d, "POST", "/users/restore", "RestoreUsers", decodeRestoreUsers, users.Deactivate, writeNothing[[]core.User]).Gated(adapters.GateServer),
		op(d, "DELETE", "/users/:user_id", "DeleteUser", decodeDeleteUser, d.deleteUser, encodeDeletedUser).Gated(adapters.GateServer),
		op(d, "POST", "/users/delete", "DeleteUsers", decodeDeleteUsers, users.Delete, encodeTask).Gated(adapters.GateServer),
		op(d, "GET", "/users/:user_id/export", "ExportUser", decodeExportUser, users.Export, encodeExport).Gated(adapters.GateServer),
	}
}

// readUser reads a user object as a profile. The id must be there.
func readUser(r *wire.Reader) core.User {
	u := core.User{
		ID:        userID(r, "id", r.Text("id")),
		Name:      r.TextMax("name", maxName),
		Image:     r.TextMax("image", 8<<10),
		Role:      r.TextMax("role", 64),
		Teams:     r.Texts("teams", maxTeams),
		TeamRoles: r.RawObject("teams_role"),
		Language:  r.TextMax("language", 16),
		Invisible: r.Bool("invisible"),
		Privacy:   r.RawObject("privacy_settings"),
		Extra:     custom(r, userNames, maxCustom),
	}
	for _, t := range u.Teams {
		if len(t) > maxTeamName {
			r.Fail("teams", "must have names of at most 100 bytes", fault.RequestFieldTooLong)
		}
	}
	if v, ok := r.Look("revoke_tokens_issued_before"); ok && v.Type == gjson.String {
		u.RevokedBefore = r.Time("revoke_tokens_issued_before")
	}
	return u
}

// decodeUpsertUsers reads {"users": {id: user}}; a list of users is accepted too.
func decodeUpsertUsers(rq *adapters.Request) (core.UpsertUsers, error) {
	var in core.UpsertUsers
	r, err := body(rq)
	if err != nil {
		return in, err
	}
	if v, ok := r.Look("users"); ok && v.IsArray() {
		r.EachObject("users", maxUsers, func(_ int, o *wire.Reader) { in.Users = append(in.Users, readUser(o)) })
		return in, r.Err()
	}
	m, ok := r.Object("users")
	if !ok {
		r.Fail("users", "is a required field", fault.RequestMissingField)
		return in, r.Err()
	}
	if len(m.Fields()) > maxUsers {
		return in, fault.RequestBatchTooLarge.Error("users must have at most 100 items")
	}
	for _, f := range m.Fields() {
		o, ok := m.AsObject(f.Name, f.Value)
		if !ok {
			continue
		}
		u := readUser(&o)
		if string(u.ID) != f.Name {
			o.Fail("id", "must be the key of its user", fault.RequestInvalidField)
		}
		in.Users = append(in.Users, u)
	}
	if len(in.Users) == 0 {
		r.Fail("users", "must have at least one user", fault.RequestMissingField)
	}
	return in, r.Err()
}

// decodePatchUsers reads {"users": [{id, set, unset}]}.
func decodePatchUsers(rq *adapters.Request) (core.PatchUsers, error) {
	var in core.PatchUsers
	r, err := body(rq)
	if err != nil {
		return in, err
	}
	r.EachObject("users", maxUsers, func(_ int, o *wire.Reader) {
		id := userID(o, "id", o.Text("id"))
		p := patchOf(o)
		in.Patches = append(in.Patches, core.UserPatch{ID: id, Change: func(u *core.User) error {
			return p.each(func(name string, v gjson.Result) error { return patchUser(u, name, v) })
		}})
	})
	if len(in.Patches) == 0 {
		r.Fail("users", "is a required field", fault.RequestMissingField)
	}
	return in, r.Err()
}

// patchUser changes one field of a profile.
func patchUser(u *core.User, name string, v gjson.Result) error {
	switch name {
	case "name":
		return setText(&u.Name, name, v)
	case "image":
		return setText(&u.Image, name, v)
	case "role":
		return setText(&u.Role, name, v)
	case "language":
		return setText(&u.Language, name, v)
	case "invisible":
		return setBool(&u.Invisible, name, v)
	case "teams":
		return setTexts(&u.Teams, name, v, maxTeams)
	case "teams_role":
		return setObject(&u.TeamRoles, name, v)
	case "privacy_settings":
		return setObject(&u.Privacy, name, v)
	case "revoke_tokens_issued_before":
		t, ok := wire.TimeOf(v)
		if !ok {
			return fault.RequestInvalidField.Error(name + " must be an RFC 3339 time")
		}
		u.RevokedBefore = t
		return nil
	}
	if userNames.Has(name) {
		return fault.RequestInvalidField.Error("user." + name + " is a reserved field and cannot be changed")
	}
	return patchExtra(&u.Extra, name, v, maxCustom)
}

// encodeUserMap writes {"users": {id: user}}.
func encodeUserMap(w *wire.Writer, _ *adapters.Request, us []core.User) {
	w.Object("users")
	for i := range us {
		w.KeyOf(string(us[i].ID))
		writeStoredUser(w, &us[i])
	}
	w.Close()
}

// encodeUserList writes the answer of a query of people.
func encodeUserList(w *wire.Writer, rq *adapters.Request, us []core.User) {
	if !rq.Caller().Server() {
		writeUsers(w, "users", us)
		return
	}
	w.List("users")
	for i := range us {
		writeStoredUser(w, &us[i])
	}
	w.CloseList()
}

// writeStoredUser writes a profile as servers see it: with what only its owner is shown otherwise.
func writeStoredUser(w *wire.Writer, u *core.User) {
	w.Open()
	userMembers(w, u)
	w.BoolIf("invisible", u.Invisible)
	if u.Ban != nil && u.Ban.Shadow {
		w.Bool("shadow_banned", true)
		w.TimeIf("ban_expires", u.Ban.Expires)
	}
	if len(u.Privacy) > 0 {
		w.Raw("privacy_settings", u.Privacy)
	}
	w.Close()
}

// decodeQueryUsers reads the payload parameter.
func decodeQueryUsers(rq *adapters.Request) (core.QueryUsers, error) {
	var in core.QueryUsers
	r, err := wire.QueryOf(rq).Payload("payload")
	if err != nil {
		return in, err
	}
	if in.Filter, in.Sort, in.Page, err = userFilter.query(&r, "filter_conditions", maxUsers); err != nil {
		return in, err
	}
	in.IncludeDeactivated = r.Bool("include_deactivated_users")
	in.Presence = r.Bool("presence")
	if in.Presence {
		if err := needConnection(rq); err != nil {
			return in, err
		}
	}
	if err := r.Err(); err != nil {
		return in, err
	}
	return in, behalf(rq, &r)
}

// needConnection refuses to watch or follow without a live connection.
func needConnection(rq *adapters.Request) error {
	if rq.Caller().Connection == "" {
		return fault.RequestInvalid.Error("Watch or Presence requires an active websocket connection, please make sure to include your websocket connection_id")
	}
	return nil
}

func decodeDeactivate(restore bool) func(*adapters.Request) (core.DeactivateUsers, error) {
	return func(rq *adapters.Request) (core.DeactivateUsers, error) {
		in := core.DeactivateUsers{IDs: []core.UserID{core.UserID(rq.Param("user_id"))}, Restore: restore}
		r, err := body(rq)
		if err != nil {
			return in, err
		}
		readDeactivate(&r, &in)
		if id := r.Text("created_by_id"); id != "" {
			err = actFor(rq, core.UserID(id))
		}
		return in, firstErr(r.Err(), err)
	}
}

func decodeDeactivateMany(restore bool) func(*adapters.Request) (core.DeactivateUsers, error) {
	return func(rq *adapters.Request) (core.DeactivateUsers, error) {
		in := core.DeactivateUsers{Restore: restore}
		r, err := body(rq)
		if err != nil {
			return in, err
		}
		in.IDs = ids(r.Texts("user_ids", maxUsers))
		if len(in.IDs) == 0 {
			r.Fail("user_ids", "is a required field", fault.RequestMissingField)
		}
		readDeactivate(&r, &in)
		return in, r.Err()
	}
}

func readDeactivate(r *wire.Reader, in *core.DeactivateUsers) {
	in.MarkMessages = r.Bool("mark_messages_deleted") || r.Bool("restore_messages")
	in.Name = r.Text("name")
}

func decodeRestoreUsers(rq *adapters.Request) (core.DeactivateUsers, error) {
	in := core.DeactivateUsers{Restore: true}
	r, err := body(rq)
	if err != nil {
		return in, err
	}
	in.IDs = ids(r.Texts("user_ids", maxUsers))
	if len(in.IDs) == 0 {
		r.Fail("user_ids", "is a required field", fault.RequestMissingField)
	}
	return in, r.Err()
}

// deactivateMany does at once what the vendor does in the background: its task is done when it is
// handed out.
func (d *Dialect) deactivateMany(ctx context.Context, by core.Actor, in core.DeactivateUsers) (core.Task, error) {
	if _, err := d.core.Users.Deactivate(ctx, by, in); err != nil {
		return core.Task{}, err
	}
	list := make([]string, len(in.IDs))
	for i, id := range in.IDs {
		list[i] = string(id)
	}
	return finished(d.now(), list), nil
}

// encodeTask writes the id of a background task.
func encodeTask(w *wire.Writer, _ *adapters.Request, t core.Task) { w.Text("task_id", t.ID) }

func encodeOneUser(w *wire.Writer, _ *adapters.Request, us []core.User) {
	if len(us) > 0 {
		w.Key("user")
		writeUser(w, &us[0])
	}
}

// decodeDeleteUser reads the parameters of the deletion of one person.
func decodeDeleteUser(rq *adapters.Request) (core.DeleteUsers, error) {
	q := wire.QueryOf(rq)
	in := core.DeleteUsers{IDs: []core.UserID{core.UserID(rq.Param("user_id"))}, Hard: q.Bool("hard_delete"), Conversations: q.Bool("delete_conversation_channels")}
	switch {
	case in.Hard:
		in.Messages = core.DeleteHard
	case q.Bool("mark_messages_deleted"):
		in.Messages = core.DeleteSoft
	}
	return in, q.Err()
}

// deletedUser is a person as they were, and the task of their deletion.
type deletedUser struct {
	user core.User
	task core.Task
	at   time.Time
}

func (d *Dialect) deleteUser(ctx context.Context, by core.Actor, in core.DeleteUsers) (deletedUser, error) {
	us, err := d.core.Users.Get(ctx, by, core.GetUsers{IDs: in.IDs})
	if err != nil {
		return deletedUser{}, err
	}
	if len(us) == 0 {
		return deletedUser{}, fault.UserNotFound.Error(`user with id "` + clip(string(in.IDs[0])) + `" does not exist`)
	}
	t, err := d.core.Users.Delete(ctx, by, in)
	return deletedUser{user: us[0], task: t, at: d.now()}, err
}

func encodeDeletedUser(w *wire.Writer, _ *adapters.Request, out deletedUser) {
	u := out.user
	u.DeletedAt, u.Online = out.at, false
	w.Key("user")
	writeUser(w, &u)
	w.TextIf("task_id", out.task.ID)
}

// decodeDeleteUsers reads the deletion of several people.
func decodeDeleteUsers(rq *adapters.Request) (core.DeleteUsers, error) {
	var in core.DeleteUsers
	r, err := body(rq)
	if err != nil {
		return in, err
	}
	in.IDs = ids(r.Texts("user_ids", maxUsers))
	if len(in.IDs) == 0 {
		r.Fail("user_ids", "is a required field", fault.RequestMissingField)
	}
	switch mode := r.Text("user"); mode {
	case "", "soft", "pruning":
	case "hard":
		in.Hard = true
	default:
		r.Fail("user", "must be one of [soft hard pruning]", fault.RequestInvalidField)
	}
	in.Messages = deleteMode(&r, "messages")
	switch r.Text("conversations") {
	case "":
	case "soft", "hard":
		in.Conversations = true
	default:
		r.Fail("conversations", "must be one of [soft hard]", fault.RequestInvalidField)
	}
	return in, r.Err()
}

// deleteMode reads how far messages of a person go.
func deleteMode(r *wire.Reader, name string) core.DeleteMode {
	switch r.Text(name) {
	case "":
		return core.DeleteNone
	case "soft", "pruning":
		return core.DeleteSoft
	case "hard":
		return core.DeleteHard
	}
	r.Fail(name, "must be one of [soft hard pruning]", fault.RequestInvalidField)
	return core.DeleteNone
}

func decodeExportUser(rq *adapters.Request) (core.ExportUser, error) {
	return core.ExportUser{ID: core.UserID(rq.Param("user_id"))}, nil
}

func encodeExport(w *wire.Writer, _ *adapters.Request, x core.UserExport) {
	w.Key("user")
	writeStoredUser(w, &x.User)
	writeMessages(w, "messages", x.Messages)
	writeReactions(w, "reactions", x.Reactions)
}

// firstErr returns the first error there is.
func firstErr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
