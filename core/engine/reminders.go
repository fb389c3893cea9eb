package engine

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/perm"
)

type reminders struct{ e *Engine }

// Limits of reminders.
const (
	maxReminders  = 250
	remindersTick = 250 * time.Millisecond
	remindersRun  = 100
)

func reminderKey(user core.UserID, m core.MessageID) string { return keyOf(string(user), m.String()) }

// dueKey sorts by time over all apps.
func dueKey(app core.AppID, r *core.Reminder) string {
	return keyOf(orderedTime(r.RemindAt), strconv.FormatInt(int64(app), 10), string(r.User), r.Message.String())
}

// place reads the message of a reminder and checks that the actor may see it and reminders are on.
func (s reminders) place(ctx context.Context, by core.Actor, name string, always bool) (*core.Message, *scene, error) {
	if err := needUser(by); err != nil {
		return nil, nil, err
	}
	m, sc, err := s.e.readMessage(ctx, by, name)
	if err != nil {
		return nil, nil, err
	}
	if !always {
		if err := sc.need(core.FeatureReminders, "user message reminders"); err != nil {
			return nil, nil, err
		}
	}
	if !canSee(m, by) {
		return nil, nil, fault.MessageNotFound.Error(fmt.Sprintf("Can't find message with id %q", cut(name)))
	}
	return m, sc, s.e.can(sc, perm.ReadChannel, sc.owns())
}

// Put sets the actor's reminder on a message.
func (s reminders) Put(ctx context.Context, by core.Actor, in core.PutReminder) (core.Reminder, error) {
	e := s.e
	const op = "reminders.put"
	m, sc, err := s.place(ctx, by, in.Message, in.Always)
	if err != nil {
		return core.Reminder{}, translate(op, err)
	}
	var out core.Reminder
	err = e.update(ctx, op, by.App, 0, func(t *txn) error {
		key := reminderKey(by.User, m.ID)
		r, found, err := record[core.Reminder](ctx, t, by.App, spaceReminders, key)
		if err != nil {
			return err
		}
		kind := core.ReminderUpdated
		switch {
		case in.Create && found:
			return fault.RequestInvalid.Error("a reminder for this message already exists")
		case !in.Create && !found:
			return fault.ResourceNotFound.Error("there is no reminder for this message")
		case !found:
			kind = core.ReminderCreated
			all, err := scan[core.Reminder](ctx, t, by.App, spaceReminders, prefixOf(string(by.User)))
			if err != nil {
				return err
			}
			if len(all) >= maxReminders {
				return fault.LimitReached.Error(fmt.Sprintf("a user has at most %d reminders", maxReminders))
			}
			r = core.Reminder{User: by.User, Message: m.ID, Alias: m.Alias, Channel: sc.channel.ID, Key: sc.channel.Key, CreatedAt: e.now()}
		case !r.RemindAt.IsZero() && r.FiredAt.IsZero():
			if err := t.DeleteRecord(allApps, spaceRemindersDue, dueKey(by.App, &r)); err != nil {
				return err
			}
		}
		r.RemindAt, r.FiredAt, r.UpdatedAt = in.RemindAt.UTC().Truncate(time.Millisecond), time.Time{}, e.now()
		if in.RemindAt.IsZero() {
			r.RemindAt = time.Time{}
		} else if err := t.PutRecord(allApps, spaceRemindersDue, dueKey(by.App, &r), nothing); err != nil {
			return err
		}
		if err := putJSON(t, spaceReminders, key, &r); err != nil {
			return err
		}
		filled := []core.Reminder{r}
		if err := e.fillReminders(ctx, by.App, filled); err != nil {
			return err
		}
		out = filled[0]
		told := out
		return t.emit(&core.Event{Kind: kind, Channel: sc.channel, Config: sc.config, User: e.seen(by.App, sc.user), To: []core.UserID{by.User}, Message: told.MessageNow, Reminder: &told})
	})
	return out, err
}

// Delete takes the actor's reminder off a message.
func (s reminders) Delete(ctx context.Context, by core.Actor, in core.DeleteReminder) (core.Reminder, error) {
	e := s.e
	const op = "reminders.delete"
	m, sc, err := s.place(ctx, by, in.Message, in.Always)
	if err != nil {
		return core.Reminder{}, translate(op, err)
	}
	var out core.Reminder
	err = e.update(ctx, op, by.App, 0, func(t *txn) error {
		key := reminderKey(by.User, m.ID)
		r, found, err := record[core.Reminder](ctx, t, by.App, spaceReminders, key)
		if err != nil {
			return err
		}
		if !found {
			return fault.ResourceNotFound.Error("there is no reminder for this message")
		}
		if !r.RemindAt.IsZero() && r.FiredAt.IsZero() {
			if err := t.DeleteRecord(allApps, spaceRemindersDue, dueKey(by.App, &r)); err != nil {
				return err
			}
		}
		if err := t.DeleteRecord(by.App, spaceReminders, key); err != nil {
			return err
		}
		out = r
		about := []core.Message{*m}
		if err := e.resolve(ctx, by.App, "", about); err != nil {
			return err
		}
		return t.emit(&core.Event{
			Kind: core.ReminderDeleted, Channel: sc.channel, Config: sc.config, User: e.seen(by.App, sc.user), To: []core.UserID{by.User},
			Message: &about[0], Reminder: &r,
		})
	})
	return out, err
}

