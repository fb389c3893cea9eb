package engine

import (
	"context"
	"encoding/json"
	"fmt"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/perm"
)

type drafts struct{ e *Engine }

// Limits of drafts, reminders and other nouns with pages of their own.
const (
	personalListed    = 25
	maxPersonalListed = 100
	maxDraft          = 64 << 10 // bytes
)

func draftKey(user core.UserID, key core.ChannelKey, parent string) string {
	return keyOf(string(user), string(key), parent)
}

// place enters the channel of a draft and checks that the actor can read it.
func (s drafts) place(ctx context.Context, by core.Actor, key core.ChannelKey) (*scene, error) {
	if err := needUser(by); err != nil {
		return nil, err
	}
	sc, err := s.e.enter(ctx, by, key)
	if err != nil {
		return nil, err
	}
	return sc, s.e.can(sc, perm.ReadChannel, sc.owns())
}

// Put keeps the draft of a channel or a thread, in place of the one before.
func (s drafts) Put(ctx context.Context, by core.Actor, in core.PutDraft) (core.Draft, error) {
	e := s.e
	const op = "drafts.put"
	d := in.Draft
	sc, err := s.place(ctx, by, d.Key)
	if err != nil {
		return d, translate(op, err)
	}
	if len(d.Message) > maxDraft || !json.Valid(d.Message) {
		return d, translate(op, fault.RequestInvalidField.Error("the draft is too large or not a JSON object"))
	}
	if d.Parent != "" {
		if _, err := e.messageIn(ctx, by.App, sc.channel, d.Parent); err != nil {
			return d, translate(op, err)
		}
	}
	d.User, d.Channel, d.CreatedAt = by.User, sc.channel.ID, e.now()
	d.ChannelNow, d.ParentNow, d.QuotedNow = nil, nil, nil
	stored := d
	filled := []core.Draft{d}
	if err := e.fillDrafts(ctx, by, filled); err != nil {
		return d, translate(op, err)
	}
	d = filled[0]
	err = e.update(ctx, op, by.App, 0, func(t *txn) error {
		if err := putJSON(t, spaceDrafts, draftKey(by.User, d.Key, d.Parent), &stored); err != nil {
			return err
		}
		return t.emit(&core.Event{Kind: core.DraftUpdated, Channel: sc.channel, Config: sc.config, User: e.seen(by.App, sc.user), To: []core.UserID{by.User}, Draft: &d})
	})
	return d, err
}

// Get reads the draft of a channel or a thread.
func (s drafts) Get(ctx context.Context, by core.Actor, in core.GetDraft) (core.Draft, error) {
	const op = "drafts.get"
	if _, err := s.place(ctx, by, in.Key); err != nil {
		return core.Draft{}, translate(op, err)
	}
	d, err := s.e.draftOf(ctx, by.App, by.User, in.Key, in.Parent)
	if err == nil && d == nil {
		err = fault.ResourceNotFound.Error(fmt.Sprintf("there is no draft in channel %s", in.Key))
	}
	if err != nil {
		return core.Draft{}, translate(op, err)
	}
	out := []core.Draft{*d}
	err = s.e.fillDrafts(ctx, by, out)
	return out[0], translate(op, err)
}

// draftOf reads a draft; nil if there is none.
func (e *Engine) draftOf(ctx context.Context, app core.AppID, user core.UserID, key core.ChannelKey, parent string) (*core.Draft, error) {
	d, found, err := record[core.Draft](ctx, e.store, app, spaceDrafts, draftKey(user, key, parent))
	if err != nil || !found {
		return nil, err
	}
	return &d, nil
}

