package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"dragoman/core"
	"dragoman/core/store"
)

// Limits of the delivery of webhooks.
const (
	hookPoll     = 250 * time.Millisecond // how often the outbox is looked at unasked
	hookBatch    = 200                    // events taken at a time
	hookWorkers  = 64                     // channels delivered to at the same time
	hookPerApp   = 8                      // of them of one app, so that one dead endpoint starves nobody else's
	hookTimeout  = 10 * time.Second       // for one call
	hookAttempts = 12
	hookGiveUp   = 24 * time.Hour
	hookFirst    = 500 * time.Millisecond // pause after the first failure; doubles
	hookLongest  = 30 * time.Minute
)

// hookable are the kinds of event that webhooks are told of; what is missing is told to live
// connections only.
var hookable = map[core.EventKind]bool{
	core.MessageSent: true, core.MessageEdited: true, core.MessageDeleted: true, core.MessageRestored: true,
	core.ReactionAdded: true, core.ReactionChanged: true, core.ReactionRemoved: true,
	core.ChannelCreated: true, core.ChannelUpdated: true, core.ChannelTruncated: true, core.ChannelDeleted: true,
	core.ChannelMuted: true, core.ChannelUnmuted: true,
	core.MemberAdded: true, core.MemberUpdated: true, core.MemberRemoved: true, core.MemberInvited: true,
	core.InviteAccepted: true, core.InviteRejected: true, core.ReadMoved: true,
	core.UserUpdated: true, core.UserBanned: true, core.UserUnbanned: true, core.UserDeactivated: true,
	core.UserReactivated: true, core.UserDeleted: true, core.UserMessagesGone: true, core.UserFlagged: true,
	core.MessageFlagged: true, core.UserMuted: true, core.UserUnmuted: true, core.UserBlocked: true, core.UserUnblocked: true,
	core.DeliveredMoved: true, core.UserPresence: true,
	core.PollUpdated: true, core.PollClosed: true, core.PollDeleted: true, core.VoteCast: true,
	core.VoteChanged: true, core.VoteRemoved: true, core.ThreadUpdated: true,
	core.ReminderCreated: true, core.ReminderUpdated: true, core.ReminderDeleted: true, core.ReminderDue: true,

	core.MemberMuted: true, core.MemberUnmuted: true, core.GroupMutedAll: true, core.GroupUnmutedAll: true,
	core.MemberAllowed: true, core.MemberDisallowed: true, core.Announced: true, core.GroupRuled: true, core.OwnerChanged: true,
	core.FileShared: true, core.FileUnshared: true, core.MemberAttributes: true, core.RoomAttributesSet: true, core.RoomAttributesRemoved: true,
	core.JoinRequested: true, core.JoinAccepted: true, core.JoinDeclined: true,
	core.GroupInvited: true, core.GroupInviteAccepted: true, core.GroupInviteDeclined: true, core.MessageAcked: true,
	core.FriendRequested: true, core.FriendAdded: true, core.FriendDeclined: true, core.FriendRemoved: true,
	core.SessionStarted: true, core.SessionEnded: true, core.ThreadStarted: true, core.ThreadClosed: true,
}

// hasHooks reports whether an event of the kind is to be queued for webhooks.
func (e *Engine) hasHooks(app core.AppID, kind core.EventKind) bool {
	if len(e.opts.Hooks) == 0 || !hookable[kind] {
		return false
	}
	a, err := e.app(e.kit.run, app)
	if err != nil {
		return true // better an event for nobody than one lost; the deliverer drops it
	}
	return a.Settings.WebhookURL != "" || slices.ContainsFunc(a.Settings.Hooks, func(h core.EventHook) bool { return h.Enabled })
}

// raise tells of something that no command has written: connections, and webhooks if the app has any.
func (e *Engine) raise(ctx context.Context, ev *core.Event) {
	if !e.hasHooks(ev.App, ev.Kind) {
		e.dispatch.push(ev)
		return
	}
	if err := e.update(ctx, "hooks.raise", ev.App, 0, func(t *txn) error { return t.emit(ev) }); err != nil {
		e.opts.Report("an event cannot be kept for webhooks", err)
	}
}

// hookJob is one event on its way to the webhooks of its app. It stays in the store until every
// call for it was answered, or given up.
type hookJob struct {
	App      core.AppID      `json:"app"`
	Row      store.EventRow  `json:"row"`
	Payload  json.RawMessage `json:"payload,omitempty"`
	Attempts int             `json:"attempts,omitempty"`
	Done     []int           `json:"done,omitempty"` // calls that were answered, by their place
	First    time.Time       `json:"first"`
	Next     time.Time       `json:"next,omitzero"`
}

// hookGroup is what is delivered in order: one channel of an app, or the app's events without one.
type hookGroup string

