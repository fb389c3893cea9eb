package integration_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// custom is what apps send in messages of a type of their own: it has to come back as it was.
var custom = json.RawMessage(`{"order":7,"items":[{"sku":"a-1","n":2.5},null],"note":"ü & <b>","paid":true}`)

// room is the shared room: for each dialect somebody who does things, and somebody who is told.
type room struct {
	actors, ears map[string]*guest
	target       string                       // a member without a device, to whom things are done
	names        map[string]map[string]string // of groups: by group and dialect
	count        int
	last         string // text of the last subject
}

// enterRoom starts the processes and logs everybody in.
func enterRoom(t *testing.T, s *server) *room {
	r := &room{actors: map[string]*guest{}, ears: map[string]*guest{}, target: "toni", names: map[string]map[string]string{}}
	var all []*guest
	for _, v := range vendors {
		r.actors[v], r.ears[v] = invite(t, s, v, v+"one"), invite(t, s, v, v+"two")
		all = append(all, r.actors[v], r.ears[v])
	}
	each(t, all, func(g *guest) error {
		if err := g.ready(); err != nil {
			return err
		}
		_, err := g.do(ask{Op: "login", ID: g.id})
		return err
	})
	r.must(t, r.actors["stream"], ask{Op: "person", User: r.target})
	var actors []string
	for _, v := range vendors {
		actors = append(actors, r.actors[v].id)
	}
	each(t, r.listeners(), func(g *guest) error {
		_, err := g.do(ask{Op: "subscribe", Users: actors})
		return err
	})
	return r
}

// each does something with several people at once.
func each(t *testing.T, list []*guest, do func(*guest) error) {
	t.Helper()
	errs := make([]error, len(list))
	var wg sync.WaitGroup
	for i, g := range list {
		wg.Go(func() { errs[i] = do(g) })
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			t.Fatalf("%s (%s): %v", list[i].id, list[i].vendor, err)
		}
	}
}

func (r *room) must(t *testing.T, g *guest, a ask) string {
	t.Helper()
	v, err := g.do(a)
	if err != nil {
		t.Fatalf("%s (%s): %s: %v", g.id, g.vendor, a.Op, err)
	}
	return v.Raw
}

// word is a text nobody has used.
func (r *room) word(prefix string) string {
	r.count++
	return fmt.Sprintf("%s-%d", prefix, r.count)
}

// listeners are those who are told, in the order of the tables.
func (r *room) listeners() []*guest {
	var out []*guest
	for _, v := range vendors {
		out = append(out, r.ears[v])
	}
	return out
}

// name is a group's name for a dialect.
func (r *room) name(group, dialect string) string {
	if n := r.names[group][dialect]; n != "" {
		return n
	}
	return group
}

// TestInterop has people with four vendors' SDKs in one room. Each does everything their SDK can, and
// everybody else's SDK has to tell it, by the table in interop/events.tsv; docs/interop.md shows it.
func TestInterop(t *testing.T) {
	node(t)
	table := readCrossings(t, "interop/events.tsv")
	s := start(t)
	r := enterRoom(t, s)
	for _, v := range vendors {
		t.Run(v, func(t *testing.T) { r.play(t, table, r.actors[v]) })
	}
	for _, g := range append(r.listeners(), r.actors["stream"], r.actors["cometchat"], r.actors["agora"], r.actors["nexconn"]) {
		for _, c := range g.since(0) {
			if c.Event == "uncaught" {
				t.Errorf("the SDK of %s failed on its own: %s", g.id, c.Args.Raw)
			}
		}
	}
	shown(t, "../docs/interop.md", r.page(table))
}

// play has one person do everything in the table.
func (r *room) play(t *testing.T, table []*crossing, by *guest) {
	sc := &scene{room: r, by: by, group: "room-" + by.vendor}
	sc.another(t)
	for i, c := range table {
		if c.op == "dissolve" || i == len(table)-1 {
			t.Run("rules_agree", func(t *testing.T) { sc.rules(t) })
		}
		t.Run(strings.ReplaceAll(c.title, " ", "_"), func(t *testing.T) {
			_, able := by.can[c.op]
			why := c.cannot[by.vendor]
			switch {
			case able && why != "":
				t.Fatalf("%s can %s, and the table says it cannot: %s", by.vendor, c.op, why)
			case !able && why == "":
				t.Fatalf("%s cannot %s, and the table does not say why", by.vendor, c.op)
			case able:
				sc.run(t, c)
			}
		})
	}
}

// scene is one person doing things in one group.
type scene struct {
	*room
	by    *guest
	group string // its key
	other string // a group they are not in
	hall  string // an open room
	named string // the group's title
}

