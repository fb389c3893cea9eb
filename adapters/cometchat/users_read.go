package cometchat

import (
	"strings"

	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// Limits of users, in bytes; see https://www.cometchat.com/docs/rest-api/users/create.
const (
	maxUID      = 100
	maxUserName = 100
	maxURL      = 2 << 10
	maxTags     = 25
	maxTag      = 100
)

// userPatch is what a body says of a profile; nil is not said.
type userPatch struct {
	name, avatar, role, link, status *string
	metadata                         core.Extra
	hasMetadata                      bool
	tags                             []string
	unset                            []string
}

// readUser reads the fields of a profile; any tells whether there is one. The SDK sends its whole
// user object: what only the server knows is passed over.
func readUser(r *wire.Reader) (p userPatch, any bool) {
	text := func(name string, max int) *string {
		v, ok := r.Look(name)
		if !ok {
			return nil
		}
		s := r.AsText(name, v)
		if len(s) > max {
			r.Fail(name, "may not be greater than "+itoa(max)+" characters.", fault.RequestFieldTooLong)
		}
		any = true
		return &s
	}
	p.name, p.avatar, p.role = text("name", maxUserName), text("avatar", maxURL), text("role", 64)
	p.link, p.status = text("link", maxURL), text("statusMessage", 255)
	if _, ok := r.Look("metadata"); ok {
		p.metadata, p.hasMetadata, any = metadata(r, "metadata"), true, true
	}
	if _, ok := r.Look("tags"); ok {
		p.tags, any = readTags(r), true
	}
	p.unset = r.Texts("unset", 20)
	return p, any || len(p.unset) > 0
}

// metadata reads an object, or a text that holds one: older SDKs send it so.
func metadata(r *wire.Reader, name string) core.Extra {
	v, ok := r.Look(name)
	if !ok {
		return nil
	}
	raw := v.Raw
	if v.Type == gjson.String {
		if raw = v.Str; strings.TrimSpace(raw) == "" {
			return nil
		}
	}
	if !gjson.Valid(raw) || !gjson.Parse(raw).IsObject() && !gjson.Parse(raw).IsArray() {
		r.Fail(name, "must be a valid JSON object.", fault.RequestInvalid)
		return nil
	}
	if gjson.Parse(raw).IsArray() {
		return nil // PHP clients send an empty object as []
	}
	return core.Extra(wire.Compact(raw))
}

// readTags reads a list of tags.
func readTags(r *wire.Reader) []string {
	tags := r.Texts("tags", maxTags)
	for _, t := range tags {
		if t == "" || len(t) > maxTag {
			r.Fail("tags", "must have tags of 1 to 100 characters.", fault.RequestFieldTooLong)
			break
		}
	}
	return tags
}

// apply changes a stored profile.
func (p *userPatch) apply(u *core.User) error {
	set := func(at *string, v *string) {
		if v != nil {
			*at = *v
		}
	}
	set(&u.Name, p.name)
	set(&u.Image, p.avatar)
	if p.role != nil {
		u.Role = coreRole(orElse(*p.role, defaultRole))
	}
	extra := extraEdit{x: u.Extra}
	extra.text("link", p.link)
	extra.text("status_message", p.status)
	if p.hasMetadata {
		extra.raw("metadata", p.metadata)
	}
	if p.tags != nil {
		u.Tags = p.tags
	}
	for _, name := range p.unset {
		switch name {
		case "avatar":
			u.Image = ""
		case "link", "metadata":
			extra.raw(name, nil)
		case "statusMessage":
			extra.raw("status_message", nil)
		case "tags":
			u.Tags = nil
		}
	}
	u.Extra = extra.x
	return nil
}

// extraEdit changes single members of an Extra.
type extraEdit struct{ x core.Extra }

// text sets a text member; nil leaves it, "" removes it.
func (e *extraEdit) text(name string, v *string) {
	switch {
	case v == nil:
	case *v == "":
		e.raw(name, nil)
	default:
		w := wire.NewWriter(len(*v) + 2)
		w.Item(*v)
		e.raw(name, w.Bytes())
	}
}

// raw sets a member to JSON, or removes it when there is none.
func (e *extraEdit) raw(name string, v []byte) {
	w := wire.NewWriter(len(e.x) + len(v) + len(name) + 8)
	w.Open()
	w.Extra(e.x, wire.NamesOf(name))
	if len(v) > 0 {
		w.KeyOf(name)
		w.Value(v)
	}
	w.Close()
	if e.x = w.Bytes(); string(e.x) == "{}" {
		e.x = nil
	}
}
