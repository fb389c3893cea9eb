package storetest

import (
	"errors"
	"fmt"
	"strings"

	"dragoman/core"
	"dragoman/core/store"
)

// Short forms for tables of filters.
var (
	is  = core.Cond
	txt = core.Text
	num = core.Number
)

// both combines filters.
func both(op core.FilterOp, fs ...core.Filter) core.Filter { return core.Filter{Op: op, Sub: fs} }

// filterCase is one filter and the names of what it finds, sorted.
type filterCase struct {
	filter core.Filter
	want   []string
}

// cases runs a table of filters.
func cases(f *fix, table []filterCase, find func(core.Filter) ([]string, error)) {
	f.Helper()
	for _, tc := range table {
		got, err := find(tc.filter)
		if err != nil {
			f.Errorf("%+v: %v", tc.filter, err)
			continue
		}
		same(f, fmt.Sprintf("%+v", tc.filter), got, tc.want)
	}
}

// testFilterUsers runs every operator on every type of field.
func testFilterUsers(f *fix) {
	f.update(func(tx store.Tx) error {
		for _, u := range []core.User{
			{ID: "ann", Name: "Ann Äcker", Role: "admin", Teams: []string{"red", "blue"}, CreatedAt: f.at(1), LastActive: f.at(9),
				Extra: core.Extra(`{"age":30,"vip":true,"city":"Bern","tags":["a","b"],"deep":{"er":"x"},"nil":null,"one":1}`)},
			{ID: "bob", Name: "bob-marley", Role: "user", Teams: []string{"red"}, CreatedAt: f.at(2), Language: "de",
				Extra: core.Extra(`{"age":"30","vip":false,"city":"Basel","tags":["b"],"one":true}`)},
			{ID: "cid", Name: "Cid", Role: "user", CreatedAt: f.at(3), Ban: &core.Ban{User: "cid", CreatedAt: f.at(1)}},
			{ID: "dan", Role: "user", CreatedAt: f.at(4), Ban: &core.Ban{User: "dan", Shadow: true, CreatedAt: f.at(1), Expires: f.now.AddDate(50, 0, 0)}},
			{ID: "eve", Name: "Eve", Role: "user", CreatedAt: f.at(5), Ban: &core.Ban{User: "eve", CreatedAt: f.at(1), Expires: f.now.AddDate(-50, 0, 0)}},
			{ID: "off", Name: "Off", CreatedAt: f.at(6), DeactivatedAt: f.at(7)},
		} {
			if err := tx.PutUser(f.app, &u); err != nil {
				return err
			}
		}
		return nil
	})
	all := []string{"ann", "bob", "cid", "dan", "eve"}
	cases(f, []filterCase{
		{core.Filter{}, all},
		{is("id", core.OpEq, txt("ann")), []string{"ann"}},
		{is("id", core.OpIn, core.Texts([]string{"ann", "cid", "zzz"})), []string{"ann", "cid"}},
		{is("id", core.OpIn, core.Texts([]string{})), nil},
		{is("id", core.OpNin, core.Texts([]string{"ann", "cid"})), []string{"bob", "dan", "eve"}},
		{is("id", core.OpNe, txt("ann")), []string{"bob", "cid", "dan", "eve"}},
		{is("id", core.OpGt, txt("bob")), []string{"cid", "dan", "eve"}},
		{is("id", core.OpGte, txt("bob")), []string{"bob", "cid", "dan", "eve"}},
		{is("id", core.OpLt, txt("bob")), []string{"ann"}},
		{is("id", core.OpLte, txt("bob")), []string{"ann", "bob"}},
		{is("id", core.OpAutocomplete, txt("AN")), []string{"ann"}},
		{is("name", core.OpAutocomplete, txt("äck")), []string{"ann"}},
		{is("name", core.OpAutocomplete, txt("mar")), []string{"bob"}},
		{is("name", core.OpAutocomplete, txt("nn")), nil},
		{is("name", core.OpAutocomplete, txt("%")), nil},
		{is("name", core.OpNe, txt("Cid")), []string{"ann", "bob", "dan", "eve"}},
		{is("name", core.OpEq, txt("")), []string{"dan"}},
		{is("name", core.OpIn, core.Texts([]string{"", "Cid"})), []string{"cid", "dan"}},
		{is("name", core.OpExists, core.Bool(false)), []string{"dan"}},
		{is("name", core.OpExists, core.Bool(true)), []string{"ann", "bob", "cid", "eve"}},
		{is("teams", core.OpContains, txt("red")), []string{"ann", "bob"}},
		{is("teams", core.OpIn, core.Texts([]string{"blue", "green"})), []string{"ann"}},
		{is("teams", core.OpEq, core.Texts([]string{"red"})), []string{"bob"}},
		{is("teams", core.OpExists, core.Bool(false)), []string{"cid", "dan", "eve"}},
		{is("banned", core.OpEq, core.Bool(true)), []string{"cid"}},
		{is("banned", core.OpEq, core.Bool(false)), []string{"ann", "bob", "dan", "eve"}},
		{is("shadow_banned", core.OpEq, core.Bool(true)), []string{"dan"}},
		{is("created_at", core.OpGt, core.Time(f.at(3))), []string{"dan", "eve"}},
		{is("created_at", core.OpLte, core.Text(f.at(2).Format("2006-01-02T15:04:05.999Z07:00"))), []string{"ann", "bob"}},
		{is("last_active", core.OpExists, core.Bool(true)), []string{"ann"}},
		{is("language", core.OpEq, txt("de")), []string{"bob"}},
		{is("extra.age", core.OpEq, num(30)), []string{"ann"}},
		{is("extra.age", core.OpEq, txt("30")), []string{"bob"}},
		{is("extra.age", core.OpGte, num(30)), []string{"ann"}},
		{is("extra.age", core.OpLt, num(30.5)), []string{"ann"}},
		{is("extra.age", core.OpNe, num(30)), []string{"bob", "cid", "dan", "eve"}},
		{is("extra.vip", core.OpEq, core.Bool(true)), []string{"ann"}},
		{is("extra.one", core.OpEq, core.Bool(true)), []string{"bob"}},
		{is("extra.one", core.OpEq, num(1)), []string{"ann"}},
		{is("extra.vip", core.OpExists, core.Bool(false)), []string{"cid", "dan", "eve"}},
		{is("extra.nil", core.OpExists, core.Bool(true)), []string{"ann"}},
		{is("extra.nil", core.OpEq, core.Value{}), all},
		{is("extra.city", core.OpIn, core.Texts([]string{"Bern", "Genf"})), []string{"ann"}},
		{is("extra.city", core.OpNin, core.Texts([]string{"Bern"})), []string{"bob", "cid", "dan", "eve"}},
		{is("extra.city", core.OpAutocomplete, txt("b")), []string{"ann", "bob"}},
		{is("extra.tags", core.OpContains, txt("a")), []string{"ann"}},
		{is("extra.city", core.OpContains, txt("Bern")), nil},
		{is("extra.tags", core.OpIn, core.Texts([]string{"b"})), []string{"ann", "bob"}},
		{is("extra.tags", core.OpEq, core.Texts([]string{"a", "b"})), []string{"ann"}},
		{is("extra.deep.er", core.OpEq, txt("x")), []string{"ann"}},
		{both(core.OpAnd, is("role", core.OpEq, txt("user")), is("teams", core.OpContains, txt("red"))), []string{"bob"}},
		{both(core.OpOr, is("id", core.OpEq, txt("eve")), is("extra.age", core.OpEq, num(30))), []string{"ann", "eve"}},
		{both(core.OpNor, is("id", core.OpEq, txt("eve")), is("extra.vip", core.OpEq, core.Bool(true))), []string{"bob", "cid", "dan"}},
		{both(core.OpAnd), all},
		{both(core.OpOr), nil},
		{both(core.OpNor, both(core.OpAnd, is("name", core.OpEq, txt("x")), is("role", core.OpEq, txt("user")))), all},
		{is("id", core.OpEq, txt("' OR 1=1 --")), nil},
		{is("extra.a' OR 1=1 --", core.OpEq, num(1)), nil},
	}, func(filter core.Filter) ([]string, error) {
		us, err := f.s.FindUsers(f.Context(), f.app, store.Query{Filter: filter})
		return sorted(us, userID), err
	})
	us := must[[]core.User](f)(f.s.FindUsers(f.Context(), f.app, store.Query{Deleted: true, Sort: []core.Sort{{Field: "created_at", Desc: true}}, Limit: 2, Offset: 1}))
	same(f, "with deactivated, newest first", names(us, userID), []string{"eve", "dan"})
	us = must[[]core.User](f)(f.s.FindUsers(f.Context(), f.app, store.Query{Sort: []core.Sort{{Field: "role"}, {Field: "extra.city", Desc: true}, {Field: "id"}}}))
	same(f, "by role, city, id", names(us, userID), []string{"ann", "bob", "cid", "dan", "eve"})
}

