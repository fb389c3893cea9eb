package cometchat

import (
	"context"
	"strings"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// groupRoutes are the operations on groups.
func (d *Dialect) groupRoutes() []adapters.Route {
	return []adapters.Route{
		op("GET", "/groups", "listGroups", d.listGroups, encodeGroups),
		op("POST", "/groups", "createGroup", d.createGroup, encodeCreatedGroup),
		op("GET", "/groups/:guid", "getGroup", d.getGroup, encodeGroup),
		op("PUT", "/groups/:guid", "updateGroup", d.updateGroup, encodeGroup),
		op("DELETE", "/groups/:guid", "deleteGroup", d.deleteGroup, done("Group deleted successfully.")),
		op("PATCH", "/groups/:guid/owner", "transferGroup", d.transfer, encodeTransferred),
	}
}

func encodeGroup(w *wire.Writer, _ *adapters.Request, g core.GroupView) {
	w.Key("data")
	writeGroup(w, &g.Channel, g.Member)
}

func encodeGroups(w *wire.Writer, _ *adapters.Request, l listed[core.GroupView]) {
	writeList(w, &l, func(g *core.GroupView) { writeGroup(w, &g.Channel, g.Member) })
}

// createdGroup is a new group, and what became of its first members when there were any.
type createdGroup struct {
	view    core.GroupView
	members *memberOutcomes
}

func encodeCreatedGroup(w *wire.Writer, _ *adapters.Request, g createdGroup) {
	w.Object("data")
	groupMembers(w, &g.view.Channel, g.view.Member)
	if g.members != nil {
		w.Object("members")
		w.Key("data")
		g.members.write(w)
		w.Close()
	}
	w.Close()
}

// Limits of groups, in bytes.
const (
	maxGUID        = 100
	maxGroupName   = 100
	maxDescription = 1 << 10
)

// groupInput is what a body says of a group; nil is not said.
type groupInput struct {
	name, icon, description *string
	admission               core.Admission
	password                string
	metadata                core.Extra
	hasMetadata             bool
	tags                    []string
	unset                   []string
}

// readGroup reads the fields of a group. The SDK sends its whole object: what only the server
// knows is passed over.
func readGroup(r *wire.Reader) (g groupInput) {
	text := func(name string, max int) *string {
		v, ok := r.Look(name)
		if !ok {
			return nil
		}
		s := r.AsText(name, v)
		if len(s) > max {
			r.Fail(name, "may not be greater than "+itoa(max)+" characters.", fault.RequestFieldTooLong)
		}
		return &s
	}
	g.name, g.icon, g.description = text("name", maxGroupName), text("icon", maxURL), text("description", maxDescription)
	if typ := r.Text("type"); typ != "" {
		var ok bool
		if g.admission, ok = admissionOf(typ); !ok {
			r.Fail("type", "The selected type is invalid.", fault.RequestInvalidField)
		}
	}
	if p := text("password", 100); p != nil {
		g.password = *p
	}
	if _, ok := r.Look("metadata"); ok {
		g.metadata, g.hasMetadata = metadata(r, "metadata"), true
	}
	if _, ok := r.Look("tags"); ok {
		g.tags = readTags(r)
	}
	g.unset = r.Texts("unset", 20)
	return g
}

// apply changes a stored group.
func (g *groupInput) apply(c *core.Channel) error {
	if g.name != nil {
		c.Name = *g.name
	}
	if g.icon != nil {
		c.Image = *g.icon
	}
	extra := extraEdit{x: c.Extra}
	extra.text("description", g.description)
	if g.hasMetadata {
		extra.raw("metadata", g.metadata)
	}
	if g.tags != nil {
		c.Tags = g.tags
	}
	for _, name := range g.unset {
		switch name {
		case "icon":
			c.Image = ""
		case "description", "metadata":
			extra.raw(name, nil)
		case "tags":
			c.Tags = nil
		}
	}
	c.Extra = extra.x
	return nil
}

// guidOK reports whether a guid can be given to a new group.
func guidOK(guid string) bool {
	if guid == "" || len(guid) > maxGUID {
		return false
	}
	for _, c := range []byte(guid) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-_.@", rune(c)) {
			return false
		}
	}
	return true
}

