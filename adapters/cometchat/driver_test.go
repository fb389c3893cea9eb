package cometchat_test

import (
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/tidwall/gjson"

	"dragoman/adapters/adaptertest"
	"dragoman/adapters/cometchat"
	jsonw "dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/normalize"
)

// driver speaks CometChat's wire as its JS SDK does.
type driver struct{}

// session is one logged in person.
type session struct {
	*api
	user, token, device string
	conn                io.ReadWriteCloser
	frames              chan string
	close               func()
}

// Join logs in with an auth token, opens the socket and waits until it is admitted.
func (driver) Join(t *testing.T, w *adaptertest.World, user string) adaptertest.Session {
	t.Helper()
	s := &session{
		api: &api{t: t, w: w}, user: user, device: "WEB-4_2_0-" + user + fmt.Sprint(time.Now().UnixNano()), frames: make(chan string, 1000),
		token: cometchat.UserToken(w.Creds["full_access_key"], core.UserID(user), time.Now(), time.Time{}),
	}
	me, f := s.call("PUT", "/me", `{"platform":"WEB","deviceId":"`+s.device+`"}`)
	if f != nil {
		t.Fatalf("%s cannot log in: %+v", user, f)
	}
	nc, br, _, err := ws.Dial(t.Context(), "ws"+strings.TrimPrefix(w.URL, "http")+"/")
	if err != nil {
		t.Fatal(err)
	}
	s.conn = nc
	var in io.Reader = nc
	if br != nil {
		in = br
	}
	closed, ended := make(chan struct{}), make(chan struct{})
	s.close = sync.OnceFunc(func() {
		close(closed)
		_ = nc.Close()
	})
	t.Cleanup(func() {
		s.close()
		<-ended
	})
	go func() {
		defer close(ended)
		defer close(s.frames)
		for {
			b, op, err := wsutil.ReadServerData(struct {
				io.Reader
				io.Writer
			}{in, nc})
			if err != nil {
				return
			}
			if op != ws.OpText {
				continue
			}
			select {
			case s.frames <- string(b):
			case <-closed:
				return
			}
		}
	}()
	s.say(fmt.Sprintf(`{"appId":"app1","deviceId":%q,"type":"auth","sender":%q,"body":{"auth":%q,"deviceId":%q,"presenceSubscription":"ALL_USERS","params":{}}}`,
		s.device, user, me.Get("jwt").String(), s.device))
	for {
		f := s.frame()
		if f.Get("type").String() != "auth" {
			continue // presence may come first
		}
		if f.Get("body.code").String() != "200" || f.Get("body.status").String() != "OK" {
			t.Fatalf("%s is not admitted: %s", user, f)
		}
		return s
	}
}

// Knock logs in with a token that has expired.
func (driver) Knock(t *testing.T, w *adaptertest.World, user string, expired time.Time) *adaptertest.Failure {
	t.Helper()
	s := &session{api: &api{t: t, w: w}, user: user, token: cometchat.UserToken(w.Creds["full_access_key"], core.UserID(user), expired.Add(-time.Hour), expired)}
	_, f := s.call("PUT", "/me", "{}")
	return f
}

// Close ends the socket.
func (s *session) Close() { s.close() }

// say sends one frame.
func (s *session) say(frame string) {
	s.t.Helper()
	if err := wsutil.WriteClientText(s.conn, []byte(frame)); err != nil {
		s.t.Fatal(err)
	}
}

// frame is the next frame of the socket.
func (s *session) frame() gjson.Result {
	s.t.Helper()
	select {
	case f, ok := <-s.frames:
		if !ok {
			s.t.Fatalf("the socket of %s has ended", s.user)
		}
		return gjson.Parse(f)
	case <-time.After(5 * time.Second):
		s.t.Fatalf("nothing came for %s", s.user)
	}
	return gjson.Result{}
}

