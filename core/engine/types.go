package engine

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/perm"
	"dragoman/core/store"
)

type types struct{ e *Engine }

// Limits of channel types.
const (
	maxTypes         = 50
	defaultMaxLength = 5000
	maxMaxLength     = 20000
	maxOwnLists      = 15
)

// builtinTypes are the channel types every app has, in the order they are listed.
var builtinTypes = []string{"messaging", "livestream", "team", "gaming", "commerce"}

// builtinKinds tells which of them are rooms, open to all.
var builtinKinds = map[string]core.ChannelKind{"livestream": core.KindRoom}

// hiddenTypes are the channel types behind nouns of their own. They exist without being listed.
var hiddenTypes = map[string]core.ChannelKind{core.CommunityType: core.KindCommunity}

// featuresOff are the switches that are off at first; every other one is on.
var featuresOff = map[core.Feature]bool{
	core.FeaturePolls: true, core.FeatureReminders: true, core.FeatureLocations: true, core.FeatureCount: true,
	core.FeatureUnreadNudge: true, core.FeaturePending: true, core.FeatureQuietSystem: true,
}

var allFeatures = []core.Feature{
	core.FeatureTyping, core.FeatureReads, core.FeatureConnects, core.FeatureDelivery, core.FeatureCustom,
	core.FeatureSearch, core.FeatureReactions, core.FeatureReplies, core.FeatureQuotes, core.FeatureMutes,
	core.FeatureUploads, core.FeatureURLs, core.FeaturePush, core.FeaturePolls, core.FeatureReminders,
	core.FeatureUnreadNudge, core.FeatureLocations, core.FeatureCount, core.FeaturePending, core.FeatureQuietSystem,
}

// defaultType is a channel type as it is before anybody changes it.
func defaultType(app *core.App, name string) core.ChannelType {
	t := core.ChannelType{
		Name: name, Kind: max(builtinKinds[name], hiddenTypes[name]), Features: make(core.Features, len(allFeatures)),
		MaxLength: defaultMaxLength, Automod: "disabled", AutomodBehavior: "flag", Retention: "infinite",
		Commands: expandSets([]string{setAll}), Grants: perm.Defaults(name, app.Settings.Teams),
		CreatedAt: app.CreatedAt, UpdatedAt: app.CreatedAt,
	}
	for _, f := range allFeatures {
		t.Features[f] = !featuresOff[f]
	}
	return t
}

// readType reads a channel type: the stored one or the built-in default.
func (e *Engine) readType(ctx context.Context, r store.Reader, app core.AppID, name string) (core.ChannelType, error) {
	t, err := getJSON[core.ChannelType](ctx, r, app, spaceTypes, name)
	if !errors.Is(err, store.ErrNotFound) {
		return t, err
	}
	_, hidden := hiddenTypes[name]
	if !hidden && !slices.Contains(builtinTypes, name) {
		return t, fault.ResourceNotFound.Error(fmt.Sprintf("channel type %q does not exist", name))
	}
	a, err := e.app(ctx, app)
	if err != nil {
		return t, err
	}
	return defaultType(a, name), nil
}

// Get reads a channel type.
func (s types) Get(ctx context.Context, by core.Actor, in core.GetType) (core.ChannelType, error) {
	t, err := s.e.ctype(ctx, by.App, in.Name)
	if err != nil {
		return core.ChannelType{}, translate("types.get", err)
	}
	return *t, nil
}

var typeName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// Put creates a channel type or changes one.
func (s types) Put(ctx context.Context, by core.Actor, in core.PutType) (core.ChannelType, error) {
	e := s.e
	const op = "types.put"
	var out core.ChannelType
	if err := serverOnly(by, "changing channel types"); err != nil {
		return out, translate(op, err)
	}
	if !typeName.MatchString(in.Name) {
		return out, translate(op, fault.RequestInvalidField.Error("the name of a channel type is made of letters, digits, - and _"))
	}
	app, err := e.app(ctx, by.App)
	if err != nil {
		return out, translate(op, err)
	}
	known, err := e.commandNames(ctx, by.App)
	if err != nil {
		return out, translate(op, err)
	}
	err = e.update(ctx, op, by.App, 0, func(t *txn) error {
		old, err := e.readType(ctx, t, by.App, in.Name)
		switch {
		case in.Create && err == nil:
			return fault.RequestInvalid.Error(fmt.Sprintf("channel type %q already exists", in.Name))
		case in.Create && fault.IsReason(err, fault.ResourceNotFound):
			all, err := scan[core.ChannelType](ctx, t, by.App, spaceTypes, "")
			if err != nil {
				return err
			}
			if countTypes(all) >= maxTypes {
				return fault.LimitReached.Error(fmt.Sprintf("an app has at most %d channel types", maxTypes))
			}
			old = defaultType(app, in.Name)
			old.CreatedAt = e.now()
		case err != nil:
			return err
		}
		out = cloneType(&old)
		if in.Change != nil {
			if err := in.Change(&out); err != nil {
				return err
			}
		}
		out.Name, out.CreatedAt, out.UpdatedAt = in.Name, old.CreatedAt, e.now()
		if err := checkType(&out, known); err != nil {
			return err
		}
		t.forget(invalidation{App: by.App, Types: []string{in.Name}})
		return putJSON(t, spaceTypes, in.Name, &out)
	})
	return out, err
}

