package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"expvar"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Ops is the operations listener: health, metrics, profiles. It must never be public.
type Ops struct {
	Addr     string
	Socket   net.Listener            // instead of Addr
	Handlers map[string]http.Handler // more, by pattern of net/http
}

// opsServer is the running operations listener. It is the standard library's server: the profiler
// and the metrics speak nothing else, and no client of a vendor ever calls it.
type opsServer struct {
	ln  net.Listener
	srv *http.Server
}

// newOps opens the operations listener.
func newOps(ctx context.Context, s *Server, o *Ops) (*opsServer, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.opt.Registry, promhttp.HandlerOpts{}))
	mux.Handle("GET /debug/vars", expvar.Handler())
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	for pattern, h := range o.Handlers {
		mux.Handle(pattern, h)
	}
	ln := o.Socket
	if ln == nil {
		var lc net.ListenConfig
		var err error
		if ln, err = lc.Listen(ctx, "tcp", o.Addr); err != nil {
			return nil, err
		}
	}
	return &opsServer{ln, &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute}}, nil
}

// serve answers until shutdown.
func (o *opsServer) serve() error {
	if err := o.srv.Serve(o.ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// shutdown waits for running requests until ctx ends, then cuts them.
func (o *opsServer) shutdown(ctx context.Context) error {
	if err := o.srv.Shutdown(ctx); err != nil {
		return o.srv.Close()
	}
	return nil
}

// check is one line of the readiness report.
type check struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Note string `json:"note,omitempty"`
}

// readyz answers 200 when requests would be served, 503 otherwise, with the list of checks. The
// notes are fixed texts: what failed inside is for the log.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	checks := []check{{Name: "listeners", OK: s.up.Load()}, {Name: "draining", OK: s.drain.Err() == nil}, {Name: "core", OK: true}}
	if err := s.opt.Ready(ctx); err != nil {
		checks[2].OK, checks[2].Note = false, "the core or its store does not answer"
	}
	status := http.StatusOK
	for _, c := range checks {
		if !c.OK {
			status = http.StatusServiceUnavailable
		}
	}
	w.Header().Set("Content-Type", jsonType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(checks) // a prober that hung up
}
