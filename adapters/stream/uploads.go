package stream

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/textproto"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// maxFormField bounds the parts of an upload that are not the file, in bytes.
const maxFormField = 64 << 10

// maxFormParts bounds the parts of an upload.
const maxFormParts = 20

// maxUpload is the largest body of an upload: the largest file, and room for the other parts.
const maxUpload = defaultUpload + 1<<20

// filesPath begins the path of every uploaded file; the app, the unguessable id and the name follow.
const filesPath = "/files/"

// uploaded is a stored file and its link.
type uploaded struct {
	file core.File
	url  string
}

// upload stores the part "file" of a multipart body and answers its link. The SDKs send the file
// before the "user" a server uploads for, so a server's file is set aside until the person is known.
func (d *Dialect) upload(image, inChannel bool) func(context.Context, core.Actor, *adapters.Request) (uploaded, error) {
	return func(ctx context.Context, by core.Actor, rq *adapters.Request) (out uploaded, err error) {
		form, err := formOf(rq)
		if err != nil {
			return out, err
		}
		in := core.UploadFile{Image: image, Size: -1}
		if inChannel {
			in.Key = keyParam(rq)
		}
		part, err := form.file(rq)
		if err != nil {
			return out, err
		}
		in.Name, in.Type, in.Body = fileName(part), partType(part), part
		if by.Server() {
			spool, size, err := setAside(part)
			if err != nil {
				return out, err
			}
			defer spool.drop()
			if err := form.rest(rq); err != nil {
				return out, err
			}
			in.Body, in.Size = spool.f, size
		}
		out.file, err = d.core.Files.Upload(ctx, rq.Actor(by), in)
		if err != nil {
			return out, broken(err)
		}
		out.url = d.fileURL(rq, by.App, &out.file)
		return out, nil
	}
}

// form reads a multipart body part by part.
type form struct {
	r     *multipart.Reader
	parts int
}

// formOf begins reading the body of an upload.
func formOf(rq *adapters.Request) (*form, error) {
	typ, params, err := mime.ParseMediaType(rq.Headers.Get("Content-Type"))
	if err != nil || !strings.HasPrefix(typ, "multipart/") || params["boundary"] == "" {
		return nil, fault.RequestUnsupportedMediaType.Error("the body must be multipart/form-data")
	}
	if rq.Stream == nil {
		return nil, fault.RequestInvalid.Error("the body is empty")
	}
	return &form{r: multipart.NewReader(rq.Stream, params["boundary"])}, nil
}

// next is the next part, io.EOF at the end.
func (f *form) next() (*multipart.Part, error) {
	if f.parts++; f.parts > maxFormParts {
		return nil, fault.RequestInvalid.Error("the form has too many parts")
	}
	p, err := f.r.NextPart()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, broken(err)
	}
	return p, err
}

// file skips to the part "file"; the fields before it are taken in.
func (f *form) file(rq *adapters.Request) (*multipart.Part, error) {
	for {
		p, err := f.next()
		if errors.Is(err, io.EOF) {
			return nil, fault.RequestMissingField.Error("file is a required field")
		}
		if err != nil {
			return nil, err
		}
		if p.FormName() == "file" {
			return p, nil
		}
		if err := field(rq, p); err != nil {
			return nil, err
		}
	}
}

// rest takes in the fields after the file.
func (f *form) rest(rq *adapters.Request) error {
	for {
		p, err := f.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := field(rq, p); err != nil {
			return err
		}
	}
}

// field takes in a part that is not the file: "user" names the person a server uploads for. Sizes
// of previews are not made, so upload_sizes is read and forgotten.
func field(rq *adapters.Request, p *multipart.Part) error {
	b, err := io.ReadAll(io.LimitReader(p, maxFormField+1))
	if err != nil {
		return broken(err)
	}
	if len(b) > maxFormField {
		return fault.RequestFieldTooLong.Error("the form field " + clip(p.FormName()) + " is too long")
	}
	if p.FormName() != "user" {
		return nil
	}
	r, err := wire.Parse(b)
	if err != nil {
		return err
	}
	return actFor(rq, core.UserID(r.Text("id")))
}

// broken tells a body that broke off from a failure of the core.
func broken(err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return err
	}
	var form textproto.ProtocolError
	if errors.As(err, &form) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || strings.HasPrefix(err.Error(), "multipart:") {
		return fault.RequestInvalid.Error("the multipart body is not well formed").Cause(err)
	}
	return fault.FileTransferFailed.Wrap(err)
}

// spool is a file on the way from a server.
type spool struct{ f *os.File }

// setAside writes the part to a temporary file and rewinds it.
func setAside(p *multipart.Part) (spool, int64, error) {
	f, err := os.CreateTemp("", "dragoman-upload-*")
	if err != nil {
		return spool{}, 0, fault.FileTransferFailed.Wrap(err)
	}
	s := spool{f}
	n, err := io.Copy(f, p)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		s.drop()
		return spool{}, 0, broken(err)
	}
	return s, n, nil
}

