package cometchat

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// Limits of forms.
const (
	maxFormField = 64 << 10 // bytes of a part that is no file
	maxFormParts = 64
)

// filesPath begins the path of every uploaded file; the app, the unguessable id and the name follow.
const filesPath = "/files/"

// fileRoutes serve what was uploaded.
func (d *Dialect) fileRoutes() []adapters.Route {
	return []adapters.Route{
		{Method: "GET", Path: filesPath + ":app/:id/*name", Name: "readFile", Gate: adapters.GateOpen, Doc: "The content of an upload.", Serve: d.serveFile},
	}
}

// readForm reads a message with files: fields type, receiverType, category, receiver, tags and data
// (JSON in a text), and any number of files. Fields may follow the files, so that a file is stored
// before its message is judged; nothing links to one whose message is refused.
func (d *Dialect) readForm(ctx context.Context, by core.Actor, rq *adapters.Request) (sendRequest, error) {
	typ, params, err := mime.ParseMediaType(rq.Headers.Get("Content-Type"))
	if err != nil || !strings.HasPrefix(typ, "multipart/") || params["boundary"] == "" {
		return sendRequest{}, fault.RequestInvalid.Error("The body must be JSON or multipart/form-data.")
	}
	parts := multipart.NewReader(rq.Stream, params["boundary"])
	fields := wire.NewWriter(1024)
	fields.Open()
	var files []attachment
	var tags []string
	for n := 0; ; n++ {
		p, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return sendRequest{}, broken(err)
		}
		if n == maxFormParts || len(files) > maxFiles {
			return sendRequest{}, fault.RequestInvalid.Error("The form has too many parts.")
		}
		if p.FileName() != "" {
			a, err := d.store(ctx, by, rq, p)
			if err != nil {
				return sendRequest{}, err
			}
			files = append(files, a)
			continue
		}
		if err := formField(fields, p, &tags); err != nil {
			return sendRequest{}, err
		}
	}
	if len(tags) > 0 {
		fields.Texts("tags", tags)
	}
	fields.Close()
	r, err := wire.Parse(fields.Bytes())
	if err != nil {
		return sendRequest{}, invalid(err)
	}
	kind := scalar(&r, "type")
	for i := range files {
		files[i].kind = kind
	}
	return readMessage(&r, rq.Headers.Get("resource"), files)
}

// formField takes in a part that is no file. Data is JSON in a text.
func formField(w *wire.Writer, p *multipart.Part, tags *[]string) error {
	b, err := io.ReadAll(io.LimitReader(p, maxFormField+1))
	if err != nil {
		return broken(err)
	}
	if len(b) > maxFormField {
		return fault.RequestInvalid.Error("A field of the form is too long.")
	}
	name, text := strings.TrimSuffix(p.FormName(), "[]"), strings.ToValidUTF8(string(b), "\ufffd")
	switch name {
	case "data":
		if !gjson.Valid(text) {
			return bad(fault.RequestInvalidField, "metadata", "The data of the message must be valid JSON.")
		}
		w.Raw("data", []byte(text))
	case "tags":
		if strings.HasPrefix(text, "[") && gjson.Valid(text) {
			for _, t := range gjson.Parse(text).Array() {
				*tags = append(*tags, t.String())
			}
			return nil
		}
		*tags = append(*tags, text)
	default:
		w.KeyOf(name)
		w.Item(text)
	}
	return nil
}

// store uploads one file of a form.
func (d *Dialect) store(ctx context.Context, by core.Actor, rq *adapters.Request, p *multipart.Part) (attachment, error) {
	name := path.Base(strings.ReplaceAll(p.FileName(), `\`, "/"))
	if name == "." || name == "/" {
		name = "file"
	}
	name = strings.ToValidUTF8(name[max(0, len(name)-255):], "_")
	typ, _, err := mime.ParseMediaType(p.Header.Get("Content-Type"))
	if err != nil || typ == "application/octet-stream" || strings.HasPrefix(typ, "multipart/") {
		typ = ""
	}
	f, err := d.core.Files.Upload(ctx, by, core.UploadFile{Name: name, Type: typ, Size: -1, Body: p})
	if err != nil {
		return attachment{}, broken(err)
	}
	return attachment{url: d.fileURL(rq, by.App, &f), name: f.Name, mime: f.Type, size: f.Size, extension: extensionOf(f.Name)}, nil
}

// broken tells a body that broke off from a failure of the core.
func broken(err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return err
	}
	return fault.FileTransferFailed.Wrap(err)
}

// fileURL is the link to a file: under the public URL, or where this request came in.
func (d *Dialect) fileURL(rq *adapters.Request, app core.AppID, f *core.File) string {
	base := strings.TrimSuffix(d.env.PublicURL, "/")
	if base == "" {
		base = orElse(rq.Scheme, "https") + "://" + rq.Host + rq.Prefix
	}
	return base + filesPath + strconv.FormatInt(int64(app), 10) + "/" + url.PathEscape(f.ID) + "/" + url.PathEscape(f.Name)
}

// inlineTypes are the types a browser may show in place: none of them can carry a script.
var inlineTypes = map[string]bool{
	"image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true, "image/bmp": true, "image/avif": true,
	"audio/mpeg": true, "audio/mp4": true, "audio/ogg": true, "audio/wav": true, "audio/webm": true, "audio/aac": true,
	"video/mp4": true, "video/webm": true, "video/quicktime": true,
}

// serveFile answers the content of an upload to whoever has its link.
func (d *Dialect) serveFile(ctx context.Context, _ core.Actor, rq *adapters.Request, rs *adapters.Response) error {
	app, err := strconv.ParseInt(rq.Param("app"), 10, 64)
	if err != nil || d.byApp[core.AppID(app)] == nil {
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
	if v := mime.FormatMediaType(how, map[string]string{"filename": f.File.Name}); v != "" {
		how = v
	}
	rs.Set("Content-Disposition", how)
	rs.Set("X-Content-Type-Options", "nosniff")
	rs.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	rs.Set("Cache-Control", "private, max-age=31536000, immutable")
	return nil
}
