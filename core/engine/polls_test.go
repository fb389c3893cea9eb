package engine_test

import (
	"testing"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
)

// ballot is a poll in a message of a group of alice and bob.
type ballot struct {
	*rig
	key  core.ChannelKey
	poll core.Poll
	msg  core.Message
}

func newBallot(t *testing.T, p core.Poll) *ballot {
	t.Helper()
	b := &ballot{rig: newEngine(t, nil, "alice", "bob")}
	b.typ("messaging", func(t *core.ChannelType) { t.Features[core.FeaturePolls] = true })
	b.key = b.group("g", "alice", "bob")
	var err error
	if b.poll, err = b.core().Polls.Put(t.Context(), b.as("alice"), core.PutPoll{Create: true, Poll: p}); err != nil {
		t.Fatal(err)
	}
	out, err := b.core().Messages.Send(t.Context(), b.as("alice"), core.SendMessage{Key: b.key, Message: core.MessageInput{PollID: b.poll.ID}})
	if err != nil {
		t.Fatal(err)
	}
	b.msg = out.Message
	return b
}

func (b *ballot) vote(u core.UserID, option int) (core.Voted, error) {
	return b.core().Polls.Vote(b.t.Context(), b.as(u), core.CastVote{Message: b.msg.ID.String(), Poll: b.poll.ID, Option: b.poll.Options[option].ID})
}

var twoOptions = []core.PollOption{{Text: "red"}, {Text: "blue"}}

func TestPollOfOneVoteMovesIt(t *testing.T) {
	b := newBallot(t, core.Poll{Name: "colour", UniqueVote: true, Options: twoOptions})
	bob := b.listen(0, "bob")
	b.watch(0, bob, b.key)
	_, err := b.vote("alice", 0)
	b.wants(err, nil)
	if d := bob.next(core.VoteCast); d.Event.Poll.VoteCount != 1 || d.Event.Vote.User != "alice" || d.Event.Message.ID != b.msg.ID {
		t.Errorf("told %+v", d.Event)
	}
	got, err := b.vote("alice", 1)
	if err != nil || got.Poll.VoteCount != 1 || got.Poll.Options[0].Votes != 0 || got.Poll.Options[1].Votes != 1 || len(got.Poll.OwnVotes) != 1 {
		t.Errorf("%+v %v", got.Poll, err)
	}
	bob.next(core.VoteChanged)
	again, err := b.vote("alice", 1)
	if err != nil || again.Poll.VoteCount != 1 || again.Vote.ID != got.Vote.ID {
		t.Errorf("the same vote again: %+v %v", again, err)
	}
	if _, err := b.core().Polls.Unvote(t.Context(), b.as("alice"), core.RemoveVote{Message: b.msg.ID.String(), Poll: b.poll.ID, Vote: got.Vote.ID}); err != nil {
		t.Fatal(err)
	}
	if d := bob.next(core.VoteRemoved); d.Event.Poll.VoteCount != 0 {
		t.Errorf("told %+v", d.Event.Poll)
	}
}

func TestPollRules(t *testing.T) {
	b := newBallot(t, core.Poll{Name: "colour", MaxVotes: 1, Options: twoOptions})
	ctx := t.Context()
	_, err := b.vote("bob", 0)
	b.wants(err, nil)
	_, err = b.vote("bob", 1)
	b.wants(err, fault.RequestInvalid)
	answer := func() error {
		_, err := b.core().Polls.Vote(ctx, b.as("bob"), core.CastVote{Message: b.msg.ID.String(), Poll: b.poll.ID, Answer: "green"})
		return err
	}
	b.wants(answer(), fault.RequestInvalid)
	add := func(u core.UserID, text string) error {
		_, err := b.core().Polls.PutOption(ctx, b.as(u), core.PutOption{Poll: b.poll.ID, Create: true, Option: core.PollOption{Text: text}})
		return err
	}
	b.wants(add("bob", "green"), fault.PermissionDenied)
	b.wants(add("alice", "green"), nil)
	b.wants(add("alice", "green"), fault.RequestInvalid)
	change := func(u core.UserID, f func(*core.Poll)) error {
		_, err := b.core().Polls.Put(ctx, b.as(u), core.PutPoll{ID: b.poll.ID, Change: func(p *core.Poll) error {
			f(p)
			return nil
		}})
		return err
	}
	b.wants(change("bob", func(p *core.Poll) { p.Name = "mine" }), fault.PermissionDenied)
	b.wants(change("alice", func(p *core.Poll) { p.AllowAnswers, p.AllowSuggestions = true, true }), nil)
	b.wants(answer(), nil)
	b.wants(add("bob", "violet"), nil)
	alice := b.listen(0, "alice")
	b.watch(0, alice, b.key)
	b.wants(change("alice", func(p *core.Poll) { p.Closed = true }), nil)
	alice.next(core.PollClosed)
	_, err = b.vote("alice", 0)
	b.wants(err, fault.RequestInvalid)
	_, err = b.core().Polls.Vote(ctx, b.as("bob"), core.CastVote{Message: b.msg.ID.String(), Poll: "other", Option: "x"})
	b.wants(err, fault.ResourceNotFound)
}

