package agora_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"hash/fnv"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/tidwall/gjson"

	"dragoman/adapters/adaptertest"
	"dragoman/adapters/agora"
	"dragoman/core/fault"
	"dragoman/normalize"
)

// driver speaks Agora's wire as its JS SDK does: MSync for messages, REST for the rest.
type driver struct{}

// session is one logged in person.
type session struct {
	*api
	user, device string
	link         *phone
	frames       chan pb
	end          func()
	ended        chan ws.StatusCode
	next         uint64
	names        map[string]string // ids of the server to those this client chose
	mu           sync.Mutex
	later        []adaptertest.Event // told while something else was waited for
}

// Join opens the link and waits until it is admitted.
func (driver) Join(t *testing.T, w *adaptertest.World, user string) adaptertest.Session {
	t.Helper()
	s := &session{api: &api{t: t, w: w}, user: user, device: "webim_" + user + fmt.Sprint(time.Now().UnixNano()), next: 1000, names: map[string]string{}}
	s.open()
	return s
}

// open connects and reads from then on. What the server sends is asked for as the SDK does: a notice
// names a queue, which is pulled.
func (s *session) open() {
	s.t.Helper()
	s.link = dial(s.t, s.w, s.user)
	s.link.conn.SetDeadline(time.Time{})
	s.link.say(pb(nil).num(1, 0).sub(2, appJID(s.user).text(4, s.device)).text(3, "$t$"+s.token(s.user)).num(8, 3).
		sub(9, pb(nil).num(1, 16).text(2, "1.4.0").text(12, "webim").text(13, s.device).text(20, "1:")))
	if c, out := s.link.next(); c != 3 || out.uint(8, 1) != 0 {
		s.t.Fatalf("%s is not admitted: %d %x", s.user, c, []byte(out))
	}
	link, frames, ended := s.link, make(chan pb, 10_000), make(chan ws.StatusCode, 1)
	s.frames, s.ended = frames, ended
	over := make(chan struct{})
	s.end = sync.OnceFunc(func() { _ = link.conn.Close() })
	s.t.Cleanup(func() {
		link.conn.Close()
		<-over
	})
	go func() {
		defer close(over)
		defer close(frames)
		for {
			b, op, err := wsutil.ReadServerData(link.conn)
			if err != nil {
				var end wsutil.ClosedError
				if errors.As(err, &end) {
					ended <- end.Code
				}
				close(ended)
				return
			}
			if op == ws.OpBinary {
				frames <- pb(b)
			}
		}
	}()
	s.say(pb(nil).num(8, 1)) // what waits
}

func appJID(name string) pb {
	return pb(nil).text(1, "org#app").text(2, name).text(3, "easemob.com")
}

func placeJID(id string) pb {
	return pb(nil).text(1, "org#app").text(2, id).text(3, "conference.easemob.com")
}

// say writes a frame; a link that has ended is found out by reading.
func (s *session) say(b pb) { _ = wsutil.WriteClientBinary(s.link.conn, b) }

// Close ends the link.
func (s *session) Close() { s.end() }

// Knock makes a call with a token that has expired.
func (driver) Knock(t *testing.T, w *adaptertest.World, user string, expired time.Time) *adaptertest.Failure {
	t.Helper()
	a := &api{t: t, w: w}
	_, f := failure(a.raw("GET", "/org/app/users/"+user, "", "Authorization", "Bearer "+a.tokenAt(user, expired.Add(-time.Hour))))
	return f
}

// failure splits an answer.
func failure(r reply) (gjson.Result, *adaptertest.Failure) {
	if r.status < 400 {
		return r.body, nil
	}
	f := &adaptertest.Failure{
		Status: r.status, Code: []byte(r.body.Get("error").Raw), Message: r.body.Get("error_description").String(),
		Reason: r.body.Get("dragoman_error.code").String(), Header: map[string]string{},
	}
	for k := range r.header {
		f.Header[k] = r.header.Get(k)
	}
	return r.body, f
}

// call makes one REST call of the SDK.
func (s *session) call(method, path, body string) (gjson.Result, *adaptertest.Failure) {
	s.t.Helper()
	b, f := failure(s.as(s.user, method, path, body))
	if f != nil && !strings.Contains(f.Header[normalize.HeaderError], f.Reason) {
		s.t.Errorf("the header %q does not name %s", f.Header[normalize.HeaderError], f.Reason)
	}
	return b, f
}

