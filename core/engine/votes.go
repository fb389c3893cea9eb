package engine

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/perm"
)

func parseID(s string) (core.MessageID, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	return core.MessageID(n), err
}

// PutOption adds an option, by anyone if the poll takes suggestions, or changes one.
func (s polls) PutOption(ctx context.Context, by core.Actor, in core.PutOption) (core.Poll, error) {
	return s.change(ctx, "polls.put_option", by, in.Poll, func(p *core.Poll) error {
		if in.Create {
			if err := mine(by, p); err != nil && !p.AllowSuggestions {
				return err
			}
			if p.Closed {
				return fault.RequestInvalid.Error("the poll is closed")
			}
			p.Options = append(p.Options, in.Option)
			return nil
		}
		if err := mine(by, p); err != nil {
			return err
		}
		i := slices.IndexFunc(p.Options, func(o core.PollOption) bool { return o.ID == in.Option.ID })
		if i < 0 {
			return fault.ResourceNotFound.Error(fmt.Sprintf("the poll has no option %q", cut(in.Option.ID)))
		}
		p.Options[i].Text, p.Options[i].Extra = in.Option.Text, in.Option.Extra
		return nil
	})
}

// DeleteOption removes an option with its votes.
func (s polls) DeleteOption(ctx context.Context, by core.Actor, in core.DeleteOption) (core.Poll, error) {
	return s.change(ctx, "polls.delete_option", by, in.Poll, func(p *core.Poll) error {
		if err := mine(by, p); err != nil {
			return err
		}
		i := slices.IndexFunc(p.Options, func(o core.PollOption) bool { return o.ID == in.Option })
		if i < 0 {
			return fault.ResourceNotFound.Error(fmt.Sprintf("the poll has no option %q", cut(in.Option)))
		}
		p.Options = slices.Delete(p.Options, i, i+1)
		return nil
	})
}

// placeVote checks that the actor may vote on the poll of a message.
func (s polls) placeVote(ctx context.Context, by core.Actor, message, poll string) (*core.Message, *scene, error) {
	if err := needUser(by); err != nil {
		return nil, nil, err
	}
	m, sc, err := s.e.readMessage(ctx, by, message)
	if err != nil {
		return nil, nil, err
	}
	if m.PollID != poll || !canSee(m, by) {
		return nil, nil, fault.ResourceNotFound.Error("the message does not hold this poll")
	}
	if err := sc.need(core.FeaturePolls, "polls"); err != nil {
		return nil, nil, err
	}
	return m, sc, s.e.can(sc, perm.ReadChannel, sc.owns())
}

// Vote casts the actor's vote or answer. In a poll of one vote each, a second vote takes the place
// of the first; an answer always takes the place of the one before.
func (s polls) Vote(ctx context.Context, by core.Actor, in core.CastVote) (core.Voted, error) {
	e := s.e
	const op = "polls.vote"
	m, _, err := s.placeVote(ctx, by, in.Message, in.Poll)
	if err != nil {
		return core.Voted{}, translate(op, err)
	}
	var out core.Voted
	err = e.update(ctx, op, by.App, 0, func(t *txn) error {
		p, err := readPoll(ctx, t, by.App, in.Poll)
		if err != nil {
			return err
		}
		own, err := scan[core.PollVote](ctx, t, by.App, spacePollVotes, prefixOf(p.ID, string(by.User)))
		if err != nil {
			return err
		}
		v := core.PollVote{ID: uuid(), Poll: p.ID, Option: in.Option, Answer: in.Answer, User: by.User, CreatedAt: e.now(), UpdatedAt: e.now()}
		old, same, err := checkVote(&p, &v, own)
		if err != nil {
			return err
		}
		if same {
			out = core.Voted{Poll: p, Vote: *old}
			return nil
		}
		kind := core.VoteCast
		if old != nil {
			kind = core.VoteChanged
			v.CreatedAt = old.CreatedAt
			if err := t.DeleteRecord(by.App, spacePollVotes, voteKey(old)); err != nil {
				return err
			}
			count(&p, old, -1)
		}
		count(&p, &v, 1)
		if err := putJSON(t, spacePollVotes, voteKey(&v), &v); err != nil {
			return err
		}
		if err := putJSON(t, spacePolls, p.ID, &p); err != nil {
			return err
		}
		if err := putJSON(t, spacePollMessages, keyOf(p.ID, m.ID.String()), &m.Channel); err != nil {
			return err
		}
		out = core.Voted{Poll: p, Vote: v}
		return t.tellPoll(ctx, by, kind, &p, &v)
	})
	if err != nil {
		return out, err
	}
	return s.voted(ctx, op, by, out)
}

// voted fills in the outcome of a vote.
func (s polls) voted(ctx context.Context, op string, by core.Actor, out core.Voted) (core.Voted, error) {
	if err := s.e.fillPoll(ctx, s.e.store, by.App, by.User, &out.Poll); err != nil {
		return out, translate(op, err)
	}
	users, err := s.e.usersByID(ctx, by.App, []core.UserID{out.Vote.User})
	out.Vote.Author = users[out.Vote.User]
	return out, translate(op, err)
}

