package shadow_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/stream"
	"dragoman/proxy"
	"dragoman/proxy/shadow"
)

var streamCreds = map[string]string{"api_key": "key", "api_secret": "secret-0123456789abcdef-0123456789"}

// streamToken is what an app's own server gives out.
func streamToken(claims string) string {
	enc := base64.RawURLEncoding
	s := enc.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + enc.EncodeToString([]byte(claims))
	mac := hmac.New(sha256.New, []byte(streamCreds["api_secret"]))
	mac.Write([]byte(s))
	return s + "." + enc.EncodeToString(mac.Sum(nil))
}

// as is a request of a person's, or of the app's server where user is empty.
func streamAs(user, method, target, body string) *proxy.Exchange {
	claims := `{"server":true}`
	if user != "" {
		claims = fmt.Sprintf(`{"user_id":%q}`, user)
	}
	sep := "?"
	if strings.Contains(target, "?") {
		sep = "&"
	}
	return request(method, target+sep+"api_key=key", adapters.Values{
		{Name: "Authorization", Value: streamToken(claims)}, {Name: "Stream-Auth-Type", Value: "jwt"}, {Name: "Content-Type", Value: "application/json"},
	}, body)
}

// streamHistory makes people, channels and messages by calls of one mode.
func streamHistory(s *sides, mode proxy.Mode, from, to int) {
	for n := from; n < to; n++ {
		user := []string{"ann", "bob"}[n%2]
		s.through(mode, "SendMessage", streamAs(user, "POST", "/channels/messaging/hq/message", fmt.Sprintf(`{"message":{"id":"m-%d","text":"text %d","mood":%d}}`, n, n, n)))
	}
}

func streamPeople(s *sides, mode proxy.Mode) {
	s.through(mode, "UpdateUsers", streamAs("", "POST", "/users", `{"users":{"ann":{"id":"ann","name":"Ann","color":"red"},"bob":{"id":"bob","name":"Bob"},"eve":{"id":"eve"}}}`))
	s.through(mode, "GetOrCreateChannel", streamAs("ann", "POST", "/channels/messaging/hq/query", `{"data":{"members":["ann","bob"],"name":"HQ","topic":"all"},"state":true}`))
}

// streamSame asks both sides for everything that the tests have made.
func streamSame(s *sides, users ...string) {
	s.t.Helper()
	for _, u := range users {
		got := s.same("QueryChannels", streamAs(u, "POST", "/channels", fmt.Sprintf(`{"filter_conditions":{"members":{"$in":[%q]}},"state":true,"sort":[{"field":"created_at","direction":1}],"message_limit":100}`, u)))
		if len(got.Get("channels").Array()) == 0 {
			s.t.Errorf("%s has no channels", u)
		}
		got.Get("channels.#.channel.id").ForEach(func(_, id gjson.Result) bool {
			s.same("QueryMembers", streamAs(u, "GET", `/members?payload=`+url.QueryEscape(fmt.Sprintf(`{"type":"messaging","id":%q,"filter_conditions":{}}`, id.String())), ""))
			return true
		})
	}
}

// streamPeopleSame asks both sides for all people.
func streamPeopleSame(s *sides) {
	s.t.Helper()
	s.same("QueryUsers", streamAs("", "GET", "/users?payload="+url.QueryEscape(`{"filter_conditions":{},"sort":[{"field":"id","direction":1}]}`), ""))
}