// linkReasons are the canonical reasons of the texts of the link, which has no codes of its own.
var linkReasons = map[string]*fault.Reason{
	"not in group or chatroom": fault.GroupNotMember, "group not found": fault.GroupNotFound, "user is mute": fault.GroupMuted,
	"not in group or chatroom white list": fault.GroupMuted,
	"Sorry, You do not have permission":   fault.MessageNotOwner, "Sorry, message does not exist": fault.MessageNotFound,
	"Sorry, data is too large": fault.MessageTooLong, "auto create failed": fault.StorageUnavailable, "blocked": fault.BlockByPeer,
}

// refused is a failure of the link in the terms of the suite.
func refused(reason *fault.Reason, text string) *adaptertest.Failure {
	row, _ := agora.Catalog().ToVendor(reason, "")
	return &adaptertest.Failure{Status: row.Status, Code: []byte(row.Body), Message: text, Reason: reason.Name(), Header: map[string]string{}}
}

// tell sends a body to a chat and waits for the answer.
func (s *session) tell(chat string, id uint64, kind uint64, body pb) (pb, *adaptertest.Failure) {
	s.t.Helper()
	to := placeJID(chat)
	if kind == 1 {
		to = appJID(chat)
	}
	s.say(pb(nil).num(8, 0).sub(9, pb(nil).sub(1, pb(nil).num(1, id).sub(3, to).num(5, 1).sub(6, body))))
	deadline := time.After(10 * time.Second)
	for {
		select {
		case f, ok := <-s.frames:
			if !ok {
				if code := <-s.ended; code == ws.StatusMessageTooBig {
					s.open()
					return nil, refused(fault.RequestPayloadTooLarge, "the link ended: the message is too big")
				}
				s.t.Fatalf("the link of %s has ended", s.user)
			}
			b := pb(f).has(s.t, 9)
			if pb(f).uint(8) != 0 || b.uint(2) != id {
				s.heed(f)
				continue
			}
			if b.uint(1, 1) == 0 {
				return b, nil
			}
			text := b.str(1, 2)
			reason, ok := linkReasons[text]
			if !ok && strings.Contains(text, "is in the blacklist") {
				reason, ok = fault.GroupBanned, true
			}
			if !ok {
				s.t.Fatalf("refused with %d %q", b.uint(1, 1), text)
			}
			return nil, refused(reason, text)
		case <-deadline:
			s.t.Fatalf("%s is not answered", s.user)
		}
	}
}

// heed takes in a frame that answers nothing: a notice is followed up, items become events.
func (s *session) heed(f pb) {
	b, _ := f.at(9)
	switch f.uint(8) {
	case 2:
		if q, ok := b.at(1); ok {
			s.say(pb(nil).num(8, 0).sub(9, pb(nil).sub(3, q)))
		}
	case 0:
		for _, m := range b.all(4) {
			s.later = append(s.later, s.events(m)...)
		}
		if q, ok := b.at(6); ok && b.uint(5) > 0 && b.uint(7) == 0 { // more may follow
			s.say(pb(nil).num(8, 0).sub(9, pb(nil).num(2, b.uint(5)).sub(3, q)))
		}
	}
}

// events reads what an item tells.
func (s *session) events(m pb) []adaptertest.Event {
	body, _ := m.at(6)
	from := m.str(2, 2)
	chat := m.str(3, 2)
	if m.str(3, 3) == "easemob.com" {
		if chat = pairName(s.user, from); from == s.user {
			chat = pairName(s.user, m.str(3, 2))
		}
	}
	e := adaptertest.Event{Chat: chat, User: from}
	switch m.uint(5) {
	case 1:
		switch kind := body.uint(1); kind {
		case 4:
			e.Kind = adaptertest.ReadUp
		case 6:
			e.Kind, e.Message = adaptertest.Deleted, adaptertest.Message{ID: strconv.FormatUint(body.uint(6), 10), Deleted: true}
		case 8:
			e.Kind, e.Message = adaptertest.Edited, adaptertest.Message{ID: strconv.FormatUint(body.uint(11), 10), Text: body.str(4, 2), User: from, Edited: true}
		case 5, 7:
			return nil
		default:
			if body.uint(4, 1) == 6 {
				e.Kind = adaptertest.Typing
				break
			}
			e.Kind, e.Message = adaptertest.Sent, s.message(m)
		}
	case 2:
		e.Chat = body.str(1, 2)
		kind, ok := map[uint64]adaptertest.Kind{17: adaptertest.Joined, 18: adaptertest.Left, 14: adaptertest.Renamed, 1: adaptertest.Gone}[body.uint(2)]
		if !ok {
			return nil
		}
		e.Kind, e.User = kind, body.str(3, 2)
	case 5:
		return s.notices(gjson.ParseBytes(body))
	default:
		return nil
	}
	return []adaptertest.Event{e}
}

