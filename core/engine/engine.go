// Package engine is the chat core at work: the rules of package core on a store, with live
// delivery on this node and, by the bus, on its neighbours.
//
// A command reads through the caches, checks the rules, then writes in one store transaction
// together with its events. After the commit, in commit order, caches are brought up to date and
// the events are dispatched: to the connections of this node directly, to other nodes by the bus.
package engine

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"dragoman/core"
	"dragoman/core/bus"
	"dragoman/core/fault"
	"dragoman/core/store"
)

// Options is what an engine is made of. Store and Bus are required.
type Options struct {
	Store    store.Store
	Bus      bus.Bus
	Now      func() time.Time // nil means time.Now
	Node     string           // unique among the nodes of one bus; empty means random
	Hooks    []core.Hooks     // writers of webhook calls; none means no webhooks
	Callouts core.Callouts    // asks the app's endpoints; nil means none are asked
	Blobs    Blobs            // where uploads live; nil refuses uploads
	Doer     core.Doer        // makes the calls of Hooks and Callouts; nil means over the network
	// Shared says that other nodes may work on the same store. They have to meet on one bus.
	Shared bool
	// PrivateCallouts allows webhooks and callouts to loopback, link-local and private addresses.
	PrivateCallouts bool
	// RoomGrace is how long people stay in the rooms they entered after their last connection there is
	// gone; 0 means 30 seconds.
	RoomGrace time.Duration
	// Report is told of failures that nobody waits for (hooks, dispatch). nil drops them.
	Report func(msg string, err error)
}

// Engine implements every service of core.Core.
type Engine struct {
	store    store.Store
	bus      bus.Bus
	now      func() time.Time
	node     string
	opts     Options
	hub      *hub
	dispatch *dispatcher

	apps     *cache[core.AppID, *core.App]
	users    *cache[userKey, *core.User]
	channels *cache[channelKey, *core.Channel]
	places   *cache[placeKey, *place]
	types    *cache[typeKey, *core.ChannelType]
	hidden   *cache[core.ChannelID, bool] // whether any member hides the channel

	kit  *kit      // what single services keep between commands
	doer core.Doer // calls the app's endpoints

	alone   atomic.Bool // no other node was ever heard of
	deaf    atomic.Bool // the bus is away
	peers   *peers
	started time.Time // by the clock of the machine
	lease   *lease    // of what one node does for all

	stop context.CancelFunc
	done sync.WaitGroup
}

type userKey struct {
	app  core.AppID
	user core.UserID
}

type channelKey struct {
	app core.AppID
	key core.ChannelKey
}

type placeKey struct {
	app  core.AppID
	ch   core.ChannelID
	user core.UserID
}

type typeKey struct {
	app  core.AppID
	name string
}

// place is what one person is in one channel: a member or not, banned or not.
type place struct {
	member *core.Member
	ban    *core.Ban
	mute   *core.MemberMute
}

