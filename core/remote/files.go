package remote

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/remote/codec"
)

// Files travel as they are, behind one line of JSON that says what they are.
const (
	uploadPath = "Files/Upload"
	openPath   = "Files/Open"

	maxFileLine = 64 << 10
	maxLeft     = 128 << 20       // bytes read of an upload that was refused
	filePatient = 5 * time.Minute // an upload whose caller names no deadline
)

// files implements core.Files.
type files struct{ c *Client }

// Remove implements core.Files.
func (f files) Remove(ctx context.Context, by core.Actor, in core.RemoveFile) (core.File, error) {
	return call[core.RemoveFile, core.File](ctx, f.c, "Files.Remove", by, in)
}

// content is the body of an upload on its way: a line, then what its caller reads.
type content struct {
	io.Reader
	done chan struct{} // closed when nobody reads any more

	once sync.Once
	mu   sync.Mutex
	err  error
}

// newContent puts the line in front.
func newContent(line []byte, body io.Reader) *content {
	c := &content{done: make(chan struct{})}
	c.Reader = io.MultiReader(bytes.NewReader(line), noting{body, c})
	return c
}

// Close implements io.Closer; the transport calls it when it has read all it wants.
func (c *content) Close() error {
	c.once.Do(func() { close(c.done) })
	return nil
}

// failure is how the caller's reader has failed: that is the caller's own affair.
func (c *content) failure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// noting remembers how a reader failed.
type noting struct {
	io.Reader
	c *content
}

// Read implements io.Reader.
func (n noting) Read(p []byte) (int, error) {
	k, err := n.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		n.c.mu.Lock()
		n.c.err = err
		n.c.mu.Unlock()
	}
	return k, err
}

// Upload implements core.Files. The content is read once, so there is no second try once it has begun.
func (f files) Upload(ctx context.Context, by core.Actor, in core.UploadFile) (core.File, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, filePatient)
		defer cancel()
	}
	from := in.Body
	in.Body = nil
	rq := request[core.UploadFile]{Actor: by, Origin: core.Origin(ctx), In: in}
	line := append(codec.Marshal(&rq), '\n')
	for _, n := range f.c.route(by) {
		if !n.usable() {
			continue
		}
		body := newContent(line, from)
		b, err := n.stream(ctx, body)
		<-body.done // what the caller has given us must not be read after we have returned
		switch {
		case err == nil:
			return unpack[core.File](b)
		case body.failure() != nil:
			return core.File{}, fault.From(body.failure())
		case !errors.Is(err, errUnsent):
			return core.File{}, failed(ctx, err)
		}
	}
	return core.File{}, f.c.closed()
}

// stream is post with a body that can be read once.
func (n *node) stream(ctx context.Context, body *content) ([]byte, error) {
	done, err := n.cb.Allow()
	if err != nil {
		_ = body.Close() // nobody reads
		return nil, errors.Join(errUnsent, err)
	}
	rs, err := n.open(ctx, "Files.Upload", body)
	if errors.Is(err, errRefused) || ctx.Err() != nil || body.failure() != nil {
		done(nil) // says nothing against the node
	} else {
		done(err)
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = rs.Body.Close() }() // read to its end, or of no use
	return readReply(rs)
}

// unpack reads an answer.
func unpack[Out any](b []byte) (Out, error) {
	var rs reply[Out]
	var zero Out
	if err := codec.Unmarshal(b, &rs); err != nil {
		return zero, fault.UpstreamBadGateway.Wrap(err)
	}
	if rs.Failure != nil {
		return zero, rs.Failure.Fault()
	}
	return rs.Out, nil
}

// upload is the server's side of Upload.
func (s *Server) upload(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	body := bufio.NewReaderSize(r.Body, maxFileLine)
	line, err := body.ReadSlice('\n')
	var rq request[core.UploadFile]
	if err == nil {
		err = codec.Unmarshal(line, &rq)
	}
	if err != nil {
		answer(w, nothing{}, fault.RequestInvalid.Wrap(err), nil)
		return
	}
	rq.In.Body = body
	out, err := s.opt.Core.Files.Upload(core.WithOrigin(ctx, rq.Origin), rq.Actor, rq.In)
	if err != nil {
		_, _ = io.CopyN(io.Discard, body, maxLeft) // a sender that is cut off does not read why
		answer(w, nothing{}, err, nil)
		return
	}
	answer(w, out, nil, nil)
}

// openAt asks for a file from an offset on.
type openAt struct {
	File   core.OpenFile
	Offset int64
}