// What the vendor says is what the core knows: whatever kind of call it was said in.
func TestStreamIsLearntFromAnswers(t *testing.T) {
	s := newSides(t, stream.Entry(), streamCreds, stream.ReadError, nil)
	const mode = proxy.ModeShadowVendor
	streamPeople(s, mode)
	streamHistory(s, mode, 0, 30)
	s.through(mode, "SendMessage", streamAs("bob", "POST", "/channels/messaging/hq/message", `{"message":{"text":"no id of mine","attachments":[{"type":"image","image_url":"http://x/y"}]}}`))
	s.through(mode, "SendMessage", streamAs("bob", "POST", "/channels/messaging/hq/message", `{"message":{"id":"r-1","text":"a reply to @ann","parent_id":"m-3","mentioned_users":["ann"]}}`))
	s.through(mode, "SendMessage", streamAs("ann", "POST", "/channels/messaging/hq/message", `{"message":{"id":"q-1","text":"a quote","quoted_message_id":"m-2"}}`))
	s.through(mode, "UpdateMessage", streamAs("ann", "POST", "/messages/m-4", `{"message":{"id":"m-4","text":"edited","mood":"new"}}`))
	s.through(mode, "UpdateMessagePartial", streamAs("bob", "PUT", "/messages/m-5", `{"set":{"pinned":true}}`))
	s.through(mode, "DeleteMessage", streamAs("ann", "DELETE", "/messages/m-6", ""))
	s.through(mode, "DeleteMessage", streamAs("", "DELETE", "/messages/m-7?hard=true", ""))
	s.through(mode, "SendReaction", streamAs("bob", "POST", "/messages/m-8/reaction", `{"reaction":{"type":"love","score":5}}`))
	s.through(mode, "SendReaction", streamAs("ann", "POST", "/messages/m-8/reaction", `{"reaction":{"type":"like"}}`))
	s.through(mode, "DeleteReaction", streamAs("ann", "DELETE", "/messages/m-8/reaction/like", ""))
	s.through(mode, "UpdateChannel", streamAs("ann", "POST", "/channels/messaging/hq", `{"add_members":["eve"],"data":{"name":"Head","topic":"all"}}`))
	s.through(mode, "UpdateChannelPartial", streamAs("ann", "PATCH", "/channels/messaging/hq", `{"set":{"color":"green"}}`))
	s.through(mode, "MarkRead", streamAs("eve", "POST", "/channels/messaging/hq/read", `{}`))
	s.through(mode, "GetOrCreateChannel", streamAs("ann", "POST", "/channels/messaging/query", `{"data":{"members":["ann","eve"]},"state":true}`))
	s.through(mode, "UpdateUsersPartial", streamAs("", "PATCH", "/users", `{"users":[{"id":"bob","set":{"name":"Robert"}}]}`))
	s.settle()
	streamSame(s, "ann", "bob", "eve")
	streamPeopleSame(s)
	s.same("GetReplies", streamAs("ann", "GET", "/messages/m-3/replies?limit=30", ""))
	s.same("GetReactions", streamAs("ann", "GET", "/messages/m-8/reactions", ""))
	s.through(mode, "UpdateChannel", streamAs("", "POST", "/channels/messaging/hq", `{"remove_members":["bob"]}`))
	s.settle()
	streamSame(s, "ann", "eve")
	r := s.report()
	if r.Fed.Refused+r.Fed.Unread+r.Fed.Gaps > 0 {
		t.Errorf("the feed: %+v", r.Fed)
	}
	before := r.Fed.New
	streamPeople(s, mode) // all of it is known
	s.settle()
	if r := s.report(); r.Fed.New != before {
		t.Errorf("%d things are new of what is known", r.Fed.New-before)
	}
}

