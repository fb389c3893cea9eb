package agora

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// spaceRoutes are the operations that groups and rooms share: making, reading, changing, ending.
func (s *space) spaceRoutes() []adapters.Route {
	return []adapters.Route{
		op(s.d, full, "GET", s.base, "list"+s.noun+"s", s.list, s.encodeList),
		op(s.d, full, "POST", s.base, "create"+s.noun, s.create, s.encodeCreated),
		op(s.d, full, "GET", s.base+"/:id", "get"+s.noun, s.get, encodeDetails),
		here(s, full, "PUT", "", "update", s.update, encodeUpdated),
		here(s, full, "DELETE", "", "delete", s.remove, encodeRemoved),
	}
}

// groupRoutes are the operations on lists of groups.
func (d *Dialect) groupRoutes() []adapters.Route {
	s := d.spaces()[0]
	return []adapters.Route{
		op(d, full, "GET", "/chatgroups/user/:username", "listGroupsOfUser", d.joined(core.KindGroup), encodeJoinedRows),
		op(d, full, "GET", "/chatgroups/user/:username/joined_count", "countGroupsOfUser", d.joined(core.KindGroup), encodeJoinedCount),
		op(d, full, "GET", "/users/:username/joined_chatgroups", "listJoinedGroups", d.joined(core.KindGroup), encodeJoined),
		op(d, full, "POST", "/users/:username/joined_chatgroups", "joinGroups", d.joinMany, encodeJoinedMany).Gated(adapters.GateServer),
		op(d, full, "GET", "/users/:username/joined_chatrooms", "listJoinedRooms", d.joined(core.KindRoom), encodeJoinedRooms),
		op(d, full, "GET", "/publicchatgroups", "listPublicGroups", d.public, s.encodeList),
		here(s, full, "GET", "/user/:username/is_joined", "isMember", s.isJoined, func(a *answer, _ *spot, yes bool) { a.Bool("data", yes) }),
		here(s, full, "POST", "/shield", "shield", s.shield(true), oneDid("shield")),
		here(s, full, "DELETE", "/shield", "unshield", s.shield(false), oneDid("unshield")),
		here(s, full, "POST", "/disable", "disable", s.able(true), encodeDisabled).Gated(adapters.GateServer),
		here(s, full, "POST", "/enable", "enable", s.able(false), encodeDisabled).Gated(adapters.GateServer),
	}
}

// spacePage is one page of places.
type spacePage struct {
	channels []core.Channel
	cursor   string
}

// list lists the places: all of them for a server, rooms and public groups for a person.
func (s *space) list(ctx context.Context, by core.Actor, rq *adapters.Request) (spacePage, error) {
	kind := core.KindGroup
	if s.room {
		kind = core.KindRoom
	}
	return s.d.page(ctx, by, rq, core.Cond("kind", core.OpEq, core.Number(float64(kind))))
}

// public lists the groups that everybody may find.
func (d *Dialect) public(ctx context.Context, by core.Actor, rq *adapters.Request) (spacePage, error) {
	return d.page(ctx, by, rq, core.And(
		core.Cond("kind", core.OpEq, core.Number(float64(core.KindGroup))), core.Cond("admission", core.OpEq, core.Text(string(core.AdmitAnyone)))))
}

// page reads a page of places by number or by cursor, in the order of their keys.
func (d *Dialect) page(ctx context.Context, by core.Actor, rq *adapters.Request, f core.Filter) (spacePage, error) {
	p, err := pageOf(rq, 20, 99)
	if err != nil {
		return spacePage{}, err
	}
	q := wire.QueryOf(rq)
	limit := q.Int("limit", 0, 1<<30)
	if err := q.Err(); err != nil {
		return spacePage{}, err
	}
	in := core.QueryGroups{Filter: f, Sort: []core.Sort{{Field: "key"}}}
	switch {
	case limit > 0 || rq.Query.Get("pagenum") == "":
		if limit == 0 {
			limit = 10
		}
		p = page{1, min(limit, 99)}
		if after := cursorIn(rq); after != "" {
			in.Filter = core.And(f, core.Cond("key", core.OpGt, core.Text(after)))
		}
	case (p.number-1)*p.size > 1000:
		return spacePage{}, nil
	}
	in.Page = core.Page{Limit: p.size + 1, Offset: (p.number - 1) * p.size}
	if by.Server() {
		by.User = ""
	}
	gs, err := d.core.Groups.Query(ctx, by, in)
	if err != nil {
		return spacePage{}, err
	}
	var out spacePage
	for i := range gs.Groups {
		if i == p.size {
			out.cursor = cursorOf(string(gs.Groups[i-1].Channel.Key))
			break
		}
		out.channels = append(out.channels, gs.Groups[i].Channel)
	}
	return out, nil
}

