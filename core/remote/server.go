package remote

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/remote/codec"
)

// ServerOptions is what a server is made of. Core and Secret are required.
type ServerOptions struct {
	Core   *core.Core
	Secret string // of the cluster: whoever knows it may act as anybody
	// Apps lists the apps by name; proxies ask for it when they start.
	Apps func(ctx context.Context) (map[string]core.AppID, error)

	MaxBody  int64         // bytes of a command: 32 MiB
	MaxCalls int           // commands at a time; more are refused as server.unavailable: 2,048
	Timeout  time.Duration // of a command whose caller names no deadline: 10 s
	Silence  time.Duration // after which a link that says nothing is dead: 15 s
	Queue    int           // deliveries that wait on one link before it is cut: 65,536
	Report   func(msg string, err error)
}

// Server answers proxies from a core. It is an http.Handler for all of /v1/core/.
type Server struct {
	opt     ServerOptions
	secret  [sha256.Size]byte
	methods map[string]*method

	calls    chan struct{} // one for each command that runs
	draining atomic.Bool
	mu       sync.Mutex
	links    map[*serverLink]struct{}
	open     sync.WaitGroup // links
}

// NewServer makes a server of a core.
func NewServer(o ServerOptions) *Server {
	o.MaxBody = or(o.MaxBody, 32<<20)
	o.MaxCalls = or(o.MaxCalls, 2048)
	o.Timeout = or(o.Timeout, 10*time.Second)
	o.Silence = or(o.Silence, 15*time.Second)
	o.Queue = or(o.Queue, 64<<10)
	if o.Report == nil {
		o.Report = func(string, error) {}
	}
	s := &Server{opt: o, secret: sha256.Sum256([]byte("Bearer " + o.Secret)), methods: map[string]*method{}, links: map[*serverLink]struct{}{}, calls: make(chan struct{}, o.MaxCalls)}
	for _, m := range methods {
		s.methods[m.name] = m
	}
	s.methods[appsMethod] = handle(appsMethod, func(*core.Core) func(context.Context, core.Actor, nothing) ([]knownApp, error) { return s.apps })
	s.methods[readyMethod] = handle(readyMethod, func(c *core.Core) func(context.Context, core.Actor, nothing) (nothing, error) {
		return func(ctx context.Context, _ core.Actor, _ nothing) (nothing, error) {
			return nothing{}, c.Health.Ready(ctx)
		}
	})
	return s
}

// apps lists the apps for proxies.
func (s *Server) apps(ctx context.Context, _ core.Actor, _ nothing) ([]knownApp, error) {
	found, err := s.opt.Apps(ctx)
	out := make([]knownApp, 0, len(found))
	for name, id := range found {
		out = append(out, knownApp{name, id})
	}
	return out, err
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set(protocolHeader, protocol)
	got := sha256.Sum256([]byte(r.Header.Get("Authorization")))
	name, ok := strings.CutPrefix(r.URL.Path, prefix)
	switch {
	case subtle.ConstantTimeCompare(got[:], s.secret[:]) != 1:
		w.WriteHeader(http.StatusUnauthorized)
		return
	case s.draining.Load():
		w.Header().Set(drainingHeader, "1")
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case !ok || r.Method != http.MethodPost || r.Header.Get(protocolHeader) != protocol:
		w.Header().Del(protocolHeader)
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if name == linkPath {
		s.serveLink(w, r)
		return
	}
	select {
	case s.calls <- struct{}{}:
		defer func() { <-s.calls }()
	default:
		answer(w, nothing{}, fault.ServerUnavailable.Error("").After(time.Second), nil)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.patience(r))
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			s.opt.Report("a command panicked: "+name, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
			answer(w, nothing{}, fault.ServerInternal.Wrap(fmt.Errorf("panic: %v", p)), nil)
		}
	}()
	switch name {
	case uploadPath:
		s.upload(ctx, w, r)
		return
	case openPath:
		s.download(ctx, w, r)
		return
	}
	m := s.methods[strings.Replace(name, "/", ".", 1)]
	if m == nil {
		answer(w, nothing{}, fault.RequestNotImplemented.Error("this core node does not know the command "+name), nil)
		return
	}
	body, err := readBody(w, r, s.opt.MaxBody)
	if err != nil {
		answer(w, nothing{}, fault.RequestPayloadTooLarge.Wrap(err), nil)
		return
	}
	m.serve(ctx, s.opt.Core, w, body)
}

// patience is how long the caller of a command waits.
func (s *Server) patience(r *http.Request) time.Duration {
	ms, err := strconv.ParseInt(r.Header.Get(timeoutHeader), 10, 64)
	if err != nil || ms < 1 || ms > time.Hour.Milliseconds() {
		return s.opt.Timeout
	}
	// A little less than that: the caller shall learn what the core says about its time, not that it is over.
	return time.Duration(ms)*time.Millisecond - min(time.Duration(ms)*time.Millisecond/10, 50*time.Millisecond)
}

// readBody reads a command.
func readBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	if n := r.ContentLength; n > 0 && n <= most {
		b := make([]byte, n)
		_, err := io.ReadFull(r.Body, b)
		return b, err
	}
	return io.ReadAll(http.MaxBytesReader(w, r.Body, most))
}

// method is one command as the server knows it.
type method struct {
	name    string
	in, out reflect.Type
	serve   func(ctx context.Context, c *core.Core, w http.ResponseWriter, body []byte)
}

// handle makes a method of a command of a service.
func handle[In, Out any](name string, of func(*core.Core) func(context.Context, core.Actor, In) (Out, error)) *method {
	return &method{name, reflect.TypeFor[In](), reflect.TypeFor[Out](), func(ctx context.Context, c *core.Core, w http.ResponseWriter, body []byte) {
		sc := &script{began: time.Now().Add(-slack)}
		var rq request[In]
		if len(body) > 0 {
			if err := codec.Read(&codec.Decoder{Func: sc.code}, body, &rq); err != nil {
				answer(w, nothing{}, err, nil)
				return
			}
		}
		sc.lines = rq.Script
		out, err := of(c)(core.WithOrigin(ctx, rq.Origin), rq.Actor, rq.In)
		if err != nil {
			answer(w, nothing{}, err, sc.question())
			return
		}
		answer(w, out, nil, nil)
	}}
}

// handleNone is handle for commands without an output.
func handleNone[In any](name string, of func(*core.Core) func(context.Context, core.Actor, In) error) *method {
	return handle(name, func(c *core.Core) func(context.Context, core.Actor, In) (nothing, error) {
		return func(ctx context.Context, by core.Actor, in In) (nothing, error) { return nothing{}, of(c)(ctx, by, in) }
	})
}

// answer writes what came of a command. A question goes before the failure, which is its consequence.
func answer[Out any](w http.ResponseWriter, out Out, err error, asked *question) {
	rs := reply[Out]{Out: out, Asked: asked}
	if err != nil && asked == nil {
		rs.Failure = codec.FailureOf(err)
	}
	b := codec.Marshal(&rs)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	if rs.Failure != nil {
		w.WriteHeader(http.StatusUnprocessableEntity)
	}
	_, _ = w.Write(b) // a caller that hung up
}

// Drain tells all proxies to go elsewhere: new commands and connections are refused, and the links are
// given until ctx ends to empty themselves. Then they are cut.
func (s *Server) Drain(ctx context.Context) {
	s.mu.Lock()
	s.draining.Store(true)
	for l := range s.links {
		l.push(down{Bye: true})
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() { s.open.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		s.mu.Lock()
		for l := range s.links {
			l.cut()
		}
		s.mu.Unlock()
		<-done
	}
}
