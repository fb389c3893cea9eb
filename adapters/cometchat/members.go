package cometchat

import (
	"context"
	"slices"
	"strings"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/normalize"
)

// memberRoutes are the operations on who is in a group.
func (d *Dialect) memberRoutes() []adapters.Route {
	return []adapters.Route{
		op("GET", "/groups/:guid/members", "listMembers", d.listMembers, encodeMembers),
		op("POST", "/groups/:guid/members", "joinOrAddMembers", d.joinOrAdd, encodeJoined),
		op("PUT", "/groups/:guid/members", "addMembers", d.addToGroup, encodeAdded),
		op("DELETE", "/groups/:guid/members", "leaveGroup", d.leave, d.encodeNotice),
		op("PUT", "/groups/:guid/members/:uid", "changeScope", d.changeScope, encodeScope),
		op("DELETE", "/groups/:guid/members/:uid", "kickMember", d.kick, d.encodeNotice),
	}
}

// memberRequest are people to add to a group by scope, and people to ban.
type memberRequest struct {
	lists [4]memberList
}

// memberList is one of the four lists of a request.
type memberList struct {
	name  string
	scope string // "" for those to ban
	uids  []core.UserID
}

// readMembers reads the four lists. A uid in several counts once, in this order.
func readMembers(r *wire.Reader) memberRequest {
	in := memberRequest{lists: [4]memberList{
		{name: "admins", scope: scopeAdmin}, {name: "moderators", scope: scopeModerator},
		{name: "participants", scope: scopeParticipant}, {name: "usersToBan"},
	}}
	seen := map[core.UserID]bool{}
	for i := range in.lists {
		for _, uid := range ids(r.Texts(in.lists[i].name, maxAdded)) {
			if uid != "" && !seen[uid] {
				seen[uid] = true
				in.lists[i].uids = append(in.lists[i].uids, uid)
			}
		}
	}
	return in
}

// maxAdded is how many people one list of a call may name.
const maxAdded = 25

// memberOutcomes tell what became of each person.
type memberOutcomes struct {
	request memberRequest
	errs    map[core.UserID]error
}

// write writes the outcomes by list; the SDK needs all four lists.
func (o *memberOutcomes) write(w *wire.Writer) {
	w.Open()
	for i := range o.request.lists {
		l := &o.request.lists[i]
		w.Object(l.name)
		for _, uid := range l.uids {
			w.KeyOf(string(uid))
			writeOutcome(w, o.errs[uid], "")
		}
		w.Close()
	}
	w.Close()
}

// writeOutcome writes what became of one item of a batch.
func writeOutcome(w *wire.Writer, err error, message string) {
	if err != nil {
		w.Value(EncodeItem(normalize.New(fault.From(err), normalize.OriginCore, Catalog())))
		return
	}
	w.Open()
	w.Bool("success", true)
	w.TextIf("message", message)
	w.Close()
}

// addMembers adds and bans people, each with an outcome of their own. What concerns the call as a
// whole, such as the actor's rank, fails it.
func (d *Dialect) addMembers(ctx context.Context, by core.Actor, key core.ChannelKey, in *memberRequest) (*memberOutcomes, error) {
	out := &memberOutcomes{request: *in, errs: map[core.UserID]error{}}
	by = reader(by)
	var add []core.GroupMember
	for _, l := range in.lists[:3] {
		for _, uid := range l.uids {
			add = append(add, core.GroupMember{User: uid, Role: rankOf(l.scope)})
		}
	}
	if len(add) > 0 {
		list, err := d.core.Groups.Add(ctx, by, core.AddToGroup{Key: key, Members: add})
		if err != nil {
			return nil, err
		}
		for _, o := range list {
			out.errs[o.User] = o.Err
		}
	}
	for _, uid := range in.lists[3].uids {
		_, out.errs[uid] = d.core.Groups.Ban(ctx, by, core.BanMember{Key: key, User: uid})
	}
	return out, nil
}

