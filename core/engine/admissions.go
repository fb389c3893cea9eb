package engine

import (
	"context"
	"slices"
	"strings"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/store"
)

type admissions struct{ e *Engine }

// maxSaid bounds what is said along with a request or its answer, in bytes.
const maxSaid = 1024

func checkSaid(s string) error {
	if len(s) > maxSaid {
		return fault.RequestFieldTooLong.Error("what is said along is at most 1,024 bytes long")
	}
	return nil
}

func applicationKey(a *core.Application) string {
	return keyOf(string(a.Key), string(a.Kind), string(a.User))
}

// putApplication writes an application and its entry in the person's own list.
func (t *txn) putApplication(a *core.Application) error {
	if err := putJSON(t, spaceApplications, applicationKey(a), a); err != nil {
		return err
	}
	return t.PutRecord(t.app, spaceApplicationsBy, keyOf(string(a.User), string(a.Key), string(a.Kind)), nothing)
}

// moderators are the people who may admit others.
func (t *txn) moderators(ctx context.Context, ch core.ChannelID) ([]core.UserID, error) {
	ranks := core.Texts([]string{core.MemberOwner, core.MemberAdmin, core.MemberModerator})
	ms, err := t.FindMembers(ctx, t.app, ch, store.Query{Filter: core.Cond("role", core.OpIn, ranks), Limit: maxListedByID})
	out := make([]core.UserID, len(ms))
	for i := range ms {
		out[i] = ms[i].User
	}
	return out, err
}

// aboutApplication tells people of an application.
func (x *change) aboutApplication(t *txn, c *core.Channel, kind core.EventKind, a *core.Application, to []core.UserID) error {
	if len(to) == 0 {
		return nil
	}
	told, app := *c, *a
	return t.emit(&core.Event{
		Kind: kind, Channel: &told, Config: x.sc.config, User: x.g.e.seen(t.app, x.author), Target: x.of, To: to, Box: to,
		Change: &core.Change{Application: &app, Text: app.Text},
	})
}

// apply files the person's request to be let in.
func (x *change) apply(ctx context.Context, t *txn, c *core.Channel, text string) (core.Application, error) {
	now := x.g.e.now()
	a := core.Application{
		Key: c.Key, Kind: core.ApplicationRequest, User: x.of.ID, Status: core.ApplicationPending, Text: text, CreatedAt: now, UpdatedAt: now,
	}
	if err := t.putApplication(&a); err != nil {
		return a, err
	}
	to, err := t.moderators(ctx, c.ID)
	if err != nil {
		return a, err
	}
	return a, x.aboutApplication(t, c, core.JoinRequested, &a, to)
}

// Apply asks to become a member.
func (s admissions) Apply(ctx context.Context, by core.Actor, in core.ApplyToGroup) (core.Application, error) {
	const op = "admissions.apply"
	if err := checkSaid(in.Text); err != nil {
		return core.Application{}, translate(op, err)
	}
	now := s.e.now()
	out := core.Application{Key: in.Key, Kind: core.ApplicationRequest, User: by.User, Status: core.ApplicationAccepted, Text: in.Text, CreatedAt: now, UpdatedAt: now}
	_, err := groups(s).Join(ctx, by, core.JoinGroup{Key: in.Key, Text: in.Text})
	if fault.IsReason(err, fault.GroupJoinPending) {
		out.Status, err = core.ApplicationPending, nil
	}
	return out, err
}

// settle answers an application in the transaction.
func (x *change) settle(ctx context.Context, t *txn, kind core.ApplicationKind, key core.ChannelKey, accept bool, text string) (core.Application, error) {
	a, found, err := record[core.Application](ctx, t, t.app, spaceApplications, keyOf(string(key), string(kind), string(x.of.ID)))
	switch {
	case err != nil:
		return a, err
	case !found:
		return a, fault.GroupInvitationNotFound.Error("there is no open request or invitation for this user")
	case a.Status != core.ApplicationPending:
		return a, fault.GroupRequestAlreadyHandled.Error("the request has been answered")
	}
	a.Status = core.ApplicationDeclined
	if accept {
		a.Status = core.ApplicationAccepted
	}
	a.Answer, a.HandledBy, a.UpdatedAt = text, x.author.ID, x.g.e.now()
	return a, t.putApplication(&a)
}

// Answer accepts or declines a request.
func (s admissions) Answer(ctx context.Context, by core.Actor, in core.AnswerApplication) (core.Application, error) {
	const op = "admissions.answer"
	var out core.Application
	if err := checkSaid(in.Text); err != nil {
		return out, translate(op, err)
	}
	x, err := groups(s).about(ctx, op, by, in.Key, in.User)
	if err != nil {
		return out, err
	}
	_, err = x.run(ctx, func(t *txn, c *core.Channel, m *core.Member) error {
		if err := s.e.mayDeed(x.sc, "admit", nil, ""); err != nil {
			return err
		}
		var err error
		if out, err = x.settle(ctx, t, core.ApplicationRequest, c.Key, in.Accept, in.Text); err != nil {
			return err
		}
		to := []core.UserID{x.of.ID}
		if !in.Accept {
			return x.aboutApplication(t, c, core.JoinDeclined, &out, to)
		}
		if m == nil {
			if err := x.mayEnter(ctx, t, c, m); err != nil {
				return err
			}
			if err := x.enter(ctx, t, c, core.MemberMember, core.NoticeAdded); err != nil {
				return err
			}
		}
		return x.aboutApplication(t, c, core.JoinAccepted, &out, to)
	})
	return out, err
}

