package engine

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/perm"
	"dragoman/core/store"
)

type blocklists struct{ e *Engine }

// Limits of blocklists.
const (
	maxBlocklists = 15
	maxWords      = 10000
	maxWordBytes  = 40
	maxPartBytes  = 128
)

// builtinBlocklist is the list every app has; its name is the one clients of the dialects expect.
const builtinBlocklist = "profanity_en_2020_v1"

// builtinWords is short and mild on purpose: an app that needs more brings its own list.
var builtinWords = []string{
	"arse", "arsehole", "ass", "asshole", "bastard", "bitch", "bollocks", "bugger", "bullshit", "crap",
	"cunt", "damn", "dick", "dickhead", "fuck", "fucked", "fucker", "fucking", "goddamn", "motherfucker",
	"piss", "pissed", "prick", "shit", "shitty", "slut", "twat", "wanker", "whore",
}

// Kinds of list.
const (
	listWord   = "word"
	listRegex  = "regex"
	listDomain = "domain"
	listEmail  = "email"
	listPart   = "part"
)

// Get reads one list.
func (s blocklists) Get(ctx context.Context, by core.Actor, in core.GetBlocklist) (core.Blocklist, error) {
	const op = "blocklists.get"
	if err := serverOnly(by, "reading blocklists"); err != nil {
		return core.Blocklist{}, translate(op, err)
	}
	l, err := s.e.readBlocklist(ctx, s.e.store, by.App, in.Name)
	return l, translate(op, err)
}

func (e *Engine) readBlocklist(ctx context.Context, r store.Reader, app core.AppID, name string) (core.Blocklist, error) {
	l, err := getJSON[core.Blocklist](ctx, r, app, spaceBlocklists, name)
	if !errors.Is(err, store.ErrNotFound) {
		return l, err
	}
	if name != builtinBlocklist {
		return l, fault.ResourceNotFound.Error(fmt.Sprintf("blocklist %q does not exist", name))
	}
	a, err := e.app(ctx, app)
	if err != nil {
		return l, err
	}
	return core.Blocklist{
		Name: builtinBlocklist, Words: slices.Clone(builtinWords), Kind: listWord, CreatedAt: a.CreatedAt, UpdatedAt: a.CreatedAt,
	}, nil
}

// Put creates or replaces a list.
func (s blocklists) Put(ctx context.Context, by core.Actor, in core.PutBlocklist) (core.Blocklist, error) {
	e := s.e
	const op = "blocklists.put"
	out := in.List
	if err := serverOnly(by, "changing blocklists"); err != nil {
		return out, translate(op, err)
	}
	if err := checkBlocklist(&out); err != nil {
		return out, translate(op, err)
	}
	err := e.update(ctx, op, by.App, 0, func(t *txn) error {
		old, err := e.readBlocklist(ctx, t, by.App, out.Name)
		switch {
		case fault.IsReason(err, fault.ResourceNotFound) && in.Create:
			all, err := scan[core.Blocklist](ctx, t, by.App, spaceBlocklists, "")
			if err != nil {
				return err
			}
			if len(all) >= maxBlocklists {
				return fault.LimitReached.Error(fmt.Sprintf("an app has at most %d blocklists", maxBlocklists))
			}
			old.CreatedAt = e.now()
		case err != nil:
			return err
		case in.Create:
			return fault.RequestInvalid.Error(fmt.Sprintf("blocklist %q already exists", out.Name))
		}
		if out.Kind == "" {
			out.Kind = old.Kind
		}
		if out.Kind == "" {
			out.Kind = listWord
		}
		out.CreatedAt, out.UpdatedAt = old.CreatedAt, e.now()
		t.forget(invalidation{App: by.App, Lists: []string{out.Name}})
		return putJSON(t, spaceBlocklists, out.Name, &out)
	})
	return out, err
}

