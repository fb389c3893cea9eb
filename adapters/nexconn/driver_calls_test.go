package nexconn_test

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"testing"
	"time"

	"dragoman/adapters/adaptertest"
	"dragoman/adapters/nexconn"
)

func (s *session) Direct(other string) (string, *adaptertest.Failure) {
	return pairName(s.user, other), nil
}

// Group makes a group whose members need nobody's consent.
func (s *session) Group(id string, members ...string) (string, *adaptertest.Failure) {
	s.a.t.Helper()
	in := []part{{Num: 1, Text: id}}
	for k, v := range map[string]string{"name": id, "joinPerm": "1", "memInvitePerm": "2"} {
		in = append(in, part{Num: 3, Msg: []part{{Num: 1, Text: k}, {Num: 2, Text: v}}})
	}
	for _, m := range members {
		if m != s.user {
			in = append(in, part{Num: 6, Text: m})
		}
	}
	_, _, f := s.ask("channelCreate", id, in...)
	return id, f
}

func (s *session) Rename(chat, name string) *adaptertest.Failure {
	s.a.t.Helper()
	_, _, f := s.ask("upChannelInfo", chat, part{Num: 1, Text: chat}, part{Num: 3, Msg: []part{{Num: 1, Text: "name"}, {Num: 2, Text: name}}})
	return f
}

// Hurry asks for what the server API lets a server ask ten times a second.
func (s *session) Hurry(chat string) *adaptertest.Failure {
	now := time.Now().UnixMilli()
	_, f := s.server("/group-channel/history-message/list", fmt.Sprintf(`{"userId":%q,"channelId":%q,"startAt":%d,"endAt":%d,"pageSize":1}`, s.user, chat, now, now-1000))
	return f
}

func (s *session) Add(chat, user string) *adaptertest.Failure {
	s.a.t.Helper()
	_, _, f := s.ask("channelMemInvite", chat, members(chat, user)...)
	return f
}

func (s *session) Remove(chat, user string) *adaptertest.Failure {
	s.a.t.Helper()
	_, _, f := s.ask("channelMemKick", chat, part{Num: 1, Text: chat}, part{Num: 4, Text: user})
	return f
}

func (s *session) Members(chat string) ([]string, *adaptertest.Failure) {
	s.a.t.Helper()
	_, b, f := s.ask("qChannelMem", chat, part{Num: 1, Text: chat}, part{Num: 3, Msg: []part{{Num: 1, Int: 100}}})
	var out []string
	for _, m := range every([]byte(textAt(b, 2)), 1) {
		out = append(out, textAt(m, 1))
	}
	return out, f
}

func (s *session) Dissolve(chat string) *adaptertest.Failure {
	s.a.t.Helper()
	_, _, f := s.ask("channelDismiss", chat, part{Num: 1, Text: chat})
	return f
}

// own is the client's own number of a message: a chosen id always has the same.
func (s *session) own(id string) int64 {
	if id == "" {
		s.number++
		return s.number
	}
	h := fnv.New32a()
	h.Write([]byte(id))
	return int64(h.Sum32()) + 1<<32
}

func (s *session) Send(chat string, m adaptertest.Draft) (adaptertest.Message, *adaptertest.Failure) {
	s.a.t.Helper()
	_, target, letter := s.where(chat)
	id, f := s.tell("p"+letter+"MsgP", target, upText(m.Text, s.own(m.ID))...)
	if f != nil {
		return adaptertest.Message{}, f
	}
	if m.ID != "" {
		s.names[id] = m.ID
	}
	return adaptertest.Message{ID: s.named(id), Text: m.Text, User: s.user}, nil
}

func (s *session) Edit(chat, id, words string) (adaptertest.Message, *adaptertest.Failure) {
	s.a.t.Helper()
	kind, target, _ := s.where(chat)
	_, b, f := s.ask("modifyMsg", target, part{Num: 1, Text: s.user}, part{Num: 2, Text: target}, part{Num: 3, Int: kind}, part{Num: 4, Text: s.uid(id)},
		part{Num: 7, Text: `{"content":"` + words + `"}`})
	if f != nil {
		return adaptertest.Message{}, f
	}
	return s.message([]byte(textAt(b, 2))), nil
}

func (s *session) Delete(chat, id string) *adaptertest.Failure {
	s.a.t.Helper()
	kind, target, _ := s.where(chat)
	_, f := s.tell("recallMsg", s.user, part{Num: 1, Int: 1}, part{Num: 2, Text: "RC:RcCmd"},
		part{Num: 3, Text: fmt.Sprintf(`{"conversationType":%d,"targetId":%q,"messageUId":%q,"sentTime":%d,"isAdmin":false,"isDelete":false}`, kind, target, s.uid(id), s.at[id])})
	return f
}

// React and Unreact have no word in this vendor's dialect; see what vendor lacks.
func (s *session) React(string, string, string) *adaptertest.Failure {
	s.a.t.Fatal("there are no reactions")
	return nil
}

