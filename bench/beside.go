package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// The second app of the section, which sends little.
const (
	lightKey    = "light-key"
	lightSecret = "light-secret-0123456789abcdef0123"
)

// lightEvery is the pause between two messages of the light app.
const lightEvery = 5 * time.Millisecond

// flooders is how many connections the other app sends over, each as fast as it is answered.
const flooders = 64

// twoApps is a configuration with both.
func twoApps(p *process) ([]string, error) {
	text := fmt.Sprintf(`listen = "127.0.0.1:%d"
ops_listen = "127.0.0.1:%d"
[log]
level = "error"
[store]
dsn = %q
[files]
dir = %q
[[app]]
name = "heavy"
[app.stream]
api_key = %q
api_secret = %q
listen = "127.0.0.1:%d"
[[app]]
name = "light"
[app.stream]
api_key = %q
api_secret = %q
`, p.port, p.port+10, filepath.Join(p.dir, "d.db"), filepath.Join(p.dir, "files"), apiKey, apiSecret, p.port+1, lightKey, lightSecret)
	path := filepath.Join(p.dir, "config.toml")
	return []string{"-c", path}, os.WriteFile(path, []byte(text), 0o600)
}

// lightHead is head for the second app.
func lightHead(method, path, user string) (string, error) {
	claims := jwt.MapClaims{"user_id": user}
	if user == "" {
		claims = jwt.MapClaims{"server": true}
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(lightSecret))
	return strings.Replace(head(method, path, token, user), apiKey, lightKey, 1), err
}

// benchBeside is section w.
func benchBeside(r *report, o options) error {
	p, err := startWith(twoApps)
	if err != nil {
		return err
	}
	defer p.stop()
	s, err := newSetup(p.addr())
	if err != nil {
		return err
	}
	users, err := s.people("flooder", flooders)
	if err != nil {
		return err
	}
	if err := s.channel("messaging", "bench-0", users); err != nil {
		return err
	}
	l, err := dial(p.addr())
	if err != nil {
		return err
	}
	defer l.c.Close()
	for _, c := range [][2]string{{"/users", `{"users":{"lily":{"id":"lily"}}}`}, {"/channels/messaging/quiet/query", `{"data":{"created_by_id":"lily","members":["lily"]}}`}} {
		h, err := lightHead("POST", c[0], "")
		if err != nil {
			return err
		}
		if status, b, err := l.do(h, c[1]); err != nil || status >= 300 {
			return refusal(status, b, err)
		}
	}
	alone, err := light(l, o.span)
	if err != nil {
		return err
	}
	var heavy sent
	var fail error
	var wg sync.WaitGroup
	var begun atomic.Bool
	wg.Go(func() {
		begun.Store(true)
		heavy, fail = sendFor(p, users, flooders, 1, 2*o.span)
	})
	for !begun.Load() {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(o.span / 4) // the flood has its full strength
	beside, err := light(l, o.span)
	wg.Wait()
	if err != nil || fail != nil {
		return fmt.Errorf("%w, %w", err, fail)
	}
	free, err := sendFor(p, users, flooders, 1, o.span)
	if err != nil {
		return err
	}
	r.row("the light app alone", "p50 "+millis(percentile(alone, 0.5)), "p99 "+millis(percentile(alone, 0.99)))
	r.row("beside the flood", "p50 "+millis(percentile(beside, 0.5)), "p99 "+millis(percentile(beside, 0.99)),
		fmt.Sprintf("%.1f times the p99 alone, aim 2", float64(percentile(beside, 0.99))/float64(percentile(alone, 0.99))))
	r.row("the flood meanwhile", fmt.Sprintf("%.0f msg/s", heavy.rate), fmt.Sprintf("alone %.0f", free.rate))
	return nil
}

// light sends a message from time to time and measures how long each took, sorted.
func light(l *link, span time.Duration) ([]time.Duration, error) {
	h, err := lightHead("POST", "/channels/messaging/quiet/message", "lily")
	if err != nil {
		return nil, err
	}
	var took []time.Duration
	tick := time.NewTicker(lightEvery)
	defer tick.Stop()
	for end := time.Now().Add(span); time.Now().Before(end); <-tick.C {
		began := time.Now()
		status, b, err := l.do(h, body("lily"))
		if err != nil || status != 201 {
			return nil, refusal(status, b, err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took, nil
}