// Open implements core.Files. The content comes as it is read; the context does not end it, since it is
// read after the command.
func (f files) Open(ctx context.Context, by core.Actor, in core.OpenFile) (core.OpenedFile, error) {
	b := &remoteFile{f: f, by: by, in: in, origin: core.Origin(ctx)}
	file, err := b.fetch(ctx)
	if err != nil {
		return core.OpenedFile{}, err
	}
	b.size = file.Size
	return core.OpenedFile{File: file, Body: b}, nil
}

// remoteFile reads a file on a node.
type remoteFile struct {
	f      files
	by     core.Actor
	in     core.OpenFile
	origin string
	size   int64
	pos    int64

	body io.ReadCloser // from pos on; nil when it has to be asked for
	data *bufio.Reader
}

// fetch asks for the content from pos on.
func (r *remoteFile) fetch(ctx context.Context) (core.File, error) {
	rq := request[openAt]{Actor: r.by, Origin: r.origin, In: openAt{r.in, r.pos}}
	body := codec.Marshal(&rq)
	var last error
	for _, n := range r.f.c.route(r.by) {
		if !n.usable() {
			continue
		}
		got, end := context.WithCancel(r.f.c.run)
		stop := context.AfterFunc(ctx, end) // until the answer has begun
		rs, err := n.open(got, "Files.Open", bytes.NewReader(body))
		if err != nil {
			end()
			if last = err; ctx.Err() != nil {
				break
			}
			continue
		}
		data := bufio.NewReaderSize(rs.Body, maxFileLine)
		line, err := data.ReadSlice('\n')
		stop()
		if err == nil {
			var file core.File
			if file, err = unpack[core.File](line); err == nil {
				r.body, r.data = closing{rs.Body, end}, data
				return file, nil
			}
		} else {
			err = fault.UpstreamBadGateway.Wrap(err)
		}
		_ = rs.Body.Close() // of no use
		end()
		return core.File{}, err
	}
	if last == nil {
		return core.File{}, r.f.c.closed()
	}
	return core.File{}, failed(ctx, last)
}

// closing ends the call with its body.
type closing struct {
	io.ReadCloser
	end context.CancelFunc
}

// Close implements io.Closer.
func (c closing) Close() error {
	err := c.ReadCloser.Close()
	c.end()
	return err
}

// Read implements io.Reader.
func (r *remoteFile) Read(p []byte) (int, error) {
	if r.pos >= r.size {
		return 0, io.EOF
	}
	if r.body == nil {
		ctx, cancel := context.WithTimeout(context.Background(), r.f.c.opt.Timeout)
		defer cancel()
		if _, err := r.fetch(ctx); err != nil {
			return 0, err
		}
	}
	n, err := r.data.Read(p)
	r.pos += int64(n)
	if errors.Is(err, io.EOF) && r.pos < r.size {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Seek implements io.Seeker.
func (r *remoteFile) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.pos
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 {
		return r.pos, errors.New("remote: a file has no place before its start")
	}
	if offset != r.pos {
		_ = r.Close() // what was asked for is not what is read now
		r.pos = offset
	}
	return offset, nil
}

// Close implements io.Closer.
func (r *remoteFile) Close() error {
	if r.body == nil {
		return nil
	}
	err := r.body.Close()
	r.body, r.data = nil, nil
	return err
}

// download is the server's side of Open.
func (s *Server) download(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	body, err := readBody(w, r, maxFileLine)
	var rq request[openAt]
	if err == nil {
		err = codec.Unmarshal(body, &rq)
	}
	if err != nil {
		answer(w, nothing{}, fault.RequestInvalid.Wrap(err), nil)
		return
	}
	f, err := s.opt.Core.Files.Open(core.WithOrigin(ctx, rq.Origin), rq.Actor, rq.In.File)
	rs := reply[core.File]{Out: f.File}
	if err == nil {
		defer func() { _ = f.Body.Close() }() // it was read only
		if rq.In.Offset > 0 {
			_, err = f.Body.Seek(rq.In.Offset, io.SeekStart)
		}
	}
	if err != nil {
		rs = reply[core.File]{Failure: codec.FailureOf(err)}
	}
	head := append(codec.Marshal(&rs), '\n')
	if err == nil {
		w.Header().Set("Content-Length", strconv.FormatInt(int64(len(head))+max(f.File.Size-rq.In.Offset, 0), 10))
	}
	if _, werr := w.Write(head); werr != nil || err != nil {
		return
	}
	_, _ = io.Copy(w, f.Body) // a caller that hung up; too little ends the answer early, which shows
}
