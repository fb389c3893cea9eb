package stream_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters/adaptertest"
	jsonw "dragoman/adapters/wire"
)

// flow is a running server with a backend and a user.
type flow struct {
	*testing.T
	w      *adaptertest.World
	server *session
	alice  *session
}

func newFlow(t *testing.T) *flow {
	t.Helper()
	w := adaptertest.NewWorld(t, vendor(), adaptertest.Setup{Users: []string{"alice", "bob", "carol"}})
	a := driver{}.Join(t, w, "alice").(*session)
	t.Cleanup(a.Close)
	return &flow{T: t, w: w, server: a.backend(), alice: a}
}

// does makes a call with a raw body and fails the test when it is refused.
func (f *flow) does(s *session, method, path, body string, query ...string) gjson.Result {
	f.Helper()
	v, fail := f.tries(s, method, path, body, query...)
	if fail != nil {
		f.Fatalf("%s %s: status %d, %s: %s", method, path, fail.Status, fail.Reason, fail.Message)
	}
	return v
}

// tries makes a call with a raw body; query comes in pairs.
func (f *flow) tries(s *session, method, path, body string, query ...string) (gjson.Result, *adaptertest.Failure) {
	f.Helper()
	q := url.Values{}
	for i := 0; i < len(query); i += 2 {
		q.Set(query[i], query[i+1])
	}
	var write func(*jsonw.Writer)
	if body != "" {
		write = func(w *jsonw.Writer) { w.Extra([]byte(body), jsonw.Names{}) }
	}
	return s.call(method, path, q, write)
}

// has fails the test unless the JSON has the values at the paths; pairs of path and text.
func (f *flow) has(v gjson.Result, pairs ...string) {
	f.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if got := v.Get(pairs[i]).String(); got != pairs[i+1] {
			f.Errorf("%s is %q, want %q in %.600s", pairs[i], got, pairs[i+1], v.Raw)
		}
	}
}

// group opens a channel of alice and bob.
func (f *flow) group() string {
	f.Helper()
	chat, fail := f.alice.Group("room", "alice", "bob")
	if fail != nil {
		f.Fatal(fail)
	}
	return chat
}

func TestModerationIsKeptAndListed(t *testing.T) {
	f := newFlow(t)
	chat := f.group()
	v := f.does(f.alice, "POST", "/moderation/mute/channel", `{"channel_cid":"`+chat+`","expiration":60000}`)
	f.has(v, "channel_mute.channel.cid", chat, "channel_mute.user.id", "alice", "own_user.channel_mutes.0.channel.cid", chat)
	f.does(f.alice, "POST", "/moderation/unmute/channel", `{"channel_cid":"`+chat+`"}`)
	f.has(f.does(f.alice, "POST", "/moderation/mute", `{"target_ids":["bob","carol"],"timeout":5}`), "mutes.#", "2", "mute", "")
	f.does(f.alice, "POST", "/moderation/unmute", `{"target_id":"carol"}`)

	f.has(f.does(f.alice, "POST", "/users/block", `{"blocked_user_id":"carol"}`), "blocked_user_id", "carol", "blocked_by_user_id", "alice")
	f.has(f.does(f.alice, "GET", "/users/block", ""), "blocks.#", "1", "blocks.0.blocked_user.id", "carol")
	f.does(f.alice, "POST", "/users/unblock", `{"blocked_user_id":"carol"}`)
	f.has(f.does(f.alice, "GET", "/users/block", ""), "blocks.#", "0")

	m := f.does(f.alice, "POST", path(chat)+"/message", `{"message":{"id":"m1","text":"rude"}}`)
	f.has(m, "message.id", "m1")
	v = f.does(f.server, "POST", "/moderation/flag", `{"target_message_id":"m1","reason":"spam","user_id":"bob"}`)
	f.has(v, "flag.target_message_id", "m1", "flag.user.id", "bob", "flag.reason", "spam", "flag.created_by_automod", "false")
	f.has(f.does(f.server, "GET", "/moderation/flags/message", "", "payload", `{"filter_conditions":{"channel_cid":"`+chat+`"}}`), "flags.#", "1", "flags.0.message.id", "m1")
	if v := f.does(f.alice, "POST", "/api/v2/moderation/flag", `{"entity_type":"stream:user","entity_id":"bob","reason":"x"}`); v.Get("item_id").String() == "" {
		t.Errorf("the report has no id: %s", v)
	}
	v = f.does(f.alice, "POST", "/api/v2/moderation/mute", `{"target_ids":["carol"]}`)
	f.has(v, "mutes.0.target.id", "carol")
	if at := v.Get("mutes.0.created_at"); at.Type != gjson.Number || at.Int() < 1e18 {
		t.Errorf("the second dialect counts nanoseconds, not %s", at)
	}

	f.does(f.server, "POST", "/moderation/ban", `{"target_user_id":"bob","banned_by_id":"alice","channel_cid":"`+chat+`","timeout":10,"reason":"rude"}`)
	v = f.does(f.server, "GET", "/query_banned_users", "", "payload", `{"filter_conditions":{"channel_cid":"`+chat+`"},"exclude_expired_bans":true}`)
	f.has(v, "bans.#", "1", "bans.0.user.id", "bob", "bans.0.banned_by.id", "alice", "bans.0.reason", "rude", "bans.0.channel.cid", chat)
	f.does(f.server, "DELETE", "/moderation/ban", "", "target_user_id", "bob", "channel_cid", chat)
	f.has(f.does(f.server, "GET", "/query_banned_users", "", "payload", `{"filter_conditions":{}}`), "bans.#", "0")

	if _, fail := f.tries(f.server, "POST", "/moderation/mute", `{"target_id":"bob"}`); fail == nil || string(fail.Code) != "4" {
		t.Errorf("a mute by nobody: %+v", fail)
	}
}