func TestPollIDsStayApart(t *testing.T) {
	w := newEngine(t, nil, "alice")
	for id, want := range map[string]*fault.Reason{"mine": nil, "a\x00b": fault.RequestInvalidField, "a b": fault.RequestInvalidField} {
		_, err := w.core().Polls.Put(t.Context(), w.as("alice"), core.PutPoll{Create: true, Poll: core.Poll{ID: id, Name: "x"}})
		w.wants(err, want)
	}
	_, err := w.core().Polls.Put(t.Context(), w.as("alice"), core.PutPoll{Create: true, Poll: core.Poll{ID: "mine", Name: "x"}})
	w.wants(err, fault.RequestInvalid)
	_, err = w.core().Polls.Put(t.Context(), w.server().As("a\x00b"), core.PutPoll{Create: true, Poll: core.Poll{Name: "x"}})
	w.wants(err, fault.UserInvalidID)
}

func TestRemovedOptionTakesItsVotesAlong(t *testing.T) {
	b := newBallot(t, core.Poll{Name: "colour", Options: twoOptions})
	for _, u := range []core.UserID{"alice", "bob"} {
		if _, err := b.vote(u, 0); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.vote("bob", 1); err != nil {
		t.Fatal(err)
	}
	p, err := b.core().Polls.DeleteOption(t.Context(), b.as("alice"), core.DeleteOption{Poll: b.poll.ID, Option: b.poll.Options[0].ID})
	if err != nil || p.VoteCount != 1 || len(p.Options) != 1 || p.Options[0].Votes != 1 || len(p.LatestVotes) != 1 {
		t.Errorf("%+v %v", p, err)
	}
	vs, err := b.core().Polls.Votes(t.Context(), b.as("alice"), core.QueryVotes{Poll: b.poll.ID})
	if err != nil || len(vs.Votes) != 1 || vs.Votes[0].User != "bob" {
		t.Errorf("%+v %v", vs, err)
	}
}

func TestAnonymousPollHidesWhoVoted(t *testing.T) {
	b := newBallot(t, core.Poll{Name: "secret", Anonymous: true, Options: twoOptions})
	bob := b.listen(0, "bob")
	b.watch(0, bob, b.key)
	if _, err := b.vote("alice", 0); err != nil {
		t.Fatal(err)
	}
	ev := bob.next(core.VoteCast).Event
	if ev.User != nil || ev.Vote.User != "" || ev.Vote.Author != nil || ev.Poll.LatestVotes[0].User != "" {
		t.Errorf("told who voted: %+v", ev)
	}
	p, err := b.core().Polls.Get(t.Context(), b.as("alice"), core.GetPoll{ID: b.poll.ID})
	if err != nil || len(p.OwnVotes) != 1 || p.OwnVotes[0].User != "alice" || p.LatestVotes[0].Author != nil {
		t.Errorf("%+v %v", p, err)
	}
	if vs, err := b.core().Polls.Votes(t.Context(), b.as("bob"), core.QueryVotes{Poll: b.poll.ID}); err != nil || len(vs.Votes) != 0 {
		t.Errorf("bob reads %+v %v", vs, err)
	}
}

func TestPollPagesGoForwardsAndBack(t *testing.T) {
	w := newEngine(t, nil, "alice")
	ctx := t.Context()
	for _, n := range []string{"a", "b", "c", "d", "e"} {
		w.clock.Add(time.Second)
		if _, err := w.core().Polls.Put(ctx, w.as("alice"), core.PutPoll{Create: true, Poll: core.Poll{Name: n}}); err != nil {
			t.Fatal(err)
		}
	}
	page := func(cursor string) (string, core.PollPage) {
		p, err := w.core().Polls.Query(ctx, w.as("alice"), core.QueryPolls{Sort: []core.Sort{{Field: "name"}}, Page: core.Page{Limit: 2, Cursor: cursor}})
		if err != nil {
			t.Fatal(err)
		}
		names := ""
		for _, x := range p.Polls {
			names += x.Name
		}
		return names, p
	}
	one, p1 := page("")
	two, p2 := page(p1.Next)
	three, p3 := page(p2.Next)
	back, _ := page(p3.Prev)
	if one != "ab" || two != "cd" || three != "e" || back != "cd" || p1.Prev != "" || p3.Next != "" {
		t.Errorf("pages %q %q %q, back %q", one, two, three, back)
	}
	_, err := w.core().Polls.Query(ctx, w.as("alice"), core.QueryPolls{Page: core.Page{Cursor: "rubbish"}})
	w.wants(err, fault.RequestInvalid)
	for filter, want := range map[*core.Filter]int{
		{Op: core.OpIn, Field: "name", Value: core.Texts([]string{"a", "e"})}:                                                              2,
		{Op: core.OpGt, Field: "created_at", Value: core.Time(w.clock.Now().Add(-2 * time.Second))}:                                        2,
		{Op: core.OpNor, Sub: []core.Filter{core.Cond("name", core.OpEq, core.Text("a")), core.Cond("name", core.OpEq, core.Text("b"))}}:   3,
		{Op: core.OpOr, Sub: []core.Filter{core.Cond("name", core.OpEq, core.Text("a")), core.Cond("closed", core.OpEq, core.Bool(true))}}: 1,
		{Op: core.OpExists, Field: "extra.x", Value: core.Bool(false)}:                                                                     5,
	} {
		p, err := w.core().Polls.Query(ctx, w.as("alice"), core.QueryPolls{Filter: *filter})
		if err != nil || len(p.Polls) != want {
			t.Errorf("%+v finds %d (%v), want %d", *filter, len(p.Polls), err, want)
		}
	}
}
