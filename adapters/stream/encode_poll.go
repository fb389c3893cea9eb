package stream

import (
	"dragoman/adapters/wire"
	"dragoman/core"
)

// pollNames are the members of a poll object that are not custom fields.
var pollNames = wire.NamesOf("id", "name", "description", "voting_visibility", "enforce_unique_vote", "max_votes_allowed",
	"allow_user_suggested_options", "allow_answers", "is_closed", "options", "vote_count", "vote_counts_by_option", "answers_count",
	"latest_votes_by_option", "latest_answers", "own_votes", "created_by", "created_by_id", "created_at", "updated_at", "user", "user_id")

// pollOptionNames are the members of a poll option that are not custom fields.
var pollOptionNames = wire.NamesOf("id", "text", "poll_id", "user", "user_id")

// writePoll writes a poll.
func writePoll(w *wire.Writer, p *core.Poll) {
	w.Open()
	w.Text("id", p.ID)
	w.Text("name", p.Name)
	w.Text("description", p.Description)
	if p.Anonymous {
		w.Text("voting_visibility", "anonymous")
	} else {
		w.Text("voting_visibility", "public")
	}
	w.Bool("enforce_unique_vote", p.UniqueVote)
	if p.MaxVotes > 0 {
		w.Int("max_votes_allowed", p.MaxVotes)
	} else {
		w.Null("max_votes_allowed")
	}
	w.Bool("allow_user_suggested_options", p.AllowSuggestions)
	w.Bool("allow_answers", p.AllowAnswers)
	w.Bool("is_closed", p.Closed)
	w.Int("vote_count", p.VoteCount)
	w.Int("answers_count", p.AnswerCount)
	w.List("options")
	for i := range p.Options {
		writePollOption(w, &p.Options[i])
	}
	w.CloseList()
	w.Object("vote_counts_by_option")
	for i := range p.Options {
		if p.Options[i].Votes > 0 {
			w.KeyOf(p.Options[i].ID)
			w.Number(p.Options[i].Votes)
		}
	}
	w.Close()
	writeVotesByOption(w, p)
	writeVotes(w, "latest_answers", p.LatestAnswers, p.Anonymous)
	writeVotes(w, "own_votes", p.OwnVotes, false)
	w.Text("created_by_id", string(p.CreatedBy))
	w.Key("created_by")
	writeUserOr(w, p.Creator, p.CreatedBy)
	w.Time("created_at", p.CreatedAt)
	w.Time("updated_at", p.UpdatedAt)
	w.Extra(p.Extra, pollNames)
	w.Close()
}

// writePollOption writes one choice of a poll.
func writePollOption(w *wire.Writer, o *core.PollOption) {
	w.Open()
	w.Text("id", o.ID)
	w.Text("text", o.Text)
	w.Extra(o.Extra, pollOptionNames)
	w.Close()
}

// writeVotesByOption groups the latest votes by option. An anonymous poll tells nobody who voted.
func writeVotesByOption(w *wire.Writer, p *core.Poll) {
	w.Object("latest_votes_by_option")
	for i := range p.Options {
		open := false
		for j := range p.LatestVotes {
			if p.LatestVotes[j].Option != p.Options[i].ID {
				continue
			}
			if !open {
				w.KeyOf(p.Options[i].ID)
				w.OpenList()
				open = true
			}
			writeVote(w, &p.LatestVotes[j], p.Anonymous)
		}
		if open {
			w.CloseList()
		}
	}
	w.Close()
}

// writeVotes writes a list of votes as a member.
func writeVotes(w *wire.Writer, name string, vs []core.PollVote, anonymous bool) {
	w.List(name)
	for i := range vs {
		writeVote(w, &vs[i], anonymous)
	}
	w.CloseList()
}

// writeVote writes a vote or a free answer; anonymous leaves the voter out.
func writeVote(w *wire.Writer, v *core.PollVote, anonymous bool) {
	w.Open()
	w.Text("id", v.ID)
	w.Text("poll_id", v.Poll)
	w.Text("option_id", v.Option)
	if v.Option == "" {
		w.Text("answer_text", v.Answer)
		w.Bool("is_answer", true)
	}
	if !anonymous {
		w.Text("user_id", string(v.User))
		w.Key("user")
		writeUserOr(w, v.Author, v.User)
	}
	w.Time("created_at", v.CreatedAt)
	w.Time("updated_at", v.UpdatedAt)
	w.Close()
}
