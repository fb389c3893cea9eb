package native

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

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
)

// Limits of uploads.
const (
	maxUpload    = 100<<20 + 1<<20 // bytes: the largest file, and room for the form around it
	maxFormParts = 20
)

// filesPath begins the path of every file; the app, the unguessable id and the name follow.
const filesPath = "/v1/files/"

func (d *Dialect) fileRows() []row {
	up := row{in: shapeOf(typeUpload), out: shapeOf(typeFile), creates: true, Route: adapters.Route{
		Method: "POST", Path: "/v1/files", Name: "uploadFile", Upload: true, MaxBody: maxUpload,
		Doc: "Stores a file, at most 100 MiB unless the app allows less; put its url into an attachment.", Serve: d.upload,
	}}
	down := row{in: shapeOf(typeFilePath), out: shapeOf(typeNone), raw: "*/*", Route: adapters.Route{
		Method: "GET", Path: filesPath + ":app/:file/*name", Name: "readFile", Gate: adapters.GateOpen,
		Doc: "The content of a file, for whoever has its url.", Serve: d.download,
	}}
	return []row{up, down,
		op("DELETE", "/v1/files/:file", "deleteFile", "Removes a file.", func(ctx context.Context, c *call, in *struct {
			File    string          `json:"file" in:"path"`
			Channel core.ChannelKey `json:"channel" in:"query" doc:"The one it was uploaded to."`
		}) (none, error) {
			_, err := d.core.Files.Remove(ctx, c.by, core.RemoveFile{Key: in.Channel, ID: in.File})
			return none{}, err
		}),
	}
}

// uploadQuery is what an upload says beside its form.
type uploadQuery struct {
	Channel core.ChannelKey `json:"channel" in:"query" doc:"The channel it is meant for; its members' rights decide."`
	Image   bool            `json:"image" in:"query" doc:"Refuse what is not an image."`
}

// filePath is the link to a file.
type filePath struct {
	App  string `json:"app" in:"path"`
	File string `json:"file" in:"path"`
	Name string `json:"name" in:"path"`
}

func (d *Dialect) upload(ctx context.Context, by core.Actor, rq *adapters.Request, rs *adapters.Response) error {
	typ, params, err := mime.ParseMediaType(rq.Headers.Get("Content-Type"))
	if err != nil || typ != "multipart/form-data" || params["boundary"] == "" || rq.Stream == nil {
		return fault.RequestUnsupportedMediaType.Error("The body must be multipart/form-data with a part named file.")
	}
	parts := multipart.NewReader(rq.Stream, params["boundary"])
	for range maxFormParts {
		p, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return broken(err)
		}
		if p.FormName() != "file" {
			continue
		}
		in := core.UploadFile{
			Key: core.ChannelKey(rq.Query.Get("channel")), Image: rq.Query.Get("image") == "true", Name: path.Base(p.FileName()),
			Type: partType(p), Size: -1, Body: p,
		}
		f, err := d.core.Files.Upload(ctx, by, in)
		if err != nil {
			return broken(err)
		}
		rs.Status = 201
		return respond(rq, rs, d.fileOf(rq, by.App, &f))
	}
	return fault.RequestMissingField.Error("The form has no part named file.")
}

// partType is the media type a client gave, or "" for one that says nothing.
func partType(p *multipart.Part) string {
	typ, _, err := mime.ParseMediaType(p.Header.Get("Content-Type"))
	if err != nil || typ == "application/octet-stream" || strings.HasPrefix(typ, "multipart/") {
		return ""
	}
	return typ
}

// broken tells a body that broke off from a failure of the core.
func broken(err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return err
	}
	return fault.FileTransferFailed.Wrap(err)
}

func (d *Dialect) fileOf(rq *adapters.Request, app core.AppID, f *core.File) File {
	base := strings.TrimSuffix(d.env.PublicURL, "/")
	if base == "" {
		base = orElse(rq.Scheme, "https") + "://" + rq.Host + rq.Prefix
	}
	return File{
		ID: f.ID, Name: f.Name, Type: f.Type, Size: f.Size, Width: f.Width, Height: f.Height, Owner: f.Owner, CreatedAt: f.CreatedAt,
		URL: base + filesPath + strconv.FormatInt(int64(app), 10) + "/" + url.PathEscape(f.ID) + "/" + url.PathEscape(f.Name),
	}
}

// inlineTypes are the types a browser may show in place: none of them can carry a script.
var inlineTypes = map[string]bool{
	"image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true, "image/bmp": true, "image/avif": true,
	"audio/mpeg": true, "audio/mp4": true, "audio/ogg": true, "audio/wav": true, "audio/webm": true, "audio/aac": true,
	"video/mp4": true, "video/webm": true, "video/quicktime": true,
}

func (d *Dialect) download(ctx context.Context, _ core.Actor, rq *adapters.Request, rs *adapters.Response) error {
	app, err := strconv.ParseInt(rq.Param("app"), 10, 64)
	if err != nil || d.byApp[core.AppID(app)] == nil {
		return fault.FileNotFound.Error("")
	}
	f, err := d.core.Files.Open(ctx, core.Actor{App: core.AppID(app), Access: core.AccessAnonymous}, core.OpenFile{ID: rq.Param("file")})
	if err != nil {
		return err
	}
	rs.Stream, rs.Length, rs.ContentType = f.Body, f.File.Size, orElse(f.File.Type, "application/octet-stream")
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
