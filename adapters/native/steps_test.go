package native_test

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/tidwall/gjson"
)

// step is one call of a walk through the API: of a person, or of a server, that may act for one.
type step struct {
	who, as            string // a person's own client, or whom a server acts for
	method, path, real string // path is as the document has it
	body               string
	keep               string // of the answer: what KEPT stands for in the next path
	refused            bool
}

// walk makes every call and holds every answer against the document. It returns what is the same in
// every run.
func (a *api) walk(doc gjson.Result, steps []step) string {
	a.t.Helper()
	var told strings.Builder
	kept := ""
	for _, s := range steps {
		real := strings.ReplaceAll(s.real, "KEPT", kept)
		var r reply
		switch {
		case s.who != "":
			r = a.as(s.who, s.method, real, s.body)
		case s.as != "":
			r = a.srv(s.method, real, s.body, "On-Behalf-Of", s.as)
		default:
			r = a.srv(s.method, real, s.body)
		}
		if r.status >= 400 != s.refused {
			a.t.Errorf("%s %s as %q: %d %.400s", s.method, real, s.who, r.status, r.body.Raw)
		}
		conform(a.t, doc, s.method, s.path, r)
		if s.keep != "" {
			kept = r.body.Get(s.keep).String()
		}
		if frozen.MatchString(s.path) {
			fmt.Fprintf(&told, "%s %s as %s\n%s\n-> %d\n%s\n\n", s.method, real, cmp.Or(s.who, "server"), s.body, r.status, settled(r.body.Raw))
		}
	}
	return told.String()
}