// createGroup makes a group, with its first members.
func (d *Dialect) createGroup(ctx context.Context, by core.Actor, rq *adapters.Request) (createdGroup, error) {
	var out createdGroup
	r, err := body(rq)
	if err != nil {
		return out, invalid(err)
	}
	in := readGroup(&r)
	guid := scalar(&r, "guid")
	switch {
	case guid == "":
		r.Fail("guid", "The guid field is required.", fault.RequestMissingField)
	case !guidOK(guid):
		r.Fail("guid", "The guid may have at most 100 letters, digits, - and _.", fault.RequestInvalidField)
	}
	if in.name == nil || *in.name == "" {
		r.Fail("name", "The name field is required.", fault.RequestMissingField)
	}
	if r.Text("type") == "" {
		r.Fail("type", "The type field is required.", fault.RequestMissingField)
	}
	owner := core.UserID(r.Text("owner"))
	var first memberRequest
	m, hasMembers := r.Object("members")
	if hasMembers {
		first = readMembers(&m)
	}
	if err := r.Err(); err != nil {
		return out, invalid(err)
	}
	switch {
	case owner != "":
		u, err := d.person(ctx, by.App, owner)
		if err != nil {
			return out, err
		}
		owner = u.ID
	case by.User == "":
		owner = core.SystemUser
		if err := d.ensureSystem(ctx, by.App); err != nil {
			return out, err
		}
	}
	var c core.Channel
	if err := in.apply(&c); err != nil {
		return out, err
	}
	if out.view, err = d.core.Groups.Create(ctx, founder(by, owner), core.CreateGroup{
		Key: core.ChannelKey(guid), Admission: in.admission, Password: in.password, Owner: owner,
		Name: c.Name, Image: c.Image, Tags: c.Tags, Extra: c.Extra,
	}); err != nil {
		if fault.IsReason(err, fault.GroupAlreadyExists) {
			err = fault.From(err).With(variantGUID)
		}
		return out, untold(err, "group_create")
	}
	if owner == core.SystemUser { // owns it, but is not in it
		_, err := d.core.Channels.Update(ctx, server(by.App), core.UpdateChannel{Key: out.view.Channel.Key, Remove: []core.UserID{owner}})
		if err != nil {
			return out, err
		}
		out.view.Channel.MemberCount, out.view.Member = 0, nil
	}
	if !hasMembers {
		return out, nil
	}
	if out.members, err = d.addMembers(ctx, by, out.view.Channel.Key, &first); err != nil {
		return out, err
	}
	view, err := d.core.Groups.Get(ctx, by, core.GetGroup{Key: out.view.Channel.Key})
	if err == nil {
		view.Notice = out.view.Notice
		out.view = view
	}
	return out, err
}

// ensureSystem creates the person in whose name the app speaks, if need be.
func (d *Dialect) ensureSystem(ctx context.Context, app core.AppID) error {
	us, err := d.core.Users.Get(ctx, server(app), core.GetUsers{IDs: []core.UserID{core.SystemUser}})
	if err != nil || len(us) > 0 {
		return err
	}
	_, err = d.core.Users.Upsert(ctx, server(app), core.UpsertUsers{Users: []core.User{{ID: core.SystemUser, Name: "System"}}})
	return err
}

// founder is who makes a group: the app in the owner's name when it acts for nobody.
func founder(by core.Actor, owner core.UserID) core.Actor {
	if by.Server() && by.User == "" {
		return by.As(owner)
	}
	return by
}