func TestPollIsVotedOnAndClosed(t *testing.T) {
	f := newFlow(t)
	f.does(f.server, "PUT", "/channeltypes/messaging", `{"automod":"disabled","automod_behavior":"flag","max_message_length":5000,"polls":true}`)
	chat := f.group()
	v := f.does(f.alice, "POST", "/polls", `{"name":"lunch?","options":[{"text":"soup","hot":true},{"text":"bread"}],"enforce_unique_vote":true,"topic":"food"}`)
	f.has(v, "poll.name", "lunch?", "poll.options.#", "2", "poll.options.0.hot", "true", "poll.topic", "food", "poll.created_by.id", "alice")
	id, soup, bread := v.Get("poll.id").String(), v.Get("poll.options.0.id").String(), v.Get("poll.options.1.id").String()
	f.does(f.alice, "POST", path(chat)+"/message", `{"message":{"id":"m1","text":"","poll_id":"`+id+`"}}`)
	v = f.does(f.alice, "POST", "/messages/m1/polls/"+id+"/vote", `{"vote":{"option_id":"`+soup+`"}}`)
	f.has(v, "vote.option_id", soup, "vote.user_id", "alice", "poll.vote_counts_by_option."+soup, "1")
	v = f.does(f.alice, "POST", "/messages/m1/polls/"+id+"/vote", `{"vote":{"option_id":"`+bread+`"}}`)
	f.has(v, "poll.vote_counts_by_option."+bread, "1", "poll.vote_counts_by_option."+soup, "", "poll.own_votes.#", "1")
	f.has(f.does(f.alice, "POST", "/polls/"+id+"/votes", `{"filter":{"option_id":"`+bread+`"}}`), "votes.#", "1", "votes.0.user_id", "alice")
	f.has(f.does(f.alice, "POST", "/polls/"+id+"/options", `{"text":"cake"}`), "poll_option.text", "cake")
	v = f.does(f.alice, "DELETE", "/messages/m1/polls/"+id+"/vote/"+v.Get("vote.id").String(), "")
	f.has(v, "poll.vote_count", "0")
	f.has(f.does(f.alice, "PATCH", "/polls/"+id, `{"set":{"is_closed":true,"topic":"done"}}`), "poll.is_closed", "true", "poll.topic", "done")
	f.has(f.does(f.alice, "POST", "/polls/query", `{"filter":{"is_closed":true}}`), "polls.#", "1", "polls.0.id", id)
	f.does(f.alice, "DELETE", "/polls/"+id, "")
	if _, fail := f.tries(f.alice, "GET", "/polls/"+id, ""); fail == nil || fail.Status != 404 {
		t.Errorf("the poll is still there: %+v", fail)
	}
}

