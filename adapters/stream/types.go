package stream

import (
	"context"
	"slices"
	"strings"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
)

// Bounds of what one request may list; the core has the tighter limits.
const (
	maxCommands    = 100
	maxTypeLength  = 1 << 20
	maxCommandText = 255
)

// typeBodyNames are members of a channel type's body that are not kept.
var typeBodyNames = configNames.And("user", "user_id", "client_id", "connection_id")

// decodePutType reads a channel type, new or changed: members that are not there keep their value.
// Switches and limits the core does not act on (partitions, push levels) are kept and handed back.
func decodePutType(create bool) func(*adapters.Request) (core.PutType, error) {
	return func(rq *adapters.Request) (core.PutType, error) {
		r, err := body(rq)
		if err != nil {
			return core.PutType{}, err
		}
		in := core.PutType{Name: rq.Param("name"), Create: create}
		if create {
			in.Name = r.Need("name")
		}
		in.Change = typeChange(&r)
		return in, r.Err()
	}
}

// typeChange reads the members once and returns how to apply them.
func typeChange(r *wire.Reader) func(*core.ChannelType) error {
	features := core.Features{}
	for _, f := range featureNames {
		if b := r.OptBool(string(f)); b != nil {
			features[f] = *b
		}
	}
	maxLength := r.Int("max_message_length", 1, maxTypeLength)
	texts := []struct {
		value string
		field func(*core.ChannelType) *string
	}{
		{r.Text("automod"), func(t *core.ChannelType) *string { return &t.Automod }},
		{r.Text("automod_behavior"), func(t *core.ChannelType) *string { return &t.AutomodBehavior }},
		{r.Text("blocklist_behavior"), func(t *core.ChannelType) *string { return &t.BlocklistBehavior }},
		{r.Text("message_retention"), func(t *core.ChannelType) *string { return &t.Retention }},
	}
	hasList, list := r.Has("blocklist"), r.Text("blocklist")
	hasLists, lists := r.Has("blocklists"), blocklistUses(r)
	commands := r.Texts("commands", maxCommands)
	grants := grantsMember(r)
	extra := r.Rest(typeBodyNames)
	return func(t *core.ChannelType) error {
		if t.Features == nil {
			t.Features = core.Features{}
		}
		for f, on := range features {
			t.Features[f] = on
		}
		if maxLength > 0 {
			t.MaxLength = maxLength
		}
		for _, x := range texts {
			if x.value != "" {
				*x.field(t) = x.value
			}
		}
		if hasList {
			t.Blocklist = list
		}
		if hasLists {
			t.Blocklists = lists
		}
		if commands != nil {
			t.Commands = commands
		}
		t.Grants = replaceGrants(t.Grants, grants)
		t.Extra = mergeExtra(t.Extra, extra, nil)
		return nil
	}
}

// blocklistUses reads the lists attached with a behaviour of their own.
func blocklistUses(r *wire.Reader) (out []core.BlocklistUse) {
	r.EachObject("blocklists", maxCommands, func(_ int, o *wire.Reader) {
		out = append(out, core.BlocklistUse{Name: o.Need("blocklist"), Behavior: o.Need("behavior")})
	})
	return out
}

// grantsMember reads the member "grants" of a body, in the order of the text; nil means absent.
func grantsMember(r *wire.Reader) []core.RoleGrants {
	o, ok := r.Object("grants")
	if !ok {
		return nil
	}
	return readGrants(&o)
}

// replaceGrants puts the grants of the roles named in place of what they had; other roles keep
// theirs.
func replaceGrants(have, want []core.RoleGrants) []core.RoleGrants {
	for _, g := range want {
		i := slices.IndexFunc(have, func(h core.RoleGrants) bool { return h.Role == g.Role })
		if i < 0 {
			have = append(have, g)
			continue
		}
		have[i] = g
	}
	return have
}

// decodeTypeName reads which channel type.
func decodeGetType(rq *adapters.Request) (core.GetType, error) {
	return core.GetType{Name: rq.Param("name")}, nil
}

