package agora

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// deviceRoutes are the operations on push settings. They are kept and handed back; nothing is pushed.
func (d *Dialect) deviceRoutes() []adapters.Route {
	return []adapters.Route{
		op(d, full, "GET", "/users/:username/notification", "getQuietOfMany", d.quiets, encodeQuiets),
		op(d, full, "GET", "/users/:username/notification/language", "getPushLanguage", d.pushSetting("language"), encodeLanguage),
		op(d, full, "PUT", "/users/:username/notification/language", "setPushLanguage", d.setPushSetting("language", "translationLanguage"), encodeLanguage),
		op(d, full, "PUT", "/users/:username/notification/template", "setPushTemplate", d.setPushSetting("template", "templateName"), encodeTemplateName),
		op(d, full, "GET", "/users/:username/notification/mute/type", "listQuiet", d.quietList, encodeQuietList),
		op(d, full, "GET", "/users/:username/notification/:kind/:key", "getQuiet", d.quiet, encodeQuiet),
		op(d, full, "PUT", "/users/:username/notification/:kind/:key", "setQuiet", d.setQuiet, encodeQuiet),
		op(d, full, "PUT", "/push/nickname", "setPushNicknames", d.setPushNicknames, encodePushNicknames).Gated(adapters.GateServer),
		op(d, full, "GET", "/users/:username/push/binding", "listPushBindings", d.bindings, encodeBindings),
		op(d, full, "PUT", "/users/:username/push/binding", "bindPush", d.bind, encodeBindings),
		op(d, full, "POST", "/notification/template", "createTemplate", d.putTemplate, encodeTemplate).Gated(adapters.GateServer),
		op(d, full, "GET", "/notification/template/:name", "getTemplate", d.template(false), encodeTemplate).Gated(adapters.GateServer),
		op(d, full, "DELETE", "/notification/template/:name", "deleteTemplate", d.template(true), encodeTemplate).Gated(adapters.GateServer),
	}
}

// quietKinds are what a person may be told of; an empty one follows the setting above.
var quietKinds = []string{"DEFAULT", "ALL", "AT", "NONE"}

// scopeOf finds what a setting is of: everything, for the own name, or a conversation.
func (d *Dialect) scopeOf(ctx context.Context, by core.Actor, kind, key string, make bool) (core.SettingsScope, error) {
	switch {
	case kind == "user" && key == string(by.User):
		return core.SettingsScope{Everywhere: true}, nil
	case kind != "user" && kind != "chatgroup" && kind != "group":
		return core.SettingsScope{}, fault.RequestInvalidField.Error("the kind of conversation must be user or chatgroup")
	}
	at, err := d.named(ctx, by, key, kind, make)
	return core.SettingsScope{Key: at.key}, err
}

func (d *Dialect) quiet(ctx context.Context, by core.Actor, rq *adapters.Request) (core.ConversationSettings, error) {
	by, _, err := d.self(ctx, by, rq, "username")
	if err != nil {
		return core.ConversationSettings{}, err
	}
	return d.quietOf(ctx, by, rq.Param("kind"), rq.Param("key"))
}

// quietOf reads the setting of one conversation; nothing was set where there is none.
func (d *Dialect) quietOf(ctx context.Context, by core.Actor, kind, key string) (core.ConversationSettings, error) {
	scope, err := d.scopeOf(ctx, by, kind, key, false)
	if err != nil {
		return core.ConversationSettings{}, err
	}
	out, err := d.core.Conversations.Settings(ctx, reader(by), core.GetSettings{Scopes: []core.SettingsScope{scope}})
	if fault.IsReason(err, fault.GroupNotFound) {
		return core.ConversationSettings{}, nil
	}
	if err != nil || len(out) == 0 {
		return core.ConversationSettings{}, err
	}
	return out[0], nil
}

// intervalName is the member of the settings' Extra that holds the quiet hours.
const intervalName = "ignoreInterval"

