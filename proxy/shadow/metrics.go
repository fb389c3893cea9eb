package shadow

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"dragoman/core"
	"dragoman/normalize/diff"
)

// metrics are the shadow's series. Every one has the app and the dialect.
type metrics struct {
	compared, learned, left, filled, mirror *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "dragoman", Subsystem: "shadow", Name: name, Help: help}, append([]string{"app", "dialect"}, labels...))
	}
	m := &metrics{
		compared: counter("compared_total", "Calls put to the other side, by operation and verdict.", "route", "verdict"),
		learned:  counter("learnt_total", "Things the vendor told the core: new, changed, known, refused.", "outcome"),
		left:     counter("left_out_total", "Pieces of traffic that found no place in the queue: comparison or lesson.", "what"),
		filled:   counter("fills_total", "Pages read from the vendor to fill gaps: ok or failed.", "outcome"),
		mirror:   counter("mirrored_total", "Writes of the core sent to the vendor: sent or lost.", "outcome"),
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.compared, m.learned, m.left, m.filled, m.mirror} {
		errs = append(errs, reg.Register(c))
	}
	return m, errors.Join(errs...)
}

func (m *metrics) judged(p *pair, route string, r *diff.Result) {
	m.compared.WithLabelValues(p.app(), p.key.dialect, route, string(r.Verdict)).Inc()
}

func (m *metrics) learnt(p *pair, out *core.Learnt, refused int) {
	for _, x := range []struct {
		outcome string
		n       int
	}{{"new", out.New}, {"changed", out.Changed}, {"known", out.Known}, {"refused", refused}} {
		if x.n > 0 {
			m.learned.WithLabelValues(p.app(), p.key.dialect, x.outcome).Add(float64(x.n))
		}
	}
}

func (m *metrics) skipped(p *pair) {
	m.left.WithLabelValues(p.app(), p.key.dialect, "comparison").Inc()
}
func (m *metrics) dropped(p *pair) { m.left.WithLabelValues(p.app(), p.key.dialect, "lesson").Inc() }

func (m *metrics) fills(p *pair, outcome string) {
	m.filled.WithLabelValues(p.app(), p.key.dialect, outcome).Inc()
}

func (m *metrics) mirrored(p *pair, outcome string) {
	m.mirror.WithLabelValues(p.app(), p.key.dialect, outcome).Inc()
}