// decodeDeleteType reads which channel type to remove.
func decodeDeleteType(rq *adapters.Request) (core.DeleteType, error) {
	return core.DeleteType{Name: rq.Param("name")}, nil
}

// encodePutType answers a write: commands are names here, objects when read.
func encodePutType(w *wire.Writer, _ *adapters.Request, t core.ChannelType) {
	configMembers(w, &t)
	w.Texts("commands", t.Commands)
	writeGrants(w, t.Grants)
	w.List("permissions")
	w.CloseList()
}

// encodeType answers with one channel type.
func (d *Dialect) encodeType(w *wire.Writer, rq *adapters.Request, t core.ChannelType) {
	writeTypeMembers(w, &t, d.book(rq.Caller().App))
}

// writeTypeMembers writes a channel type as it is read.
func writeTypeMembers(w *wire.Writer, t *core.ChannelType, book commandBook) {
	configMembers(w, t)
	w.List("commands")
	for _, name := range t.Commands {
		writeCommand(w, book.get(name))
	}
	w.CloseList()
	writeGrants(w, t.Grants)
	w.List("permissions")
	w.CloseList()
}

// encodeTypes answers all channel types by name.
func (d *Dialect) encodeTypes(w *wire.Writer, rq *adapters.Request, ts []core.ChannelType) {
	book := d.book(rq.Caller().App)
	w.Object("channel_types")
	for i := range ts {
		w.KeyOf(ts[i].Name)
		w.Open()
		writeTypeMembers(w, &ts[i], book)
		w.Close()
	}
	w.Close()
}

// decodePutCommand reads a slash command, new or changed.
func decodePutCommand(create bool) func(*adapters.Request) (core.PutCommand, error) {
	return func(rq *adapters.Request) (core.PutCommand, error) {
		r, err := body(rq)
		if err != nil {
			return core.PutCommand{}, err
		}
		in := core.PutCommand{Name: rq.Param("name"), Create: create}
		if create {
			in.Name = r.Need("name")
		}
		var steps []func(*core.Command)
		for _, x := range []struct {
			name  string
			field func(*core.Command) *string
		}{
			{"description", func(c *core.Command) *string { return &c.Description }},
			{"args", func(c *core.Command) *string { return &c.Args }},
			{"set", func(c *core.Command) *string { return &c.Set }},
		} {
			if v := r.TextMax(x.name, maxCommandText); r.Has(x.name) {
				steps = append(steps, func(c *core.Command) { *x.field(c) = v })
			}
		}
		in.Change = func(c *core.Command) error {
			for _, step := range steps {
				step(c)
			}
			return nil
		}
		return in, r.Err()
	}
}

// putCommand writes a command; descriptions kept for answers are read anew.
func (d *Dialect) putCommand(ctx context.Context, by core.Actor, in core.PutCommand) (core.Command, error) {
	defer d.forgetBook(by.App)
	return d.core.Commands.Put(ctx, by, in)
}

// deleteCommand removes a command.
func (d *Dialect) deleteCommand(ctx context.Context, by core.Actor, in core.DeleteCommand) (core.Command, error) {
	defer d.forgetBook(by.App)
	return d.core.Commands.Delete(ctx, by, in)
}

// decodeGetCommand reads which command.
func decodeGetCommand(rq *adapters.Request) (core.GetCommand, error) {
	return core.GetCommand{Name: rq.Param("name")}, nil
}

// decodeDeleteCommand reads which command to remove.
func decodeDeleteCommand(rq *adapters.Request) (core.DeleteCommand, error) {
	return core.DeleteCommand{Name: rq.Param("name")}, nil
}

// encodePutCommand answers a write of a command.
func encodePutCommand(w *wire.Writer, _ *adapters.Request, c core.Command) {
	w.Key("command")
	writeCommand(w, c)
}

// encodeCommand answers a read of a command: its members stand at the top.
func encodeCommand(w *wire.Writer, _ *adapters.Request, c core.Command) {
	w.Text("name", c.Name)
	w.Text("description", c.Description)
	w.Text("args", c.Args)
	w.Text("set", c.Set)
	w.TimeIf("created_at", c.CreatedAt)
	w.TimeIf("updated_at", c.UpdatedAt)
}

