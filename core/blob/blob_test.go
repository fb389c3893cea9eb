package blob_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dragoman/core/blob"
	"dragoman/core/engine"
)

var _ engine.Blobs = (*blob.Disk)(nil)

func open(t *testing.T, dir string) *blob.Disk {
	t.Helper()
	d, err := blob.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func count(t *testing.T, dir string) int {
	t.Helper()
	n := 0
	err := filepath.WalkDir(dir, func(_ string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestBlobIsReadBackAfterReopening(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "blobs")
	ctx := t.Context()
	if n, err := open(t, dir).Put(ctx, "abcdef", strings.NewReader("content")); err != nil || n != 7 {
		t.Fatal(n, err)
	}
	d := open(t, dir)
	r, err := d.Open(ctx, "abcdef")
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil || string(b) != "content" {
		t.Errorf("%q %v", b, err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := d.Remove(ctx, "abcdef"); err != nil {
			t.Error(err)
		}
	}
	if _, err := d.Open(ctx, "abcdef"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after removing: %v", err)
	}
}

func TestNamesCannotLeaveTheFolder(t *testing.T) {
	base := t.TempDir()
	if err := os.WriteFile(filepath.Join(base, "secret"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := open(t, filepath.Join(base, "blobs"))
	for _, name := range []string{"../secret", "..", "", "ab", "a/../../secret", "ab\x00cd", ".part-1234"} {
		if _, err := d.Open(t.Context(), name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v", name, err)
		}
		if _, err := d.Put(t.Context(), name, strings.NewReader("y")); err == nil {
			t.Errorf("%q can be written", name)
		}
		if err := d.Remove(t.Context(), name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := os.Stat(filepath.Join(base, "secret")); err != nil {
		t.Error(err)
	}
}

// failing ends in an error.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("broken") }

func TestBrokenUploadLeavesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "blobs")
	d := open(t, dir)
	if _, err := d.Put(t.Context(), "abcdef", io.MultiReader(strings.NewReader("half"), failing{})); err == nil {
		t.Error("no error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Put(ctx, "abcdef", strings.NewReader("whole")); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of the request: %v", err)
	}
	if n := count(t, dir); n != 0 {
		t.Errorf("%d files left", n)
	}
}

func TestOpenClearsWhatACrashLeft(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ".part-77"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
	if n := count(t, dir); n != 0 {
		t.Errorf("%d files left", n)
	}
}