// notices reads an item whose payload is JSON.
func (s *session) notices(v gjson.Result) []adaptertest.Event {
	var out []adaptertest.Event
	switch v.Get("type").String() {
	case "presence":
		for _, x := range v.Get("data.values").Array() {
			online := false
			x.Get("status").ForEach(func(_, code gjson.Result) bool { online = online || code.String() != "0"; return true })
			out = append(out, adaptertest.Event{Kind: adaptertest.Presence, User: x.Get("uid").String(), Online: online})
		}
	case "reaction":
		for _, x := range v.Get("data").Array() {
			e := adaptertest.Event{Kind: adaptertest.Reacted, Chat: x.Get("to").String(), Message: adaptertest.Message{ID: x.Get("messageId").String(), Reactions: map[string]int{}}}
			for _, r := range x.Get("reactions").Array() {
				e.Message.Reactions[r.Get("reaction").String()] = int(r.Get("count").Int())
			}
			out = append(out, e)
		}
	}
	return out
}

// message reads a stored message.
func (s *session) message(m pb) adaptertest.Message {
	body, _ := m.at(6)
	id := strconv.FormatUint(m.uint(1), 10)
	out := adaptertest.Message{ID: s.named(id), Text: body.str(4, 2), User: m.str(2, 2), Reactions: map[string]int{}}
	about := gjson.Parse(body.str(9))
	for _, r := range about.Get("reaction").Array() {
		out.Reactions[r.Get("reaction").String()] = int(r.Get("count").Int())
	}
	out.Edited = about.Get("edit_msg").Exists()
	out.Parent = about.Get("thread.msg_parent_id").String()
	return out
}

// named is the id this client chose for a message, or the server's.
func (s *session) named(id string) string {
	if own, ok := s.names[id]; ok {
		return own
	}
	return id
}

// server is the server's id of a message.
func (s *session) server(id string) string {
	for k, v := range s.names {
		if v == id {
			return k
		}
	}
	return id
}

// Next returns the next event of the kind.
func (s *session) Next(kind adaptertest.Kind) adaptertest.Event {
	s.t.Helper()
	deadline := time.After(8 * time.Second)
	for {
		for i := range s.later {
			if e := s.later[i]; e.Kind == kind {
				s.later = slices.Delete(s.later, 0, i+1)
				return e
			}
		}
		s.later = nil
		select {
		case f, ok := <-s.frames:
			if !ok {
				s.t.Fatalf("the link of %s has ended", s.user)
			}
			s.heed(f)
		case <-deadline:
			s.t.Fatalf("%s was not told %s", s.user, kind)
		}
	}
}

// direct reports whether a chat is with a person: groups have decimal ids.
func direct(chat string) bool { return strings.Trim(chat, "0123456789") != "" }

// Direct names a conversation of two by the other one, whom the SDK addresses; the suite compares
// names, so that it is the pair.
func (s *session) Direct(other string) (string, *adaptertest.Failure) {
	return pairName(s.user, other), nil
}

// pairName names the conversation of two people.
func pairName(a, b string) string {
	if b < a {
		a, b = b, a
	}
	return a + "+" + b
}

// peer is whom a pair is with.
func (s *session) peer(chat string) string {
	a, b, ok := strings.Cut(chat, "+")
	switch {
	case !ok:
		return chat
	case a == s.user:
		return b
	}
	return a
}

func (s *session) Group(id string, members ...string) (string, *adaptertest.Failure) {
	s.t.Helper()
	list := slices.DeleteFunc(slices.Clone(members), func(m string) bool { return m == s.user })
	b, f := s.call("POST", "/chatgroups", `{"owner":"`+s.user+`","groupname":"`+id+`","desc":"","members":["`+strings.Join(list, `","`)+`"],"public":true,"approval":false,"allowinvites":true,"maxusers":200}`)
	return b.Get("data.groupid").String(), f
}

func (s *session) Rename(chat, name string) *adaptertest.Failure {
	_, f := s.call("PUT", "/chatgroups/"+chat, `{"groupname":"`+name+`"}`)
	return f
}

