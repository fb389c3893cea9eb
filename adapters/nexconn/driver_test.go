package nexconn_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/tidwall/gjson"
	"google.golang.org/protobuf/encoding/protowire"

	"dragoman/adapters/adaptertest"
	"dragoman/adapters/nexconn"
	"dragoman/core/fault"
)

// driver speaks Nexconn's wire as its JS SDK does: a person's client knows the live link alone. What
// only the app's own server may do is asked of the server API.
type driver struct{}

// Kinds of conversation, of NotifyMsg and of EventChange, as the wire numbers them.
const (
	direct, group = 1, 3

	changeNews, editNews = 11, 12

	groupNews, profileNews, receiptNews = 11, 12, 36
)

// session is one person's client.
type session struct {
	*device
	user   string
	frames chan frame
	ended  chan ws.StatusCode
	end    func()
	number int64               // of the client's newest message
	names  map[string]string   // ids of the server to those this client chose
	at     map[string]int64    // times of messages, in ms, by which history is paged
	mu     sync.Mutex          // of nothing but write: acknowledgements and calls share the link
	due    map[int64]bool      // what a notice said there is to pull
	since  map[int64]int64     // how far that was pulled
	later  []adaptertest.Event // told while something else was waited for
}

// Join opens the link and waits until it is admitted.
func (driver) Join(t *testing.T, w *adaptertest.World, user string) adaptertest.Session {
	t.Helper()
	s := &session{user: user, names: map[string]string{}, at: map[string]int64{}, due: map[int64]bool{}, since: map[int64]int64{}}
	s.open(&api{t: t, w: w})
	_, b, f := s.ask("pullEventChange", user, part{Num: 1}) // a client without a cursor is given today's
	if f != nil {
		t.Fatalf("%s is given no cursor: %+v", user, f)
	}
	now, _, _ := nexconn.Field(b, 2)
	s.since[changeNews], s.since[editNews] = now, now
	return s
}

// open connects and reads from then on.
func (s *session) open(a *api) {
	a.t.Helper()
	s.device = a.online(s.user)
	_ = s.c.SetDeadline(time.Time{})
	link, frames, ended, over := s.c, make(chan frame, 10_000), make(chan ws.StatusCode, 1), make(chan struct{})
	s.frames, s.ended = frames, ended
	s.end = sync.OnceFunc(func() { _ = link.Close() })
	a.t.Cleanup(func() {
		_ = link.Close()
		<-over
	})
	go func() {
		defer close(over)
		defer close(frames)
		defer close(ended)
		for {
			b, _, err := wsutil.ReadServerData(link)
			if err != nil || len(b) == 0 {
				var end wsutil.ClosedError
				if errors.As(err, &end) {
					ended <- end.Code
				}
				return
			}
			frames <- parseFrame(b)
		}
	}()
}

// Close ends the link.
func (s *session) Close() { s.end() }

// send writes a frame; a link that has ended is found out by reading.
func (s *session) send(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = wsutil.WriteClientBinary(s.c, b)
}

// Knock comes with a token that a server has let expire.
func (driver) Knock(t *testing.T, w *adaptertest.World, user string, _ time.Time) *adaptertest.Failure {
	t.Helper()
	a := &api{t: t, w: w}
	token := a.token(user)
	a.must("/auth/access-token/expire", fmt.Sprintf(`{"userIds":[%q],"expiresAt":%d}`, user, time.Now().Add(time.Second).UnixMilli()))
	_, status := a.dial(url.Values{"appId": {"key1"}, "token": {token}, "deviceId": {"d"}, "protocolVer": {"3"}})
	switch status {
	case 0:
		return nil
	case 10:
		return refused(fault.AuthTokenExpired, "the token has expired")
	}
	return &adaptertest.Failure{Message: fmt.Sprint("not let in: ", status)}
}

// linkReasons are the canonical reasons of the statuses of the link that are in no error table, and of
// those that stand for several.
var linkReasons = map[uint16]*fault.Reason{
	22406: fault.GroupNotMember, 22408: fault.GroupMuted, 20115: fault.MessageTooLong, 25101: fault.MessageNotFound,
	1050: fault.StorageUnavailable, 20604: fault.RateLimited,
}

// failed is a status of the link in the terms of the suite; nil for a success.
func failed(status uint16) *adaptertest.Failure {
	if status == 0 {
		return nil
	}
	if reason := linkReasons[status]; reason != nil {
		return refused(reason, fmt.Sprint("status ", status))
	}
	for row := range nexconn.Catalog().Rows() {
		if string(row.Body) == fmt.Sprint(status) {
			return refused(row.Reason, fmt.Sprint("status ", status))
		}
	}
	return &adaptertest.Failure{Message: fmt.Sprint("status ", status)}
}

