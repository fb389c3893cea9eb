package stream

import (
	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// maxHits is how many messages one search may answer.
const maxHits = 1000

// decodeSearch reads a search for messages: a text, or a filter of messages, in the channels that
// match the other filter. An offset goes neither with sort nor with next; see
// https://getstream.io/chat/docs/javascript/search/.
func decodeSearch(rq *adapters.Request) (core.SearchMessages, error) {
	in := core.SearchMessages{}
	r, err := wire.QueryOf(rq).Payload("payload")
	if err != nil {
		return in, err
	}
	if err := behalf(rq, &r); err != nil {
		return in, err
	}
	if v, ok := r.Look("filter_conditions"); ok {
		if in.ChannelFilter, err = channelFilter.filter(v); err != nil {
			return in, err
		}
	}
	in.Filter, in.Sort, in.Page, err = messageFilter.query(&r, "message_filter_conditions", maxHits)
	if err != nil {
		return in, err
	}
	in.Query = r.TextMax("query", 1024)
	plainText(&in.Filter)
	switch {
	case !r.Has("filter_conditions"):
		r.Fail("filter_conditions", "is a required field", fault.RequestMissingField)
	case in.ChannelFilter.Zero() && !rq.Caller().Server():
		return in, fault.RequestInvalid.Error("filter_conditions must not be empty")
	case in.Query == "" && in.Filter.Zero():
		return in, fault.RequestInvalid.Error("one of query or message_filter_conditions must be set")
	case in.Query != "" && !in.Filter.Zero():
		return in, fault.RequestInvalid.Error("query and message_filter_conditions must not be used together")
	case in.Page.Offset > 0 && len(in.Sort) > 0:
		return in, fault.RequestInvalid.Error("offset cannot be used with sort")
	}
	return in, r.Err()
}

// plainText makes a bare value of the text field a search for its words, which is what the SDK's
// own search means by {text: "…"}.
func plainText(f *core.Filter) {
	if f.Field == "text" && f.Op == core.OpEq {
		f.Op = core.OpSearch
	}
	for i := range f.Sub {
		plainText(&f.Sub[i])
	}
}

// encodeFound answers the messages found, each with its channel.
func encodeFound(w *wire.Writer, _ *adapters.Request, out core.Found) {
	w.List("results")
	for i := range out.Hits {
		h := &out.Hits[i]
		w.Open()
		w.Object("message")
		messageMembers(w, &h.Message, true)
		w.Key("channel")
		writeChannel(w, &h.Channel, channelView{})
		w.Close()
		w.Close()
	}
	w.CloseList()
	w.TextIf("next", out.Next)
	w.TextIf("previous", out.Prev)
}
