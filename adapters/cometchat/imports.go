package cometchat

import (
	"context"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/normalize"
)

// maxImported bounds the items of one call.
const maxImported = 1000

// importRoutes take over what was elsewhere, many at a time; each item has an outcome of its own. See
// https://www.cometchat.com/docs/fundamentals/import-historical-data. They go through the commands
// that everybody uses, with the times that the file tells, so that a repeated call changes nothing:
// who and what is there already is kept or changed. A muid of digits alone is no name here, so that
// such a message is made again by a repeated call.
func (d *Dialect) importRoutes() []adapters.Route {
	return []adapters.Route{
		op("POST", "/data_import/users", "importUsers", d.importing("users", d.importUser), encodeImported).Gated(adapters.GateServer),
		op("POST", "/data_import/groups", "importGroups", d.importing("groups", d.importGroup), encodeImported).Gated(adapters.GateServer),
		op("POST", "/data_import/members", "importMembers", d.importing("members", d.importMember), encodeImported).Gated(adapters.GateServer),
		op("POST", "/data_import/messages", "importMessages", d.importing("messages", d.importMessage), encodeImported).Gated(adapters.GateServer),
	}
}

// imported is the outcome of one item.
type imported struct {
	name  string
	err   error
	write func(*wire.Writer) // of what was made
}

// importItem imports one item and returns what writes it.
type importItem func(context.Context, core.Actor, *adapters.Request, *wire.Reader) (func(*wire.Writer), error)

// importing walks the items of a call, in their order.
func (d *Dialect) importing(list string, one importItem) func(context.Context, core.Actor, *adapters.Request) ([]imported, error) {
	return func(ctx context.Context, by core.Actor, rq *adapters.Request) ([]imported, error) {
		r, err := body(rq)
		if err != nil {
			return nil, invalid(err)
		}
		items, ok := r.Object(list)
		if !ok {
			r.Fail(list, "The "+list+" field is required.", fault.RequestMissingField)
			return nil, invalid(r.Err())
		}
		if len(items.Fields()) > maxImported {
			return nil, fault.RequestBatchTooLarge.Error("At most " + itoa(maxImported) + " items can be imported at once.")
		}
		by.User = ""
		out := make([]imported, 0, len(items.Fields()))
		for _, f := range items.Fields() {
			x := imported{name: f.Name}
			if o, err := wire.ParseText(f.Value.Raw); err != nil {
				x.err = invalid(err)
			} else if x.write, err = one(ctx, by, rq, &o); err != nil {
				x.err = err
			}
			out = append(out, x)
		}
		return out, nil
	}
}

// encodeImported writes the outcomes by name.
func encodeImported(w *wire.Writer, _ *adapters.Request, list []imported) {
	w.Object("data")
	for i := range list {
		x := &list[i]
		w.KeyOf(x.name)
		if x.err != nil {
			w.Value(EncodeItem(normalize.New(fault.From(x.err), normalize.OriginCore, Catalog())))
			continue
		}
		w.Open()
		w.Bool("success", true)
		w.Key("data")
		x.write(w)
		w.Close()
	}
	w.Close()
}

// item is the request of the call that makes one such thing.
func item(rq *adapters.Request, raw string, params ...adapters.Param) *adapters.Request {
	one := *rq
	one.Body, one.Params = []byte(raw), params
	return &one
}

// importUser makes a person, or changes who is there.
func (d *Dialect) importUser(ctx context.Context, by core.Actor, rq *adapters.Request, r *wire.Reader) (func(*wire.Writer), error) {
	out, err := d.createUser(ctx, by, item(rq, r.RawText()))
	if fault.IsReason(err, fault.UserAlreadyExists) {
		out, err = d.updateUser(ctx, by, item(rq, r.RawText(), adapters.Param{Name: "uid", Value: scalar(r, "uid")}))
	}
	if err != nil {
		return nil, err
	}
	if at := when(r, "deactivatedAt"); !at.IsZero() {
		if _, err := d.core.Users.Deactivate(ctx, by, core.DeactivateUsers{IDs: []core.UserID{out.user.ID}}); err != nil {
			return nil, err
		}
	}
	return func(w *wire.Writer) { writeUser(w, &out.user, out.view) }, nil
}

// when reads a time in Unix seconds.
func when(r *wire.Reader, name string) time.Time {
	if v, ok := r.Look(name); ok && v.Type == gjson.Number && v.Num > 0 && v.Num < 1<<33 {
		return time.Unix(int64(v.Num), 0).UTC()
	}
	return time.Time{}
}

