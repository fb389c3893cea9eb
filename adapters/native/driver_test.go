package native_test

import (
	"context"
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
	"dragoman/adapters/native"
	"dragoman/core"
	"dragoman/normalize"
)

// driver speaks this API as a client would.
type driver struct{}

// session is one person's client.
type session struct {
	*api
	user, token string
	conn        io.ReadWriteCloser
	frames      chan string
	close       func()
}

// Join opens the live link and waits until it is live.
func (driver) Join(t *testing.T, w *adaptertest.World, user string) adaptertest.Session {
	t.Helper()
	s := dial(&api{t: t, w: w}, user, "")
	for s.frame().Get("type").String() != "live" {
	}
	return s
}

// dial opens the live link with more of a query.
func dial(a *api, user, more string) *session {
	a.t.Helper()
	s := dialWith(a, url.QueryEscape(token(user))+more)
	s.user, s.token = user, token(user)
	return s
}

// dialWith opens the live link with the rest of a query that begins with a token.
func dialWith(a *api, query string) *session {
	a.t.Helper()
	s := &session{api: a, frames: make(chan string, 10000)}
	conn, early, _, err := ws.Dial(context.Background(), "ws"+strings.TrimPrefix(a.w.URL, "http")+"/v1/live?token="+query)
	if err != nil {
		a.t.Fatal(err)
	}
	s.conn = conn
	var in io.Reader = conn
	if early != nil {
		in = io.MultiReader(early, conn)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(s.frames)
		for {
			data, err := wsutil.ReadServerText(struct {
				io.Reader
				io.Writer
			}{in, conn})
			if err != nil {
				return
			}
			s.frames <- string(data)
		}
	}()
	var once sync.Once
	s.close = func() {
		once.Do(func() {
			_ = conn.Close()
			<-done
		})
	}
	a.t.Cleanup(s.close)
	return s
}

// Knock asks with a token that has expired.
func (driver) Knock(t *testing.T, w *adaptertest.World, user string, expired time.Time) *adaptertest.Failure {
	t.Helper()
	s := &session{api: &api{t: t, w: w}, user: user, token: native.UserToken(testKey, testSecret, core.UserID(user), expired.Add(-time.Hour), expired)}
	_, f := s.call("GET", "/me", "")
	return f
}

// Close ends the link.
func (s *session) Close() { s.close() }

// say sends one frame.
func (s *session) say(frame string) {
	s.t.Helper()
	if err := wsutil.WriteClientText(s.conn, []byte(frame)); err != nil {
		s.t.Fatal(err)
	}
}

// frame is the next frame of the link.
func (s *session) frame() gjson.Result {
	s.t.Helper()
	select {
	case f, ok := <-s.frames:
		if !ok {
			s.t.Fatalf("the link of %s has ended", s.user)
		}
		return gjson.Parse(f)
	case <-time.After(5 * time.Second):
		s.t.Fatalf("nothing came for %s", s.user)
	}
	return gjson.Result{}
}

// call makes one call.
func (s *session) call(method, path, body string) (gjson.Result, *adaptertest.Failure) {
	s.t.Helper()
	r := s.raw(method, "/v1"+path, body, "Authorization", "Bearer "+s.token)
	if r.status < 400 {
		return r.body, nil
	}
	f := &adaptertest.Failure{
		Status: r.status, Code: []byte(r.body.Get("code").Raw), Message: r.body.Get("detail").String(),
		Reason: r.body.Get("code").String(), Header: map[string]string{},
	}
	for k := range r.header {
		f.Header[k] = r.header.Get(k)
	}
	if !strings.Contains(f.Header[normalize.HeaderError], f.Reason) || f.Header["Content-Type"] != "application/problem+json" ||
		int(r.body.Get("status").Int()) != r.status || r.body.Get("dragoman_error").Exists() || r.body.Get("original").Exists() {
		s.t.Errorf("%s %s: status %d, headers %v with %.600s", method, path, r.status, f.Header, r.body.Raw)
	}
	return r.body, f
}

func text(s string) string { return string(normalize.AppendString(nil, s)) }

func (s *session) Direct(other string) (string, *adaptertest.Failure) {
	v, f := s.call("POST", "/directs", `{"users":[`+text(other)+`]}`)
	return v.Get("channel.id").String(), f
}

func (s *session) Group(id string, members ...string) (string, *adaptertest.Failure) {
	var list []string
	for _, m := range members {
		if m != s.user {
			list = append(list, `{"user":`+text(m)+`}`)
		}
	}
	v, f := s.call("POST", "/channels", `{"id":`+text(id)+`,"name":`+text(id)+`,"members":[`+strings.Join(list, ",")+`]}`)
	return v.Get("channel.id").String(), f
}

// on is the path of a channel.
func on(chat string) string { return "/channels/" + url.PathEscape(chat) }

// of is the path of a message.
func of(id string) string { return "/messages/" + url.PathEscape(id) }

func (s *session) Rename(chat, name string) *adaptertest.Failure {
	_, f := s.call("PATCH", on(chat), `{"name":`+text(name)+`}`)
	return f
}

func (s *session) Add(chat, user string) *adaptertest.Failure {
	_, f := s.call("PUT", on(chat)+"/members/"+user, "")
	return f
}

func (s *session) Remove(chat, user string) *adaptertest.Failure {
	_, f := s.call("DELETE", on(chat)+"/members/"+user, "")
	return f
}

func (s *session) Members(chat string) ([]string, *adaptertest.Failure) {
	v, f := s.call("GET", on(chat)+"/members", "")
	var out []string
	for _, u := range v.Get("items.#.user.id").Array() {
		out = append(out, u.String())
	}
	return out, f
}

