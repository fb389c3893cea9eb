package gosdk_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	stream "github.com/GetStream/stream-chat-go/v6"
)

// value and object are what the SDK's own signatures ask for wherever data is free-form.
type (
	value  = interface{}
	object = map[string]value
)

// connect returns a client of the server under test: the SDK reads STREAM_CHAT_URL, STREAM_KEY and
// STREAM_SECRET by itself, which is the one line a back end has to change.
func connect(t *testing.T) *stream.Client {
	t.Helper()
	if os.Getenv("STREAM_CHAT_URL") == "" {
		t.Skip("STREAM_CHAT_URL is not set: these tests are run by the ones in the folder above")
	}
	c, err := stream.NewClientFromEnvVars()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func unique(prefix string) string {
	b := make([]byte, 5)
	_, _ = rand.Read(b)
	return prefix + "-" + hex.EncodeToString(b)
}

// people creates users.
func people(t *testing.T, c *stream.Client, prefixes ...string) []string {
	t.Helper()
	var ids []string
	var users []*stream.User
	for _, p := range prefixes {
		id := unique(p)
		ids = append(ids, id)
		users = append(users, &stream.User{ID: id, Name: p, ExtraData: object{"shoe": 42.0}})
	}
	r, err := c.UpsertUsers(ctx(t), users...)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if u := r.Users[id]; u == nil || u.ExtraData["shoe"] != 42.0 || u.Role != "user" {
			t.Fatalf("user %s came back as %+v", id, u)
		}
	}
	return ids
}

func ctx(t *testing.T) context.Context {
	c, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return c
}

// channel creates a channel with its members.
func channel(t *testing.T, c *stream.Client, typ string, members ...string) *stream.Channel {
	t.Helper()
	r, err := c.CreateChannelWithMembers(ctx(t), typ, unique("go"), members[0], members...)
	if err != nil {
		t.Fatal(err)
	}
	return r.Channel
}

func say(t *testing.T, ch *stream.Channel, user, text string) *stream.Message {
	t.Helper()
	r, err := ch.SendMessage(ctx(t), &stream.Message{Text: text, ExtraData: object{"mood": "fine"}}, user)
	if err != nil {
		t.Fatal(err)
	}
	return r.Message
}

func TestUsers(t *testing.T) {
	c := connect(t)
	ids := people(t, c, "ann", "ben")
	r, err := c.QueryUsers(ctx(t), &stream.QueryOption{Filter: object{"id": object{"$in": ids}}},
		&stream.SortOption{Field: "id", Direction: 1})
	if err != nil || len(r.Users) != 2 {
		t.Fatalf("%v, %d users", err, len(r.Users))
	}
	u, err := c.PartialUpdateUser(ctx(t), stream.PartialUserUpdate{ID: ids[0], Set: object{"name": "Anna"}, Unset: []string{"shoe"}})
	if err != nil || u.Name != "Anna" || u.ExtraData["shoe"] != nil {
		t.Fatalf("%v %+v", err, u)
	}
	if _, err = c.MuteUser(ctx(t), ids[1], ids[0]); err != nil {
		t.Fatal(err)
	}
	if _, err = c.UnmuteUser(ctx(t), ids[1], ids[0]); err != nil {
		t.Fatal(err)
	}
	if _, err = c.AddDevice(ctx(t), &stream.Device{ID: "d1", UserID: ids[0], PushProvider: stream.PushProviderFirebase}); err != nil {
		t.Fatal(err)
	}
	if d, err := c.GetDevices(ctx(t), ids[0]); err != nil || len(d.Devices) != 1 || d.Devices[0].ID != "d1" {
		t.Fatalf("%v %+v", err, d)
	}
	if _, err = c.DeactivateUser(ctx(t), ids[0]); err != nil {
		t.Fatal(err)
	}
	if _, err = c.ReactivateUser(ctx(t), ids[0]); err != nil {
		t.Fatal(err)
	}
	task, err := c.DeleteUsers(ctx(t), ids, stream.DeleteUserOptions{User: stream.HardDelete, Messages: stream.HardDelete})
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(30 * time.Millisecond) {
		st, err := c.GetTask(ctx(t), task.TaskID)
		if err != nil {
			t.Fatal(err)
		}
		if st.Status == stream.TaskStatusCompleted {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("task is %s", st.Status)
		}
	}
}