func TestPersonalListsAreKept(t *testing.T) {
	f := newFlow(t)
	f.does(f.server, "PUT", "/channeltypes/messaging", `{"user_message_reminders":true}`)
	chat := f.group()
	v := f.does(f.alice, "POST", path(chat)+"/draft", `{"message":{"text":"half a tho","mood":"calm"}}`)
	f.has(v, "draft.channel_cid", chat, "draft.message.text", "half a tho", "draft.message.mood", "calm")
	if v.Get("draft.message.id").String() == "" {
		t.Error("the draft's message has no id")
	}
	f.has(f.does(f.alice, "GET", path(chat)+"/draft", ""), "draft.message.text", "half a tho")
	f.has(f.does(f.alice, "POST", "/drafts/query", `{"limit":10}`), "drafts.#", "1")
	f.does(f.alice, "DELETE", path(chat)+"/draft", "")
	if _, fail := f.tries(f.alice, "GET", path(chat)+"/draft", ""); fail == nil || fail.Status != 404 {
		t.Errorf("the draft is still there: %+v", fail)
	}

	f.does(f.alice, "POST", path(chat)+"/message", `{"message":{"id":"m1","text":"later"}}`)
	at := time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
	v = f.does(f.alice, "POST", "/messages/m1/reminders", fmt.Sprintf(`{"remind_at":%q}`, at.Format(time.RFC3339Nano)))
	f.has(v, "reminder.message_id", "m1", "reminder.user_id", "alice", "reminder.channel_cid", chat)
	if got := v.Get("reminder.remind_at").Time(); !got.Equal(at) {
		t.Errorf("reminded at %v, want %v", got, at)
	}
	f.has(f.does(f.alice, "PATCH", "/messages/m1/reminders", `{"remind_at":null}`), "reminder.remind_at", "")
	f.has(f.does(f.alice, "POST", "/reminders/query", `{}`), "reminders.#", "1")
	f.does(f.alice, "DELETE", "/messages/m1/reminders", "")
	f.has(f.does(f.alice, "POST", "/reminders/query", `{}`), "reminders.#", "0")

	f.does(f.alice, "POST", "/devices", `{"id":"dev-1","push_provider":"firebase"}`)
	f.has(f.does(f.server, "GET", "/devices", "", "user_id", "alice"), "devices.#", "1", "devices.0.id", "dev-1", "devices.0.push_provider", "firebase")
	f.does(f.alice, "DELETE", "/devices", "", "id", "dev-1")
	f.has(f.does(f.alice, "GET", "/devices", ""), "devices.#", "0")

	f.does(f.alice, "POST", path(chat)+"/message", `{"message":{"id":"r1","text":"reply","parent_id":"m1"}}`)
	v = f.does(f.alice, "POST", "/threads", `{"reply_limit":3,"participant_limit":10}`)
	f.has(v, "threads.#", "1", "threads.0.parent_message_id", "m1", "threads.0.reply_count", "1", "threads.0.latest_replies.0.id", "r1")
	f.has(f.does(f.alice, "PATCH", "/threads/m1", `{"set":{"title":"talk","color":"red"}}`), "thread.title", "talk", "thread.color", "red")
	f.has(f.does(f.alice, "GET", "/threads/m1", ""), "thread.title", "talk", "thread.parent_message.id", "m1")
}

