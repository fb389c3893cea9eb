package native

import (
	"context"

	"dragoman/core"
)

// pollName names a poll in the path.
type pollName struct {
	Poll string `json:"poll" in:"path"`
}

type newOption struct {
	ID    string     `json:"id"`
	Text  string     `json:"text" need:"true"`
	Extra core.Extra `json:"extra"`
}

type newPoll struct {
	ID               string      `json:"id" doc:"Made up when absent."`
	Name             string      `json:"name" need:"true" max:"500"`
	Description      string      `json:"description" max:"5000"`
	Anonymous        bool        `json:"anonymous"`
	UniqueVote       bool        `json:"unique_vote" doc:"One vote of a person at most."`
	MaxVotes         int         `json:"max_votes" max:"100" doc:"Of one person; 0 for no limit."`
	AllowSuggestions bool        `json:"allow_suggestions"`
	AllowAnswers     bool        `json:"allow_answers"`
	Options          []newOption `json:"options" max:"100"`
	Extra            core.Extra  `json:"extra"`
}

type changePoll struct {
	pollName
	Name             *string    `json:"name" max:"500"`
	Description      *string    `json:"description" max:"5000"`
	UniqueVote       *bool      `json:"unique_vote"`
	MaxVotes         *int       `json:"max_votes" max:"100"`
	AllowSuggestions *bool      `json:"allow_suggestions"`
	AllowAnswers     *bool      `json:"allow_answers"`
	Closed           *bool      `json:"closed" doc:"A closed poll takes no votes."`
	Extra            core.Extra `json:"extra"`
}

type castVote struct {
	pollName
	Message string `json:"message" need:"true" doc:"The message that holds the poll."`
	Option  string `json:"option" doc:"Either an option"`
	Answer  string `json:"answer" doc:"or a free answer."`
}

func (d *Dialect) pollRows() []row {
	polls := d.core.Polls
	return []row{
		op("GET", "/v1/polls", "listPolls", "The caller's polls, newest first; for servers all of them.", func(ctx context.Context, c *call, in *struct {
			paging
			Open bool `json:"open" in:"query" doc:"Only those that take votes."`
		}) (Page[Poll], error) {
			var f core.Filter
			if in.Open {
				f = core.Cond("closed", core.OpEq, core.Bool(false))
			}
			p, err := polls.Query(ctx, c.by, core.QueryPolls{Filter: f, Page: in.cursor(25, 100)})
			return Page[Poll]{list(p.Polls, pollOf), p.Next}, err
		}),
		op("POST", "/v1/polls", "createPoll", "Makes a poll; send a message that names it.", d.createPoll).fresh(),
		op("GET", "/v1/polls/:poll", "getPoll", "Reads a poll.", func(ctx context.Context, c *call, in *pollName) (Poll, error) {
			p, err := polls.Get(ctx, c.by, core.GetPoll{ID: in.Poll})
			return pollOf(&p), err
		}),
		op("PATCH", "/v1/polls/:poll", "changePoll", "Changes or closes a poll.", func(ctx context.Context, c *call, in *changePoll) (Poll, error) {
			p, err := polls.Put(ctx, c.by, core.PutPoll{ID: in.Poll, Change: func(p *core.Poll) (err error) {
				set(&p.Name, in.Name)
				set(&p.Description, in.Description)
				set(&p.UniqueVote, in.UniqueVote)
				set(&p.MaxVotes, in.MaxVotes)
				set(&p.AllowSuggestions, in.AllowSuggestions)
				set(&p.AllowAnswers, in.AllowAnswers)
				set(&p.Closed, in.Closed)
				p.Extra, err = merged(p.Extra, in.Extra)
				return err
			}})
			return pollOf(&p), err
		}),
		op("DELETE", "/v1/polls/:poll", "deletePoll", "Removes a poll.", func(ctx context.Context, c *call, in *pollName) (none, error) {
			_, err := polls.Delete(ctx, c.by, core.DeletePoll{ID: in.Poll})
			return none{}, err
		}),
		op("POST", "/v1/polls/:poll/options", "addOption", "Adds a choice to a poll.", func(ctx context.Context, c *call, in *struct {
			pollName
			newOption
		}) (Poll, error) {
			p, err := polls.PutOption(ctx, c.by, core.PutOption{Poll: in.Poll, Option: core.PollOption{ID: in.ID, Text: in.Text, Extra: in.Extra}, Create: true})
			c.created(true)
			return pollOf(&p), err
		}).fresh(),
		op("DELETE", "/v1/polls/:poll/options/:option", "deleteOption", "Removes a choice.", func(ctx context.Context, c *call, in *struct {
			pollName
			Option string `json:"option" in:"path"`
		}) (Poll, error) {
			p, err := polls.DeleteOption(ctx, c.by, core.DeleteOption{Poll: in.Poll, Option: in.Option})
			return pollOf(&p), err
		}),
		op("GET", "/v1/polls/:poll/votes", "listVotes", "The votes of a poll, newest first.", func(ctx context.Context, c *call, in *struct {
			pollName
			paging
			Option string `json:"option" in:"query"`
		}) (Page[Vote], error) {
			var f core.Filter
			if in.Option != "" {
				f = core.Cond("option", core.OpEq, core.Text(in.Option))
			}
			p, err := polls.Votes(ctx, c.by, core.QueryVotes{Poll: in.Poll, Filter: f, Page: in.cursor(25, 100), Sort: []core.Sort{{Field: "created_at", Desc: true}}})
			return Page[Vote]{list(p.Votes, voteOf), p.Next}, err
		}),
		op("POST", "/v1/polls/:poll/votes", "vote", "Casts the caller's vote.", func(ctx context.Context, c *call, in *castVote) (Vote, error) {
			v, err := polls.Vote(ctx, c.by, core.CastVote{Message: in.Message, Poll: in.Poll, Option: in.Option, Answer: in.Answer})
			c.created(true)
			return voteOf(&v.Vote), err
		}).fresh(),
		op("DELETE", "/v1/polls/:poll/votes/:vote", "unvote", "Takes a vote back.", func(ctx context.Context, c *call, in *struct {
			pollName
			Vote    string `json:"vote" in:"path"`
			Message string `json:"message" in:"query" need:"true"`
		}) (none, error) {
			_, err := polls.Unvote(ctx, c.by, core.RemoveVote{Message: in.Message, Poll: in.Poll, Vote: in.Vote})
			return none{}, err
		}),
	}
}

func (d *Dialect) createPoll(ctx context.Context, c *call, in *newPoll) (Poll, error) {
	p := core.Poll{
		ID: in.ID, Name: in.Name, Description: in.Description, Anonymous: in.Anonymous, UniqueVote: in.UniqueVote, MaxVotes: in.MaxVotes,
		AllowSuggestions: in.AllowSuggestions, AllowAnswers: in.AllowAnswers, Extra: in.Extra, CreatedBy: c.by.User,
	}
	for _, o := range in.Options {
		p.Options = append(p.Options, core.PollOption{ID: o.ID, Text: o.Text, Extra: o.Extra})
	}
	p, err := d.core.Polls.Put(ctx, c.by, core.PutPoll{Poll: p, Create: true})
	c.created(true)
	return pollOf(&p), err
}