func TestChannelsAndMessages(t *testing.T) {
	c := connect(t)
	ids := people(t, c, "ann", "ben", "cy")
	ann, ben, cy := ids[0], ids[1], ids[2]
	ch := channel(t, c, "messaging", ann, ben)
	if ch.CID != "messaging:"+ch.ID || ch.CreatedBy.ID != ann || ch.MemberCount != 2 || len(ch.Members) != 2 {
		t.Fatalf("channel %+v", ch)
	}
	m := say(t, ch, ann, "hello")
	if m.User.ID != ann || m.Type != stream.MessageTypeRegular || m.ExtraData["mood"] != "fine" || m.HTML != "<p>hello</p>\n" {
		t.Fatalf("message %+v", m)
	}
	reply, err := ch.SendMessage(ctx(t), &stream.Message{Text: "hi", ParentID: m.ID}, ben)
	if err != nil || reply.Message.Type != stream.MessageTypeReply {
		t.Fatalf("%v %+v", err, reply)
	}
	if rs, err := ch.GetReplies(ctx(t), m.ID, nil); err != nil || len(rs.Messages) != 1 {
		t.Fatalf("%v %+v", err, rs)
	}
	rr, err := c.SendReaction(ctx(t), &stream.Reaction{Type: "love", ExtraData: object{"score": 3}}, m.ID, ben)
	if err != nil || rr.Message.ReactionCounts["love"] != 1 || rr.Message.ReactionScores["love"] != 3 {
		t.Fatalf("%v %+v", err, rr)
	}
	if l, err := c.GetReactions(ctx(t), m.ID, nil); err != nil || len(l.Reactions) != 1 || l.Reactions[0].UserID != ben {
		t.Fatalf("%v %+v", err, l)
	}
	if _, err := c.DeleteReaction(ctx(t), m.ID, "love", ben); err != nil {
		t.Fatal(err)
	}
	if _, err := c.UpdateMessage(ctx(t), &stream.Message{Text: "hello again", User: &stream.User{ID: ann}}, m.ID); err != nil {
		t.Fatal(err)
	}
	if p, err := c.PinMessage(ctx(t), m.ID, ann, nil); err != nil || !p.Message.Pinned || p.Message.PinnedBy.ID != ann {
		t.Fatalf("%v %+v", err, p)
	}
	if _, err := ch.AddMembers(ctx(t), []string{cy}, stream.AddMembersWithMessage(&stream.Message{Text: "cy is here", User: &stream.User{ID: ann}})); err != nil {
		t.Fatal(err)
	}
	ms, err := ch.QueryMembers(ctx(t), &stream.QueryOption{Filter: object{"id": cy}})
	if err != nil || len(ms.Members) != 1 || ms.Members[0].User.ID != cy {
		t.Fatalf("%v %+v", err, ms)
	}
	if _, err := ch.PartialUpdate(ctx(t), stream.PartialUpdate{Set: object{"color": "blue"}}); err != nil {
		t.Fatal(err)
	}
	q, err := c.QueryChannels(ctx(t), &stream.QueryOption{UserID: ann, Filter: object{"cid": ch.CID, "members": object{"$in": []string{ann}}}},
		&stream.SortOption{Field: "last_message_at", Direction: -1})
	if err != nil || len(q.Channels) != 1 {
		t.Fatalf("%v %+v", err, q)
	}
	got := q.Channels[0]
	if got.ExtraData["color"] != "blue" || len(got.Messages) != 2 || got.Messages[0].Text != "hello again" || got.Messages[0].ReplyCount != 1 {
		t.Fatalf("channel %+v, messages %+v", got, got.Messages)
	}
	if _, err := ch.MarkRead(ctx(t), ben); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteMessage(ctx(t), m.ID); err != nil {
		t.Fatal(err)
	}
	if d, err := c.GetMessage(ctx(t), m.ID); err != nil || d.Message.Type != "deleted" {
		t.Fatalf("%v %+v", err, d)
	}
	if _, err := ch.Truncate(ctx(t)); err != nil {
		t.Fatal(err)
	}
	if st, err := ch.RefreshState(ctx(t)); err != nil || len(st.Messages) != 0 {
		t.Fatalf("%v %+v", err, st)
	}
	f, err := ch.SendFile(ctx(t), stream.SendFileRequest{Reader: strings.NewReader("contents"), FileName: "a.txt", User: &stream.User{ID: ann}})
	if err != nil {
		t.Fatal(err)
	}
	if back := fetch(t, f.File); back != "contents" {
		t.Fatalf("file came back as %q", back)
	}
	if _, err := ch.Delete(ctx(t)); err != nil {
		t.Fatal(err)
	}
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	rs, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer rs.Body.Close()
	b, _ := io.ReadAll(rs.Body)
	return string(b)
}

func TestModeration(t *testing.T) {
	c := connect(t)
	ids := people(t, c, "ann", "ben", "mod")
	ch := channel(t, c, "messaging", ids...)
	if _, err := ch.AddModerators(ctx(t), ids[2]); err != nil {
		t.Fatal(err)
	}
	if _, err := ch.BanUser(ctx(t), ids[1], ids[2], stream.BanWithReason("rude"), stream.BanWithExpiration(60)); err != nil {
		t.Fatal(err)
	}
	b, err := c.QueryBannedUsers(ctx(t), &stream.QueryBannedUsersOptions{QueryOption: &stream.QueryOption{Filter: object{"channel_cid": ch.CID}}})
	if err != nil || len(b.Bans) != 1 || b.Bans[0].Reason != "rude" {
		t.Fatalf("%v %+v", err, b)
	}
	if _, err := ch.UnBanUser(ctx(t), ids[1]); err != nil {
		t.Fatal(err)
	}
	if _, err := ch.ShadowBan(ctx(t), ids[1], ids[2]); err != nil {
		t.Fatal(err)
	}
	m := say(t, ch, ids[0], "flag me")
	if _, err := c.FlagMessage(ctx(t), m.ID, ids[1]); err != nil {
		t.Fatal(err)
	}
	list := unique("words")
	if _, err := c.CreateBlocklist(ctx(t), &stream.BlocklistCreateRequest{BlocklistBase: stream.BlocklistBase{Name: list, Words: []string{"zounds"}}}); err != nil {
		t.Fatal(err)
	}
	if l, err := c.GetBlocklist(ctx(t), list); err != nil || l.Blocklist.Words[0] != "zounds" {
		t.Fatalf("%v %+v", err, l)
	}
	if _, err := c.DeleteBlocklist(ctx(t), list); err != nil {
		t.Fatal(err)
	}
}