func (s *space) encodeList(a *answer, p spacePage) {
	a.List("data")
	for i := range p.channels {
		s.writeListed(a, &p.channels[i])
	}
	a.CloseList()
	a.Int("count", len(p.channels))
	a.TextIf("cursor", p.cursor)
}

// create makes a place. See https://docs.agora.io/en/agora-chat/restful-api/chat-group-management.
func (s *space) create(ctx context.Context, by core.Actor, rq *adapters.Request) (core.GroupView, error) {
	var none core.GroupView
	r, err := body(rq)
	if err != nil {
		return none, err
	}
	in := readPlace(&r)
	owner, first := core.UserID(r.Text("owner")), userIDs(r.Texts("members", maxSpaceUsers))
	if err := r.Err(); err != nil {
		return none, err
	}
	switch {
	case !by.Server() && owner == "":
		owner = by.User
	case owner == "":
		return none, fault.RequestMissingField.Error("owner must be provided")
	case s.room && in.name == nil:
		return none, fault.RequestMissingField.Error("chatroom must contain title/name field!")
	case !s.room && in.public == nil:
		return none, fault.RequestMissingField.Error("group must contain public field!")
	}
	all, err := s.d.everybody(ctx, by.App, append([]core.UserID{owner}, first...))
	if err != nil {
		return none, err
	}
	if !by.Server() && all[0] != by.User {
		return none, fault.PermissionDenied.Error("A group belongs to who makes it.")
	}
	g := core.CreateGroup{Admission: in.admission(), Owner: all[0]}
	if s.room {
		g.Admission = core.AdmitAnyone
	}
	var c core.Channel
	if err := in.apply(&c); err != nil {
		return none, err
	}
	if err := in.rules(&g.Rules); err != nil {
		return none, err
	}
	if g.Rules.MaxMembers == 0 {
		g.Rules.MaxMembers = normalPlaceUsers
	}
	if g.Name, g.Image, g.Extra = c.Name, c.Image, c.Extra; !g.Rules.Consent {
		for _, u := range all[1:] {
			g.Members = append(g.Members, core.GroupMember{User: u})
		}
	}
	if len(all) > g.Rules.MaxMembers {
		return none, fault.GroupFull.Error("members size is greater than max user size !")
	}
	view, err := s.found(ctx, founder(by, all[0]), r.Text("groupid"), g)
	if err != nil || len(all) == 1 || len(g.Members) > 0 {
		return view, err
	}
	_, err = s.d.core.Admissions.Invite(ctx, founder(by, all[0]), core.InviteToGroup{Key: view.Channel.Key, Users: all[1:], Ask: true})
	return view, err
}

// founder is who makes a place: the owner, with the trust of whoever asked.
func founder(by core.Actor, owner core.UserID) core.Actor {
	if by.Server() {
		return by.As(owner)
	}
	return by
}

// found makes the place under an id that is free: the one asked for, or a number of its own.
func (s *space) found(ctx context.Context, by core.Actor, id string, g core.CreateGroup) (core.GroupView, error) {
	for try := int64(0); ; try++ {
		key := id
		if key == "" {
			key = strconv.FormatInt(s.d.now().UnixMilli()*1000+(s.d.minted.Add(1)%1000), 10)
		}
		typ := core.DefaultType
		if s.room {
			typ = roomType
		}
		g.Key = core.KeyOf(typ, key)
		view, err := s.d.core.Groups.Create(ctx, by, g)
		if err == nil || id != "" || try == 10 || !fault.IsReason(err, fault.GroupAlreadyExists) {
			return view, err
		}
	}
}

func (s *space) encodeCreated(a *answer, g core.GroupView) {
	a.Object("data")
	a.Text(s.id, numberOf(&g.Channel))
	a.Close()
}

// get reads one place, or several whose ids are joined by commas.
func (s *space) get(ctx context.Context, by core.Actor, rq *adapters.Request) ([]spaceDetail, error) {
	ids := userIDs(strings.Split(rq.Param("id"), ","))
	if len(ids) > 100 {
		return nil, fault.RequestBatchTooLarge.Error("at most 100 places at once")
	}
	var out []spaceDetail
	for _, id := range ids {
		one := *rq
		one.Params = append(slices.Clone(rq.Params), adapters.Param{})
		for i := range one.Params {
			if one.Params[i].Name == "id" {
				one.Params[i].Value = string(id)
			}
		}
		at, err := s.at(ctx, by, &one)
		if err != nil {
			return nil, err
		}
		var ms []core.Member
		if at.inside() == nil {
			if ms, err = s.d.members(ctx, by.App, at.key(), 500); err != nil {
				return nil, err
			}
		}
		out = append(out, spaceDetail{at.view.Channel, ms})
	}
	return out, nil
}

