package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"dragoman/config"
	"dragoman/core"
	"dragoman/core/trace"
	"dragoman/web"
)

// demoPassword makes the operator's password of a demo: told in the banner, new at every start.
func demoPassword() config.Secret { return config.Secret(strings.ToLower(rand.Text()[:16])) }

// openConsole makes the operator's console, if the configuration asks for one: from then on the
// commands of the core can be watched.
func (n *node) openConsole(p *Program, ids []core.AppID) (*web.Console, error) {
	c := p.Config
	n.core = n.served
	if c.Console.Password == "" {
		return nil, nil
	}
	apps := make([]web.ConsoleApp, len(c.Apps))
	for i := range c.Apps {
		apps[i] = web.ConsoleApp{ID: ids[i], Name: c.Apps[i].Name}
	}
	o := web.ConsoleOptions{Core: n.core, Apps: apps, Password: c.Console.Password.Reveal(), Now: time.Now, Panes: c.Console.Panes}
	if p.Demo {
		o.Pane = func(ctx context.Context, app, dialect, user string) (web.PaneSetup, error) {
			for i := range apps {
				if apps[i].Name == app {
					n.enterLobby(ctx, apps[i].ID, core.UserID(user))
				}
			}
			return paneSetup(c, app, dialect, user)
		}
	}
	console, err := web.NewConsole(o)
	if err != nil {
		return nil, err
	}
	n.core = trace.Wrap(n.core)
	return console, nil
}

// enterLobby makes the person of a pane a member of the demo's group, if they are none.
func (n *node) enterLobby(ctx context.Context, app core.AppID, user core.UserID) {
	by := core.Actor{App: app, Access: core.AccessServer, Platform: "server"}
	// Who is a member already stays one, and a pane of the second app has no lobby: it says so itself.
	_, _ = n.engine.Core().Groups.Add(ctx, by, core.AddToGroup{Key: lobbyID, Members: []core.GroupMember{{User: user}}})
}

// paneSetup is how a person of the demo enters a dialect from a pane of the console.
func paneSetup(c *config.Config, app, name, user string) (web.PaneSetup, error) {
	d, err := findDialect(name)
	if err != nil {
		return web.PaneSetup{}, err
	}
	for i := range c.Apps {
		a := &c.Apps[i]
		if a.Name != app || !d.configured(a) {
			continue
		}
		token, err := d.token(a, tokenOptions{user: user, now: time.Now()})
		if err != nil {
			return web.PaneSetup{}, fmt.Errorf("token for the pane: %w", err)
		}
		s := web.PaneSetup{Dialect: name, User: user, Token: token, Room: lobbyID, Keys: map[string]string{
			"api_key": a.Stream.APIKey, "app_id": a.CometChat.AppID, "region": a.CometChat.Region, "app_key": a.Agora.AppKey(), "nexconn": a.Nexconn.AppKey,
		}}
		for _, at := range places(c) {
			if at.App == app && at.Name == name {
				s.URL = at.URL
			}
		}
		return s, nil
	}
	return web.PaneSetup{}, fmt.Errorf("the app %s does not speak %s", app, d.title)
}