// run does one thing and checks what everybody is told.
func (sc *scene) run(t *testing.T, c *crossing) {
	a := ask{Op: c.op, ID: sc.by.id, Text: sc.word(c.op), Target: sc.target, Type: "order", Data: custom}
	group, to := sc.group, sc.listeners()
	switch c.subject {
	case "new":
		a.Name, sc.named = sc.word("Room"), ""
		sc.named = a.Name
		for _, g := range sc.everybody() {
			if g != sc.by {
				a.Members = append(a.Members, g.id)
			}
		}
	case "own":
		sc.last = sc.said(t, sc.by, sc.group)
	case "theirs":
		a.Olds = nil
		for _, g := range to {
			a.Olds = append(a.Olds, sc.said(t, g, sc.group))
		}
	case "group":
		group = sc.another(t)
	case "room":
		group = sc.open(t)
	case "member":
		marks := map[*guest]int{}
		for _, g := range to {
			marks[g] = g.mark()
		}
		sc.must(t, sc.by, ask{Op: "add", Room: sc.name(group, sc.by.vendor), Target: sc.target})
		for _, g := range to { // what follows is told apart from it
			if _, err := g.await(marks[g], patience, func(c callback) bool { return strings.Contains(c.Args.Raw, sc.target) }); err != nil {
				t.Fatal(err)
			}
		}
	case "title":
		a.Name = sc.word("Title")
		sc.named = a.Name
	}
	if c.subject == "own" || c.subject == "same" {
		a.Old = sc.last
	}
	a.Room = sc.name(group, sc.by.vendor)
	a.Rooms = []string{a.Room}
	if c.subject == "each" || c.subject == "between" {
		for _, g := range to {
			one := a
			if c.subject == "between" {
				one.Old = sc.word("said")
				sc.must(t, g, ask{Op: "direct", To: sc.by.id, Text: one.Old})
				sc.must(t, sc.by, ask{Op: "know", Text: one.Old})
			}
			one.To, one.Target, one.Text = g.id, g.id, sc.word(c.op)
			sc.must(t, g, ask{Op: "watchto", To: sc.by.id})
			sc.act(t, c, one, group, []*guest{g})
		}
		return
	}
	sc.act(t, c, a, group, to)
}

// everybody is everyone with a device.
func (r *room) everybody() []*guest {
	out := r.listeners()
	for _, v := range vendors {
		out = append(out, r.actors[v])
	}
	return out
}

// said has somebody say something in the group and waits until everybody knows it.
func (sc *scene) said(t *testing.T, g *guest, group string) string {
	t.Helper()
	text := sc.word("said")
	sc.must(t, g, ask{Op: "text", Room: sc.name(group, g.vendor), Text: text})
	each(t, append(sc.listeners(), sc.by), func(x *guest) error {
		_, err := x.do(ask{Op: "know", Text: text})
		return err
	})
	return text
}

// another is a group of the listeners, which the actor is not in.
func (sc *scene) another(t *testing.T) string {
	t.Helper()
	if sc.other != "" {
		return sc.other
	}
	sc.other = "other-" + sc.by.vendor
	host := sc.ears["cometchat"]
	var members []string
	marks := map[*guest]int{}
	for _, g := range sc.listeners() {
		marks[g] = g.mark()
		if g != host {
			members = append(members, g.id)
		}
	}
	sc.must(t, host, ask{Op: "create", Room: sc.other, Name: "Other", Members: members})
	c, err := sc.ears["agora"].await(marks[sc.ears["agora"]], patience, func(c callback) bool {
		return c.Event == "onGroupEvent" && c.Args.Get("0.operation").Str == "directJoined"
	})
	if err != nil {
		t.Fatal(err)
	}
	sc.names[sc.other] = map[string]string{"agora": c.Args.Get("0.id").String()}
	for _, g := range sc.listeners() {
		sc.must(t, g, ask{Op: "watch", Room: sc.name(sc.other, g.vendor)})
	}
	return sc.other
}

// open is an open room that everybody who listens is in.
func (sc *scene) open(t *testing.T) string {
	t.Helper()
	if sc.hall != "" {
		return sc.hall
	}
	made, err := sc.ears["agora"].do(ask{Op: "makeroom", Name: "Hall"})
	if err != nil {
		t.Fatal(err)
	}
	sc.hall = made.Get("room").String()
	for _, g := range sc.listeners() {
		sc.must(t, g, ask{Op: "enter", Room: sc.hall})
	}
	return sc.hall
}

