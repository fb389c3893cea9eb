package integration_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestKillNine: sixteen writers send over REST with ids of their own while the server is killed
// again and again. Afterwards every acknowledged message is there once, in the order its writer
// sent it, no channel has a gap, and sending an id again adds nothing.
func TestKillNine(t *testing.T) {
	const (
		writers  = 16
		channels = 4
		kills    = 4
		between  = 900 * time.Millisecond
	)
	dir, port := t.TempDir(), freeBlock(t)
	s := startIn(t, dir, port)
	a := s.demo()
	people := make([]string, writers)
	for i := range people {
		people[i] = fmt.Sprintf("w%02d", i)
	}
	a.people(t, people...)
	for c := range channels {
		a.channel(t, fmt.Sprintf("crash-%d", c), people...)
	}

	var stop atomic.Bool
	acked := make([][]string, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for n := 0; !stop.Load(); n++ {
				id := fmt.Sprintf("%s-%06d", people[w], n)
				if deliver(a, fmt.Sprintf("crash-%d", w%channels), people[w], id, 30*time.Second) {
					acked[w] = append(acked[w], id)
				}
			}
		}()
	}
	for range kills {
		time.Sleep(between) // the load runs; what is killed is arbitrary on purpose
		s.kill()
		s = startIn(t, dir, port)
	}
	time.Sleep(between)
	stop.Store(true)
	wg.Wait()

	total := 0
	for c := range channels {
		name := fmt.Sprintf("crash-%d", c)
		at := map[string]int{}
		for i, id := range history(t, a, name, people[c]) {
			if _, twice := at[id]; twice {
				t.Errorf("%s holds %s twice", name, id)
			}
			at[id] = i
		}
		for w := c; w < writers; w += channels {
			last := -1
			for _, id := range acked[w] {
				i, ok := at[id]
				if !ok {
					t.Fatalf("acknowledged and lost: %s", id)
				}
				if i < last {
					t.Errorf("%s is before the message its writer sent earlier", id)
				}
				last = i
			}
			total += len(acked[w])
			// Sending the last one again is no second message.
			if n := len(acked[w]); n > 0 && !deliver(a, name, people[w], acked[w][n-1], 5*time.Second) {
				t.Errorf("resend of %s was refused", acked[w][n-1])
			}
		}
		if again := history(t, a, name, people[c]); len(again) != len(at) {
			t.Errorf("%s: %d messages after sending some again, %d before", name, len(again), len(at))
		}
	}
	if total < writers*kills {
		t.Errorf("only %d messages acknowledged: the test did not exercise anything", total)
	}
	t.Logf("%d messages acknowledged over %d kills", total, kills)

	s.stop(t)
	rows, err := database(t, dir).Query(`SELECT id >> 31, count(*), min(id & 0x7fffffff), max(id & 0x7fffffff) FROM messages GROUP BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var ch, count, low, high int64
		if err := rows.Scan(&ch, &count, &low, &high); err != nil {
			t.Fatal(err)
		}
		if low != 1 || high != count {
			t.Errorf("channel %d: %d messages numbered %d to %d", ch, count, low, high)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

// deliver sends a message under one id until it is acknowledged or the patience is over. An answer
// that the id exists already is an acknowledgement of an earlier try.
func deliver(a api, channel, user, id string, patience time.Duration) bool {
	c := call{Method: "POST", Path: "/channels/messaging/" + channel + "/message", Token: a.user(user),
		Query: url.Values{"user_id": {user}}, Body: object("message", json.RawMessage(object("id", id, "text", "text of "+id)))}
	for end := time.Now().Add(patience); time.Now().Before(end); {
		r, err := a.try(c)
		if err == nil && (r.Status == 201 || strings.Contains(r.Get("message").Str, "already exists")) {
			return true
		}
		time.Sleep(20 * time.Millisecond) // the server is down: it is being killed
	}
	return false
}
