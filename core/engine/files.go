package engine

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/gif"  // dimensions of images
	_ "image/jpeg" // dimensions of images
	_ "image/png"  // dimensions of images
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path/filepath"
	"slices"
	"strings"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/perm"
)

type files struct{ e *Engine }

// Limits of uploads.
const (
	maxUpload    = 100 << 20
	maxFileName  = 255
	sniffBytes   = 512
	maxImageHead = 256 << 10 // how much of an image is read for its dimensions
)

// imageTypes are the media types that count as images.
var imageTypes = []string{
	"image/bmp", "image/gif", "image/jpeg", "image/png", "image/webp", "image/heic", "image/heif", "image/svg+xml",
	"image/heic-sequence", "image/heif-sequence",
}

// storedFile is an upload and where it belongs.
type storedFile struct {
	core.File
	Key core.ChannelKey
}

// Upload stores a file.
func (s files) Upload(ctx context.Context, by core.Actor, in core.UploadFile) (core.File, error) {
	f, err := s.upload(ctx, by, in)
	return f, translate("files.upload", err)
}

func (s files) upload(ctx context.Context, by core.Actor, in core.UploadFile) (core.File, error) {
	e := s.e
	if e.opts.Blobs == nil {
		return core.File{}, fault.ServiceNotEnabled.Error("uploads are not enabled")
	}
	app, err := e.app(ctx, by.App)
	if err != nil {
		return core.File{}, err
	}
	if err := e.planned(ctx, by.App, core.PlanFiles); err != nil {
		return core.File{}, err
	}
	if err := s.place(ctx, by, in.Key, perm.UploadAttachment, false); err != nil {
		return core.File{}, err
	}
	rules := app.Settings.FileUpload
	if in.Image {
		rules = app.Settings.ImageUpload
	}
	limit := cmp.Or(rules.SizeLimit, maxUpload)
	if in.Size > limit {
		return core.File{}, fault.FileTooLarge.Error(fmt.Sprintf("the file is larger than %d bytes", limit))
	}
	f := core.File{ID: randomID(24), Name: safeName(in.Name), Owner: by.User, CreatedAt: e.now()}
	head := make([]byte, sniffBytes)
	n, err := io.ReadFull(in.Body, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		if errors.Is(err, io.EOF) {
			return f, fault.FileInvalid.Error("the file is empty")
		}
		return f, fault.FileTransferFailed.Wrap(err)
	}
	head = head[:n]
	f.Type = mediaType(f.Name, in.Type, head)
	if in.Image && !slices.Contains(imageTypes, f.Type) {
		return f, fault.FileInvalid.Error(fmt.Sprintf("%s is not an image that can be uploaded", f.Type))
	}
	if err := allowed(&rules, f.Name, f.Type); err != nil {
		return f, err
	}
	body := io.MultiReader(bytes.NewReader(head), in.Body)
	var start bytes.Buffer
	counted := &io.LimitedReader{R: body, N: limit + 1}
	if f.Size, err = e.opts.Blobs.Put(ctx, f.ID, io.TeeReader(counted, &headOf{&start, maxImageHead})); err != nil {
		if ctx.Err() != nil {
			return f, fault.From(ctx.Err())
		}
		return f, fault.FileTransferFailed.Wrap(err)
	}
	if f.Size > limit {
		return f, errors.Join(fault.FileTooLarge.Error(fmt.Sprintf("the file is larger than %d bytes", limit)), e.opts.Blobs.Remove(ctx, f.ID))
	}
	if strings.HasPrefix(f.Type, "image/") {
		if c, _, err := image.DecodeConfig(&start); err == nil {
			f.Width, f.Height = c.Width, c.Height
		}
	}
	err = e.update(ctx, "files.upload", by.App, 0, func(t *txn) error {
		return putJSON(t, spaceFiles, f.ID, &storedFile{f, in.Key})
	})
	if err != nil {
		return f, errors.Join(err, e.opts.Blobs.Remove(context.WithoutCancel(ctx), f.ID))
	}
	return f, nil
}

// place checks the permission in the channel of a file, or that the actor is somebody.
func (s files) place(ctx context.Context, by core.Actor, key core.ChannelKey, p perm.ID, own bool) error {
	if key == "" {
		if by.Access == core.AccessAnonymous {
			return fault.PermissionDenied.Error("anonymous users cannot upload files")
		}
		return nil
	}
	sc, err := s.e.enter(ctx, by, key)
	if err != nil {
		return err
	}
	if err := sc.need(core.FeatureUploads, "uploads"); err != nil {
		return err
	}
	return s.e.can(sc, p, own || sc.owns())
}

