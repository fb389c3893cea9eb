package main

import (
	"context"
	"fmt"
	"strings"

	"dragoman/adapters/agora"
	"dragoman/config"
	"dragoman/core"
)

// The demo's group.
const (
	lobbyID   = "lobby"
	lobbyName = "Lobby"
)

// seed creates the demo's people in every app, and the group in the first, by the same commands
// that clients use. What is there already stays as it is, so a kept folder keeps its history.
func seed(ctx context.Context, c *core.Core, list []config.App, apps []core.AppID) error {
	for i, id := range apps {
		if err := seedUsers(ctx, c, core.Actor{App: id, Access: core.AccessServer}); err != nil {
			return err
		}
		if err := seedPasswords(ctx, c, id, strings.TrimSuffix(list[i].Agora.Org, "org")); err != nil {
			return err
		}
	}
	return seedLobby(ctx, c, core.Actor{App: apps[0], Access: core.AccessServer})
}

// seedUsers creates the people who are missing.
func seedUsers(ctx context.Context, c *core.Core, by core.Actor) error {
	ids := make([]core.UserID, len(config.DemoUsers))
	for i, u := range config.DemoUsers {
		ids[i] = core.UserID(u)
	}
	there, err := c.Users.Get(ctx, by, core.GetUsers{IDs: ids})
	if err != nil {
		return fmt.Errorf("read people: %w", err)
	}
	known := map[core.UserID]bool{}
	for i := range there {
		known[there[i].ID] = true
	}
	var missing []core.User
	for _, id := range ids {
		if !known[id] {
			missing = append(missing, core.User{ID: id, Name: strings.ToUpper(string(id[:1])) + string(id[1:]), Role: core.RoleUser})
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if _, err := c.Users.Upsert(ctx, by, core.UpsertUsers{Users: missing}); err != nil {
		return fmt.Errorf("create people: %w", err)
	}
	return nil
}

// seedPasswords gives everybody who has none the password of the demo: the prefix and their name.
func seedPasswords(ctx context.Context, c *core.Core, app core.AppID, prefix string) error {
	for _, u := range config.DemoUsers {
		has, err := agora.HasPassword(ctx, c, app, core.UserID(u))
		if err == nil && !has {
			err = agora.SetPassword(ctx, c, app, core.UserID(u), prefix+u)
		}
		if err != nil {
			return fmt.Errorf("password of %s: %w", u, err)
		}
	}
	return nil
}

// seedLobby opens the group, which creates it the first time: alice owns it, bob and carol are in.
func seedLobby(ctx context.Context, c *core.Core, by core.Actor) error {
	owner := core.UserID(config.DemoUsers[0])
	in := core.ChannelInput{Name: lobbyName, CreatedBy: owner}
	for _, u := range config.DemoUsers[:3] {
		in.Members = append(in.Members, core.MemberInput{User: core.UserID(u)})
	}
	_, err := c.Channels.Open(ctx, by.As(owner), core.OpenChannel{Type: core.DefaultType, ID: lobbyID, Input: in})
	if err != nil {
		return fmt.Errorf("open the group %s: %w", lobbyID, err)
	}
	return nil
}