// Invite invites people.
func (s admissions) Invite(ctx context.Context, by core.Actor, in core.InviteToGroup) ([]core.GroupOutcome, error) {
	const op = "admissions.invite"
	e := s.e
	sc, err := e.group(ctx, by, in.Key)
	if err == nil {
		err = checkSaid(in.Text)
	}
	if err == nil && len(in.Users) > manyAtOnce {
		err = fault.RequestBatchTooLarge.Error("at most 100 people can be invited at once")
	}
	if err == nil {
		deed := "invite"
		if sc.channel.Rules().MembersInvite {
			deed = "read"
		}
		err = e.mayDeed(sc, deed, nil, "")
	}
	if err != nil {
		return nil, translate(op, err)
	}
	ask := in.Ask || sc.channel.Rules().Consent
	out := make([]core.GroupOutcome, 0, len(in.Users))
	for _, id := range in.Users {
		x, err := groups(s).about(ctx, op, by, in.Key, id)
		if err == nil {
			_, err = x.run(ctx, func(t *txn, c *core.Channel, m *core.Member) error {
				if err := x.mayEnter(ctx, t, c, m); err != nil {
					return err
				}
				if !ask {
					return x.enter(ctx, t, c, core.MemberMember, core.NoticeAdded)
				}
				now := e.now()
				a := core.Application{
					Key: c.Key, Kind: core.ApplicationInvite, User: x.of.ID, By: x.author.ID, Status: core.ApplicationPending, Text: in.Text,
					CreatedAt: now, UpdatedAt: now,
				}
				if err := t.putApplication(&a); err != nil {
					return err
				}
				return x.aboutApplication(t, c, core.GroupInvited, &a, []core.UserID{x.of.ID})
			})
		}
		if err != nil && fault.From(err).Reason.Blame() != fault.BlameClient {
			return out, translate(op, err)
		}
		out = append(out, core.GroupOutcome{User: id, Err: translate(op, err), Pending: err == nil && ask})
	}
	return out, nil
}

// AnswerInvite accepts or declines the actor's invitation.
func (s admissions) AnswerInvite(ctx context.Context, by core.Actor, in core.AnswerInvite) (core.Application, error) {
	const op = "admissions.answer_invite"
	var out core.Application
	err := needUser(by)
	if err == nil {
		err = checkSaid(in.Text)
	}
	if err != nil {
		return out, translate(op, err)
	}
	x, err := groups(s).about(ctx, op, by, in.Key, by.User)
	if err != nil {
		return out, err
	}
	_, err = x.run(ctx, func(t *txn, c *core.Channel, m *core.Member) error {
		var err error
		if out, err = x.settle(ctx, t, core.ApplicationInvite, c.Key, in.Accept, in.Text); err != nil {
			return err
		}
		to := []core.UserID{out.By}
		if !in.Accept {
			return x.aboutApplication(t, c, core.GroupInviteDeclined, &out, to)
		}
		if m == nil {
			if err := x.mayEnter(ctx, t, c, m); err != nil {
				return err
			}
			if err := x.enter(ctx, t, c, core.MemberMember, core.NoticeJoined); err != nil {
				return err
			}
		}
		return x.aboutApplication(t, c, core.GroupInviteAccepted, &out, to)
	})
	return out, err
}

// List lists the applications of a group or of the actor.
func (s admissions) List(ctx context.Context, by core.Actor, in core.ListApplications) ([]core.Application, error) {
	const op = "admissions.list"
	e := s.e
	var all []core.Application
	var err error
	if in.Key != "" {
		all, _, err = listGroup[core.Application](ctx, e, by, in.Key, "admit", spaceApplications)
	} else if err = needUser(by); err == nil {
		all, err = e.applicationsOf(ctx, by.App, by.User)
	}
	if err != nil {
		return nil, translate(op, err)
	}
	all = slices.DeleteFunc(all, func(a core.Application) bool {
		return in.Kind != "" && a.Kind != in.Kind || in.Status != "" && a.Status != in.Status
	})
	all, err = paged(all, in.Page, applicationKey)
	return all, translate(op, err)
}

// applicationsOf reads a person's applications; those of groups that are gone are left out.
func (e *Engine) applicationsOf(ctx context.Context, app core.AppID, user core.UserID) ([]core.Application, error) {
	prefix := prefixOf(string(user))
	rows, err := e.store.Records(ctx, app, spaceApplicationsBy, prefix, "", false, maxListedByID)
	if err != nil {
		return nil, err
	}
	var out []core.Application
	for i := range rows {
		key, kind, _ := strings.Cut(rows[i].Key[len(prefix):], "\x00")
		a, found, err := record[core.Application](ctx, e.store, app, spaceApplications, keyOf(key, kind, string(user)))
		if err != nil {
			return nil, err
		}
		if found {
			out = append(out, a)
		}
	}
	return out, nil
}
