package engine

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/store"
)

type polls struct{ e *Engine }

// Limits of polls.
const (
	maxOptions      = 100
	maxPollName     = 1000
	maxPollVotes    = 10 // highest number of votes per person a poll may set
	maxPollMessages = 100
	latestVotes     = 10
)

// pollID is what a client may choose; no zero bytes, which part keys.
var pollID = regexp.MustCompile(`^[!-~]{1,255}$`)

func voteKey(v *core.PollVote) string { return keyOf(v.Poll, string(v.User), v.ID) }

// readPoll reads a stored poll.
func readPoll(ctx context.Context, r store.Reader, app core.AppID, id string) (core.Poll, error) {
	p, found, err := record[core.Poll](ctx, r, app, spacePolls, id)
	if err == nil && !found {
		err = fault.ResourceNotFound.Error(fmt.Sprintf("poll %q does not exist", cut(id)))
	}
	return p, err
}

// pollFor reads a poll as the viewer sees it; nil if there is none.
func (e *Engine) pollFor(ctx context.Context, app core.AppID, viewer core.UserID, id string) (*core.Poll, error) {
	p, found, err := record[core.Poll](ctx, e.store, app, spacePolls, id)
	if err != nil || !found {
		return nil, err
	}
	return &p, e.fillPoll(ctx, e.store, app, viewer, &p)
}

// fillPoll fills in people and the viewer's own votes, and hides who voted in anonymous polls.
func (e *Engine) fillPoll(ctx context.Context, r store.Reader, app core.AppID, viewer core.UserID, p *core.Poll) error {
	var err error
	p.OwnVotes = nil
	if viewer != "" {
		if p.OwnVotes, err = scan[core.PollVote](ctx, r, app, spacePollVotes, prefixOf(p.ID, string(viewer))); err != nil {
			return err
		}
	}
	ids := []core.UserID{p.CreatedBy}
	for _, vs := range [][]core.PollVote{p.LatestVotes, p.LatestAnswers, p.OwnVotes} {
		for i := range vs {
			ids = append(ids, vs[i].User)
		}
	}
	users, err := e.usersByID(ctx, app, ids)
	if err != nil {
		return err
	}
	p.Creator = users[p.CreatedBy]
	show := func(vs []core.PollVote, own bool) {
		for i := range vs {
			vs[i].Author = users[vs[i].User]
			if p.Anonymous && !own {
				vs[i].Author, vs[i].User = nil, ""
			}
		}
	}
	show(p.LatestVotes, false)
	show(p.LatestAnswers, false)
	show(p.OwnVotes, true)
	return nil
}

// checkPoll bounds a poll and gives new options their ids.
func checkPoll(p *core.Poll) error {
	switch {
	case strings.TrimSpace(p.Name) == "":
		return fault.RequestMissingField.Error("a poll needs a name")
	case len(p.Name) > maxPollName:
		return fault.RequestFieldTooLong.Error("the name of the poll is too long")
	case p.MaxVotes < 0 || p.MaxVotes > maxPollVotes:
		return fault.RequestInvalidField.Error(fmt.Sprintf("max_votes_allowed must be between 1 and %d", maxPollVotes))
	case len(p.Options) > maxOptions:
		return fault.LimitReached.Error(fmt.Sprintf("a poll has at most %d options", maxOptions))
	case len(p.Extra) > maxUserExtra:
		return fault.RequestFieldTooLong.Error("custom data of the poll is too large")
	}
	ids, texts := map[string]bool{}, map[string]bool{}
	for i := range p.Options {
		o := &p.Options[i]
		if o.Text == "" {
			return fault.RequestMissingField.Error("an option of a poll needs a text")
		}
		if o.ID == "" {
			o.ID = uuid()
		}
		if ids[o.ID] || texts[o.Text] {
			return fault.RequestInvalid.Error(fmt.Sprintf("the poll has the option %q already", cut(o.Text)))
		}
		ids[o.ID], texts[o.Text] = true, true
	}
	return nil
}

