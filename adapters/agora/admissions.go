package agora

import (
	"context"

	"dragoman/adapters"
	"dragoman/core"
)

// admissionRoutes are how people come into groups and leave them by themselves.
func (s *space) admissionRoutes() []adapters.Route {
	return []adapters.Route{
		here(s, full, "POST", "/apply", "applyTo", s.apply, oneDid("apply")),
		here(s, full, "POST", "/apply_verify", "answerApplicantOf", s.verify, oneDid("apply_verify")),
		here(s, full, "POST", "/invite", "inviteTo", s.invite, allDid("invite")),
		here(s, full, "POST", "/invite_verify", "answerInviteTo", s.accept, oneDid("invite_verify")),
		here(s, full, "DELETE", "/quit", "quit", s.quit, encodeQuit),
	}
}

// apply asks for a membership, which a group without approval gives at once.
func (s *space) apply(ctx context.Context, at *spot, rq *adapters.Request) (did, error) {
	r, err := body(rq)
	if err != nil {
		return did{}, err
	}
	text := r.TextMax("message", 1024)
	if err := r.Err(); err != nil {
		return did{}, err
	}
	_, err = s.d.core.Admissions.Apply(ctx, at.by, core.ApplyToGroup{Key: at.key(), Text: text})
	return did{user: at.by.User, byID: true}, at.fail(err, "")
}

func (s *space) verify(ctx context.Context, at *spot, rq *adapters.Request) (did, error) {
	r, err := body(rq)
	if err != nil {
		return did{}, err
	}
	who, yes, text := core.UserID(r.Need("applicant")), r.Bool("verifyResult"), r.TextMax("reason", 1024)
	if err := r.Err(); err != nil {
		return did{}, err
	}
	us, err := s.d.everybody(ctx, at.by.App, []core.UserID{who})
	if err != nil {
		return did{}, err
	}
	_, err = s.d.core.Admissions.Answer(ctx, at.by, core.AnswerApplication{Key: at.key(), User: us[0], Accept: yes, Text: text})
	return did{user: us[0], byID: true}, at.fail(err, us[0])
}

func (s *space) invite(ctx context.Context, at *spot, rq *adapters.Request) ([]did, error) {
	ids, r, err := at.usersIn(ctx, rq)
	if err != nil {
		return nil, err
	}
	text := r.TextMax("reason", 1024)
	if err := r.Err(); err != nil {
		return nil, err
	}
	out, err := s.d.core.Admissions.Invite(ctx, at.by, core.InviteToGroup{Key: at.key(), Users: ids, Text: text})
	res, err := at.outcomes(out, err)
	for i := range res {
		res[i].byID = true
	}
	return res, err
}

func (s *space) accept(ctx context.Context, at *spot, rq *adapters.Request) (did, error) {
	r, err := body(rq)
	if err != nil {
		return did{}, err
	}
	who, yes, text := core.UserID(r.Text("invitee")), r.Bool("verifyResult"), r.TextMax("reason", 1024)
	if err := r.Err(); err != nil {
		return did{}, err
	}
	by := at.by
	if by.Server() && who != "" {
		by = by.As(who)
	}
	_, err = s.d.core.Admissions.AnswerInvite(ctx, by, core.AnswerInvite{Key: at.key(), Accept: yes, Text: text})
	return did{user: by.User, byID: true}, at.fail(err, by.User)
}

func (s *space) quit(ctx context.Context, at *spot, _ *adapters.Request) (none, error) {
	_, err := s.d.core.Groups.Leave(ctx, at.by, core.LeaveGroup{Key: at.key()})
	return none{}, at.fail(err, "")
}

func encodeQuit(a *answer, _ *spot, _ none) {
	a.Object("data")
	a.Bool("result", true)
	a.Close()
}
