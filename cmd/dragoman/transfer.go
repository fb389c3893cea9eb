package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"go.uber.org/zap"

	"dragoman/config"
	"dragoman/core"
	"dragoman/core/blob"
	"dragoman/core/engine"
	"dragoman/core/store"
	"dragoman/core/transfer"
)

// dataFlags name a database: by a configuration, or the folder of a demo.
type dataFlags struct {
	configFlag
	Data string `placeholder:"DIR" help:"Folder of a demo that was served with --data, instead of a configuration. Its apps are demo and demo-two."`
}

// open opens the database and finds the app by name, or makes it when create is set. No server may
// run on the database meanwhile.
func (f dataFlags) open(ctx context.Context, s streams, name string, create bool) (*config.Config, store.Store, core.App, error) {
	var app core.App
	c := config.Demo("127.0.0.1", 8080, f.Data)
	if f.Data == "" {
		var err error
		if c, _, err = f.load(s); err != nil {
			return nil, nil, app, err
		}
		if c == nil {
			return nil, nil, app, usagef("There is no configuration file: name one with --config, or the folder of a demo with --data.")
		}
		if c.Core.Kind == config.CoreRemote {
			return nil, nil, app, usagef("The configuration is that of a sidecar, which has no store: run this with the configuration of a core node.")
		}
	}
	if !slices.ContainsFunc(c.Apps, func(a config.App) bool { return a.Name == name }) {
		return nil, nil, app, usagef("There is no app %q in the configuration.", name)
	}
	db, err := openStore(ctx, c, zap.NewNop())
	if err != nil && c.Store.Kind == config.StoreSQLite {
		return nil, nil, app, fmt.Errorf("no server may run on the file meanwhile: %w", err)
	}
	if err != nil {
		return nil, nil, app, err
	}
	app, err = findApp(ctx, db, name, create)
	if err != nil {
		return nil, nil, app, errors.Join(err, db.Close())
	}
	return c, db, app, nil
}

// findApp reads an app by name, or makes it.
func findApp(ctx context.Context, db store.Store, name string, create bool) (core.App, error) {
	apps, err := db.Apps(ctx)
	if err != nil {
		return core.App{}, err
	}
	for i := range apps {
		if apps[i].Name == name {
			return apps[i], nil
		}
	}
	if !create {
		return core.App{}, fmt.Errorf("the database has no app %q: it was never served", name)
	}
	a := core.App{Name: name, CreatedAt: time.Now(), UpdatedAt: time.Now()}
	err = db.Update(ctx, 0, 0, func(tx store.Tx) error { return tx.PutApp(&a) }, nil)
	return a, err
}

// exportCmd writes an app.
type exportCmd struct {
	dataFlags
	Out   string `short:"o" placeholder:"FILE" help:"File to write. Default: the output stream."`
	Files string `placeholder:"DIR" help:"Also copy the content of uploads into this folder."`
	App   string `arg:"" help:"Name of the app."`
}

// Run writes the app as JSON lines, and what it wrote to the error stream.
func (c exportCmd) Run(s streams) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	conf, db, app, err := c.open(ctx, s, c.App, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	out := s.out
	if c.Out != "" {
		f, err := os.Create(c.Out)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		out = f
	}
	m, err := transfer.Export(ctx, db, &app, out, nil)
	if err != nil {
		return err
	}
	if c.Files != "" {
		if err := copyFiles(ctx, db, app.ID, conf.Files.Dir, c.Files); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(s.err, "%ssha256 %s\n", counts(m.Lines), m.SHA256)
	return err
}

// counts lists lines by type.
func counts(n map[transfer.Type]int) string {
	var b strings.Builder
	for _, t := range []transfer.Type{
		transfer.TypeUser, transfer.TypeChannel, transfer.TypeMember, transfer.TypeMessage, transfer.TypeReaction, transfer.TypeThread, transfer.TypeMute, transfer.TypeRecord,
	} {
		if n[t] > 0 {
			fmt.Fprintf(&b, "%-10s %d\n", string(t)+"s", n[t])
		}
	}
	return b.String()
}

// copyFiles copies the content of an app's uploads from one folder to another; what is there already
// stays, and what is missing was never a file of this folder.
func copyFiles(ctx context.Context, db store.Reader, app core.AppID, from, to string) (err error) {
	src, err := blob.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	dst, err := blob.Open(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	for after := ""; ; {
		rows, err := db.Records(ctx, app, engine.FilesSpace, "", after, false, 1000)
		if err != nil {
			return err
		}
		for i := range rows {
			after = rows[i].Key
			if err := copyFile(ctx, src, dst, after); err != nil {
				return fmt.Errorf("file %s: %w", after, err)
			}
		}
		if len(rows) < 1000 {
			return nil
		}
	}
}

// copyFile copies one blob unless it is there.
func copyFile(ctx context.Context, src, dst *blob.Disk, name string) error {
	if r, err := dst.Open(ctx, name); err == nil {
		return r.Close()
	}
	r, err := src.Open(ctx, name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = dst.Put(ctx, name, io.Reader(r))
	return errors.Join(err, r.Close())
}