// members reads the members of a place, the owner first.
func (d *Dialect) members(ctx context.Context, app core.AppID, key core.ChannelKey, most int) ([]core.Member, error) {
	var all []core.Member
	for len(all) < most {
		ms, err := d.core.Channels.Members(ctx, server(app), core.QueryMembers{
			Key: key, Sort: []core.Sort{{Field: "created_at"}}, Page: core.Page{Limit: 100, Offset: len(all)},
		})
		if all = append(all, ms...); err != nil || len(ms) < 100 {
			if err != nil {
				return nil, err
			}
			break
		}
	}
	slices.SortStableFunc(all, func(a, b core.Member) int {
		switch {
		case a.Role == core.MemberOwner:
			return -1
		case b.Role == core.MemberOwner:
			return 1
		}
		return 0
	})
	return all, nil
}

func encodeDetails(a *answer, list []spaceDetail) {
	a.List("data")
	for i := range list {
		writeSpace(a, &list[i])
	}
	a.CloseList()
	a.Int("count", len(list))
}

// update changes a place, or hands it to another owner.
func (s *space) update(ctx context.Context, at *spot, rq *adapters.Request) ([]string, error) {
	r, err := body(rq)
	if err != nil {
		return nil, err
	}
	if err := unknownFields(&r); err != nil {
		return nil, err
	}
	in, next := readPlace(&r), r.Text("newowner")
	if err := r.Err(); err != nil {
		return nil, err
	}
	if len(r.Fields()) == 0 {
		return nil, fault.RequestInvalid.Error("")
	}
	if in.max != nil && *in.max < at.view.Channel.MemberCount {
		return nil, at.fail(fault.GroupFull.Error("current user count is larger than the maxUsers that you want to update !"), "")
	}
	if next != "" {
		if err := at.transfer(ctx, core.UserID(next)); err != nil {
			return nil, err
		}
	}
	if next == "" || len(r.Fields()) > 1 {
		_, err = s.d.core.Groups.Update(ctx, at.by, core.UpdateGroup{Key: at.key(), Admission: in.admission(), Change: in.apply, Rules: in.rules})
	}
	return changedFields(&r), at.fail(err, "")
}

// transfer makes a member the owner.
func (s *spot) transfer(ctx context.Context, name core.UserID) error {
	us, err := s.d.everybody(ctx, s.by.App, []core.UserID{name})
	if err != nil {
		return err
	}
	if us[0] == s.view.Channel.CreatedBy {
		return s.fail(fault.GroupRoleConflict.Error("").With("same_owner"), us[0])
	}
	_, err = s.d.core.Groups.Transfer(ctx, s.by, core.TransferGroup{Key: s.key(), To: us[0], OldRole: core.MemberMember})
	if fault.IsReason(err, fault.GroupNotMember) && fault.From(err).Variant == "target" {
		err = fault.GroupNotMember.Error("").With("transfer")
	}
	return s.fail(err, us[0])
}

func encodeUpdated(a *answer, _ *spot, changed []string) {
	a.Object("data")
	for _, name := range changed {
		a.KeyOf(name)
		a.Value([]byte("true"))
	}
	a.Close()
}

// remove ends a place; its owner alone may.
func (s *space) remove(ctx context.Context, at *spot, _ *adapters.Request) (none, error) {
	return none{}, at.fail(s.d.core.Groups.Delete(ctx, at.by, core.DeleteGroup{Key: at.key(), ByOwner: true}), "")
}

func encodeRemoved(a *answer, s *spot, _ none) {
	a.Object("data")
	a.Bool("success", true)
	a.Text(s.space.id, numberOf(&s.view.Channel))
	a.Close()
}

// able takes a group out of use, or back in.
func (s *space) able(off bool) func(context.Context, *spot, *adapters.Request) (bool, error) {
	return func(ctx context.Context, at *spot, _ *adapters.Request) (bool, error) {
		_, err := s.d.core.Groups.Update(ctx, at.by, core.UpdateGroup{Key: at.key(), Disabled: &off})
		return off, at.fail(err, "")
	}
}

// shield silences a group for one person, or lets it be heard again.
func (s *space) shield(on bool) func(context.Context, *spot, *adapters.Request) (did, error) {
	return func(ctx context.Context, at *spot, _ *adapters.Request) (did, error) {
		_, err := s.d.core.Channels.Mute(ctx, at.by, core.MuteChannels{Keys: []core.ChannelKey{at.key()}, Unmute: !on})
		return did{user: at.by.User}, at.fail(err, "")
	}
}

func encodeDisabled(a *answer, _ *spot, off bool) {
	a.Object("data")
	a.Bool("disabled", off)
	a.Close()
}

