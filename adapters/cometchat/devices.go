package cometchat

import (
	"context"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
)

// deviceRoutes are the operations on push tokens.
func (d *Dialect) deviceRoutes() []adapters.Route {
	return []adapters.Route{
		op("POST", "/notifications/push/v1/tokens", "registerPushToken", d.pushToken(true), done("The push token has been registered.")),
		op("DELETE", "/notifications/push/v1/tokens", "unregisterPushToken", d.pushToken(false), done("The push token has been removed.")),
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