// joined is the outcome of a call that means one thing to an SDK and another to a server.
type joined struct {
	notice *shown
	added  *memberOutcomes
}

// joinOrAdd lets a client join by itself, and a server add members: one path means both. The SDK
// reads the group from the action message of a join.
func (d *Dialect) joinOrAdd(ctx context.Context, by core.Actor, rq *adapters.Request) (joined, error) {
	key := core.ChannelKey(rq.Param("guid"))
	r, err := body(rq)
	if err != nil {
		return joined{}, invalid(err)
	}
	if by.Server() {
		out, err := d.addFrom(ctx, by, key, &r)
		return joined{added: out}, err
	}
	password := r.Text("password")
	if err := r.Err(); err != nil {
		return joined{}, invalid(err)
	}
	g, err := d.core.Groups.Get(ctx, by, core.GetGroup{Key: key})
	if err != nil {
		return joined{}, err
	}
	if g.Channel.Admits() == core.AdmitPassword && password == "" && g.Member == nil {
		return joined{}, bad(fault.RequestMissingField, "group_password", "The password of the group is missing.")
	}
	if g, err = d.core.Groups.Join(ctx, by, core.JoinGroup{Key: key, Password: password}); err != nil {
		err = untold(err, "group_join")
		return joined{}, err
	}
	s := noticeOf(by, &g)
	return joined{notice: &s}, nil
}

// addFrom adds the members a body names.
func (d *Dialect) addFrom(ctx context.Context, by core.Actor, key core.ChannelKey, r *wire.Reader) (*memberOutcomes, error) {
	in := readMembers(r)
	if err := r.Err(); err != nil {
		return nil, invalid(err)
	}
	if _, err := d.core.Groups.Get(ctx, reader(by), core.GetGroup{Key: key}); err != nil {
		return nil, err
	}
	out, err := d.addMembers(ctx, by, key, &in)
	if err != nil {
		return nil, err
	}
	return out, out.failure()
}

// failure is the error of a call that named one person and failed for them.
func (o *memberOutcomes) failure() error {
	n := 0
	var only error
	for _, l := range o.request.lists {
		for _, uid := range l.uids {
			n, only = n+1, o.errs[uid]
		}
	}
	if n == 1 {
		return only
	}
	return nil
}

// noticeOf is the action message that tells a change of a group.
func noticeOf(by core.Actor, g *core.GroupView) shown {
	s := shown{venue: &venue{viewer: by.User, group: &g.Channel, me: g.Member}}
	if g.Notice != nil {
		s.message = *g.Notice
	}
	return s
}

func encodeJoined(w *wire.Writer, rq *adapters.Request, j joined) {
	w.Key("data")
	if j.added != nil {
		j.added.write(w)
		return
	}
	writeMessage(w, &j.notice.message, j.notice.venue)
}

func (d *Dialect) addToGroup(ctx context.Context, by core.Actor, rq *adapters.Request) (*memberOutcomes, error) {
	r, err := body(rq)
	if err != nil {
		return nil, invalid(err)
	}
	return d.addFrom(ctx, by, core.ChannelKey(rq.Param("guid")), &r)
}

func encodeAdded(w *wire.Writer, _ *adapters.Request, o *memberOutcomes) {
	w.Key("data")
	o.write(w)
}

// encodeNotice answers a change of a member: success, and the action message.
func (d *Dialect) encodeNotice(w *wire.Writer, rq *adapters.Request, g core.GroupView) {
	w.Object("data")
	w.Bool("success", true)
	if g.Notice != nil {
		text := sentences[g.Notice.Notice.Kind]
		w.Text("message", "The user "+string(g.Notice.Notice.Of)+" "+text+" the group "+string(g.Channel.Key)+".")
	}
	w.Close()
}

