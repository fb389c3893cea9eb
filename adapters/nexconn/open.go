package nexconn

import (
	"context"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// Limits of open channels.
const (
	minLifetime      = 60    // minutes
	maxLifetime      = 10080 // minutes
	defaultLifetime  = 60
	maxRoomAllowed   = 20
	maxRoomEntries   = 100 // metadata of one channel
	maxRoomPerCall   = 20  // metadata of one call
	maxDestroyed     = 50
	maxParticipants  = 500 // listed at once
	maxExists        = 1000
	maxRoomMetaKey   = 128
	maxRoomMetaValue = 4096
)

// openOps are the open channels themselves, and their metadata.
func (d *Dialect) openOps() []operation {
	return []operation{
		{path: "/open-channel/create", family: familyOpen, rate: 100, serve: d.createRoom},
		{path: "/open-channel/destroy", family: familyOpen, rate: 100, serve: d.destroyRooms},
		{path: "/open-channel/get", family: familyOpen, rate: 100, serve: d.getRoom},
		{path: "/open-channel/destroy-type/set", family: familyOpen, rate: 100, serve: d.setLifetime},
		{path: "/open-channel/metadata/batch/set", family: familyOpen, rate: 100, serve: d.setRoomMetadata},
		{path: "/open-channel/metadata/batch/remove", family: familyOpen, rate: 100, serve: d.removeRoomMetadata},
		{path: "/open-channel/metadata/batch/get", family: familyOpen, rate: 100, serve: d.getRoomMetadata},
	}
}

// roomID reads the id of an open channel. Without one the vendor has a number of its own.
func (in *input) roomID(name string) (string, error) {
	if v, ok := in.Look(name); !ok || v.Str == "" && v.Raw == `""` {
		return "", fault.RequestMissingField.Error(name + " is empty").With("open_channel_id_or_minute")
	}
	return in.channelID(name), nil
}

// room reads an open channel by its id.
func (d *Dialect) room(ctx context.Context, by core.Actor, id string) (*core.Channel, error) {
	v, err := d.core.Groups.Get(ctx, by, core.GetGroup{Key: roomKey(id)})
	if err != nil {
		return nil, err
	}
	return &v.Channel, nil
}

// oneRoom reads the open channel a call is about.
func (d *Dialect) oneRoom(ctx context.Context, by core.Actor, in *input) (*core.Channel, error) {
	id, err := in.roomID("channelId")
	if err != nil {
		return nil, err
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	return d.room(ctx, by, id)
}

// lifetime reads when an open channel ends. What is wrong with it has three numbers of the vendor.
func (in *input) lifetime() (core.Lifetime, error) {
	kind, long := in.number("destroyType", 0, -1<<31, 1<<31), in.number("ttlMinutes", defaultLifetime, -1<<31, 1<<31)
	switch {
	case kind != 0 && kind != 1:
		return core.Lifetime{}, fault.RequestInvalidField.Error("destroyType must be 0 or 1").With("open_channel_destroy_type")
	case long <= 0:
		return core.Lifetime{}, fault.RequestInvalidField.Error("ttlMinutes must be above 0").With("open_channel_lifetime")
	case long < minLifetime || long > maxLifetime:
		return core.Lifetime{}, fault.RequestInvalidField.Error("ttlMinutes must be between 60 and 10080").With("open_channel_destroy_time")
	}
	return core.Lifetime{Minutes: int(long), Fixed: kind == 1}, nil
}

// createRoom makes an open channel.
func (d *Dialect) createRoom(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id, err := in.roomID("channelId")
	if err != nil {
		return nil, err
	}
	life, err := in.lifetime()
	if err != nil {
		return nil, err
	}
	frozen, allowed := in.flag("shouldFreeze", false), in.optUserIDs("allowedSendersList", maxIDs)
	owner, entries := core.UserID(in.Text("metadataOwnerId")), in.roomMetadata()
	if err := in.Err(); err != nil {
		return nil, err
	}
	switch {
	case len(allowed) > maxRoomAllowed:
		return nil, tooManyAllowed()
	case len(entries) > 0 && owner == "":
		return nil, fault.RequestMissingField.Error("metadataOwnerId is missing").With("open_channel_metadata_user")
	case len(entries) > 0:
		if err := d.on(by.App, serviceOpenMetadata); err != nil {
			return nil, err
		}
	}
	key := roomKey(id)
	if _, err := d.core.Groups.Create(ctx, by, core.CreateGroup{Key: key, Name: id, Rules: core.GroupRules{MutedAll: frozen, Lifetime: life}}); err != nil {
		return nil, err
	}
	if len(allowed) > 0 {
		if err := firstErr(d.core.Speech.Allow(ctx, by, core.AllowMembers{Key: key, Users: allowed, Anyone: true})); err != nil {
			return nil, err
		}
	}
	if len(entries) > 0 {
		return nil, d.putRoomMetadata(ctx, by, key, owner, entries, false)
	}
	return nil, nil
}

func tooManyAllowed() error {
	return fault.LimitReached.Error("At most 20 users may speak while all are muted.").With("open_channel_mute_allowlist")
}

func (d *Dialect) destroyRooms(ctx context.Context, by core.Actor, in *input) (answer, error) {
	if !in.Has("channelIds") {
		return nil, fault.RequestMissingField.Error("channelIds is empty").With("open_channel_id_or_minute")
	}
	ids := in.channelIDs("channelIds", maxDestroyed)
	if err := in.Err(); err != nil {
		return nil, err
	}
	for _, id := range ids {
		if _, err := d.room(ctx, by, id); err != nil {
			return nil, err
		}
	}
	for _, id := range ids {
		if err := d.core.Groups.Delete(ctx, by, core.DeleteGroup{Key: roomKey(id)}); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (d *Dialect) getRoom(ctx context.Context, by core.Actor, in *input) (answer, error) {
	c, err := d.oneRoom(ctx, by, in)
	if err != nil {
		return nil, err
	}
	r := c.Rules()
	return func(w *wire.Writer) {
		w.Text("channelId", roomID(c.Key))
		w.Int64("createdAt", sentAt(c.CreatedAt))
		w.Int("participantCount", c.MemberCount)
		w.Int("destroyType", bit(r.Lifetime.Fixed))
		w.Int("ttlMinutes", r.Lifetime.Minutes)
		w.Bool("isFrozen", r.MutedAll)
	}, nil
}

func (d *Dialect) setLifetime(ctx context.Context, by core.Actor, in *input) (answer, error) {
	life, err := in.lifetime()
	if err != nil {
		return nil, err
	}
	c, err := d.oneRoom(ctx, by, in)
	if err != nil {
		return nil, err
	}
	_, err = d.core.Groups.Update(ctx, by, core.UpdateGroup{Key: c.Key, Rules: func(r *core.GroupRules) error {
		r.Lifetime = life
		return nil
	}})
	return nil, err
}

// roomMetadata reads the metadata of an open channel; it may be JSON in a text.
func (in *input) roomMetadata() map[string]string {
	raw, ok := in.looseObject("metadata")
	if !ok {
		return nil
	}
	r, err := wire.ParseText(`{"metadata":` + string(raw) + `}`)
	one := &input{Reader: r}
	out := one.texts("metadata", maxRoomPerCall, fault.RequestInvalidField)
	if err != nil || one.Err() != nil {
		in.Fail("metadata", "must be an object of at most 20 texts", fault.RequestInvalidField)
		return nil
	}
	for k, v := range out {
		if k == "" || len(k) > maxRoomMetaKey || len(v) > maxRoomMetaValue {
			in.Fail("metadata", "has names of at most 128 and values of at most 4096 characters", fault.RequestFieldTooLong)
		}
	}
	return out
}

// metadataCall reads the channel and the owner of a call about metadata.
func (d *Dialect) metadataCall(ctx context.Context, by core.Actor, in *input) (*core.Channel, core.UserID, error) {
	if err := d.on(by.App, serviceOpenMetadata); err != nil {
		return nil, "", err
	}
	owner := in.Text("metadataOwnerId")
	if owner == "" && in.Err() == nil {
		return nil, "", fault.RequestMissingField.Error("metadataOwnerId is missing").With("open_channel_metadata_user")
	}
	c, err := d.oneRoom(ctx, by, in)
	return c, core.UserID(owner), err
}

func (d *Dialect) setRoomMetadata(ctx context.Context, by core.Actor, in *input) (answer, error) {
	entries, auto := in.roomMetadata(), in.flag("shouldAutoDelete", false)
	if len(entries) == 0 && in.Err() == nil {
		in.Fail("metadata", "is a required field", fault.RequestMissingField)
	}
	c, owner, err := d.metadataCall(ctx, by, in)
	if err != nil {
		return nil, err
	}
	return nil, d.putRoomMetadata(ctx, by, c.Key, owner, entries, auto)
}

func (d *Dialect) putRoomMetadata(ctx context.Context, by core.Actor, key core.ChannelKey, owner core.UserID, entries map[string]string, auto bool) error {
	out, err := d.core.Attributes.SetRoom(ctx, by, core.SetRoomAttributes{
		Key: key, Values: entries, Owner: owner, Auto: auto,
		Limits: core.AttributeLimits{Name: maxRoomMetaKey, Value: maxRoomMetaValue, Entries: maxRoomEntries},
	})
	return metadataFailure(out, err)
}

// metadataFailure is the first failure of a batch, with the vendor's number for a channel that is full.
func metadataFailure(out []core.AttributeOutcome, err error) error {
	for i := range out {
		if err == nil {
			err = out[i].Err
		}
	}
	if fault.IsReason(err, fault.LimitReached) {
		err = fault.From(err).With("open_channel_metadata")
	}
	return err
}

func (d *Dialect) removeRoomMetadata(ctx context.Context, by core.Actor, in *input) (answer, error) {
	keys := in.Texts("metadataKeys", maxRoomPerCall)
	if len(keys) == 0 && in.Err() == nil {
		in.Fail("metadataKeys", "is a required field", fault.RequestMissingField)
	}
	c, owner, err := d.metadataCall(ctx, by, in)
	if err != nil {
		return nil, err
	}
	return nil, metadataFailure(d.core.Attributes.RemoveRoom(ctx, by, core.RemoveRoomAttributes{Key: c.Key, Names: keys, Owner: owner}))
}

func (d *Dialect) getRoomMetadata(ctx context.Context, by core.Actor, in *input) (answer, error) {
	keys := in.Texts("metadataKeys", maxRoomEntries)
	if err := d.on(by.App, serviceOpenMetadata); err != nil {
		return nil, err
	}
	c, err := d.oneRoom(ctx, by, in)
	if err != nil {
		return nil, err
	}
	list, err := d.core.Attributes.Room(ctx, by, core.GetRoomAttributes{Key: c.Key, Names: keys})
	if err != nil {
		return nil, err
	}
	return func(w *wire.Writer) {
		w.List("metadata")
		for _, a := range list {
			if a.Removed {
				continue
			}
			w.Open()
			w.Text("key", a.Name)
			w.Text("value", a.Value)
			w.Text("metadataOwnerId", string(a.Owner))
			w.Int("shouldAutoDelete", bit(a.Auto))
			w.Int64("updatedAt", sentAt(a.UpdatedAt))
			w.Close()
		}
		w.CloseList()
	}, nil
}