// drop closes and removes the temporary file.
func (s spool) drop() {
	_ = s.f.Close()
	_ = os.Remove(s.f.Name())
}

// fileName is the last element of the name the client gave.
func fileName(p *multipart.Part) string {
	name := path.Base(strings.ReplaceAll(p.FileName(), `\`, "/"))
	if name == "." || name == "/" {
		return "file"
	}
	if len(name) > 255 {
		name = name[len(name)-255:]
	}
	return strings.ToValidUTF8(name, "_")
}

// partType is the media type the client gave, empty for those that tell nothing.
func partType(p *multipart.Part) string {
	typ, _, err := mime.ParseMediaType(p.Header.Get("Content-Type"))
	if err != nil || typ == "application/octet-stream" || strings.HasPrefix(typ, "multipart/") {
		return ""
	}
	return typ
}

// fileURL is the link to a file: under the public URL, or where this request came in.
func (d *Dialect) fileURL(rq *adapters.Request, app core.AppID, f *core.File) string {
	base := strings.TrimSuffix(d.env.PublicURL, "/")
	if base == "" {
		base = orElse(rq.Scheme, "http") + "://" + rq.Host + rq.Prefix
	}
	return base + filesPath + strconv.FormatInt(int64(app), 10) + "/" + url.PathEscape(f.ID) + "/" + url.PathEscape(f.Name)
}

// encodeUploaded answers the link.
func encodeUploaded(w *wire.Writer, _ *adapters.Request, u uploaded) {
	w.Text("file", u.url)
	if u.file.Width > 0 {
		w.Text("thumb_url", u.url)
	}
}

// decodeUpload hands the request on: the body is read while the file is stored.
func decodeUpload(rq *adapters.Request) (*adapters.Request, error) { return rq, nil }

// decodeRemoveFile reads the link of the file to delete.
func decodeRemoveFile(inChannel bool) func(*adapters.Request) (core.RemoveFile, error) {
	return func(rq *adapters.Request) (core.RemoveFile, error) {
		if err := behalf(rq, nil); err != nil {
			return core.RemoveFile{}, err
		}
		q := wire.QueryOf(rq)
		link := q.Need("url")
		if err := q.Err(); err != nil {
			return core.RemoveFile{}, err
		}
		in := core.RemoveFile{ID: fileID(link)}
		if inChannel {
			in.Key = keyParam(rq)
		}
		if in.ID == "" {
			return in, fault.FileNotFound.Error("url is not the link of an uploaded file")
		}
		return in, nil
	}
}

// fileID finds the id in a link that fileURL made, or "".
func fileID(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	_, tail, ok := strings.Cut(u.EscapedPath(), filesPath)
	parts := strings.Split(tail, "/")
	if !ok || len(parts) < 2 {
		return ""
	}
	id, err := url.PathUnescape(parts[1])
	if err != nil {
		return ""
	}
	return id
}

// inlineTypes are the types a browser may show in place: none of them can carry a script.
var inlineTypes = map[string]bool{
	"image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true, "image/bmp": true, "image/avif": true,
	"image/heic": true, "image/heif": true, "audio/mpeg": true, "audio/mp4": true, "audio/ogg": true, "audio/wav": true,
	"audio/webm": true, "audio/aac": true, "video/mp4": true, "video/webm": true, "video/quicktime": true,
}

// serveFile answers the content of an upload to whoever has its link.
func (d *Dialect) serveFile(ctx context.Context, _ core.Actor, rq *adapters.Request, rs *adapters.Response) error {
	app, err := strconv.ParseInt(rq.Param("app"), 10, 64)
	if err != nil || d.secrets[core.AppID(app)] == nil {
		return fault.FileNotFound.Error("")
	}
	f, err := d.core.Files.Open(ctx, core.Actor{App: core.AppID(app), Access: core.AccessAnonymous}, core.OpenFile{ID: rq.Param("id")})
	if err != nil {
		return err
	}
	rs.Stream, rs.Length = f.Body, f.File.Size
	rs.ContentType = orElse(f.File.Type, "application/octet-stream")
	how := "attachment"
	if base, _, err := mime.ParseMediaType(rs.ContentType); err == nil && inlineTypes[base] {
		how = "inline"
	}
	rs.Set("Content-Disposition", disposition(how, f.File.Name))
	rs.Set("X-Content-Type-Options", "nosniff")
	rs.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	rs.Set("Cache-Control", "private, max-age=31536000, immutable")
	return nil
}

// disposition writes the header with the name in the form of RFC 6266 that every browser reads.
func disposition(how, name string) string {
	if v := mime.FormatMediaType(how, map[string]string{"filename": name}); v != "" {
		return v
	}
	return how
}