// countTypes counts the stored and the built-in types together.
func countTypes(stored []core.ChannelType) int {
	n := len(builtinTypes)
	for i := range stored {
		if !slices.Contains(builtinTypes, stored[i].Name) {
			n++
		}
	}
	return n
}

// cloneType copies what a Change may write to.
func cloneType(t *core.ChannelType) core.ChannelType {
	c := *t
	c.Features = make(core.Features, len(t.Features))
	for k, v := range t.Features {
		c.Features[k] = v
	}
	c.Commands = slices.Clone(t.Commands)
	c.Blocklists = slices.Clone(t.Blocklists)
	c.Grants = overrideGrants(t.Grants, nil)
	return c
}

// oneOf lists what the enumerated settings of a type may be.
var oneOf = map[string][]string{
	"automod":            {"disabled", "simple", "AI"},
	"automod_behavior":   {"flag", "block", "shadow_block"},
	"blocklist_behavior": {"", "flag", "block", "shadow_block"},
}

func checkType(t *core.ChannelType, commands []string) error {
	for _, f := range []struct{ name, value string }{
		{"automod", t.Automod}, {"automod_behavior", t.AutomodBehavior}, {"blocklist_behavior", t.BlocklistBehavior},
	} {
		if !slices.Contains(oneOf[f.name], f.value) {
			return fault.RequestInvalidField.Error(fmt.Sprintf("%s must not be %q", f.name, f.value))
		}
	}
	if t.MaxLength < 1 || t.MaxLength > maxMaxLength {
		return fault.RequestInvalidField.Error(fmt.Sprintf("max_message_length must be between 1 and %d", maxMaxLength))
	}
	if len(t.Blocklists) > maxOwnLists {
		return fault.RequestInvalidField.Error("too many blocklists")
	}
	for _, b := range t.Blocklists {
		if !slices.Contains(oneOf["blocklist_behavior"][1:], b.Behavior) {
			return fault.RequestInvalidField.Error(fmt.Sprintf("blocklists: behavior must not be %q", b.Behavior))
		}
	}
	t.Commands = expandSets(t.Commands)
	for _, c := range t.Commands {
		if !slices.Contains(commands, c) {
			return fault.RequestInvalidField.Error(fmt.Sprintf("command %q does not exist", c))
		}
	}
	return checkGrants(t.Grants)
}

// checkGrants refuses permissions that are not in the vocabulary.
func checkGrants(gs []core.RoleGrants) error {
	for _, g := range gs {
		for _, p := range g.Permissions {
			if _, ok := perm.Lookup(trimBang(p)); !ok {
				return fault.RequestInvalidField.Error(fmt.Sprintf("permission %q does not exist", p))
			}
		}
	}
	return nil
}

func trimBang(p string) string {
	if len(p) > 0 && p[0] == '!' {
		return p[1:]
	}
	return p
}

// Delete removes a channel type that no live channel uses. A built-in type cannot be removed.
func (s types) Delete(ctx context.Context, by core.Actor, in core.DeleteType) (core.ChannelType, error) {
	e := s.e
	const op = "types.delete"
	var out core.ChannelType
	if err := serverOnly(by, "deleting channel types"); err != nil {
		return out, translate(op, err)
	}
	err := e.update(ctx, op, by.App, 0, func(t *txn) error {
		var err error
		if out, err = e.readType(ctx, t, by.App, in.Name); err != nil {
			return err
		}
		if slices.Contains(builtinTypes, in.Name) {
			return fault.RequestInvalid.Error(fmt.Sprintf("the built-in channel type %q cannot be deleted", in.Name))
		}
		used, err := t.FindChannels(ctx, by.App, store.Query{Filter: core.Cond("type", core.OpEq, core.Text(in.Name)), Limit: 1})
		if err != nil {
			return err
		}
		if len(used) > 0 {
			return fault.RequestInvalid.Error(fmt.Sprintf("cannot delete channel type %q because there are still channels of this type", in.Name))
		}
		t.forget(invalidation{App: by.App, Types: []string{in.Name}})
		return t.DeleteRecord(by.App, spaceTypes, in.Name)
	})
	return out, err
}

// List reads all channel types, built-in ones first.
func (s types) List(ctx context.Context, by core.Actor, _ core.ListTypes) ([]core.ChannelType, error) {
	const op = "types.list"
	stored, err := scan[core.ChannelType](ctx, s.e.store, by.App, spaceTypes, "")
	if err != nil {
		return nil, translate(op, err)
	}
	var out []core.ChannelType
	for _, name := range builtinTypes {
		t, err := s.e.ctype(ctx, by.App, name)
		if err != nil {
			return nil, translate(op, err)
		}
		out = append(out, *t)
	}
	for i := range stored {
		if !slices.Contains(builtinTypes, stored[i].Name) {
			out = append(out, stored[i])
		}
	}
	return out, nil
}