// act does it and checks what the listeners are told.
func (sc *scene) act(t *testing.T, c *crossing, a ask, group string, to []*guest) {
	marks := map[*guest]int{}
	for _, g := range to {
		marks[g] = g.mark()
	}
	v, err := sc.by.do(a)
	if err != nil {
		t.Fatalf("%s (%s) could not: %v", sc.by.id, sc.by.vendor, err)
	}
	if n := v.Get("room").String(); n != "" {
		sc.names[group] = map[string]string{sc.by.vendor: n}
	}
	silent := false
	for _, g := range to {
		row := c.row(g.vendor, sc.by.vendor)
		if row == nil {
			t.Errorf("the table does not say what %s is told by %s", g.vendor, sc.by.vendor)
			continue
		}
		if row.callback == "-" {
			silent = true
			continue
		}
		sc.told(t, row, a, group, g, marks[g])
	}
	if silent {
		sc.silence(t, c, to, marks)
	}
	if c.subject == "new" {
		for _, g := range append(sc.listeners(), sc.by) {
			sc.must(t, g, ask{Op: "watch", Room: sc.name(group, g.vendor)})
		}
	}
}

// told checks that somebody is told as the row says, and remembers what it wants remembered.
func (sc *scene) told(t *testing.T, row *crossRow, a ask, group string, g *guest, mark int) {
	t.Helper()
	id := ""
	if a.Old != "" {
		if v, err := g.do(ask{Op: "know", Text: a.Old}); err == nil {
			id = v.Get("id").String()
		}
	}
	mine := ""
	if i := slices.Index(sc.listeners(), g); i >= 0 && i < len(a.Olds) {
		if v, err := g.do(ask{Op: "know", Text: a.Olds[i]}); err == nil {
			mine = v.Get("id").String()
		}
	}
	fill := strings.NewReplacer("$text", a.Text, "$old", a.Old, "$id", id, "$mine", mine, "$sender", sc.by.id, "$me", g.id,
		"$target", a.Target, "$room", sc.name(group, g.vendor), "$name", sc.named, "$data", string(custom))
	c, err := g.await(mark, patience, func(c callback) bool {
		if c.Event != row.callback {
			return false
		}
		for i := range row.where {
			if !row.where[i].holds(c.Args, fill) {
				return false
			}
		}
		return true
	})
	if err != nil {
		t.Errorf("%s %v: %v", row.callback, row.where, err)
		return
	}
	for i := range row.where {
		if w := &row.where[i]; w.op == '>' {
			if sc.names[group] == nil {
				sc.names[group] = map[string]string{}
			}
			sc.names[group][g.vendor] = c.Args.Get(w.path).String()
		}
	}
}

// noise are callbacks that are no word of what was done: some SDKs acknowledge by themselves what they are
// handed, of which others are told when it comes.
var noise = map[string][]string{
	"stream":    {"user.watching.start", "user.watching.stop", "user.presence.changed", "connection.changed", "transport.changed", "capabilities.changed", "message.delivered"},
	"cometchat": {"onUserOnline", "onUserOffline", "onMessagesDelivered", "onMessagesDeliveredToAll"},
	"agora":     {"onPresenceStatusChange", "onStatisticMessage", "onConnected"},
	"nexconn":   {"CONVERSATION", "SUBSCRIBED_USER_STATUS_CHANGE"},
}

// forgotten reports whether an SDK tells that somebody types no more because it has heard nothing for a
// while: it does so by its own clock, not by anything that was told.
func forgotten(c callback) bool {
	return c.Event == "TYPING_STATUS" && strings.Contains(c.Args.Raw, `"list":[]`) || c.Event == "typing.stop" && !c.Args.Get("0.created_at").Exists()
}

// silence checks that those of whom the table says that they are told nothing are not: what was said
// afterwards arrives before anything of it.
func (sc *scene) silence(t *testing.T, c *crossing, to []*guest, marks map[*guest]int) {
	t.Helper()
	text := sc.word("fence")
	g := sc.ears["cometchat"]
	group := sc.another(t)
	if _, err := g.do(ask{Op: "text", Room: sc.name(group, g.vendor), Text: text}); err != nil {
		t.Fatalf("the fence: %v", err)
	}
	for _, g := range to {
		row := c.row(g.vendor, sc.by.vendor)
		if row == nil || row.callback != "-" {
			continue
		}
		if _, err := g.do(ask{Op: "know", Text: text}); err != nil {
			t.Fatal(err)
		}
		for _, h := range g.since(marks[g]) {
			if !slices.Contains(noise[g.vendor], h.Event) && !forgotten(h) && !strings.Contains(h.Args.Raw, "fence-") {
				t.Errorf("%s (%s) is told nothing, says the table, but was: %s %.800s", g.id, g.vendor, h.Event, h.Args.Raw)
			}
		}
	}
}
