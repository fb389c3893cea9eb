package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"dragoman/core/fault"
)

// readBuffer holds a whole request head. Vendors put JSON into the query and tokens into headers;
// the default of 4 KiB would answer 431 to ordinary requests.
const readBuffer = 64 << 10

// listener is one address, its web server and what it serves.
type listener struct {
	s      *Server
	name   string
	conf   *Listener
	ln     net.Listener
	app    *fiber.App
	mounts []*mount
	pages  *mount
	rest   *mount // takes what nobody else takes; nil when there is none
}

// newListener compiles the mounts of one listener.
func newListener(s *Server, conf *Listener) (*listener, error) {
	l := &listener{s: s, conf: conf, name: conf.Name}
	if l.name == "" {
		l.name = conf.Addr
	}
	for i := range conf.Mounts {
		m, err := newMount(s, &conf.Mounts[i])
		if err != nil {
			return nil, fmt.Errorf("proxy: listener %s: %w", l.name, err)
		}
		if m.prefix == "" && len(m.hosts) == 0 {
			if l.rest != nil {
				return nil, fmt.Errorf("proxy: listener %s: mounts %s and %s both take everything", l.name, l.rest.name, m.name)
			}
			l.rest = m
		}
		l.mounts = append(l.mounts, m)
	}
	if len(conf.Pages) > 0 {
		pages, err := newPages(conf.Pages)
		if err != nil {
			return nil, fmt.Errorf("proxy: listener %s: %w", l.name, err)
		}
		l.pages = pages
	}
	l.app = fiber.New(fiber.Config{
		CaseSensitive:                true,
		StrictRouting:                true,
		DisableStartupMessage:        true,
		DisablePreParseMultipartForm: true,
		ReadBufferSize:               readBuffer,
		ReadTimeout:                  s.opt.ReadTimeout,
		WriteTimeout:                 s.opt.WriteTimeout,
		IdleTimeout:                  s.opt.IdleTimeout,
		StreamRequestBody:            true, // BodyLimit is off with it: bind.go bounds every body
		ErrorHandler: func(c *fiber.Ctx, err error) error {
			l.early(c.Context(), err)
			return nil
		},
	})
	l.app.Use(func(c *fiber.Ctx) error {
		l.serveRequest(c.Context())
		return nil
	})
	srv := l.app.Server()
	srv.CloseOnShutdown = true
	srv.ErrorHandler = l.early
	known, web := methodSet(l.app.Config().RequestMethods), srv.Handler
	srv.Handler = func(fc *fasthttp.RequestCtx) {
		if !known[string(fc.Request.Header.Method())] {
			l.serveRequest(fc) // fiber would answer an unknown method in plain text
			return
		}
		web(fc)
	}
	return l, nil
}

// methodSet indexes the methods that the web framework routes.
func methodSet(methods []string) map[string]bool {
	out := make(map[string]bool, len(methods))
	for _, m := range methods {
		out[m] = true
	}
	return out
}

// open binds the address.
func (l *listener) open(ctx context.Context) error {
	l.ln = l.conf.Socket
	if l.ln == nil {
		var lc net.ListenConfig
		ln, err := lc.Listen(ctx, "tcp", l.conf.Addr)
		if err != nil {
			return err
		}
		l.ln = ln
	}
	if l.conf.TLS != nil {
		l.ln = tls.NewListener(l.ln, l.conf.TLS)
	}
	l.ln = detachable{l.ln}
	return nil
}

// serve accepts connections until shutdown.
func (l *listener) serve() error {
	err := l.app.Listener(l.ln)
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// shutdown stops accepting and waits for running requests.
func (l *listener) shutdown(ctx context.Context) error {
	if l.ln == nil {
		return nil
	}
	_ = l.ln.Close() // the web server may not have begun to serve it
	if err := l.app.ShutdownWithContext(ctx); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("proxy: listener %s: %w", l.name, err)
	}
	return nil
}

// pick chooses the mount of a request and cuts the prefix off its path: host first, then the longest
// prefix, then pages, then the mount that takes the rest.
func (l *listener) pick(host, path string) (*mount, string) {
	if h, _, ok := strings.Cut(host, ":"); ok {
		host = h
	}
	for _, m := range l.mounts {
		for _, p := range m.hosts {
			if matchHost(p, host) {
				return m, path
			}
		}
	}
	var best *mount
	var left string
	for _, m := range l.mounts {
		if m.prefix == "" || best != nil && len(m.prefix) <= len(best.prefix) {
			continue
		}
		if rest, ok := m.under(path); ok {
			best, left = m, rest
		}
	}
	if best != nil {
		return best, left
	}
	if l.pages != nil {
		var f found[target]
		if l.rest == nil || l.pages.table.find("GET", path, &f) || len(f.allow) > 0 {
			return l.pages, path
		}
	}
	return l.rest, path
}

// early answers what failed before a request could be read. Nothing of the request is known, so the
// listener's own dialect speaks; the raw bytes in err are neither shown nor logged.
func (l *listener) early(fc *fasthttp.RequestCtx, err error) {
	x := &exchange{l: l, m: l.rest, start: fc.Time(), early: true}
	x.rq = earlyRequest()
	defer x.survive(fc)
	x.fail(fc, earlyFault(err))
	fc.SetConnectionClose()
	x.finish(fc)
}

// earlyFault names what fasthttp stumbled over.
func earlyFault(err error) *fault.Error {
	var (
		small *fasthttp.ErrSmallBuffer
		timed net.Error
	)
	switch {
	case errors.As(err, &small):
		return fault.RequestHeadersTooLarge.Error("")
	case errors.As(err, &timed) && timed.Timeout(), errors.Is(err, fasthttp.ErrTimeout):
		return fault.RequestTimeout.Error("")
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		return fault.RequestPayloadTooLarge.Error("")
	}
	return fault.RequestInvalid.Error("The request could not be read as HTTP.")
}
