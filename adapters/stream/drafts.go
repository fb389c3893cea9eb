package stream

import (
	"encoding/json"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// maxDraft bounds a draft's message in bytes: what a message may carry, and some room.
const maxDraft = 64 << 10

// decodePutDraft reads a draft: "message" is kept as the client wrote it.
func decodePutDraft(rq *adapters.Request) (core.PutDraft, error) {
	r, err := actingPerson(rq)
	if err != nil {
		return core.PutDraft{}, err
	}
	m, ok := r.Object("message")
	if !ok {
		r.Fail("message", "is a required field", fault.RequestMissingField)
		return core.PutDraft{}, r.Err()
	}
	in := core.PutDraft{Draft: core.Draft{
		Key: keyParam(rq), Parent: m.Text("parent_id"), Quoted: m.Text("quoted_message_id"), Message: draftMessage(&m),
	}}
	if len(in.Draft.Message) > maxDraft {
		r.Fail("message", "is too big", fault.RequestFieldTooLong)
	}
	return in, r.Err()
}

// draftMessage is the message object of a draft with the two members every reader expects.
func draftMessage(m *wire.Reader) json.RawMessage {
	raw := wire.Compact(m.RawText())
	hasID, hasText := m.Text("id") != "", m.Has("text")
	if hasID && hasText {
		return raw
	}
	w := wire.NewWriter(len(raw) + 64)
	w.Open()
	if !hasText {
		w.Text("text", "")
	}
	if !hasID {
		w.Text("id", newID())
	}
	w.Extra(core.Extra(raw), wire.Names{})
	w.Close()
	return w.Bytes()
}

// encodeDraft answers with one draft.
func encodeDraft(w *wire.Writer, _ *adapters.Request, d core.Draft) {
	w.Key("draft")
	writeDraft(w, &d)
}

// decodeGetDraft reads which draft: that of the channel, or of the thread parent_id.
func decodeGetDraft(rq *adapters.Request) (core.GetDraft, error) {
	return core.GetDraft{Key: keyParam(rq), Parent: rq.Query.Get("parent_id")}, queryPerson(rq)
}

// decodeDeleteDraft reads which draft to drop.
func decodeDeleteDraft(rq *adapters.Request) (core.DeleteDraft, error) {
	return core.DeleteDraft{Key: keyParam(rq), Parent: rq.Query.Get("parent_id")}, queryPerson(rq)
}

// decodeQueryDrafts reads a search for drafts.
func decodeQueryDrafts(rq *adapters.Request) (core.QueryDrafts, error) {
	r, err := actingPerson(rq)
	if err != nil {
		return core.QueryDrafts{}, err
	}
	f, s, p, err := draftFilter.query(&r, "filter", 100)
	if err != nil {
		return core.QueryDrafts{}, err
	}
	return core.QueryDrafts{Filter: f, Sort: s, Page: p}, r.Err()
}

// encodeDrafts answers a page of drafts.
func encodeDrafts(w *wire.Writer, _ *adapters.Request, out core.DraftPage) {
	w.List("drafts")
	for i := range out.Drafts {
		writeDraft(w, &out.Drafts[i])
	}
	w.CloseList()
	writeCursors(w, out.Next, out.Prev)
}