// encodeDeletedCommand answers a removal with the name.
func encodeDeletedCommand(w *wire.Writer, _ *adapters.Request, c core.Command) {
	w.Text("name", c.Name)
}

// encodeCommands answers all commands.
func encodeCommands(w *wire.Writer, _ *adapters.Request, cs []core.Command) {
	w.List("commands")
	for _, c := range cs {
		writeCommand(w, c)
	}
	w.CloseList()
}

// decodePutRole reads a new role.
func decodePutRole(rq *adapters.Request) (core.PutRole, error) {
	r, err := body(rq)
	if err != nil {
		return core.PutRole{}, err
	}
	in := core.PutRole{Name: r.Need("name")}
	return in, r.Err()
}

// decodeDeleteRole reads which role to remove.
func decodeDeleteRole(rq *adapters.Request) (core.DeleteRole, error) {
	return core.DeleteRole{Name: rq.Param("name")}, nil
}

// writeRole writes a role.
func writeRole(w *wire.Writer, r *core.Role) {
	w.Open()
	w.Text("name", r.Name)
	w.Bool("custom", r.Custom)
	w.Texts("scopes", r.Scopes)
	w.Time("created_at", r.CreatedAt)
	w.Time("updated_at", r.UpdatedAt)
	w.Close()
}

// encodeRole answers with one role.
func encodeRole(w *wire.Writer, _ *adapters.Request, r core.Role) {
	w.Key("role")
	writeRole(w, &r)
}

// encodeRoles answers with all roles.
func encodeRoles(w *wire.Writer, _ *adapters.Request, rs []core.Role) {
	w.List("roles")
	for i := range rs {
		writeRole(w, &rs[i])
	}
	w.CloseList()
}

// roleSearch asks for the roles whose name begins with a text, a page at a time.
type roleSearch struct {
	query, after string
	limit        int
}

// decodeSearchRoles reads a search for roles.
func decodeSearchRoles(rq *adapters.Request) (roleSearch, error) {
	q := wire.QueryOf(rq)
	in := roleSearch{query: strings.ToLower(q.Text("query")), after: q.Text("name_gt"), limit: q.Int("limit", 1, 100)}
	return in, q.Err()
}

// searchRoles finds roles by the beginning of their name, in order of the name.
func (d *Dialect) searchRoles(ctx context.Context, by core.Actor, in roleSearch) ([]core.Role, error) {
	all, err := d.core.Roles.List(ctx, by, core.ListRoles{})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b core.Role) int { return strings.Compare(a.Name, b.Name) })
	var out []core.Role
	for _, r := range all {
		if strings.HasPrefix(strings.ToLower(r.Name), in.query) && r.Name > in.after {
			out = append(out, r)
		}
	}
	if in.limit > 0 && len(out) > in.limit {
		out = out[:in.limit]
	}
	return out, nil
}

// decodeGetPermission reads which permission.
func decodeGetPermission(rq *adapters.Request) (core.GetPermission, error) {
	return core.GetPermission{ID: rq.Param("id")}, nil
}

// writePermission writes a permission; all are built in.
func writePermission(w *wire.Writer, p *core.Permission) {
	w.Open()
	w.Text("id", p.ID)
	w.Text("name", p.Name)
	w.Text("description", p.Description)
	w.Text("action", p.Action)
	w.Bool("owner", p.Owner)
	w.Bool("same_team", p.SameTeam)
	w.Bool("custom", false)
	w.Text("level", p.Level)
	w.Texts("tags", nil)
	w.Close()
}

// encodePermission answers with one permission.
func encodePermission(w *wire.Writer, _ *adapters.Request, p core.Permission) {
	w.Key("permission")
	writePermission(w, &p)
}

// encodePermissions answers everything that can be granted.
func encodePermissions(w *wire.Writer, _ *adapters.Request, ps []core.Permission) {
	w.List("permissions")
	for i := range ps {
		writePermission(w, &ps[i])
	}
	w.CloseList()
}
