package nexconn

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// Limits of profiles.
const (
	maxProfiles   = 20  // people of one call
	maxExtKeys    = 20  // of one person
	maxExtValue   = 256 // characters
	maxExtKeyName = 32
	extPrefix     = "ext_" // what names of extended keys begin with
)

// Members of Extra that keep a person's hosted profile.
const (
	profileMember = "profile"
	extMember     = "ext_profile"
	versionMember = "profile_version"
)

// profileKeys are the members of a basic profile. Name and picture are the person's own, which every
// dialect shows; the others are kept for those who ask.
var profileKeys = wire.NamesOf("name", "portraitUri", "portraitUrl", "avatarUrl", "uniqueId", "email", "birthday", "gender", "location", "role", "level")

// profileOps are the hosting of profiles.
func (d *Dialect) profileOps() []operation {
	return []operation{
		{path: "/user/profile/set", family: familyProfile, rate: 100, serve: d.setProfile},
		{path: "/user/profile/delete", family: familyProfile, rate: 100, serve: d.deleteProfiles},
		{path: "/user/profile/batch/get", family: familyProfile, rate: 100, serve: d.getProfiles},
		{path: "/user/profile/list", family: familyProfile, rate: 100, serve: d.listProfiles},
	}
}

// looseObject reads a member that is an object, or a text that holds one: the classic calls send texts.
func (in *input) looseObject(name string) (core.Extra, bool) {
	v, ok := in.Look(name)
	if !ok {
		return nil, false
	}
	raw := v.Raw
	if v.Type == gjson.String {
		raw = v.Str
	}
	if !gjson.Valid(raw) || !gjson.Parse(raw).IsObject() {
		in.Fail(name, "must be an object", fault.RequestInvalidField)
		return nil, false
	}
	return core.Extra(wire.Compact(raw)), true
}

// extKeys reads extended keys; whatever is wrong with one of them is told with its name.
func (in *input) extKeys(name, variant string) (map[string]string, error) {
	raw, ok := in.looseObject(name)
	if !ok {
		return nil, nil
	}
	out := map[string]string{}
	var bad error
	gjson.ParseBytes(raw).ForEach(func(k, v gjson.Result) bool {
		switch {
		case !strings.HasPrefix(k.Str, extPrefix) || len(k.Str) > maxExtKeyName:
			bad = named(fault.AttributeNotFound.Error("There is no extended key "+clip(k.Str)+".").With(variant), name+"/"+k.Str)
		case v.Type != gjson.String || len(v.Str) > maxExtValue*4:
			in.Fail(name+"/"+k.Str, "must be a text of at most 256 characters", fault.RequestInvalidField)
		}
		out[k.Str] = v.Str
		return bad == nil
	})
	return out, bad
}

// named tells which member of a body a failure is about.
func named(e *fault.Error, path string) error {
	c := *e
	c.Fields = []fault.Field{{Pointer: "/" + path, Detail: c.Detail, Reason: c.Reason}}
	return &c
}

