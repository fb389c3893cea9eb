package cometchat

import (
	"context"

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
			_, err = d.core.Reminders.Put(ctx, by, core.PutReminder{Message: id, Create: true})
		} else {
			_, err = d.core.Reminders.Delete(ctx, by, core.DeleteReminder{Message: id})
		}
		switch {
		case fault.IsReason(err, fault.LimitReached):
			return shown{}, fault.From(err).With("saved_messages")
		case fault.IsReason(err, fault.RequestInvalid) && on, fault.IsReason(err, fault.ResourceNotFound) && !on: // so it is already
		case err != nil:
			return shown{}, err
		}
		return d.seen(ctx, by, &h)
	}
}