// call makes one REST call of the SDK and answers data.
func (s *session) call(method, path, body string) (gjson.Result, *adaptertest.Failure) {
	s.t.Helper()
	r := s.raw(method, "/v3.0"+path, body, "appId", "app1", "authToken", s.token, "resource", s.device, "sdk", "javascript@4.2.0", "Accept", "application/json")
	if r.code() == "" {
		if r.status != 200 {
			s.t.Errorf("%s %s: a success with status %d", method, path, r.status)
		}
		return r.data(""), nil
	}
	f := &adaptertest.Failure{
		Status: r.status, Code: []byte(r.body.Get("error.code").Raw), Message: r.body.Get("error.message").String(),
		Reason: r.body.Get("dragoman_error.code").String(), Header: map[string]string{},
	}
	for k := range r.header {
		f.Header[k] = r.header.Get(k)
	}
	if !strings.Contains(f.Header[normalize.HeaderError], f.Reason) {
		s.t.Errorf("%s %s: status %d with %.400s", method, path, r.status, r.body.Raw)
	}
	return r.body, f
}

// text writes an object of texts.
func text(pairs ...string) string {
	w := jsonw.NewWriter(128)
	w.Open()
	for i := 0; i+1 < len(pairs); i += 2 {
		w.TextIf(pairs[i], pairs[i+1])
	}
	w.Close()
	return string(w.Bytes())
}

// chats are named by their conversation ids; to splits one into what the paths want.
func (s *session) to(chat string) (kind, id string) {
	if guid, ok := strings.CutPrefix(chat, "group_"); ok {
		return "group", guid
	}
	a, b, _ := strings.Cut(chat, "_user_")
	if a == s.user {
		return "user", b
	}
	return "user", a
}

func guid(chat string) string { return strings.TrimPrefix(chat, "group_") }

// conversation is the path of a chat.
func (s *session) conversation(chat string) string {
	kind, id := s.to(chat)
	return "/" + kind + "s/" + id
}

func (s *session) Direct(other string) (string, *adaptertest.Failure) {
	v, f := s.call("GET", "/users/"+other, "")
	return v.Get("conversationId").String(), f
}

func (s *session) Group(id string, members ...string) (string, *adaptertest.Failure) {
	v, f := s.call("POST", "/groups", text("guid", id, "name", id, "type", "private"))
	if f != nil {
		return "", f
	}
	for _, m := range members {
		if m != s.user {
			if f := s.Add("group_"+id, m); f != nil {
				return "", f
			}
		}
	}
	return v.Get("conversationId").String(), nil
}

func (s *session) Rename(chat, name string) *adaptertest.Failure {
	_, f := s.call("PUT", "/groups/"+guid(chat), text("name", name))
	return f
}

func (s *session) Add(chat, user string) *adaptertest.Failure {
	_, f := s.call("PUT", "/groups/"+guid(chat)+"/members", `{"participants":["`+user+`"]}`)
	return f
}

func (s *session) Remove(chat, user string) *adaptertest.Failure {
	_, f := s.call("DELETE", "/groups/"+guid(chat)+"/members/"+user, "")
	return f
}

func (s *session) Members(chat string) ([]string, *adaptertest.Failure) {
	v, f := s.call("GET", "/groups/"+guid(chat)+"/members?per_page=100", "")
	var out []string
	for _, u := range v.Get("#.uid").Array() {
		out = append(out, u.String())
	}
	return out, f
}

func (s *session) Dissolve(chat string) *adaptertest.Failure {
	_, f := s.call("DELETE", "/groups/"+guid(chat), "")
	return f
}