func (s *space) isJoined(ctx context.Context, at *spot, rq *adapters.Request) (bool, error) {
	u, err := s.d.known(ctx, at.by.App, core.UserID(rq.Param("username")))
	if err != nil {
		return false, err
	}
	m, err := at.member(ctx, u.ID)
	return m != nil, err
}

// member reads the membership of a person; nil if there is none.
func (s *spot) member(ctx context.Context, user core.UserID) (*core.Member, error) {
	ms, err := s.d.core.Channels.Members(ctx, server(s.by.App), core.QueryMembers{
		Key: s.key(), Filter: core.Cond("id", core.OpEq, core.Text(string(user))), Page: core.Page{Limit: 1},
	})
	if err != nil || len(ms) == 0 {
		return nil, err
	}
	return &ms[0], nil
}

// joinedPage is a page of the places a person is in.
type joinedPage struct {
	groups []core.GroupView
	total  int
	paged  bool
}

// joined lists the places a person is in.
func (d *Dialect) joined(kind core.ChannelKind) func(context.Context, core.Actor, *adapters.Request) (joinedPage, error) {
	return func(ctx context.Context, by core.Actor, rq *adapters.Request) (joinedPage, error) {
		by, _, err := d.self(ctx, by, rq, "username")
		if err != nil {
			return joinedPage{}, err
		}
		p, err := pageOf(rq, 1000, 1000)
		if err != nil {
			return joinedPage{}, err
		}
		all, err := d.groupsOf(ctx, by, kind)
		if rq.Query.Get("pagenum") == "0" { // of SDKs that count from 0
			p.number = 1
		}
		return joinedPage{cut(p, all), len(all), rq.Query.Get("pagesize") != ""}, err
	}
}

// groupsOf reads the places of a kind a person is in, at most 1,000.
func (d *Dialect) groupsOf(ctx context.Context, by core.Actor, kind core.ChannelKind) ([]core.GroupView, error) {
	var all []core.GroupView
	for len(all) < 1000 {
		gs, err := d.core.Groups.Query(ctx, by, core.QueryGroups{
			Filter: core.Cond("kind", core.OpEq, core.Number(float64(kind))), Joined: true,
			Sort: []core.Sort{{Field: "created_at", Desc: true}}, Page: core.Page{Limit: 100, Offset: len(all)},
		})
		if all = append(all, gs.Groups...); err != nil || !gs.More {
			return all, err
		}
	}
	return all, nil
}

func encodeJoinedRows(a *answer, p joinedPage) {
	a.Entities()
	for i := range p.groups {
		writeRow(a, &p.groups[i])
	}
	a.CloseList()
	a.Int("count", len(p.groups))
	a.Int("total", p.total)
}

func encodeJoinedCount(a *answer, p joinedPage) { a.Int("data", p.total) }

func encodeJoined(a *answer, p joinedPage) {
	a.List("data")
	for i := range p.groups {
		writeRow(a, &p.groups[i])
	}
	a.CloseList()
	a.Int("count", len(p.groups))
}

func encodeJoinedRooms(a *answer, p joinedPage) {
	if a.rq.Query.Get("detail") != "true" {
		encodeJoined(a, p)
		return
	}
	a.List("data")
	for i := range p.groups {
		writeRoomRow(a, &p.groups[i])
	}
	a.CloseList()
	a.Int("count", len(p.groups))
}

// joinedOne is what became of one group a person was to join.
type joinedOne struct {
	id  string
	err error
}

// joinMany puts a person into several groups.
func (d *Dialect) joinMany(ctx context.Context, by core.Actor, rq *adapters.Request) ([]joinedOne, error) {
	_, u, err := d.self(ctx, by, rq, "username")
	if err != nil {
		return nil, err
	}
	r, err := body(rq)
	if err != nil {
		return nil, err
	}
	ids := append(r.Texts("groupids", maxSpaceUsers), r.Texts("group_ids", maxSpaceUsers)...)
	if err := r.Err(); err != nil {
		return nil, err
	}
	var out []joinedOne
	for _, id := range ids {
		key, err := d.groupKey(ctx, by.App, id)
		if err == nil {
			var res []core.GroupOutcome
			if res, err = d.core.Groups.Add(ctx, server(by.App), core.AddToGroup{Key: key, Members: []core.GroupMember{{User: u.ID}}}); err == nil {
				err = res[0].Err
			}
		}
		var f *fault.Error
		if errors.As(err, &f) && f.Reason.Blame() != fault.BlameClient {
			return nil, err
		}
		out = append(out, joinedOne{id, err})
	}
	return out, nil
}

func encodeJoinedMany(a *answer, list []joinedOne) {
	a.List("data")
	for _, x := range list {
		a.Open()
		a.Text("id", x.id)
		a.Bool("result", x.err == nil)
		a.Close()
	}
	a.CloseList()
}