// Query lists the actor's reminders, the next one first unless asked otherwise.
func (s reminders) Query(ctx context.Context, by core.Actor, in core.QueryReminders) (core.ReminderPage, error) {
	const op = "reminders.query"
	var out core.ReminderPage
	if err := needUser(by); err != nil {
		return out, translate(op, err)
	}
	all, err := scan[core.Reminder](ctx, s.e.store, by.App, spaceReminders, prefixOf(string(by.User)))
	if err != nil {
		return out, translate(op, err)
	}
	if len(in.Sort) == 0 {
		in.Sort = []core.Sort{{Field: "remind_at"}}
	}
	out.Reminders, out.Next, out.Prev, err = listing[core.Reminder]{
		get: reminderFields, filter: in.Filter, sort: in.Sort, page: in.Page, normal: personalListed, most: maxPersonalListed,
		id: func(r *core.Reminder) string { return ordered(int64(r.Message)) },
	}.run(all)
	if err != nil {
		return out, translate(op, err)
	}
	return out, translate(op, s.e.fillReminders(ctx, by.App, out.Reminders))
}

func reminderFields(r *core.Reminder) fields {
	return func(name string) (core.Value, bool) {
		switch name {
		case "key":
			return core.Text(string(r.Key)), true
		case "message":
			if r.Alias != "" {
				return core.Text(r.Alias), true
			}
			return core.Text(r.Message.String()), true
		case "remind_at":
			return instant(r.RemindAt), true
		case "created_at":
			return instant(r.CreatedAt), true
		}
		return core.Value{}, false
	}
}

// remindersOf reads somebody's reminders by message.
func (e *Engine) remindersOf(ctx context.Context, app core.AppID, user core.UserID) (map[core.MessageID]*core.Reminder, error) {
	all, err := scan[core.Reminder](ctx, e.store, app, spaceReminders, prefixOf(string(user)))
	if err != nil || len(all) == 0 {
		return nil, err
	}
	out := make(map[core.MessageID]*core.Reminder, len(all))
	for i := range all {
		out[all[i].Message] = &all[i]
	}
	return out, nil
}

// fillReminders fills in owners, messages and channels as they are now.
func (e *Engine) fillReminders(ctx context.Context, app core.AppID, rs []core.Reminder) error {
	var people []core.UserID
	var chs []core.ChannelID
	var ids []core.MessageID
	for i := range rs {
		people, chs, ids = append(people, rs[i].User), append(chs, rs[i].Channel), append(ids, rs[i].Message)
	}
	if len(rs) == 0 {
		return nil
	}
	users, err := e.usersByID(ctx, app, people)
	if err != nil {
		return err
	}
	cs, err := e.store.Channels(ctx, app, chs)
	if err != nil {
		return err
	}
	ms, err := e.store.Messages(ctx, app, ids)
	if err != nil {
		return err
	}
	if err := e.resolve(ctx, app, "", ms); err != nil {
		return err
	}
	channels, messages := map[core.ChannelID]*core.Channel{}, map[core.MessageID]*core.Message{}
	for i := range cs {
		channels[cs[i].ID] = &cs[i]
	}
	for i := range ms {
		messages[ms[i].ID] = &ms[i]
	}
	for i := range rs {
		rs[i].Owner, rs[i].ChannelNow, rs[i].MessageNow = users[rs[i].User], channels[rs[i].Channel], messages[rs[i].Message]
	}
	return nil
}

// runReminders tells people of reminders when they are due, until ctx ends.
func (e *Engine) runReminders(ctx context.Context) {
	tick := time.NewTicker(remindersTick)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := e.fireReminders(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			e.opts.Report("reminders cannot be told", err)
		}
		failing = err != nil
	}
}

// fireReminders tells of everything that is due now. A reminder is told by whoever takes it off
// the queue, in the same transaction, so it is told once however many nodes look.
func (e *Engine) fireReminders(ctx context.Context) error {
	for {
		rows, err := e.store.Records(ctx, allApps, spaceRemindersDue, "", "", false, remindersRun)
		if err != nil || len(rows) == 0 {
			return err
		}
		now := orderedTime(e.now())
		for _, row := range rows {
			parts := strings.Split(row.Key, "\x00")
			if len(parts) != 4 || parts[0] > now {
				return nil
			}
			app, err := strconv.ParseInt(parts[1], 10, 64)
			if err != nil {
				return err
			}
			id, err := strconv.ParseInt(parts[3], 10, 64)
			if err != nil {
				return err
			}
			if err := e.fireReminder(ctx, core.AppID(app), core.UserID(parts[2]), core.MessageID(id), row.Key); err != nil {
				return err
			}
		}
	}
}

func (e *Engine) fireReminder(ctx context.Context, app core.AppID, user core.UserID, id core.MessageID, due string) error {
	return e.update(ctx, "reminders.fire", app, 0, func(t *txn) error {
		_, found, err := record[struct{}](ctx, t, allApps, spaceRemindersDue, due)
		if err != nil || !found {
			return err
		}
		if err := t.DeleteRecord(allApps, spaceRemindersDue, due); err != nil {
			return err
		}
		r, found, err := record[core.Reminder](ctx, t, app, spaceReminders, reminderKey(user, id))
		if err != nil || !found || dueKey(app, &r) != due {
			return err
		}
		r.FiredAt = e.now()
		if err := putJSON(t, spaceReminders, reminderKey(user, id), &r); err != nil {
			return err
		}
		filled := []core.Reminder{r}
		if err := e.fillReminders(ctx, app, filled); err != nil {
			return err
		}
		f := &filled[0]
		if f.ChannelNow == nil || f.MessageNow == nil {
			return nil
		}
		cfg, err := e.configOf(ctx, app, f.ChannelNow)
		if err != nil {
			return err
		}
		return t.emit(&core.Event{Kind: core.ReminderDue, Channel: f.ChannelNow, Config: cfg, User: f.Owner, To: []core.UserID{user}, Message: f.MessageNow, Reminder: f})
	})
}
