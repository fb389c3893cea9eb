package stream

import (
	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
)

// decodeQueryChannelsGet reads the older form of a query for channels: the body's object stands in
// the parameter "payload".
func decodeQueryChannelsGet(rq *adapters.Request) (statesRequest, error) {
	as := *rq
	as.Body = []byte(rq.Query.Get("payload"))
	in, err := decodeQueryChannels(&as)
	rq.SetActor(as.Actor(rq.Caller()))
	return in, err
}

// decodeGetChannel reads a channel that has to exist, with bounds in the query.
func decodeGetChannel(rq *adapters.Request) (openRequest, error) {
	in := openRequest{OpenChannel: core.OpenChannel{Type: rq.Param("type"), ID: rq.Param("id"), MustExist: true}}
	if _, err := channelKey(in.Type, in.ID); err != nil {
		return in, err
	}
	q := wire.QueryOf(rq)
	in.State.State = q.Text("state") == "" || q.Bool("state")
	in.State.MemberLimit = q.Int("members_limit", 0, maxMembers)
	in.State.Watchers = q.Int("watchers_limit", 0, maxMembers)
	p := &in.State.Messages
	p.Limit = q.Int("messages_limit", 0, maxMessagePage)
	for _, b := range []struct {
		name      string
		field     *string
		inclusive bool
	}{
		{"messages_id_lt", &p.Before, false}, {"messages_id_lte", &p.Before, true}, {"messages_id_gt", &p.After, false},
		{"messages_id_gte", &p.After, true}, {"messages_id_around", &p.Around, false},
	} {
		if v := q.Text(b.name); v != "" {
			*b.field, p.Inclusive = v, b.inclusive
		}
	}
	return in, firstErr(q.Err(), behalf(rq, nil))
}
