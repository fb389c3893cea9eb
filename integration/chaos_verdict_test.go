package integration_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"
)

// verdict is what came of it.
type verdict struct {
	acked, stored, lost, doubled, reordered, unheard, twice, reconnects, refused int
	calls, hooksLost, hooksReordered                                             int
}

// judge compares what every client was told with what is stored.
func (cs cast) judge(t *testing.T, truth map[string][]string) *verdict {
	t.Helper()
	v := &verdict{}
	index := map[string]map[string]int{}
	for g, texts := range truth {
		index[g] = places(texts)
		v.stored += len(texts)
		if d := len(texts) - len(index[g]); d > 0 {
			v.doubled += d
			t.Errorf("%d messages of %s are stored twice", d, g)
		}
	}
	for _, p := range cs {
		p.mu.Lock()
		v.refused += p.refused
		v.reconnects += p.ups - p.calm
		for g := range truth {
			p.judge(t, v, g, truth[g], index[g])
		}
		p.mu.Unlock()
	}
	return v
}

// judge looks at one client and group. The lock is held.
func (p *peer) judge(t *testing.T, v *verdict, g string, texts []string, at map[string]int) {
	t.Helper()
	for _, x := range p.acked[g] {
		v.acked++
		if _, stored := at[x]; !stored {
			v.lost++
			t.Errorf("%s (%s): acknowledged and lost: %s", p.id, p.dialect, x)
		}
	}
	if n := inOrder(p.acked[g], at); n > 0 {
		v.reordered += n
		t.Errorf("%s (%s): %d of its own messages are stored in another order than it was told", p.id, p.dialect, n)
	}
	for x := range at {
		if !p.heard[g][x] && !p.own(x) {
			v.unheard++
		}
	}
	if h := p.history[g]; h != nil && !equalTexts(h, texts) {
		v.reordered++
		t.Errorf("%s (%s) reads another history of %s: %d messages, %d are stored, %d are out of order", p.id, p.dialect, g, len(h), len(texts), inOrder(h, at))
	}
	// What came on one link came in order, and once.
	for from := 0; from < len(p.live[g]); {
		to := from
		var told []string
		seen := map[string]bool{}
		for ; to < len(p.live[g]) && p.live[g][to].session == p.live[g][from].session; to++ {
			x := p.live[g][to].text
			if seen[x] {
				v.twice++
				t.Errorf("%s (%s) was told %s twice on one link", p.id, p.dialect, x)
				continue
			}
			seen[x] = true
			if !p.own(x) { // that comes when the SDK has put its own message and the answer together
				told = append(told, x)
			}
		}
		if n := inOrder(told, at); n > 0 {
			v.reordered += n
			t.Errorf("%s (%s) was told messages of %s out of order on one link: %s", p.id, p.dialect, g, disorder(told, at))
		}
		from = to
	}
}

// own reports whether the client wrote it.
func (p *peer) own(text string) bool { return len(text) > len(p.id) && text[:len(p.id)+1] == p.id+"/" }

// hookLog is the app's endpoint of webhooks.
type hookLog struct {
	url   string
	mu    sync.Mutex
	calls int
	first map[string][]string // by channel: messages in the order of their first call
	seen  map[string]bool
}

// newHookLog serves on loopback until the test ends.
func newHookLog(t *testing.T) *hookLog {
	h := &hookLog{first: map[string][]string{}, seen: map[string]bool{}}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, rq *http.Request) {
		b, err := io.ReadAll(rq.Body)
		if err != nil {
			return // the caller was killed
		}
		ev := gjson.ParseBytes(b)
		if ev.Get("type").Str == "message.new" {
			h.take(ev.Get("channel_id").Str, ev.Get("message.text").Str)
		}
		w.WriteHeader(http.StatusOK)
	}))
	t.Cleanup(srv.Close)
	h.url = srv.URL
	return h
}

func (h *hookLog) take(channel, text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls++
	if k := channel + " " + text; text != "" && !h.seen[k] {
		h.seen[k] = true
		h.first[channel] = append(h.first[channel], text)
	}
}

// hooks waits for the webhooks of everything stored and compares them.
func (v *verdict) hooks(t *testing.T, h *hookLog, truth map[string][]string) {
	t.Helper()
	missing := func() (n int) {
		h.mu.Lock()
		defer h.mu.Unlock()
		for g, texts := range truth {
			for _, x := range texts {
				if !h.seen[g+" "+x] {
					n++
				}
			}
		}
		return n
	}
	if err := within(40*time.Second, func() bool { return missing() == 0 }); err != nil {
		v.hooksLost = missing()
		t.Errorf("%d webhooks have not come: %v", v.hooksLost, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	v.calls = h.calls
	for g, texts := range truth {
		if n := inOrder(h.first[g], places(texts)); n > 0 {
			v.hooksReordered += n
			t.Errorf("%d webhooks of %s came out of order", n, g)
		}
	}
}

// disorder shows where texts are not in order: three before the place and what comes there.
func disorder(told []string, at map[string]int) string {
	var b strings.Builder
	for i := 1; i < len(told); i++ {
		if at[told[i]] < at[told[i-1]] {
			for _, x := range told[max(i-3, 0):min(i+3, len(told))] {
				fmt.Fprintf(&b, "%d:%s ", at[x], x)
			}
			b.WriteString("; ")
		}
	}
	return b.String()
}
