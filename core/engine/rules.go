package engine

import (
	"context"
	"fmt"

	"dragoman/core"
	"dragoman/core/fault"
)

// Limits of rules.
const (
	maxLifetime     = 525_600 // minutes: a year
	maxAnnouncement = 4096    // bytes
)

// checkRules refuses rules that make no sense for the kind of group.
func checkRules(r *core.GroupRules, kind core.ChannelKind) error {
	switch {
	case r.MaxMembers < 0 || r.MaxMembers > maxGroupMembers:
		return fault.RequestInvalidField.Error(fmt.Sprintf("a group has at most %d members", maxGroupMembers))
	case r.Lifetime.Minutes < 0 || r.Lifetime.Minutes > maxLifetime:
		return fault.RequestInvalidField.Error(fmt.Sprintf("the lifetime of a room is at most %d minutes", maxLifetime))
	case r.Lifetime != (core.Lifetime{}) && kind != core.KindRoom:
		return fault.RequestInvalidField.Error("only rooms end by themselves")
	case len(r.Announcement) > maxAnnouncement:
		return fault.RequestFieldTooLong.Error(fmt.Sprintf("an announcement is at most %d bytes long", maxAnnouncement))
	}
	return nil
}

// ruling applies a change of rules to a channel that is about to be written, and tells what changed;
// nil if nothing did.
func (e *Engine) ruling(_ context.Context, t *txn, c *core.Channel, change func(*core.GroupRules) error) (*core.Change, error) {
	if change == nil {
		return nil, nil
	}
	old := c.Rules()
	now := old
	if err := change(&now); err != nil {
		return nil, err
	}
	wanted := now
	now = old
	now.MaxMembers, now.Approval, now.Consent, now.MembersInvite, now.Lifetime = wanted.MaxMembers, wanted.Approval, wanted.Consent, wanted.MembersInvite, wanted.Lifetime
	if err := checkRules(&now, c.Kind); err != nil {
		return nil, err
	}
	var names []string
	for _, f := range []struct {
		name string
		same bool
	}{
		{"max_members", old.MaxMembers == now.MaxMembers}, {"approval", old.Approval == now.Approval}, {"consent", old.Consent == now.Consent},
		{"members_invite", old.MembersInvite == now.MembersInvite}, {"lifetime", old.Lifetime == now.Lifetime},
	} {
		if !f.same {
			names = append(names, f.name)
		}
	}
	if names == nil {
		return nil, nil
	}
	c.Overrides.Rules = &now
	if old.Lifetime != now.Lifetime {
		if err := e.schedule(t, c); err != nil {
			return nil, err
		}
	}
	return &core.Change{Names: names, Rules: &now}, nil
}

// Announce sets the announcement of a group, or takes it down.
func (b board) Announce(ctx context.Context, by core.Actor, in core.Announce) (core.Channel, error) {
	var out core.Channel
	e := b.e
	const op = "board.announce"
	most := in.Max
	if most <= 0 || most > maxAnnouncement {
		most = maxAnnouncement
	}
	if len(in.Text) > most {
		return out, translate(op, fault.RequestFieldTooLong.Error(fmt.Sprintf("an announcement is at most %d bytes long", most)))
	}
	x, err := e.roundOf(ctx, op, by, in.Key, "announce", nil)
	if err != nil {
		return out, err
	}
	err = e.update(ctx, op, by.App, x.sc.channel.ID, func(t *txn) error {
		if out, err = t.Channel(ctx, t.app, in.Key); err != nil {
			return err
		}
		err := t.setRules(&out, func(r *core.GroupRules) error {
			r.Announcement, r.AnnouncedBy, r.AnnouncedAt = in.Text, x.author.ID, e.now()
			return nil
		})
		if err != nil {
			return err
		}
		return x.tell(t, &out, core.Announced, nil, &core.Change{Text: in.Text})
	})
	return out, err
}