func (d *Dialect) setQuiet(ctx context.Context, by core.Actor, rq *adapters.Request) (core.ConversationSettings, error) {
	var none core.ConversationSettings
	by, _, err := d.self(ctx, by, rq, "username")
	if err != nil {
		return none, err
	}
	r, err := body(rq)
	if err != nil {
		return none, err
	}
	kind, interval := r.Text("type"), r.TextMax("ignoreInterval", 100)
	ms := r.Int("ignoreDuration", 0, 1<<50)
	if err := r.Err(); err != nil {
		return none, err
	}
	if kind != "" && !slices.Contains(quietKinds, kind) {
		return none, fault.RequestInvalidField.Error("type must be one of DEFAULT, ALL, AT and NONE")
	}
	scope, err := d.scopeOf(ctx, by, rq.Param("kind"), rq.Param("key"), true)
	if err != nil {
		return none, err
	}
	return d.core.Conversations.Put(ctx, reader(by), core.PutSettings{Scope: scope, Change: func(s *core.ConversationSettings) error {
		if kind != "" {
			if s.Quiet = kind; kind == "DEFAULT" {
				s.Quiet = ""
			}
		}
		if r.Has("ignoreInterval") {
			raw := ""
			if interval != "" {
				raw = quoted(interval)
			}
			s.Extra = with(s.Extra, intervalName, raw)
		}
		if r.Has("ignoreDuration") {
			if s.QuietTill = (time.Time{}); ms > 0 {
				s.QuietTill = d.now().Add(time.Duration(min(ms, 1<<42)) * time.Millisecond)
			}
		}
		return nil
	}})
}

func encodeQuiet(a *answer, s core.ConversationSettings) {
	a.Key("data")
	writeQuiet(a, &s)
}

// writeQuiet writes a setting; what was not set is left out but for the kind.
func writeQuiet(a *answer, s *core.ConversationSettings) {
	a.Open()
	a.Text("type", orElse(s.Quiet, "DEFAULT"))
	if !s.QuietTill.IsZero() {
		a.Int64("ignoreDuration", s.QuietTill.UnixMilli())
	}
	a.TextIf("ignoreInterval", gjson.GetBytes(s.Extra, intervalName).String())
	a.Close()
}

// quietSet are the settings of several conversations.
type quietSet struct {
	users, groups []string
	settings      map[string]core.ConversationSettings // by kind and key
}

func (d *Dialect) quiets(ctx context.Context, by core.Actor, rq *adapters.Request) (quietSet, error) {
	out := quietSet{users: split(rq.Query.Get("user")), groups: split(rq.Query.Get("group")), settings: map[string]core.ConversationSettings{}}
	by, _, err := d.self(ctx, by, rq, "username")
	if err != nil {
		return out, err
	}
	if len(out.users)+len(out.groups) > 40 {
		return out, fault.RequestBatchTooLarge.Error("at most 40 conversations at once")
	}
	for _, kind := range []string{"user", "group"} {
		list := out.users
		if kind == "group" {
			list = out.groups
		}
		for _, key := range list {
			s, err := d.quietOf(ctx, by, kind, key)
			if err != nil {
				return out, err
			}
			out.settings[kind+"/"+key] = s
		}
	}
	return out, nil
}

func encodeQuiets(a *answer, q quietSet) {
	a.Object("data")
	for kind, list := range map[string][]string{"user": q.users, "group": q.groups} {
		a.Object(kind)
		for _, key := range list {
			s := q.settings[kind+"/"+key]
			a.KeyOf(key)
			writeQuiet(a, &s)
		}
		a.Close()
	}
	a.Close()
}

// quietOne is a conversation with a setting of its own.
type quietOne struct {
	venue *venue
	to    string
	kind  string
}

// quietList lists the conversations with a setting of their own.
func (d *Dialect) quietList(ctx context.Context, by core.Actor, rq *adapters.Request) ([]quietOne, error) {
	t, err := d.tenantOf(rq)
	if err != nil {
		return nil, err
	}
	by, u, err := d.self(ctx, by, rq, "username")
	if err != nil {
		return nil, err
	}
	list, err := d.core.Conversations.List(ctx, reader(by), core.ListConversations{
		Kinds: []core.ChannelKind{core.KindDirect, core.KindGroup}, Empty: true, Page: core.Page{Limit: 100},
	})
	var out []quietOne
	for i := range list {
		if list[i].Settings.Quiet == "" {
			continue
		}
		v, err := d.venueOf(ctx, t, &list[i].Channel)
		if err != nil {
			return nil, err
		}
		out = append(out, quietOne{v, v.to(u.ID), list[i].Settings.Quiet})
	}
	return out, err
}

