package nexconn

import (
	"context"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// The two word lists of an app: those whose messages are refused, and those that are written otherwise.
const (
	wordsRefused = "words_refused"
	wordsMasked  = "words_masked"
)

// Limits of words.
const (
	maxWords     = 10000 // of each list
	maxWord      = 128   // bytes
	maxWordsCall = 50
)

// profanityOps are the words nobody is to write.
func (d *Dialect) profanityOps() []operation {
	return []operation{
		{path: "/profanity-word/batch/add", rate: 100, serve: d.addWords},
		{path: "/profanity-word/remove", rate: 100, serve: d.removeWord},
		{path: "/profanity-word/batch/remove", rate: 100, serve: d.removeWords},
		{path: "/profanity-word/list", rate: 100, serve: d.listWords},
	}
}

// words reads one of the lists; an empty one where there is none yet.
func (d *Dialect) wordList(ctx context.Context, by core.Actor, name string) (core.Blocklist, bool, error) {
	l, err := d.core.Blocklists.Get(ctx, by, core.GetBlocklist{Name: name})
	if fault.IsReason(err, fault.ResourceNotFound) {
		return core.Blocklist{Name: name, Kind: "part"}, false, nil
	}
	return l, err == nil, err
}

// putWords stores a list, or removes it with its last word.
func (d *Dialect) putWords(ctx context.Context, by core.Actor, l core.Blocklist, there bool) error {
	if len(l.Words) == 0 {
		if !there {
			return nil
		}
		_, err := d.core.Blocklists.Delete(ctx, by, core.DeleteBlocklist{Name: l.Name})
		return err
	}
	if _, err := d.core.Blocklists.Put(ctx, by, core.PutBlocklist{List: l, Create: !there}); err != nil || there {
		return err
	}
	use := core.BlocklistUse{Name: l.Name, Behavior: "block"}
	if l.Name == wordsMasked {
		use.Behavior = "mask"
	}
	_, err := d.core.Apps.Update(ctx, by, core.UpdateApp{Change: func(s *core.AppSettings) error {
		if !slices.Contains(s.Blocklists, use) {
			s.Blocklists = append(s.Blocklists, use)
		}
		return nil
	}})
	return err
}

// addWords adds words to be refused or, with a replacement, to be written otherwise.
func (d *Dialect) addWords(ctx context.Context, by core.Actor, in *input) (answer, error) {
	type word struct {
		text, with string
		masked     bool
	}
	var fresh []word
	in.EachObject("words", maxWordsCall, func(_ int, o *wire.Reader) {
		w := word{text: strings.ToLower(o.Need("word")), with: o.Text("replacement"), masked: o.Has("replacement")}
		if len(w.text) > maxWord || len(w.with) > maxWord {
			in.Fail("words", "must be of at most 128 bytes", fault.RequestFieldTooLong)
		}
		fresh = append(fresh, w)
	})
	if len(fresh) == 0 && in.Err() == nil {
		in.Fail("words", "is a required field", fault.RequestMissingField)
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	refused, hasRefused, err := d.wordList(ctx, by, wordsRefused)
	if err != nil {
		return nil, err
	}
	masked, hasMasked, err := d.wordList(ctx, by, wordsMasked)
	if err != nil {
		return nil, err
	}
	masks := map[string]string{}
	for k, v := range masked.Masks {
		masks[k] = v
	}
	masked.Masks = masks
	for _, w := range fresh { // a word is on one list: the last call counts
		refused.Words = without(refused.Words, w.text)
		masked.Words = without(masked.Words, w.text)
		delete(masks, w.text)
		if w.masked {
			masked.Words, masks[w.text] = append(masked.Words, w.text), w.with
		} else {
			refused.Words = append(refused.Words, w.text)
		}
	}
	left := d.byApp[by.App].quota("words", maxWords) - len(refused.Words) - len(masked.Words)
	if left < 0 {
		return nil, fault.RequestInvalid.Error("words: the app has as many as it may have")
	}
	if err := d.putWords(ctx, by, refused, hasRefused); err != nil {
		return nil, err
	}
	if err := d.putWords(ctx, by, masked, hasMasked); err != nil {
		return nil, err
	}
	return func(w *wire.Writer) { w.Int("remainingQuota", left) }, nil
}

// without is a list without a word.
func without(list []string, word string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == word })
}

func (d *Dialect) removeWord(ctx context.Context, by core.Actor, in *input) (answer, error) {
	word := in.Need("word")
	if err := in.Err(); err != nil {
		return nil, err
	}
	return nil, d.dropWords(ctx, by, []string{word})
}

func (d *Dialect) removeWords(ctx context.Context, by core.Actor, in *input) (answer, error) {
	var words []string
	in.Each("words", maxWordsCall, func(_ int, v gjson.Result) {
		if v.Type != gjson.String || v.Str == "" {
			in.Fail("words", "must be a list of texts", fault.RequestInvalidField)
		}
		words = append(words, v.Str)
	})
	if len(words) == 0 && in.Err() == nil {
		in.Fail("words", "is a required field", fault.RequestMissingField)
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	return nil, d.dropWords(ctx, by, words)
}

// dropWords takes words off both lists; what is on neither is told as nothing to delete.
func (d *Dialect) dropWords(ctx context.Context, by core.Actor, words []string) error {
	found := false
	for _, name := range []string{wordsRefused, wordsMasked} {
		l, there, err := d.wordList(ctx, by, name)
		if err != nil {
			return err
		}
		before := len(l.Words)
		for _, w := range words {
			l.Words = without(l.Words, strings.ToLower(w))
			delete(l.Masks, strings.ToLower(w))
		}
		if len(l.Words) == before {
			continue
		}
		found = true
		if err := d.putWords(ctx, by, l, there); err != nil {
			return err
		}
	}
	if !found {
		return fault.ResourceNotFound.Error("There is no such word.")
	}
	return nil
}

// Filter types, which are digits in texts.
const (
	filterMasked  = "0"
	filterRefused = "1"
	filterAll     = "2"
)

func (d *Dialect) listWords(ctx context.Context, by core.Actor, in *input) (answer, error) {
	kind := filterRefused
	if v, ok := in.Look("filterType"); ok {
		kind = v.String()
	}
	if kind != filterMasked && kind != filterRefused && kind != filterAll {
		in.Fail("filterType", `must be "0", "1" or "2"`, fault.RequestInvalidField)
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	refused, _, err := d.wordList(ctx, by, wordsRefused)
	if err != nil {
		return nil, err
	}
	masked, _, err := d.wordList(ctx, by, wordsMasked)
	if err != nil {
		return nil, err
	}
	return func(w *wire.Writer) {
		w.List("words")
		for _, l := range []struct {
			filter string
			words  []string
		}{{filterMasked, masked.Words}, {filterRefused, refused.Words}} {
			if kind != filterAll && kind != l.filter {
				continue
			}
			for _, s := range l.words {
				w.Open()
				w.Text("word", s)
				w.Text("replacement", masked.Masks[s])
				w.Text("filterType", l.filter)
				w.Close()
			}
		}
		w.CloseList()
	}, nil
}