func (s *session) Add(chat, user string) *adaptertest.Failure {
	_, f := s.call("POST", "/chatgroups/"+chat+"/invite", `{"usernames":["`+user+`"]}`)
	return f
}

func (s *session) Remove(chat, user string) *adaptertest.Failure {
	_, f := s.call("DELETE", "/chatgroups/"+chat+"/users/"+user, "")
	return f
}

func (s *session) Members(chat string) ([]string, *adaptertest.Failure) {
	b, f := s.call("GET", "/chatgroups/"+chat+"/users?version=v3&pagenum=1&pagesize=20", "")
	var out []string
	for _, m := range b.Get("data").Array() {
		out = append(out, m.Get("owner").String()+m.Get("member").String())
	}
	return out, f
}

func (s *session) Dissolve(chat string) *adaptertest.Failure {
	_, f := s.call("DELETE", "/chatgroups/"+chat, "")
	return f
}

// number is the client's own number of a message: chosen ones always the same.
func (s *session) number(id string) uint64 {
	if id == "" {
		s.next++
		return s.next
	}
	h := fnv.New64a()
	h.Write([]byte(id))
	return h.Sum64() >> 8
}

func (s *session) Send(chat string, m adaptertest.Draft) (adaptertest.Message, *adaptertest.Failure) {
	s.t.Helper()
	to, kind := s.peer(chat), uint64(2)
	if direct(to) {
		kind = 1
	}
	body := pb(nil).num(1, kind).sub(2, pb(nil).text(2, s.user))
	if m.Parent != "" { // a thread is made first, once
		if _, f := s.call("GET", "/thread/"+m.Parent, ""); f != nil {
			if _, f = s.call("POST", "/thread", `{"name":"thread","msg_id":"`+m.Parent+`","group_id":"`+chat+`","owner":"`+s.user+`"}`); f != nil {
				return adaptertest.Message{}, f
			}
		}
		to = m.Parent
	}
	body = body.sub(3, pb(nil).text(2, to)).sub(4, pb(nil).num(1, 0).text(2, m.Text))
	out, f := s.tell(to, s.number(m.ID), kind, body)
	if f != nil {
		return adaptertest.Message{}, f
	}
	id := strconv.FormatUint(out.uint(3), 10)
	if m.ID != "" {
		s.names[id] = m.ID
	}
	return adaptertest.Message{ID: s.named(id), Text: m.Text, User: s.user, Parent: m.Parent}, nil
}

func (s *session) Edit(chat, id, text string) (adaptertest.Message, *adaptertest.Failure) {
	s.t.Helper()
	n, err := strconv.ParseUint(s.server(id), 10, 64)
	if err != nil {
		n = 1 // the SDK sends numbers only
	}
	s.next++
	_, f := s.tell(chat, s.next, 2, pb(nil).num(1, 8).sub(2, pb(nil).text(2, s.user)).sub(3, pb(nil).text(2, chat)).sub(4, pb(nil).num(1, 0).text(2, text)).num(11, n).num(12, 1))
	return adaptertest.Message{ID: id, Text: text, User: s.user, Edited: true}, f
}

func (s *session) Delete(chat, id string) *adaptertest.Failure {
	s.t.Helper()
	n, _ := strconv.ParseUint(s.server(id), 10, 64)
	s.next++
	_, f := s.tell(chat, s.next, 2, pb(nil).num(1, 6).sub(2, pb(nil).text(2, s.user)).sub(3, pb(nil).text(2, chat)).sub(4, pb(nil)).num(6, n))
	return f
}

func (s *session) React(_, id, kind string) *adaptertest.Failure {
	_, f := s.call("POST", "/reaction/user/"+s.user, `{"msgId":"`+s.server(id)+`","message":"`+kind+`"}`)
	return f
}

func (s *session) Unreact(_, id, kind string) *adaptertest.Failure {
	_, f := s.call("DELETE", "/reaction/user/"+s.user+"?msgId="+s.server(id)+"&message="+kind, "")
	return f
}

// Get looks a message up in the history: the vendor has no call for one message. What is not there is
// asked for by the one call that says so.
func (s *session) Get(chat, id string) (adaptertest.Message, *adaptertest.Failure) {
	s.t.Helper()
	list, f := s.History(chat, "", 50)
	if f != nil {
		return adaptertest.Message{}, f
	}
	for _, m := range list {
		if m.ID == id {
			b, f := s.call("GET", "/thread/"+s.server(id), "")
			if f == nil {
				m.Replies = int(b.Get("data.message_count").Int())
			}
			return m, nil
		}
	}
	_, f = s.call("GET", "/users/"+s.user+"/offline_msg_status/"+url.PathEscape(id), "")
	return adaptertest.Message{Deleted: true}, f
}

