package stream

import (
	"slices"

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
