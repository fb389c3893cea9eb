package stream

import (
	"context"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
)

// decodePutCommand reads a slash command, new or changed.
func decodePutCommand(create bool) func(*adapters.Request) (core.PutCommand, error) {
	return func(rq *adapters.Request) (core.PutCommand, error) {
		r, err := body(rq)
		if err != nil {
			return core.PutCommand{}, err
		}
		in := core.PutCommand{Name: rq.Param("name"), Create: create}
		if create {
			in.Name = r.Need("name")
		}
		var steps []func(*core.Command)
		for _, x := range []struct {
			name  string
			field func(*core.Command) *string
		}{
			{"description", func(c *core.Command) *string { return &c.Description }},
			{"args", func(c *core.Command) *string { return &c.Args }},
			{"set", func(c *core.Command) *string { return &c.Set }},
		} {
			if v := r.TextMax(x.name, maxCommandText); r.Has(x.name) {
				steps = append(steps, func(c *core.Command) { *x.field(c) = v })
			}
		}
		in.Change = func(c *core.Command) error {
			for _, step := range steps {
				step(c)
			}
			return nil
		}
		return in, r.Err()
	}
}

// putCommand writes a command; descriptions kept for answers are read anew.
func (d *Dialect) putCommand(ctx context.Context, by core.Actor, in core.PutCommand) (core.Command, error) {
	defer d.forgetBook(by.App)
	return d.core.Commands.Put(ctx, by, in)
}

// deleteCommand removes a command.
func (d *Dialect) deleteCommand(ctx context.Context, by core.Actor, in core.DeleteCommand) (core.Command, error) {
	defer d.forgetBook(by.App)
	return d.core.Commands.Delete(ctx, by, in)
}

// decodeGetCommand reads which command.
func decodeGetCommand(rq *adapters.Request) (core.GetCommand, error) {
	return core.GetCommand{Name: rq.Param("name")}, nil
}

// decodeDeleteCommand reads which command to remove.
func decodeDeleteCommand(rq *adapters.Request) (core.DeleteCommand, error) {
	return core.DeleteCommand{Name: rq.Param("name")}, nil
}

// encodePutCommand answers a write of a command.
func encodePutCommand(w *wire.Writer, _ *adapters.Request, c core.Command) {
	w.Key("command")
	writeCommand(w, c)
}

// encodeCommand answers a read of a command: its members stand at the top.
func encodeCommand(w *wire.Writer, _ *adapters.Request, c core.Command) {
	w.Text("name", c.Name)
	w.Text("description", c.Description)
	w.Text("args", c.Args)
	w.Text("set", c.Set)
	w.TimeIf("created_at", c.CreatedAt)
	w.TimeIf("updated_at", c.UpdatedAt)
}

// encodeDeletedCommand answers a removal with the name.
func encodeDeletedCommand(w *wire.Writer, _ *adapters.Request, c core.Command) {
	w.Text("name", c.Name)
}

// encodeCommands answers all commands.
func encodeCommands(w *wire.Writer, _ *adapters.Request, cs []core.Command) {
	w.List("commands")
	for _, c := range cs {
		writeCommand(w, c)
	}
	w.CloseList()
}
