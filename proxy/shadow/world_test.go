package shadow_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/adaptertest"
	"dragoman/core"
	"dragoman/normalize"
	"dragoman/normalize/diff"
	"dragoman/proxy"
	"dragoman/proxy/shadow"
)

func TestMain(m *testing.M) { adaptertest.Verify(m) }

// sides are two servers of one dialect: one stands for the vendor, the other is the core.
type sides struct {
	t            *testing.T
	name         string
	vendor, core *adaptertest.World
	read         func(*normalize.Upstream, []byte) (normalize.Answer, bool)
	catalog      *normalize.Catalog
	shadow       *shadow.Shadow
	writes       atomic.Bool
	seen         atomic.Bool // only gaps that the traffic shows are filled
	down         atomic.Bool // the vendor does not answer

	hold atomic.Pointer[chan struct{}] // questions to the core wait until it is closed

	mu    sync.Mutex
	asked []string // of the vendor, as method and path
}

// newSides starts both and a shadow between them.
func newSides(t *testing.T, entry adapters.Entry, creds map[string]string, read func(*normalize.Upstream, []byte) (normalize.Answer, bool), tweak func(*shadow.Options)) *sides {
	t.Helper()
	v := &adaptertest.Vendor{Entry: entry, Creds: creds}
	s := &sides{t: t, name: entry.Name, read: read, catalog: entry.Catalog()}
	s.vendor, s.core = adaptertest.NewWorld(t, v, adaptertest.Setup{}), adaptertest.NewWorld(t, v, adaptertest.Setup{})
	learner, ok := s.core.Dialect.(adapters.Learner)
	if !ok {
		t.Fatalf("%s does not learn", entry.Name)
	}
	rules, err := learner.Rules()
	if err != nil {
		t.Fatal(err)
	}
	o := shadow.Options{
		Core: s.core.Core, Dialects: map[string]shadow.Dialect{entry.Name: {Learner: learner, Rules: rules}}, Window: 10 * time.Millisecond, Retries: 1,
	}
	o.Seen = func(core.AppID, string) bool { return s.seen.Load() }
	s.seen.Store(true)
	o.Writes = func(core.AppID, string) bool { return s.writes.Load() }
	if tweak != nil {
		tweak(&o)
	}
	if s.shadow, err = shadow.New(o); err != nil {
		t.Fatal(err)
	}
	s.shadow.Bind(s)
	t.Cleanup(s.shadow.Close)
	return s
}

// call makes a request of one world.
func (s *sides) call(w *adaptertest.World, x *proxy.Exchange) (proxy.Answer, error) {
	rq, err := http.NewRequest(x.Request.Method, w.URL+x.Raw, bytes.NewReader(x.Request.Body))
	if err != nil {
		return proxy.Answer{}, err
	}
	for _, h := range x.Request.Headers {
		rq.Header.Set(h.Name, h.Value)
	}
	rq.Header.Set("Dragoman-Error-Format", "native")
	rs, err := http.DefaultClient.Do(rq)
	if err != nil {
		return proxy.Answer{}, err
	}
	defer rs.Body.Close()
	body, err := io.ReadAll(rs.Body)
	if err != nil {
		return proxy.Answer{}, err
	}
	a := proxy.Answer{Status: rs.StatusCode, Body: body}
	up := &normalize.Upstream{Status: rs.StatusCode, Path: x.Request.Path, Body: body, Header: func(n string) string { return rs.Header.Get(n) }}
	if p, failed := normalize.FromUpstream(normalize.Vendor{Catalog: s.catalog, Read: s.read}, up, normalize.Reading{Now: time.Now()}); failed {
		a.Code = p.Code
	}
	return a, nil
}

// AskCore implements proxy.Sides.
func (s *sides) AskCore(_ context.Context, x *proxy.Exchange, _ *core.Actor) (proxy.Answer, error) {
	if c := s.hold.Load(); c != nil {
		<-*c
	}
	return s.call(s.core, x)
}

// AskVendor implements proxy.Sides.
func (s *sides) AskVendor(_ context.Context, x *proxy.Exchange) (proxy.Answer, error) {
	if s.down.Load() {
		return proxy.Answer{}, errors.New("the vendor is away")
	}
	s.mu.Lock()
	s.asked = append(s.asked, x.Request.Method+" "+x.Raw)
	s.mu.Unlock()
	return s.call(s.vendor, x)
}

// request is one of a client's.
func request(method, target string, headers adapters.Values, body string) *proxy.Exchange {
	path, query, _ := strings.Cut(target, "?")
	rq := &adapters.Request{ID: "r", Method: method, Path: path, Headers: headers, Body: []byte(body)}
	for pair := range strings.SplitSeq(query, "&") {
		k, v, _ := strings.Cut(pair, "=")
		if k != "" {
			v, _ = url.QueryUnescape(v) // written by a test
			rq.Query = append(rq.Query, adapters.Param{Name: k, Value: v})
		}
	}
	return &proxy.Exchange{Request: rq, Raw: target, At: time.Now(), AppName: "test"}
}

// through sends a request to the side that answers in the mode and shows the shadow what was said.
func (s *sides) through(mode proxy.Mode, route string, x *proxy.Exchange) gjson.Result {
	s.t.Helper()
	w := s.core
	if mode.Foreign() {
		w = s.vendor
	}
	a, err := s.call(w, x)
	if err != nil {
		s.t.Fatal(err)
	}
	x.App, x.Dialect, x.Mode, x.Route, x.Answer = s.core.App, s.name, mode, route, a
	s.shadow.Observe(x)
	return gjson.ParseBytes(a.Body)
}

// settle waits until the shadow has followed.
func (s *sides) settle() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	if err := s.shadow.Settle(ctx, s.core.App, s.name); err != nil {
		s.t.Fatal(err)
	}
}

// same asks both sides and fails where their answers differ.
func (s *sides) same(route string, x *proxy.Exchange) gjson.Result {
	s.t.Helper()
	a, err := s.call(s.vendor, x)
	if err != nil {
		s.t.Fatal(err)
	}
	b, err := s.call(s.core, x)
	if err != nil {
		s.t.Fatal(err)
	}
	rules, _ := s.core.Dialect.(adapters.Learner).Rules()
	if r := diff.Compare(diff.Answer{Status: a.Status, Reason: a.Code, Body: a.Body}, diff.Answer{Status: b.Status, Reason: b.Code, Body: b.Body}, rules.Rules(route), nil); r.Verdict != diff.Equal {
		s.t.Errorf("%s %s: %d differences: %+v\nvendor: %s\ncore:   %s", x.Request.Method, x.Raw, r.Count, r.Differences, clipped(a.Body), clipped(b.Body))
	}
	if a.Code != "" {
		s.t.Errorf("%s %s: %s", x.Request.Method, x.Raw, a.Body)
	}
	return gjson.ParseBytes(b.Body)
}

func clipped(b []byte) string { return string(b[:min(len(b), 200)]) }

// report is the one of the test's app.
func (s *sides) report() shadow.Report {
	s.t.Helper()
	rs := s.shadow.Reports("", s.name)
	if len(rs) != 1 {
		s.t.Fatalf("%d reports", len(rs))
	}
	return rs[0]
}

// operation is the row of an operation in the report.
func (s *sides) operation(name string) shadow.Operation {
	s.t.Helper()
	for _, o := range s.report().Operations {
		if o.Name == name {
			return o
		}
	}
	return shadow.Operation{}
}
