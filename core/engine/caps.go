package engine

import (
	"context"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/store"
)

// managedKinds are the kinds of channel that people join and leave.
var managedKinds = core.Value{Kind: core.KindList, List: []core.Value{
	core.Number(float64(core.KindGroup)), core.Number(float64(core.KindRoom)), core.Number(float64(core.KindCommunity)),
}}

// more reports whether there are at least n channels that match, of those a person is in if one is named.
func (t *txn) more(ctx context.Context, n int, joined core.UserID) (bool, error) {
	f := core.Cond("kind", core.OpIn, managedKinds)
	if joined != "" {
		f = core.And(f, core.Cond("joined", core.OpEq, core.Bool(true)))
	}
	cs, err := t.FindChannels(ctx, t.app, store.Query{Filter: f, Limit: 1, Offset: n - 1, Viewer: joined})
	return len(cs) > 0, err
}

// mayJoinMore holds the app's cap on the groups a person is in.
func (e *Engine) mayJoinMore(ctx context.Context, t *txn, app *core.App, user core.UserID) error {
	most := app.Settings.Caps.Joined
	if most == 0 || user == "" {
		return nil
	}
	full, err := t.more(ctx, most, user)
	if err == nil && full {
		err = fault.GroupLimitReached.Error("the user is in as many groups as allowed").With("user_joined")
	}
	return err
}

// mayMakeMore holds the app's caps when a group is made.
func (e *Engine) mayMakeMore(ctx context.Context, t *txn, owner core.UserID) error {
	app, err := e.app(ctx, t.app)
	if err != nil {
		return err
	}
	if most := app.Settings.Caps.Channels; most > 0 {
		full, err := t.more(ctx, most, "")
		if err != nil {
			return err
		}
		if full {
			return fault.GroupLimitReached.Error("the app has as many groups as allowed").With("app_total")
		}
	}
	return e.mayJoinMore(ctx, t, app, owner)
}

// mayAppoint holds the app's cap on the admins of a group.
func (x *change) mayAppoint(ctx context.Context, t *txn, c *core.Channel) error {
	most := x.sc.app.Settings.Caps.Admins
	if most == 0 {
		return nil
	}
	ms, err := t.FindMembers(ctx, t.app, c.ID, store.Query{Filter: core.Cond("role", core.OpEq, core.Text(core.MemberAdmin)), Limit: 1, Offset: most - 1})
	if err == nil && len(ms) > 0 {
		err = fault.GroupLimitReached.Error("the group has as many admins as allowed").With("admins_or_follows")
	}
	return err
}