func checkBlocklist(l *core.Blocklist) error {
	if l.Name == "" || len(l.Name) > 255 {
		return fault.RequestInvalidField.Error("a blocklist needs a name of at most 255 bytes")
	}
	if !slices.Contains([]string{"", listWord, listRegex, listDomain, listEmail, listPart}, l.Kind) {
		return fault.RequestInvalidField.Error(fmt.Sprintf("blocklists of kind %q are not supported", l.Kind))
	}
	if len(l.Words) == 0 || len(l.Words) > maxWords {
		return fault.RequestInvalidField.Error(fmt.Sprintf("a blocklist has 1 to %d words", maxWords))
	}
	words, longest := make([]string, len(l.Words)), maxWordBytes
	if l.Kind == listPart {
		longest = maxPartBytes
	}
	for i, w := range l.Words {
		if w == "" || len(w) > longest {
			return fault.RequestInvalidField.Error(fmt.Sprintf("words of a blocklist have 1 to %d bytes", longest))
		}
		words[i] = w
		if l.Kind != listRegex {
			words[i] = strings.ToLower(w)
		} else if _, err := regexp.Compile(w); err != nil {
			return fault.RequestInvalidField.Error(fmt.Sprintf("%q is not a regular expression", w))
		}
	}
	l.Words = words
	return nil
}

// Delete removes a list of the app's own; the built-in one comes back as it was.
func (s blocklists) Delete(ctx context.Context, by core.Actor, in core.DeleteBlocklist) (core.Blocklist, error) {
	e := s.e
	const op = "blocklists.delete"
	var out core.Blocklist
	if err := serverOnly(by, "deleting blocklists"); err != nil {
		return out, translate(op, err)
	}
	err := e.update(ctx, op, by.App, 0, func(t *txn) error {
		var err error
		if out, err = e.readBlocklist(ctx, t, by.App, in.Name); err != nil {
			return err
		}
		t.forget(invalidation{App: by.App, Lists: []string{in.Name}})
		return t.DeleteRecord(by.App, spaceBlocklists, in.Name)
	})
	return out, err
}

// List reads all lists, the built-in one first.
func (s blocklists) List(ctx context.Context, by core.Actor, _ core.ListBlocklists) ([]core.Blocklist, error) {
	const op = "blocklists.list"
	if err := serverOnly(by, "reading blocklists"); err != nil {
		return nil, translate(op, err)
	}
	first, err := s.e.readBlocklist(ctx, s.e.store, by.App, builtinBlocklist)
	if err != nil {
		return nil, translate(op, err)
	}
	own, err := scan[core.Blocklist](ctx, s.e.store, by.App, spaceBlocklists, "")
	if err != nil {
		return nil, translate(op, err)
	}
	own = slices.DeleteFunc(own, func(l core.Blocklist) bool { return l.Name == builtinBlocklist })
	return append([]core.Blocklist{first}, own...), nil
}

// verdict is what moderation says to a text, mildest first.
type verdict uint8

const (
	verdictPass   verdict = iota
	verdictFlag           // send it and report it to the moderators
	verdictShadow         // send it so that only its author sees it
	verdictBlock          // refuse it
)

// behaviours maps the settings of channel types.
var behaviours = map[string]verdict{"": verdictFlag, "flag": verdictFlag, "shadow_block": verdictShadow, "block": verdictBlock, behaviourMask: verdictPass}

// behaviourMask writes something else in place of the words.
const behaviourMask = "mask"

// moderate judges a text by the lists of the channel: the severest verdict of all that match.
// People with skip-message-moderation are not judged, nor are servers that act for nobody.
func (e *Engine) moderate(ctx context.Context, s *scene, text string) (verdict, error) {
	uses := append(slices.Clone(s.config.Blocklists), s.app.Settings.Blocklists...)
	if s.config.Blocklist != "" {
		uses = append(slices.Clone(uses), core.BlocklistUse{Name: s.config.Blocklist, Behavior: s.config.BlocklistBehavior})
	}
	if s.config.Automod == "simple" {
		uses = append(slices.Clone(uses), core.BlocklistUse{Name: builtinBlocklist, Behavior: s.config.AutomodBehavior})
	}
	if len(uses) == 0 || text == "" || s.by.Server() && s.by.User == "" {
		return verdictPass, nil
	}
	if s.allows(s.roles(), perm.SkipMessageModeration, s.owns()) {
		return verdictPass, nil
	}
	out := verdictPass
	var tokens []string
	for _, u := range uses {
		l, err := e.wordList(ctx, s.by.App, u.Name)
		if fault.IsReason(err, fault.ResourceNotFound) {
			continue // the type still names a list that was deleted since
		}
		if err != nil {
			return verdictPass, err
		}
		if tokens == nil {
			tokens = tokenize(text)
		}
		if l.matches(text, tokens) {
			out = max(out, behaviours[u.Behavior])
		}
	}
	return out, nil
}

