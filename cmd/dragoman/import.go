package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"dragoman/adapters/stream"
	"dragoman/core/transfer"
)

// importCmd reads a file into an app.
type importCmd struct {
	dataFlags
	Format string `enum:"auto,dragoman,stream" default:"auto" help:"What wrote the file: ${enum}. Stream's import files and channel exports are read as JSON array or JSON lines."`
	DryRun bool   `help:"Check everything and write nothing."`
	Files  string `placeholder:"DIR" help:"Folder with the content of uploads, as export --files made it."`
	App    string `arg:"" help:"Name of the app."`
	File   string `arg:"" help:"The file."`
}

// Run imports and reports. An import that was interrupted goes on when it is started again; one that
// is done changes nothing. Refused items are listed with their lines and make the command fail.
func (c importCmd) Run(s streams) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	o := transfer.Options{DryRun: c.DryRun}
	if o.ID, o.Size, err = identify(f); err != nil {
		return err
	}
	if err := c.decoder(f, &o); err != nil {
		return err
	}
	conf, db, app, err := c.open(ctx, s, c.App, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	o.App = app.ID
	bar := newBar(s.err)
	o.Tell = bar.tell
	began := time.Now()
	r, err := transfer.Import(ctx, db, f, o)
	bar.end()
	if err == nil && !c.DryRun {
		err = db.Indexed(ctx)
	}
	if err == nil && c.Files != "" && !c.DryRun {
		err = copyFiles(ctx, db, app.ID, c.Files, conf.Files.Dir)
	}
	fmt.Fprint(s.out, reportOf(&r, c.DryRun, time.Since(began)))
	switch {
	case err != nil && ctx.Err() != nil:
		return errors.New("interrupted: start the same import again to go on")
	case err != nil:
		return err
	case r.Rejected > 0:
		return fmt.Errorf("%d items were refused", r.Rejected)
	}
	return nil
}

// identify names a file by its size and its ends, so that a moved one is known again.
func identify(f *os.File) (id string, size int64, err error) {
	st, err := f.Stat()
	if err != nil {
		return "", 0, err
	}
	const end = 1 << 20
	size = st.Size()
	h := sha256.New()
	fmt.Fprint(h, size)
	for _, at := range []int64{0, max(size-end, 0)} {
		if _, err := io.Copy(h, io.NewSectionReader(f, at, end)); err != nil {
			return "", 0, err
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), size, nil
}

// decoder finds out who wrote the file. An export of ours is checked against its manifest first.
func (c importCmd) decoder(f *os.File, o *transfer.Options) error {
	head := make([]byte, 4096)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if c.Format == "dragoman" || c.Format == "auto" && transfer.Ours(head[:n]) {
		_, err := transfer.Verify(f)
		return err
	}
	o.Decode = func(raw []byte) ([]transfer.Item, error) {
		in, err := stream.ReadImport(raw)
		out := make([]transfer.Item, len(in))
		for i := range in {
			out[i] = transfer.Of(&in[i])
		}
		return out, err
	}
	return nil
}

// reportOf tells what became of the file.
func reportOf(r *transfer.Report, dry bool, took time.Duration) string {
	var b strings.Builder
	switch {
	case dry:
		b.WriteString("dry run: nothing was written; what would be:\n")
	case r.Resumed && r.Complete:
		b.WriteString("went on with an earlier import of this file; all of it:\n")
	}
	b.WriteString(counts(r.Written))
	fmt.Fprintf(&b, "%-10s %d\n%-10s %d\n", "known", r.Duplicates, "refused", r.Rejected)
	for _, x := range r.Rejects {
		fmt.Fprintf(&b, "  line %d: %s\n", x.Line, x.Reason)
	}
	if more := r.Rejected - len(r.Rejects); more > 0 {
		fmt.Fprintf(&b, "  and %d more\n", more)
	}
	read := 0
	for _, n := range r.Read {
		read += n
	}
	fmt.Fprintf(&b, "%d items in %s\n", read, took.Round(time.Millisecond))
	return b.String()
}

// bar shows progress on a terminal, and nothing anywhere else.
type bar struct {
	w     io.Writer
	live  bool
	began time.Time
	last  time.Time
	first int64
}

func newBar(w io.Writer) *bar {
	b := &bar{w: w, began: time.Now(), first: -1}
	if f, ok := w.(*os.File); ok {
		st, err := f.Stat()
		b.live = err == nil && st.Mode()&os.ModeCharDevice != 0
	}
	return b
}

// tell draws the bar at most ten times a second.
func (b *bar) tell(r *transfer.Report, done, size int64) {
	if b.first < 0 {
		b.first = done
	}
	if !b.live || size == 0 || time.Since(b.last) < 100*time.Millisecond {
		return
	}
	b.last = time.Now()
	n := 0
	for _, v := range r.Written {
		n += v
	}
	const width = 30
	full := int(done * width / size)
	left := ""
	if gone := done - b.first; gone > 0 {
		rest := time.Duration(float64(time.Since(b.began)) * float64(size-done) / float64(gone))
		left = ", " + rest.Round(time.Second).String() + " left"
	}
	fmt.Fprintf(b.w, "\r[%s%s] %3d%% %d items, %d refused%s   ", strings.Repeat("#", full), strings.Repeat(".", width-full), done*100/size, n, r.Rejected, left)
}

// end leaves the line.
func (b *bar) end() {
	if b.live && !b.last.IsZero() {
		fmt.Fprintln(b.w)
	}
}
