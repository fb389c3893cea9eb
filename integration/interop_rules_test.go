package integration_test

import (
	"errors"
	"strings"
	"testing"
)

// rule is something that keeps people from writing: how it is imposed and lifted again, and how each SDK
// says so to whom it keeps from writing.
type rule struct {
	impose, lift string
	group        bool // in the group, and not between two people
	codes        map[string]string
}

var rules = []rule{
	{"mute", "unmute", true, map[string]string{"stream": "17", "cometchat": "ERR_GROUP_NO_CLEARANCE", "agora": "507", "nexconn": "22408"}},
	{"freeze", "thaw", true, map[string]string{"stream": "17", "cometchat": "ERR_GROUP_NO_CLEARANCE", "agora": "506", "nexconn": "22408"}},
	{"block", "unblock", false, map[string]string{"stream": "17", "cometchat": "", "agora": "603", "nexconn": "405"}},
}

// rules imposes every rule the person's dialect has, and has everybody it is imposed on try to write: each
// is refused, in the words of their own SDK. Afterwards they may again.
func (sc *scene) rules(t *testing.T) {
	for _, r := range rules {
		if _, able := sc.by.can[r.impose]; !able {
			continue
		}
		for _, g := range sc.listeners() {
			room := sc.name(sc.group, sc.by.vendor)
			sc.must(t, sc.by, ask{Op: r.impose, Room: room, Target: g.id, To: g.id})
			if err := sc.writes(g, r.group); r.codes[g.vendor] != "" {
				var no *refusal
				if !errors.As(err, &no) || strings.Trim(string(no.Code), `"`) != r.codes[g.vendor] {
					t.Errorf("%s by %s: %s (%s) was told %v, wanted %s", r.impose, sc.by.vendor, g.id, g.vendor, err, r.codes[g.vendor])
				}
			} else if err != nil { // the vendor takes the message and shows it to its author alone
				t.Errorf("%s by %s: %s (%s) was refused: %v", r.impose, sc.by.vendor, g.id, g.vendor, err)
			}
			sc.must(t, sc.by, ask{Op: r.lift, Room: room, Target: g.id, To: g.id})
			if err := sc.writes(g, r.group); err != nil {
				t.Errorf("%s by %s: %s (%s) may not write: %v", r.lift, sc.by.vendor, g.id, g.vendor, err)
			}
		}
	}
}

// writes has somebody write to the group, or to the person who does things.
func (sc *scene) writes(g *guest, group bool) error {
	a := ask{Op: "direct", To: sc.by.id, Text: sc.word("rule")}
	if group {
		a = ask{Op: "text", Room: sc.name(sc.group, g.vendor), Text: sc.word("rule")}
	}
	_, err := g.do(a)
	return err
}
