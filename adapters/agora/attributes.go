package agora

import (
	"context"
	"net/url"
	"strings"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
)

// attributeRoutes are the operations on user attributes, which the vendor calls metadata.
func (d *Dialect) attributeRoutes() []adapters.Route {
	return []adapters.Route{
		op(d, meta, "GET", "/metadata/user/capacity", "getAttributeCapacity", d.capacity, encodeCapacity).Gated(adapters.GateServer),
		op(d, meta, "POST", "/metadata/user/get", "getUsersAttributes", d.usersAttributes, encodeUsersAttributes),
		op(d, meta, "GET", "/metadata/user/:username", "getUserAttributes", d.userAttributes, encodeAttributes),
		op(d, meta, "PUT", "/metadata/user/:username", "setUserAttributes", d.setUserAttributes, encodeAttributes),
		op(d, meta, "DELETE", "/metadata/user/:username", "deleteUserAttributes", d.deleteUserAttributes, encodeDeleted),
	}
}

// Limits of user attributes.
const (
	maxAttributes      = 2 << 10 // bytes of one user
	maxAttributeUsers  = 100     // of one call
	maxAttributesOfApp = 10 << 30
)

// Attributes that the core has a place for, so that every dialect shows them.
const (
	attributeName  = "nickname"
	attributeImage = "avatarurl"
)

// attributesOf are a person's attributes, in a fixed order.
func attributesOf(u *core.User) members {
	var m members
	if u == nil {
		return m
	}
	if u.Name != "" {
		m.set(attributeName, quoted(u.Name))
	}
	if u.Image != "" {
		m.set(attributeImage, quoted(u.Image))
	}
	for _, x := range membersOf(gjson.GetBytes(u.Extra, extraName+".attributes")) {
		m.set(x.name, x.raw)
	}
	return m
}

// writeAttributes writes attributes as one object.
func writeAttributes(a *answer, m members) {
	a.Open()
	for _, x := range m {
		a.KeyOf(x.name)
		a.Append([]byte(x.raw))
	}
	a.Close()
}

func encodeAttributes(a *answer, m members) {
	a.Key("data")
	writeAttributes(a, m)
}

func (d *Dialect) userAttributes(ctx context.Context, by core.Actor, rq *adapters.Request) (members, error) {
	u, err := d.known(ctx, by.App, core.UserID(rq.Param("username")))
	return attributesOf(u), err
}

// setUserAttributes changes single attributes. The body is a form.
func (d *Dialect) setUserAttributes(ctx context.Context, by core.Actor, rq *adapters.Request) (members, error) {
	_, u, err := d.self(ctx, by, rq, "username")
	if err != nil {
		return nil, err
	}
	form, err := attributeForm(rq)
	if err != nil {
		return nil, err
	}
	next, err := d.patch(ctx, by.App, u.ID, func(u *core.User) error {
		own := membersOf(gjson.GetBytes(u.Extra, extraName+".attributes"))
		for _, x := range form {
			switch x.name {
			case attributeName:
				u.Name = x.raw
			case attributeImage:
				u.Image = x.raw
			default:
				own.set(x.name, quoted(x.raw))
			}
		}
		if len(own.object())+len(u.Name)+len(u.Image) > maxAttributes {
			return fault.RequestFieldTooLong.Error("the attributes of a user are larger than 2 KB")
		}
		u.Extra = nested(u.Extra, "attributes", own)
		return nil
	})
	return attributesOf(&next), err
}

// attributeForm reads the form: texts by name, in order. Servers may send JSON as well.
func attributeForm(rq *adapters.Request) (members, error) {
	var out members
	if strings.Contains(rq.Headers.Get("Content-Type"), "json") {
		r, err := body(rq)
		if err != nil {
			return nil, err
		}
		for _, f := range r.Fields() {
			out = append(out, member{f.Name, f.Value.String()})
		}
		return out, nil
	}
	for part := range strings.SplitSeq(string(rq.Body), "&") {
		if part == "" {
			continue
		}
		k, v, _ := strings.Cut(part, "=")
		name, err := url.QueryUnescape(k)
		value, verr := url.QueryUnescape(v)
		if err != nil || verr != nil || name == "" {
			return nil, fault.RequestInvalid.Error("")
		}
		out = append(out, member{strings.ToValidUTF8(name, "\ufffd"), strings.ToValidUTF8(value, "\ufffd")})
	}
	if len(out) == 0 || len(out) > 100 {
		return nil, fault.RequestInvalid.Error("")
	}
	return out, nil
}

func (d *Dialect) deleteUserAttributes(ctx context.Context, by core.Actor, rq *adapters.Request) (none, error) {
	_, u, err := d.self(ctx, by, rq, "username")
	if err != nil {
		return none{}, err
	}
	_, err = d.patch(ctx, by.App, u.ID, func(u *core.User) error {
		u.Name, u.Image, u.Extra = "", "", nested(u.Extra, "attributes", nil)
		return nil
	})
	return none{}, err
}

func encodeDeleted(a *answer, _ none) { a.Bool("data", true) }

// wanted are the attributes of people that a call asks for.
type wanted struct {
	names  []core.UserID
	people map[core.UserID]*core.User
	only   []string
}

func (d *Dialect) usersAttributes(ctx context.Context, by core.Actor, rq *adapters.Request) (wanted, error) {
	r, err := body(rq)
	if err != nil {
		return wanted{}, err
	}
	w := wanted{only: r.Texts("properties", 50)}
	if w.names, err = usernames(&r, "targets", maxAttributeUsers); err != nil {
		return w, err
	}
	w.people, err = d.people(ctx, by.App, w.names)
	return w, err
}

func encodeUsersAttributes(a *answer, w wanted) {
	a.Object("data")
	for _, n := range w.names {
		a.KeyOf(string(n))
		writeAttributes(a, only(attributesOf(w.people[n]), w.only))
	}
	a.Close()
}

// only picks members by name; no names pick all.
func only(m members, names []string) members {
	if len(names) == 0 {
		return m
	}
	var out members
	for _, x := range m {
		for _, n := range names {
			if x.name == n {
				out = append(out, x)
			}
		}
	}
	return out
}

// capacity is what the attributes of all users take, in bytes.
func (d *Dialect) capacity(ctx context.Context, by core.Actor, _ *adapters.Request) (int, error) {
	total, after := 0, ""
	for {
		var f core.Filter
		if after != "" {
			f = core.Cond("id", core.OpGt, core.Text(after))
		}
		us, err := d.core.Users.Query(ctx, server(by.App), core.QueryUsers{Filter: f, Sort: []core.Sort{{Field: "id"}}, Page: core.Page{Limit: maxUsers}})
		if err != nil || len(us) == 0 {
			return min(total, maxAttributesOfApp), err
		}
		for i := range us {
			total += len(attributesOf(&us[i]).object())
		}
		after = string(us[len(us)-1].ID)
	}
}

func encodeCapacity(a *answer, n int) { a.Int("data", n) }
