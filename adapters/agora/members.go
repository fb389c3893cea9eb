package agora

import (
	"context"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/normalize"
)

// memberRoutes are the operations on the members of places.
func (s *space) memberRoutes() []adapters.Route {
	return []adapters.Route{
		here(s, full, "GET", "/users", "listMembersOf", s.listMembers, encodeMembers),
		here(s, full, "POST", "/users", "addMembersTo", s.addMembers, encodeAdded),
		here(s, full, "POST", "/users/:username", "addMemberTo", s.addMember, oneDid("add_member")),
		here(s, full, "DELETE", "/users/:usernames", "removeMembersFrom", s.removeMembers, eitherDid("remove_member")),
		here(s, full, "GET", "/admin", "listAdminsOf", s.listAdmins, nameList),
		here(s, full, "POST", "/admin", "addAdminTo", s.addAdmin, encodeAdmin("newadmin")),
		here(s, full, "DELETE", "/admin/:username", "removeAdminFrom", s.removeAdmin, encodeAdmin("oldadmin")),
		here(s, full, "GET", "/roles", "listRolesOf", s.listMembers, encodeRoles),
	}
}

// memberPage is one page of members.
type memberPage struct {
	members []core.Member
	joined  bool
	cursor  string

	byCursor bool
}

// listMembers lists the members by number of the page, or by cursor.
func (s *space) listMembers(ctx context.Context, at *spot, rq *adapters.Request) (memberPage, error) {
	p, err := pageOf(rq, 10, 1000)
	if err != nil {
		return memberPage{}, err
	}
	q := wire.QueryOf(rq)
	limit := min(q.Int("limit", 0, 1<<30), 99)
	out := memberPage{joined: q.Bool("joined_time")}
	if err := q.Err(); err != nil {
		return out, err
	}
	if err := at.inside(); err != nil {
		return out, err
	}
	if limit == 0 {
		all, err := s.d.members(ctx, at.by.App, at.key(), min(p.number*p.size, 2000))
		if out.members = cut(p, all); rq.Query.Get("pagenum") == "" && rq.Query.Get("pagesize") == "" {
			out.members = all[:min(len(all), 1000)]
		}
		return out, err
	}
	out.byCursor = true
	in := core.QueryMembers{Key: at.key(), Sort: []core.Sort{{Field: "id"}}, Page: core.Page{Limit: limit + 1}}
	if after := cursorIn(rq); after != "" {
		in.Filter = core.Cond("id", core.OpGt, core.Text(after))
	}
	ms, err := s.d.core.Channels.Members(ctx, server(at.by.App), in)
	if len(ms) > limit {
		ms = ms[:limit]
		out.cursor = cursorOf(string(ms[limit-1].User))
	}
	out.members = ms
	return out, err
}

func encodeMembers(a *answer, _ *spot, p memberPage) {
	a.List("data")
	for i := range p.members {
		writeAffiliation(a, &p.members[i], p.joined, p.byCursor)
	}
	a.CloseList()
	a.Int("count", len(p.members))
	a.TextIf("cursor", p.cursor)
}

func encodeRoles(a *answer, _ *spot, p memberPage) {
	a.List("data")
	for i := range p.members {
		m := &p.members[i]
		a.Open()
		a.Text("username", string(m.User))
		a.Text("role", roleOf(m))
		a.Bool("online", m.Profile != nil && m.Profile.Online)
		a.Close()
	}
	a.CloseList()
	a.Int("count", len(p.members))
}

// usersIn reads the users a body names, who must all be there.
func (s *spot) usersIn(ctx context.Context, rq *adapters.Request) ([]core.UserID, *wire.Reader, error) {
	r, err := body(rq)
	if err != nil {
		return nil, &r, err
	}
	list, err := usernames(&r, "usernames", maxSpaceUsers)
	if err != nil {
		return nil, &r, err
	}
	ids, err := s.d.everybody(ctx, s.by.App, list)
	return ids, &r, err
}

// usersAt reads the users a path names; names that are not there stay as they are.
func (s *spot) usersAt(ctx context.Context, rq *adapters.Request, param string) ([]core.UserID, error) {
	ids, err := listed(rq, param, maxSpaceUsers)
	if err != nil {
		return nil, err
	}
	found, err := s.d.people(ctx, s.by.App, ids)
	for i := range ids {
		if u := found[ids[i]]; u != nil {
			ids[i] = u.ID
		}
	}
	return ids, err
}

// add makes people members.
func (s *spot) add(ctx context.Context, ids []core.UserID) ([]core.GroupOutcome, error) {
	in := core.AddToGroup{Key: s.key()}
	for _, id := range ids {
		in.Members = append(in.Members, core.GroupMember{User: id})
	}
	return s.d.core.Groups.Add(ctx, s.by, in)
}

func (s *space) addMember(ctx context.Context, at *spot, rq *adapters.Request) (did, error) {
	us, err := s.d.everybody(ctx, at.by.App, []core.UserID{core.UserID(rq.Param("username"))})
	if err != nil {
		return did{}, err
	}
	out, err := at.add(ctx, us)
	if err == nil {
		err = out[0].Err
	}
	return did{user: us[0]}, at.fail(err, us[0])
}