// testFilterChannels runs every field of channels.
func testFilterChannels(f *fix) {
	a := f.channel("a", "ann", "bob")
	b := f.channel("team:b", "ann", "bob", "cid")
	f.channel("team:a", "bob")
	d := f.channel("d")
	f.say(a.ID, "bob", "x", 10)
	f.say(b.ID, "ann", "x", 20)
	f.update(func(tx store.Tx) error {
		b.Name, b.Team, b.Frozen, b.Tags, b.CreatedBy, b.Kind = "Bees", "red", true, []string{"t"}, "ann", core.KindRoom
		b.Extra = core.Extra(`{"color":"blue"}`)
		if err := tx.PutChannel(f.app, &b); err != nil {
			return err
		}
		if err := tx.PutUser(f.app, &core.User{ID: "cid", Name: "Cid Vicious"}); err != nil {
			return err
		}
		d.DeletedAt = f.at(3)
		if err := tx.PutChannel(f.app, &d); err != nil {
			return err
		}
		m := core.Member{Channel: b.ID, User: "ann", ChannelRole: "channel_moderator", CreatedAt: f.now, MutedUntil: core.Forever, PinnedAt: f.at(1), ReadSeq: 1}
		if err := tx.PutMember(f.app, &m); err != nil {
			return err
		}
		m = core.Member{Channel: a.ID, User: "ann", CreatedAt: f.now, HiddenAt: f.at(1), ArchivedAt: f.at(2), InvitedAt: f.at(1)}
		return tx.PutMember(f.app, &m)
	})
	yes, no := core.Bool(true), core.Bool(false)
	cases(f, []filterCase{
		{core.Filter{}, []string{"a", "team:a", "team:b"}},
		{is("id", core.OpEq, txt("a")), []string{"a", "team:a"}},
		{is("id", core.OpAutocomplete, txt("b")), []string{"team:b"}},
		{is("key", core.OpIn, core.Texts([]string{"a", "team:b"})), []string{"a", "team:b"}},
		{is("type", core.OpEq, txt("team")), []string{"team:a", "team:b"}},
		{is("kind", core.OpEq, txt("room")), []string{"team:b"}},
		{is("kind", core.OpIn, core.Texts([]string{"group"})), []string{"a", "team:a"}},
		{is("name", core.OpAutocomplete, txt("be")), []string{"team:b"}},
		{is("team", core.OpEq, txt("red")), []string{"team:b"}},
		{is("frozen", core.OpEq, yes), []string{"team:b"}},
		{is("disabled", core.OpEq, no), []string{"a", "team:a", "team:b"}},
		{is("created_by", core.OpEq, txt("ann")), []string{"team:b"}},
		{is("created_at", core.OpGte, core.Time(f.now)), []string{"a", "team:a", "team:b"}},
		{is("last_message_at", core.OpGt, core.Time(f.at(10))), []string{"team:b"}},
		{is("last_message_at", core.OpExists, no), []string{"team:a"}},
		{is("last_updated", core.OpGte, core.Time(f.at(10))), []string{"a", "team:b"}},
		{is("member_count", core.OpGte, num(2)), []string{"a", "team:b"}},
		{is("members", core.OpContains, txt("ann")), []string{"a", "team:b"}},
		{is("members", core.OpEq, txt("ann")), []string{"a", "team:b"}},
		{is("members", core.OpIn, core.Texts([]string{"cid", "ann"})), []string{"a", "team:b"}},
		{is("members", core.OpIn, core.Texts([]string{"bob"})), []string{"a", "team:a", "team:b"}},
		{is("members", core.OpEq, core.Texts([]string{"bob", "ann"})), []string{"a"}},
		{is("members", core.OpEq, core.Texts([]string{"bob", "bob"})), []string{"team:a"}},
		{is("members", core.OpContains, core.Texts([]string{"ann", "cid"})), []string{"team:b"}},
		{is("members", core.OpNin, core.Texts([]string{"ann"})), []string{"team:a"}},
		{is("member.name", core.OpAutocomplete, txt("vic")), []string{"team:b"}},
		{is("joined", core.OpEq, yes), []string{"team:b"}},
		{is("joined", core.OpEq, no), []string{"a", "team:a"}},
		{is("invite", core.OpEq, txt("pending")), []string{"a"}},
		{is("hidden", core.OpEq, yes), []string{"a"}},
		{is("hidden", core.OpEq, no), []string{"team:a", "team:b"}},
		{is("muted", core.OpEq, yes), []string{"team:b"}},
		{is("pinned", core.OpEq, yes), []string{"team:b"}},
		{is("archived", core.OpEq, yes), []string{"a"}},
		{is("has_unread", core.OpEq, yes), []string{"a"}},
		{is("member.channel_role", core.OpEq, txt("channel_moderator")), []string{"team:b"}},
		{is("tags", core.OpContains, txt("t")), []string{"team:b"}},
		{is("extra.color", core.OpEq, txt("blue")), []string{"team:b"}},
		{both(core.OpOr, is("extra.color", core.OpEq, txt("blue")), is("members", core.OpEq, core.Texts([]string{"bob"}))), []string{"team:a", "team:b"}},
		{core.And(is("type", core.OpEq, txt("team")), is("members", core.OpIn, core.Texts([]string{"ann"}))), []string{"team:b"}},
	}, func(filter core.Filter) ([]string, error) {
		cs, err := f.s.FindChannels(f.Context(), f.app, store.Query{Filter: filter, Viewer: "ann"})
		return sorted(cs, channelKey), err
	})
	find := func(q store.Query) []string {
		f.Helper()
		q.Viewer = "ann"
		return names(must[[]core.Channel](f)(f.s.FindChannels(f.Context(), f.app, q)), channelKey)
	}
	same(f, "latest first", find(store.Query{Sort: []core.Sort{{Field: "last_message_at", Desc: true}}, Limit: 2}), []string{"team:b", "a"})
	same(f, "pinned first", find(store.Query{Sort: []core.Sort{{Field: "pinned_at", Desc: true}, {Field: "key"}}}), []string{"team:b", "a", "team:a"})
	same(f, "unread first", find(store.Query{Sort: []core.Sort{{Field: "has_unread", Desc: true}, {Field: "key"}}}), []string{"a", "team:a", "team:b"})
	same(f, "deleted too", find(store.Query{Deleted: true, Sort: []core.Sort{{Field: "member_count", Desc: true}}}), []string{"team:b", "a", "team:a", "d"})
}