// Put creates a poll or changes one of the actor's own.
func (s polls) Put(ctx context.Context, by core.Actor, in core.PutPoll) (core.Poll, error) {
	const op = "polls.put"
	if !in.Create {
		return s.change(ctx, op, by, in.ID, func(p *core.Poll) error {
			if err := mine(by, p); err != nil || in.Change == nil {
				return err
			}
			return in.Change(p)
		})
	}
	e := s.e
	if err := needUser(by); err != nil {
		return core.Poll{}, translate(op, err)
	}
	if _, err := e.actor(ctx, by); err != nil {
		return core.Poll{}, translate(op, err)
	}
	if err := e.planned(ctx, by.App, core.PlanPolls); err != nil {
		return core.Poll{}, translate(op, err)
	}
	p := in.Poll
	if p.ID == "" {
		p.ID = uuid()
	}
	if !pollID.MatchString(p.ID) {
		return p, translate(op, fault.RequestInvalidField.Error("the id of a poll is made of at most 255 letters, digits and signs"))
	}
	p.CreatedBy, p.CreatedAt, p.UpdatedAt = by.User, e.now(), e.now()
	p.VoteCount, p.AnswerCount, p.LatestVotes, p.LatestAnswers, p.OwnVotes, p.Creator = 0, 0, nil, nil, nil, nil
	for i := range p.Options {
		p.Options[i].Votes = 0
	}
	if err := checkPoll(&p); err != nil {
		return p, translate(op, err)
	}
	err := e.update(ctx, op, by.App, 0, func(t *txn) error {
		if _, found, err := record[core.Poll](ctx, t, by.App, spacePolls, p.ID); err != nil || found {
			if err == nil {
				err = fault.RequestInvalid.Error(fmt.Sprintf("poll %q already exists", cut(p.ID)))
			}
			return err
		}
		return putJSON(t, spacePolls, p.ID, &p)
	})
	if err != nil {
		return p, err
	}
	return p, translate(op, e.fillPoll(ctx, e.store, by.App, by.User, &p))
}

// mine answers permission.denied to everyone but the poll's creator and servers.
func mine(by core.Actor, p *core.Poll) error {
	if by.Server() || p.CreatedBy == by.User {
		return nil
	}
	return fault.PermissionDenied.Error("only the creator may change a poll")
}

// change applies fn to a stored poll and tells the channels that hold it.
func (s polls) change(ctx context.Context, op string, by core.Actor, id string, fn func(*core.Poll) error) (core.Poll, error) {
	e := s.e
	var out core.Poll
	err := e.update(ctx, op, by.App, 0, func(t *txn) error {
		old, err := readPoll(ctx, t, by.App, id)
		if err != nil {
			return err
		}
		p := old
		p.Options = slices.Clone(old.Options)
		if err := fn(&p); err != nil {
			return err
		}
		p.ID, p.CreatedBy, p.CreatedAt, p.UpdatedAt = old.ID, old.CreatedBy, old.CreatedAt, e.now()
		p.VoteCount, p.AnswerCount, p.LatestAnswers, p.Creator, p.OwnVotes = old.VoteCount, old.AnswerCount, old.LatestAnswers, nil, nil
		p.LatestVotes = old.LatestVotes
		if err := checkPoll(&p); err != nil {
			return err
		}
		if err := t.keepTallies(ctx, &p, &old); err != nil {
			return err
		}
		kind := core.PollUpdated
		if p.Closed && !old.Closed {
			kind = core.PollClosed
		}
		if err := putJSON(t, spacePolls, p.ID, &p); err != nil {
			return err
		}
		out = p
		return t.tellPoll(ctx, by, kind, &p, nil)
	})
	if err != nil {
		return out, err
	}
	return out, translate(op, e.fillPoll(ctx, e.store, by.App, by.User, &out))
}

// keepTallies carries the votes of options that stay over and removes those of options that go.
func (t *txn) keepTallies(ctx context.Context, p, old *core.Poll) error {
	before := map[string]int{}
	for _, o := range old.Options {
		before[o.ID] = o.Votes
	}
	stays := map[string]bool{}
	for i := range p.Options {
		p.Options[i].Votes = before[p.Options[i].ID]
		stays[p.Options[i].ID] = true
	}
	lost := 0
	for id, n := range before {
		if !stays[id] {
			lost += n
		}
	}
	if lost == 0 {
		return nil
	}
	votes, err := scan[core.PollVote](ctx, t, t.app, spacePollVotes, prefixOf(p.ID))
	if err != nil {
		return err
	}
	for i := range votes {
		if votes[i].Option != "" && !stays[votes[i].Option] {
			if err := t.DeleteRecord(t.app, spacePollVotes, voteKey(&votes[i])); err != nil {
				return err
			}
		}
	}
	p.VoteCount -= lost
	p.LatestVotes = slices.DeleteFunc(slices.Clone(p.LatestVotes), func(v core.PollVote) bool { return !stays[v.Option] })
	return nil
}

