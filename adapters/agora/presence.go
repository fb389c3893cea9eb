package agora

import (
	"context"
	"strconv"
	"time"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// Limits of presence; see https://docs.agora.io/en/agora-chat/restful-api/presence.
const (
	maxPresenceExt   = 1024 // bytes
	maxPresenceUsers = 100  // of one call
	maxPresenceLife  = 30 * 24 * time.Hour
)

// presenceRoutes are the operations on presence.
func (d *Dialect) presenceRoutes() []adapters.Route {
	return []adapters.Route{
		op(d, plain, "POST", "/users/:username/presence/:resource/:status", "publishPresence", d.publish, resultOK),
		op(d, plain, "POST", "/users/:username/presence/:expiry", "subscribePresence", d.subscribe, encodePresences),
		op(d, plain, "DELETE", "/users/:username/presence", "unsubscribePresence", d.unsubscribe, resultOK),
		op(d, plain, "POST", "/users/:username/presence", "getPresence", d.presences, encodePresences),
		op(d, plain, "GET", "/users/:username/presence/sublist", "listPresenceSubscriptions", d.subscriptions, encodeSubscriptions),
		op(d, plain, "GET", "/presence/online/:id/type/:kind", "countOnline", d.countOnline, func(a *answer, n int) { a.Int("result", n) }),
	}
}

func resultOK(a *answer, _ none) { a.Text("result", "ok") }

// publish sets a person's text and the status of one device.
func (d *Dialect) publish(ctx context.Context, by core.Actor, rq *adapters.Request) (none, error) {
	by, u, err := d.self(ctx, by, rq, "username")
	if err != nil {
		return none{}, err
	}
	r, err := body(rq)
	if err != nil {
		return none{}, err
	}
	if _, ok := r.Look("ext"); !ok {
		return none{}, fault.RequestMissingField.Error("ext cannot be null")
	}
	ext := r.Text("ext")
	code, nerr := strconv.Atoi(rq.Param("status"))
	if err := r.Err(); err != nil {
		return none{}, err
	}
	if len(ext) > maxPresenceExt {
		return none{}, fault.RequestFieldTooLong.Error("ext is too big").With("presence_ext")
	}
	if nerr != nil || code < 0 || code > 1<<20 {
		return none{}, fault.RequestInvalidField.Error("the status must be a number")
	}
	device := rq.Param("resource")
	known, err := d.hasDevice(ctx, by, u.ID, device)
	if err != nil {
		return none{}, err
	}
	if !known {
		return none{}, fault.ResourceNotFound.Error("resource not exist").With("device")
	}
	_, err = d.core.Presences.Publish(ctx, by, core.PublishPresence{Device: device, Status: code, Text: ext})
	return none{}, storeFailed(err)
}

// storeFailed says in the vendor's words that presence could not be kept.
func storeFailed(err error) error {
	if fault.IsReason(err, fault.StorageUnavailable) {
		return fault.OperationFailed.Error("set presence failed").With("presence_set").Cause(err)
	}
	return err
}

// hasDevice reports whether a device of a person has connected: it is connected now, or it is one
// whose name a server made up for a person who is away.
func (d *Dialect) hasDevice(ctx context.Context, by core.Actor, user core.UserID, device string) (bool, error) {
	list, err := d.core.Sessions.List(ctx, by, core.ListSessions{User: user})
	for i := range list {
		if list[i].Device == device {
			return true, err
		}
	}
	ps, perr := d.core.Presences.Query(ctx, by, core.QueryPresence{Users: []core.UserID{user}})
	if perr != nil {
		return false, perr
	}
	for i := range ps {
		if _, ok := ps[i].Devices[device]; ok {
			return true, err
		}
	}
	return false, err
}

// presencePage is the presence of people, in the order asked for.
type presencePage struct {
	list   []core.Presence
	online map[core.UserID]*core.User
	expiry bool
}

// targets reads the people a call is about.
func (d *Dialect) targets(ctx context.Context, by core.Actor, rq *adapters.Request, tooMany *fault.Error) (core.Actor, *core.User, []core.UserID, error) {
	by, u, err := d.self(ctx, by, rq, "username")
	if err != nil {
		return by, u, nil, err
	}
	var list []string
	if rq.Method == "DELETE" {
		list, err = texts(rq, 10_000)
	} else {
		var r wire.Reader
		if r, err = body(rq); err == nil {
			list = r.Texts("usernames", 10_000)
			err = r.Err()
		}
	}
	switch {
	case err != nil:
		return by, u, nil, err
	case len(list) == 0:
		return by, u, nil, fault.RequestMissingField.Error("usernames is empty")
	case len(list) > maxPresenceUsers:
		return by, u, nil, tooMany
	}
	ids := userIDs(list)
	found, err := d.people(ctx, by.App, ids)
	for i := range ids {
		if p := found[ids[i]]; p != nil {
			ids[i] = p.ID
		}
	}
	return by, u, ids, err
}

// subscribe follows people's presence for a time, in seconds.
func (d *Dialect) subscribe(ctx context.Context, by core.Actor, rq *adapters.Request) (presencePage, error) {
	by, u, ids, err := d.targets(ctx, by, rq, fault.LimitReached.Error("too many sub presence").With("presence_subscriptions"))
	if err != nil {
		return presencePage{}, err
	}
	n, err := strconv.ParseInt(rq.Param("expiry"), 10, 64)
	if err != nil || n < 1 {
		return presencePage{}, fault.RequestInvalidField.Error("the expiry must be a number of seconds")
	}
	for _, id := range ids {
		if id == u.ID {
			return presencePage{}, fault.TargetIsSelf.Error("you can't sub yourself").With("presence")
		}
	}
	ps, err := d.core.Presences.Subscribe(ctx, by, core.SubscribePresence{Users: ids, For: min(time.Duration(min(n, 1<<30))*time.Second, maxPresenceLife)})
	return presencePage{list: ps, expiry: true}, storeFailed(err)
}

func (d *Dialect) unsubscribe(ctx context.Context, by core.Actor, rq *adapters.Request) (none, error) {
	by, _, ids, err := d.targets(ctx, by, rq, fault.RequestBatchTooLarge.Error("too many unsub presences").With("presence_unsubscribe"))
	if err == nil {
		_, err = d.core.Presences.Subscribe(ctx, by, core.SubscribePresence{Users: ids, Stop: true})
	}
	return none{}, err
}

func (d *Dialect) presences(ctx context.Context, by core.Actor, rq *adapters.Request) (presencePage, error) {
	by, _, ids, err := d.targets(ctx, by, rq, fault.RequestBatchTooLarge.Error("too many get presences").With("presence_get"))
	if err != nil {
		return presencePage{}, err
	}
	ps, err := d.core.Presences.Query(ctx, by, core.QueryPresence{Users: ids})
	return presencePage{list: ps}, err
}

func encodePresences(a *answer, p presencePage) {
	a.List("result")
	for i := range p.list {
		writePresence(a.Writer, &p.list[i], a.d.now(), p.expiry)
	}
	a.CloseList()
}

// writePresence writes a person's presence. Times are Unix seconds in texts, as the vendor has them.
func writePresence(w *wire.Writer, p *core.Presence, now time.Time, expiry bool) {
	w.Open()
	w.Text("uid", string(p.User))
	last := p.LastSeen
	if last.IsZero() && len(p.Devices) > 0 {
		last = now
	}
	w.Text("last_time", unixText(last))
	if expiry {
		w.Text("expiry", unixText(p.Expires))
	}
	w.Text("ext", p.Text)
	w.Object("status")
	for _, device := range sortedNames(p.Devices) {
		w.KeyOf(device)
		w.Item(strconv.Itoa(p.Devices[device]))
	}
	w.Close()
	w.Close()
}

// unixText is a time in seconds as a text; "0" for none.
func unixText(t time.Time) string {
	if t.IsZero() {
		return "0"
	}
	return strconv.FormatInt(t.Unix(), 10)
}

func (d *Dialect) subscriptions(ctx context.Context, by core.Actor, rq *adapters.Request) (core.Subscriptions, error) {
	by, _, err := d.self(ctx, by, rq, "username")
	if err != nil {
		return core.Subscriptions{}, err
	}
	p, err := pageOf(rq, 20, 500)
	if err != nil {
		return core.Subscriptions{}, err
	}
	all, err := d.core.Presences.Subscriptions(ctx, by, core.ListSubscriptions{Page: core.Page{Limit: 1000}})
	all.List = cut(p, all.List)
	return all, err
}

func encodeSubscriptions(a *answer, s core.Subscriptions) {
	a.Object("result")
	a.Text("totalnum", strconv.Itoa(s.Total))
	a.List("sublist")
	for i := range s.List {
		a.Open()
		a.Text("uid", string(s.List[i].User))
		a.Text("expiry", unixText(s.List[i].Expires))
		a.Close()
	}
	a.CloseList()
	a.Close()
}

// countOnline counts the members of a group (type 0) or a room (type 1) who are connected.
func (d *Dialect) countOnline(ctx context.Context, by core.Actor, rq *adapters.Request) (int, error) {
	kind := rq.Param("kind")
	if kind != "0" && kind != "1" {
		return 0, fault.RequestInvalidField.Error("Type must be 0 or 1.")
	}
	s := d.spaces()[0]
	if kind == "1" {
		s = d.spaces()[1]
	}
	at, err := s.at(ctx, by, rq)
	if err != nil {
		return 0, err
	}
	ms, err := d.members(ctx, by.App, at.key(), 2000)
	n := 0
	for i := range ms {
		if p := ms[i].Profile; p != nil && p.Online {
			n++
		}
	}
	return n, err
}