// testFilterMembers runs every field of members.
func testFilterMembers(f *fix) {
	c := f.channel("a")
	f.update(func(tx store.Tx) error {
		for _, m := range []core.Member{
			{User: "ann", ChannelRole: "channel_moderator", CreatedAt: f.at(1)},
			{User: "bob", CreatedAt: f.at(2), InvitedAt: f.at(2)},
			{User: "cid", CreatedAt: f.at(3), InvitedAt: f.at(2), AcceptedAt: f.at(3), Ban: &core.Ban{User: "cid", CreatedAt: f.now}},
			{User: "dan", CreatedAt: f.at(4), InvitedAt: f.at(2), RejectedAt: f.at(3)},
		} {
			m.Channel = c.ID
			if err := tx.PutMember(f.app, &m); err != nil {
				return err
			}
		}
		return tx.PutUser(f.app, &core.User{ID: "ann", Name: "Ann Onym", LastActive: f.at(5), Extra: core.Extra(`{"x":1}`)})
	})
	cases(f, []filterCase{
		{core.Filter{}, []string{"ann", "bob", "cid", "dan"}},
		{is("id", core.OpIn, core.Texts([]string{"ann", "dan"})), []string{"ann", "dan"}},
		{is("name", core.OpAutocomplete, txt("ony")), []string{"ann"}},
		{is("channel_role", core.OpEq, txt("channel_moderator")), []string{"ann"}},
		{is("banned", core.OpEq, core.Bool(true)), []string{"cid"}},
		{is("invite", core.OpEq, txt("pending")), []string{"bob"}},
		{is("invite", core.OpEq, txt("accepted")), []string{"cid"}},
		{is("invite", core.OpEq, txt("rejected")), []string{"dan"}},
		{is("joined", core.OpEq, core.Bool(true)), []string{"ann", "cid"}},
		{is("created_at", core.OpGt, core.Time(f.at(2))), []string{"cid", "dan"}},
		{is("last_active", core.OpExists, core.Bool(true)), []string{"ann"}},
		{is("extra.x", core.OpEq, num(1)), []string{"ann"}},
	}, func(filter core.Filter) ([]string, error) {
		ms, err := f.s.FindMembers(f.Context(), f.app, c.ID, store.Query{Filter: filter})
		return sorted(ms, memberUser), err
	})
	ms := must[[]core.Member](f)(f.s.FindMembers(f.Context(), f.app, c.ID, store.Query{Sort: []core.Sort{{Field: "created_at", Desc: true}}, Limit: 2}))
	same(f, "newest members", names(ms, memberUser), []string{"dan", "cid"})
}