func TestServersManageTheApp(t *testing.T) {
	f := newFlow(t)
	v := f.does(f.server, "POST", "/channeltypes", `{"name":"desk","automod":"disabled","automod_behavior":"flag","max_message_length":100,"reactions":false,"commands":["giphy"],"grants":{"user":["read-channel"]}}`)
	f.has(v, "name", "desk", "max_message_length", "100", "reactions", "false", "replies", "true", "commands.0", "giphy", "grants.user.0", "read-channel")
	f.has(f.does(f.server, "PUT", "/channeltypes/desk", `{"reactions":true,"push_level":"all"}`), "reactions", "true", "max_message_length", "100", "push_level", "all")
	f.has(f.does(f.server, "GET", "/channeltypes/desk", ""), "commands.0.name", "giphy", "commands.0.set", "fun_set")
	f.has(f.does(f.server, "GET", "/channeltypes", ""), "channel_types.desk.max_message_length", "100", "channel_types.messaging.name", "messaging")
	f.does(f.server, "DELETE", "/channeltypes/desk", "")
	if _, fail := f.tries(f.alice, "POST", "/channeltypes", `{"name":"mine"}`); fail == nil || string(fail.Code) != "17" {
		t.Errorf("a user made a channel type: %+v", fail)
	}

	f.has(f.does(f.server, "POST", "/commands", `{"name":"ticket","description":"Open a ticket","args":"[text]","set":"desk_set"}`), "command.name", "ticket")
	f.has(f.does(f.server, "PUT", "/commands/ticket", `{"description":"New"}`), "command.description", "New", "command.args", "[text]")
	f.has(f.does(f.server, "GET", "/commands/ticket", ""), "name", "ticket", "set", "desk_set")
	f.has(f.does(f.server, "DELETE", "/commands/ticket", ""), "name", "ticket")

	f.has(f.does(f.server, "POST", "/roles", `{"name":"helper"}`), "role.name", "helper", "role.custom", "true")
	f.has(f.does(f.server, "GET", "/roles/search", "", "query", "hel"), "roles.#", "1", "roles.0.name", "helper")
	f.does(f.server, "DELETE", "/roles/helper", "")
	f.has(f.does(f.server, "GET", "/permissions/read-channel", ""), "permission.id", "read-channel", "permission.custom", "false")

	f.has(f.does(f.server, "POST", "/blocklists", `{"name":"rude","words":["darn"]}`), "blocklist.name", "rude", "blocklist.words.0", "darn")
	f.does(f.server, "PUT", "/blocklists/rude", `{"words":["darn","heck"]}`)
	f.has(f.does(f.server, "GET", "/blocklists/rude", ""), "blocklist.words.#", "2")
	f.does(f.server, "DELETE", "/blocklists/rude", "")

	f.does(f.server, "PATCH", "/app", `{"enforce_unique_usernames":"app","image_upload_config":{"size_limit":1000},"reminders_interval":90,
		"event_hooks":[{"hook_type":"webhook","webhook_url":"https://example.com/a","event_types":["message.new"],"enabled":true}],"auto_translation_enabled":true}`)
	v = f.does(f.server, "GET", "/app", "")
	f.has(v, "app.enforce_unique_usernames", "app", "app.image_upload_config.size_limit", "1000", "app.reminders_interval", "90",
		"app.event_hooks.0.webhook_url", "https://example.com/a", "app.auto_translation_enabled", "true", "app.file_upload_config.size_limit", "104857600")
	if f.does(f.alice, "GET", "/app", "").Get("app.event_hooks").Exists() {
		t.Error("a user sees the webhooks")
	}
	if _, fail := f.tries(f.server, "PATCH", "/app", `{"sqs_url":"https://queue"}`); fail == nil || string(fail.Code) != "4" {
		t.Errorf("a queue was accepted: %+v", fail)
	}
	v = f.does(&session{t: t, w: f.w}, "POST", "/guest", `{"user":{"id":"visitor","name":"Visitor"}}`)
	f.has(v, "user.role", "guest", "user.name", "Visitor")
	guest := &session{t: t, w: f.w, user: v.Get("user.id").String(), token: v.Get("access_token").String()}
	f.does(guest, "GET", "/app", "")
}

