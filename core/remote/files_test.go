package remote_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"dragoman/core"
	"dragoman/core/fault"
)

type fakeFiles struct{ *fake }

// Upload implements core.Files.
func (f fakeFiles) Upload(_ context.Context, _ core.Actor, in core.UploadFile) (core.File, error) {
	if in.Size > 1<<20 {
		return core.File{}, fault.FileTooLarge.Error("the file is larger than 1 MiB")
	}
	b, err := io.ReadAll(in.Body)
	if err != nil {
		return core.File{}, fault.RequestInvalid.Wrap(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.files[in.Name] = b
	return core.File{ID: in.Name, Name: in.Name, Size: int64(len(b)), Type: in.Type}, nil
}

// closable is a file in memory.
type closable struct{ *bytes.Reader }

// Close implements io.Closer.
func (closable) Close() error { return nil }

// Open implements core.Files.
func (f fakeFiles) Open(_ context.Context, _ core.Actor, in core.OpenFile) (core.OpenedFile, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b, ok := f.files[in.ID]
	if !ok {
		return core.OpenedFile{}, fault.FileNotFound.Error("no such file")
	}
	return core.OpenedFile{File: core.File{ID: in.ID, Size: int64(len(b))}, Body: closable{bytes.NewReader(b)}}, nil
}

// Remove implements core.Files.
func (f fakeFiles) Remove(_ context.Context, _ core.Actor, in core.RemoveFile) (core.File, error) {
	return core.File{ID: in.ID}, nil
}

func TestFilesGoThereAndBack(t *testing.T) {
	n := startNode(t, "a")
	k := client(t, nil, n).Core()
	data := bytes.Repeat([]byte("0123456789\n\x00\xff"), 50_000)
	file, err := k.Files.Upload(t.Context(), ann, core.UploadFile{Name: "x\n.bin", Type: "image/png", Size: 12, Body: bytes.NewReader(data)})
	if err != nil || file.Size != int64(len(data)) || file.Type != "image/png" || !bytes.Equal(n.files["x\n.bin"], data) {
		t.Fatalf("%+v, %v", file, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	got, err := k.Files.Open(ctx, ann, core.OpenFile{ID: "x\n.bin"})
	cancel() // the content is read after the command
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }()
	if b, err := io.ReadAll(got.Body); err != nil || !bytes.Equal(b, data) {
		t.Errorf("read %d bytes, %v", len(b), err)
	}
	for _, at := range []int64{600_000, 0, 17, int64(len(data))} {
		if pos, err := got.Body.Seek(at, io.SeekStart); err != nil || pos != at {
			t.Errorf("seek to %d: %d, %v", at, pos, err)
		}
		part := make([]byte, 100)
		n, err := io.ReadFull(got.Body, part)
		if want := data[at:min(int(at)+100, len(data))]; !bytes.Equal(part[:n], want) || (err != nil) != (len(want) < 100) {
			t.Errorf("at %d: %d bytes, %v", at, n, err)
		}
	}
	if end, err := got.Body.Seek(-3, io.SeekEnd); err != nil || end != int64(len(data))-3 {
		t.Errorf("seek from the end: %d, %v", end, err)
	}
	if _, err := k.Files.Open(t.Context(), ann, core.OpenFile{ID: "none"}); !fault.IsReason(err, fault.FileNotFound) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// endless is a body whose sender goes away after a while.
type endless struct {
	left int
	err  error
}

// Read implements io.Reader.
func (e *endless) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, e.err
	}
	n := min(len(p), e.left)
	e.left -= n
	return n, nil
}

func TestARefusedUploadSaysWhy(t *testing.T) {
	n := startNode(t, "a")
	k := client(t, nil, n).Core()
	_, err := k.Files.Upload(t.Context(), ann, core.UploadFile{Name: "big", Size: 8 << 20, Body: &endless{8 << 20, io.EOF}})
	if !fault.IsReason(err, fault.FileTooLarge) {
		t.Errorf("too large: %v", err)
	}
	own := fault.RequestPayloadTooLarge.Error("the client's own limit")
	_, err = k.Files.Upload(t.Context(), ann, core.UploadFile{Name: "cut", Body: &endless{300_000, own}})
	if !errors.Is(err, own) {
		t.Errorf("a body that ends badly: %v", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, stored := n.files["cut"]; stored {
		t.Error("half a file was taken for a whole one")
	}
}
