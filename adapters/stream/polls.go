package stream

import (
	"context"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// Limits of a poll; see https://getstream.io/chat/docs/javascript/polls_api/.
const (
	maxPollOptions = 100
	maxVotes       = 10
	maxPollText    = 2000
)

// pollInput reads the client's part of a poll. Custom fields stand beside the others.
func pollInput(r *wire.Reader) core.Poll {
	p := core.Poll{
		ID:               r.TextMax("id", 255),
		Name:             r.Need("name"),
		Description:      r.TextMax("description", maxPollText),
		Anonymous:        anonymousVotes(r),
		UniqueVote:       r.Bool("enforce_unique_vote"),
		MaxVotes:         r.Int("max_votes_allowed", 1, maxVotes),
		AllowSuggestions: r.Bool("allow_user_suggested_options"),
		AllowAnswers:     r.Bool("allow_answers"),
		Closed:           r.Bool("is_closed"),
		Extra:            r.Rest(pollNames),
	}
	p.Options = pollOptions(r)
	return p
}

// anonymousVotes reads who may see the voters.
func anonymousVotes(r *wire.Reader) bool {
	switch r.Text("voting_visibility") {
	case "", "public":
		return false
	case "anonymous":
		return true
	}
	r.Fail("voting_visibility", "must be one of public, anonymous", fault.RequestInvalidField)
	return false
}

// pollOptions reads the choices.
func pollOptions(r *wire.Reader) []core.PollOption {
	var out []core.PollOption
	r.EachObject("options", maxPollOptions, func(_ int, o *wire.Reader) { out = append(out, pollOption(o)) })
	return out
}

// pollOption reads one choice. Custom fields stand beside the others.
func pollOption(o *wire.Reader) core.PollOption {
	return core.PollOption{ID: o.TextMax("id", 255), Text: o.Need("text"), Extra: o.Rest(pollOptionNames)}
}

// decodeCreatePoll reads a new poll.
func decodeCreatePoll(rq *adapters.Request) (core.PutPoll, error) {
	r, err := actingPerson(rq)
	if err != nil {
		return core.PutPoll{}, err
	}
	in := core.PutPoll{Create: true, Poll: pollInput(&r)}
	return in, r.Err()
}

// decodeUpdatePoll reads a poll that takes the place of the one with its id. Options without an
// id are new ones; those left out are removed.
func decodeUpdatePoll(rq *adapters.Request) (core.PutPoll, error) {
	r, err := acting(rq)
	if err != nil {
		return core.PutPoll{}, err
	}
	p := pollInput(&r)
	p.ID = r.Need("id")
	in := core.PutPoll{ID: p.ID, Change: func(old *core.Poll) error {
		old.Name, old.Description, old.Anonymous = p.Name, p.Description, p.Anonymous
		old.UniqueVote, old.MaxVotes, old.Closed = p.UniqueVote, p.MaxVotes, p.Closed
		old.AllowSuggestions, old.AllowAnswers = p.AllowSuggestions, p.AllowAnswers
		old.Options, old.Extra = p.Options, p.Extra
		return nil
	}}
	return in, r.Err()
}

// decodePatchPoll reads a change of single fields.
func decodePatchPoll(rq *adapters.Request) (core.PutPoll, error) {
	r, err := acting(rq)
	if err != nil {
		return core.PutPoll{}, err
	}
	unset := r.Texts("unset", 100)
	set, _ := r.Object("set")
	change := pollPatch(&set, unset)
	return core.PutPoll{ID: rq.Param("poll_id"), Change: change}, r.Err()
}

// pollPatch reads the members of a partial update once and returns how to apply them.
func pollPatch(set *wire.Reader, unset []string) func(*core.Poll) error {
	var steps []func(*core.Poll)
	do := func(f func(*core.Poll)) { steps = append(steps, f) }
	for _, f := range set.Fields() {
		switch f.Name {
		case "name":
			v := set.Need("name")
			do(func(p *core.Poll) { p.Name = v })
		case "description":
			v := set.TextMax("description", maxPollText)
			do(func(p *core.Poll) { p.Description = v })
		case "voting_visibility":
			v := anonymousVotes(set)
			do(func(p *core.Poll) { p.Anonymous = v })
		case "enforce_unique_vote":
			v := set.Bool(f.Name)
			do(func(p *core.Poll) { p.UniqueVote = v })
		case "max_votes_allowed":
			v := set.Int(f.Name, 1, maxVotes)
			do(func(p *core.Poll) { p.MaxVotes = v })
		case "allow_user_suggested_options":
			v := set.Bool(f.Name)
			do(func(p *core.Poll) { p.AllowSuggestions = v })
		case "allow_answers":
			v := set.Bool(f.Name)
			do(func(p *core.Poll) { p.AllowAnswers = v })
		case "is_closed":
			v := set.Bool(f.Name)
			do(func(p *core.Poll) { p.Closed = v })
		case "options":
			v := pollOptions(set)
			do(func(p *core.Poll) { p.Options = v })
		}
	}
	for _, name := range unset {
		if clear, ok := pollUnset[name]; ok {
			do(clear)
		}
	}
	extra := set.Rest(pollNames)
	return func(p *core.Poll) error {
		for _, step := range steps {
			step(p)
		}
		p.Extra = mergeExtra(p.Extra, extra, unset)
		return nil
	}
}

// pollUnset are the fields of a poll that can be taken back to their default.
var pollUnset = map[string]func(*core.Poll){
	"description":                  func(p *core.Poll) { p.Description = "" },
	"enforce_unique_vote":          func(p *core.Poll) { p.UniqueVote = false },
	"max_votes_allowed":            func(p *core.Poll) { p.MaxVotes = 0 },
	"allow_user_suggested_options": func(p *core.Poll) { p.AllowSuggestions = false },
	"allow_answers":                func(p *core.Poll) { p.AllowAnswers = false },
	"is_closed":                    func(p *core.Poll) { p.Closed = false },
	"voting_visibility":            func(p *core.Poll) { p.Anonymous = false },
}

// encodePoll answers with a poll.
func encodePoll(w *wire.Writer, _ *adapters.Request, p core.Poll) {
	w.Key("poll")
	writePoll(w, &p)
}

// decodeGetPoll reads which poll.
func decodeGetPoll(rq *adapters.Request) (core.GetPoll, error) {
	return core.GetPoll{ID: rq.Param("poll_id")}, behalf(rq, nil)
}

// decodeDeletePoll reads which poll.
func decodeDeletePoll(rq *adapters.Request) (core.DeletePoll, error) {
	return core.DeletePoll{ID: rq.Param("poll_id")}, behalf(rq, nil)
}

// decodeQueryPolls reads a search for polls.
func decodeQueryPolls(rq *adapters.Request) (core.QueryPolls, error) {
	r, err := acting(rq)
	if err != nil {
		return core.QueryPolls{}, err
	}
	f, s, p, err := pollFilter.query(&r, "filter", 25)
	if err != nil {
		return core.QueryPolls{}, err
	}
	return core.QueryPolls{Filter: f, Sort: s, Page: p}, r.Err()
}

// encodePolls answers a page of polls.
func encodePolls(w *wire.Writer, _ *adapters.Request, out core.PollPage) {
	w.List("polls")
	for i := range out.Polls {
		writePoll(w, &out.Polls[i])
	}
	w.CloseList()
	writeCursors(w, out.Next, out.Prev)
}

// optionOf is a poll with the option a call was about.
type optionOf struct {
	poll core.Poll
	id   string
}

// decodeOption reads a new or changed option.
func decodeOption(create bool) func(*adapters.Request) (core.PutOption, error) {
	return func(rq *adapters.Request) (core.PutOption, error) {
		r, err := acting(rq)
		if err != nil {
			return core.PutOption{}, err
		}
		in := core.PutOption{Poll: rq.Param("poll_id"), Option: pollOption(&r), Create: create}
		if !create {
			in.Option.ID = r.Need("id")
		}
		return in, r.Err()
	}
}

// putOption writes an option and finds it in the poll that comes back: a new one got its id there.
func (d *Dialect) putOption(ctx context.Context, by core.Actor, in core.PutOption) (core.PollOption, error) {
	p, err := d.core.Polls.PutOption(ctx, by, in)
	if err != nil {
		return core.PollOption{}, err
	}
	out := optionOf{p, in.Option.ID}
	if out.id == "" {
		for i := range p.Options {
			if p.Options[i].Text == in.Option.Text {
				out.id = p.Options[i].ID
			}
		}
	}
	return out.option()
}

// decodeGetOption reads which option.
func decodeGetOption(rq *adapters.Request) (optionOf, error) {
	return optionOf{core.Poll{ID: rq.Param("poll_id")}, rq.Param("option_id")}, behalf(rq, nil)
}

// getOption reads an option by way of its poll.
func (d *Dialect) getOption(ctx context.Context, by core.Actor, in optionOf) (core.PollOption, error) {
	p, err := d.core.Polls.Get(ctx, by, core.GetPoll{ID: in.poll.ID})
	if err != nil {
		return core.PollOption{}, err
	}
	in.poll = p
	return in.option()
}

// option finds the option a call is about; a poll that lacks it answers resource.not_found.
func (o *optionOf) option() (core.PollOption, error) {
	for i := range o.poll.Options {
		if o.poll.Options[i].ID == o.id {
			return o.poll.Options[i], nil
		}
	}
	return core.PollOption{}, fault.ResourceNotFound.Error("Can't find poll option with id " + o.id)
}

// encodeOption answers with one option.
func encodeOption(w *wire.Writer, _ *adapters.Request, o core.PollOption) {
	w.Key("poll_option")
	writePollOption(w, &o)
}

// decodeDeleteOption reads which option.
func decodeDeleteOption(rq *adapters.Request) (core.DeleteOption, error) {
	return core.DeleteOption{Poll: rq.Param("poll_id"), Option: rq.Param("option_id")}, behalf(rq, nil)
}

// decodeVote reads a vote for an option, or a free answer.
func decodeVote(rq *adapters.Request) (core.CastVote, error) {
	r, err := actingPerson(rq)
	if err != nil {
		return core.CastVote{}, err
	}
	in := core.CastVote{Message: rq.Param("message_id"), Poll: rq.Param("poll_id")}
	v, ok := r.Object("vote")
	if !ok {
		r.Fail("vote", "is a required field", fault.RequestMissingField)
		return in, r.Err()
	}
	in.Option, in.Answer = v.Text("option_id"), v.TextMax("answer_text", maxPollText)
	if (in.Option == "") == (in.Answer == "") {
		v.Fail("option_id", "or answer_text is a required field", fault.RequestMissingField)
	}
	return in, r.Err()
}

// decodeUnvote reads which vote to take back.
func decodeUnvote(rq *adapters.Request) (core.RemoveVote, error) {
	err := queryPerson(rq)
	return core.RemoveVote{Message: rq.Param("message_id"), Poll: rq.Param("poll_id"), Vote: rq.Param("vote_id")}, err
}

// encodeVoted answers a vote. The voter sees their own vote, in an anonymous poll too.
func encodeVoted(w *wire.Writer, _ *adapters.Request, out core.Voted) {
	w.Key("vote")
	writeVote(w, &out.Vote, false)
	w.Key("poll")
	writePoll(w, &out.Poll)
}

// votesOf is a page of votes with what the encoder must know of the poll.
type votesOf struct {
	page      core.VotePage
	anonymous bool
}

// decodeQueryVotes reads a search for votes of one poll.
func decodeQueryVotes(rq *adapters.Request) (core.QueryVotes, error) {
	r, err := acting(rq)
	if err != nil {
		return core.QueryVotes{}, err
	}
	f, s, p, err := voteFilter.query(&r, "filter", 100)
	if err != nil {
		return core.QueryVotes{}, err
	}
	return core.QueryVotes{Poll: rq.Param("poll_id"), Filter: f, Sort: s, Page: p}, r.Err()
}

// queryVotes reads votes; the voters of an anonymous poll stay unnamed.
func (d *Dialect) queryVotes(ctx context.Context, by core.Actor, in core.QueryVotes) (out votesOf, err error) {
	p, err := d.core.Polls.Get(ctx, by, core.GetPoll{ID: in.Poll})
	if err != nil {
		return out, err
	}
	out.anonymous = p.Anonymous
	out.page, err = d.core.Polls.Votes(ctx, by, in)
	return out, err
}

// encodeVotes answers a page of votes.
func encodeVotes(w *wire.Writer, _ *adapters.Request, out votesOf) {
	writeVotes(w, "votes", out.page.Votes, out.anonymous)
	writeCursors(w, out.page.Next, out.page.Prev)
}