// tellPoll tells every channel in which a message holds the poll.
func (t *txn) tellPoll(ctx context.Context, by core.Actor, kind core.EventKind, p *core.Poll, v *core.PollVote) error {
	e := t.e
	rows, err := t.Records(ctx, t.app, spacePollMessages, prefixOf(p.ID), "", false, maxPollMessages)
	if err != nil || len(rows) == 0 {
		return err
	}
	shown := *p
	shown.Options = slices.Clone(p.Options)
	shown.LatestVotes, shown.LatestAnswers = slices.Clone(p.LatestVotes), slices.Clone(p.LatestAnswers)
	if err := e.fillPoll(ctx, t, t.app, "", &shown); err != nil {
		return err
	}
	users, err := e.usersByID(ctx, t.app, []core.UserID{by.User})
	if err != nil {
		return err
	}
	who := users[by.User]
	if v != nil {
		c := *v
		c.Author = who
		if p.Anonymous {
			c.Author, c.User, who = nil, "", nil
		}
		v = &c
	}
	var ids []core.MessageID
	for _, r := range rows {
		_, id, _ := strings.Cut(r.Key, "\x00")
		if n, err := parseID(id); err == nil {
			ids = append(ids, n)
		}
	}
	ms, err := t.Messages(ctx, t.app, ids)
	if err != nil {
		return err
	}
	if err := e.resolve(ctx, t.app, "", ms); err != nil {
		return err
	}
	for i := range ms {
		cs, err := t.Channels(ctx, t.app, []core.ChannelID{ms[i].Channel})
		if err != nil {
			return err
		}
		if len(cs) == 0 {
			continue
		}
		cfg, err := e.configOf(ctx, t.app, &cs[0])
		if err != nil {
			return err
		}
		ms[i].Poll = &shown
		if err := t.emit(&core.Event{Kind: kind, Channel: &cs[0], Config: cfg, User: who, Message: &ms[i], Poll: &shown, Vote: v}); err != nil {
			return err
		}
	}
	return nil
}

// attachPoll remembers that a message holds a poll, so that its channel is told of votes.
func (e *Engine) attachPoll(ctx context.Context, app core.AppID, m *core.Message) error {
	return e.update(ctx, "polls.attach", app, 0, func(t *txn) error {
		return putJSON(t, spacePollMessages, keyOf(m.PollID, m.ID.String()), &m.Channel)
	})
}

// Get reads a poll.
func (s polls) Get(ctx context.Context, by core.Actor, in core.GetPoll) (core.Poll, error) {
	const op = "polls.get"
	p, err := readPoll(ctx, s.e.store, by.App, in.ID)
	if err == nil {
		err = s.e.fillPoll(ctx, s.e.store, by.App, by.User, &p)
	}
	return p, translate(op, err)
}

// Delete removes a poll with its votes; messages that held it stay.
func (s polls) Delete(ctx context.Context, by core.Actor, in core.DeletePoll) (core.Poll, error) {
	e := s.e
	var out core.Poll
	err := e.update(ctx, "polls.delete", by.App, 0, func(t *txn) error {
		var err error
		if out, err = readPoll(ctx, t, by.App, in.ID); err != nil {
			return err
		}
		if err := mine(by, &out); err != nil {
			return err
		}
		if err := t.tellPoll(ctx, by, core.PollDeleted, &out, nil); err != nil {
			return err
		}
		for _, space := range []string{spacePollVotes, spacePollMessages} {
			for {
				rows, err := t.Records(ctx, by.App, space, prefixOf(in.ID), "", false, scanPage)
				if err != nil {
					return err
				}
				for _, r := range rows {
					if err := t.DeleteRecord(by.App, space, r.Key); err != nil {
						return err
					}
				}
				if len(rows) < scanPage {
					break
				}
			}
		}
		return t.DeleteRecord(by.App, spacePolls, in.ID)
	})
	return out, err
}

// Query finds polls: of the actor's own for clients, all for servers.
func (s polls) Query(ctx context.Context, by core.Actor, in core.QueryPolls) (core.PollPage, error) {
	const op = "polls.query"
	var out core.PollPage
	all, err := scan[core.Poll](ctx, s.e.store, by.App, spacePolls, "")
	if err != nil {
		return out, translate(op, err)
	}
	if !by.Server() {
		all = slices.DeleteFunc(all, func(p core.Poll) bool { return p.CreatedBy != by.User })
	}
	if len(in.Sort) == 0 {
		in.Sort = []core.Sort{{Field: "created_at", Desc: true}}
	}
	out.Polls, out.Next, out.Prev, err = listing[core.Poll]{
		get: pollFields, filter: in.Filter, sort: in.Sort, page: in.Page, normal: personalListed, most: maxPersonalListed,
		id: func(p *core.Poll) string { return p.ID },
	}.run(all)
	for i := range out.Polls {
		if err == nil {
			err = s.e.fillPoll(ctx, s.e.store, by.App, by.User, &out.Polls[i])
		}
	}
	return out, translate(op, err)
}

func pollFields(p *core.Poll) fields {
	return func(name string) (core.Value, bool) {
		switch name {
		case "id":
			return core.Text(p.ID), true
		case "name":
			return core.Text(p.Name), true
		case "created_by":
			return word(p.CreatedBy), true
		case "closed":
			return core.Bool(p.Closed), true
		case "unique_vote":
			return core.Bool(p.UniqueVote), true
		case "allow_answers":
			return core.Bool(p.AllowAnswers), true
		case "allow_suggestions":
			return core.Bool(p.AllowSuggestions), true
		case "anonymous":
			return core.Bool(p.Anonymous), true
		case "max_votes":
			return core.Number(float64(p.MaxVotes)), true
		case "created_at":
			return instant(p.CreatedAt), true
		case "updated_at":
			return instant(p.UpdatedAt), true
		}
		return inExtra(p.Extra, name)
	}
}
