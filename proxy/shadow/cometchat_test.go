package shadow_test

import (
	"fmt"
	"testing"

	"dragoman/adapters"
	"dragoman/adapters/cometchat"
	"dragoman/proxy"
)

var cometCreds = map[string]string{"app_id": "app1", "region": "eu", "full_access_key": "full-key", "auth_only_key": "auth-key"}

// cometAs is a request of the app's server, on behalf of a person if one is named.
func cometAs(user, method, target, body string) *proxy.Exchange {
	h := adapters.Values{{Name: "appId", Value: "app1"}, {Name: "apiKey", Value: "full-key"}, {Name: "Content-Type", Value: "application/json"}}
	if user != "" {
		h = append(h, adapters.Param{Name: "onBehalfOf", Value: user})
	}
	return request(method, target, h, body)
}

// cometToken is a request of a client.
func cometToken(token, method, target, body string) *proxy.Exchange {
	return request(method, target, adapters.Values{{Name: "appId", Value: "app1"}, {Name: "authToken", Value: token}, {Name: "Content-Type", Value: "application/json"}}, body)
}

func cometPeople(s *sides, mode proxy.Mode) {
	for _, u := range []string{"ann", "bob", "eve"} {
		s.through(mode, "createUser", cometAs("", "POST", "/users", fmt.Sprintf(`{"uid":%q,"name":"The %s","metadata":{"k":%q}}`, u, u, u)))
	}
	s.through(mode, "createGroup", cometAs("ann", "POST", "/groups", `{"guid":"hq","name":"HQ","type":"public","description":"all"}`))
	s.through(mode, "addMembers", cometAs("ann", "PUT", "/groups/hq/members", `{"participants":["bob"],"moderators":["eve"]}`))
}

func cometSay(s *sides, mode proxy.Mode, user, kind, to, text string) string {
	return s.through(mode, "sendMessage", cometAs(user, "POST", "/messages", fmt.Sprintf(`{"receiver":%q,"receiverType":%q,"category":"message","type":"text","data":{"text":%q,"metadata":{"n":1}}}`, to, kind, text))).Get("data.id").String()
}

func cometSame(s *sides) {
	s.t.Helper()
	for _, u := range []string{"ann", "bob", "eve"} {
		s.same("getUser", cometAs("", "GET", "/users/"+u, ""))
	}
	s.same("getGroup", cometAs("ann", "GET", "/groups/hq", ""))
	s.same("listMembers", cometAs("ann", "GET", "/groups/hq/members", ""))
	got := s.same("listGroupMessages", cometAs("ann", "GET", "/groups/hq/messages?perPage=100", ""))
	if len(got.Get("data").Array()) < 5 {
		s.t.Errorf("the group's history: %s", clipped([]byte(got.Raw)))
	}
	got = s.same("listUserMessages", cometAs("ann", "GET", "/users/bob/messages?perPage=100", ""))
	if len(got.Get("data").Array()) < 2 {
		s.t.Errorf("the history of two: %s", clipped([]byte(got.Raw)))
	}
}

// What CometChat says is what the core knows, and ids stay the same: they are numbers of the vendor's.
func TestCometChatIsLearntFromAnswers(t *testing.T) {
	s := newSides(t, cometchat.Entry(), cometCreds, cometchat.ReadError, nil)
	const mode = proxy.ModeShadowVendor
	cometPeople(s, mode)
	var ids []string
	for n := range 8 {
		ids = append(ids, cometSay(s, mode, []string{"ann", "bob"}[n%2], "group", "hq", fmt.Sprintf("text %d", n)))
	}
	cometSay(s, mode, "ann", "user", "bob", "between two")
	two := cometSay(s, mode, "bob", "user", "ann", "likewise")
	s.through(mode, "updateMessage", cometAs("bob", "PUT", "/messages/"+two, `{"data":{"text":"edited"}}`))
	s.through(mode, "deleteMessage", cometAs("ann", "DELETE", "/messages/"+ids[2], ""))
	s.through(mode, "addReaction", cometAs("eve", "POST", "/messages/"+ids[3]+"/reactions/heart", ""))
	s.through(mode, "addReaction", cometAs("bob", "POST", "/messages/"+ids[3]+"/reactions/heart", ""))
	s.through(mode, "removeReaction", cometAs("bob", "DELETE", "/messages/"+ids[3]+"/reactions/heart", ""))
	s.through(mode, "sendReply", cometAs("bob", "POST", "/messages/"+ids[4]+"/thread", `{"receiver":"hq","receiverType":"group","category":"message","type":"text","data":{"text":"a reply"}}`))
	s.through(mode, "sendMessage", cometAs("bob", "POST", "/messages", `{"receiver":"hq","receiverType":"group","category":"custom","type":"poll","data":{"customData":{"q":"?"}}}`))
	s.through(mode, "changeScope", cometAs("ann", "PUT", "/groups/hq/members/bob", `{"scope":"moderator"}`))
	s.settle()
	cometSame(s)
	s.same("listReplies", cometAs("ann", "GET", "/messages/"+ids[4]+"/thread", ""))
	s.same("listReactions", cometAs("ann", "GET", "/messages/"+ids[3]+"/reactions", ""))
	if r := s.report(); r.Fed.Refused+r.Fed.Unread+r.Fed.Gaps > 0 {
		t.Errorf("the feed: %+v", r.Fed)
	}
	// A token that the vendor gave out is good on the other side too.
	token := s.through(mode, "createAuthToken", cometAs("", "POST", "/users/bob/auth_tokens", `{"force":true}`)).Get("data.authToken").String()
	s.settle()
	s.same("listGroupMessages", cometToken(token, "GET", "/groups/hq/messages", ""))
	s.through(mode, "leaveGroup", cometAs("eve", "DELETE", "/groups/hq/members", ""))
	s.settle()
	s.same("listMembers", cometAs("ann", "GET", "/groups/hq/members", ""))
}

// What was there before is read from the vendor: people, groups, members, and histories.
func TestCometChatGapsAreFilled(t *testing.T) {
	s := newSides(t, cometchat.Entry(), cometCreds, cometchat.ReadError, nil)
	const unheard, mode = proxy.ModeVendor, proxy.ModeShadowVendor
	cometPeople(s, unheard)
	for n := range 120 { // more than a page
		cometSay(s, unheard, []string{"ann", "bob"}[n%2], "group", "hq", fmt.Sprintf("text %d", n))
	}
	cometSay(s, unheard, "ann", "user", "bob", "between two")
	last := cometSay(s, unheard, "bob", "user", "ann", "likewise")
	s.through(unheard, "addReaction", cometAs("ann", "POST", "/messages/"+last+"/reactions/heart", ""))
	s.seen.Store(false)
	if err := s.shadow.Handover(t.Context(), s.core.App, s.name, proxy.ModeVendor, mode); err != nil {
		t.Fatal(err)
	}
	s.settle()
	cometSame(s)
	s.same("listReactions", cometAs("ann", "GET", "/messages/"+last+"/reactions", ""))
	if r := s.report(); r.Fed.Refused+r.Fed.Unread+r.Fed.Gaps > 0 {
		t.Errorf("the feed: %+v", r.Fed)
	}
}
