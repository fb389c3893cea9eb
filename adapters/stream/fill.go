package stream

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
)

// Pages of the vendor's API, at its own maximum.
const (
	fillMessages = 300
	fillMembers  = 100
	fillChannels = 30
)

// serverClaims is the payload of the token a server calls the vendor with.
var serverClaims = []byte(`{"server":true}`)

// serverCall makes a call with the credentials of the app's own server.
func (d *Dialect) serverCall(app core.AppID, method, route, path string, query url.Values, body []byte) *adapters.Call {
	t := d.secrets[app]
	if t == nil {
		return nil
	}
	query.Set("api_key", t.key)
	rq := &adapters.Request{Method: method, Path: path, Scheme: "https", Body: body, Length: int64(len(body)), Headers: adapters.Values{
		{Name: "Authorization", Value: sign(t.secret, serverClaims)}, {Name: "Stream-Auth-Type", Value: "jwt"},
		{Name: "Content-Type", Value: "application/json"}, {Name: "Accept", Value: "application/json"},
	}}
	for k, vs := range query {
		rq.Query = append(rq.Query, adapters.Param{Name: k, Value: vs[0]})
	}
	return &adapters.Call{Route: route, Request: rq, Raw: path + "?" + query.Encode()}
}

// Fill implements adapters.Learner. Channels and people are walked in the order of their making, which
// does not change while they are walked.
func (d *Dialect) Fill(app core.AppID, g adapters.Gap) *adapters.Call {
	typ, id := g.Channel.Split()
	w := wire.NewWriter(256)
	w.Open()
	switch g.Kind {
	case adapters.GapAll:
		w.Object("filter_conditions")
		if g.Page != "" {
			w.Object("created_at")
			w.Text("$gte", g.Page)
			w.Close()
		}
		if !g.Since.IsZero() {
			w.List("$or")
			for _, name := range []string{"last_message_at", "updated_at", "created_at"} {
				w.Open()
				w.Object(name)
				w.Text("$gte", stamp(g.Since))
				w.Close()
				w.Close()
			}
			w.CloseList()
		}
		w.Close()
		w.List("sort")
		w.Open()
		w.Text("field", "created_at")
		w.Int("direction", 1)
		w.Close()
		w.CloseList()
		w.Bool("state", true)
		w.Int("limit", fillChannels)
		w.Int("message_limit", 1)
		w.Int("member_limit", 1)
		w.Close()
		return d.serverCall(app, "POST", "QueryChannels", "/channels", url.Values{}, w.Bytes())
	case adapters.GapPeople:
		w.Object("filter_conditions")
		if g.Page != "" {
			w.Object("id")
			w.Text("$gt", g.Page)
			w.Close()
		}
		w.Close()
		w.List("sort")
		w.Open()
		w.Text("field", "id")
		w.Int("direction", 1)
		w.Close()
		w.CloseList()
		w.Int("limit", fillMembers)
		w.Bool("include_deactivated_users", true)
		w.Close()
		return d.serverCall(app, "GET", "QueryUsers", "/users", url.Values{"payload": {string(w.Bytes())}}, nil)
	case adapters.GapChannel:
		w.Bool("state", true)
		w.Object("messages")
		w.Int("limit", fillMessages)
		if g.Page != "" {
			w.Text("id_gt", g.Page)
		} else {
			w.Text("created_at_after_or_equal", stamp(g.Since))
		}
		w.Close()
		w.Object("members")
		w.Int("limit", fillMembers)
		w.Close()
		w.Close()
		path := "/channels/" + url.PathEscape(typ) + "/" + url.PathEscape(id) + "/query"
		return d.serverCall(app, "POST", "GetOrCreateChannel", path, url.Values{}, w.Bytes())
	case adapters.GapMembers:
		w.Text("type", typ)
		w.Text("id", id)
		w.Object("filter_conditions")
		w.Close()
		offset, _ := strconv.Atoi(g.Page) // written by Next
		w.Int("offset", offset)
		w.Int("limit", fillMembers)
		w.Close()
		return d.serverCall(app, "GET", "QueryMembers", "/members", url.Values{"payload": {string(w.Bytes())}}, nil)
	case adapters.GapThread:
		q := url.Values{"limit": {strconv.Itoa(fillMessages)}}
		if g.Page != "" {
			q.Set("id_gt", g.Page)
		} else {
			q.Set("created_at_after_or_equal", stamp(g.Since))
		}
		return d.serverCall(app, "GET", "GetReplies", "/messages/"+url.PathEscape(g.Message)+"/replies", q, nil)
	case adapters.GapReactions:
		q := url.Values{"limit": {strconv.Itoa(fillMessages)}, "offset": {g.Page}}
		return d.serverCall(app, "GET", "GetReactions", "/messages/"+url.PathEscape(g.Message)+"/reactions", q, nil)
	}
	return nil
}

