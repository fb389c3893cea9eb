package stream

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/wire"
)

// lone are the operations that mean something to the side alone that a client is linked to.
var lone = map[string]bool{
	"LongPoll": true, "SendEvent": true, "StopWatchingChannel": true, "GetHookEvents": true, "ReadFile": true,
	"UploadFile": true, "UploadImage": true, "UploadChannelFile": true, "UploadChannelImage": true, "CreateGuest": true,
}

// Again implements adapters.Learner. A link belongs to one side, so that the other is not asked to watch
// anything; a message or a poll that was given its id by the first side gets the same on the other.
func (d *Dialect) Again(route string, rq *adapters.Request, raw string, answer []byte) *adapters.Call {
	if lone[route] {
		return nil
	}
	again := *rq
	again.Query = nil
	for _, p := range rq.Query {
		switch p.Name {
		case "connection_id":
			continue
		case "payload":
			p.Value = string(unlinked([]byte(p.Value)))
		}
		again.Query = append(again.Query, p)
	}
	path, _, _ := strings.Cut(raw, "?")
	q := url.Values{}
	for _, p := range again.Query {
		q.Add(p.Name, p.Value)
	}
	again.Body = unlinked(rq.Body)
	once := rq.Method == "POST" || rq.Method == "PATCH"
	switch route {
	case "SendMessage":
		once = false // the second is refused by its id
		if m := gjson.GetBytes(rq.Body, "message"); m.IsObject() && m.Get("id").String() == "" {
			if id := gjson.GetBytes(answer, "message.id").String(); id != "" {
				again.Body = wire.With(again.Body, "message", wire.With([]byte(m.Raw), "id", []byte(strconv.Quote(id))))
			}
		}
	case "CreatePoll":
		if id := gjson.GetBytes(answer, "poll.id").String(); id != "" && gjson.GetBytes(rq.Body, "id").String() == "" {
			again.Body, once = wire.With(again.Body, "id", []byte(strconv.Quote(id))), false
		}
	case "SendReaction", "UpdateUsers", "UpdateMessage", "MarkRead", "MarkChannelsRead", "GetOrCreateChannel", "QueryChannels":
		once = false // done twice it is the same
	}
	again.Length = int64(len(again.Body))
	return &adapters.Call{Route: route, Request: &again, Raw: path + "?" + q.Encode(), Once: once}
}

// unlinked takes out of a body what concerns the live link of the caller.
func unlinked(body []byte) []byte {
	if len(body) == 0 {
		return body
	}
	return wire.Without(body, "watch", "presence", "connection_id")
}

// Made implements adapters.Learner: what is made has the same name on both sides; see Again.
func (d *Dialect) Made(string, []byte) string { return "" }