// testFilterMessages runs every field of messages.
func testFilterMessages(f *fix) {
	c, d := f.channel("a"), f.channel("b")
	p := f.say(c.ID, "ann", "parent", 1)
	full := f.fullMessage(c.ID)
	full.Text, full.Parent, full.DeletedAt, full.Shadowed, full.RestrictedTo, full.ShowInChannel = "full", p.ID, f.at(0).AddDate(-99, 0, 0), false, nil, false
	full.DeletedAt = p.DeletedAt
	f.send(full)
	f.say(d.ID, "bob", "other words", 5)
	yes := core.Bool(true)
	cases(f, []filterCase{
		{core.Filter{}, []string{"full", "other words", "parent"}},
		{is("user", core.OpEq, txt("bob")), []string{"other words"}},
		{is("text", core.OpEq, txt("parent")), []string{"parent"}},
		{is("text", core.OpAutocomplete, txt("wor")), []string{"other words"}},
		{is("text", core.OpSearch, txt("words")), []string{"other words"}},
		{is("parent", core.OpEq, txt(p.ID.String())), []string{"full"}},
		{is("parent", core.OpExists, core.Bool(false)), []string{"other words", "parent"}},
		{is("id", core.OpIn, core.Texts([]string{full.Alias, p.ID.String()})), []string{"full", "parent"}},
		{is("id", core.OpIn, core.Texts([]string{})), nil},
		{is("id", core.OpNin, core.Texts([]string{p.ID.String()})), []string{"full", "other words"}},
		{is("kind", core.OpEq, txt("regular")), []string{"other words", "parent"}},
		{is("type", core.OpEq, txt("reply")), []string{"full"}},
		{is("attachments", core.OpExists, yes), []string{"full"}},
		{is("attachments.type", core.OpEq, txt("giphy")), []string{"full"}},
		{is("attachments.type", core.OpIn, core.Texts([]string{"image", "video"})), []string{"full"}},
		{is("mentions", core.OpContains, txt("ü")), []string{"full"}},
		{is("pinned", core.OpEq, yes), []string{"full"}},
		{is("reply_count", core.OpGt, num(0)), []string{"full", "parent"}},
		{is("created_at", core.OpGt, core.Time(f.at(3))), []string{"other words"}},
		{is("extra.deep.er", core.OpExists, yes), []string{"full"}},
	}, func(filter core.Filter) ([]string, error) {
		f.ok(f.s.Indexed(f.Context()))
		ms, err := f.s.FindMessages(f.Context(), f.app, store.Query{Filter: filter})
		return sorted(ms, messageText), err
	})
	in := must[[]core.Message](f)(f.s.FindMessages(f.Context(), f.app, store.Query{Channels: []core.ChannelID{c.ID}}))
	same(f, "in one channel, newest first", names(in, messageText), []string{"full", "parent"})
	in = must[[]core.Message](f)(f.s.FindMessages(f.Context(), f.app, store.Query{Channels: []core.ChannelID{}}))
	same(f, "in no channel", names(in, messageText), nil)
}

