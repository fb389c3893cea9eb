package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dragoman/core/remote"
)

// remoteMetrics counts the calls of a sidecar to its core nodes.
type remoteMetrics struct {
	seconds *prometheus.HistogramVec
	retries *prometheus.CounterVec
}

// newRemoteMetrics registers the counters.
func newRemoteMetrics(r *prometheus.Registry) *remoteMetrics {
	m := &remoteMetrics{
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "dragoman_remote_call_seconds",
			Help:    "Time of a call to a core node, by what came of it: ok, failure (an answer of the core), broken (none).",
			Buckets: prometheus.ExponentialBuckets(0.0001, 2.5, 14), NativeHistogramBucketFactor: 1.1}, []string{"node", "result"}),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "dragoman_remote_retries_total",
			Help: "Calls that went to another core node: unsent and refused ones were never carried out, broken ones could be sent twice without harm."}, []string{"why"}),
	}
	r.MustRegister(m.seconds, m.retries)
	return m
}

// Called implements remote.Observer.
func (m *remoteMetrics) Called(node, result string, took time.Duration) {
	m.seconds.WithLabelValues(node, result).Observe(took.Seconds())
}

// Retried implements remote.Observer.
func (m *remoteMetrics) Retried(why string) { m.retries.WithLabelValues(why).Inc() }

// nodeMetrics tells how the core nodes of a sidecar stand, read when somebody asks.
type nodeMetrics struct{ c *remote.Client }

// nodeSeries are the figures of one node.
var nodeSeries = []struct {
	desc  *prometheus.Desc
	value func(*remote.NodeState) float64
}{
	{ofNode("breaker_state", "Breaker towards the core node: 0 closed, 1 half-open, 2 open."), func(s *remote.NodeState) float64 { return float64(s.Breaker) }},
	{ofNode("draining", "1 while the core node goes away by its own will."), func(s *remote.NodeState) float64 { return one(s.Draining) }},
	{ofNode("link_up", "1 while live connections can be opened on the core node."), func(s *remote.NodeState) float64 { return one(s.Linked) }},
	{ofNode("connections", "Live connections of this sidecar's clients on the core node."), func(s *remote.NodeState) float64 { return float64(s.Connections) }},
}

// ofNode describes one figure.
func ofNode(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("dragoman_remote_"+name, help, []string{"node"}, nil)
}

// Describe implements prometheus.Collector.
func (m nodeMetrics) Describe(ch chan<- *prometheus.Desc) {
	for i := range nodeSeries {
		ch <- nodeSeries[i].desc
	}
}

// Collect implements prometheus.Collector.
func (m nodeMetrics) Collect(ch chan<- prometheus.Metric) {
	for _, s := range m.c.Nodes() {
		for i := range nodeSeries {
			ch <- prometheus.MustNewConstMetric(nodeSeries[i].desc, prometheus.GaugeValue, nodeSeries[i].value(&s), s.URL)
		}
	}
}