// refused is a failure of the link, which has a number and nothing beside it.
func refused(reason *fault.Reason, text string) *adaptertest.Failure {
	row, _ := nexconn.Catalog().ToVendor(reason, "")
	return &adaptertest.Failure{Status: row.Status, Code: []byte(row.Body), Message: text, Reason: reason.Name(), Header: map[string]string{}}
}

// server makes a call of the app's server.
func (s *session) server(path, body string) (reply, *adaptertest.Failure) {
	s.a.t.Helper()
	r := s.a.call(path, body)
	if r.code() == "0" {
		return r, nil
	}
	f := &adaptertest.Failure{
		Status: r.status, Code: []byte(r.code()), Message: r.body.Get("errorMessage").String(),
		Reason: r.body.Get("dragoman_error.code").String(), Header: map[string]string{},
	}
	for k := range r.header {
		f.Header[k] = r.header.Get(k)
	}
	return r, f
}

// ask queries a topic.
func (s *session) ask(topic, target string, parts ...part) (frame, []byte, *adaptertest.Failure) {
	s.a.t.Helper()
	f, fail := s.call(true, topic, target, parts)
	return f, f.data, fail
}

// tell publishes to a topic and answers the message's id.
func (s *session) tell(topic, target string, parts ...part) (uid string, fail *adaptertest.Failure) {
	s.a.t.Helper()
	f, fail := s.call(false, topic, target, parts)
	if fail == nil && len(f.data) > 4 { // milliseconds, and a text
		uid = string(f.data[4:])
	}
	return uid, fail
}

// call writes one call and waits for its answer; what comes meanwhile is kept.
func (s *session) call(query bool, topic, target string, parts []part) (frame, *adaptertest.Failure) {
	s.a.t.Helper()
	s.id++
	kind := byte(4)
	if query {
		kind = 6
	}
	s.send(nexconn.Call(query, topic, target, s.id, nexconn.Wire(parts...)))
	deadline := time.After(10 * time.Second)
	for {
		select {
		case f, ok := <-s.frames:
			switch {
			case !ok:
				if <-s.ended == ws.StatusMessageTooBig {
					s.open(s.a)
					return frame{}, refused(fault.RequestPayloadTooLarge, "the link ended: the frame is too big")
				}
				s.a.t.Fatalf("%s: the link of %s has ended", topic, s.user)
			case f.kind == kind && f.id == s.id:
				return f, failed(f.status)
			}
			s.heed(&f)
		case <-deadline:
			s.a.t.Fatalf("%s: %s is not answered", topic, s.user)
		}
	}
}

// heed takes in what answers nothing: a message is acknowledged, a notice noted.
func (s *session) heed(f *frame) {
	if f.kind != 3 {
		return
	}
	if f.flags&2 != 0 && f.flags&8 == 0 {
		s.send(binary.BigEndian.AppendUint16([]byte{4 << 4}, f.id))
	}
	switch f.topic {
	case "s_msg":
		s.hear(f.data)
	case "s_cmd":
		kind, _, _ := nexconn.Field(f.data, 1)
		s.due[kind] = true
	case "s_stat":
		s.seen(f.data)
	}
}

// seen reads where somebody the person follows is now.
func (s *session) seen(b []byte) {
	online := false
	for _, on := range every(b, 3) {
		v, _, _ := nexconn.Field(on, 2)
		online = online || v == 1
	}
	s.later = append(s.later, adaptertest.Event{Kind: adaptertest.Presence, User: textAt(b, 2), Online: online})
}

// hear reads a pushed message.
func (s *session) hear(b []byte) {
	m := s.message(b)
	e := adaptertest.Event{Kind: adaptertest.Sent, Chat: s.chatOf(b), User: m.User, Message: m}
	switch v := gjson.Parse(textAt(b, 5)); textAt(b, 4) {
	case "RC:RcCmd":
		e.Kind, e.Message = adaptertest.Deleted, adaptertest.Message{ID: v.Get("messageUId").Str, Deleted: true}
	case "RC:TypSts":
		e.Kind = adaptertest.Typing
	case "RC:ReadNtf":
		e.Kind = adaptertest.ReadUp
	case "RC:TxtMsg":
	default:
		return
	}
	s.later = append(s.later, e)
}