// Delete throws a draft away.
func (s drafts) Delete(ctx context.Context, by core.Actor, in core.DeleteDraft) (core.Draft, error) {
	e := s.e
	const op = "drafts.delete"
	var d core.Draft
	sc, err := s.place(ctx, by, in.Key)
	if err != nil {
		return d, translate(op, err)
	}
	err = e.update(ctx, op, by.App, 0, func(t *txn) error {
		var found bool
		var err error
		d, found, err = record[core.Draft](ctx, t, by.App, spaceDrafts, draftKey(by.User, in.Key, in.Parent))
		if err != nil {
			return err
		}
		if !found {
			return fault.ResourceNotFound.Error(fmt.Sprintf("there is no draft in channel %s", in.Key))
		}
		if err := t.DeleteRecord(by.App, spaceDrafts, draftKey(by.User, in.Key, in.Parent)); err != nil {
			return err
		}
		gone := d
		return t.emit(&core.Event{Kind: core.DraftDeleted, Channel: sc.channel, Config: sc.config, User: e.seen(by.App, sc.user), To: []core.UserID{by.User}, Draft: &gone})
	})
	return d, err
}

// Query lists the actor's drafts, newest first unless asked otherwise.
func (s drafts) Query(ctx context.Context, by core.Actor, in core.QueryDrafts) (core.DraftPage, error) {
	const op = "drafts.query"
	var out core.DraftPage
	if err := needUser(by); err != nil {
		return out, translate(op, err)
	}
	all, err := scan[core.Draft](ctx, s.e.store, by.App, spaceDrafts, prefixOf(string(by.User)))
	if err != nil {
		return out, translate(op, err)
	}
	if len(in.Sort) == 0 {
		in.Sort = []core.Sort{{Field: "created_at", Desc: true}}
	}
	out.Drafts, out.Next, out.Prev, err = listing[core.Draft]{
		get: draftFields, filter: in.Filter, sort: in.Sort, page: in.Page, normal: personalListed, most: maxPersonalListed,
		id: func(d *core.Draft) string { return draftKey(d.User, d.Key, d.Parent) },
	}.run(all)
	if err != nil {
		return out, translate(op, err)
	}
	return out, translate(op, s.e.fillDrafts(ctx, by, out.Drafts))
}

func draftFields(d *core.Draft) fields {
	return func(name string) (core.Value, bool) {
		switch name {
		case "key":
			return core.Text(string(d.Key)), true
		case "parent":
			return word(d.Parent), true
		case "created_at":
			return instant(d.CreatedAt), true
		}
		return core.Value{}, false
	}
}

// fillDrafts fills in channels and the messages drafts speak of; what is gone stays empty.
func (e *Engine) fillDrafts(ctx context.Context, by core.Actor, ds []core.Draft) error {
	var ids []core.ChannelID
	var names []string
	for i := range ds {
		ids = append(ids, ds[i].Channel)
		for _, n := range []string{ds[i].Parent, ds[i].Quoted} {
			if n != "" {
				names = append(names, n)
			}
		}
	}
	if len(ids) == 0 {
		return nil
	}
	cs, err := e.store.Channels(ctx, by.App, ids)
	if err != nil {
		return err
	}
	byID := make(map[core.ChannelID]*core.Channel, len(cs))
	for i := range cs {
		byID[cs[i].ID] = &cs[i]
	}
	byName := map[string]*core.Message{}
	if len(names) > 0 {
		ms, err := e.store.MessagesNamed(ctx, by.App, names)
		if err != nil {
			return err
		}
		if err := e.resolve(ctx, by.App, by.User, ms); err != nil {
			return err
		}
		for i := range ms {
			byName[ms[i].Name()], byName[ms[i].ID.String()] = &ms[i], &ms[i]
		}
	}
	for i := range ds {
		ds[i].ChannelNow, ds[i].ParentNow, ds[i].QuotedNow = byID[ds[i].Channel], nil, nil
		if m := byName[ds[i].Parent]; m != nil && m.Channel == ds[i].Channel {
			ds[i].ParentNow = m
		}
		if m := byName[ds[i].Quoted]; m != nil && m.Channel == ds[i].Channel {
			ds[i].QuotedNow = m
		}
	}
	return nil
}