func (s *session) Dissolve(chat string) *adaptertest.Failure {
	_, f := s.call("DELETE", on(chat), "")
	return f
}

func (s *session) Send(chat string, m adaptertest.Draft) (adaptertest.Message, *adaptertest.Failure) {
	v, f := s.call("POST", on(chat)+"/messages", `{"id":`+text(m.ID)+`,"text":`+text(m.Text)+`,"parent":`+text(m.Parent)+`}`)
	return message(v), f
}

func (s *session) Edit(_, id, txt string) (adaptertest.Message, *adaptertest.Failure) {
	v, f := s.call("PATCH", of(id), `{"text":`+text(txt)+`}`)
	return message(v), f
}

func (s *session) Delete(_, id string) *adaptertest.Failure {
	_, f := s.call("DELETE", of(id), "")
	return f
}

func (s *session) React(_, id, kind string) *adaptertest.Failure {
	_, f := s.call("PUT", of(id)+"/reactions/"+kind, "")
	return f
}

func (s *session) Unreact(_, id, kind string) *adaptertest.Failure {
	_, f := s.call("DELETE", of(id)+"/reactions/"+kind, "")
	return f
}

func (s *session) Get(_, id string) (adaptertest.Message, *adaptertest.Failure) {
	v, f := s.call("GET", of(id), "")
	return message(v), f
}

func (s *session) History(chat, before string, limit int) ([]adaptertest.Message, *adaptertest.Failure) {
	v, f := s.call("GET", on(chat)+"/messages?"+url.Values{"limit": {fmt.Sprint(limit)}, "before": {before}}.Encode(), "")
	return messages(v), f
}

func (s *session) Thread(_, parent string) ([]adaptertest.Message, *adaptertest.Failure) {
	v, f := s.call("GET", of(parent)+"/replies", "")
	return messages(v), f
}

func (s *session) Read(chat string) *adaptertest.Failure {
	_, f := s.call("PUT", on(chat)+"/read", "")
	return f
}

func (s *session) Unread(chat string) (int, *adaptertest.Failure) {
	v, f := s.call("GET", "/unread", "")
	return int(v.Get(`channels.#(channel=="` + chat + `").count`).Int()), f
}

func (s *session) Typing(chat string) *adaptertest.Failure {
	s.say(`{"type":"typing","channel":` + text(chat) + `}`)
	return nil
}

func (s *session) Follow(users ...string) *adaptertest.Failure {
	s.say(`{"type":"follow","id":"f","users":["` + strings.Join(users, `","`) + `"]}`)
	for {
		if v := s.frame(); v.Get("id").String() == "f" {
			if v.Get("type").String() != "ok" {
				return &adaptertest.Failure{Message: v.Raw}
			}
			return nil
		}
	}
}

func (s *session) Mute(user string) *adaptertest.Failure {
	_, f := s.call("PUT", "/mutes/"+user, "")
	return f
}

func (s *session) Muted() ([]string, *adaptertest.Failure) {
	v, f := s.call("GET", "/mutes", "")
	var out []string
	for _, u := range v.Get("items.#.user.id").Array() {
		out = append(out, u.String())
	}
	return out, f
}

func (s *session) Ban(chat, user string) *adaptertest.Failure {
	_, f := s.call("PUT", on(chat)+"/bans/"+user, "")
	return f
}

func (s *session) Unban(chat, user string) *adaptertest.Failure {
	_, f := s.call("DELETE", on(chat)+"/bans/"+user, "")
	return f
}

// kinds are the kinds of events in neutral words.
var kinds = map[string]adaptertest.Kind{
	"message.sent": adaptertest.Sent, "message.edited": adaptertest.Edited, "message.deleted": adaptertest.Deleted,
	"reaction.added": adaptertest.Reacted, "member.added": adaptertest.Joined, "member.removed": adaptertest.Left,
	"channel.updated": adaptertest.Renamed, "channel.deleted": adaptertest.Gone, "read.moved": adaptertest.ReadUp,
	"typing.started": adaptertest.Typing, "user.presence": adaptertest.Presence,
}

func (s *session) Next(kind adaptertest.Kind) adaptertest.Event {
	s.t.Helper()
	for {
		f := s.frame()
		v := f.Get("event")
		if f.Get("type").String() != "event" || kinds[v.Get("kind").String()] != kind {
			continue
		}
		e := adaptertest.Event{Kind: kind, Chat: v.Get("channel_id").String(), User: v.Get("user.id").String(), Online: v.Get("user.online").Bool(), Message: message(v.Get("message"))}
		if t := v.Get("target.id"); t.Exists() {
			e.User = t.String()
		}
		if e.User == s.user && (kind == adaptertest.Sent || kind == adaptertest.Typing) {
			continue // the echo of one's own
		}
		return e
	}
}

// message reads a message object.
func message(v gjson.Result) adaptertest.Message {
	m := adaptertest.Message{
		ID: v.Get("id").String(), Text: v.Get("text").String(), User: v.Get("user.id").String(), Parent: v.Get("parent").String(),
		Deleted: v.Get("deleted_at").Exists(), Edited: v.Get("edited_at").Exists(), Replies: int(v.Get("reply_count").Int()),
		Reactions: map[string]int{},
	}
	for _, r := range v.Get("reactions").Array() {
		m.Reactions[r.Get("type").String()] = int(r.Get("count").Int())
	}
	return m
}

// messages reads a list of messages.
func messages(v gjson.Result) []adaptertest.Message {
	var out []adaptertest.Message
	for _, m := range v.Get("items").Array() {
		if m.Get("kind").String() != "system" {
			out = append(out, message(m))
		}
	}
	return out
}

func TestScenariosOnARemoteCore(t *testing.T) { adaptertest.OnRemoteCore(t, vendor()) }
