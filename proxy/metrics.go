package proxy

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sony/gobreaker/v2"

	"dragoman/core/fair"
)

// metrics are the counters of the border. Labels are names of tables, never anything a client sent.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	problems *prometheus.CounterVec
	breakers *prometheus.GaugeVec
	sockets  *prometheus.GaugeVec
	frames   *prometheus.CounterVec
	slow     prometheus.Counter

	upCalls   *prometheus.CounterVec
	upSeconds *prometheus.HistogramVec
	upFlight  *prometheus.GaugeVec
	upLinks   *prometheus.GaugeVec
	upModes   *prometheus.GaugeVec
	upRetries *prometheus.CounterVec
	upStrange *prometheus.CounterVec
}

// newMetrics registers everything.
func newMetrics(r *prometheus.Registry) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "dragoman_http_requests_total",
			Help: "Answered requests."}, []string{"dialect", "route", "status_class", "reason"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "dragoman_http_request_seconds",
			Help: "Time from the request head to the answer.", Buckets: prometheus.ExponentialBuckets(0.0001, 2.5, 14),
			NativeHistogramBucketFactor: 1.1}, []string{"dialect", "route"}),
		problems: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "dragoman_problems_total",
			Help: "Error answers by canonical class and reason and the vendor's own code."},
			[]string{"dialect", "code", "reason", "vendor_code"}),
		breakers: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "dragoman_breaker_state",
			Help: "Breaker towards the core, or towards the vendor of a dialect: 0 closed, 1 half-open, 2 open."}, []string{"app", "host"}),
		sockets: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "dragoman_sockets",
			Help: "Live connections."}, []string{"dialect"}),
		frames: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "dragoman_socket_frames_total",
			Help: "Frames read from and written to live connections."}, []string{"dialect", "dir"}),
		slow: prometheus.NewCounter(prometheus.CounterOpts{Name: "dragoman_slow_consumers_total",
			Help: "Live connections closed because their queue was full."}),
		upCalls: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "dragoman_upstream_calls_total",
			Help: "Attempts to call a vendor, by the class of the status; none is no answer."}, []string{"app", "dialect", "status_class"}),
		upSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "dragoman_upstream_seconds",
			Help: "Time until a vendor's answer.", Buckets: prometheus.ExponentialBuckets(0.0001, 2.5, 14),
			NativeHistogramBucketFactor: 1.1}, []string{"app", "dialect"}),
		upFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "dragoman_upstream_in_flight",
			Help: "Calls that wait for a vendor."}, []string{"app", "dialect"}),
		upLinks: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "dragoman_upstream_links",
			Help: "Live links that are relayed to a vendor."}, []string{"app", "dialect"}),
		upModes: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "dragoman_mode",
			Help: "1 for the mode in force."}, []string{"app", "dialect", "mode"}),
		upRetries: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "dragoman_upstream_retries_total",
			Help: "Further attempts of calls to a vendor: tried, hedged, or refused for want of budget."}, []string{"app", "dialect", "outcome"}),
		upStrange: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "dragoman_upstream_unrecognised_total",
			Help: "Errors of a vendor that are in no catalogue."}, []string{"provider", "code"}),
	}
	for _, c := range []prometheus.Collector{m.requests, m.seconds, m.problems, m.breakers, m.sockets, m.frames, m.slow,
		m.upCalls, m.upSeconds, m.upFlight, m.upLinks, m.upModes, m.upRetries, m.upStrange} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// storeBreaker is the gauge of the breaker in front of the store.
func storeBreaker(ask func() int) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "dragoman_store_breaker_state",
		Help: "Breaker in front of the store: 0 closed, 1 half-open, 2 open."}, func() float64 { return float64(ask()) })
}

// targetMetrics are the series of one route, looked up once: the hot path does no label hashing.
type targetMetrics struct {
	ok      prometheus.Counter // 2xx
	seconds prometheus.Observer
}

// target makes the series of one route.
func (m *metrics) target(dialect, route string) targetMetrics {
	return targetMetrics{m.requests.WithLabelValues(dialect, route, "2xx", ""), m.seconds.WithLabelValues(dialect, route)}
}

// breakerMoved returns the callback of one app's breaker.
func (m *metrics) breakerMoved(app, host string) func(gobreaker.State) {
	g := m.breakers.WithLabelValues(app, host)
	return func(s gobreaker.State) { g.Set(float64(s)) }
}

// count records one finished request.
func (m *metrics) count(x *exchange, took time.Duration) {
	if x.t != nil {
		series := x.t.series(m)
		series.seconds.Observe(took.Seconds())
		if x.problem == nil && x.status >= 200 && x.status < 300 {
			series.ok.Inc()
			return
		}
	}
	dialect, route, reason := "", "", ""
	if x.m != nil {
		dialect = x.m.name
	}
	if x.t != nil {
		route = x.t.name
	}
	if p := x.problem; p != nil {
		reason = p.Code
		m.problems.WithLabelValues(dialect, string(p.Class), p.Code, vendorCode(x)).Inc()
	}
	m.requests.WithLabelValues(dialect, route, strconv.Itoa(x.status/100)+"xx", reason).Inc()
}

// vendorCode is the code the client's SDK got, from the dialect's table.
func vendorCode(x *exchange) string {
	if x.problem == nil || x.problem.Original == nil {
		return ""
	}
	code := x.problem.Original.Code
	if len(code) > 1 && code[0] == '"' {
		code = code[1 : len(code)-1]
	}
	return string(code)
}

// gateMetrics are the figures of the gate before the calls.
func gateMetrics(g *fair.Gate) []prometheus.Collector {
	return []prometheus.Collector{
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "dragoman_calls_waiting",
			Help: "Requests that wait for their app's turn."}, func() float64 { return float64(g.Stats().Waiting) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "dragoman_calls_refused_total",
			Help: "Requests answered 429 because too many of their app waited."}, func() float64 { return float64(g.Stats().Refused) }),
	}
}