// setProfile changes the members named of a profile.
func (d *Dialect) setProfile(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id := in.userID("userId")
	basic, some := in.looseObject("userProfile")
	ext, err := in.extKeys("userExtProfile", "user_profile")
	if err != nil {
		return nil, err
	}
	if !some && ext == nil && in.Err() == nil {
		in.Fail("userProfile", "is a required field", fault.RequestMissingField)
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	if err := d.on(by.App, serviceProfiles); err != nil {
		return nil, err
	}
	var bad error
	gjson.ParseBytes(basic).ForEach(func(k, _ gjson.Result) bool {
		if !profileKeys.Has(k.Str) {
			bad = named(fault.AttributeNotFound.Error("A profile has no member "+clip(k.Str)+".").With("user_profile"), "userProfile/"+k.Str)
		}
		return bad == nil
	})
	if bad != nil {
		return nil, bad
	}
	u, err := d.person(ctx, by, id)
	if err != nil {
		return nil, err
	}
	have := readTexts(u.Extra, extMember)
	for k, v := range ext {
		have[k] = v
	}
	if len(have) > d.byApp[by.App].quota("profile_keys", maxExtKeys) {
		return nil, fault.LimitReached.Error("The profile has as many extended keys as allowed.").With("user_profile_attributes")
	}
	return nil, d.patchUser(ctx, by, id, func(u *core.User) {
		p := gjson.ParseBytes(basic)
		u.Name = orElse(p.Get("name").String(), u.Name)
		for _, k := range []string{"portraitUri", "portraitUrl", "avatarUrl"} {
			u.Image = orElse(p.Get(k).String(), u.Image)
		}
		merged := mergeObjects(core.Extra(gjson.GetBytes(u.Extra, profileMember).Raw), basic)
		u.Extra = putMembers(u.Extra, map[string][]byte{
			profileMember: merged, extMember: textsJSON(have), versionMember: []byte(strconv.FormatInt(sentAt(d.now()), 10)),
		})
	})
}

// readTexts reads a member of Extra that is an object of texts.
func readTexts(x core.Extra, name string) map[string]string {
	out := map[string]string{}
	gjson.GetBytes(x, name).ForEach(func(k, v gjson.Result) bool {
		out[k.Str] = v.Str
		return true
	})
	return out
}

// textsJSON is an object of texts, sorted by name.
func textsJSON(m map[string]string) []byte {
	b, _ := json.Marshal(m) // texts by texts cannot fail
	return b
}

// mergeObjects is an object with the members of another put over it.
func mergeObjects(old, over core.Extra) []byte {
	names := wire.Names{}
	gjson.ParseBytes(over).ForEach(func(k, _ gjson.Result) bool {
		names[k.Str] = struct{}{}
		return true
	})
	w := wire.NewWriter(len(old) + len(over) + 2)
	w.Open()
	w.Extra(old, names)
	w.Extra(over, nil)
	w.Close()
	return w.Bytes()
}

// putMembers is an Extra with members set; nil takes one away.
func putMembers(x core.Extra, set map[string][]byte) core.Extra {
	names, keys := wire.Names{}, []string{}
	for k, v := range set {
		names[k] = struct{}{}
		if v != nil {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	w := wire.NewWriter(len(x) + 128)
	w.Open()
	w.Extra(x, names)
	for _, k := range keys {
		w.Raw(k, set[k])
	}
	w.Close()
	if w.Len() == 2 {
		return nil
	}
	return w.Bytes()
}

// deleteProfiles takes the hosted profiles away; the people stay.
func (d *Dialect) deleteProfiles(ctx context.Context, by core.Actor, in *input) (answer, error) {
	ids := in.userIDs("userIds", maxProfiles)
	if err := in.Err(); err != nil {
		return nil, err
	}
	if err := d.on(by.App, serviceProfiles); err != nil {
		return nil, err
	}
	if _, err := d.people(ctx, by, ids); err != nil {
		return nil, err
	}
	for _, id := range ids {
		if err := d.patchUser(ctx, by, id, func(u *core.User) {
			u.Extra = putMembers(u.Extra, map[string][]byte{profileMember: nil, extMember: nil, versionMember: nil})
		}); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (d *Dialect) getProfiles(ctx context.Context, by core.Actor, in *input) (answer, error) {
	ids := in.userIDs("userIds", maxProfiles)
	if err := in.Err(); err != nil {
		return nil, err
	}
	if err := d.on(by.App, serviceProfiles); err != nil {
		return nil, err
	}
	us, err := d.people(ctx, by, ids)
	if err != nil {
		return nil, err
	}
	return profilesAnswer(us), nil
}

func (d *Dialect) listProfiles(ctx context.Context, by core.Actor, in *input) (answer, error) {
	p, order := in.pageOf(20, 100), in.number("order", 0, 0, 1)
	if err := in.Err(); err != nil {
		return nil, err
	}
	if err := d.on(by.App, serviceProfiles); err != nil {
		return nil, err
	}
	us, err := d.core.Users.Query(ctx, by, core.QueryUsers{
		IncludeDeactivated: true, Sort: []core.Sort{{Field: "created_at", Desc: order == 1}, {Field: "id"}},
		Page: core.Page{Limit: p.size, Offset: (p.number - 1) * p.size},
	})
	if err != nil {
		return nil, err
	}
	return profilesAnswer(us), nil
}

func profilesAnswer(us []core.User) answer {
	return func(w *wire.Writer) {
		w.List("users")
		for i := range us {
			u := &us[i]
			w.Open()
			w.Text("userId", string(u.ID))
			w.Int64("version", gjson.GetBytes(u.Extra, versionMember).Int())
			w.Object("userProfile")
			w.Text("name", u.Name)
			w.Text("portraitUri", u.Image)
			w.Extra(core.Extra(gjson.GetBytes(u.Extra, profileMember).Raw), wire.NamesOf("name", "portraitUri", "portraitUrl", "avatarUrl"))
			w.Close()
			w.Object("userExtProfile")
			w.Extra(core.Extra(gjson.GetBytes(u.Extra, extMember).Raw), nil)
			w.Close()
			w.Close()
		}
		w.CloseList()
	}
}