// pull asks for what a notice has told of.
func (s *session) pull(kind int64) {
	s.a.t.Helper()
	topic := map[int64]string{changeNews: "pullEventChange", editNews: "pullModifyMsg"}[kind]
	if topic == "" {
		return
	}
	_, b, f := s.ask(topic, s.user, part{Num: 1, Int: s.since[kind]})
	if f != nil {
		s.a.t.Fatalf("%s: %+v", topic, f)
	}
	s.since[kind], _, _ = nexconn.Field(b, 2)
	for _, x := range every(b, 1) {
		switch kind {
		case changeNews:
			s.changed(x)
		case editNews:
			for _, m := range every(x, 2) {
				s.later = append(s.later, adaptertest.Event{Kind: adaptertest.Edited, Chat: s.chatOf(m), Message: s.message(m)})
			}
		}
	}
}

// groupKinds are the changes of groups in the words of the suite.
var groupKinds = map[int64]adaptertest.Kind{1: adaptertest.Joined, 2: adaptertest.Left, 3: adaptertest.Left, 4: adaptertest.Gone}

// changed reads an EventChange.
func (s *session) changed(x []byte) {
	e := adaptertest.Event{Chat: textAt(x, 1)}
	change, _, _ := nexconn.Field(x, 4)
	data := []byte(textAt(x, 16))
	switch change {
	case groupNews:
		sub, _, _ := nexconn.Field(x, 11)
		e.Kind = groupKinds[sub]
		for _, u := range every(data, 3) {
			e.User = textAt(u, 1)
		}
	case profileNews:
		e.Kind = adaptertest.Renamed
	case receiptNews:
		e.Kind = adaptertest.ReadUp
		for _, u := range every(data, 6) {
			e.User = textAt(u, 2)
		}
	}
	if e.Kind != "" {
		s.later = append(s.later, e)
	}
}

// Next returns the next event of the kind.
func (s *session) Next(kind adaptertest.Kind) adaptertest.Event {
	s.a.t.Helper()
	deadline := time.After(8 * time.Second)
	for {
		for len(s.due) > 0 {
			for k := range s.due {
				delete(s.due, k)
				s.pull(k)
			}
		}
		for i, e := range s.later {
			if e.Kind == kind {
				s.later = slices.Delete(s.later, 0, i+1)
				return e
			}
		}
		s.later = nil
		select {
		case f, ok := <-s.frames:
			if !ok {
				s.a.t.Fatalf("the link of %s has ended", s.user)
			}
			s.heed(&f)
		case <-deadline:
			s.a.t.Fatalf("%s was not told %s", s.user, kind)
		}
	}
}

// every is each occurrence of a field that has bytes.
func every(b []byte, num protowire.Number) (out [][]byte) {
	for len(b) > 0 {
		n, typ, size := protowire.ConsumeTag(b)
		if size < 0 {
			return out
		}
		b = b[size:]
		size = protowire.ConsumeFieldValue(n, typ, b)
		if size < 0 {
			return out
		}
		if n == num && typ == protowire.BytesType {
			v, _ := protowire.ConsumeBytes(b)
			out = append(out, v)
		}
		b = b[size:]
	}
	return out
}

// textAt is a field of bytes.
func textAt(b []byte, num int) string {
	_, v, _ := nexconn.Field(b, num)
	return v
}

// message reads a DownStreamMessage.
func (s *session) message(b []byte) adaptertest.Message {
	id := textAt(b, 9)
	m := adaptertest.Message{ID: s.named(id), Text: gjson.Get(textAt(b, 5), "content").String(), User: textAt(b, 1), Deleted: textAt(b, 4) == "RC:RcNtf", Edited: textAt(b, 24) != ""}
	if own, _, _ := nexconn.Field(b, 10); own == 1 {
		m.User = s.user
	}
	s.at[m.ID], _, _ = nexconn.Field(b, 6)
	return m
}

// chatOf is the conversation a DownStreamMessage stands in.
func (s *session) chatOf(b []byte) string {
	if kind, _, _ := nexconn.Field(b, 2); kind == direct {
		return pairName(s.user, textAt(b, 1))
	}
	return textAt(b, 3)
}

// named is the id this client chose for a message, or the server's.
func (s *session) named(id string) string {
	if own, ok := s.names[id]; ok {
		return own
	}
	return id
}

// uid is the server's id of a message.
func (s *session) uid(id string) string {
	for k, v := range s.names {
		if v == id {
			return k
		}
	}
	return id
}

// pairName names the conversation of two people: the SDK names it by the other one, and the suite
// compares names.
func pairName(a, b string) string {
	if b < a {
		a, b = b, a
	}
	return a + "+" + b
}

// where is a conversation on the wire: its kind, whom or what it is with, and how its topics begin.
func (s *session) where(chat string) (kind int64, target, letter string) {
	a, b, pair := strings.Cut(chat, "+")
	switch {
	case !pair:
		return group, chat, "g"
	case a == s.user:
		return direct, b, "p"
	}
	return direct, a, "p"
}
