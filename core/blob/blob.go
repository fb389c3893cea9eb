// Package blob keeps the content of uploads as files of a folder.
package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Disk is a folder of blobs. A blob is written to a temporary file, flushed to the disk and then
// moved to its name, so that a name never stands for half a file.
type Disk struct {
	root *os.Root
	dir  string
}

// Open makes the folder if needed and removes what broken uploads left.
func Open(dir string) (*Disk, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	stale, err := filepath.Glob(filepath.Join(dir, tempPrefix+"*"))
	for _, f := range stale {
		err = errors.Join(err, os.Remove(f))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("blob: %w", err), root.Close())
	}
	return &Disk{root: root, dir: dir}, nil
}

// tempPrefix starts the names of files that are being written. Names of blobs never start with it.
const tempPrefix = ".part-"

// path spreads blobs over 4096 folders by the start of their name.
func path(name string) (dir, file string, err error) {
	if len(name) < 4 {
		return "", "", fs.ErrNotExist
	}
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return "", "", fs.ErrNotExist
		}
	}
	return name[:2], filepath.Join(name[:2], name), nil
}

// Put stores what r holds.
func (d *Disk) Put(ctx context.Context, name string, r io.Reader) (n int64, err error) {
	dir, file, err := path(name)
	if err != nil {
		return 0, fmt.Errorf("blob: bad name %q", name)
	}
	f, err := os.CreateTemp(d.dir, tempPrefix+"*")
	if err != nil {
		return 0, fmt.Errorf("blob: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // the failure to report is the one that led here
		}
	}()
	n, err = io.Copy(f, reader{ctx, r})
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return n, fmt.Errorf("blob: %w", err)
	}
	if err = d.root.MkdirAll(dir, 0o750); err == nil {
		err = d.root.Rename(filepath.Base(f.Name()), file)
	}
	if err == nil {
		err = syncDir(filepath.Join(d.dir, dir))
	}
	if err != nil {
		return n, fmt.Errorf("blob: %w", err)
	}
	return n, nil
}

// reader stops reading when the request that uploads is over.
type reader struct {
	ctx context.Context //nolint:containedctx // lives as long as one Put
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

// syncDir makes a rename durable.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Open reads a blob.
func (d *Disk) Open(_ context.Context, name string) (io.ReadSeekCloser, error) {
	_, file, err := path(name)
	if err != nil {
		return nil, err
	}
	f, err := d.root.Open(file)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Remove deletes a blob.
func (d *Disk) Remove(_ context.Context, name string) error {
	_, file, err := path(name)
	if err != nil {
		return nil //nolint:nilerr // a name that cannot exist is not there
	}
	if err := d.root.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("blob: %w", err)
	}
	return nil
}

// Close lets go of the folder.
func (d *Disk) Close() error { return d.root.Close() }