// checkVote applies the rules of the poll: old is the vote that v takes the place of, if any; same
// means that v has been cast already.
func checkVote(p *core.Poll, v *core.PollVote, own []core.PollVote) (old *core.PollVote, same bool, err error) {
	if p.Closed {
		return nil, false, fault.RequestInvalid.Error("the poll is closed")
	}
	if (v.Option == "") == (v.Answer == "") {
		return nil, false, fault.RequestInvalid.Error("a vote is either for an option or an answer")
	}
	if v.Answer != "" {
		if !p.AllowAnswers {
			return nil, false, fault.RequestInvalid.Error("the poll does not take answers")
		}
		for i := range own {
			if own[i].Answer != "" {
				return &own[i], own[i].Answer == v.Answer, nil
			}
		}
		return nil, false, nil
	}
	if !slices.ContainsFunc(p.Options, func(o core.PollOption) bool { return o.ID == v.Option }) {
		return nil, false, fault.ResourceNotFound.Error(fmt.Sprintf("the poll has no option %q", cut(v.Option)))
	}
	n := 0
	for i := range own {
		if own[i].Option == "" {
			continue
		}
		n++
		if own[i].Option == v.Option {
			return &own[i], true, nil
		}
		old = &own[i]
	}
	if p.UniqueVote {
		return old, false, nil
	}
	if p.MaxVotes > 0 && n >= p.MaxVotes {
		return nil, false, fault.RequestInvalid.Error(fmt.Sprintf("at most %d votes are allowed in this poll", p.MaxVotes))
	}
	return nil, false, nil
}

// count adds a vote to the tallies of its poll, or takes it away with by -1.
func count(p *core.Poll, v *core.PollVote, by int) {
	list, per := &p.LatestVotes, v.Option
	if v.Answer != "" {
		p.AnswerCount += by
		list = &p.LatestAnswers
	} else {
		p.VoteCount += by
		for i := range p.Options {
			if p.Options[i].ID == v.Option {
				p.Options[i].Votes += by
			}
		}
	}
	kept := make([]core.PollVote, 0, len(*list)+1)
	n := 0
	if by > 0 {
		kept = append(kept, *v)
		n++
	}
	for _, x := range *list {
		if x.ID == v.ID {
			continue
		}
		if x.Option == per {
			if n++; n > latestVotes {
				continue
			}
		}
		kept = append(kept, x)
	}
	*list = kept
}

// Unvote takes a vote of the actor's back.
func (s polls) Unvote(ctx context.Context, by core.Actor, in core.RemoveVote) (core.Voted, error) {
	e := s.e
	const op = "polls.unvote"
	if _, _, err := s.placeVote(ctx, by, in.Message, in.Poll); err != nil {
		return core.Voted{}, translate(op, err)
	}
	var out core.Voted
	err := e.update(ctx, op, by.App, 0, func(t *txn) error {
		p, err := readPoll(ctx, t, by.App, in.Poll)
		if err != nil {
			return err
		}
		if p.Closed {
			return fault.RequestInvalid.Error("the poll is closed")
		}
		key := keyOf(p.ID, string(by.User), in.Vote)
		v, found, err := record[core.PollVote](ctx, t, by.App, spacePollVotes, key)
		if err != nil {
			return err
		}
		if !found {
			return fault.ResourceNotFound.Error(fmt.Sprintf("vote %q does not exist", cut(in.Vote)))
		}
		if err := t.DeleteRecord(by.App, spacePollVotes, key); err != nil {
			return err
		}
		count(&p, &v, -1)
		if err := putJSON(t, spacePolls, p.ID, &p); err != nil {
			return err
		}
		out = core.Voted{Poll: p, Vote: v}
		return t.tellPoll(ctx, by, core.VoteRemoved, &p, &v)
	})
	if err != nil {
		return out, err
	}
	return s.voted(ctx, op, by, out)
}

// Votes lists the votes of a poll, newest first unless asked otherwise. In anonymous polls clients
// see their own votes only.
func (s polls) Votes(ctx context.Context, by core.Actor, in core.QueryVotes) (core.VotePage, error) {
	e := s.e
	const op = "polls.votes"
	var out core.VotePage
	p, err := readPoll(ctx, e.store, by.App, in.Poll)
	if err != nil {
		return out, translate(op, err)
	}
	prefix := prefixOf(p.ID)
	if p.Anonymous && !by.Server() {
		prefix = prefixOf(p.ID, string(by.User))
	}
	all, err := scan[core.PollVote](ctx, e.store, by.App, spacePollVotes, prefix)
	if err != nil {
		return out, translate(op, err)
	}
	if len(in.Sort) == 0 {
		in.Sort = []core.Sort{{Field: "created_at", Desc: true}}
	}
	out.Votes, out.Next, out.Prev, err = listing[core.PollVote]{
		get: voteFields, filter: in.Filter, sort: in.Sort, page: in.Page, normal: personalListed, most: maxPersonalListed,
		id: func(v *core.PollVote) string { return v.ID },
	}.run(all)
	if err != nil {
		return out, translate(op, err)
	}
	ids := make([]core.UserID, len(out.Votes))
	for i := range out.Votes {
		ids[i] = out.Votes[i].User
	}
	users, err := e.usersByID(ctx, by.App, ids)
	for i := range out.Votes {
		out.Votes[i].Author = users[out.Votes[i].User]
	}
	return out, translate(op, err)
}

func voteFields(v *core.PollVote) fields {
	return func(name string) (core.Value, bool) {
		switch name {
		case "id":
			return core.Text(v.ID), true
		case "user":
			return core.Text(string(v.User)), true
		case "option":
			return word(v.Option), true
		case "is_answer":
			return core.Bool(v.Answer != ""), true
		case "created_at":
			return instant(v.CreatedAt), true
		case "updated_at":
			return instant(v.UpdatedAt), true
		}
		return core.Value{}, false
	}
}
