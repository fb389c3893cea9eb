package adaptertest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
)

// Scenarios plays chat over a running server, one world per scenario.
func Scenarios(t *testing.T, v *Vendor) {
	t.Helper()
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			setup := s.setup
			setup.Users = []string{"alice", "bob", "carol"}
			p := &play{T: t, v: v, w: NewWorld(t, v, setup)}
			s.run(p)
		})
	}
}

// scenario is one story in neutral words.
type scenario struct {
	name  string
	setup Setup
	run   func(*play)
}

// play is a scenario being run.
type play struct {
	*testing.T
	v *Vendor
	w *World
}

// join opens a session that ends with the test.
func (p *play) join(user string) Session {
	p.Helper()
	s := p.v.Driver.Join(p.T, p.w, user)
	p.Cleanup(s.Close)
	return s
}

// has reports whether the vendor has a feature.
func (p *play) has(f Feature) bool { return !slices.Contains(p.v.Lacks, f) }

// ok fails the test for a call that was refused.
func (p *play) ok(f *Failure) {
	p.Helper()
	if f != nil {
		p.Fatalf("refused: status %d, code %s, %s: %s", f.Status, f.Code, f.Reason, f.Message)
	}
}

// refused fails the test unless the call failed for the reason; the vendor's code and status must
// be those of the vendor's own table.
func (p *play) refused(f *Failure, reasons ...*fault.Reason) {
	p.Helper()
	if f == nil {
		p.Fatalf("not refused, want %s", reasons[0])
	}
	reason, known := fault.Lookup(f.Reason)
	if !known || !slices.Contains(reasons, reason) {
		p.Fatalf("refused for %q (status %d, code %s: %s), want one of %v", f.Reason, f.Status, f.Code, f.Message, reasons)
	}
	row, _ := p.v.Entry.Catalog().ToVendor(reason, "")
	if f.Status != row.Status || string(f.Code) != string(row.Body) {
		p.Errorf("%s: status %d code %s, want those of row %s: %d %s", reason, f.Status, f.Code, row.ID, row.Status, row.Body)
	}
}

// sent sends a message that must arrive.
func (p *play) sent(s Session, chat, text string) Message {
	p.Helper()
	m, f := s.Send(chat, Draft{Text: text})
	p.ok(f)
	if m.ID == "" || m.Text != text {
		p.Fatalf("sent %q, the answer is %+v", text, m)
	}
	return m
}

// group makes a group of alice and bob.
func (p *play) group(a Session) string {
	p.Helper()
	chat, f := a.Group("room", "alice", "bob")
	p.ok(f)
	return chat
}

// both joins alice and bob and puts them into a group.
func (p *play) both() (a, b Session, chat string) {
	p.Helper()
	a = p.join("alice")
	chat = p.group(a)
	b = p.join("bob")
	_, f := b.History(chat, "", 10) // some vendors tell of a channel only who has opened it
	p.ok(f)
	return a, b, chat
}