// details makes the person or the group that an item tells of, unless they are there.
func (d *Dialect) details(ctx context.Context, by core.Actor, rq *adapters.Request, r *wire.Reader, name string, one importItem) error {
	o, ok := r.Object(name)
	if !ok {
		return nil
	}
	_, err := one(ctx, by, rq, &o)
	return err
}

// importGroup makes a group; one that is there stays as it is.
func (d *Dialect) importGroup(ctx context.Context, by core.Actor, rq *adapters.Request, r *wire.Reader) (func(*wire.Writer), error) {
	if err := d.details(ctx, by, rq, r, "groupOwnerDetails", d.importUser); err != nil {
		return nil, err
	}
	guid := core.ChannelKey(scalar(r, "guid"))
	if _, err := d.core.Groups.Get(ctx, by, core.GetGroup{Key: guid}); err != nil {
		if _, err := d.createGroup(ctx, by, item(rq, r.RawText())); err != nil {
			return nil, err
		}
	}
	v, err := d.core.Groups.Get(ctx, by, core.GetGroup{Key: guid})
	if err != nil {
		return nil, err
	}
	return func(w *wire.Writer) { writeGroup(w, &v.Channel, nil) }, nil
}

// importMember makes a person a member, with their scope, or bans them.
func (d *Dialect) importMember(ctx context.Context, by core.Actor, rq *adapters.Request, r *wire.Reader) (func(*wire.Writer), error) {
	if err := d.details(ctx, by, rq, r, "userDetails", d.importUser); err != nil {
		return nil, err
	}
	if err := d.details(ctx, by, rq, r, "groupDetails", d.importGroup); err != nil {
		return nil, err
	}
	key, scope := core.ChannelKey(scalar(r, "guid")), orElse(r.Text("scope"), "participant")
	u, err := d.person(ctx, by.App, core.UserID(scalar(r, "uid")))
	if err != nil {
		return nil, err
	}
	done := func(w *wire.Writer) {
		w.Open()
		w.Text("guid", string(key))
		w.Text("uid", string(u.ID))
		w.Text("scope", scope)
		w.Close()
	}
	if r.Bool("isBanned") {
		_, err := d.core.Groups.Ban(ctx, by, core.BanMember{Key: key, User: u.ID})
		return done, err
	}
	outs, err := d.core.Groups.Add(ctx, by, core.AddToGroup{Key: key, Members: []core.GroupMember{{User: u.ID, Role: rankOf(scope)}}})
	if err == nil && len(outs) > 0 && !fault.IsReason(outs[0].Err, fault.GroupAlreadyMember) {
		err = outs[0].Err
	}
	return done, err
}

// importMessage stores a message as of when it was sent. It raises no unread count: it is history.
func (d *Dialect) importMessage(ctx context.Context, by core.Actor, rq *adapters.Request, r *wire.Reader) (func(*wire.Writer), error) {
	for name, one := range map[string]importItem{"senderUserDetails": d.importUser, "receiverUserDetails": d.importUser, "receiverGroupDetails": d.importGroup} {
		if err := d.details(ctx, by, rq, r, name, one); err != nil {
			return nil, err
		}
	}
	u, err := d.person(ctx, by.App, core.UserID(scalar(r, "sender")))
	if err != nil {
		return nil, err
	}
	by = by.As(u.ID)
	in, err := readMessage(r, "", nil)
	if err != nil {
		return nil, err
	}
	in.message.CreatedAt, in.message.Silent = when(r, "sentAt"), true
	if in.message.CreatedAt.IsZero() {
		return nil, bad(fault.RequestMissingField, "", "The sentAt field is required.")
	}
	key, err := d.target(ctx, by, &in)
	if err != nil {
		return nil, err
	}
	cmd := core.SendMessage{Key: key, Message: in.message, SkipCommands: true, MaxExtra: maxExtra}
	out, err := d.core.Messages.Send(ctx, by, cmd)
	if in.group == "" && fault.IsReason(err, fault.GroupNotFound) {
		if err = d.openDirect(ctx, by, in.user); err == nil {
			out, err = d.core.Messages.Send(ctx, by, cmd)
		}
	}
	if err != nil {
		return nil, err
	}
	v, err := d.venueOfKey(ctx, by, key, in.user)
	if err != nil {
		return nil, err
	}
	return func(w *wire.Writer) { writeMessage(w, &out.Message, v) }, nil
}
