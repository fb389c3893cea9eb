package agora

import (
	"compress/gzip"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"strconv"
	"strings"
	"time"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// historyRoutes are the operations on what was said.
func (d *Dialect) historyRoutes() []adapters.Route {
	return []adapters.Route{
		op(d, full, "POST", "/users/:username/messageroaming", "pullHistory", d.pull, encodePulled),
		op(d, full, "GET", "/chatmessages/:time", "getHistoryFile", d.historyFile, encodeHistoryFile).Gated(adapters.GateServer),
		{Method: "GET", Path: root + "/chatmessages/:time/file", Name: "readHistoryFile", Gate: adapters.GateApp, Doc: "the file a history call links to", Serve: d.readHistoryFile},
		op(d, status, "DELETE", "/rest/message/roaming/chat/user/:username", "deleteHistoryWithUser", d.forget(core.KindDirect), nothing),
		op(d, status, "DELETE", "/rest/message/roaming/group/user/:username", "deleteHistoryOfGroup", d.forget(core.KindGroup), nothing),
		op(d, status, "DELETE", "/rest/message/roaming/chat/user/:username/time", "deleteHistoryWithUserBefore", d.forgetBefore(core.KindDirect), nothing),
		op(d, status, "DELETE", "/rest/message/roaming/group/user/:username/time", "deleteHistoryOfGroupBefore", d.forgetBefore(core.KindGroup), nothing),
		op(d, status, "POST", "/rest/message/roaming/user/:username/delete/all", "deleteHistory", d.forgetAll, nothing),
		op(d, status, "DELETE", "/sdk/message/roaming/chat/user/:username", "sdkDeleteHistoryWithUser", d.forget(core.KindDirect), nothing),
		op(d, status, "DELETE", "/sdk/message/roaming/group/user/:username", "sdkDeleteHistoryOfGroup", d.forget(core.KindGroup), nothing),
		op(d, status, "DELETE", "/sdk/message/roaming/chat/user/:username/time", "sdkDeleteHistoryWithUserBefore", d.forgetBefore(core.KindDirect), nothing),
		op(d, status, "DELETE", "/sdk/message/roaming/group/user/:username/time", "sdkDeleteHistoryOfGroupBefore", d.forgetBefore(core.KindGroup), nothing),
		op(d, status, "POST", "/sdk/message/roaming/user/:username/delete/all", "sdkDeleteHistory", d.forgetAll, nothing),
	}
}

func base64Of(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// pulled is one page of a history.
type pulled struct {
	metas [][]byte
	next  string
	last  bool
}

// maxPull bounds one page of a history.
const maxPull = 50

// pull reads a page of a conversation: the newest first, or the oldest with is_positive. The SDK
// decodes each message as it decodes those of the live link.
func (d *Dialect) pull(ctx context.Context, by core.Actor, rq *adapters.Request) (pulled, error) {
	t, err := d.tenantOf(rq)
	if err != nil {
		return pulled{}, err
	}
	by, _, err = d.self(ctx, by, rq, "username")
	if err != nil {
		return pulled{}, err
	}
	r, err := body(rq)
	if err != nil {
		return pulled{}, err
	}
	queue, n, up := r.Need("queue"), r.Int("pull_number", 0, 1<<20), !r.Bool("is_positive")
	start, _ := r.Look("start")
	types, _ := r.Look("msgType")
	from, _ := r.Look("startTime")
	until, _ := r.Look("endTime")
	author, _ := r.Look("userId")
	if err := r.Err(); err != nil {
		return pulled{}, err
	}
	at, err := d.queueOf(ctx, by, queue)
	var about *core.Thread
	if fault.IsReason(err, fault.GroupNotFound) { // threads are written to as groups are
		name, _, _ := strings.Cut(queue, "@")
		if th, terr := d.core.Threads.Get(ctx, reader(by), core.GetThread{Parent: name}); terr == nil {
			about, at, err = &th, place{key: th.Channel.Key}, nil
		}
	}
	if err != nil {
		return pulled{}, err
	}
	if n = min(n, maxPull); n == 0 {
		n = 20
	}
	f := historyFilter{author: core.UserID(textOf(author)), from: from.Int(), until: until.Int()}
	if s := textOf(types); s != "" {
		f.types = strings.Split(s, ",")
	}
	return d.pages(ctx, t, by, at, about, textOf(start), n, up, &f)
}

// historyFilter picks messages of a history.
type historyFilter struct {
	types       []string
	author      core.UserID
	from, until int64 // Unix milliseconds, 0 for none
}

// takes reports whether a message is one of those asked for.
func (f *historyFilter) takes(v *venue, m *core.Message) bool {
	at := m.CreatedAt.UnixMilli()
	switch {
	case m.Notice != nil || m.Deleted() || m.DeletedFor || m.Kind == core.MessageSystem:
		return false
	case f.author != "" && m.User != f.author, f.from > 0 && at < f.from, f.until > 0 && at > f.until:
		return false
	case len(f.types) == 0:
		return true
	}
	b := bodyOf(v, m)
	for _, typ := range f.types {
		if len(b.contents) > 0 && typeName(&b.contents[0]) == typ {
			return true
		}
	}
	return false
}

// queueOf finds the conversation a queue names: "peer@easemob.com" or "id@conference.easemob.com".
func (d *Dialect) queueOf(ctx context.Context, by core.Actor, queue string) (place, error) {
	name, domain, _ := strings.Cut(queue, "@")
	if domain == domainGroup {
		key, err := d.groupKey(ctx, by.App, name)
		if err != nil {
			return place{}, fault.From(err).Param("group_id", clip(name))
		}
		return place{key: key}, nil
	}
	u, err := d.known(ctx, by.App, core.UserID(name))
	if err != nil {
		return place{}, err
	}
	return place{key: directKey(by.User, u.ID), user: u.ID}, nil
}

// pages reads on until a page of the messages asked for is full: of a conversation, or of a thread.
func (d *Dialect) pages(ctx context.Context, t *tenant, by core.Actor, at place, about *core.Thread, start string, n int, up bool, f *historyFilter) (pulled, error) {
	out := pulled{last: true}
	if n, err := strconv.ParseInt(start, 10, 64); err != nil || n <= 0 {
		start = ""
	}
	st, err := d.core.Channels.Open(ctx, reader(by), core.OpenChannel{Type: typeOf(at.key), ID: idOf(at.key), MustExist: true})
	if fault.IsReason(err, fault.GroupNotFound) && at.user != "" {
		return out, nil
	}
	if err != nil {
		return out, err
	}
	v, err := d.venueOf(ctx, t, &st.Channel)
	if err != nil {
		return out, err
	}
	in := core.ListMessages{Key: at.key}
	if about != nil {
		v, in.Parent = v.within(about), about.Parent.ID.String()
	}
	for range 20 {
		p := core.MessagePage{Limit: 100}
		switch {
		case up:
			p.Before = start
		case start == "":
			p.After, p.Limit = "", 100
			p.AfterTime = time.UnixMilli(1)
		default:
			p.After = start
		}
		in.Page = p
		ms, err := d.core.Messages.List(ctx, reader(by), in)
		if err != nil {
			return out, err
		}
		for i := range ms {
			m := &ms[i]
			if up {
				m = &ms[len(ms)-1-i]
			}
			if len(out.metas) == n {
				out.last = false
				return out, nil
			}
			if start = m.ID.String(); f.takes(v, m) {
				out.metas, out.next = append(out.metas, d.metaBytes(v, m, nil)), start
			}
		}
		if len(ms) < p.Limit {
			return out, nil
		}
	}
	out.last, out.next = false, start
	return out, nil
}

// reader is the actor as a reader: with the rights of the person a server acts for.
func reader(by core.Actor) core.Actor {
	if by.Server() && by.User != "" {
		by.Access = core.AccessUser
	}
	return by
}

func typeOf(key core.ChannelKey) string { t, _ := key.Split(); return t }
func idOf(key core.ChannelKey) string   { _, id := key.Split(); return id }

func encodePulled(a *answer, p pulled) {
	a.Object("data")
	a.List("msgs")
	for _, b := range p.metas {
		a.Open()
		a.Text("msg", base64Of(b))
		a.Close()
	}
	a.CloseList()
	a.Text("next_key", p.next)
	a.Bool("is_last", p.last)
	a.Close()
}

// History files: one per hour, for three days; see
// https://docs.agora.io/en/agora-chat/restful-api/message-management#retrieve-historical-messages.
const (
	historyHour = "2006010215"
	historyDays = 3 * 24 * time.Hour
)

// maxHistoryRead bounds how long a file may be read.
const maxHistoryRead = 10 * time.Minute

// historyLink is a history file that can be fetched.
type historyLink struct{ hour, sign string }

// historyFile links to the messages of an hour.
func (d *Dialect) historyFile(ctx context.Context, by core.Actor, rq *adapters.Request) (historyLink, error) {
	t, err := d.tenantOf(rq)
	if err != nil {
		return historyLink{}, err
	}
	l := historyLink{hour: rq.Param("time")}
	from, err := time.ParseInLocation(historyHour, l.hour, time.UTC)
	if err != nil {
		return l, fault.RequestInvalidField.Error("").With("history_time")
	}
	named := func(f *fault.Error) error { return f.Param("app_key", t.key()).Param("yyyymmddhh", l.hour) }
	now := d.now()
	if from.Add(time.Hour).After(now) || now.Sub(from) > historyDays {
		return l, named(fault.MessageHistoryUnavailable.Error("").With("expired_or_unstored"))
	}
	found, err := d.core.Messages.Search(ctx, server(by.App), hourOf(from, "", 1))
	if err != nil {
		return l, err
	}
	if len(found.Hits) == 0 {
		return l, named(fault.MessageHistoryUnavailable.Error("").With("no_object"))
	}
	l.sign = t.signLink("history", l.hour)
	return l, nil
}

// hourOf asks for the messages of an hour.
func hourOf(from time.Time, cursor string, limit int) core.SearchMessages {
	return core.SearchMessages{
		Filter: core.And(core.Cond("created_at", core.OpGte, core.Time(from)), core.Cond("created_at", core.OpLt, core.Time(from.Add(time.Hour)))),
		Sort:   []core.Sort{{Field: "created_at"}}, Page: core.Page{Limit: limit, Cursor: cursor},
	}
}

// signLink signs a link that needs no token.
func (t *tenant) signLink(parts ...string) string {
	h := hmac.New(sha256.New, t.secret)
	h.Write([]byte("link\x00" + strings.Join(parts, "\x00")))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func encodeHistoryFile(a *answer, l historyLink) {
	a.List("data")
	a.Open()
	a.Text("url", a.d.base(a.rq)+"/"+a.t.org+"/"+a.t.app+"/chatmessages/"+l.hour+"/file?sign="+l.sign)
	a.Close()
	a.CloseList()
	a.Int("count", 1)
}

// readHistoryFile answers the file: gzip, one message a line.
func (d *Dialect) readHistoryFile(ctx context.Context, by core.Actor, rq *adapters.Request, rs *adapters.Response) error {
	t, err := d.tenantOf(rq)
	if err != nil {
		return err
	}
	hour := rq.Param("time")
	from, err := time.ParseInLocation(historyHour, hour, time.UTC)
	if err != nil || !hmac.Equal([]byte(rq.Query.Get("sign")), []byte(t.signLink("history", hour))) {
		return fault.FileNotFound.Error("")
	}
	// The file is written while it is read: longer than the call, no longer than its reader stays.
	pr, pw := io.Pipe()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), maxHistoryRead)
	go func() {
		defer cancel()
		pw.CloseWithError(d.writeHistory(ctx, t, by.App, from, pw))
	}()
	rs.Stream, rs.Length, rs.ContentType = pr, -1, "application/gzip"
	rs.Set("Content-Disposition", `attachment; filename="`+hour+`.gz"`)
	return nil
}

// writeHistory writes the messages of an hour.
func (d *Dialect) writeHistory(ctx context.Context, t *tenant, app core.AppID, from time.Time, to io.Writer) error {
	z := gzip.NewWriter(to)
	for cursor := ""; ; {
		found, err := d.core.Messages.Search(ctx, server(app), hourOf(from, cursor, 100))
		if err != nil {
			return err
		}
		for i := range found.Hits {
			h := &found.Hits[i]
			if h.Message.Notice != nil || h.Message.Kind == core.MessageSystem {
				continue
			}
			v, err := d.venueOf(ctx, t, &h.Channel)
			if err != nil {
				return err
			}
			w := wire.NewWriter(512)
			writeMessage(w, v, &h.Message)
			if _, err := z.Write(append(w.Bytes(), '\n')); err != nil {
				return err
			}
		}
		if cursor = found.Next; cursor == "" {
			return z.Close()
		}
	}
}

// maxForget is how many messages one call takes out of a history.
const maxForget = 50

// conversationIn finds the conversation a deletion names in its query.
func (d *Dialect) conversationIn(ctx context.Context, by core.Actor, rq *adapters.Request, kind core.ChannelKind) (place, error) {
	if kind == core.KindDirect {
		return d.queueOf(ctx, by, rq.Query.Get("userId")+"@"+domainUser)
	}
	return d.queueOf(ctx, by, rq.Query.Get("groupId")+"@"+domainGroup)
}

// forget takes messages out of a person's history, for them alone.
func (d *Dialect) forget(kind core.ChannelKind) func(context.Context, core.Actor, *adapters.Request) (none, error) {
	return func(ctx context.Context, by core.Actor, rq *adapters.Request) (none, error) {
		by, _, err := d.self(ctx, by, rq, "username")
		if err != nil {
			return none{}, err
		}
		if _, err := d.conversationIn(ctx, by, rq, kind); err != nil {
			return none{}, err
		}
		ids := userIDs(strings.Split(rq.Query.Get("msgIdList"), ","))
		switch {
		case len(ids) == 0:
			return none{}, fault.RequestMissingField.Error("msgIdList is empty")
		case len(ids) > maxForget:
			return none{}, fault.RequestBatchTooLarge.Error("delete msg list limit can not greater than 50")
		}
		for _, id := range ids {
			_, err := d.core.Messages.Delete(ctx, reader(by), core.DeleteMessage{ID: string(id), ForMe: true})
			if err != nil && !fault.IsReason(err, fault.MessageNotFound) {
				return none{}, err
			}
		}
		return none{}, nil
	}
}

// forgetBefore empties a person's history up to a time, for them alone.
func (d *Dialect) forgetBefore(kind core.ChannelKind) func(context.Context, core.Actor, *adapters.Request) (none, error) {
	return func(ctx context.Context, by core.Actor, rq *adapters.Request) (none, error) {
		by, u, err := d.self(ctx, by, rq, "username")
		if err != nil {
			return none{}, err
		}
		at, err := d.conversationIn(ctx, by, rq, kind)
		if err != nil {
			return none{}, err
		}
		ms, err := strconv.ParseInt(rq.Query.Get("delTime"), 10, 64)
		if err != nil || ms <= 0 {
			return none{}, fault.RequestInvalidField.Error("delTime must be a time in milliseconds")
		}
		return none{}, d.clear(ctx, by.App, at.key, u.ID, time.UnixMilli(ms))
	}
}

// clear empties one person's history of a channel up to a time.
func (d *Dialect) clear(ctx context.Context, app core.AppID, key core.ChannelKey, user core.UserID, before time.Time) error {
	_, err := d.core.Channels.Truncate(ctx, server(app), core.TruncateChannel{Key: key, Before: before, Members: []core.UserID{user}})
	if fault.IsReason(err, fault.GroupNotFound) {
		return nil // nothing was said yet
	}
	return err
}

// forgetAll empties a person's history of everything.
func (d *Dialect) forgetAll(ctx context.Context, by core.Actor, rq *adapters.Request) (none, error) {
	by, u, err := d.self(ctx, by, rq, "username")
	if err != nil {
		return none{}, err
	}
	for off := 0; off < 1000; off += 30 {
		list, err := d.core.Channels.Query(ctx, by, core.QueryChannels{
			Filter: core.Cond("joined", core.OpEq, core.Bool(true)), Page: core.Page{Limit: 30, Offset: off},
		})
		if err != nil {
			return none{}, err
		}
		for i := range list {
			if err := d.clear(ctx, by.App, list[i].Channel.Key, u.ID, d.now()); err != nil {
				return none{}, err
			}
		}
		if len(list) < 30 {
			break
		}
	}
	return none{}, nil
}
