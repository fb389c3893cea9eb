package proxy

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"dragoman/adapters"
)

// maxStrange bounds the list of errors in no catalogue, and with it the labels of their counter.
const maxStrange = 200

// Strange is an error of a vendor that is in no catalogue: a row to add.
type Strange struct {
	Provider string    `json:"provider"`
	Code     string    `json:"code"` // as the vendor wrote it; empty where the answer has none
	Status   int       `json:"status"`
	App      string    `json:"app"`
	Route    string    `json:"route"` // where it was last seen
	Request  string    `json:"request_id"`
	Count    int       `json:"count"`
	Last     time.Time `json:"last"`
}

// strange keeps the list.
type strange struct {
	met  *metrics
	mu   sync.Mutex
	list map[strangeKey]*Strange
}

type strangeKey struct {
	provider, code string
	status         int
}

func newStrange(m *metrics) *strange { return &strange{met: m, list: map[strangeKey]*Strange{}} }

// note counts one.
func (s *strange) note(f *fronted, provider, code string, status int, rq *adapters.Request, t *target) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := strangeKey{provider, code, status}
	e := s.list[k]
	if e == nil && len(s.list) >= maxStrange {
		k = strangeKey{provider, "other", 0}
		e = s.list[k]
	}
	if e == nil {
		e = &Strange{Provider: provider, Code: k.code, Status: k.status}
		s.list[k] = e
	}
	e.Count++
	e.App, e.Request, e.Last, e.Route = f.name, rq.ID, time.Now(), ""
	if t != nil {
		e.Route = t.name
	}
	s.met.upStrange.WithLabelValues(provider, k.code).Inc()
}

// Unrecognised lists the errors of vendors that are in no catalogue, the most frequent first.
func (s *Server) Unrecognised() []Strange {
	s.strange.mu.Lock()
	defer s.strange.mu.Unlock()
	out := make([]Strange, 0, len(s.strange.list))
	for _, e := range s.strange.list {
		out = append(out, *e)
	}
	slices.SortFunc(out, func(a, b Strange) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Status, b.Status))
	})
	return out
}