// app is the part of the group that names the app.
func (g hookGroup) app() string {
	app, _, _ := strings.Cut(string(g), "\x00")
	return app
}

func groupOf(app core.AppID, ch core.ChannelID) hookGroup {
	return hookGroup(keyOf(strconv.FormatInt(int64(app), 10), ordered(int64(ch))))
}

// deliverer moves events from the outbox to the webhooks. Events of one group go out in order, one
// at a time: a call that fails holds back those behind it in its channel and nobody else's.
type deliverer struct {
	e     *Engine
	slots chan struct{}
	mu    sync.Mutex
	busy  map[hookGroup]bool
	apps  map[string]int // busy groups of each app
	due   map[hookGroup]time.Time
	wg    sync.WaitGroup
}

// runHooks delivers webhooks until ctx ends.
func (e *Engine) runHooks(ctx context.Context) {
	defer e.kit.call.close()
	if len(e.opts.Hooks) == 0 {
		return
	}
	d := &deliverer{e: e, slots: make(chan struct{}, hookWorkers), busy: map[hookGroup]bool{}, apps: map[string]int{}, due: map[hookGroup]time.Time{}}
	tick := time.NewTicker(hookPoll)
	defer tick.Stop()
	defer d.wg.Wait()
	loaded, failing := false, false
	for {
		err := d.step(ctx, &loaded)
		if err != nil && !failing && ctx.Err() == nil {
			e.opts.Report("webhooks cannot be delivered", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-e.kit.hooks:
		}
	}
}

// step takes new events over and starts the deliveries that are due.
func (d *deliverer) step(ctx context.Context, loaded *bool) error {
	if !d.e.lease.held() { // another node's work; what is queued is found again when it is ours
		*loaded = false
		d.e.kit.hookStats.forget()
		d.mu.Lock()
		clear(d.due)
		d.mu.Unlock()
		return nil
	}
	if !*loaded {
		if err := d.load(ctx); err != nil {
			return err
		}
		*loaded = true
	}
	if err := d.take(ctx); err != nil {
		*loaded = false // if the outcome is not known, it may be in the queue all the same
		return err
	}
	now := time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	for g, at := range d.due {
		if d.busy[g] || now.Before(at) || d.apps[g.app()] >= hookPerApp {
			continue
		}
		select {
		case d.slots <- struct{}{}:
		default:
			return nil
		}
		d.busy[g] = true
		d.apps[g.app()]++
		delete(d.due, g)
		d.wg.Add(1)
		go func() {
			defer d.wg.Done()
			d.work(ctx, g)
			<-d.slots
			kick(d.e.kit.hooks)
		}()
	}
	return nil
}

// load finds what an earlier run has left.
func (d *deliverer) load(ctx context.Context) error {
	after := ""
	for {
		rows, err := d.e.store.Records(ctx, allApps, spaceHookQueue, "", after, false, scanPage)
		if err != nil {
			return err
		}
		d.mu.Lock()
		for _, r := range rows {
			after = r.Key
			if i := strings.LastIndexByte(r.Key, 0); i > 0 {
				d.due[hookGroup(r.Key[:i])] = time.Time{}
			}
		}
		d.mu.Unlock()
		if len(rows) < scanPage {
			return nil
		}
	}
}

// take moves events from the outbox to the queues of their groups.
func (d *deliverer) take(ctx context.Context) error {
	for {
		rows, err := d.e.store.Outbox(ctx, hookBatch)
		if err != nil || len(rows) == 0 {
			return err
		}
		groups := map[hookGroup]bool{}
		err = d.e.update(ctx, "hooks.take", allApps, 0, func(t *txn) error {
			if err := d.e.lease.fence(ctx, t); err != nil {
				return err
			}
			ids := make([]int64, len(rows))
			for i, r := range rows {
				ids[i] = r.ID
				job := hookJob{App: r.App, Row: r.Event, Payload: r.Payload, First: time.Now().UTC()}
				g := groupOf(r.App, r.Event.Channel)
				groups[g] = true
				b, err := json.Marshal(&job)
				if err != nil {
					return err
				}
				if err := t.PutRecord(allApps, spaceHookQueue, keyOf(string(g), ordered(r.ID)), b); err != nil {
					return err
				}
			}
			return t.DeleteOutbox(ids)
		})
		if err != nil {
			return err
		}
		d.mu.Lock()
		for g := range groups {
			if _, waiting := d.due[g]; !waiting {
				d.due[g] = time.Time{}
			}
		}
		d.mu.Unlock()
		if len(rows) < hookBatch {
			return nil
		}
	}
}

// work delivers the head of one group's queue. The group comes back when more may be waiting: at
// once, or after the pause that a failure asks for.
func (d *deliverer) work(ctx context.Context, g hookGroup) {
	next, more, err := d.drain(ctx, g)
	if err != nil && ctx.Err() == nil {
		d.e.opts.Report("webhooks of a channel cannot be delivered", err)
		next, more = time.Now().Add(hookFirst), true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.busy, g)
	if d.apps[g.app()]--; d.apps[g.app()] == 0 {
		delete(d.apps, g.app())
	}
	if at, waiting := d.due[g]; more && (!waiting || at.Before(next)) {
		d.due[g] = next
	}
}

// drain delivers events in order until the queue is empty or a call fails.
func (d *deliverer) drain(ctx context.Context, g hookGroup) (next time.Time, more bool, err error) {
	rows, err := d.e.store.Records(ctx, allApps, spaceHookQueue, string(g)+"\x00", "", false, hookBatch)
	if err != nil {
		return next, true, err
	}
	for _, r := range rows {
		var job hookJob
		if err := json.Unmarshal(r.Value, &job); err != nil {
			return next, true, err
		}
		if now := time.Now(); now.Before(job.Next) {
			return job.Next, true, nil
		}
		if !d.e.lease.held() {
			return next, false, nil
		}
		fail := d.deliver(ctx, &job)
		if ctx.Err() != nil {
			return next, true, nil
		}
		if fail != nil {
			job.Attempts++
			d.e.kit.hookStats.hold(g, job.First)
			job.Next = time.Now().Add(backoff(job.Attempts)).UTC()
			if job.Attempts < hookAttempts && time.Since(job.First) < hookGiveUp {
				return job.Next, true, d.keep(ctx, r.Key, &job)
			}
			d.e.kit.hookStats.lost.Add(1)
			d.e.opts.Report(fmt.Sprintf("a webhook was given up after %d attempts", job.Attempts), fail)
		}
		err := d.e.update(ctx, "hooks.done", allApps, 0, func(t *txn) error {
			if err := d.e.lease.fence(ctx, t); err != nil {
				return err
			}
			return t.DeleteRecord(allApps, spaceHookQueue, r.Key)
		})
		if err != nil {
			return next, true, err
		}
		d.e.kit.hookStats.hold(g, time.Time{})
	}
	return next, len(rows) == hookBatch, nil
}

// backoff is the pause after the n-th failure.
func backoff(n int) time.Duration {
	p := hookFirst
	for range n - 1 {
		if p *= 2; p >= hookLongest {
			return hookLongest
		}
	}
	return p
}

func (d *deliverer) keep(ctx context.Context, key string, job *hookJob) error {
	b, err := json.Marshal(job)
	if err != nil {
		return err
	}
	return d.e.update(ctx, "hooks.keep", allApps, 0, func(t *txn) error {
		if err := d.e.lease.fence(ctx, t); err != nil {
			return err
		}
		return t.PutRecord(allApps, spaceHookQueue, key, b)
	})
}

// deliver makes the calls of one event that were not answered yet.
func (d *deliverer) deliver(ctx context.Context, job *hookJob) error {
	app, err := d.e.app(ctx, job.App)
	if err != nil {
		return err
	}
	ev, err := d.event(ctx, job)
	if err != nil || ev == nil {
		return err
	}
	var fails []error
	place := 0
	for _, h := range d.e.opts.Hooks {
		for _, req := range h.Requests(app, ev, job.Attempts+1) {
			place++
			if slices.Contains(job.Done, place) {
				continue
			}
			if err := d.post(ctx, req); err != nil {
				d.e.kit.hookStats.failed.Add(1)
				fails = append(fails, err)
			} else {
				d.e.kit.hookStats.sent.Add(1)
				job.Done = append(job.Done, place)
			}
		}
	}
	return errors.Join(fails...)
}

// event makes the event of a job; nil when what it speaks of is gone.
func (d *deliverer) event(ctx context.Context, job *hookJob) (*core.Event, error) {
	if len(job.Payload) > 0 {
		ev := &core.Event{}
		if err := json.Unmarshal(job.Payload, ev); err != nil {
			return nil, err
		}
		if ev.Channel != nil {
			cfg, err := d.e.configOf(ctx, job.App, ev.Channel)
			if err != nil {
				return nil, err
			}
			ev.Config = cfg
		}
		return ev, nil
	}
	evs, err := d.e.rebuild(ctx, job.App, []store.EventRow{job.Row})
	if err != nil || len(evs) == 0 {
		return nil, err
	}
	return evs[0], nil
}

// post makes one call; any answer of the 2xx class is a success.
func (d *deliverer) post(ctx context.Context, r core.HookRequest) error {
	ctx, cancel := context.WithTimeout(ctx, hookTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return err
	}
	for k, v := range r.Header {
		req.Header[k] = v
	}
	status, _, err := d.e.doer.Do(req)
	if err == nil && (status < 200 || status > 299) {
		err = fmt.Errorf("webhook endpoint answered %d", status)
	}
	return err
}
