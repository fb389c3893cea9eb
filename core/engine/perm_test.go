package engine_test

import (
	"slices"
	"strings"
	"testing"

	"dragoman/core"
	"dragoman/core/fault"
)

func TestSendNeedsMembershipExceptWhereTypesAreOpen(t *testing.T) {
	w := newEngine(t, nil, "alice", "bob")
	for _, c := range []struct {
		typ  string
		want *fault.Reason
	}{
		{"messaging", fault.PermissionDenied}, {"team", fault.PermissionDenied}, {"livestream", nil}, {"gaming", fault.PermissionDenied},
	} {
		_, err := w.core().Channels.Open(t.Context(), w.server(), core.OpenChannel{Type: c.typ, ID: "x", Input: core.ChannelInput{CreatedBy: "alice"}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.core().Messages.Send(t.Context(), w.as("bob"), core.SendMessage{Key: core.KeyOf(c.typ, "x"), Message: core.MessageInput{Text: "hi"}})
		w.wants(err, c.want)
		if c.want != nil {
			want := "User 'bob' with role 'user' is not allowed to perform action CreateMessage in scope '" + c.typ + "'"
			if got := fault.From(err).Detail; got != want {
				t.Errorf("detail %q, want %q", got, want)
			}
		}
	}
}

func TestFailureNamesEveryRole(t *testing.T) {
	w := newEngine(t, nil, "alice", "bob")
	key := w.group("g", "alice", "bob")
	_, err := w.core().Moderation.Ban(t.Context(), w.as("bob"), core.SetBan{User: "alice", Key: key})
	want := "User 'bob' with roles ['user','channel_member'] is not allowed to perform action BanChannelMember in scope 'messaging'"
	if got := fault.From(err); got == nil || got.Detail != want {
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestChannelGrantsTakeAwayAndAdd(t *testing.T) {
	w := newEngine(t, nil, "alice", "bob")
	key := w.group("g", "alice", "bob")
	_, err := w.core().Channels.Update(t.Context(), w.server().As("alice"), core.UpdateChannel{Key: key, Change: func(c *core.Channel) error {
		c.Overrides.Grants = []core.RoleGrants{{Role: "channel_member", Permissions: []string{"!create-message", "ban-channel-member"}}}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.core().Messages.Send(t.Context(), w.as("bob"), core.SendMessage{Key: key, Message: core.MessageInput{Text: "hi"}})
	w.wants(err, fault.PermissionDenied)
	_, err = w.core().Moderation.Ban(t.Context(), w.as("bob"), core.SetBan{User: "alice", Key: key})
	w.wants(err, nil)
}

func TestTeamsKeepPeopleApart(t *testing.T) {
	w := newEngine(t, nil)
	w.settings(func(s *core.AppSettings) { s.Teams = true })
	_, err := w.core().Users.Upsert(t.Context(), w.server(), core.UpsertUsers{Users: []core.User{
		{ID: "ann", Teams: []string{"red"}}, {ID: "ben", Teams: []string{"blue"}}, {ID: "gil", Role: "global_admin"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	open := func(id, team string) core.ChannelKey {
		st, err := w.core().Channels.Open(t.Context(), w.server(), core.OpenChannel{Type: "livestream", ID: id, Input: core.ChannelInput{Team: team, CreatedBy: "gil"}})
		if err != nil {
			t.Fatal(err)
		}
		return st.Channel.Key
	}
	red, none := open("r", "red"), open("n", "")
	send := func(u core.UserID, key core.ChannelKey) error {
		_, err := w.core().Messages.Send(t.Context(), w.as(u), core.SendMessage{Key: key, Message: core.MessageInput{Text: "hi"}})
		return err
	}
	w.wants(send("ann", red), nil)
	w.wants(send("ben", red), fault.PermissionDenied)
	w.wants(send("gil", red), nil)
	err = send("ann", none)
	w.wants(err, fault.PermissionDenied)
	if !strings.Contains(err.Error(), "does not belong to any team") {
		t.Errorf("detail: %v", err)
	}
	found, err := w.core().Users.Query(t.Context(), w.as("ann"), core.QueryUsers{})
	if err != nil || len(found) != 1 || found[0].ID != "ann" {
		t.Errorf("ann finds %+v, %v", found, err)
	}
}

func TestDisabledPermissionsAllowEverything(t *testing.T) {
	w := newEngine(t, nil, "alice", "bob")
	key := w.group("g", "alice")
	w.settings(func(s *core.AppSettings) { s.DisablePermissions = true })
	_, err := w.core().Messages.Send(t.Context(), w.as("bob"), core.SendMessage{Key: key, Message: core.MessageInput{Text: "hi"}})
	w.wants(err, nil)
}

func TestCapabilitiesFollowFeaturesFreezeAndCooldown(t *testing.T) {
	w := newEngine(t, nil, "alice", "bob")
	key := w.group("g", "alice", "bob")
	caps := func() []string {
		st, err := w.core().Channels.Open(t.Context(), w.as("bob"), core.OpenChannel{Type: "messaging", ID: "g"})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.IsSorted(st.Capabilities) {
			t.Errorf("not sorted: %v", st.Capabilities)
		}
		return st.Capabilities
	}
	got := caps()
	for _, c := range []string{"send-message", "read-events", "send-reaction", "leave-channel"} {
		if !slices.Contains(got, c) {
			t.Errorf("%s is missing in %v", c, got)
		}
	}
	for _, c := range []string{"slow-mode", "ban-channel-members", "send-poll", "delete-any-message"} {
		if slices.Contains(got, c) {
			t.Errorf("%s should not be in %v", c, got)
		}
	}
	w.typ("messaging", func(t *core.ChannelType) { t.Features[core.FeaturePolls], t.Features[core.FeatureReads] = true, false })
	_, err := w.core().Channels.Update(t.Context(), w.server().As("alice"), core.UpdateChannel{Key: key, Change: func(c *core.Channel) error {
		c.Cooldown = 10
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	got = caps()
	if !slices.Contains(got, "slow-mode") || !slices.Contains(got, "send-poll") || slices.Contains(got, "read-events") {
		t.Errorf("after the changes: %v", got)
	}
	_, err = w.core().Channels.Update(t.Context(), w.server().As("alice"), core.UpdateChannel{Key: key, Change: func(c *core.Channel) error {
		c.Frozen = true
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got = caps(); slices.Contains(got, "send-message") || !slices.Contains(got, "leave-channel") {
		t.Errorf("frozen: %v", got)
	}
}

func TestRolesAndTypesAreTheServersToChange(t *testing.T) {
	w := newEngine(t, nil, "alice")
	ctx, c := t.Context(), w.core()
	_, err := c.Types.Put(ctx, w.as("alice"), core.PutType{Name: "x", Create: true})
	w.wants(err, fault.PermissionDenied)
	_, err = c.Types.Get(ctx, w.server(), core.GetType{Name: "x"})
	w.wants(err, fault.ResourceNotFound)
	_, err = c.Types.Put(ctx, w.server(), core.PutType{Name: "x", Create: true, Change: func(t *core.ChannelType) error {
		t.Commands = []string{"moderation_set"}
		return nil
	}})
	w.wants(err, nil)
	_, err = c.Types.Put(ctx, w.server(), core.PutType{Name: "x", Create: true})
	w.wants(err, fault.RequestInvalid)
	got, err := c.Types.Get(ctx, w.server(), core.GetType{Name: "x"})
	if err != nil || !slices.Equal(got.Commands, []string{"ban", "unban", "mute", "unmute", "flag"}) || got.MaxLength != 5000 {
		t.Errorf("type %+v, %v", got, err)
	}
	if _, err = c.Channels.Open(ctx, w.server(), core.OpenChannel{Type: "x", ID: "1", Input: core.ChannelInput{CreatedBy: "alice"}}); err != nil {
		t.Fatal(err)
	}
	_, err = c.Types.Delete(ctx, w.server(), core.DeleteType{Name: "x"})
	w.wants(err, fault.RequestInvalid)
	_, err = c.Types.Put(ctx, w.server(), core.PutType{Name: "x", Change: func(t *core.ChannelType) error {
		t.Grants = append(t.Grants, core.RoleGrants{Role: "user", Permissions: []string{"fly"}})
		return nil
	}})
	w.wants(err, fault.RequestInvalidField)
	_, err = c.Roles.Delete(ctx, w.server(), core.DeleteRole{Name: "user"})
	w.wants(err, fault.RoleProtected)
	_, err = c.Roles.Put(ctx, w.server(), core.PutRole{Name: "vip"})
	w.wants(err, nil)
	_, err = c.Users.Upsert(ctx, w.server(), core.UpsertUsers{Users: []core.User{{ID: "v", Role: "vip"}}})
	w.wants(err, nil)
	_, err = c.Users.Upsert(ctx, w.server(), core.UpsertUsers{Users: []core.User{{ID: "v", Role: "unheard"}}})
	w.wants(err, fault.RoleNotFound)
}