func (s *session) Send(chat string, m adaptertest.Draft) (adaptertest.Message, *adaptertest.Failure) {
	kind, id := s.to(chat)
	path := "/messages"
	if m.Parent != "" {
		path += "/" + m.Parent + "/thread"
	}
	w := jsonw.NewWriter(256)
	w.Open()
	w.Text("receiver", id)
	w.Text("receiverType", kind)
	w.Text("category", "message")
	w.Text("type", "text")
	w.TextIf("muid", m.ID)
	w.Object("data")
	w.Text("text", m.Text)
	w.Close()
	w.Close()
	v, f := s.call("POST", path, string(w.Bytes()))
	return wireMessage(v), f
}

func (s *session) Edit(_, id, txt string) (adaptertest.Message, *adaptertest.Failure) {
	v, f := s.call("PUT", "/messages/"+id, `{"data":`+text("text", txt)+`}`)
	return wireMessage(v.Get("data.entities.on.entity")), f
}

func (s *session) Delete(_, id string) *adaptertest.Failure {
	_, f := s.call("DELETE", "/messages/"+id, `{"id":"`+id+`"}`)
	return f
}

func (s *session) React(_, id, kind string) *adaptertest.Failure {
	_, f := s.call("POST", "/messages/"+id+"/reactions/"+url.PathEscape(kind), "")
	return f
}

func (s *session) Unreact(_, id, kind string) *adaptertest.Failure {
	_, f := s.call("DELETE", "/messages/"+id+"/reactions/"+url.PathEscape(kind), "")
	return f
}

func (s *session) Get(_, id string) (adaptertest.Message, *adaptertest.Failure) {
	v, f := s.call("GET", "/messages/"+id, "")
	return wireMessage(v), f
}

func (s *session) History(chat, before string, limit int) ([]adaptertest.Message, *adaptertest.Failure) {
	q := url.Values{"affix": {"prepend"}, "per_page": {fmt.Sprint(limit)}, "categories": {"message"}, "hideReplies": {"true"}}
	if before != "" {
		q.Set("id", before)
	}
	v, f := s.call("GET", s.conversation(chat)+"/messages?"+q.Encode(), "")
	return messages(v), f
}

func (s *session) Thread(_, parent string) ([]adaptertest.Message, *adaptertest.Failure) {
	v, f := s.call("GET", "/messages/"+parent+"/thread?per_page=20&affix=prepend", "")
	return messages(v), f
}

func (s *session) Read(chat string) *adaptertest.Failure {
	_, f := s.call("POST", s.conversation(chat)+"/conversation/read", "")
	return f
}

func (s *session) Unread(chat string) (int, *adaptertest.Failure) {
	_, id := s.to(chat)
	v, f := s.call("GET", "/messages?unread=1&count=1", "")
	return int(v.Get(`#(entityId=="` + id + `").count`).Int()), f
}

func (s *session) Typing(chat string) *adaptertest.Failure {
	kind, id := s.to(chat)
	s.say(fmt.Sprintf(`{"appId":"app1","receiver":%q,"receiverType":%q,"deviceId":%q,"type":"typing_indicator","sender":%q,"body":{"action":"started","user":{"uid":%q}}}`,
		id, kind, s.device, s.user, s.user))
	return nil
}

// Follow asks for nothing: the auth frame asked for the presence of everybody.
func (s *session) Follow(...string) *adaptertest.Failure { return nil }

func (s *session) Mute(user string) *adaptertest.Failure {
	_, f := s.call("PUT", "/notifications/push/v1/preferences/mute", `{"conversations":[{"id":"`+user+`","type":"oneOnOne"}]}`)
	return f
}

func (s *session) Muted() ([]string, *adaptertest.Failure) {
	v, f := s.call("GET", "/notifications/push/v1/preferences/mute", "")
	var out []string
	for _, m := range v.Get("mutedConversations.#.id").Array() {
		out = append(out, m.String())
	}
	return out, f
}

func (s *session) Ban(chat, user string) *adaptertest.Failure {
	_, f := s.call("POST", "/groups/"+guid(chat)+"/bannedusers/"+user, "")
	return f
}

