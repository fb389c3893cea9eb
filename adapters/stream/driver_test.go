package stream_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/tidwall/gjson"

	"dragoman/adapters/adaptertest"
	"dragoman/adapters/stream"
	jsonw "dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/normalize"
)

// driver speaks Stream's wire as its JS SDK does.
type driver struct{}

// Join opens the socket and waits for the first frame.
func (driver) Join(t *testing.T, w *adaptertest.World, user string) adaptertest.Session {
	t.Helper()
	s := &session{t: t, w: w, user: user, token: stream.UserToken(w.Creds["api_secret"], core.UserID(user)), frames: make(chan string, 1000)}
	q := url.Values{
		"api_key": {w.Creds["api_key"]}, "authorization": {s.token}, "stream-auth-type": {"jwt"},
		"json": {fmt.Sprintf(`{"user_id":%q,"user_details":{"id":%q}}`, user, user)},
	}
	nc, br, _, err := ws.Dial(t.Context(), "ws"+strings.TrimPrefix(w.URL, "http")+"/connect?"+q.Encode())
	if err != nil {
		t.Fatal(err)
	}
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
	first := s.frame()
	s.conn = first.Get("connection_id").String()
	if first.Get("type").String() != "health.check" || s.conn == "" {
		t.Fatalf("the first frame of %s is %s", user, first)
	}
	s.mutes = first.Get("me.mutes.#.target.id")
	return s
}

// Knock reads the app with a token that has expired.
func (driver) Knock(t *testing.T, w *adaptertest.World, user string, expired time.Time) *adaptertest.Failure {
	t.Helper()
	s := &session{t: t, w: w, user: user, token: expiredToken(w.Creds["api_secret"], user, expired)}
	_, f := s.call("GET", "/app", nil, nil)
	return f
}

// expiredToken signs a token with an expiry.
func expiredToken(secret, user string, exp time.Time) string {
	enc := base64.RawURLEncoding
	head := enc.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + enc.EncodeToString(fmt.Appendf(nil, `{"user_id":%q,"exp":%d}`, user, exp.Unix()))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(head))
	return head + "." + enc.EncodeToString(mac.Sum(nil))
}

// session is one connected user; conn is empty for a backend.
type session struct {
	t      *testing.T
	w      *adaptertest.World
	user   string
	token  string
	conn   string
	frames chan string
	mutes  gjson.Result
	close  func()
}

// Close ends the socket.
func (s *session) Close() { s.close() }

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

