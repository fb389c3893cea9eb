package cometchat

import (
	"context"
	"time"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
)

// reminderRoutes are the operations on saved messages: the core's reminders without a time.
func (d *Dialect) reminderRoutes() []adapters.Route {
	return []adapters.Route{
		op("POST", "/messages/:id/save", "saveMessage", d.save(true), encodeMessage),
		op("DELETE", "/messages/:id/save", "unsaveMessage", d.save(false), encodeMessage),
	}
}

// save bookmarks a message for the actor, or takes the bookmark away. Saving twice is saving once.
func (d *Dialect) save(on bool) func(context.Context, core.Actor, *adapters.Request) (shown, error) {
	return func(ctx context.Context, by core.Actor, rq *adapters.Request) (shown, error) {
		if err := needUser(by); err != nil {
			return shown{}, err
		}
		by = reader(by)
		h, err := d.find(ctx, by, rq.Param("id"))
		if err != nil {
			return shown{}, err
		}
		id := h.Message.ID.String()
		if on {
			_, err = d.core.Reminders.Put(ctx, by, core.PutReminder{Message: id, Create: true, Always: true})
		} else {
			_, err = d.core.Reminders.Delete(ctx, by, core.DeleteReminder{Message: id, Always: true})
		}
		switch {
		case fault.IsReason(err, fault.LimitReached):
			return shown{}, fault.From(err).With("saved_messages")
		case fault.IsReason(err, fault.RequestInvalid) && on, fault.IsReason(err, fault.ResourceNotFound) && !on: // so it is already
		case err != nil:
			return shown{}, err
		}
		s, err := d.seen(ctx, by, &h)
		if err == nil {
			err = d.savedIn(ctx, by, s.venue)
		}
		return s, err
	}
}

// savedIn fills in which messages of a conversation the viewer has saved.
func (d *Dialect) savedIn(ctx context.Context, by core.Actor, v *venue) error {
	if v == nil || v.viewer == "" {
		return nil
	}
	q := core.QueryReminders{Filter: core.Cond("key", core.OpEq, core.Text(string(v.key()))), Page: core.Page{Limit: 100}}
	got, err := d.core.Reminders.Query(ctx, behalf(by).As(v.viewer), q)
	if err != nil || len(got.Reminders) == 0 {
		return err
	}
	v.saved = make(map[core.MessageID]time.Time, len(got.Reminders))
	for i := range got.Reminders {
		v.saved[got.Reminders[i].Message] = got.Reminders[i].CreatedAt
	}
	return nil
}