func TestChannelTypes(t *testing.T) {
	c := connect(t)
	all, err := c.ListChannelTypes(ctx(t))
	if err != nil || all.ChannelTypes["messaging"] == nil || !all.ChannelTypes["messaging"].TypingEvents {
		t.Fatalf("%v %+v", err, all)
	}
	ct := stream.NewChannelType(unique("type"))
	ct.MaxMessageLength = 77
	made, err := c.CreateChannelType(ctx(t), ct)
	if err != nil || made.MaxMessageLength != 77 {
		t.Fatalf("%v %+v", err, made)
	}
	if _, err := c.UpdateChannelType(ctx(t), ct.Name, object{"max_message_length": 88}); err != nil {
		t.Fatal(err)
	}
	if got, err := c.GetChannelType(ctx(t), ct.Name); err != nil || got.MaxMessageLength != 88 {
		t.Fatalf("%v %+v", err, got)
	}
	if _, err := c.DeleteChannelType(ctx(t), ct.Name); err != nil {
		t.Fatal(err)
	}
}

func TestSearch(t *testing.T) {
	c := connect(t)
	ids := people(t, c, "ann")
	ch := channel(t, c, "messaging", ids...)
	word := strings.ReplaceAll(unique("w"), "-", "")
	say(t, ch, ids[0], "find "+word+" here")
	for end := time.Now().Add(8 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		r, err := c.Search(ctx(t), stream.SearchRequest{Query: word, Filters: object{"members": object{"$in": ids}}})
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Messages) == 1 && strings.Contains(r.Messages[0].Text, word) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("found %d messages", len(r.Messages))
		}
	}
}

func TestErrorsAreTyped(t *testing.T) {
	c := connect(t)
	ids := people(t, c, "ann")
	ch := channel(t, c, "messaging", ids...)
	wrong, err := stream.NewClient(os.Getenv("STREAM_KEY"), "not the secret of this app")
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name         string
		code, status int
		do           func() error
	}{
		{"unknown message", 16, 404, func() error { _, err := c.GetMessage(ctx(t), unique("none")); return err }},
		{"too long", 20, 400, func() error {
			_, err := ch.SendMessage(ctx(t), &stream.Message{Text: strings.Repeat("x", 6000)}, ids[0])
			return err
		}},
		{"no such type", 16, 404, func() error { _, err := c.GetChannelType(ctx(t), "nope"); return err }},
		{"wrong secret", 43, 401, func() error { _, err := wrong.GetAppSettings(ctx(t)); return err }},
		{"bad filter", 4, 400, func() error {
			_, err := c.QueryChannels(ctx(t), &stream.QueryOption{Filter: object{"created_at": object{"$bogus": 1}}})
			return err
		}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			var e stream.Error
			if err := tc.do(); !errors.As(err, &e) {
				t.Fatalf("error is %T %v", err, err)
			}
			if e.Code != tc.code || e.StatusCode != tc.status || e.Message == "" || e.Duration == "" || e.MoreInfo == "" {
				t.Fatalf("error is %+v", e)
			}
			if e.RateLimit == nil {
				t.Fatal("no rate limit information")
			}
		})
	}
}

func TestWebhook(t *testing.T) {
	c := connect(t)
	ids := people(t, c, "ann")
	ch := channel(t, c, "messaging", ids...)
	type hit struct {
		body []byte
		sig  string
	}
	hits := make(chan hit, 100)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		hits <- hit{b, r.Header.Get("X-Signature")}
	}))
	defer srv.Close()
	if _, err := c.UpdateAppSettings(ctx(t), stream.NewAppSettings().SetWebhookURL(srv.URL+"/hook")); err != nil {
		t.Fatal(err)
	}
	say(t, ch, ids[0], "tell the back end")
	for end := time.After(10 * time.Second); ; {
		select {
		case h := <-hits:
			var e stream.Event
			if err := json.Unmarshal(h.body, &e); err != nil {
				t.Fatal(err)
			}
			if e.Type != stream.EventMessageNew || e.CID != ch.CID {
				continue
			}
			if !c.VerifyWebhook(h.body, []byte(h.sig)) {
				t.Fatal("signature does not verify")
			}
			if e.Message.Text != "tell the back end" || e.User.ID != ids[0] {
				t.Fatalf("event %+v", e)
			}
			return
		case <-end:
			t.Fatal("no webhook")
		}
	}
}
