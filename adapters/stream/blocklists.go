package stream

import (
	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// maxWords is how many words a list may have.
const maxWords = 10000

// decodeCreateBlocklist reads a new word list.
func decodeCreateBlocklist(rq *adapters.Request) (core.PutBlocklist, error) {
	r, err := body(rq)
	if err != nil {
		return core.PutBlocklist{}, err
	}
	in := core.PutBlocklist{Create: true, List: core.Blocklist{Name: r.Need("name"), Words: words(&r), Kind: blocklistKind(&r)}}
	return in, r.Err()
}

// decodeUpdateBlocklist reads the words that take the place of a list's words.
func decodeUpdateBlocklist(rq *adapters.Request) (core.PutBlocklist, error) {
	r, err := body(rq)
	if err != nil {
		return core.PutBlocklist{}, err
	}
	in := core.PutBlocklist{List: core.Blocklist{Name: rq.Param("name"), Words: words(&r)}}
	return in, r.Err()
}

// words reads the words of a list, which have to be there.
func words(r *wire.Reader) []string {
	ws := r.Texts("words", maxWords)
	if ws == nil {
		r.Fail("words", "is a required field", fault.RequestMissingField)
	}
	return ws
}

// blocklistKind reads what the entries of a list are. Only words are matched here, so the other
// kinds (expressions, domains, addresses) are refused instead of kept without effect.
func blocklistKind(r *wire.Reader) string {
	kind := orElse(r.Text("type"), "word")
	if kind != "word" {
		r.Fail("type", "must be word", fault.RequestInvalidField)
	}
	return kind
}

// decodeGetBlocklist reads which list.
func decodeGetBlocklist(rq *adapters.Request) (core.GetBlocklist, error) {
	return core.GetBlocklist{Name: rq.Param("name")}, nil
}

// decodeDeleteBlocklist reads which list to remove.
func decodeDeleteBlocklist(rq *adapters.Request) (core.DeleteBlocklist, error) {
	return core.DeleteBlocklist{Name: rq.Param("name")}, nil
}

// writeBlocklist writes a word list. The switches tell how words are compared: whole and as written.
func writeBlocklist(w *wire.Writer, b *core.Blocklist) {
	w.Open()
	w.Text("name", b.Name)
	w.Text("type", orElse(b.Kind, "word"))
	w.Texts("words", b.Words)
	w.Bool("is_leet_check_enabled", false)
	w.Bool("is_plural_check_enabled", false)
	w.Bool("is_confusable_folding_enabled", false)
	w.Bool("is_substring_matching_enabled", false)
	w.TimeIf("created_at", b.CreatedAt)
	w.TimeIf("updated_at", b.UpdatedAt)
	w.Close()
}

// encodeBlocklist answers with one list.
func encodeBlocklist(w *wire.Writer, _ *adapters.Request, b core.Blocklist) {
	w.Key("blocklist")
	writeBlocklist(w, &b)
}

// encodeBlocklists answers with all lists.
func encodeBlocklists(w *wire.Writer, _ *adapters.Request, bs []core.Blocklist) {
	w.List("blocklists")
	for i := range bs {
		writeBlocklist(w, &bs[i])
	}
	w.CloseList()
}