func (s *session) History(chat, before string, limit int) ([]adaptertest.Message, *adaptertest.Failure) {
	s.t.Helper()
	queue := s.peer(chat) + "@conference.easemob.com"
	if direct(s.peer(chat)) {
		queue = s.peer(chat) + "@easemob.com"
	}
	return s.roam(queue, before, limit)
}

// roam reads a page of a queue, oldest first.
func (s *session) roam(queue, before string, limit int) ([]adaptertest.Message, *adaptertest.Failure) {
	s.t.Helper()
	b, f := s.call("POST", "/users/"+s.user+"/messageroaming", fmt.Sprintf(`{"queue":%q,"start":%q,"pull_number":%d,"is_positive":false,"msgType":"","end":-1}`, queue, s.server(before), limit))
	var out []adaptertest.Message
	for _, x := range b.Get("data.msgs").Array() {
		raw, err := base64.StdEncoding.DecodeString(x.Get("msg").String())
		if err != nil {
			s.t.Fatal(err)
		}
		out = append(out, s.message(raw))
	}
	slices.Reverse(out)
	return out, f
}

func (s *session) Thread(_, parent string) ([]adaptertest.Message, *adaptertest.Failure) {
	return s.roam(s.server(parent)+"@conference.easemob.com", "", 50)
}

// Read acknowledges the conversation, which clears its count, and its last message, which is told.
func (s *session) Read(chat string) *adaptertest.Failure {
	s.t.Helper()
	s.next++
	_, f := s.tell(chat, s.next, 2, pb(nil).num(1, 7).sub(2, pb(nil).text(2, s.user)).sub(3, pb(nil).text(2, chat)).sub(4, pb(nil)))
	if f != nil {
		return f
	}
	list, f := s.History(chat, "", 1)
	if f != nil || len(list) == 0 {
		return f
	}
	n, _ := strconv.ParseUint(list[0].ID, 10, 64)
	s.next++
	_, f = s.tell(chat, s.next, 2, pb(nil).num(1, 4).sub(2, pb(nil).text(2, s.user)).sub(3, pb(nil).text(2, chat)).sub(4, pb(nil)).num(6, n).sub(7, pb(nil).num(1, 1)))
	return f
}

func (s *session) Unread(chat string) (int, *adaptertest.Failure) {
	b, f := s.call("GET", "/sdk/user/"+s.user+"/user_channels/list?&limit=20&cursor=&need_mark=true&needEmptySession=false", "")
	for _, c := range b.Get("data.channel_infos").Array() {
		if c.Get("session_to").String() == s.peer(chat) {
			return int(c.Get("unread_num").Int()), f
		}
	}
	return 0, f
}

func (s *session) Typing(chat string) *adaptertest.Failure {
	s.t.Helper()
	s.next++
	_, f := s.tell(chat, s.next, 2, pb(nil).num(1, 2).sub(2, pb(nil).text(2, s.user)).sub(3, pb(nil).text(2, chat)).sub(4, pb(nil).num(1, 6).text(10, "TypingBegin")))
	return f
}

func (s *session) Follow(users ...string) *adaptertest.Failure {
	_, f := s.call("POST", "/users/"+s.user+"/presence/3600", `{"usernames":["`+strings.Join(users, `","`)+`"]}`)
	return f
}

func (s *session) Mute(string) *adaptertest.Failure { return nil }

func (s *session) Muted() ([]string, *adaptertest.Failure) { return nil, nil }

// Ban puts somebody on the group's block list, which ends their membership.
func (s *session) Ban(chat, user string) *adaptertest.Failure {
	_, f := s.call("POST", "/chatgroups/"+chat+"/blocks/users/"+user, "")
	return f
}

// Unban takes somebody off it, and lets them in again.
func (s *session) Unban(chat, user string) *adaptertest.Failure {
	if _, f := s.call("DELETE", "/chatgroups/"+chat+"/blocks/users/"+user, ""); f != nil {
		return f
	}
	return s.Add(chat, user)
}

func TestScenarios(t *testing.T) { adaptertest.Scenarios(t, vendor()) }

func TestScenariosThroughTheFront(t *testing.T) { adaptertest.Fronted(t, vendor()) }

func TestScenariosOnARemoteCore(t *testing.T) { adaptertest.OnRemoteCore(t, vendor()) }