func encodeQuietList(a *answer, list []quietOne) {
	a.List("data")
	for _, x := range list {
		a.Open()
		if x.venue.direct() {
			a.Text("user", x.to)
		} else {
			a.Text("group", x.to)
		}
		a.Text("value", x.kind)
		a.Close()
	}
	a.CloseList()
	a.Text("cursor", "")
}

// pushSetting reads one setting of a person.
func (d *Dialect) pushSetting(name string) func(context.Context, core.Actor, *adapters.Request) (string, error) {
	return func(ctx context.Context, by core.Actor, rq *adapters.Request) (string, error) {
		_, u, err := d.self(ctx, by, rq, "username")
		if err != nil {
			return "", err
		}
		return gjson.GetBytes(u.Extra, extraName+".settings."+name).String(), nil
	}
}

// setPushSetting changes one setting of a person, which the body calls member.
func (d *Dialect) setPushSetting(name, member string) func(context.Context, core.Actor, *adapters.Request) (string, error) {
	return func(ctx context.Context, by core.Actor, rq *adapters.Request) (string, error) {
		_, u, err := d.self(ctx, by, rq, "username")
		if err != nil {
			return "", err
		}
		r, err := body(rq)
		if err != nil {
			return "", err
		}
		value := r.TextMax(member, 100)
		if err := r.Err(); err != nil {
			return "", err
		}
		_, err = d.patch(ctx, by.App, u.ID, func(u *core.User) error {
			m := membersOf(gjson.GetBytes(u.Extra, extraName+".settings"))
			raw := ""
			if value != "" {
				raw = quoted(value)
			}
			m.set(name, raw)
			u.Extra = nested(u.Extra, "settings", m)
			return nil
		})
		return value, err
	}
}

func encodeLanguage(a *answer, s string) {
	a.Object("data")
	a.Text("language", s)
	a.Close()
}

func encodeTemplateName(a *answer, s string) {
	a.Object("data")
	a.Text("templateName", s)
	a.Close()
}

// pushName is a person's name in notifications.
type pushName struct{ user, name string }

