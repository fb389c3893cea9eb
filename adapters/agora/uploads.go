package agora

import (
	"context"
	"crypto/hmac"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"path"
	"strconv"
	"strings"
	"time"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
)

// maxFile is the largest attachment in bytes; see
// https://docs.agora.io/en/agora-chat/reference/limitations.
const maxFile = 10 << 20

// maxForm is how much of a form is read: more than fits, so that a file that is too large is told so.
const maxForm = 10 * maxFile

// Prefixes of file ids: which files need their secret, and which a token alone opens.
const (
	openFile       = "p"
	restrictedFile = "r"
)

// fileRoutes are the operations on attachments.
func (d *Dialect) fileRoutes() []adapters.Route {
	up := op(d, full, "POST", "/chatfiles", "uploadFile", d.upload, encodeUploaded)
	up.Upload, up.Either, up.MaxBody = true, true, maxForm
	return []adapters.Route{
		up,
		{Method: "GET", Path: root + "/chatfiles/:uuid", Name: "downloadFile", Gate: adapters.GateApp, Doc: "by a token, by the share secret, or both", Serve: d.download},
		op(d, full, "POST", "/users/:username/chatfiles/lifetime", "setFileLifetime", d.setLifetime, encodeLifetimes),
		op(d, full, "PUT", "/users/:username/chatfiles/lifetime", "putFileLifetime", d.setLifetime, encodeLifetimes),
	}
}

// uploaded is a stored file as the vendor shows it.
type uploaded struct {
	file core.File
	uuid string
}

// fileIn reads the first file of a form and stores it.
func (d *Dialect) fileIn(ctx context.Context, by core.Actor, rq *adapters.Request) (core.File, error) {
	none := fault.RequestInvalid.Error("file must be provided.")
	typ, params, err := mime.ParseMediaType(rq.Headers.Get("Content-Type"))
	if err != nil || !strings.HasPrefix(typ, "multipart/") || params["boundary"] == "" || rq.Stream == nil {
		return core.File{}, none
	}
	parts := multipart.NewReader(rq.Stream, params["boundary"])
	for range 32 {
		p, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return core.File{}, none
		}
		if err != nil {
			return core.File{}, broken(err)
		}
		if p.FileName() == "" {
			continue
		}
		content := &bounded{r: p, left: maxFile}
		f, err := d.core.Files.Upload(ctx, by, core.UploadFile{Name: fileName(p), Type: fileType(p), Size: -1, Body: content})
		switch {
		case err != nil && content.left < 0:
			return f, fault.FileTooLarge.Error("the file size exceeds the maximum limit.")
		case err != nil:
			return f, broken(err)
		}
		return f, nil
	}
	return core.File{}, none
}

// bounded fails once more is read than the vendor takes.
type bounded struct {
	r    io.Reader
	left int64
}

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, io.ErrShortBuffer
	}
	return n, err
}

