package engine

import (
	"context"
	"fmt"
	"slices"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/store"
)

type commands struct{ e *Engine }

// maxCommands bounds an app's own commands.
const maxCommands = 50

// Sets of commands that a channel type may name in place of their members.
const (
	setAll        = "all"
	setFun        = "fun_set"
	setModeration = "moderation_set"
)

// builtinCommands are the commands every app has, in the order they are listed.
var builtinCommands = []core.Command{
	{Name: "giphy", Description: "Post a random gif to the channel", Args: "[text]", Set: setFun},
	{Name: "ban", Description: "Ban a user", Args: "[@username] [text]", Set: setModeration},
	{Name: "unban", Description: "Unban a user", Args: "[@username]", Set: setModeration},
	{Name: "mute", Description: "Mute a user", Args: "[@username]", Set: setModeration},
	{Name: "unmute", Description: "Unmute a user", Args: "[@username]", Set: setModeration},
	{Name: "flag", Description: "Flag a user", Args: "[@username]", Set: setModeration},
}

// expandSets replaces the names of sets by their members, each command once.
func expandSets(names []string) []string {
	var out []string
	add := func(n string) {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	for _, n := range names {
		known := false
		for i := range builtinCommands {
			if n == setAll || n == builtinCommands[i].Set {
				add(builtinCommands[i].Name)
				known = true
			}
		}
		if !known {
			add(n)
		}
	}
	return out
}

func builtin(name string) (core.Command, bool) {
	i := slices.IndexFunc(builtinCommands, func(c core.Command) bool { return c.Name == name })
	if i < 0 {
		return core.Command{}, false
	}
	return builtinCommands[i], true
}

// commandNames lists what a channel type may name.
func (e *Engine) commandNames(ctx context.Context, app core.AppID) ([]string, error) {
	var out []string
	for i := range builtinCommands {
		out = append(out, builtinCommands[i].Name)
	}
	own, err := scan[core.Command](ctx, e.store, app, spaceCommands, "")
	for i := range own {
		out = append(out, own[i].Name)
	}
	return out, err
}

func (e *Engine) readCommand(ctx context.Context, r store.Reader, app core.AppID, name string) (core.Command, error) {
	c, found, err := record[core.Command](ctx, r, app, spaceCommands, name)
	if err != nil || found {
		return c, err
	}
	if b, ok := builtin(name); ok {
		return b, nil
	}
	return c, fault.ResourceNotFound.Error(fmt.Sprintf("command %q does not exist", cut(name)))
}

// Get reads a command.
func (s commands) Get(ctx context.Context, by core.Actor, in core.GetCommand) (core.Command, error) {
	const op = "commands.get"
	if err := serverOnly(by, "reading commands"); err != nil {
		return core.Command{}, translate(op, err)
	}
	c, err := s.e.readCommand(ctx, s.e.store, by.App, in.Name)
	return c, translate(op, err)
}

// Put creates a command or changes one of the app's own.
func (s commands) Put(ctx context.Context, by core.Actor, in core.PutCommand) (core.Command, error) {
	e := s.e
	const op = "commands.put"
	var out core.Command
	if err := serverOnly(by, "changing commands"); err != nil {
		return out, translate(op, err)
	}
	if !typeName.MatchString(in.Name) {
		return out, translate(op, fault.RequestInvalidField.Error("the name of a command is made of letters, digits, - and _"))
	}
	if _, ok := builtin(in.Name); ok || slices.Contains([]string{setAll, setFun, setModeration}, in.Name) {
		return out, translate(op, fault.RequestInvalid.Error(fmt.Sprintf("the name %q belongs to a built-in command", in.Name)))
	}
	err := e.update(ctx, op, by.App, 0, func(t *txn) error {
		old, found, err := record[core.Command](ctx, t, by.App, spaceCommands, in.Name)
		switch {
		case err != nil:
			return err
		case in.Create && found:
			return fault.RequestInvalid.Error(fmt.Sprintf("command %q already exists", in.Name))
		case !in.Create && !found:
			return fault.ResourceNotFound.Error(fmt.Sprintf("command %q does not exist", in.Name))
		case !found:
			all, err := scan[core.Command](ctx, t, by.App, spaceCommands, "")
			if err != nil {
				return err
			}
			if len(all) >= maxCommands {
				return fault.LimitReached.Error(fmt.Sprintf("an app has at most %d custom commands", maxCommands))
			}
			old.CreatedAt = e.now()
		}
		out = old
		if in.Change != nil {
			if err := in.Change(&out); err != nil {
				return err
			}
		}
		out.Name, out.CreatedAt, out.UpdatedAt = in.Name, old.CreatedAt, e.now()
		return putJSON(t, spaceCommands, in.Name, &out)
	})
	return out, err
}

// Delete removes a command of the app's own. Channel types that name it go on doing so, to no effect
// but a failure when it is used.
func (s commands) Delete(ctx context.Context, by core.Actor, in core.DeleteCommand) (core.Command, error) {
	e := s.e
	const op = "commands.delete"
	var out core.Command
	if err := serverOnly(by, "deleting commands"); err != nil {
		return out, translate(op, err)
	}
	err := e.update(ctx, op, by.App, 0, func(t *txn) error {
		var found bool
		var err error
		out, found, err = record[core.Command](ctx, t, by.App, spaceCommands, in.Name)
		if err != nil {
			return err
		}
		if !found {
			return fault.ResourceNotFound.Error(fmt.Sprintf("command %q does not exist", cut(in.Name)))
		}
		return t.DeleteRecord(by.App, spaceCommands, in.Name)
	})
	return out, err
}

// List reads all commands, built-in ones first.
func (s commands) List(ctx context.Context, by core.Actor, _ core.ListCommands) ([]core.Command, error) {
	const op = "commands.list"
	if err := serverOnly(by, "reading commands"); err != nil {
		return nil, translate(op, err)
	}
	own, err := scan[core.Command](ctx, s.e.store, by.App, spaceCommands, "")
	if err != nil {
		return nil, translate(op, err)
	}
	return append(slices.Clone(builtinCommands), own...), nil
}