// testBadFilters: what is not known is refused, never ignored.
func testBadFilters(f *fix) {
	c := f.channel("a")
	for _, filter := range []core.Filter{
		is("password", core.OpEq, txt("x")),
		is("id", core.OpSearch, txt("x")),
		is("id", core.OpEq, num(1)),
		is("id", core.OpIn, txt("x")),
		is("created_at", core.OpEq, txt("yesterday")),
		is("created_at", core.OpExists, txt("x")),
		both(core.OpAnd, is("id", core.OpEq, txt("x")), is("nope", core.OpEq, txt("x"))),
		{Op: 99, Field: "id"},
	} {
		q := store.Query{Filter: filter}
		_, users := f.s.FindUsers(f.Context(), f.app, q)
		_, channels := f.s.FindChannels(f.Context(), f.app, q)
		_, members := f.s.FindMembers(f.Context(), f.app, c.ID, q)
		for _, err := range []error{users, channels, members} {
			if !errors.Is(err, store.ErrBadFilter) {
				f.Errorf("%+v: error is %v, want a bad filter", filter, err)
			}
		}
	}
	many, deep := make([]string, 5000), is("id", core.OpEq, txt("x"))
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	for range 2000 {
		deep = both(core.OpNor, deep)
	}
	if _, err := f.s.FindUsers(f.Context(), f.app, store.Query{Filter: is("id", core.OpIn, core.Texts(many))}); err != nil {
		f.Errorf("a list of 5,000 ids: %v", err)
	}
	for _, q := range []store.Query{
		{Filter: deep}, {Filter: is("name", core.OpAutocomplete, txt(strings.Repeat("x", 60_000)))},
		{Sort: []core.Sort{{Field: "nope"}}}, {After: "rubbish"}, {Sort: []core.Sort{{Field: "id"}}, After: "e30"},
		{Filter: is(`extra.a"b`, core.OpEq, num(1))}, {Filter: is("extra.", core.OpEq, num(1))},
	} {
		if _, err := f.s.FindUsers(f.Context(), f.app, q); !errors.Is(err, store.ErrBadFilter) {
			f.Errorf("%+v: error is %v, want a bad filter", q, err)
		}
	}
}

