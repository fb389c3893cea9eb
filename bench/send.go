package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dragoman/core/store/sqlite"
	"dragoman/core/store/storetest"
)

// text is the body of a message: 128 bytes.
var text = strings.Repeat("0123456789abcdef", 8)

// channels is over how many channels the spread loads go.
const channels = 64

// sent is one measurement of acknowledged messages.
type sent struct {
	rate float64
	cpu  time.Duration // of the server, per message
}

// stamp makes client ids unique over rounds.
var stamp atomic.Int64

// body is a message as an SDK sends it: with an id of its own.
func body(user string) string {
	return `{"message":{"id":"` + user + "-" + strconv.FormatInt(stamp.Add(1), 36) + "-" + strconv.FormatInt(time.Now().UnixNano(), 36) +
		`","text":"` + text + `","attachments":[],"mentioned_users":[]}}`
}

// benchSend is section a.
func benchSend(r *report, o options) error {
	p, err := startServer()
	if err != nil {
		return err
	}
	defer p.stop()
	s, err := newSetup(p.addr())
	if err != nil {
		return err
	}
	users, err := s.people("sender", 64)
	if err != nil {
		return err
	}
	for i := range channels {
		if err := s.channel("messaging", "bench-"+strconv.Itoa(i), users); err != nil {
			return err
		}
	}
	for _, l := range []struct {
		conns, chans int
		aim          string
	}{{1, channels, ""}, {16, channels, ""}, {64, channels, "aim 0.6 of the store, under 90 µs"}, {64, 1, "aim no slower than the spread"}} {
		bare, err := median(o.rounds, func(x storetest.Rate) float64 { return x.PerSecond() }, func() (storetest.Rate, error) { return bareStore(l.conns, l.chans) })
		if err != nil {
			return err
		}
		got, err := median(o.rounds, func(x sent) float64 { return x.rate }, func() (sent, error) { return sendFor(p, users, l.conns, l.chans, o.span) })
		if err != nil {
			return err
		}
		what := fmt.Sprintf("%d connections, %d channels", l.conns, l.chans)
		if l.chans == 1 {
			what = fmt.Sprintf("%d connections, one hot channel", l.conns)
		}
		notes := []string{micros(got.cpu) + " server CPU each", fmt.Sprintf("bare store %.0f/s at %s: %.2f of it", bare.PerSecond(), micros(bare.CPU), got.rate/bare.PerSecond())}
		if l.conns == 64 && l.chans == channels {
			http, err := median(o.rounds, func(x sent) float64 { return x.rate }, func() (sent, error) { return benchBareHTTP(users, l.conns, o.span) })
			if err != nil {
				return err
			}
			notes = append(notes, fmt.Sprintf("bare HTTP %.0f/s at %s: store and HTTP alone are %s", http.rate, micros(http.cpu), micros(http.cpu+bare.CPU)))
		}
		if l.aim != "" {
			notes = append(notes, l.aim)
		}
		r.row(what, fmt.Sprintf("%.0f msg/s", got.rate), notes...)
	}
	return nil
}

// bareStore is the append rate without anything around it.
func bareStore(writers, chans int) (storetest.Rate, error) {
	dir, err := os.MkdirTemp("", "dragoman-bench-store-")
	if err != nil {
		return storetest.Rate{}, err
	}
	defer os.RemoveAll(dir)
	st, err := sqlite.Open(context.Background(), sqlite.Options{Path: filepath.Join(dir, "bench.db")})
	if err != nil {
		return storetest.Rate{}, err
	}
	defer st.Close()
	return storetest.BenchAppend(context.Background(), st, storetest.Load{Writers: writers, Channels: chans, Messages: 1500 + 250*writers})
}

// sendFor sends over so many connections for a while, each waiting for its answer.
func sendFor(p *process, users []string, conns, chans int, span time.Duration) (sent, error) {
	links := make([]*link, conns)
	heads := make([][]string, conns)
	for i := range links {
		l, err := dial(p.addr())
		if err != nil {
			return sent{}, err
		}
		defer l.c.Close()
		links[i] = l
		token := userToken(users[i])
		for c := range chans {
			heads[i] = append(heads[i], head("POST", "/channels/messaging/bench-"+strconv.Itoa(c)+"/message", token, users[i]))
		}
	}
	var total atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	cpu, err := p.cpu()
	if err != nil {
		return sent{}, err
	}
	start := time.Now()
	end := start.Add(span)
	for i, l := range links {
		wg.Go(func() {
			n := int64(0)
			defer func() { total.Add(n) }()
			for k := i; time.Now().Before(end); k++ {
				status, b, err := l.do(heads[i][k%chans], body(users[i]))
				if err != nil || status != 201 {
					err = refusal(status, b, err)
					failed.Store(&err)
					return
				}
				n++
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	after, err := p.cpu()
	if err != nil {
		return sent{}, err
	}
	if e := failed.Load(); e != nil {
		return sent{}, *e
	}
	n := total.Load()
	return sent{float64(n) / took.Seconds(), (after - cpu) / time.Duration(max(n, 1))}, nil
}
