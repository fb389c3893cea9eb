package engine

import (
	"context"
	"fmt"

	"dragoman/core"
	"dragoman/core/fault"
)

type devices struct{ e *Engine }

// maxDevices bounds the push targets of a person.
const maxDevices = 25

// Add registers a push target; one that belonged to somebody else changes hands.
func (s devices) Add(ctx context.Context, by core.Actor, in core.AddDevice) (core.Device, error) {
	e := s.e
	const op = "devices.add"
	d := in.Device
	if err := needUser(by); err != nil {
		return d, translate(op, err)
	}
	if d.ID == "" || len(d.ID) > 4096 || d.Provider == "" {
		return d, translate(op, fault.RequestMissingField.Error("a device needs an id and a push provider"))
	}
	if _, err := e.actor(ctx, by); err != nil {
		return d, translate(op, err)
	}
	d.User, d.CreatedAt = by.User, e.now()
	err := e.update(ctx, op, by.App, 0, func(t *txn) error {
		owner, found, err := record[core.UserID](ctx, t, by.App, spaceDeviceOwners, d.ID)
		if err != nil {
			return err
		}
		if found && owner != by.User {
			if err := t.DeleteRecord(by.App, spaceDevices, keyOf(string(owner), d.ID)); err != nil {
				return err
			}
		}
		all, err := scan[core.Device](ctx, t, by.App, spaceDevices, prefixOf(string(by.User)))
		if err != nil {
			return err
		}
		if len(all) >= maxDevices && (!found || owner != by.User) {
			return fault.LimitReached.Error(fmt.Sprintf("a user has at most %d devices", maxDevices))
		}
		if err := putJSON(t, spaceDeviceOwners, d.ID, &by.User); err != nil {
			return err
		}
		return putJSON(t, spaceDevices, keyOf(string(by.User), d.ID), &d)
	})
	return d, err
}

// Remove forgets a push target.
func (s devices) Remove(ctx context.Context, by core.Actor, in core.RemoveDevice) (core.Device, error) {
	e := s.e
	const op = "devices.remove"
	var d core.Device
	if err := needUser(by); err != nil {
		return d, translate(op, err)
	}
	err := e.update(ctx, op, by.App, 0, func(t *txn) error {
		var found bool
		var err error
		d, found, err = record[core.Device](ctx, t, by.App, spaceDevices, keyOf(string(by.User), in.ID))
		if err != nil {
			return err
		}
		if !found {
			return fault.ResourceNotFound.Error("the device does not exist")
		}
		if err := t.DeleteRecord(by.App, spaceDeviceOwners, in.ID); err != nil {
			return err
		}
		return t.DeleteRecord(by.App, spaceDevices, keyOf(string(by.User), in.ID))
	})
	return d, err
}

// List reads the actor's push targets.
func (s devices) List(ctx context.Context, by core.Actor, _ core.ListDevices) ([]core.Device, error) {
	const op = "devices.list"
	if err := needUser(by); err != nil {
		return nil, translate(op, err)
	}
	out, err := s.e.devicesOf(ctx, by.App, by.User)
	return out, translate(op, err)
}

// devicesOf reads somebody's push targets.
func (e *Engine) devicesOf(ctx context.Context, app core.AppID, user core.UserID) ([]core.Device, error) {
	return scan[core.Device](ctx, e.store, app, spaceDevices, prefixOf(string(user)))
}
