package main

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"dragoman/core/engine"
	"dragoman/core/store"
	"dragoman/core/store/breaker"
)

// newMetrics makes the registry of the process: what the runtime and the operating system say of it,
// and which build it is. Proxy, core and store add theirs.
func newMetrics() *prometheus.Registry {
	r := prometheus.NewRegistry()
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "dragoman_build_info", Help: "Always 1; the version is the label.", ConstLabels: prometheus.Labels{"version": version}})
	build.Set(1)
	r.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// storeMetrics counts the calls that reach the database.
type storeMetrics struct {
	seconds  [4]prometheus.Observer
	failures [4]prometheus.Counter
}

// newStoreMetrics registers the counters.
func newStoreMetrics(r *prometheus.Registry) *storeMetrics {
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "dragoman_store_seconds",
		Help: "Time of a call to the database, the wait for its commit included.", Buckets: prometheus.ExponentialBuckets(0.00005, 2.5, 14),
		NativeHistogramBucketFactor: 1.1}, []string{"call"})
	failures := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "dragoman_store_failures_total",
		Help: "Calls that the database did not answer."}, []string{"call"})
	r.MustRegister(seconds, failures)
	m := &storeMetrics{}
	for _, c := range []breaker.Call{breaker.Read, breaker.Update, breaker.Append, breaker.Other} {
		m.seconds[c], m.failures[c] = seconds.WithLabelValues(c.String()), failures.WithLabelValues(c.String())
	}
	return m
}

// observed notes one call.
func (m *storeMetrics) observed(c breaker.Call, took time.Duration, err error) {
	m.seconds[c].Observe(took.Seconds())
	if errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrUnknownOutcome) {
		m.failures[c].Inc()
	}
}

// coreSeries are the figures of the core, read when somebody asks.
var coreSeries = []struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*engine.Stats) float64
}{
	{series("nodes", "Nodes heard of on the bus, this one included."), prometheus.GaugeValue, func(s *engine.Stats) float64 { return float64(s.Nodes) }},
	{series("bus_up", "1 while events of other nodes arrive."), prometheus.GaugeValue, func(s *engine.Stats) float64 { return one(s.BusUp) }},
	{series("lease_held", "1 on the node that delivers webhooks and runs background tasks."), prometheus.GaugeValue, func(s *engine.Stats) float64 { return one(s.Lease) }},
	{series("connections", "Live connections known to the core."), prometheus.GaugeValue, func(s *engine.Stats) float64 { return float64(s.Connections) }},
	{series("people_online", "People with a connection on this node."), prometheus.GaugeValue, func(s *engine.Stats) float64 { return float64(s.People) }},
	{series("channels_followed", "Channels somebody on this node follows."), prometheus.GaugeValue, func(s *engine.Stats) float64 { return float64(s.Channels) }},
	{series("dispatch_queue", "Events written and not yet handed on to connections."), prometheus.GaugeValue, func(s *engine.Stats) float64 { return float64(s.Dispatching) }},
	{series("webhooks_sent_total", "Webhook calls answered with success."), prometheus.CounterValue, func(s *engine.Stats) float64 { return float64(s.HooksSent) }},
	{series("webhooks_failed_total", "Webhook calls that failed and are tried again."), prometheus.CounterValue, func(s *engine.Stats) float64 { return float64(s.HooksFailed) }},
	{series("webhooks_lost_total", "Events whose webhooks were given up after all attempts."), prometheus.CounterValue, func(s *engine.Stats) float64 { return float64(s.HooksLost) }},
	{series("webhooks_held_channels", "Channels whose webhooks wait for a call to succeed."), prometheus.GaugeValue, func(s *engine.Stats) float64 { return float64(s.HooksHeld) }},
	{series("webhooks_behind_seconds", "Age of the oldest event whose webhook call failed last time."), prometheus.GaugeValue, func(s *engine.Stats) float64 { return s.HooksBehind.Seconds() }},
}

func series(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("dragoman_core_"+name, help, nil, nil)
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// coreMetrics is the collector of an engine.
type coreMetrics struct{ e *engine.Engine }

// Describe implements prometheus.Collector.
func (coreMetrics) Describe(out chan<- *prometheus.Desc) {
	for i := range coreSeries {
		out <- coreSeries[i].desc
	}
}

// Collect implements prometheus.Collector.
func (m coreMetrics) Collect(out chan<- prometheus.Metric) {
	s := m.e.Stats()
	for i := range coreSeries {
		out <- prometheus.MustNewConstMetric(coreSeries[i].desc, coreSeries[i].kind, coreSeries[i].value(&s))
	}
}
