package engine_test

import (
	"testing"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
)

// reply sends a message to a thread.
func (w *world) reply(u core.UserID, key core.ChannelKey, parent core.Message, text string) core.Message {
	w.t.Helper()
	w.clock.Add(time.Second)
	out, err := w.core().Messages.Send(w.t.Context(), w.as(u), core.SendMessage{Key: key, Message: core.MessageInput{Text: text, Parent: parent.ID.String()}})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.Message
}

func TestThreadsOfAPersonAndTheirUnreadReplies(t *testing.T) {
	w := newEngine(t, nil, "alice", "bob", "carol")
	ctx := t.Context()
	key := w.group("g", "alice", "bob", "carol")
	first := w.say("alice", key, "first")
	lone := w.say("alice", key, "no replies")
	second := w.say("bob", key, "second")
	w.reply("bob", key, first, "one")
	w.reply("carol", key, first, "two")
	w.reply("carol", key, second, "three")

	p, err := w.core().Threads.Query(ctx, w.as("alice"), core.QueryThreads{})
	if err != nil || len(p.Threads) != 1 || p.Threads[0].Parent.ID != first.ID || len(p.Threads[0].LatestReplies) != 2 {
		t.Fatalf("alice's threads: %+v %v", p, err)
	}
	p, err = w.core().Threads.Query(ctx, w.as("bob"), core.QueryThreads{Page: core.Page{Limit: 1}})
	if err != nil || len(p.Threads) != 1 || p.Threads[0].Parent.ID != second.ID || p.Next == "" {
		t.Fatalf("bob's latest thread: %+v %v", p, err)
	}
	p, err = w.core().Threads.Query(ctx, w.as("bob"), core.QueryThreads{Page: core.Page{Limit: 1, Cursor: p.Next}})
	if err != nil || len(p.Threads) != 1 || p.Threads[0].Parent.ID != first.ID || p.Next != "" {
		t.Fatalf("bob's other thread: %+v %v", p, err)
	}
	unread := func(u core.UserID) int {
		un, err := w.core().Reads.Unread(ctx, w.as(u), core.GetUnread{})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, x := range un.Threads {
			n += x.Count
		}
		return n
	}
	if a, b, c := unread("alice"), unread("bob"), unread("carol"); a != 2 || b != 2 || c != 0 {
		t.Errorf("unread replies: alice %d, bob %d, carol %d", a, b, c)
	}
	if _, err := w.core().Reads.Mark(ctx, w.as("alice"), core.MarkRead{Key: key, Thread: first.ID.String()}); err != nil {
		t.Fatal(err)
	}
	if n := unread("alice"); n != 0 {
		t.Errorf("alice has %d after reading", n)
	}
	w.reply("bob", key, first, "four")
	if n := unread("alice"); n != 1 {
		t.Errorf("alice has %d after another reply", n)
	}
	_, err = w.core().Threads.Get(ctx, w.as("alice"), core.GetThread{Parent: lone.ID.String()})
	w.wants(err, fault.ThreadNotFound)
	_, err = w.core().Threads.Get(ctx, w.as("alice"), core.GetThread{Parent: "nope"})
	w.wants(err, fault.ThreadNotFound)
}

func TestThreadTitleIsKeptAndTold(t *testing.T) {
	w := newEngine(t, nil, "alice", "bob", "mallory")
	ctx := t.Context()
	key := w.group("g", "alice", "bob")
	first := w.say("alice", key, "first")
	w.reply("bob", key, first, "one")
	bob := w.listen(0, "bob")
	w.watch(0, bob, key)
	patch := func(u core.UserID) error {
		_, err := w.core().Threads.Patch(ctx, w.as(u), core.PatchThread{Parent: first.ID.String(), Change: func(title *string, extra *core.Extra) error {
			*title, *extra = "plans", core.Extra(`{"n":1}`)
			return nil
		}})
		return err
	}
	w.wants(patch("mallory"), fault.PermissionDenied)
	w.wants(patch("alice"), nil)
	if d := bob.next(core.ThreadUpdated); d.Event.Thread.Title != "plans" {
		t.Errorf("told %+v", d.Event.Thread)
	}
	got, err := w.core().Threads.Get(ctx, w.as("bob"), core.GetThread{Parent: first.ID.String()})
	if err != nil || got.Title != "plans" || string(got.Extra) != `{"n":1}` || len(got.Participants) != 2 || got.Parent.Text != "first" {
		t.Errorf("%+v %v", got, err)
	}
}

func TestSearchStaysWithinWhatTheActorMayRead(t *testing.T) {
	w := newEngine(t, nil, "alice", "bob")
	ctx := t.Context()
	shared, private := w.group("shared", "alice", "bob"), w.group("private", "alice")
	w.say("alice", shared, "the quick brown fox")
	gone := w.say("alice", shared, "a quick mistake")
	w.say("alice", private, "quick secret")
	if _, err := w.core().Messages.Delete(ctx, w.as("alice"), core.DeleteMessage{ID: gone.ID.String()}); err != nil {
		t.Fatal(err)
	}
	search := func(u core.UserID, in core.SearchMessages) []string {
		out, err := w.core().Messages.Search(ctx, w.as(u), in)
		if err != nil {
			t.Fatal(err)
		}
		var texts []string
		for _, h := range out.Hits {
			texts = append(texts, h.Message.Text)
		}
		return texts
	}
	mine := func(u core.UserID) core.Filter { return core.Cond("members", core.OpIn, core.Texts([]core.UserID{u})) }
	eventually(t, "the index follows", func() bool {
		return len(search("alice", core.SearchMessages{ChannelFilter: mine("alice"), Query: "quick"})) == 2
	})
	if got := search("bob", core.SearchMessages{ChannelFilter: mine("bob"), Query: "quick"}); len(got) != 1 || got[0] != "the quick brown fox" {
		t.Errorf("bob finds %v", got)
	}
	if got := search("bob", core.SearchMessages{ChannelFilter: core.Cond("type", core.OpEq, core.Text("messaging")), Query: "quick"}); len(got) != 1 {
		t.Errorf("bob finds %v among all channels", got)
	}
	_, err := w.core().Messages.Search(ctx, w.as("bob"), core.SearchMessages{ChannelFilter: core.Cond("key", core.OpEq, core.Text(string(private))), Query: "quick"})
	w.wants(err, fault.PermissionDenied)
	_, err = w.core().Messages.Search(ctx, w.as("bob"), core.SearchMessages{ChannelFilter: mine("bob")})
	w.wants(err, fault.RequestInvalid)
	w.typ("messaging", func(t *core.ChannelType) { t.Features[core.FeatureSearch] = false })
	_, err = w.core().Messages.Search(ctx, w.as("bob"), core.SearchMessages{ChannelFilter: mine("bob"), Query: "quick"})
	w.wants(err, fault.ServiceNotEnabled)
	_, err = w.core().Messages.Search(ctx, w.as("bob"), core.SearchMessages{Query: "quick", Page: core.Page{Limit: 1001}})
	w.wants(err, fault.RequestInvalid)
}