// addMembers makes several people members and tells who is new. When none is, the first failure is
// that of the call.
func (s *space) addMembers(ctx context.Context, at *spot, rq *adapters.Request) ([]core.UserID, error) {
	ids, _, err := at.usersIn(ctx, rq)
	if err != nil {
		return nil, err
	}
	out, err := at.add(ctx, ids)
	if err != nil {
		return nil, at.fail(err, "")
	}
	var added []core.UserID
	for _, o := range out {
		if o.Err == nil {
			added = append(added, o.User)
		} else if err == nil && !fault.IsReason(o.Err, fault.GroupAlreadyMember) {
			err = at.fail(o.Err, o.User)
		}
	}
	if len(added) == 0 && err == nil {
		err = at.fail(out[0].Err, out[0].User)
	}
	return added, err
}

func encodeAdded(a *answer, s *spot, added []core.UserID) {
	a.Object("data")
	a.IDs("newmembers", added)
	a.Text(s.space.id, numberOf(&s.view.Channel))
	a.Text("action", "add_member")
	a.Close()
}

// removeMembers ends memberships. One that cannot be ended is a failure when it is the only one.
func (s *space) removeMembers(ctx context.Context, at *spot, rq *adapters.Request) ([]did, error) {
	ids, err := at.usersAt(ctx, rq, "usernames")
	if err != nil {
		return nil, err
	}
	return at.each(ids, func(id core.UserID) error {
		if id == at.view.Channel.CreatedBy {
			return fault.GroupOwnerProtected.Error("")
		}
		_, err := s.d.core.Groups.Kick(ctx, at.by, core.KickMember{Key: at.key(), User: id})
		return notMember(err)
	})
}

// notMember takes an unknown user for somebody who is no member, as the vendor does.
func notMember(err error) error {
	if fault.IsReason(err, fault.UserNotFound) {
		return fault.GroupNotMember.Error("").With("remove")
	}
	return err
}

// each does something to people one by one. With one person its failure is that of the call; with
// several each has its outcome.
func (s *spot) each(ids []core.UserID, do func(core.UserID) error) ([]did, error) {
	if len(ids) == 0 {
		return nil, fault.RequestInvalid.Error("")
	}
	out := make([]did, 0, len(ids))
	for _, id := range ids {
		err := do(id)
		if err != nil && (len(ids) == 1 || fault.From(err).Reason.Blame() != fault.BlameClient) {
			return nil, s.fail(err, id)
		}
		out = append(out, did{user: id, err: err})
	}
	return out, nil
}

// outcomes turns the core's outcomes of a batch into the vendor's. With one person its failure is
// that of the call.
func (s *spot) outcomes(list []core.GroupOutcome, err error) ([]did, error) {
	if err != nil {
		return nil, s.fail(err, "")
	}
	out := make([]did, 0, len(list))
	for _, o := range list {
		if o.Err != nil && len(list) == 1 {
			return nil, s.fail(notMember(o.Err), o.User)
		}
		out = append(out, did{user: o.User, err: notMember(o.Err)})
	}
	return out, nil
}

// reasonText is the vendor's sentence of a failure, for lists of outcomes.
func reasonText(err error) string {
	return EncodeError(normalize.New(fault.From(err), normalize.OriginCore, Catalog())).Message
}

// listAdmins lists the members who rank as admins.
func (s *space) listAdmins(ctx context.Context, at *spot, _ *adapters.Request) ([]core.UserID, error) {
	if err := at.inside(); err != nil {
		return nil, err
	}
	ms, err := s.d.members(ctx, at.by.App, at.key(), 2000)
	var out []core.UserID
	for i := range ms {
		if roleOf(&ms[i]) == "admin" {
			out = append(out, ms[i].User)
		}
	}
	return out, err
}

// rank gives a member another rank; the owner alone may. Giving it again is no failure.
func (s *spot) rank(ctx context.Context, name core.UserID, role string) (core.UserID, error) {
	us, err := s.d.everybody(ctx, s.by.App, []core.UserID{name})
	if err != nil {
		return name, err
	}
	if us[0] == s.view.Channel.CreatedBy {
		return us[0], s.fail(fault.GroupOwnerProtected.Error(""), us[0])
	}
	_, err = s.d.core.Groups.Rank(ctx, s.by, core.RankMember{Key: s.key(), User: us[0], Role: role, ByOwner: true})
	if fault.IsReason(err, fault.GroupRoleConflict) {
		err = nil
	}
	return us[0], s.fail(err, us[0])
}

func (s *space) addAdmin(ctx context.Context, at *spot, rq *adapters.Request) (core.UserID, error) {
	r, err := body(rq)
	if err != nil {
		return "", err
	}
	name := r.Need("newadmin")
	if err := r.Err(); err != nil {
		return "", err
	}
	return at.rank(ctx, core.UserID(name), core.MemberAdmin)
}

func (s *space) removeAdmin(ctx context.Context, at *spot, rq *adapters.Request) (core.UserID, error) {
	return at.rank(ctx, core.UserID(rq.Param("username")), core.MemberMember)
}

func encodeAdmin(name string) func(*answer, *spot, core.UserID) {
	return func(a *answer, _ *spot, id core.UserID) {
		a.Object("data")
		a.Text("result", "success")
		a.Text(name, string(id))
		a.Close()
	}
}