// headOf keeps the first bytes written to it.
type headOf struct {
	buf *bytes.Buffer
	max int
}

func (h *headOf) Write(p []byte) (int, error) {
	if room := h.max - h.buf.Len(); room > 0 {
		h.buf.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

// safeName keeps the last part of a name, without control characters.
func safeName(name string) string {
	name = filepath.Base(strings.ReplaceAll(name, "\\", "/"))
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	if name == "." || name == "/" || name == "" {
		name = "file"
	}
	if len(name) > maxFileName {
		ext := filepath.Ext(name)
		if len(ext) > 20 {
			ext = ""
		}
		name = strings.ToValidUTF8(name[:maxFileName-len(ext)], "") + ext
	}
	return name
}

// mediaType decides what a file is: by its content where that is certain, else by what the client
// declares, else by its name.
func mediaType(name, declared string, head []byte) string {
	sniffed, _, _ := strings.Cut(http.DetectContentType(head), ";")
	if sniffed != "application/octet-stream" && sniffed != "text/plain" && sniffed != "text/xml" {
		return sniffed
	}
	for _, t := range []string{declared, mime.TypeByExtension(filepath.Ext(name))} {
		if m, _, err := mime.ParseMediaType(t); err == nil && m != "" && m != "application/octet-stream" {
			return m
		}
	}
	return sniffed
}

// allowed applies the app's rules on names and types.
func allowed(r *core.UploadRules, name, typ string) error {
	ext := strings.ToLower(filepath.Ext(name))
	in := func(list []string, v string) bool {
		return slices.ContainsFunc(list, func(x string) bool {
			x = strings.ToLower(x)
			return x == v || "."+x == v || strings.HasSuffix(x, "/*") && strings.HasPrefix(v, strings.TrimSuffix(x, "*"))
		})
	}
	switch {
	case len(r.AllowedExtensions) > 0 && !in(r.AllowedExtensions, ext), in(r.BlockedExtensions, ext) && ext != "":
		return fault.FileInvalid.Error(fmt.Sprintf("files with the extension %q cannot be uploaded", ext))
	case len(r.AllowedTypes) > 0 && !in(r.AllowedTypes, typ), in(r.BlockedTypes, typ):
		return fault.FileInvalid.Error(fmt.Sprintf("files of type %s cannot be uploaded", typ))
	}
	return nil
}

// Open reads a file by id.
func (s files) Open(ctx context.Context, by core.Actor, in core.OpenFile) (core.OpenedFile, error) {
	e := s.e
	const op = "files.open"
	f, found, err := record[storedFile](ctx, e.store, by.App, spaceFiles, in.ID)
	if err == nil && (!found || e.opts.Blobs == nil) {
		err = fault.FileNotFound.Error("the file does not exist")
	}
	if err != nil {
		return core.OpenedFile{}, translate(op, err)
	}
	body, err := e.opts.Blobs.Open(ctx, f.ID)
	if errors.Is(err, fs.ErrNotExist) {
		err = fault.FileNotFound.Error("the file does not exist")
	}
	return core.OpenedFile{File: f.File, Body: body}, translate(op, err)
}

// Remove deletes a file of the actor's own, or any with the permission to.
func (s files) Remove(ctx context.Context, by core.Actor, in core.RemoveFile) (core.File, error) {
	e := s.e
	const op = "files.remove"
	f, found, err := record[storedFile](ctx, e.store, by.App, spaceFiles, in.ID)
	if err == nil && (!found || e.opts.Blobs == nil) {
		err = fault.FileNotFound.Error("the file does not exist")
	}
	if err != nil {
		return f.File, translate(op, err)
	}
	own := f.Owner == by.User
	if f.Key != "" && !by.Server() {
		err = s.place(ctx, by, f.Key, perm.DeleteAttachment, own)
	} else if !own && !by.Server() {
		err = fault.PermissionDenied.Error("only the owner may remove a file")
	}
	if err != nil {
		return f.File, translate(op, err)
	}
	err = e.update(ctx, op, by.App, 0, func(t *txn) error { return t.DeleteRecord(by.App, spaceFiles, in.ID) })
	if err != nil {
		return f.File, err
	}
	if err := e.opts.Blobs.Remove(ctx, in.ID); err != nil {
		e.opts.Report("the content of a removed file stays behind", err)
	}
	return f.File, nil
}
