package engine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"dragoman/core"
)

// learn takes items over and fails on an error.
func learn(t *testing.T, w *world, items ...core.Imported) core.Learnt {
	t.Helper()
	out, err := w.core().Imports.Learn(t.Context(), w.server(), core.Learn{Items: items})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var learnStart = time.Date(2026, 2, 1, 9, 0, 0, 0, time.UTC)

// said is a message of another system, n minutes after the start.
func said(n int, user, text string) core.Imported {
	at := learnStart.Add(time.Duration(n) * time.Minute)
	return core.Imported{Message: &core.Message{
		Alias: fmt.Sprintf("m-%d", n), ChannelKey: "hq", User: core.UserID(user), Kind: core.MessageRegular, Text: text, CreatedAt: at, UpdatedAt: at,
	}}
}

// hq are the items of a channel with two members.
func hq() []core.Imported {
	return []core.Imported{
		{User: &core.User{ID: "ann", Name: "Ann", CreatedAt: learnStart, UpdatedAt: learnStart}},
		{Channel: &core.Channel{Key: "hq", Type: "messaging", Name: "HQ", CreatedBy: "ann", CreatedAt: learnStart, UpdatedAt: learnStart}},
		{Member: &core.Member{User: "ann", CreatedAt: learnStart}, Key: "hq"},
		{Member: &core.Member{User: "bob", CreatedAt: learnStart}, Key: "hq"},
	}
}

// history is the channel as its members see it.
func history(t *testing.T, w *world) (out []string) {
	t.Helper()
	ms, err := w.core().Messages.List(t.Context(), w.server(), core.ListMessages{Key: "hq", Page: core.MessagePage{Limit: 300}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range ms {
		out = append(out, ms[i].Alias)
	}
	return out
}

// What is learnt is there, with the ids and times of who told it, and learning it again changes nothing.
func TestLearnTwiceIsOnce(t *testing.T) {
	r := newEngine(t, nil)
	reply := said(3, "ann", "in thread")
	reply.Parent = "m-1"
	items := append(hq(), said(1, "ann", "one"), said(2, "bob", "two"), reply,
		core.Imported{Reaction: &core.Reaction{Type: "like", User: "bob", CreatedAt: learnStart}, On: "m-1"},
		core.Imported{Read: &core.ImportedRead{User: "bob", At: learnStart.Add(90 * time.Second)}, Key: "hq"},
		core.Imported{Credential: &core.Credential{Kind: core.CredentialToken, Secret: "s3cret", User: "ann"}},
	)
	out := learn(t, r.world, items...)
	if len(out.Refused) > 0 || out.Known > 1 { // bob has read up to his own message already
		t.Fatalf("%+v", out)
	}
	again := learn(t, r.world, items...)
	if again.New+again.Changed > 0 || again.Known != len(items) {
		t.Errorf("learnt again: %+v", again)
	}
	ms, err := r.core().Messages.Get(t.Context(), r.server(), core.GetMessages{IDs: []string{"m-1"}})
	if err != nil || len(ms) != 1 {
		t.Fatal(ms, err)
	}
	m := ms[0].Message
	if !m.CreatedAt.Equal(learnStart.Add(time.Minute)) || m.ReplyCount != 1 || len(m.Reactions) != 1 || m.Reactions[0].Count != 1 || m.Author == nil || m.Author.Name != "Ann" {
		t.Errorf("the message is %+v", m)
	}
	if c, err := r.core().Credentials.Get(t.Context(), r.server(), core.GetCredential{Kind: core.CredentialToken, Secret: "s3cret"}); err != nil || c.User != "ann" {
		t.Errorf("the token: %+v, %v", c, err)
	}
}

// Messages come in any order and stand in that of their times; reactions, threads and read positions
// go with them.
func TestLearnInAnyOrder(t *testing.T) {
	for seed := range uint64(8) {
		r := newEngine(t, nil)
		learn(t, r.world, hq()...)
		var want []string
		order := rand.New(rand.NewPCG(seed, 7)).Perm(40)
		for n := range 40 {
			want = append(want, fmt.Sprintf("m-%d", n))
		}
		for i, n := range order {
			if out := learn(t, r.world, said(n, "ann", "x")); out.New != 1 {
				t.Fatalf("message %d: %+v", n, out)
			}
			if i == 20 {
				learn(t, r.world,
					core.Imported{Reaction: &core.Reaction{Type: "like", User: "bob", CreatedAt: learnStart}, On: fmt.Sprintf("m-%d", n)},
					core.Imported{Read: &core.ImportedRead{User: "bob", Message: fmt.Sprintf("m-%d", n)}, Key: "hq"})
			}
		}
		if got := history(t, r.world); !slices.Equal(got, want) {
			t.Errorf("seed %d: %s", seed, strings.Join(got, " "))
		}
		marked := fmt.Sprintf("m-%d", order[20])
		ms, err := r.core().Messages.Get(t.Context(), r.server(), core.GetMessages{IDs: []string{marked}})
		if err != nil || len(ms) != 1 || len(ms[0].Message.LatestReactions) != 1 {
			t.Fatalf("the reaction of %s: %+v, %v", marked, ms, err)
		}
		st, err := r.core().Channels.Open(t.Context(), r.server(), core.OpenChannel{Type: "messaging", ID: "hq", MustExist: true, State: core.StateWanted{State: true}})
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range st.Reads {
			if x.User.ID == "bob" && x.Unread != 39-order[20] {
				t.Errorf("seed %d: bob read up to %s and has %d unread", seed, marked, x.Unread)
			}
		}
	}
}

// Edits, tombstones, removals and what is older than what is known.
func TestLearnChanges(t *testing.T) {
	r := newEngine(t, nil)
	learn(t, r.world, append(hq(), said(1, "ann", "one"), said(2, "ann", "two"), said(3, "ann", "three"))...)
	get := func(name string) *core.Message {
		ms, err := r.core().Messages.Get(t.Context(), r.server(), core.GetMessages{IDs: []string{name}})
		if err != nil {
			t.Fatal(err)
		}
		if len(ms) == 0 {
			return nil
		}
		return &ms[0].Message
	}
	edit := said(1, "ann", "uno")
	edit.Message.UpdatedAt = learnStart.Add(time.Hour)
	if out := learn(t, r.world, edit); out.Changed != 1 || get("m-1").Text != "uno" {
		t.Errorf("an edit: %+v", out)
	}
	if out := learn(t, r.world, said(1, "ann", "one")); out.Known != 1 || get("m-1").Text != "uno" {
		t.Errorf("what was before the edit: %+v", out)
	}
	grave := said(2, "ann", "")
	grave.Message.UpdatedAt, grave.Message.DeletedAt = learnStart.Add(time.Hour), learnStart.Add(time.Hour)
	if out := learn(t, r.world, grave); out.Changed != 1 || !get("m-2").Deleted() {
		t.Errorf("a tombstone: %+v", out)
	}
	gone := said(3, "ann", "")
	gone.Gone = true
	if out := learn(t, r.world, gone, gone); out.Changed != 1 || out.Known != 1 || get("m-3") != nil {
		t.Errorf("a removal: %+v", out)
	}
	if out := learn(t, r.world, core.Imported{Member: &core.Member{User: "bob"}, Key: "hq", Gone: true}); out.Changed != 1 {
		t.Errorf("a member who left: %+v", out)
	}
	ms, err := r.core().Channels.Members(t.Context(), r.server(), core.QueryMembers{Key: "hq"})
	if err != nil || len(ms) != 1 {
		t.Errorf("members: %+v, %v", ms, err)
	}
}

// What cannot be taken is refused alone, with what it needs.
func TestLearnRefusesAlone(t *testing.T) {
	r := newEngine(t, nil)
	orphan := said(5, "ann", "x")
	orphan.Message.ChannelKey = "nowhere"
	reply := said(6, "ann", "x")
	reply.Parent = "unknown"
	far := said(7, "ann", "x")
	far.Message.ID = 1 << 52
	out := learn(t, r.world, append(hq(), orphan, reply, far, core.Imported{}, core.Imported{Channel: &core.Channel{Key: "odd:one"}}, said(1, "ann", "one"))...)
	if len(out.Refused) != 5 || out.New != 5 {
		t.Fatalf("%+v", out)
	}
	byItem := map[int]core.Unlearnt{}
	for _, u := range out.Refused {
		byItem[u.Item] = u
	}
	if byItem[4].Channel != "nowhere" || byItem[5].Message != "unknown" || byItem[6].Reason == "" || !strings.Contains(byItem[8].Reason, "odd") {
		t.Errorf("%+v", out.Refused)
	}
	if _, err := r.core().Imports.Learn(t.Context(), core.Actor{App: r.app, User: "ann", Access: core.AccessUser}, core.Learn{}); err == nil {
		t.Error("a person may teach the core")
	}
}
