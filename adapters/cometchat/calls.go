package cometchat

import (
	"context"
	"strings"
	"time"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// callRoutes are the signalling of calls and their log. The media of a call take another way, which
// is no part of this server.
func (d *Dialect) callRoutes() []adapters.Route {
	return []adapters.Route{
		op("POST", "/calls", "initiateCall", d.startCall, encodeMessage),
		op("PUT", "/calls/:session", "updateCall", d.moveCall, encodeMessage),
		op("PATCH", "/calls/:session/type", "changeCallType", d.changeCallType, encodeCallLog),
		op("GET", "/calls", "listCalls", d.listCalls, encodeCalls),
		op("GET", "/calls/:session", "getCall", d.getCall, encodeCallLog),
		op("POST", "/api/:version/online-members", "onlineMembers", d.onlineMembers, encodeOnline).Gated(adapters.GateApp),
	}
}

// startCall rings; see https://www.cometchat.com/docs/sdk/javascript/default-call.
func (d *Dialect) startCall(ctx context.Context, by core.Actor, rq *adapters.Request) (shown, error) {
	by = author(by)
	r, err := body(rq)
	if err != nil {
		return shown{}, invalid(err)
	}
	receiver, kind := scalar(&r, "receiver"), scalar(&r, "type")
	in := core.StartCall{Kind: kind, Session: scalar(&r, "sessionid"), Extra: callExtra(&r)}
	if err := r.Err(); err != nil {
		return shown{}, invalid(err)
	}
	switch {
	case receiver == "":
		return shown{}, bad(fault.RequestMissingField, "receiver", "The receiver is missing.")
	case kind != "audio" && kind != "video":
		return shown{}, bad(fault.RequestInvalidField, "message_type", "The type of a call must be audio or video.")
	}
	var peer core.UserID
	switch scalar(&r, "receiverType") {
	case "group":
		in.Key = core.ChannelKey(receiver)
	case "user":
		u, err := d.person(ctx, by.App, core.UserID(receiver))
		if err != nil {
			return shown{}, err
		}
		if u.ID == by.User {
			return shown{}, fault.TargetIsSelf.Error("Nobody can call themselves.").With("call")
		}
		peer, in.Key = u.ID, directKey(by.User, u.ID)
	default:
		return shown{}, bad(fault.RequestInvalidField, "receiver_type", "The receiverType must be user or group.")
	}
	out, err := d.core.Calls.Start(ctx, by, in)
	if peer != "" && fault.IsReason(err, fault.GroupNotFound) {
		if err = d.openDirect(ctx, by, peer); err == nil {
			out, err = d.core.Calls.Start(ctx, by, in)
		}
	}
	return d.called(ctx, by, in.Key, peer, out, err)
}

// callExtra reads the metadata of a call, which the SDK puts into data.
func callExtra(r *wire.Reader) core.Extra {
	if data, ok := r.Object("data"); ok && data.Has("metadata") {
		return data.RawObject("metadata")
	}
	return r.RawObject("metadata")
}

// called is the answer of a change: the call message that tells it.
func (d *Dialect) called(ctx context.Context, by core.Actor, key core.ChannelKey, peer core.UserID, out core.Called, err error) (shown, error) {
	if err != nil {
		return shown{}, err
	}
	s := shown{message: out.Notice}
	s.venue, err = d.venueOfKey(ctx, by, key, peer)
	return s, err
}

// moveCall accepts, rejects, ends a call, and so on.
func (d *Dialect) moveCall(ctx context.Context, by core.Actor, rq *adapters.Request) (shown, error) {
	by = author(by)
	r, err := body(rq)
	if err != nil {
		return shown{}, invalid(err)
	}
	in := core.MoveCall{Session: strings.TrimSpace(rq.Param("session")), Status: core.CallStatus(scalar(&r, "status"))}
	if at := r.Int("joinedAt", 0, 1<<40); at > 0 {
		in.JoinedAt = time.Unix(int64(at), 0)
	}
	if err := r.Err(); err != nil {
		return shown{}, invalid(err)
	}
	out, err := d.core.Calls.Move(ctx, by, in)
	peer := out.Call.To
	if peer == by.User {
		peer = out.Call.By
	}
	if !out.Call.Direct {
		peer = ""
	}
	return d.called(ctx, by, out.Call.Key, peer, out, err)
}

// changeCallType makes a call that goes on one of sound alone or one of pictures, too.
func (d *Dialect) changeCallType(ctx context.Context, by core.Actor, rq *adapters.Request) (core.Call, error) {
	by = author(by)
	r, err := body(rq)
	if err != nil {
		return core.Call{}, invalid(err)
	}
	in := core.MoveCall{Session: strings.TrimSpace(rq.Param("session")), Kind: scalar(&r, "type")}
	if err := r.Err(); err != nil {
		return core.Call{}, invalid(err)
	}
	if in.Kind != "audio" && in.Kind != "video" {
		return core.Call{}, bad(fault.RequestInvalidField, "message_type", "The type of a call must be audio or video.")
	}
	out, err := d.core.Calls.Move(ctx, by, in)
	return out.Call, err
}

// callPage is a page of the call log.
type callPage struct {
	page
	items []core.Call
}

func (d *Dialect) listCalls(ctx context.Context, by core.Actor, rq *adapters.Request) (callPage, error) {
	p, err := pageOf(rq, 30, 100)
	if err != nil {
		return callPage{}, err
	}
	out := callPage{page: p}
	cp, ok := p.core()
	if !ok {
		return out, nil
	}
	cs, err := d.core.Calls.List(ctx, by, core.ListCalls{Page: cp})
	if err != nil {
		return out, err
	}
	out.items = cut(&out.page, cs)
	return out, out.whole(100, func(p core.Page) (int, error) {
		cs, err := d.core.Calls.List(ctx, by, core.ListCalls{Page: p})
		return len(cs), err
	})
}

func (d *Dialect) getCall(ctx context.Context, by core.Actor, rq *adapters.Request) (core.Call, error) {
	return d.core.Calls.Get(ctx, by, core.GetCall{Session: rq.Param("session")})
}

func encodeCalls(w *wire.Writer, _ *adapters.Request, p callPage) {
	w.List("data")
	for i := range p.items {
		writeCallLog(w, &p.items[i])
	}
	w.CloseList()
	p.writeMeta(w)
}

func encodeCallLog(w *wire.Writer, _ *adapters.Request, c core.Call) {
	w.Key("data")
	writeCallLog(w, &c)
}

// writeCallLog writes a call as the log has it; see https://www.cometchat.com/docs/rest-api/calls.
func writeCallLog(w *wire.Writer, c *core.Call) {
	kind := "group"
	if c.Direct {
		kind = "user"
	}
	w.Open()
	w.Text("sessionId", c.Session)
	w.Text("mode", "call")
	w.Text("type", c.Kind)
	w.Text("status", string(c.Status))
	w.Text("receiverType", kind)
	unixIf(w, "initiatedAt", c.InitiatedAt)
	unixIf(w, "startedAt", c.StartedAt)
	unixIf(w, "endedAt", c.EndedAt)
	length := time.Duration(0)
	if !c.EndedAt.IsZero() && !c.StartedAt.IsZero() {
		length = c.EndedAt.Sub(c.StartedAt)
	}
	w.Int64("totalDurationInMinutes", int64(length.Minutes()))
	w.Text("totalDuration", length.Round(time.Second).String())
	w.Key("initiator")
	writeUserOr(w, c.Caller, c.By, userView{})
	w.Key("receiver")
	if c.Direct {
		writeUserOr(w, c.Callee, c.To, userView{})
	} else {
		w.Open()
		w.Text("guid", string(c.Key))
		w.Close()
	}
	people := append(append([]core.UserID{}, c.In...), c.Was...)
	w.Int("totalParticipants", len(people))
	w.IDs("participants", people)
	w.Close()
}

// online tells how many people are connected: of single groups, or of those the caller shares
// conversations with.
type online struct {
	groups bool
	keys   []core.ChannelKey
	counts map[core.ChannelKey]int
	users  int
}

// Bounds of the count of those who are online.
const (
	maxOnlineGroups = 25
	onlineCounted   = 1000
)

// onlineMembers counts who is online. The JWT is the credential here, with no word before it.
func (d *Dialect) onlineMembers(ctx context.Context, by core.Actor, rq *adapters.Request) (online, error) {
	out := online{counts: map[core.ChannelKey]int{}}
	var err error
	if by.User, err = d.holder(ctx, d.byApp[by.App], rq.Headers.Get("Authorization")); err != nil {
		return out, err
	}
	by.Access = core.AccessUser
	r, err := body(rq)
	if err != nil {
		return out, invalid(err)
	}
	out.groups = r.Has("groups")
	for _, g := range r.Texts("groups", maxOnlineGroups) {
		out.keys = append(out.keys, core.ChannelKey(g))
	}
	if err := r.Err(); err != nil {
		return out, invalid(err)
	}
	for _, key := range out.keys {
		n := 0
		for off := 0; off < onlineCounted; off += 100 {
			ms, err := d.core.Channels.Members(ctx, by, core.QueryMembers{Key: key, Page: core.Page{Limit: 100, Offset: off}})
			if err != nil {
				return out, d.refusal(ctx, by, key, err)
			}
			for i := range ms {
				if ms[i].Profile != nil && ms[i].Profile.Online {
					n++
				}
			}
			if len(ms) < 100 {
				break
			}
		}
		out.counts[key] = n
	}
	if out.groups {
		return out, nil
	}
	for off := 0; off < onlineCounted; off += 100 {
		us, err := d.core.Users.Query(ctx, behalf(by), core.QueryUsers{Page: core.Page{Limit: 100, Offset: off}})
		if err != nil {
			return out, err
		}
		for i := range us {
			if us[i].Online {
				out.users++
			}
		}
		if len(us) < 100 {
			break
		}
	}
	return out, nil
}

func encodeOnline(w *wire.Writer, _ *adapters.Request, o online) {
	w.Object("data")
	if !o.groups {
		w.Int("onlineUsersCount", o.users)
		w.Close()
		return
	}
	w.Object("groups")
	for _, k := range o.keys {
		w.KeyOf(string(k))
		w.Number(o.counts[k])
	}
	w.Close()
	w.Close()
}