// Unban lifts the ban and brings the person back: a ban has ended the membership.
func (s *session) Unban(chat, user string) *adaptertest.Failure {
	if _, f := s.call("DELETE", "/groups/"+guid(chat)+"/bannedusers/"+user, ""); f != nil {
		return f
	}
	return s.Add(chat, user)
}

// actionKinds are the actions of action messages in neutral words.
var actionKinds = map[string]adaptertest.Kind{
	"edited": adaptertest.Edited, "deleted": adaptertest.Deleted, "added": adaptertest.Joined, "joined": adaptertest.Joined,
	"kicked": adaptertest.Left, "left": adaptertest.Left, "banned": adaptertest.Left,
}

// Next skips what the SDK would: frames of its own device.
func (s *session) Next(kind adaptertest.Kind) adaptertest.Event {
	s.t.Helper()
	for {
		v := s.frame()
		if v.Get("deviceId").String() == s.device {
			continue
		}
		e := s.event(v)
		if e.Kind != kind {
			continue
		}
		if kind == adaptertest.Reacted {
			m, f := s.Get("", e.Message.ID) // the frame tells the reaction alone
			if f != nil {
				s.t.Fatalf("the message reacted to: %+v", f)
			}
			e.Message = m
		}
		return e
	}
}

// event reads a frame.
func (s *session) event(v gjson.Result) adaptertest.Event {
	b := v.Get("body")
	e := adaptertest.Event{User: b.Get("user.uid").String(), Chat: b.Get("conversationId").String()}
	if e.Chat == "" {
		e.Chat = "group_" + v.Get("receiver").String()
	}
	switch v.Get("type").String() {
	case "message":
		if b.Get("category").String() != "action" {
			e.Kind, e.User, e.Message = adaptertest.Sent, b.Get("sender").String(), wireMessage(b)
			return e
		}
		on := b.Get("data.entities.on")
		e.Kind = actionKinds[b.Get("data.action").String()]
		e.User = on.Get("entity.uid").String()
		if on.Get("entityType").String() == "message" {
			e.User, e.Message = b.Get("data.entities.by.entity.uid").String(), wireMessage(on.Get("entity"))
		}
	case "reaction":
		e.Kind, e.User, e.Message.ID = adaptertest.Reacted, b.Get("uid").String(), b.Get("messageId").String()
	case "receipts":
		if b.Get("action").String() == "read" {
			e.Kind = adaptertest.ReadUp
		}
	case "typing_indicator":
		e.Kind = adaptertest.Typing
	case "presence":
		e.Kind, e.Online = adaptertest.Presence, b.Get("action").String() != "offline"
	}
	return e
}

// wireMessage reads a message object. An id of the client's own is what the client knows it by.
func wireMessage(v gjson.Result) adaptertest.Message {
	m := adaptertest.Message{
		ID: v.Get("id").String(), Text: v.Get("data.text").String(), User: v.Get("sender").String(), Parent: v.Get("parentId").String(),
		Deleted: v.Get("deletedAt").Exists(), Edited: v.Get("editedAt").Exists(), Replies: int(v.Get("replyCount").Int()),
		Reactions: map[string]int{},
	}
	if muid := v.Get("muid").String(); muid != "" {
		m.ID = muid
	}
	for _, r := range v.Get("data.reactions").Array() {
		m.Reactions[r.Get("reaction").String()] = int(r.Get("count").Int())
	}
	return m
}

// messages reads a list of messages.
func messages(v gjson.Result) []adaptertest.Message {
	var out []adaptertest.Message
	for _, m := range v.Array() {
		out = append(out, wireMessage(m))
	}
	return out
}

func TestScenarios(t *testing.T) { adaptertest.Scenarios(t, vendor()) }

func TestScenariosThroughTheFront(t *testing.T) { adaptertest.Fronted(t, vendor()) }

func TestScenariosOnARemoteCore(t *testing.T) { adaptertest.OnRemoteCore(t, vendor()) }
