package cometchat

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
)

// fillPage is how much is asked for at once, the vendor's maximum.
const fillPage = 100

// serverCall makes a call with the app's full access key, on behalf of a person if one is named.
func (d *Dialect) serverCall(app core.AppID, route, path string, query url.Values, as core.UserID) *adapters.Call {
	var t *tenant
	for _, x := range d.tenants {
		if x.id == app {
			t = x
		}
	}
	if t == nil {
		return nil
	}
	rq := &adapters.Request{Method: "GET", Path: path, Scheme: "https", Headers: adapters.Values{
		{Name: "appId", Value: t.appID}, {Name: "apiKey", Value: t.full}, {Name: "Accept", Value: "application/json"},
	}}
	if as != "" {
		rq.Headers = append(rq.Headers, adapters.Param{Name: "onBehalfOf", Value: string(as)})
	}
	query.Set("perPage", strconv.Itoa(fillPage))
	for k, vs := range query {
		rq.Query = append(rq.Query, adapters.Param{Name: k, Value: vs[0]})
	}
	return &adapters.Call{Route: route, Request: rq, Raw: "/v3" + path + "?" + query.Encode()}
}

// Fill implements adapters.Learner. Groups are walked as a list; conversations of two are found on the
// lists of the people, whom GapPeople walks. A gap of one conversation of two names it by its id, in
// Message.
func (d *Dialect) Fill(app core.AppID, g adapters.Gap) *adapters.Call {
	page := url.Values{"page": {orElse(g.Page, "1")}}
	group := "/groups/" + url.PathEscape(string(g.Channel))
	history := url.Values{"affix": {"append"}}
	if g.Page != "" {
		history.Set("id", g.Page)
	} else {
		history.Set("sentAt", strconv.FormatInt(max(g.Since.Unix()-1, 1), 10))
	}
	direct := strings.HasPrefix(string(g.Channel), "!")
	switch {
	case g.Kind == adapters.GapAll && g.User != "":
		page.Set("conversationType", "user")
		return d.serverCall(app, "listConversations", "/conversations", page, g.User)
	case g.Kind == adapters.GapAll:
		return d.serverCall(app, "listGroups", "/groups", page, "")
	case g.Kind == adapters.GapPeople:
		return d.serverCall(app, "listUsers", "/users", page, "")
	case g.Kind == adapters.GapMembers && !direct:
		return d.serverCall(app, "listMembers", group+"/members", page, "")
	case g.Kind == adapters.GapChannel && g.Message != "":
		history.Set("conversationId", g.Message)
		return d.serverCall(app, "listMessages", "/messages", history, "")
	case g.Kind == adapters.GapChannel && g.User == "" && g.Page == "" && !direct:
		return d.serverCall(app, "getGroup", group, url.Values{}, "")
	case g.Kind == adapters.GapChannel && !direct:
		return d.serverCall(app, "listGroupMessages", group+"/messages", history, "")
	case g.Kind == adapters.GapReactions:
		return d.serverCall(app, "listReactions", "/messages/"+url.PathEscape(g.Message)+"/reactions", page, "")
	}
	return nil
}

// historyOf marks a gap of a group whose description was read: its messages come next.
const historyOf core.UserID = "*"

// Next implements adapters.Learner.
func (d *Dialect) Next(_ core.AppID, g adapters.Gap, answer []byte) (out []adapters.Gap) {
	list := gjson.GetBytes(answer, "data").Array()
	more := func() {
		if len(list) == fillPage {
			next := g
			n, _ := strconv.Atoi(orElse(g.Page, "1")) // written here
			next.Page = strconv.Itoa(n + 1)
			out = append(out, next)
		}
	}
	switch {
	case g.Kind == adapters.GapAll && g.User != "":
		for _, c := range list {
			a := g.User
			if b := core.UserID(c.Get("conversationWith.uid").String()); b != "" && a < b { // the other one has it on a list as well
				out = append(out, adapters.Gap{Kind: adapters.GapChannel, Channel: directKey(a, b), Message: directConversation(a, b), Since: g.Since})
			}
		}
		more()
	case g.Kind == adapters.GapAll:
		for _, c := range list {
			out = append(out, adapters.Gap{Kind: adapters.GapChannel, Channel: core.ChannelKey(c.Get("guid").String()), Since: g.Since})
		}
		if more(); g.Page == "" && !g.Since.IsZero() {
			out = append(out, adapters.Gap{Kind: adapters.GapPeople, Since: g.Since})
		}
	case g.Kind == adapters.GapPeople:
		for _, u := range list {
			out = append(out, adapters.Gap{Kind: adapters.GapAll, User: core.UserID(u.Get("uid").String()), Since: g.Since})
		}
		more()
	case g.Kind == adapters.GapChannel && g.Message == "" && g.User == "" && g.Page == "":
		next := g
		next.User = historyOf
		out = append(out, adapters.Gap{Kind: adapters.GapMembers, Channel: g.Channel}, next)
	case g.Kind == adapters.GapChannel:
		if len(list) == fillPage {
			next := g
			next.Page = list[len(list)-1].Get("id").String()
			out = append(out, next)
		}
		for _, m := range list {
			if m.Get("data.reactions").Exists() {
				out = append(out, adapters.Gap{Kind: adapters.GapReactions, Channel: g.Channel, Message: m.Get("id").String()})
			}
		}
	case g.Kind == adapters.GapMembers, g.Kind == adapters.GapReactions:
		more()
	}
	return out
}

// lone are the operations that mean something to one side alone: sessions, and links to its files.
var lone = map[string]bool{
	"login": true, "logout": true, "getMe": true, "getJWT": true, "getSettings": true, "createUserSession": true, "ping": true,
	"initiateCall": true, "updateCall": true, "registerPushToken": true, "unregisterPushToken": true, "onlineMembers": true,
}

// echoed begins the muid of a message that the core has made and that is sent to the vendor: the number
// the core gave it follows. So a message that comes back is known.
const echoed = "dragoman-"

// Again implements adapters.Learner. Each side gives messages numbers of its own. One that a client names
// by a muid is known by that; one that it does not is given one.
func (d *Dialect) Again(route string, rq *adapters.Request, raw string, answer []byte) *adapters.Call {
	if lone[route] || rq.Stream != nil {
		return nil
	}
	call := &adapters.Call{Route: route, Request: rq, Raw: raw, Once: rq.Method == "POST"}
	if made := d.Made(route, answer); made != "" && muid(gjson.GetBytes(rq.Body, "muid").String()) == "" && gjson.ValidBytes(rq.Body) {
		again := *rq
		again.Body = wire.With(rq.Body, "muid", []byte(strconv.Quote(echoed+made)))
		again.Length = int64(len(again.Body))
		call.Request = &again
	}
	return call
}

// Made implements adapters.Learner.
func (d *Dialect) Made(route string, answer []byte) string {
	if route != "sendMessage" && route != "sendReply" && route != "sendBotMessage" {
		return ""
	}
	return gjson.GetBytes(answer, "data.id").String()
}