// everyday is what an app does every day.
var everyday = []step{
	{method: "PATCH", path: "/v1/types/{type}", real: "/v1/types/messaging", body: `{"enable":["polls","user_message_reminders"],"max_length":5000}`},
	{method: "PUT", path: "/v1/users/{user}", real: "/v1/users/erin", body: `{"name":"Erin","role":"user","extra":{"team":"red","no":null}}`},
	{method: "POST", path: "/v1/users", real: "/v1/users", body: `{"users":[{"id":"finn","name":"Finn","tags":["new"]},{"id":"erin","language":"en"}]}`},
	{method: "GET", path: "/v1/users", real: "/v1/users?search=fi"},
	{who: "alice", method: "GET", path: "/v1/users/{user}", real: "/v1/users/erin"},
	{who: "alice", method: "PATCH", path: "/v1/me", real: "/v1/me", body: `{"image":"https://x/y.png","extra":{"mood":"fine"}}`},
	{method: "PATCH", path: "/v1/users/{user}", real: "/v1/users/erin", body: `{"extra":{"team":null}}`},
	{method: "POST", path: "/v1/tokens", real: "/v1/tokens", body: `{"user":"alice","expires_in":60}`},
	{who: "alice", method: "POST", path: "/v1/channels", real: "/v1/channels", body: `{"id":"club","name":"Club","admission":"anyone","members":[{"user":"bob"},{"user":"carol","role":"moderator"}],"extra":{"color":"blue"}}`},
	{who: "alice", method: "POST", path: "/v1/channels", real: "/v1/channels", body: `{"type":"livestream","name":"Arena"}`},
	{who: "alice", method: "POST", path: "/v1/directs", real: "/v1/directs", body: `{"users":["bob"]}`},
	{who: "alice", method: "GET", path: "/v1/channels", real: "/v1/channels?messages=5&members=5"},
	{who: "dave", method: "GET", path: "/v1/discover", real: "/v1/discover?search=club"},
	{who: "dave", method: "GET", path: "/v1/channels/{channel}", real: "/v1/channels/club"},
	{who: "dave", method: "POST", path: "/v1/channels/{channel}/join", real: "/v1/channels/club/join", body: `{}`},
	{who: "alice", method: "PATCH", path: "/v1/channels/{channel}", real: "/v1/channels/club", body: `{"name":"The Club","cooldown":0,"extra":{"color":null,"size":"big"}}`},
	{who: "alice", method: "GET", path: "/v1/channels/{channel}/members", real: "/v1/channels/club/members?limit=2"},
	{who: "alice", method: "POST", path: "/v1/channels/{channel}/members", real: "/v1/channels/club/members", body: `{"members":[{"user":"bob"},{"user":"erin"}]}`},
	{who: "alice", method: "PUT", path: "/v1/channels/{channel}/members/{user}", real: "/v1/channels/club/members/bob", body: `{"role":"moderator"}`},
	{who: "bob", method: "PATCH", path: "/v1/channels/{channel}/members/{user}", real: "/v1/channels/club/members/bob", body: `{"pinned":true,"extra":{"nick":"bobby"}}`},
	{who: "bob", method: "GET", path: "/v1/channels/{channel}/members/{user}", real: "/v1/channels/club/members/bob"},
	{who: "alice", method: "POST", path: "/v1/channels/{channel}/messages", real: "/v1/channels/club/messages", body: `{"id":"m1","text":"hello <b> & all","mentions":["bob"],"attachments":[{"type":"image","url":"u"}],"extra":{"a":1}}`},
	{who: "alice", method: "POST", path: "/v1/channels/{channel}/messages", real: "/v1/channels/club/messages", body: `{"id":"m1","text":"hello <b> & all"}`},
	{who: "bob", method: "POST", path: "/v1/channels/{channel}/messages", real: "/v1/channels/club/messages", body: `{"id":"m2","text":"answer","parent":"m1","quoted":"m1"}`},
	{who: "bob", method: "PUT", path: "/v1/messages/{message}/reactions/{type}", real: "/v1/messages/m1/reactions/like", body: `{"score":3}`},
	{who: "bob", method: "GET", path: "/v1/messages/{message}", real: "/v1/messages/m1"},
	{who: "bob", method: "GET", path: "/v1/messages/{message}/reactions", real: "/v1/messages/m1/reactions"},
	{who: "bob", method: "GET", path: "/v1/messages/{message}/replies", real: "/v1/messages/m1/replies"},
	{who: "alice", method: "GET", path: "/v1/threads", real: "/v1/threads"},
	{who: "alice", method: "GET", path: "/v1/threads/{message}", real: "/v1/threads/m1"},
	{who: "alice", method: "PATCH", path: "/v1/threads/{message}", real: "/v1/threads/m1", body: `{"title":"talk"}`},
	{who: "alice", method: "PATCH", path: "/v1/messages/{message}", real: "/v1/messages/m1", body: `{"text":"hello again","extra":{"a":null}}`},
	{who: "alice", method: "PUT", path: "/v1/messages/{message}/pin", real: "/v1/messages/m1/pin", body: `{}`},
	{who: "alice", method: "GET", path: "/v1/channels/{channel}/pins", real: "/v1/channels/club/pins"},
	{who: "alice", method: "DELETE", path: "/v1/messages/{message}/pin", real: "/v1/messages/m1/pin"},
	{who: "alice", method: "GET", path: "/v1/channels/{channel}/messages", real: "/v1/channels/club/messages?limit=2"},
	{who: "bob", method: "GET", path: "/v1/unread", real: "/v1/unread"},
	{who: "bob", method: "PUT", path: "/v1/channels/{channel}/read", real: "/v1/channels/club/read", body: `{}`},
	{who: "bob", method: "PUT", path: "/v1/channels/{channel}/delivered", real: "/v1/channels/club/delivered", body: `{"message":"m1"}`},
	{who: "bob", method: "PUT", path: "/v1/channels/{channel}/unread", real: "/v1/channels/club/unread", body: `{"message":"m1"}`},
	{who: "bob", method: "POST", path: "/v1/read", real: "/v1/read", body: `{}`},
	{who: "alice", method: "GET", path: "/v1/messages/{message}/receipts", real: "/v1/messages/m1/receipts"},
	{who: "bob", method: "DELETE", path: "/v1/messages/{message}/reactions/{type}", real: "/v1/messages/m1/reactions/like"},
	{who: "bob", method: "POST", path: "/v1/channels/{channel}/typing", real: "/v1/channels/club/typing", body: `{}`},
	{who: "bob", method: "POST", path: "/v1/channels/{channel}/events", real: "/v1/channels/club/events", body: `{"name":"wave","extra":{"x":1}}`},
	{who: "bob", method: "PUT", path: "/v1/channels/{channel}/mute", real: "/v1/channels/club/mute", body: `{"expires_in":60}`},
	{who: "bob", method: "PUT", path: "/v1/mutes/{user}", real: "/v1/mutes/carol", body: `{}`},
	{who: "bob", method: "GET", path: "/v1/mutes", real: "/v1/mutes"},
	{who: "bob", method: "GET", path: "/v1/me", real: "/v1/me"},
	{who: "bob", method: "DELETE", path: "/v1/mutes/{user}", real: "/v1/mutes/carol"},
	{who: "bob", method: "DELETE", path: "/v1/channels/{channel}/mute", real: "/v1/channels/club/mute"},
	{who: "bob", method: "PUT", path: "/v1/blocks/{user}", real: "/v1/blocks/dave"},
	{who: "bob", method: "GET", path: "/v1/blocks", real: "/v1/blocks"},
	{who: "bob", method: "DELETE", path: "/v1/blocks/{user}", real: "/v1/blocks/dave"},
	{who: "bob", method: "POST", path: "/v1/flags", real: "/v1/flags", body: `{"message":"m1","reason":"spam"}`},
	{method: "GET", path: "/v1/flags", real: "/v1/flags"},
	{who: "bob", method: "POST", path: "/v1/flags/withdraw", real: "/v1/flags/withdraw", body: `{"message":"m1"}`},
	{who: "alice", method: "PUT", path: "/v1/channels/{channel}/bans/{user}", real: "/v1/channels/club/bans/dave", body: `{"reason":"noise","expires_in":600}`},
	{who: "alice", method: "GET", path: "/v1/channels/{channel}/bans", real: "/v1/channels/club/bans"},
	{who: "alice", method: "DELETE", path: "/v1/channels/{channel}/bans/{user}", real: "/v1/channels/club/bans/dave"},
	{method: "PUT", path: "/v1/bans/{user}", real: "/v1/bans/dave", body: `{"shadow":true}`},
	{method: "GET", path: "/v1/bans", real: "/v1/bans"},
	{method: "DELETE", path: "/v1/bans/{user}", real: "/v1/bans/dave"},
	{method: "PUT", path: "/v1/wordlists/{name}", real: "/v1/wordlists/rude", body: `{"words":["darn"]}`},
	{method: "GET", path: "/v1/wordlists", real: "/v1/wordlists"},
	{method: "DELETE", path: "/v1/wordlists/{name}", real: "/v1/wordlists/rude"},
	{who: "alice", method: "PUT", path: "/v1/friends/{user}", real: "/v1/friends/dave", body: `{"ask":true}`},
	{who: "dave", method: "GET", path: "/v1/friends", real: "/v1/friends?status=pending"},
	{who: "dave", method: "POST", path: "/v1/friends/{user}/accept", real: "/v1/friends/alice/accept"},
	{who: "alice", method: "GET", path: "/v1/friends", real: "/v1/friends"},
	{who: "alice", method: "DELETE", path: "/v1/friends/{user}", real: "/v1/friends/dave"},
	{who: "alice", method: "GET", path: "/v1/presence", real: "/v1/presence?users=bob,carol"},
	{method: "POST", path: "/v1/users/{user}/events", real: "/v1/users/bob/events", body: `{"name":"ping"}`},
	{who: "alice", method: "PUT", path: "/v1/devices/{device}", real: "/v1/devices/phone", body: `{"provider":"apn"}`},
	{who: "alice", method: "GET", path: "/v1/devices", real: "/v1/devices"},
	{who: "alice", method: "DELETE", path: "/v1/devices/{device}", real: "/v1/devices/phone"},
	{who: "alice", method: "POST", path: "/v1/polls", real: "/v1/polls", body: `{"id":"p1","name":"Lunch?","options":[{"id":"o1","text":"Soup"},{"id":"o2","text":"Salad"}]}`},
	{who: "alice", method: "POST", path: "/v1/polls/{poll}/options", real: "/v1/polls/p1/options", body: `{"id":"o3","text":"Cake"}`},
	{who: "alice", method: "POST", path: "/v1/channels/{channel}/messages", real: "/v1/channels/club/messages", body: `{"id":"m3","text":"vote","poll":"p1"}`},
	{who: "bob", method: "POST", path: "/v1/polls/{poll}/votes", real: "/v1/polls/p1/votes", body: `{"message":"m3","option":"o1"}`},
	{who: "bob", method: "GET", path: "/v1/polls/{poll}", real: "/v1/polls/p1"},
	{who: "bob", method: "GET", path: "/v1/polls/{poll}/votes", real: "/v1/polls/p1/votes"},
	{who: "alice", method: "PATCH", path: "/v1/polls/{poll}", real: "/v1/polls/p1", body: `{"closed":true}`},
	{who: "alice", method: "DELETE", path: "/v1/polls/{poll}/options/{option}", real: "/v1/polls/p1/options/o3"},
	{who: "alice", method: "PUT", path: "/v1/channels/{channel}/draft", real: "/v1/channels/club/draft", body: `{"message":{"text":"unsent"}}`},
	{who: "alice", method: "GET", path: "/v1/channels/{channel}/draft", real: "/v1/channels/club/draft"},
	{who: "alice", method: "GET", path: "/v1/drafts", real: "/v1/drafts"},
	{who: "alice", method: "DELETE", path: "/v1/channels/{channel}/draft", real: "/v1/channels/club/draft"},
	{who: "alice", method: "PUT", path: "/v1/messages/{message}/reminder", real: "/v1/messages/m1/reminder", body: `{}`},
	{who: "alice", method: "GET", path: "/v1/reminders", real: "/v1/reminders"},
	{who: "alice", method: "DELETE", path: "/v1/messages/{message}/reminder", real: "/v1/messages/m1/reminder"},
	{who: "alice", method: "POST", path: "/v1/channels/{channel}/calls", real: "/v1/channels/club/calls", body: `{"kind":"video","id":"c1"}`},
	{who: "bob", method: "PATCH", path: "/v1/calls/{call}", real: "/v1/calls/c1", body: `{"status":"ongoing"}`},
	{who: "bob", method: "GET", path: "/v1/calls/{call}", real: "/v1/calls/c1"},
	{who: "bob", method: "GET", path: "/v1/calls", real: "/v1/calls"},
	{who: "bob", method: "GET", path: "/v1/feed", real: "/v1/feed?limit=500"},
	{who: "bob", method: "PUT", path: "/v1/feed/devices/{device}", real: "/v1/feed/devices/phone", body: `{"stamp":5}`},
	{who: "bob", method: "GET", path: "/v1/feed/devices/{device}", real: "/v1/feed/devices/phone"},
	{who: "bob", method: "GET", path: "/v1/feed/devices/{device}/pending", real: "/v1/feed/devices/phone/pending"},
	{method: "POST", path: "/v1/webhooks", real: "/v1/webhooks", body: `{"url":"https://example.test/hook","events":["message.sent"]}`},
	{method: "GET", path: "/v1/webhooks", real: "/v1/webhooks"},
	{method: "GET", path: "/v1/app", real: "/v1/app"},
	{method: "PATCH", path: "/v1/app", real: "/v1/app", body: `{"guests_disabled":false}`},
	{method: "GET", path: "/v1/types", real: "/v1/types"},
	{who: "alice", method: "PUT", path: "/v1/channels/{channel}/invites/{user}", real: "/v1/channels/club/invites/finn"},
	{who: "finn", method: "POST", path: "/v1/channels/{channel}/invite/accept", real: "/v1/channels/club/invite/accept"},
	{who: "alice", method: "PUT", path: "/v1/channels/{channel}/owner", real: "/v1/channels/club/owner", body: `{"user":"bob"}`},
	{who: "alice", method: "PUT", path: "/v1/channels/{channel}/hidden", real: "/v1/channels/club/hidden", body: `{}`},
	{who: "alice", method: "DELETE", path: "/v1/channels/{channel}/hidden", real: "/v1/channels/club/hidden"},
	{who: "alice", method: "DELETE", path: "/v1/messages/{message}", real: "/v1/messages/m1"},
	{method: "POST", path: "/v1/messages/{message}/restore", real: "/v1/messages/m1/restore"},
	{who: "carol", method: "POST", path: "/v1/channels/{channel}/leave", real: "/v1/channels/club/leave"},
	{who: "bob", method: "DELETE", path: "/v1/channels/{channel}/members/{user}", real: "/v1/channels/club/members/erin"},
	{method: "GET", path: "/v1/users/{user}/export", real: "/v1/users/alice/export"},
	{method: "POST", path: "/v1/channels/{channel}/truncate", real: "/v1/channels/club/truncate", body: `{}`},
	{who: "bob", method: "DELETE", path: "/v1/channels/{channel}", real: "/v1/channels/club"},
	{method: "POST", path: "/v1/users/{user}/deactivate", real: "/v1/users/finn/deactivate"},
	{method: "POST", path: "/v1/users/{user}/reactivate", real: "/v1/users/finn/reactivate"},
	{method: "DELETE", path: "/v1/users/{user}/tokens", real: "/v1/users/finn/tokens"},
	{method: "DELETE", path: "/v1/users/{user}", real: "/v1/users/finn"},
	{who: "alice", method: "GET", path: "/v1/search", real: "/v1/search?q=hello"},
	{who: "alice", method: "GET", path: "/v1/channels/{channel}", real: "/v1/channels/nowhere", refused: true},
}