// fileName is the name of a file without folders.
func fileName(p *multipart.Part) string {
	name := path.Base(strings.ReplaceAll(p.FileName(), `\`, "/"))
	if name == "." || name == "/" {
		name = "file"
	}
	return strings.ToValidUTF8(name[max(0, len(name)-255):], "_")
}

// fileType is the media type a part declares, or nothing.
func fileType(p *multipart.Part) string {
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
		return f
	}
	return fault.FileTransferFailed.Wrap(err)
}

// upload stores an attachment. With the header restrict-access only its secret opens it.
func (d *Dialect) upload(ctx context.Context, by core.Actor, rq *adapters.Request) (uploaded, error) {
	f, err := d.fileIn(ctx, by, rq)
	u := uploaded{f, openFile + f.ID}
	if strings.EqualFold(rq.Headers.Get("restrict-access"), "true") {
		u.uuid = restrictedFile + f.ID
	}
	return u, err
}

func encodeUploaded(a *answer, u uploaded) {
	a.Entities()
	a.Open()
	a.Text("uuid", u.uuid)
	a.Text("type", "chatfile")
	a.Text("share-secret", a.t.signLink("file", u.uuid))
	a.Object("file-metadata")
	a.Text("content-type", u.file.Type)
	a.Int64("content-length", u.file.Size)
	a.Close()
	a.Close()
	a.CloseList()
}

// download answers an attachment: whole, also where a thumbnail is asked for.
func (d *Dialect) download(ctx context.Context, by core.Actor, rq *adapters.Request, rs *adapters.Response) error {
	t, err := d.tenantOf(rq)
	if err != nil {
		return err
	}
	uuid := rq.Param("uuid")
	secret := orElse(rq.Headers.Get("share-secret"), rq.Query.Get("share-secret"))
	knows := secret != "" && hmac.Equal([]byte(secret), []byte(t.signLink("file", uuid)))
	id, restricted := strings.CutPrefix(uuid, restrictedFile)
	if !restricted {
		id = strings.TrimPrefix(uuid, openFile)
	}
	if !knows {
		b, err := d.bearer(t, rq)
		if err == nil {
			by, err = d.admit(ctx, by, b)
		}
		if err != nil {
			return err
		}
	}
	f, err := d.core.Files.Open(ctx, by, core.OpenFile{ID: id})
	if err != nil {
		return err
	}
	if restricted && !knows && !by.Server() {
		_ = f.Body.Close()
		return fault.PermissionDenied.Error("The file opens by its share-secret.")
	}
	if err := d.alive(ctx, t, &f.File, uuid); err != nil {
		_ = f.Body.Close()
		return err
	}
	serveFile(rs, &f)
	return nil
}

// inlineTypes are the types a browser may show in place: none of them can carry a script.
var inlineTypes = map[string]bool{
	"image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true, "image/bmp": true,
	"audio/mpeg": true, "audio/mp4": true, "audio/ogg": true, "audio/wav": true, "audio/webm": true, "audio/amr": true,
	"video/mp4": true, "video/webm": true, "video/quicktime": true,
}

// serveFile answers the content of a file.
func serveFile(rs *adapters.Response, f *core.OpenedFile) {
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
}

// Lifetimes of files: the app's, from now on, for ever, or a number of seconds from now on.
const (
	lifeDefault = "default"
	lifeRefresh = "refresh"
	lifeForever = "forever"
)

// fileLifeKind is the kind of credential in which a lifetime is kept that is not the app's: its
// secret is the file's id, its scope the end in Unix milliseconds, or lifeForever.
const fileLifeKind core.CredentialKind = "agora_file"

// alive refuses a file that is past its storage time.
func (d *Dialect) alive(ctx context.Context, t *tenant, f *core.File, uuid string) error {
	ends := f.CreatedAt.Add(t.fileLife)
	c, err := d.core.Credentials.Get(ctx, server(t.id), core.GetCredential{Kind: fileLifeKind, Secret: f.ID})
	switch {
	case fault.IsReason(err, fault.CredentialNotFound):
	case err != nil:
		return err
	case c.Scope == lifeForever:
		return nil
	default:
		if ms, err := strconv.ParseInt(c.Scope, 10, 64); err == nil {
			ends = time.UnixMilli(ms)
		}
	}
	if d.now().Before(ends) {
		return nil
	}
	return fault.FileExpired.Error("").Param("xxxxx", clip(uuid))
}

// fileLife is how long one file is kept from now on.
type fileLife struct {
	uuid string
	ok   bool
}

// maxFileIDs is how many files one call may name.
const maxFileIDs = 100

// setLifetime changes how long files are kept.
func (d *Dialect) setLifetime(ctx context.Context, by core.Actor, rq *adapters.Request) ([]fileLife, error) {
	t, err := d.tenantOf(rq)
	if err != nil {
		return nil, err
	}
	if _, _, err := d.self(ctx, by, rq, "username"); err != nil {
		return nil, err
	}
	r, err := body(rq)
	if err != nil {
		return nil, err
	}
	life, _ := r.Look("lifetime")
	ids := r.Texts("chatfile_ids", maxFileIDs)
	if err := r.Err(); err != nil {
		return nil, err
	}
	scope := ""
	switch s := orElse(textOf(life), lifeDefault); s {
	case lifeDefault:
	case lifeForever:
		scope = lifeForever
	case lifeRefresh:
		scope = strconv.FormatInt(d.now().Add(t.fileLife).UnixMilli(), 10)
	default:
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > 1<<30 {
			return nil, fault.RequestInvalidField.Error("lifetime must be either 'forever' or 'default' or 'refresh', or a number of seconds")
		}
		scope = strconv.FormatInt(d.now().Add(time.Duration(n)*time.Second).UnixMilli(), 10)
	}
	var out []fileLife
	for _, uuid := range ids {
		ok, err := d.keep(ctx, by, uuid, scope)
		if err != nil {
			return nil, err
		}
		out = append(out, fileLife{uuid, ok})
	}
	return out, nil
}

// keep notes the lifetime of one file; false for one that is not there, or another's.
func (d *Dialect) keep(ctx context.Context, by core.Actor, uuid, scope string) (bool, error) {
	id := strings.TrimPrefix(strings.TrimPrefix(uuid, restrictedFile), openFile)
	f, err := d.core.Files.Open(ctx, by, core.OpenFile{ID: id})
	if err != nil {
		if fault.From(err).Reason.Blame() == fault.BlameClient {
			return false, nil
		}
		return false, err
	}
	_ = f.Body.Close()
	if !by.Server() && f.File.Owner != by.User {
		return false, nil
	}
	if scope == "" {
		_, err = d.core.Credentials.Delete(ctx, server(by.App), core.DeleteCredentials{Kind: fileLifeKind, Secret: id})
		if fault.IsReason(err, fault.CredentialNotFound) {
			err = nil
		}
		return err == nil, err
	}
	_, err = d.core.Credentials.Put(ctx, server(by.App), core.PutCredential{Credential: core.Credential{Kind: fileLifeKind, Secret: id, Scope: scope}})
	return err == nil, err
}

func encodeLifetimes(a *answer, list []fileLife) {
	a.Object("data")
	for _, x := range list {
		a.KeyOf(x.uuid)
		if x.ok {
			a.Item("success")
		} else {
			a.Item("failed")
		}
	}
	a.Close()
}

// shareRoutes are the operations on the files a place shares.
func (s *space) shareRoutes() []adapters.Route {
	up := here(s, full, "POST", "/share_files", "shareFileIn", s.share, encodeShared)
	up.Upload, up.Either, up.MaxBody = true, true, maxForm
	return []adapters.Route{
		up,
		here(s, full, "GET", "/share_files", "listFilesOf", s.shared, encodeSharedList),
		here(s, full, "DELETE", "/share_files/:file", "unshareFileOf", s.unshare, encodeUnshared),
		{Method: "GET", Path: root + s.base + "/:id/share_files/:file", Name: "readFileOf" + s.noun, Serve: s.readShared},
	}
}

// share stores a file for the members of a place.
func (s *space) share(ctx context.Context, at *spot, rq *adapters.Request) (core.SharedFile, error) {
	f, err := s.d.fileIn(ctx, at.by, rq)
	if err != nil {
		return core.SharedFile{}, err
	}
	by := at.by
	if by.Server() && by.User == "" {
		by.User = at.view.Channel.CreatedBy
	}
	out, err := s.d.core.Board.Share(ctx, by, core.ShareFile{Key: at.key(), File: core.SharedFile{ID: f.ID, Name: f.Name, Size: f.Size}})
	return out, at.fail(err, "")
}

func encodeShared(a *answer, s *spot, f core.SharedFile) {
	a.Object("data")
	a.Text("file_url", a.d.base(a.rq)+"/"+a.t.org+"/"+a.t.app+s.base+"/"+numberOf(&s.view.Channel)+"/share_files/"+f.ID)
	a.Text("group_id", numberOf(&s.view.Channel))
	a.Text("file_name", f.Name)
	a.Int64("created", f.CreatedAt.UnixMilli())
	a.Text("file_id", f.ID)
	a.Int64("file_size", f.Size)
	a.Close()
}

func (s *space) shared(ctx context.Context, at *spot, rq *adapters.Request) ([]core.SharedFile, error) {
	p, err := pageOf(rq, 1000, 1000)
	if err != nil {
		return nil, err
	}
	list, err := s.d.core.Board.Shared(ctx, at.by, core.ListShared{Key: at.key(), Page: core.Page{Limit: 1000}})
	return cut(p, list), at.fail(err, "")
}

func encodeSharedList(a *answer, _ *spot, list []core.SharedFile) {
	a.List("data")
	for i := range list {
		f := &list[i]
		a.Open()
		a.Text("file_id", f.ID)
		a.Text("file_name", f.Name)
		a.Text("file_owner", string(f.Owner))
		a.Int64("file_size", f.Size)
		a.Int64("created", f.CreatedAt.UnixMilli())
		a.Close()
	}
	a.CloseList()
	a.Int("count", len(list))
}

func (s *space) unshare(ctx context.Context, at *spot, rq *adapters.Request) (string, error) {
	id := rq.Param("file")
	_, err := s.d.core.Board.Unshare(ctx, at.by, core.UnshareFile{Key: at.key(), ID: id})
	return id, at.fail(err, "")
}

func encodeUnshared(a *answer, s *spot, id string) {
	a.Object("data")
	a.Text("group_id", numberOf(&s.view.Channel))
	a.Text("file_id", id)
	a.Bool("result", true)
	a.Close()
}

// readShared answers a shared file to the members of its place.
func (s *space) readShared(ctx context.Context, by core.Actor, rq *adapters.Request, rs *adapters.Response) error {
	at, err := s.at(ctx, by, rq)
	if err != nil {
		return err
	}
	list, err := s.d.core.Board.Shared(ctx, by, core.ListShared{Key: at.key(), Page: core.Page{Limit: 1000}})
	if err != nil {
		return at.fail(err, "")
	}
	for i := range list {
		if list[i].ID == rq.Param("file") {
			f, err := s.d.core.Files.Open(ctx, by, core.OpenFile{ID: list[i].ID})
			if err == nil {
				serveFile(rs, &f)
			}
			return err
		}
	}
	return fault.FileNotFound.Error("")
}