// setPushNicknames changes the names shown in notifications, which are the nicknames.
func (d *Dialect) setPushNicknames(ctx context.Context, by core.Actor, rq *adapters.Request) ([]pushName, error) {
	rs, err := objects(rq, 100)
	if err != nil {
		return nil, err
	}
	var out []pushName
	for i := range rs {
		x := pushName{rs[i].Need("username"), rs[i].TextMax("push_nickname", maxNickname)}
		if err := rs[i].Err(); err != nil {
			return nil, err
		}
		u, err := d.known(ctx, by.App, core.UserID(x.user))
		if err == nil {
			_, err = d.patch(ctx, by.App, u.ID, func(u *core.User) error { u.Name = x.name; return nil })
		}
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, nil
}

func encodePushNicknames(a *answer, list []pushName) {
	a.Entities()
	for _, x := range list {
		a.Open()
		a.Text("push_nickname", x.name)
		a.Text("username", x.user)
		a.Close()
	}
	a.CloseList()
}

// bindings reads the push targets of a person.
func (d *Dialect) bindings(ctx context.Context, by core.Actor, rq *adapters.Request) ([]core.Device, error) {
	by, _, err := d.self(ctx, by, rq, "username")
	if err != nil {
		return nil, err
	}
	return d.core.Devices.List(ctx, by, core.ListDevices{})
}

// bind adds a push target, or removes it where the token is empty.
func (d *Dialect) bind(ctx context.Context, by core.Actor, rq *adapters.Request) ([]core.Device, error) {
	by, _, err := d.self(ctx, by, rq, "username")
	if err != nil {
		return nil, err
	}
	r, err := body(rq)
	if err != nil {
		return nil, err
	}
	id, token, notifier := r.Need("device_id"), r.TextMax("device_token", 4096), r.TextMax("notifier_name", 100)
	if err := r.Err(); err != nil {
		return nil, err
	}
	if token == "" || notifier == "" {
		if _, err := d.core.Devices.Remove(ctx, by, core.RemoveDevice{ID: id}); err != nil && !fault.IsReason(err, fault.ResourceNotFound) {
			return nil, err
		}
		return nil, nil
	}
	_, err = d.core.Devices.Add(ctx, by, core.AddDevice{Device: core.Device{ID: id, User: by.User, Provider: "easemob", ProviderName: notifier}})
	return []core.Device{{ID: id, ProviderName: notifier}}, err
}

func encodeBindings(a *answer, list []core.Device) {
	a.Entities()
	for i := range list {
		a.Open()
		a.Text("device_id", list[i].ID)
		a.Text("device_token", list[i].ID)
		a.Text("notifier_name", list[i].ProviderName)
		a.Close()
	}
	a.CloseList()
}

// pushTemplate is a text of notifications, as JSON.
type pushTemplate struct{ name, raw string }

// maxTemplates bounds the templates of an app.
const maxTemplates = 100

// putTemplate keeps a template with the app.
func (d *Dialect) putTemplate(ctx context.Context, by core.Actor, rq *adapters.Request) (pushTemplate, error) {
	r, err := body(rq)
	if err != nil {
		return pushTemplate{}, err
	}
	name, title, content := r.TextMax("name", 64), r.TextMax("title_pattern", 512), r.TextMax("content_pattern", 512)
	if err := r.Err(); err != nil {
		return pushTemplate{}, err
	}
	now := strconv.FormatInt(d.now().UnixMilli(), 10)
	w := wire.NewWriter(256)
	w.Open()
	w.Text("name", orElse(name, "default"))
	w.Raw("createAt", []byte(now))
	w.Raw("updateAt", []byte(now))
	w.Text("title_pattern", title)
	w.Text("content_pattern", content)
	w.Close()
	x := pushTemplate{orElse(name, "default"), string(w.Bytes())}
	return x, d.changeTemplates(ctx, by, func(m *members) error {
		if m.set(x.name, x.raw); len(*m) > maxTemplates {
			return fault.LimitReached.Error("the app has too many templates")
		}
		return nil
	})
}

// changeTemplates changes the templates in the app's settings.
func (d *Dialect) changeTemplates(ctx context.Context, by core.Actor, change func(*members) error) error {
	_, err := d.core.Apps.Update(ctx, server(by.App), core.UpdateApp{Change: func(s *core.AppSettings) error {
		m := membersOf(gjson.GetBytes(s.Extra, extraName+".templates"))
		if err := change(&m); err != nil {
			return err
		}
		s.Extra = nested(s.Extra, "templates", m)
		return nil
	}})
	return err
}

// template reads a template, and removes it if wanted.
func (d *Dialect) template(remove bool) func(context.Context, core.Actor, *adapters.Request) (pushTemplate, error) {
	return func(ctx context.Context, by core.Actor, rq *adapters.Request) (pushTemplate, error) {
		app, err := d.core.Apps.Get(ctx, server(by.App), core.GetApp{})
		if err != nil {
			return pushTemplate{}, err
		}
		x := pushTemplate{name: rq.Param("name")}
		for _, m := range membersOf(gjson.GetBytes(app.Settings.Extra, extraName+".templates")) {
			if m.name == x.name {
				x.raw = m.raw
			}
		}
		if x.raw == "" {
			return x, fault.ResourceNotFound.Error("There is no template of this name.")
		}
		if remove {
			err = d.changeTemplates(ctx, by, func(m *members) error { m.set(x.name, ""); return nil })
		}
		return x, err
	}
}

func encodeTemplate(a *answer, x pushTemplate) { a.Raw("data", []byte(x.raw)) }