// What was there before anybody listened is read from the vendor, and so is what went by unheard.
func TestStreamGapsAreFilled(t *testing.T) {
	s := newSides(t, stream.Entry(), streamCreds, stream.ReadError, nil)
	const unheard, mode = proxy.ModeVendor, proxy.ModeShadowVendor
	streamPeople(s, unheard)
	streamHistory(s, unheard, 0, 350) // more than a page
	s.through(unheard, "SendMessage", streamAs("bob", "POST", "/channels/messaging/hq/message", `{"message":{"id":"r-1","text":"a reply","parent_id":"m-3"}}`))
	for n := range 14 { // more than a message shows
		s.through(unheard, "SendReaction", streamAs("", "POST", "/messages/m-8/reaction", fmt.Sprintf(`{"reaction":{"type":"t%d","user_id":"bob"}}`, n)))
	}
	// The first that is heard belongs to a channel that the core has never heard of.
	s.through(mode, "SendMessage", streamAs("ann", "POST", "/channels/messaging/hq/message", `{"message":{"id":"heard","text":"hello"}}`))
	s.settle()
	streamSame(s, "ann", "bob")
	s.same("GetReplies", streamAs("ann", "GET", "/messages/m-3/replies?limit=30", ""))
	s.same("GetReactions", streamAs("ann", "GET", "/messages/m-8/reactions?limit=100", ""))
	page := s.same("GetOrCreateChannel", streamAs("ann", "POST", "/channels/messaging/hq/query", `{"state":true,"messages":{"limit":300,"id_lt":"m-340"}}`))
	if n := len(page.Get("messages").Array()); n != 300 {
		t.Errorf("%d messages of the history", n)
	}
	// A whole app, by hand-over: nobody has spoken in "late" since.
	s.through(unheard, "GetOrCreateChannel", streamAs("ann", "POST", "/channels/messaging/late/query", `{"data":{"members":["ann","bob"]},"state":true}`))
	s.seen.Store(false)
	if err := s.shadow.Handover(t.Context(), s.core.App, s.name, proxy.ModeVendor, mode); err != nil {
		t.Fatal(err)
	}
	s.settle()
	streamSame(s, "ann", "bob")
	streamPeopleSame(s)
	if r := s.report(); r.Fed.Refused+r.Fed.Unread+r.Fed.Gaps > 0 {
		t.Errorf("the feed: %+v", r.Fed)
	}
}

// Live links tell what nobody asked for, several times over; what a link missed is looked for.
func TestStreamIsLearntFromLinks(t *testing.T) {
	s := newSides(t, stream.Entry(), streamCreds, stream.ReadError, nil)
	const mode = proxy.ModeShadowVendor
	streamPeople(s, mode)
	streamHistory(s, mode, 0, 5)
	a := streamAs("ann", "GET", "/connect", "")
	a.App, a.Dialect, a.Mode, a.Live = s.core.App, s.name, mode, true
	one, two := s.shadow.Link(a), s.shadow.Link(a)
	at := time.Now().UTC().Format(time.RFC3339Nano)
	frames := []string{
		`{"type":"health.check","connection_id":"c","me":{"id":"ann","role":"user","created_at":"` + at + `"},"created_at":"` + at + `"}`,
		`{"type":"message.new","cid":"messaging:hq","message":{"id":"live","text":"x","type":"regular","user":{"id":"eve"},"created_at":"` + at + `","updated_at":"` + at + `"}}`,
		`{"type":"reaction.new","cid":"messaging:hq","message":{"id":"live","text":"x","type":"regular","user":{"id":"eve"},"created_at":"` + at + `","updated_at":"` + at + `"},"reaction":{"message_id":"live","type":"like","user_id":"bob","score":1,"created_at":"` + at + `"}}`,
		`{"type":"typing.start","cid":"messaging:hq","user":{"id":"bob"}}`,
		`{"type":"message.deleted","cid":"messaging:hq","hard_delete":true,"message":{"id":"m-1","text":"","type":"deleted","cid":"messaging:hq","user":{"id":"bob"}}}`,
		`not JSON`,
	}
	for _, f := range frames {
		one.Frame(proxy.ToClient, true, []byte(f))
		two.Frame(proxy.ToClient, true, []byte(f))
		one.Frame(proxy.FromClient, true, []byte(f))
	}
	s.settle()
	x := streamAs("", "GET", "/messages/live", "")
	got, err := s.call(s.core, x)
	if err != nil || !strings.Contains(string(got.Body), `"like":1`) || !strings.Contains(string(got.Body), `"id":"eve"`) {
		t.Errorf("%v: %s", err, got.Body)
	}
	if got, _ = s.call(s.core, streamAs("", "GET", "/messages/m-1", "")); got.Status != 404 {
		t.Errorf("what was deleted for good: %s", got.Body)
	}
	r := s.report()
	if r.Fed.Links != 2 || r.Fed.Unread != 1 {
		t.Errorf("%+v", r.Fed)
	}
	hook := `{"type":"message.new","cid":"messaging:hq","message":{"id":"hooked","text":"x","type":"regular","user":{"id":"eve"},"created_at":"` + at + `","updated_at":"` + at + `"}}`
	mac := hmac.New(sha256.New, []byte(streamCreds["api_secret"]))
	mac.Write([]byte(hook))
	signed := &adapters.Request{Body: []byte(hook), Headers: adapters.Values{{Name: "X-Signature", Value: hex.EncodeToString(mac.Sum(nil))}}}
	if !s.shadow.Webhook(s.core.App, "test", s.name, signed) || s.shadow.Webhook(s.core.App, "test", s.name, &adapters.Request{Body: []byte(hook)}) {
		t.Error("webhooks are not told by their signature")
	}
	s.settle()
	if got, _ = s.call(s.core, streamAs("", "GET", "/messages/hooked", "")); got.Status != 200 {
		t.Errorf("what a webhook told: %s", got.Body)
	}
	streamHistory(s, proxy.ModeVendor, 10, 12) // nobody tells
	one.Closed()
	two.Closed()
	s.settle()
	if got, _ = s.call(s.core, streamAs("", "GET", "/messages/m-11", "")); got.Status != 200 {
		t.Errorf("what a link missed: %s", got.Body)
	}
}