// mask is a text with the words of the app's lists that are to be written otherwise.
func (e *Engine) mask(ctx context.Context, s *scene, text string) (string, error) {
	for _, u := range s.app.Settings.Blocklists {
		if u.Behavior != behaviourMask || text == "" || s.by.Server() && s.by.User == "" {
			continue
		}
		l, err := e.wordList(ctx, s.by.App, u.Name)
		if fault.IsReason(err, fault.ResourceNotFound) {
			continue
		}
		if err != nil {
			return text, err
		}
		for _, m := range l.masks {
			text = m.word.ReplaceAllLiteralString(text, m.with)
		}
	}
	return text, nil
}

// masked is a word and what is written in its place.
type masked struct {
	word *regexp.Regexp
	with string
}

// wordList is a list made ready for matching.
type wordList struct {
	masks   []masked
	anyPart []string
	words   map[string]bool
	phrases []string // " of several words "
	regexes []*regexp.Regexp
	parts   []string // domains and addresses
}

func (e *Engine) wordList(ctx context.Context, app core.AppID, name string) (*wordList, error) {
	return e.kit.lists.load(typeKey{app, name}, func() (*wordList, error) {
		l, err := e.readBlocklist(ctx, e.store, app, name)
		if err != nil {
			return nil, err
		}
		return newWordList(&l), nil
	})
}

func newWordList(l *core.Blocklist) *wordList {
	w := &wordList{words: make(map[string]bool, len(l.Words))}
	for _, x := range l.Words {
		switch l.Kind {
		case listRegex:
			if re, err := regexp.Compile(x); err == nil {
				w.regexes = append(w.regexes, re)
			}
		case listDomain, listEmail:
			w.parts = append(w.parts, x)
		case listPart:
			w.anyPart = append(w.anyPart, x)
			if with, ok := l.Masks[x]; ok {
				w.masks = append(w.masks, masked{regexp.MustCompile("(?i)" + regexp.QuoteMeta(x)), with})
			}
		default:
			if ts := tokenize(x); len(ts) == 1 {
				w.words[ts[0]] = true
			} else if len(ts) > 1 {
				w.phrases = append(w.phrases, " "+strings.Join(ts, " ")+" ")
			} else {
				w.words[x] = true // nothing but signs
			}
		}
	}
	return w
}

// tokenize splits a text into lower-case words at white space and hyphens, without the signs
// around them.
func tokenize(text string) []string {
	fs := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return unicode.IsSpace(r) || r == '-' })
	out := fs[:0]
	for _, f := range fs {
		if t := strings.TrimFunc(f, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }); t != "" {
			out = append(out, t)
		}
	}
	return out
}

func (w *wordList) matches(text string, tokens []string) bool {
	for _, t := range tokens {
		if w.words[t] {
			return true
		}
	}
	lower := ""
	if len(w.parts)+len(w.anyPart) > 0 {
		lower = strings.ToLower(text)
	}
	for _, p := range w.anyPart {
		if strings.Contains(lower, p) {
			return true
		}
	}
	for _, p := range w.parts {
		for at := 0; at < len(lower); {
			i := strings.Index(lower[at:], p)
			if i < 0 {
				break
			}
			if atBorder(lower, at+i, len(p)) {
				return true
			}
			at += i + len(p)
		}
	}
	if len(w.phrases) > 0 {
		joined := " " + strings.Join(tokens, " ") + " "
		for _, p := range w.phrases {
			if strings.Contains(joined, p) {
				return true
			}
		}
	}
	for _, re := range w.regexes {
		if re.MatchString(text) {
			return true
		}
	}
	return false
}

// atBorder reports whether the n bytes at i are a whole part of a name: "bad.example" is in
// "www.bad.example/x" but not in "notbad.example".
func atBorder(t string, i, n int) bool {
	letter := func(b byte) bool { return b >= 'a' && b <= 'z' || b >= '0' && b <= '9' }
	return (i == 0 || !letter(t[i-1])) && (i+n == len(t) || !letter(t[i+n]))
}