func TestSearchFindsMessages(t *testing.T) {
	f := newFlow(t)
	chat := f.group()
	for i, text := range []string{"the quick brown fox", "a lazy dog", "brown bread"} {
		f.does(f.alice, "POST", path(chat)+"/message", fmt.Sprintf(`{"message":{"id":"m%d","text":%q}}`, i, text))
	}
	payload := `{"filter_conditions":{"cid":"` + chat + `"},"query":"brown"}`
	until := time.Now().Add(5 * time.Second)
	v := f.does(f.alice, "GET", "/search", "", "payload", payload)
	for v.Get("results.#").Int() < 2 && time.Now().Before(until) { // the index follows the log
		v = f.does(f.alice, "GET", "/search", "", "payload", payload)
	}
	f.has(v, "results.#", "2", "results.0.message.channel.cid", chat)
	v = f.does(f.alice, "GET", "/search", "", "payload", `{"filter_conditions":{"members":{"$in":["alice"]}},"message_filter_conditions":{"user.id":"alice"},"limit":2,"sort":[{"field":"created_at","direction":1}]}`)
	f.has(v, "results.#", "2", "results.0.message.id", "m0")
	if v = f.does(f.alice, "GET", "/search", "", "payload", `{"filter_conditions":{"members":{"$in":["alice"]}},"message_filter_conditions":{"user.id":"alice"},"limit":2,"sort":[{"field":"created_at","direction":1}],"next":"`+v.Get("next").String()+`"}`); v.Get("results.0.message.id").String() != "m2" {
		t.Errorf("the second page is %s", v)
	}
	if _, fail := f.tries(f.alice, "GET", "/search", "", "payload", `{"filter_conditions":{"cid":"x:y"},"query":"a","offset":1,"sort":[{"field":"created_at","direction":1}]}`); fail == nil || string(fail.Code) != "4" {
		t.Errorf("offset with sort: %+v", fail)
	}
}

// send posts a multipart form.
func (f *flow) send(s *session, path, name, typ string, content []byte, user string) gjson.Result {
	f.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreatePart(map[string][]string{
		"Content-Disposition": {fmt.Sprintf(`form-data; name="file"; filename=%q`, name)}, "Content-Type": {typ},
	})
	if err == nil {
		_, err = part.Write(content)
	}
	if err == nil && user != "" {
		err = w.WriteField("user", `{"id":"`+user+`"}`)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		f.Fatal(err)
	}
	rq, err := http.NewRequestWithContext(f.Context(), "POST", f.w.URL+path+"?api_key="+f.w.Creds["api_key"], &b)
	if err != nil {
		f.Fatal(err)
	}
	rq.Header.Set("Authorization", s.token)
	rq.Header.Set("Content-Type", w.FormDataContentType())
	rs, err := client.Do(rq)
	if err != nil {
		f.Fatal(err)
	}
	defer rs.Body.Close()
	answer, err := io.ReadAll(rs.Body)
	if err != nil {
		f.Fatal(err)
	}
	v, fail := judge(f.T, "POST", path, rs, answer)
	if fail != nil {
		f.Fatalf("%s: %d %s", path, fail.Status, fail.Message)
	}
	return v
}

func TestUploadsAreServedAndDeleted(t *testing.T) {
	f := newFlow(t)
	chat := f.group()
	for _, c := range []struct {
		by         *session
		path, user string
	}{{f.alice, path(chat) + "/file", ""}, {f.server, path(chat) + "/file", "alice"}, {f.server, "/uploads/file", "bob"}} {
		content := []byte("some <b>text</b> of " + c.path + c.user)
		v := f.send(c.by, c.path, `notes "1".txt`, "text/plain", content, c.user)
		link := v.Get("file").String()
		rs, body := get(t, link)
		if rs.StatusCode != 200 || !bytes.Equal(body, content) || rs.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %q %v", link, rs.StatusCode, body, rs.Header)
		}
		if d := rs.Header.Get("Content-Disposition"); d[:10] != "attachment" {
			t.Errorf("disposition %q", d)
		}
		f.does(f.server, "DELETE", c.path, "", "url", link)
		if rs, _ := get(t, link); rs.StatusCode != 404 {
			t.Errorf("%s is still there: %d", link, rs.StatusCode)
		}
	}
	png := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89")
	link := f.send(f.alice, path(chat)+"/image", "dot.png", "image/png", png, "").Get("file").String()
	if rs, _ := get(t, link); rs.Header.Get("Content-Type") != "image/png" || rs.Header.Get("Content-Disposition")[:6] != "inline" {
		t.Errorf("the image is served with %v", rs.Header)
	}
}

// get reads a link without credentials.
func get(t *testing.T, link string) (*http.Response, []byte) {
	t.Helper()
	rq, err := http.NewRequestWithContext(t.Context(), "GET", link, nil)
	if err != nil {
		t.Fatal(err)
	}
	rs, err := client.Do(rq)
	if err != nil {
		t.Fatal(err)
	}
	defer rs.Body.Close()
	b, err := io.ReadAll(rs.Body)
	if err != nil {
		t.Fatal(err)
	}
	return rs, b
}