// Reads are compared whichever side answers; what the core lacks for good shows up, with no text of
// anybody's.
func TestStreamReadsAreCompared(t *testing.T) {
	s := newSides(t, stream.Entry(), streamCreds, stream.ReadError, nil)
	const mode = proxy.ModeShadowVendor
	streamPeople(s, mode)
	streamHistory(s, mode, 0, 10)
	s.through(mode, "GetMessage", streamAs("bob", "GET", "/messages/m-2", ""))
	s.through(mode, "GetMessage", streamAs("bob", "GET", "/messages/nothing", ""))
	s.through(mode, "QueryChannels", streamAs("ann", "POST", "/channels", `{"filter_conditions":{"members":{"$in":["ann"]}},"state":true}`))
	s.settle()
	if o := s.operation("GetMessage"); o.Equal != 2 || o.Different != 0 {
		t.Errorf("%+v", o)
	}
	if o := s.operation("QueryChannels"); o.Equal != 1 {
		t.Errorf("%+v", o)
	}
	if o := s.operation("SendMessage"); o.Other["learnt"] != 10 {
		t.Errorf("%+v", o)
	}
	if r := s.report(); !r.Ready {
		t.Errorf("not ready: %v", r.Reasons)
	}
	// Something that only the core was told.
	if _, err := s.call(s.core, streamAs("ann", "POST", "/messages/m-2", `{"message":{"id":"m-2","text":"another secret"}}`)); err != nil {
		t.Fatal(err)
	}
	s.through(mode, "GetMessage", streamAs("bob", "GET", "/messages/m-2", ""))
	s.through(proxy.ModeShadowCore, "GetMessage", streamAs("bob", "GET", "/messages/m-2", ""))
	s.settle()
	o := s.operation("GetMessage")
	if o.Equal != 2 || o.Different != 2 || len(o.Examples) != 2 || strings.Contains(fmt.Sprint(o.Examples), "secret") {
		t.Errorf("%+v", o)
	}
	if r := s.report(); r.Ready || len(r.Reasons) != 1 || !strings.HasPrefix(r.Reasons[0], "GetMessage: 2 of 4") {
		t.Errorf("%v", r.Reasons)
	}
	s.shadow.Reset("test", s.name)
	if r := s.report(); len(r.Operations) > 0 {
		t.Errorf("after a reset: %+v", r)
	}
}

