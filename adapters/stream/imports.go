package stream

import (
	"cmp"
	"errors"

	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// ReadImport reads one object of a file for the vendor's importer, as JSON array or JSON lines, or of
// a file that the vendor's channel export wrote. The first is {"type": …, "item": …}, with "data" in
// newer files; see https://getstream.io/chat/docs/node/import/. The second is a channel with all that
// is in it; see https://getstream.io/chat/docs/node/exporting_channels/.
func ReadImport(raw []byte) ([]core.Imported, error) {
	r, err := wire.Parse(raw)
	if err != nil {
		return nil, err
	}
	typ := ""
	if v, ok := r.Look("type"); ok && v.Type == gjson.String {
		typ = v.Str
	}
	item, ok := r.Object("item")
	if !ok {
		item, ok = r.Object("data")
	}
	var out []core.Imported
	if typ == "" || !ok {
		if _, whole := r.Object("channel"); !whole {
			return nil, fault.RequestInvalid.Error("the object is neither an item with a type nor an exported channel")
		}
		out, err = importWhole(&r)
	} else if read, known := importers[typ]; known {
		out, err = read(&item)
	} else {
		return nil, errors.New("items of type " + clip(typ) + " are not taken over")
	}
	if err == nil {
		err = r.Err()
	}
	return out, err
}

// importers read the items by type.
var importers = map[string]func(*wire.Reader) ([]core.Imported, error){
	"user":     importUser,
	"channel":  importChannel,
	"member":   importMember,
	"message":  importMessage,
	"reaction": importReaction,
}

// Names of items that the objects of the API do not have.
var (
	importUserNames    = userNames.And("channel_mutes", "user_mutes", "push_notifications", "privacy_settings", "created_at", "updated_at", "deleted_at", "deactivated_at")
	importChannelNames = channelNames.And("member_ids")
	importMessageNames = messageNames.And("channel_type", "channel_id", "channel_member_ids", "mentioned_users_ids", "restricted_visibility", "pinned_by_id", "reactions")
)

func importUser(r *wire.Reader) ([]core.Imported, error) {
	u := readUser(r)
	u.Extra = custom(r, importUserNames, maxCustom)
	u.Role = orElse(u.Role, core.RoleUser)
	u.CreatedAt, u.UpdatedAt = r.Time("created_at"), r.Time("updated_at")
	u.DeactivatedAt, u.DeletedAt = r.Time("deactivated_at"), r.Time("deleted_at")
	if u.UpdatedAt.IsZero() {
		u.UpdatedAt = u.CreatedAt
	}
	out := []core.Imported{{User: &u}}
	for _, m := range r.Texts("user_mutes", 1000) {
		out = append(out, core.Imported{Mute: &core.ImportedMute{User: u.ID, Target: core.UserID(m)}})
	}
	for _, m := range r.Texts("channel_mutes", 1000) {
		key, ok := keyOfCID(m)
		if !ok {
			r.Fail("channel_mutes", "must hold cids", fault.RequestInvalidField)
			break
		}
		out = append(out, core.Imported{Mute: &core.ImportedMute{User: u.ID, Channel: key}})
	}
	return out, nil
}

// importKey names the channel of an item: by type and id, or a distinct one by its members.
func importKey(r *wire.Reader, typ, id, members string) (core.ChannelKey, bool) {
	t := r.Need(typ)
	if ids := r.Texts(members, maxUsers); len(ids) > 0 {
		us := make([]core.UserID, len(ids))
		for i := range ids {
			us[i] = core.UserID(ids[i])
		}
		return core.KeyOf(t, core.DirectID(us)), true
	}
	return core.KeyOf(t, r.Need(id)), false
}

// person is an id, or the object of one.
func importPerson(r *wire.Reader, name string) core.UserID {
	v, _ := r.Look(name)
	if v.IsObject() {
		return core.UserID(v.Get("id").String())
	}
	return core.UserID(r.Text(name))
}

func importChannel(r *wire.Reader) ([]core.Imported, error) {
	c := core.Channel{Type: r.Text("type"), Name: r.Text("name"), Image: r.Text("image"), Team: r.Text("team"), CreatedBy: importPerson(r, "created_by")}
	var distinct bool
	c.Key, distinct = importKey(r, "type", "id", "member_ids")
	switch {
	case distinct:
		c.Kind = core.KindDirect
	case c.Type == "livestream":
		c.Kind = core.KindRoom
	}
	c.Frozen, c.Disabled = r.Bool("frozen"), r.Bool("disabled")
	c.CreatedAt, c.UpdatedAt, c.DeletedAt = r.Time("created_at"), r.Time("updated_at"), r.Time("deleted_at")
	c.TruncatedAt = r.Time("truncated_at")
	if c.UpdatedAt.IsZero() {
		c.UpdatedAt = c.CreatedAt
	}
	c.Extra = custom(r, importChannelNames, maxCustom)
	return []core.Imported{{Channel: &c}}, nil
}

func importMember(r *wire.Reader) ([]core.Imported, error) {
	key, _ := importKey(r, "channel_type", "channel_id", "channel_member_ids")
	m := readImportMember(r)
	m.User = core.UserID(r.Need("user_id"))
	return []core.Imported{{Member: &m, Key: key}}, nil
}

// readImportMember reads what items and exported members have in common.
func readImportMember(r *wire.Reader) core.Member {
	m := core.Member{
		Role: core.MemberMember, ChannelRole: orElse(r.Text("channel_role"), core.ChannelRoleMember),
		CreatedAt: r.Time("created_at"), UpdatedAt: r.Time("updated_at"), InvitedAt: r.Time("invited_at"), AcceptedAt: r.Time("invite_accepted_at"),
		RejectedAt: r.Time("invite_rejected_at"), ReadAt: r.Time("last_read"), PinnedAt: r.Time("pinned_at"), ArchivedAt: r.Time("archived_at"),
	}
	if r.Bool("is_moderator") {
		m.ChannelRole = core.ChannelRoleModerator
	}
	if m.ChannelRole == core.ChannelRoleModerator {
		m.Role = core.MemberModerator
	}
	if r.Bool("hide_channel") {
		m.HiddenAt = m.CreatedAt
	}
	if m.UpdatedAt.IsZero() {
		m.UpdatedAt = m.CreatedAt
	}
	return m
}

// importKinds are the types of messages; a reply is told by its parent.
var importKinds = map[string]core.MessageKind{
	"": core.MessageRegular, "regular": core.MessageRegular, "reply": core.MessageRegular, "deleted": core.MessageRegular, "system": core.MessageSystem,
}

func importMessage(r *wire.Reader) ([]core.Imported, error) {
	key, _ := importKey(r, "channel_type", "channel_id", "channel_member_ids")
	in := readImportMessage(r)
	in.Message.ChannelKey = key
	return []core.Imported{in}, nil
}

// readImportMessage reads what items and exported messages have in common.
func readImportMessage(r *wire.Reader) core.Imported {
	kind, known := importKinds[r.Text("type")]
	if !known {
		r.Fail("type", "must be regular, reply, system or deleted", fault.RequestInvalidField)
	}
	m := &core.Message{
		Alias: r.Need("id"), User: importPerson(r, "user"), Kind: kind, Text: r.Text("text"), ShowInChannel: r.Bool("show_in_channel"),
		Silent: r.Bool("silent"), CreatedAt: r.Time("created_at"), UpdatedAt: r.Time("updated_at"), DeletedAt: r.Time("deleted_at"),
		PinnedAt: r.Time("pinned_at"), PinExpires: r.Time("pin_expires"),
	}
	if len(m.Alias) > maxImportID {
		r.Fail("id", "must be at most 255 bytes", fault.RequestFieldTooLong)
	}
	if m.User == "" {
		r.Fail("user", "is a required field", fault.RequestMissingField)
	}
	if m.CreatedAt.IsZero() {
		r.Fail("created_at", "is a required field", fault.RequestMissingField)
	}
	if m.UpdatedAt.IsZero() {
		m.UpdatedAt = m.CreatedAt
	}
	if m.Pinned = !m.PinnedAt.IsZero(); m.Pinned {
		m.PinnedBy = cmp.Or(importPerson(r, "pinned_by_id"), m.User)
	}
	r.Each("attachments", maxAttachments, func(_ int, v gjson.Result) {
		if v.IsObject() {
			m.Attachments = append(m.Attachments, wire.Compact(v.Raw))
		}
	})
	for _, u := range r.Texts("mentioned_users_ids", maxUsers) {
		m.Mentions = append(m.Mentions, core.UserID(u))
	}
	for _, u := range r.Texts("restricted_visibility", maxUsers) {
		m.RestrictedTo = append(m.RestrictedTo, core.UserID(u))
	}
	m.Extra = custom(r, importMessageNames, maxCustom)
	return core.Imported{Message: m, Parent: r.Text("parent_id"), Quoted: r.Text("quoted_message_id")}
}

// maxImportID bounds the ids of messages, in bytes.
const maxImportID = 255

func importReaction(r *wire.Reader) ([]core.Imported, error) {
	x := core.Reaction{
		Type: r.Need("type"), User: cmp.Or(importPerson(r, "user_id"), importPerson(r, "user")), Score: max(r.Int("score", 0, 1<<31), 1),
		CreatedAt: r.Time("created_at"), UpdatedAt: r.Time("updated_at"), Extra: custom(r, reactionNames, maxCustom),
	}
	if x.User == "" {
		r.Fail("user_id", "is a required field", fault.RequestMissingField)
	}
	if x.UpdatedAt.IsZero() {
		x.UpdatedAt = x.CreatedAt
	}
	return []core.Imported{{Reaction: &x, On: r.Need("message_id")}}, nil
}

// importWhole reads an exported channel: the channel, the people seen in it, members and messages
// with their reactions.
func importWhole(r *wire.Reader) ([]core.Imported, error) {
	ch, _ := r.Object("channel")
	out, err := importChannel(&ch)
	if err != nil {
		return nil, err
	}
	key := out[0].Channel.Key
	var people []core.Imported
	seen := map[core.UserID]bool{}
	person := func(o *wire.Reader, name string) {
		u, ok := o.Look(name)
		id := core.UserID(u.Get("id").String())
		if !ok || !u.IsObject() || seen[id] {
			return
		}
		seen[id] = true
		if sub, ok := o.Object(name); ok {
			us, _ := importUser(&sub) // its mistakes are kept in the reader
			people = append(people, us[0])
		}
	}
	person(&ch, "created_by")
	r.EachObject("messages", maxWhole, func(_ int, o *wire.Reader) {
		person(o, "user")
		in := readImportMessage(o)
		in.Message.ChannelKey = key
		out = append(out, in)
		o.EachObject("reactions", maxWhole, func(_ int, x *wire.Reader) {
			person(x, "user")
			rs, _ := importReaction(x) // its mistakes are kept in the reader
			out = append(out, rs...)
		})
	})
	r.EachObject("members", maxWhole, func(_ int, o *wire.Reader) {
		person(o, "user")
		m := readImportMember(o)
		m.User = cmp.Or(core.UserID(o.Text("user_id")), importPerson(o, "user"))
		out = append(out, core.Imported{Member: &m, Key: key})
	})
	return append(people, out...), r.Err()
}

// maxWhole bounds the lists of an exported channel; the file's own bound comes first.
const maxWhole = 1 << 20