func (d *Dialect) getGroup(ctx context.Context, by core.Actor, rq *adapters.Request) (core.GroupView, error) {
	return d.core.Groups.Get(ctx, reader(by), core.GetGroup{Key: core.ChannelKey(rq.Param("guid"))})
}

// updateGroup changes a group.
func (d *Dialect) updateGroup(ctx context.Context, by core.Actor, rq *adapters.Request) (core.GroupView, error) {
	r, err := body(rq)
	if err != nil {
		return core.GroupView{}, invalid(err)
	}
	in := readGroup(&r)
	if err := r.Err(); err != nil {
		return core.GroupView{}, invalid(err)
	}
	return d.core.Groups.Update(ctx, reader(by), core.UpdateGroup{
		Key: core.ChannelKey(rq.Param("guid")), Admission: in.admission, Password: in.password, Change: in.apply,
	})
}

func (d *Dialect) deleteGroup(ctx context.Context, by core.Actor, rq *adapters.Request) (none struct{}, err error) {
	err = d.core.Groups.Delete(ctx, reader(by), core.DeleteGroup{Key: core.ChannelKey(rq.Param("guid"))})
	return none, untold(failed(err, "group_delete"), "group_delete")
}

// listGroups lists the groups the actor may know of.
func (d *Dialect) listGroups(ctx context.Context, by core.Actor, rq *adapters.Request) (listed[core.GroupView], error) {
	var out listed[core.GroupView]
	var err error
	if out.page, err = pageOf(rq, 30, 100); err != nil {
		return out, err
	}
	p, ok := out.core()
	if !ok {
		return out, nil
	}
	var types []string
	for _, t := range append(texts(rq, "types"), texts(rq, "type")...) {
		if a, ok := admissionOf(t); ok {
			types = append(types, string(a))
		}
	}
	f := core.And(core.Cond("kind", core.OpNe, core.Number(float64(core.KindDirect))), hasTags("tags", texts(rq, "tags")))
	if len(types) > 0 {
		f = core.And(f, core.Cond("admission", core.OpIn, core.Texts(types)))
	}
	in := core.QueryGroups{Filter: f, Page: p, Joined: flag(rq, "hasJoined"), Search: rq.Query.Get("searchKey"), Sort: groupSort(rq)}
	found, err := d.core.Groups.Query(ctx, reader(by), in)
	if err != nil {
		return out, err
	}
	out.items = cut(&out.page, found.Groups)
	out.more = out.more || found.More
	return out, out.whole(100, func(p core.Page) (int, error) {
		in.Page = p
		found, err := d.core.Groups.Query(ctx, reader(by), in)
		return len(found.Groups), err
	})
}

// groupSort is the order of a list of groups: by name unless asked otherwise.
func groupSort(rq *adapters.Request) []core.Sort {
	field := "name"
	switch rq.Query.Get("sortBy") {
	case "createdAt":
		field = "created_at"
	case "updatedAt":
		field = "updated_at"
	}
	return []core.Sort{{Field: field, Desc: rq.Query.Get("sortOrder") == "desc"}}
}

// transfer makes another member the owner.
func (d *Dialect) transfer(ctx context.Context, by core.Actor, rq *adapters.Request) (core.GroupView, error) {
	r, err := body(rq)
	if err != nil {
		return core.GroupView{}, invalid(err)
	}
	to := r.Need("owner")
	if err := r.Err(); err != nil {
		return core.GroupView{}, invalid(err)
	}
	u, err := d.person(ctx, by.App, core.UserID(to))
	if err != nil {
		return core.GroupView{}, err
	}
	return d.core.Groups.Transfer(ctx, reader(by), core.TransferGroup{Key: core.ChannelKey(rq.Param("guid")), To: u.ID})
}

func encodeTransferred(w *wire.Writer, _ *adapters.Request, g core.GroupView) {
	w.Object("data")
	w.Bool("success", true)
	w.Text("message", "Group ownership transferred successfully to the user with UID "+string(g.Channel.CreatedBy)+".")
	w.Close()
}