// With writes on, the vendor gets what the core was told, under the same ids, in the same order.
func TestStreamWritesAreSent(t *testing.T) {
	s := newSides(t, stream.Entry(), streamCreds, stream.ReadError, nil)
	streamPeople(s, proxy.ModeShadowVendor)
	streamHistory(s, proxy.ModeShadowVendor, 0, 5)
	s.settle()
	s.writes.Store(true)
	const mode = proxy.ModeShadowCore
	streamHistory(s, mode, 5, 25)
	made := s.through(mode, "SendMessage", streamAs("bob", "POST", "/channels/messaging/hq/message", `{"message":{"text":"no id of mine"}}`)).Get("message.id").String()
	s.through(mode, "UpdateMessage", streamAs("bob", "POST", "/messages/"+made, `{"message":{"text":"edited"}}`))
	s.through(mode, "SendReaction", streamAs("ann", "POST", "/messages/"+made+"/reaction", `{"reaction":{"type":"like"}}`))
	s.through(mode, "DeleteMessage", streamAs("ann", "DELETE", "/messages/m-6", ""))
	s.settle()
	if err := s.shadow.Handover(t.Context(), s.core.App, s.name, mode, proxy.ModeShadowVendor); err != nil {
		t.Errorf("the way back: %v", err)
	}
	s.settle()
	a, _ := s.call(s.vendor, streamAs("", "GET", "/messages/"+made, ""))
	if !strings.Contains(string(a.Body), `"edited"`) || !strings.Contains(string(a.Body), `"like":1`) {
		t.Errorf("the vendor has %s", a.Body)
	}
	// A link that is still open at the vendor tells of these writes, later than they were: the core has the
	// say, and does not listen.
	x := streamAs("ann", "GET", "/connect", "")
	x.App, x.Dialect, x.Mode, x.Live = s.core.App, s.name, proxy.ModeShadowVendor, true
	link := s.shadow.Link(x)
	streamHistory(s, mode, 40, 41)
	link.Frame(proxy.ToClient, true, []byte(`{"type":"message.updated","cid":"messaging:hq","message":{"id":"m-8","text":"an echo","type":"regular","user":{"id":"ann"},"created_at":"2030-01-01T00:00:00Z","updated_at":"2030-01-01T00:00:00Z"}}`))
	s.settle()
	if a, _ := s.call(s.core, streamAs("", "GET", "/messages/m-8", "")); strings.Contains(string(a.Body), "an echo") {
		t.Error("the core learns its own echo")
	}
	r := s.report()
	if r.Mirrored.Lost > 0 || r.Mirrored.Sent != 25 {
		t.Errorf("%+v", r.Mirrored)
	}
	// Away for longer than the retries last: what it does not have is told, and the way back is closed.
	s.down.Store(true)
	streamHistory(s, mode, 30, 31)
	s.settle()
	s.down.Store(false)
	if err := s.shadow.Handover(t.Context(), s.core.App, s.name, mode, proxy.ModeVendor); err == nil || !strings.Contains(err.Error(), "1 writes") {
		t.Errorf("the way back with a write lost: %v", err)
	}
}

// When there is no room, comparisons are left out and what was to be learnt is read from the vendor later;
// the clients never wait.
func TestStreamFullQueueBecomesAGap(t *testing.T) {
	s := newSides(t, stream.Entry(), streamCreds, stream.ReadError, func(o *shadow.Options) { o.Queue = 10 })
	const mode = proxy.ModeShadowVendor
	streamPeople(s, mode)
	s.settle()
	held := make(chan struct{})
	s.hold.Store(&held)
	s.through(mode, "QueryUsers", streamAs("ann", "GET", "/users?payload="+url.QueryEscape(`{"filter_conditions":{"id":"ann"}}`), ""))
	for s.report().Fed.Dropped == 0 { // the first comparison stands still, and the queue behind it fills
		streamHistory(s, mode, 0, 1)
		s.through(mode, "GetMessage", streamAs("bob", "GET", "/messages/m-0", ""))
	}
	streamHistory(s, mode, 1, 40)
	s.hold.Store(nil)
	close(held)
	s.settle()
	got := s.same("GetMessage", streamAs("bob", "GET", "/messages/m-39", ""))
	if got.Get("message.text").String() != "text 39" {
		t.Errorf("the last message: %s", got.Raw)
	}
	page, err := s.call(s.core, streamAs("ann", "POST", "/channels/messaging/hq/query", `{"state":true,"messages":{"limit":300}}`))
	if n := len(gjson.GetBytes(page.Body, "messages").Array()); err != nil || n != 40 {
		t.Errorf("%d messages, %v", n, err)
	}
	r := s.report()
	if r.Fed.Dropped < 20 || r.Fed.Gaps > 0 || r.Fed.Missed {
		t.Errorf("%+v", r.Fed)
	}
}