var scenarios = []scenario{
	{"a direct chat is its two people", Setup{}, func(p *play) {
		a, b := p.join("alice"), p.join("bob")
		one, f := a.Direct("bob")
		p.ok(f)
		two, f := b.Direct("alice")
		p.ok(f)
		if one != two {
			p.Fatalf("alice sees %s, bob %s", one, two)
		}
		m := p.sent(a, one, "hello")
		if e := b.Next(Sent); e.Chat != one || e.Message.ID != m.ID || e.Message.Text != "hello" || e.User != "alice" {
			p.Errorf("bob was told %+v", e)
		}
	}},
	{"a group is made, changed and dissolved", Setup{}, func(p *play) {
		a, b, chat := p.both()
		p.ok(a.Rename(chat, "new name"))
		if p.has(TellsRenames) {
			if e := b.Next(Renamed); e.Chat != chat {
				p.Errorf("bob was told %+v", e)
			}
		}
		p.ok(a.Add(chat, "carol"))
		if e := b.Next(Joined); e.User != "carol" {
			p.Errorf("bob was told %+v", e)
		}
		who, f := a.Members(chat)
		p.ok(f)
		slices.Sort(who)
		if !slices.Equal(who, []string{"alice", "bob", "carol"}) {
			p.Errorf("members are %v", who)
		}
		p.ok(a.Remove(chat, "carol"))
		if e := b.Next(Left); e.User != "carol" {
			p.Errorf("bob was told %+v", e)
		}
		p.ok(a.Dissolve(chat))
		if p.has(TellsEnds) {
			if e := b.Next(Gone); e.Chat != chat {
				p.Errorf("bob was told %+v", e)
			}
		}
	}},
	{"an edit reaches the others", Setup{}, func(p *play) {
		a, b, chat := p.both()
		m := p.sent(a, chat, "one")
		got, f := a.Edit(chat, m.ID, "two")
		p.ok(f)
		if got.Text != "two" {
			p.Errorf("the answer is %+v", got)
		}
		if e := b.Next(Edited); e.Message.ID != m.ID || e.Message.Text != "two" {
			p.Errorf("bob was told %+v", e)
		}
		_, f = b.Edit(chat, m.ID, "three")
		p.refused(f, fault.PermissionDenied, fault.MessageNotOwner)
	}},
	{"a deleted message is a tombstone", Setup{}, func(p *play) {
		a, b, chat := p.both()
		m := p.sent(a, chat, "secret")
		p.ok(a.Delete(chat, m.ID))
		if e := b.Next(Deleted); e.Message.ID != m.ID || !e.Message.Deleted {
			p.Errorf("bob was told %+v", e)
		}
		got, f := b.Get(chat, m.ID)
		if f == nil && (!got.Deleted || strings.Contains(got.Text, "secret")) {
			p.Errorf("bob reads %+v", got)
		}
	}},
	{"reactions are counted", Setup{}, func(p *play) {
		if !p.has(Reactions) {
			return
		}
		a, b, chat := p.both()
		m := p.sent(a, chat, "nice?")
		p.ok(b.React(chat, m.ID, "like"))
		if e := a.Next(Reacted); e.Message.Reactions["like"] != 1 {
			p.Errorf("alice was told %+v", e)
		}
		p.ok(a.React(chat, m.ID, "like"))
		p.ok(b.Unreact(chat, m.ID, "like"))
		got, f := a.Get(chat, m.ID)
		p.ok(f)
		if got.Reactions["like"] != 1 {
			p.Errorf("the message has %+v", got.Reactions)
		}
	}},
	{"a thread hangs on its message", Setup{}, func(p *play) {
		if !p.has(Threads) {
			return
		}
		a, b, chat := p.both()
		m := p.sent(a, chat, "question")
		r, f := b.Send(chat, Draft{Text: "answer", Parent: m.ID})
		p.ok(f)
		all, f := a.Thread(chat, m.ID)
		p.ok(f)
		if len(all) != 1 || all[0].ID != r.ID || all[0].Parent != m.ID {
			p.Errorf("the thread is %+v", all)
		}
		top, f := a.Get(chat, m.ID)
		p.ok(f)
		if top.Replies != 1 {
			p.Errorf("the message has %d replies", top.Replies)
		}
		_, f = a.Send(chat, Draft{Text: "deeper", Parent: r.ID})
		p.refused(f, fault.ThreadNestingTooDeep)
	}},
	{"reading clears the unread count", Setup{}, func(p *play) {
		a, b, chat := p.both()
		for i := range 3 {
			p.sent(a, chat, fmt.Sprint("message ", i))
		}
		n, f := b.Unread(chat)
		p.ok(f)
		if n != 3 {
			p.Errorf("bob has %d unread, want 3", n)
		}
		p.ok(b.Read(chat))
		if e := a.Next(ReadUp); e.User != "bob" || e.Chat != chat {
			p.Errorf("alice was told %+v", e)
		}
		if n, f = b.Unread(chat); f != nil || n != 0 {
			p.Errorf("bob has %d unread after reading (%v)", n, f)
		}
	}},
	{"history comes in pages", Setup{}, func(p *play) {
		a, _, chat := p.both()
		for i := range 25 {
			p.sent(a, chat, fmt.Sprint(i))
		}
		var all []string
		before := ""
		for range 5 {
			page, f := a.History(chat, before, 10)
			p.ok(f)
			if len(page) == 0 {
				break
			}
			before = page[0].ID
			texts := make([]string, 0, len(page)+len(all))
			for _, m := range page {
				texts = append(texts, m.Text)
			}
			all = append(texts, all...)
		}
		for i, text := range all {
			if text != fmt.Sprint(i) {
				p.Fatalf("the history is %v", all)
			}
		}
		if len(all) != 25 {
			p.Errorf("the history has %d messages, want 25", len(all))
		}
	}},
	{"presence is told", Setup{}, func(p *play) {
		a := p.join("alice")
		p.ok(a.Follow("bob"))
		b := p.v.Driver.Join(p.T, p.w, "bob")
		if e := a.Next(Presence); e.User != "bob" || !e.Online {
			p.Errorf("alice was told %+v", e)
		}
		b.Close()
		if e := a.Next(Presence); e.User != "bob" || e.Online {
			p.Errorf("alice was told %+v", e)
		}
	}},
	{"a mute is kept", Setup{}, func(p *play) {
		if !p.has(Mutes) {
			return
		}
		a := p.join("alice")
		p.ok(a.Mute("bob"))
		who, f := a.Muted()
		p.ok(f)
		if !slices.Equal(who, []string{"bob"}) {
			p.Errorf("alice has muted %v", who)
		}
		again := p.join("alice")
		if who, f = again.Muted(); f != nil || !slices.Equal(who, []string{"bob"}) {
			p.Errorf("after joining again alice has muted %v (%v)", who, f)
		}
	}},
	{"who is banned cannot write", Setup{}, func(p *play) {
		a, b, chat := p.both()
		mod, ok := a.(Moderator)
		if !ok {
			p.Fatal("the driver has no moderator")
		}
		p.ok(mod.Ban(chat, "bob"))
		_, f := b.Send(chat, Draft{Text: "still here"})
		p.refused(f, fault.PermissionDenied, fault.GroupBanned, fault.GroupMuted)
		p.ok(mod.Unban(chat, "bob"))
		p.sent(b, chat, "back")
	}},
	{"a message sent twice is there once", Setup{}, func(p *play) {
		a, _, chat := p.both()
		one, f := a.Send(chat, Draft{ID: "client-chosen-1", Text: "once"})
		p.ok(f)
		two, f := a.Send(chat, Draft{ID: "client-chosen-1", Text: "once"})
		if f == nil && two.ID != one.ID {
			p.Errorf("two messages: %s and %s", one.ID, two.ID)
		}
		all, f := a.History(chat, "", 10)
		p.ok(f)
		if len(all) != 1 || all[0].ID != "client-chosen-1" {
			p.Errorf("the history is %+v", all)
		}
	}},
	{"who is muted in a group does not write there, until it ends", Setup{}, func(p *play) {
		a, b, chat := p.both()
		ctx, by := p.Context(), p.w.Server()
		found, err := p.w.Core.Groups.Query(ctx, by, core.QueryGroups{})
		if err != nil || len(found.Groups) != 1 {
			p.Fatalf("the groups are %+v, %v", found.Groups, err)
		}
		key := found.Groups[0].Channel.Key
		mute := func(lift bool) {
			out, err := p.w.Core.Speech.Mute(ctx, by, core.MuteMembers{Key: key, Users: []core.UserID{"bob"}, Lift: lift})
			if err != nil || out[0].Err != nil {
				p.Fatalf("muting: %+v, %v", out, err)
			}
		}
		mute(false)
		_, f := b.Send(chat, Draft{Text: "not said"})
		p.refused(f, fault.GroupMuted)
		p.sent(a, chat, "said")
		mute(true)
		p.sent(b, chat, "said again")
		if _, err := p.w.Core.Speech.MuteAll(ctx, by, core.MuteAll{Key: key}); err != nil {
			p.Fatal(err)
		}
		_, f = b.Send(chat, Draft{Text: "not said"})
		p.refused(f, fault.GroupMuted)
	}},
	{"an expired token is told as such", Setup{}, func(p *play) {
		p.refused(p.v.Driver.Knock(p.T, p.w, "alice", time.Now().Add(-time.Hour)), fault.AuthTokenExpired)
	}},
	{"a message may be too long, a body too large", Setup{}, func(p *play) {
		a, _, chat := p.both()
		_, f := a.Send(chat, Draft{Text: strings.Repeat("x", cmp.Or(p.v.LongText, 20_000))})
		p.refused(f, fault.MessageTooLong)
		_, f = a.Send(chat, Draft{Text: strings.Repeat("x", 2<<20)})
		p.refused(f, fault.RequestPayloadTooLarge)
		p.sent(a, chat, "fits")
	}},
	{"too many calls are refused with a delay", Setup{Quota: 30}, func(p *play) {
		a := p.join("alice")
		chat := p.group(a)
		call := func(i int) *Failure { return a.Rename(chat, fmt.Sprint("name ", i)) }
		if h, ok := a.(Hasty); ok {
			call = func(int) *Failure { return h.Hurry(chat) }
		}
		var f *Failure
		for i := 0; i < 2000 && f == nil; i++ {
			f = call(i)
		}
		p.refused(f, fault.RateLimited)
		if f.Header["Retry-After"] == "" || f.Header["X-Ratelimit-Remaining"] != "0" {
			p.Errorf("the refusal has the headers %v", f.Header)
		}
	}},
	{"while the database is down, writes fail at once and come back", Setup{}, func(p *play) {
		a, _, chat := p.both()
		mend := p.w.BreakStore()
		for range 8 {
			_, f := a.Send(chat, Draft{Text: "lost"})
			p.refused(f, fault.StorageUnavailable, fault.UpstreamCircuitOpen)
		}
		mend()
		until := time.Now().Add(10 * time.Second)
		for {
			_, f := a.Send(chat, Draft{Text: "back"})
			if f == nil {
				break
			}
			p.refused(f, fault.StorageUnavailable, fault.UpstreamCircuitOpen)
			if time.Now().After(until) {
				p.Fatal("writes do not come back")
			}
		}
		all, f := a.History(chat, "", 20)
		p.ok(f)
		if len(all) != 1 || all[0].Text != "back" {
			p.Errorf("the history is %+v", all)
		}
	}},
	{"strangers neither read nor write", Setup{}, func(p *play) {
		_, _, chat := p.both()
		c := p.join("carol")
		_, f := c.Send(chat, Draft{Text: "hi"})
		p.refused(f, fault.PermissionDenied, fault.GroupNotMember, fault.ConversationAccessDenied)
		_, f = c.History(chat, "", 10)
		p.refused(f, fault.PermissionDenied, fault.GroupNotMember, fault.ConversationAccessDenied)
	}},
	{"what is not there is not found", Setup{}, func(p *play) {
		a, _, chat := p.both()
		_, f := a.Get(chat, "no-such-message")
		p.refused(f, fault.MessageNotFound)
		_, f = a.Edit(chat, "no-such-message", "x")
		p.refused(f, fault.MessageNotFound)
	}},
	{"typing is told and forgotten", Setup{}, func(p *play) {
		a, b, chat := p.both()
		if !p.has(TypingInGroups) {
			var f *Failure
			chat, f = a.Direct("bob")
			p.ok(f)
		}
		p.ok(b.Typing(chat))
		if e := a.Next(Typing); e.User != "bob" || e.Chat != chat {
			p.Errorf("alice was told %+v", e)
		}
	}},
	{"messages arrive in order", Setup{}, func(p *play) {
		a, b, chat := p.both()
		for i := range 50 {
			p.sent(a, chat, fmt.Sprint(i))
		}
		for i := range 50 {
			if e := b.Next(Sent); e.Message.Text != fmt.Sprint(i) {
				p.Fatalf("message %d came as number %d", i, i)
			}
		}
	}},
}
