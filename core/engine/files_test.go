package engine_test

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dragoman/core"
	"dragoman/core/fault"
)

func picture(t *testing.T, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, w, h))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// broken ends in an error after its bytes, as an upload that breaks off does.
type broken struct{ r io.Reader }

func (b broken) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if errors.Is(err, io.EOF) {
		err = io.ErrClosedPipe
	}
	return n, err
}

func TestUploadRules(t *testing.T) {
	w := newEngine(t, nil, "alice", "bob")
	w.settings(func(s *core.AppSettings) {
		s.FileUpload = core.UploadRules{BlockedExtensions: []string{"exe"}, BlockedTypes: []string{"application/zip"}, SizeLimit: 2000}
		s.ImageUpload = core.UploadRules{AllowedTypes: []string{"image/png"}}
	})
	key := w.group("g", "alice")
	pic := picture(t, 30, 20)
	for _, c := range []struct {
		name string
		in   core.UploadFile
		by   core.UserID
		want *fault.Reason
	}{
		{"plain", core.UploadFile{Name: "a.txt", Body: strings.NewReader("hello"), Size: -1}, "alice", nil},
		{"empty", core.UploadFile{Name: "a.txt", Body: strings.NewReader(""), Size: -1}, "alice", fault.FileInvalid},
		{"declared too large", core.UploadFile{Name: "a.txt", Body: strings.NewReader("x"), Size: 2001}, "alice", fault.FileTooLarge},
		{"found too large", core.UploadFile{Name: "a.txt", Body: strings.NewReader(strings.Repeat("x", 2001)), Size: -1}, "alice", fault.FileTooLarge},
		{"just fits", core.UploadFile{Name: "a.txt", Body: strings.NewReader(strings.Repeat("x", 2000)), Size: 2000}, "alice", nil},
		{"blocked extension", core.UploadFile{Name: "A.EXE", Body: strings.NewReader("x"), Size: -1}, "alice", fault.FileInvalid},
		{"blocked type by content", core.UploadFile{Name: "a.txt", Type: "text/plain", Body: strings.NewReader("PK\x03\x04rest"), Size: -1}, "alice", fault.FileInvalid},
		{"image", core.UploadFile{Name: "a.png", Image: true, Body: bytes.NewReader(pic), Size: -1}, "alice", nil},
		{"text that says it is an image", core.UploadFile{Name: "a.png", Type: "image/png", Image: true, Body: strings.NewReader("<html><script>"), Size: -1}, "alice", fault.FileInvalid},
		{"image of another type", core.UploadFile{Name: "a.gif", Image: true, Body: strings.NewReader("GIF89a......"), Size: -1}, "alice", fault.FileInvalid},
		{"breaks off", core.UploadFile{Name: "a.txt", Body: broken{strings.NewReader(strings.Repeat("x", 1000))}, Size: -1}, "alice", fault.FileTransferFailed},
		{"to a channel of others", core.UploadFile{Key: key, Name: "a.txt", Body: strings.NewReader("x"), Size: -1}, "bob", fault.PermissionDenied},
		{"to one's channel", core.UploadFile{Key: key, Name: "a.txt", Body: strings.NewReader("x"), Size: -1}, "alice", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := w.core().Files.Upload(t.Context(), w.as(c.by), c.in)
			w.wants(err, c.want)
		})
	}
	var left []string
	err := filepath.WalkDir(filepath.Join(w.dir, "blobs"), func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			left = append(left, p)
		}
		return err
	})
	if err != nil || len(left) != 4 {
		t.Errorf("%d files are kept for 4 uploads: %v %v", len(left), left, err)
	}
}

func TestUploadIsReadBackAndRemoved(t *testing.T) {
	w := newEngine(t, nil, "alice", "bob")
	ctx := t.Context()
	pic := picture(t, 30, 20)
	f, err := w.core().Files.Upload(ctx, w.as("alice"), core.UploadFile{Name: "../../etc/me.png", Image: true, Body: bytes.NewReader(pic), Size: int64(len(pic))})
	if err != nil || f.Width != 30 || f.Height != 20 || f.Type != "image/png" || f.Name != "me.png" || f.Size != int64(len(pic)) || len(f.ID) < 32 {
		t.Fatalf("%+v %v", f, err)
	}
	w.restart()
	got, err := w.core().Files.Open(ctx, core.Actor{App: w.app}, core.OpenFile{ID: f.ID})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(got.Body)
	if err != nil || !bytes.Equal(body, pic) || got.File != f {
		t.Errorf("%+v %v", got.File, err)
	}
	if err := got.Body.Close(); err != nil {
		t.Error(err)
	}
	_, err = w.core().Files.Remove(ctx, w.as("bob"), core.RemoveFile{ID: f.ID})
	w.wants(err, fault.PermissionDenied)
	_, err = w.core().Files.Remove(ctx, w.as("alice"), core.RemoveFile{ID: f.ID})
	w.wants(err, nil)
	for _, id := range []string{f.ID, "nope", "../chat.db"} {
		_, err = w.core().Files.Open(ctx, w.server(), core.OpenFile{ID: id})
		w.wants(err, fault.FileNotFound)
	}
}