// testCursors: pages joined are the whole list.
func testCursors(f *fix) {
	const total = 23
	f.update(func(tx store.Tx) error {
		for i := range total {
			u := core.User{ID: core.UserID(fmt.Sprintf("u%02d", i*7%total)), Name: string(rune('a' + i%3)), CreatedAt: f.at(i / 4), Extra: core.Extra(fmt.Sprintf(`{"n":%d.5}`, i%5))}
			if i%4 == 0 {
				u.Name, u.Extra = "", nil
			}
			if err := tx.PutUser(f.app, &u); err != nil {
				return err
			}
		}
		return nil
	})
	for _, sort := range [][]core.Sort{
		nil, {{Field: "id", Desc: true}}, {{Field: "created_at"}}, {{Field: "created_at", Desc: true}},
		{{Field: "name"}, {Field: "created_at", Desc: true}}, {{Field: "extra.n", Desc: true}, {Field: "name"}}, {{Field: "banned"}},
	} {
		whole := must[[]core.User](f)(f.s.FindUsers(f.Context(), f.app, store.Query{Sort: sort, Limit: 100}))
		var paged []core.User
		next := ""
		for page := 0; ; page++ {
			us := must[[]core.User](f)(f.s.FindUsers(f.Context(), f.app, store.Query{Sort: sort, Limit: 5, After: next, Next: &next}))
			paged = append(paged, us...)
			if next == "" || page > total {
				break
			}
		}
		same(f, fmt.Sprintf("pages by %v", sort), names(paged, userID), names(whole, userID))
		if len(whole) != total {
			f.Errorf("%d users by %v, want %d", len(whole), sort, total)
		}
	}
	next := "untouched"
	must[[]core.User](f)(f.s.FindUsers(f.Context(), f.app, store.Query{Limit: total, Next: &next}))
	if next != "" {
		f.Errorf("a full last page has the cursor %q", next)
	}
}