// New starts an engine. Close must be called to stop it.
func New(ctx context.Context, o Options) (*Engine, error) {
	if o.Store == nil || o.Bus == nil {
		return nil, errors.New("engine: store and bus are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Node == "" {
		o.Node = randomID(6)
	}
	if o.Report == nil {
		o.Report = func(string, error) {}
	}
	e := &Engine{
		store: o.Store, bus: o.Bus, now: func() time.Time { return o.Now().UTC().Truncate(time.Millisecond) },
		node: o.Node, opts: o,
		apps:     newCache[core.AppID, *core.App](1 << 10),
		users:    newCache[userKey, *core.User](1 << 16),
		channels: newCache[channelKey, *core.Channel](1 << 15),
		places:   newCache[placeKey, *place](1 << 17),
		types:    newCache[typeKey, *core.ChannelType](1 << 10),
		hidden:   newCache[core.ChannelID, bool](1 << 15),
	}
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	e.stop = stop
	e.kit = newKit(run, e)
	if e.doer = o.Doer; e.doer == nil {
		e.doer = e.kit.call
	}
	e.hub = newHub(e)
	e.peers, e.started = newPeers(), time.Now()
	e.lease = &lease{e: e, name: leaseDuties}
	e.dispatch = newDispatcher(e)
	if err := e.listen(); err != nil {
		stop()
		return nil, err
	}
	for _, f := range []func(context.Context){e.dispatch.run, e.runHooks, e.runReminders, e.runTasks, e.runRooms, e.runCursors, e.runNodes, e.runLook, e.lease.run} {
		e.done.Add(1)
		go func() {
			defer e.done.Done()
			f(run)
		}()
	}
	return e, nil
}

// Close stops the background work. It does not close the store or the bus.
func (e *Engine) Close() {
	e.stop()
	e.dispatch.close()
	e.done.Wait()
}

// Core returns the engine as dialects see it.
func (e *Engine) Core() *core.Core {
	return &core.Core{
		Apps: apps{e}, Users: users{e}, Channels: channels{e}, Messages: messages{e},
		Reactions: reactions{e}, Reads: reads{e}, Interactions: interactions{e}, Threads: threads{e}, Previews: previews{e}, Moderation: moderation{e},
		Blocklists: blocklists{e}, Types: types{e}, Credentials: credentials{e}, Commands: commands{e}, Roles: roles{e},
		Polls: polls{e}, Drafts: drafts{e}, Reminders: reminders{e}, Devices: devices{e},
		Files: files{e}, Tasks: tasks{e}, Groups: groups{e}, Friends: friends{e}, Calls: calls{e},
		Speech: speech{e}, Admissions: admissions{e}, Board: board{e}, Attributes: attributes{e}, Rooms: rooms{e}, Sessions: sessions{e}, Presences: presences{e}, Acks: acks{e},
		Conversations: conversations{e}, Broadcasts: broadcasts{e},
		Live: live{e}, Feeds: feeds{e}, Health: health{e},
		Communities: communities{e}, Values: values{e}, Streams: streams{e}, Imports: imports{e},
	}
}

type health struct{ e *Engine }

// Ready asks the store.
func (h health) Ready(ctx context.Context) error {
	return translate("health.ready", h.e.store.Ping(ctx))
}

// EnsureApp finds the app of the name or creates it, and lets change (if not nil) set its settings
// when it is new.
func (e *Engine) EnsureApp(ctx context.Context, name string, change func(*core.AppSettings)) (core.App, error) {
	all, err := e.store.Apps(ctx)
	if err != nil {
		return core.App{}, translate("apps.ensure", err)
	}
	for i := range all {
		if all[i].Name == name {
			return all[i], nil
		}
	}
	a := core.App{Name: name, CreatedAt: e.now(), UpdatedAt: e.now()}
	if change != nil {
		change(&a.Settings)
	}
	err = e.store.Update(ctx, 0, 0, func(tx store.Tx) error { return tx.PutApp(&a) }, nil)
	return a, translate("apps.ensure", err)
}

// translate turns what a store answers into the error that crosses packages.
func translate(op string, err error) error {
	if err == nil {
		return nil
	}
	var f *fault.Error
	switch {
	case errors.As(err, &f):
		if f.Op == "" {
			c := *f
			c.Op = op
			return &c
		}
		return f
	case errors.Is(err, store.ErrBadFilter):
		f = fault.RequestInvalid.Error(err.Error())
	case errors.Is(err, store.ErrNotFound):
		f = fault.ResourceNotFound.Wrap(err)
	case errors.Is(err, context.DeadlineExceeded):
		f = fault.RequestTimeout.Wrap(err) // also when it was the store that took too long
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrUnknownOutcome):
		f = fault.StorageUnavailable.Wrap(err)
	default:
		f = fault.From(err)
	}
	c := *f
	c.Op = op
	return &c
}