// endpoint is an app's own server: it hands calls on and answers what the handler says.
func endpoint(t *testing.T, answer func(gjson.Result) string) (string, <-chan *http.Request) {
	t.Helper()
	calls := make(chan *http.Request, 100)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, rq *http.Request) {
		b, _ := io.ReadAll(rq.Body)
		rq.Body = io.NopCloser(bytes.NewReader(b))
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answer(gjson.ParseBytes(b)))
		calls <- rq.Clone(context.WithValue(context.Background(), bodyKey{}, b))
	}))
	t.Cleanup(srv.Close)
	return srv.URL, calls
}

// bodyKey finds the body of a recorded call.
type bodyKey struct{}

func TestWebhookIsSigned(t *testing.T) {
	f := newFlow(t)
	link, calls := endpoint(t, func(gjson.Result) string { return "{}" })
	f.does(f.server, "PATCH", "/app", `{"event_hooks":[{"hook_type":"webhook","webhook_url":"`+link+`","event_types":["message.new"],"enabled":true}]}`)
	chat := f.group()
	f.does(f.alice, "POST", path(chat)+"/message", `{"message":{"id":"m1","text":"told"}}`)
	select {
	case rq := <-calls:
		b, _ := rq.Context().Value(bodyKey{}).([]byte)
		mac := hmac.New(sha256.New, []byte(f.w.Creds["api_secret"]))
		mac.Write(b)
		if rq.Header.Get("X-Signature") != hex.EncodeToString(mac.Sum(nil)) || rq.Header.Get("X-Api-Key") != "key" || rq.Header.Get("X-Webhook-Attempt") != "1" || rq.Header.Get("X-Webhook-Id") == "" {
			t.Errorf("headers %v", rq.Header)
		}
		f.has(gjson.ParseBytes(b), "type", "message.new", "message.id", "m1", "cid", chat, "user.id", "alice")
	case <-time.After(10 * time.Second):
		t.Fatal("no webhook came")
	}
}

func TestCalloutsAnswerMessages(t *testing.T) {
	f := newFlow(t)
	hook, _ := endpoint(t, func(v gjson.Result) string {
		if v.Get("message.text").String() == "bad" {
			return `{"message":{"type":"error","text":"no such words"}}`
		}
		return `{"message":{"text":"[` + v.Get("message.text").String() + `]","checked":true}}`
	})
	command, calls := endpoint(t, func(v gjson.Result) string {
		return `{"message":{"type":"ephemeral","text":"ticket for ` + v.Get("user.id").String() + `: ` + v.Get("message.args").String() + `"}}`
	})
	f.does(f.server, "POST", "/commands", `{"name":"ticket","description":"Open a ticket"}`)
	f.does(f.server, "PUT", "/channeltypes/messaging", `{"commands":["ticket"]}`)
	chat := f.group()
	if _, fail := f.tries(f.alice, "POST", path(chat)+"/message", `{"message":{"text":"/ticket broken lamp"}}`); fail == nil || string(fail.Code) != "44" {
		t.Errorf("a command without endpoint: %+v", fail)
	}
	f.does(f.server, "PATCH", "/app", `{"custom_action_handler_url":"`+command+`/{type}"}`)
	v := f.does(f.alice, "POST", path(chat)+"/message", `{"message":{"text":"/ticket broken lamp"}}`)
	f.has(v, "message.type", "ephemeral", "message.text", "ticket for alice: broken lamp", "message.command", "ticket")
	if rq := <-calls; rq.URL.Path != "/ticket" {
		t.Errorf("the command was sent to %s", rq.URL.Path)
	}
	f.does(f.server, "PATCH", "/app", `{"before_message_send_hook_url":"`+hook+`"}`)
	f.has(f.does(f.alice, "POST", path(chat)+"/message", `{"message":{"text":"good"}}`), "message.text", "[good]", "message.checked", "true", "message.type", "regular")
	f.has(f.does(f.alice, "POST", path(chat)+"/message", `{"message":{"text":"bad"}}`), "message.type", "error", "message.text", "no such words")
}