// testSearch: the index follows new, changed and removed messages.
func testSearch(f *fix) {
	a, b := f.channel("a"), f.channel("b")
	first := f.say(a.ID, "ann", "The quick brown fox", 1)
	f.say(a.ID, "bob", "a quick Ärger", 2)
	f.say(b.ID, "ann", "slow fox, quickly", 3)
	shadow := f.message(b.ID, "eve", "quick shadow", 4)
	shadow.Shadowed = true
	f.send(shadow)
	find := func(q store.Query) []string {
		f.Helper()
		f.ok(f.s.Indexed(f.Context()))
		return sorted(must[[]core.Message](f)(f.s.FindMessages(f.Context(), f.app, q)), messageText)
	}
	same(f, "one word", find(store.Query{Text: "QUICK"}), []string{"The quick brown fox", "a quick Ärger", "slow fox, quickly"})
	same(f, "two words", find(store.Query{Text: "fox quick"}), []string{"The quick brown fox", "slow fox, quickly"})
	same(f, "accents", find(store.Query{Text: "arger"}), []string{"a quick Ärger"})
	same(f, "in a channel", find(store.Query{Text: "quick", Channels: []core.ChannelID{b.ID}}), []string{"slow fox, quickly"})
	same(f, "in channels", find(store.Query{Text: "fox", Channels: []core.ChannelID{a.ID, b.ID}}), []string{"The quick brown fox", "slow fox, quickly"})
	same(f, "with a filter", find(store.Query{Text: "quick", Filter: is("user", core.OpEq, txt("bob"))}), []string{"a quick Ärger"})
	same(f, "the shadowed author", find(store.Query{Text: "shadow", Viewer: "eve"}), []string{"quick shadow"})
	same(f, "operators are words", find(store.Query{Text: `fox" OR text : "slow`}), nil)
	same(f, "no word", find(store.Query{Text: ` "* `}), nil)
	ranked := must[[]core.Message](f)(f.s.FindMessages(f.Context(), f.app, store.Query{Text: "fox", Sort: []core.Sort{{Field: "relevance", Desc: true}}}))
	same(f, "most relevant first", names(ranked, messageText), []string{"slow fox, quickly", "The quick brown fox"})
	f.update(func(tx store.Tx) error {
		first.Text = "changed mind"
		if err := tx.PutMessage(f.app, &first); err != nil {
			return err
		}
		return tx.BuryMessages(f.app, a.ID, 2, 2, "", f.at(9))
	})
	same(f, "old text of an edit", find(store.Query{Text: "brown"}), nil)
	same(f, "new text of an edit", find(store.Query{Text: "mind"}), []string{"changed mind"})
	same(f, "a buried message", find(store.Query{Text: "arger"}), nil)
	f.update(func(tx store.Tx) error { return tx.DeleteMessages(f.app, b.ID, 0, 0, "") })
	same(f, "a removed message", find(store.Query{Text: "slow"}), nil)
	old := f.message(a.ID, "ann", "ancient import", 1)
	old.ID = 42
	f.send(old)
	same(f, "a message with an old id", find(store.Query{Text: "ancient"}), []string{"ancient import"})
}