// stamp writes a time as the vendor's filters take it; the beginning is long before the vendor's.
func stamp(t time.Time) string {
	if t.IsZero() {
		t = time.Unix(0, 0)
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// Next implements adapters.Learner.
func (d *Dialect) Next(_ core.AppID, g adapters.Gap, answer []byte) (out []adapters.Gap) {
	r := gjson.ParseBytes(answer)
	switch g.Kind {
	case adapters.GapAll:
		list := r.Get("channels").Array()
		for _, c := range list {
			if key, ok := keyOfCID(c.Get("channel.cid").String()); ok {
				out = append(out, adapters.Gap{Kind: adapters.GapChannel, Channel: key, Since: g.Since})
			}
		}
		if len(list) == fillChannels {
			next := g
			if next.Page = list[len(list)-1].Get("channel.created_at").String(); next.Page != g.Page {
				out = append(out, next)
			}
		}
	case adapters.GapPeople:
		if list := r.Get("users").Array(); len(list) == fillMembers {
			next := g
			next.Page = list[len(list)-1].Get("id").String()
			out = append(out, next)
		}
	case adapters.GapChannel:
		list := r.Get("messages").Array()
		if len(list) == fillMessages {
			next := g
			next.Page = list[len(list)-1].Get("id").String()
			out = append(out, next) // before the threads: what was said in one millisecond keeps its order
		}
		out = append(out, beneath(g, list)...)
		if g.Page == "" && len(r.Get("members").Array()) == fillMembers {
			out = append(out, adapters.Gap{Kind: adapters.GapMembers, Channel: g.Channel, Page: strconv.Itoa(fillMembers)})
		}
	case adapters.GapMembers:
		if len(r.Get("members").Array()) == fillMembers {
			next := g
			offset, _ := strconv.Atoi(g.Page)
			next.Page = strconv.Itoa(offset + fillMembers)
			out = append(out, next)
		}
	case adapters.GapThread:
		list := r.Get("messages").Array()
		if len(list) == fillMessages {
			next := g
			next.Page = list[len(list)-1].Get("id").String()
			out = append(out, next) // before the threads: what was said in one millisecond keeps its order
		}
		out = append(out, beneath(g, list)...)
	case adapters.GapReactions:
		if len(r.Get("reactions").Array()) == fillMessages {
			next := g
			offset, _ := strconv.Atoi(g.Page)
			next.Page = strconv.Itoa(offset + fillMessages)
			out = append(out, next)
		}
	}
	return out
}

// beneath are the threads and the further reactions of messages.
func beneath(g adapters.Gap, list []gjson.Result) (out []adapters.Gap) {
	for _, m := range list {
		id := strings.Clone(m.Get("id").String())
		if m.Get("reply_count").Int() > 0 {
			out = append(out, adapters.Gap{Kind: adapters.GapThread, Channel: g.Channel, Message: id, Since: g.Since})
		}
		sum := int64(0)
		m.Get("reaction_counts").ForEach(func(_, n gjson.Result) bool {
			sum += n.Int()
			return true
		})
		if sum > int64(len(m.Get("latest_reactions").Array())) {
			out = append(out, adapters.Gap{Kind: adapters.GapReactions, Channel: g.Channel, Message: id, Page: "0"})
		}
	}
	return out
}