// sentences tell changes of members in answers.
var sentences = map[core.NoticeKind]string{
	core.NoticeLeft: "has left", core.NoticeKicked: "was kicked from", core.NoticeBanned: "was banned from", core.NoticeUnbanned: "was unbanned from",
}

func (d *Dialect) leave(ctx context.Context, by core.Actor, rq *adapters.Request) (core.GroupView, error) {
	if err := needUser(by); err != nil {
		return core.GroupView{}, err
	}
	g, err := d.core.Groups.Leave(ctx, reader(by), core.LeaveGroup{Key: core.ChannelKey(rq.Param("guid"))})
	return g, failed(err, "member_delete")
}

func (d *Dialect) kick(ctx context.Context, by core.Actor, rq *adapters.Request) (core.GroupView, error) {
	g, err := d.core.Groups.Kick(ctx, reader(by), core.KickMember{Key: core.ChannelKey(rq.Param("guid")), User: core.UserID(rq.Param("uid"))})
	return g, failed(err, "member_delete")
}

// changeScope gives a member another rank.
func (d *Dialect) changeScope(ctx context.Context, by core.Actor, rq *adapters.Request) (core.GroupView, error) {
	r, err := body(rq)
	if err != nil {
		return core.GroupView{}, invalid(err)
	}
	scope := r.Need("scope")
	rank := rankOf(scope)
	if rank == "" && scope != "" {
		r.Fail("scope", "The selected scope is invalid.", fault.RequestInvalidField)
	}
	if err := r.Err(); err != nil {
		return core.GroupView{}, invalid(err)
	}
	g, err := d.core.Groups.Rank(ctx, reader(by), core.RankMember{Key: core.ChannelKey(rq.Param("guid")), User: core.UserID(rq.Param("uid")), Role: rank})
	return g, failed(err, "member_scope_change")
}

func encodeScope(w *wire.Writer, rq *adapters.Request, g core.GroupView) {
	w.Object("data")
	w.Text("guid", string(g.Channel.Key))
	w.Text("uid", rq.Param("uid"))
	if g.Other != nil {
		w.Text("scope", scopeOf(g.Other))
		unixIf(w, "joinedAt", g.Other.CreatedAt)
	}
	w.Bool("success", true)
	w.Close()
}

// listMembers lists the members of a group by name.
func (d *Dialect) listMembers(ctx context.Context, by core.Actor, rq *adapters.Request) (listed[core.Member], error) {
	by = reader(by)
	key := core.ChannelKey(rq.Param("guid"))
	if _, err := d.memberOf(ctx, by, key); err != nil {
		return listed[core.Member]{}, err
	}
	scopes, search, status := texts(rq, "scopes"), strings.ToLower(rq.Query.Get("searchKey")), rq.Query.Get("status")
	var all []core.Member
	for off := 0; off <= maxOffset; off += 100 {
		ms, err := d.core.Channels.Members(ctx, server(by.App), core.QueryMembers{Key: key, Page: core.Page{Limit: 100, Offset: off}})
		if err != nil {
			return listed[core.Member]{}, err
		}
		all = append(all, ms...)
		if len(ms) < 100 {
			break
		}
	}
	all = slices.DeleteFunc(all, func(m core.Member) bool {
		u := m.Profile
		return u == nil || !u.DeletedAt.IsZero() || m.Pending() ||
			len(scopes) > 0 && !slices.Contains(scopes, scopeOf(&m)) ||
			search != "" && !strings.Contains(strings.ToLower(u.Name), search) && !strings.Contains(strings.ToLower(string(u.ID)), search) ||
			status == "offline" && u.Online || (status == "online" || status == "available") && !u.Online
	})
	out, err := sliced(rq, all)
	out.view = userView{viewer: by.User, private: by.Server()}
	return out, err
}

func encodeMembers(w *wire.Writer, _ *adapters.Request, l listed[core.Member]) {
	writeList(w, &l, func(m *core.Member) { writeMember(w, m, l.view) })
}
