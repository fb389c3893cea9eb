package cometchat

import (
	"context"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
)

// personalRoutes are what a person keeps for themself: saved messages and push tokens.
func (d *Dialect) personalRoutes() []adapters.Route {
	return []adapters.Route{
		op("POST", "/messages/:id/save", "saveMessage", d.save(true), encodeMessage),
		op("DELETE", "/messages/:id/save", "unsaveMessage", d.save(false), encodeMessage),
		op("POST", "/notifications/push/v1/tokens", "registerPushToken", d.pushToken(true), done("The push token has been registered.")),
		op("DELETE", "/notifications/push/v1/tokens", "unregisterPushToken", d.pushToken(false), done("The push token has been removed.")),
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

// pushToken keeps a push token of the actor's device, or forgets it. Nothing is pushed: the list is
// there for a server to read.
func (d *Dialect) pushToken(on bool) func(context.Context, core.Actor, *adapters.Request) (struct{}, error) {
	return func(ctx context.Context, by core.Actor, rq *adapters.Request) (none struct{}, err error) {
		if err := needUser(by); err != nil {
			return none, err
		}
		by = reader(by)
		r, err := body(rq)
		if err != nil {
			return none, invalid(err)
		}
		dev := core.Device{User: by.User, Provider: "firebase", ProviderName: r.TextMax("providerId", 64)}
		for _, f := range []struct {
			name, provider string
			voip           bool
		}{{"fcmToken", "firebase", false}, {"deviceToken", "apn", false}, {"voipToken", "apn", true}} {
			if v := r.TextMax(f.name, 1024); v != "" && dev.ID == "" {
				dev.ID, dev.Provider, dev.Voip = v, f.provider, f.voip
			}
		}
		if err := r.Err(); err != nil {
			return none, invalid(err)
		}
		if !on {
			return none, d.forgetDevices(ctx, by, dev.ID)
		}
		if dev.ID == "" {
			r.Fail("fcmToken", "A push token is required.", fault.RequestMissingField)
			return none, invalid(r.Err())
		}
		_, err = d.core.Devices.Add(ctx, by, core.AddDevice{Device: dev})
		return none, err
	}
}

// forgetDevices removes one push token of the actor, or all where none is named.
func (d *Dialect) forgetDevices(ctx context.Context, by core.Actor, id string) error {
	list, err := d.core.Devices.List(ctx, by, core.ListDevices{})
	if err != nil {
		return err
	}
	for i := range list {
		if id != "" && list[i].ID != id {
			continue
		}
		if _, err := d.core.Devices.Remove(ctx, by, core.RemoveDevice{ID: list[i].ID}); err != nil {
			return err
		}
	}
	return nil
}