// call makes one REST call; write puts the members of the body.
func (s *session) call(method, path string, query url.Values, write func(*jsonw.Writer)) (gjson.Result, *adaptertest.Failure) {
	s.t.Helper()
	q := url.Values{"api_key": {s.w.Creds["api_key"]}}
	if s.user != "" {
		q.Set("user_id", s.user)
	}
	if s.conn != "" {
		q.Set("connection_id", s.conn)
	}
	for k, v := range query {
		q[k] = v
	}
	var body []byte
	if write != nil {
		w := jsonw.NewWriter(256)
		w.Open()
		write(w)
		w.Close()
		body = w.Bytes()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	rq, err := http.NewRequestWithContext(ctx, method, s.w.URL+path+"?"+q.Encode(), bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	rq.Header.Set("Authorization", s.token)
	rq.Header.Set("Stream-Auth-Type", "jwt")
	rq.Header.Set("Content-Type", "application/json")
	rq.Header.Set("X-Stream-Client", "stream-chat-js-v9.49.0-node")
	rs, err := client.Do(rq)
	if err != nil {
		s.t.Fatal(err)
	}
	defer rs.Body.Close()
	b, err := io.ReadAll(rs.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return judge(s.t, method, path, rs, b)
}

// client keeps no connection: a server that ends must not wait for one.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// judge tells an answer from a refusal and checks what every answer has.
func judge(t *testing.T, method, path string, rs *http.Response, b []byte) (gjson.Result, *adaptertest.Failure) {
	t.Helper()
	v := gjson.ParseBytes(b)
	if !gjson.ValidBytes(b) || !v.IsObject() {
		t.Fatalf("%s %s: status %d, not JSON: %.200s", method, path, rs.StatusCode, b)
	}
	if rs.StatusCode < 300 {
		if v.Get("duration").Type != gjson.String {
			t.Errorf("%s %s: no duration in %.200s", method, path, b)
		}
		return v, nil
	}
	f := &adaptertest.Failure{
		Status: rs.StatusCode, Code: []byte(v.Get("code").Raw), Message: v.Get("message").String(),
		Reason: v.Get("dragoman_error.code").String(), Header: map[string]string{},
	}
	for k := range rs.Header {
		f.Header[k] = rs.Header.Get(k)
	}
	if v.Get("StatusCode").Int() != int64(rs.StatusCode) || v.Get("details").Raw != "[]" || !strings.Contains(f.Header[normalize.HeaderError], f.Reason) {
		t.Errorf("%s %s: status %d with %.400s", method, path, rs.StatusCode, b)
	}
	return v, f
}

// backend is a server's session that acts for nobody.
func (s *session) backend() *session {
	return &session{t: s.t, w: s.w, token: stream.ServerToken(s.w.Creds["api_secret"])}
}

// path is the path of a chat, whose name is its cid.
func path(chat string) string { return "/channels/" + strings.Replace(chat, ":", "/", 1) }

func (s *session) Direct(other string) (string, *adaptertest.Failure) {
	return s.open("/channels/messaging/query", s.user, other)
}

func (s *session) Group(id string, members ...string) (string, *adaptertest.Failure) {
	return s.open("/channels/messaging/"+id+"/query", members...)
}

func (s *session) open(path string, members ...string) (string, *adaptertest.Failure) {
	v, f := s.call("POST", path, nil, func(w *jsonw.Writer) {
		w.Object("data")
		w.Texts("members", members)
		w.Close()
		w.Bool("watch", true)
		w.Bool("state", true)
	})
	return v.Get("channel.cid").String(), f
}

func (s *session) Rename(chat, name string) *adaptertest.Failure {
	_, f := s.call("PATCH", path(chat), nil, func(w *jsonw.Writer) {
		w.Object("set")
		w.Text("name", name)
		w.Close()
	})
	return f
}

func (s *session) Add(chat, user string) *adaptertest.Failure {
	_, f := s.call("POST", path(chat), nil, func(w *jsonw.Writer) { w.Texts("add_members", []string{user}) })
	return f
}

func (s *session) Remove(chat, user string) *adaptertest.Failure {
	_, f := s.call("POST", path(chat), nil, func(w *jsonw.Writer) { w.Texts("remove_members", []string{user}) })
	return f
}

func (s *session) Members(chat string) ([]string, *adaptertest.Failure) {
	typ, id, _ := strings.Cut(chat, ":")
	v, f := s.call("GET", "/members", url.Values{"payload": {fmt.Sprintf(`{"type":%q,"id":%q,"filter_conditions":{}}`, typ, id)}}, nil)
	return textsOf(v.Get("members.#.user_id")), f
}

func (s *session) Dissolve(chat string) *adaptertest.Failure {
	_, f := s.call("DELETE", path(chat), nil, nil)
	return f
}

func (s *session) Send(chat string, m adaptertest.Draft) (adaptertest.Message, *adaptertest.Failure) {
	v, f := s.call("POST", path(chat)+"/message", nil, func(w *jsonw.Writer) {
		w.Object("message")
		w.TextIf("id", m.ID)
		w.Text("text", m.Text)
		w.TextIf("parent_id", m.Parent)
		w.Close()
	})
	return heard(v.Get("message")), f
}

func (s *session) Edit(_, id, text string) (adaptertest.Message, *adaptertest.Failure) {
	v, f := s.call("PUT", "/messages/"+id, nil, func(w *jsonw.Writer) {
		w.Object("set")
		w.Text("text", text)
		w.Close()
	})
	return heard(v.Get("message")), f
}

func (s *session) Delete(_, id string) *adaptertest.Failure {
	_, f := s.call("DELETE", "/messages/"+id, nil, nil)
	return f
}

func (s *session) React(_, id, kind string) *adaptertest.Failure {
	_, f := s.call("POST", "/messages/"+id+"/reaction", nil, func(w *jsonw.Writer) {
		w.Object("reaction")
		w.Text("type", kind)
		w.Close()
	})
	return f
}

func (s *session) Unreact(_, id, kind string) *adaptertest.Failure {
	_, f := s.call("DELETE", "/messages/"+id+"/reaction/"+kind, nil, nil)
	return f
}

func (s *session) Get(_, id string) (adaptertest.Message, *adaptertest.Failure) {
	v, f := s.call("GET", "/messages/"+id, nil, nil)
	return heard(v.Get("message")), f
}

func (s *session) History(chat, before string, limit int) ([]adaptertest.Message, *adaptertest.Failure) {
	v, f := s.call("POST", path(chat)+"/query", nil, func(w *jsonw.Writer) {
		w.Bool("watch", true)
		w.Bool("state", true)
		w.Object("messages")
		w.Int("limit", limit)
		w.TextIf("id_lt", before)
		w.Close()
	})
	return heardAll(v.Get("messages")), f
}

func (s *session) Thread(_, parent string) ([]adaptertest.Message, *adaptertest.Failure) {
	v, f := s.call("GET", "/messages/"+parent+"/replies", url.Values{"limit": {"20"}}, nil)
	return heardAll(v.Get("messages")), f
}

func (s *session) Read(chat string) *adaptertest.Failure {
	_, f := s.call("POST", path(chat)+"/read", nil, func(*jsonw.Writer) {})
	return f
}

func (s *session) Unread(chat string) (int, *adaptertest.Failure) {
	v, f := s.call("GET", "/unread", nil, nil)
	return int(v.Get(`channels.#(channel_id=="` + chat + `").unread_count`).Int()), f
}

func (s *session) Typing(chat string) *adaptertest.Failure {
	_, f := s.call("POST", path(chat)+"/event", nil, func(w *jsonw.Writer) {
		w.Object("event")
		w.Text("type", "typing.start")
		w.Close()
	})
	return f
}

func (s *session) Follow(users ...string) *adaptertest.Failure {
	w := jsonw.NewWriter(128)
	w.Open()
	w.Object("filter_conditions")
	w.Object("id")
	w.Texts("$in", users)
	w.Close()
	w.Close()
	w.Bool("presence", true)
	w.Close()
	_, f := s.call("GET", "/users", url.Values{"payload": {string(w.Bytes())}}, nil)
	return f
}

func (s *session) Mute(user string) *adaptertest.Failure {
	v, f := s.call("POST", "/moderation/mute", nil, func(w *jsonw.Writer) { w.Text("target_id", user) })
	if f == nil {
		s.mutes = v.Get("own_user.mutes.#.target.id")
	}
	return f
}

func (s *session) Muted() ([]string, *adaptertest.Failure) { return textsOf(s.mutes), nil }

func (s *session) Ban(chat, user string) *adaptertest.Failure {
	_, f := s.backend().call("POST", "/moderation/ban", nil, func(w *jsonw.Writer) {
		w.Text("target_user_id", user)
		w.Text("banned_by_id", s.user)
		w.Text("channel_cid", chat)
	})
	return f
}

func (s *session) Unban(chat, user string) *adaptertest.Failure {
	_, f := s.backend().call("DELETE", "/moderation/ban", url.Values{"target_user_id": {user}, "channel_cid": {chat}}, nil)
	return f
}

// kinds are the vendor's events in neutral words.
var kinds = map[string]adaptertest.Kind{
	"message.new": adaptertest.Sent, "notification.message_new": adaptertest.Sent, "message.updated": adaptertest.Edited,
	"message.deleted": adaptertest.Deleted, "reaction.new": adaptertest.Reacted, "reaction.deleted": adaptertest.Reacted,
	"member.added": adaptertest.Joined, "member.removed": adaptertest.Left, "channel.updated": adaptertest.Renamed,
	"channel.deleted": adaptertest.Gone, "notification.channel_deleted": adaptertest.Gone, "message.read": adaptertest.ReadUp,
	"typing.start": adaptertest.Typing, "user.presence.changed": adaptertest.Presence,
}

func (s *session) Next(kind adaptertest.Kind) adaptertest.Event {
	s.t.Helper()
	for {
		v := s.frame()
		if kinds[v.Get("type").String()] == kind {
			return adaptertest.Event{
				Kind: kind, Chat: v.Get("cid").String(), User: v.Get("user.id").String(),
				Online: v.Get("user.online").Bool(), Message: heard(v.Get("message")),
			}
		}
	}
}

// heard reads a message object.
func heard(v gjson.Result) adaptertest.Message {
	m := adaptertest.Message{
		ID: v.Get("id").String(), Text: v.Get("text").String(), User: v.Get("user.id").String(), Parent: v.Get("parent_id").String(),
		Deleted: v.Get("type").String() == "deleted", Edited: v.Get("message_text_updated_at").Exists(), Replies: int(v.Get("reply_count").Int()),
		Reactions: map[string]int{},
	}
	v.Get("reaction_counts").ForEach(func(k, n gjson.Result) bool {
		m.Reactions[k.String()] = int(n.Int())
		return true
	})
	return m
}

// heardAll reads a list of messages.
func heardAll(v gjson.Result) []adaptertest.Message {
	var out []adaptertest.Message
	for _, m := range v.Array() {
		out = append(out, heard(m))
	}
	return out
}

// textsOf reads a list of texts.
func textsOf(v gjson.Result) []string {
	var out []string
	for _, x := range v.Array() {
		out = append(out, x.String())
	}
	return slices.Clip(out)
}

func TestScenariosOnARemoteCore(t *testing.T) { adaptertest.OnRemoteCore(t, vendor()) }