// Unreact see React.
func (s *session) Unreact(string, string, string) *adaptertest.Failure {
	s.a.t.Fatal("there are no reactions")
	return nil
}

// Thread see React.
func (s *session) Thread(string, string) ([]adaptertest.Message, *adaptertest.Failure) {
	s.a.t.Fatal("there are no threads")
	return nil, nil
}

// Get asks for one message. The call leaves out what is not there; who has read it is refused then.
func (s *session) Get(chat, id string) (adaptertest.Message, *adaptertest.Failure) {
	s.a.t.Helper()
	kind, target, _ := s.where(chat)
	_, b, f := s.ask("qryMsg", s.user, part{Num: 1, Text: target}, part{Num: 2, Int: kind}, part{Num: 3, Msg: []part{{Num: 1, Int: s.at[id]}, {Num: 2, Text: s.uid(id)}}})
	if f != nil {
		return adaptertest.Message{}, f
	}
	for _, m := range every(b, 1) {
		return s.message(m), nil
	}
	_, _, f = s.ask("qryReceipt", target, part{Num: 1, Text: target}, part{Num: 3, Int: kind}, part{Num: 4, Text: s.uid(id)}, part{Num: 5, Int: 1}, part{Num: 10, Int: 1})
	return adaptertest.Message{ID: id, Deleted: true}, f
}

func (s *session) History(chat, before string, limit int) ([]adaptertest.Message, *adaptertest.Failure) {
	s.a.t.Helper()
	_, target, letter := s.where(chat)
	_, b, f := s.ask("qry"+strings.ToUpper(letter)+"Msg", target, part{Num: 1, Text: target}, part{Num: 2, Int: s.at[before]}, part{Num: 3, Int: int64(limit)}, part{Num: 4, Int: 0})
	var out []adaptertest.Message
	for _, m := range every(b, 1) {
		out = append(out, s.message(m))
	}
	slices.Reverse(out)
	return out, f
}

// Read clears the conversation's count, and confirms its newest message, of which its author is told.
func (s *session) Read(chat string) *adaptertest.Failure {
	s.a.t.Helper()
	list, f := s.History(chat, "", 1)
	if f != nil || len(list) == 0 {
		return f
	}
	kind, target, _ := s.where(chat)
	_, _, f = s.ask("updRTime", target, part{Num: 1, Int: kind}, part{Num: 2, Int: s.at[list[0].ID]}, part{Num: 3, Text: target})
	if f != nil {
		return f
	}
	_, _, f = s.ask("readReceipt", target, part{Num: 1, Text: target}, part{Num: 2, Int: kind}, part{Num: 5, Text: s.uid(list[0].ID)})
	return f
}

func (s *session) Unread(chat string) (int, *adaptertest.Failure) {
	s.a.t.Helper()
	kind, target, _ := s.where(chat)
	_, b, f := s.ask("qrySessionsUnread", s.user, part{Num: 1, Msg: []part{{Num: 1, Int: kind}, {Num: 2, Text: target}}})
	n, _, _ := nexconn.Field([]byte(textAt(b, 1)), 3)
	return int(n), f
}

func (s *session) Typing(chat string) *adaptertest.Failure {
	s.a.t.Helper()
	_, target, letter := s.where(chat)
	_, f := s.tell("p"+letter+"MsgS", target, part{Num: 1}, part{Num: 2, Text: "RC:TypSts"}, part{Num: 3, Text: `{"typingContentType":"RC:TxtMsg","data":""}`})
	return f
}

func (s *session) Follow(users ...string) *adaptertest.Failure {
	s.a.t.Helper()
	in := []part{{Num: 1, Int: 1}, {Num: 3, Int: 1}, {Num: 4, Int: 3600}}
	for _, u := range users {
		in = append(in, part{Num: 2, Msg: []part{{Num: 1, Text: u}}})
	}
	_, _, f := s.ask("updUserSub", s.user, in...)
	return f
}

// Mute has no word here: people block one another, which is another thing.
func (s *session) Mute(string) *adaptertest.Failure { return nil }

// Muted see Mute.
func (s *session) Muted() ([]string, *adaptertest.Failure) { return nil, nil }

// Ban keeps a member from writing, which is the app's server to do.
func (s *session) Ban(chat, user string) *adaptertest.Failure {
	_, f := s.server("/group-channel/user/mute-list/add", fmt.Sprintf(`{"channelId":%q,"userIds":[%q],"durationMinutes":10}`, chat, user))
	return f
}

// Unban ends it.
func (s *session) Unban(chat, user string) *adaptertest.Failure {
	_, f := s.server("/group-channel/user/mute-list/remove", fmt.Sprintf(`{"channelId":%q,"userIds":[%q]}`, chat, user))
	return f
}

func TestScenarios(t *testing.T) { adaptertest.Scenarios(t, vendor()) }

func TestScenariosThroughTheFront(t *testing.T) { adaptertest.Fronted(t, vendor()) }

func TestScenariosOnARemoteCore(t *testing.T) { adaptertest.OnRemoteCore(t, vendor()) }
