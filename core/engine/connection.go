package engine

import (
	"context"
	"strings"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
)

// A connection is named by commands that may come to any node: a client whose link ends on one may
// well send its next request to another. The id of a connection says which node has it, and that one
// is told what to do over the bus.

// connection is a live connection, of this node or of another.
type connection struct {
	e  *Engine
	by core.Actor
	id string
	s  *session // of this node, or nil
}

// errand is what another node is to do for one of its connections.
type errand struct {
	Connection string           `json:"connection"`
	User       core.UserID      `json:"user,omitempty"`
	Server     bool             `json:"server,omitempty"` // asked by a server of the app, who need not be the user
	Watch      []core.ChannelID `json:"watch,omitempty"`
	Unwatch    []core.ChannelID `json:"unwatch,omitempty"`
	Follow     []core.UserID    `json:"follow,omitempty"`
	Unfollow   []core.UserID    `json:"unfollow,omitempty"`
	Everyone   *bool            `json:"everyone,omitempty"`
}

// connectionID makes the id of a connection of this node.
func (e *Engine) connectionID() string { return randomID(18) + "." + tagOf(e.node) }

// connection finds the connection a command belongs to.
func (e *Engine) connection(ctx context.Context, by core.Actor, id string) (*connection, error) {
	if id == "" {
		id = by.Connection
	}
	c := &connection{e: e, by: by, id: id, s: e.hub.session(by, id)}
	if c.s != nil {
		return c, nil
	}
	return c, c.send(ctx, &errand{})
}

// errNoConnection is the answer to a name that no live connection has.
func errNoConnection() error {
	return fault.RequestInvalid.Error("Watch or Presence requires an active websocket connection, please make sure to include your websocket connection_id")
}

// send lets the connection's node do something, and waits until it has.
func (c *connection) send(ctx context.Context, o *errand) error {
	e := c.e
	_, tag, found := strings.Cut(c.id, ".")
	if !found || len(tag) != len(tagOf("")) || strings.Trim(tag, "0123456789abcdef") != "" || tag == tagOf(e.node) || e.alone.Load() {
		return errNoConnection()
	}
	o.Connection, o.User, o.Server = c.id, c.by.User, c.by.Server()
	q := &question{ID: randomID(9), App: c.by.App, Errand: o}
	answers, done := e.kit.inquiries.open(q.ID)
	defer done()
	if err := e.ask(subjectErrand+tag, q); err != nil {
		return fault.ServerUnavailable.Wrap(err)
	}
	wait, known := strayLimit, e.peers.tagged(tag)
	if known {
		wait = errandLimit
	}
	limit := time.NewTimer(wait)
	defer limit.Stop()
	select {
	case a := <-answers:
		if !a.Done {
			return errNoConnection()
		}
		return nil
	case <-limit.C:
		if known || e.deaf.Load() {
			return fault.ServerUnavailable.Error("the node of this connection does not answer").After(time.Second)
		}
		return errNoConnection()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// obey carries out what another node asks of a connection here; it reports false when there is none.
func (e *Engine) obey(app core.AppID, o *errand) bool {
	by := core.Actor{App: app, User: o.User}
	if o.Server {
		by.Access = core.AccessServer
	}
	s := e.hub.session(by, o.Connection)
	if s == nil || e.kit.run.Err() != nil {
		return false
	}
	for _, ch := range o.Watch {
		if e.hub.watch(s, ch) {
			e.done.Go(func() { e.tellWatching(s, ch, core.WatchingStarted) }) // it reads the store: not here
		}
	}
	for _, ch := range o.Unwatch {
		if e.hub.unwatch(s, ch) {
			e.done.Go(func() { e.tellWatching(s, ch, core.WatchingStopped) })
		}
	}
	if len(o.Follow) > 0 {
		e.hub.follow(s, o.Follow)
	}
	if len(o.Unfollow) > 0 {
		e.hub.stopFollow(s, o.Unfollow)
	}
	if o.Everyone != nil {
		e.hub.followAll(s, *o.Everyone)
	}
	return true
}

// watch makes the connection follow a channel: from then on, no event of it is missed.
func (c *connection) watch(ctx context.Context, sc *scene) error {
	if c.s == nil {
		return c.send(ctx, &errand{Watch: []core.ChannelID{sc.channel.ID}})
	}
	if c.e.hub.watch(c.s, sc.channel.ID) {
		c.e.tellWatchingIn(c.s, sc.channel, sc.config, core.WatchingStarted)
	}
	return nil
}

// unwatch ends that.
func (c *connection) unwatch(ctx context.Context, ch core.ChannelID) error {
	if c.s == nil {
		return c.send(ctx, &errand{Unwatch: []core.ChannelID{ch}})
	}
	if c.e.hub.unwatch(c.s, ch) {
		c.e.tellWatching(c.s, ch, core.WatchingStopped)
	}
	return nil
}

// follow makes the connection follow people's presence, or stop.
func (c *connection) follow(ctx context.Context, users []core.UserID, stop bool) error {
	switch {
	case len(users) == 0:
		return nil
	case c.s == nil && stop:
		return c.send(ctx, &errand{Unfollow: users})
	case c.s == nil:
		return c.send(ctx, &errand{Follow: users})
	case stop:
		c.e.hub.stopFollow(c.s, users)
	default:
		c.e.hub.follow(c.s, users)
	}
	return nil
}

// followAll makes the connection follow everyone's presence, or stop.
func (c *connection) followAll(ctx context.Context, on bool) error {
	if c.s == nil {
		return c.send(ctx, &errand{Everyone: &on})
	}
	c.e.hub.followAll(c.s, on)
	return nil
}
