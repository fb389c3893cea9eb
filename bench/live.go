package main

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidwall/gjson"
)

// benchLatency is section b.
func benchLatency(r *report, o options) error {
	p, err := startServer()
	if err != nil {
		return err
	}
	defer p.stop()
	s, err := newSetup(p.addr())
	if err != nil {
		return err
	}
	users, err := s.people("pair", 2)
	if err != nil {
		return err
	}
	if err := s.channel("messaging", "pair", users); err != nil {
		return err
	}
	l, err := dial(p.addr())
	if err != nil {
		return err
	}
	defer l.c.Close()
	other, err := connect(p.addr(), users[1])
	if err != nil {
		return err
	}
	defer other.c.Close()
	if err := other.watch(l, "messaging", "pair"); err != nil {
		return err
	}
	h := head("POST", "/channels/messaging/pair/message", userToken(users[0]), users[0])
	got, err := oneAtATime(o, l, other, exchange{head: h, body: func() string { return body(users[0]) }, status: 201, marker: messageNew})
	if err != nil {
		return err
	}
	got.print(r, "Stream, one at a time", "aim 0.35 and 1 ms")
	comet, err := cometLatency(p, o)
	if err != nil {
		return err
	}
	comet.print(r, "CometChat, one at a time", fmt.Sprintf("%.2f times Stream's", float64(comet.p50)/float64(got.p50)), "aim within 1.2")
	agora, err := msyncLatency(p, o)
	if err != nil {
		return err
	}
	agora.print(r, "Agora over MSync, one at a time", fmt.Sprintf("%.2f times Stream's", float64(agora.p50)/float64(got.p50)), "aim within 1.2")
	rc, err := rcLatency(p, o)
	if err != nil {
		return err
	}
	rc.print(r, "Nexconn, one at a time", fmt.Sprintf("%.2f times Stream's", float64(rc.p50)/float64(got.p50)), "aim within 1.2")
	return nil
}

// exchange is how a message is sent and told from other frames when it arrives.
type exchange struct {
	head   string
	body   func() string
	status int
	marker []byte
}

// spread is how long messages took to the other client, and to their acknowledgement.
type spread struct{ p50, p99, ack time.Duration }

func (x spread) print(r *report, what string, notes ...string) {
	r.row(what, "p50 "+millis(x.p50)+", p99 "+millis(x.p99), append([]string{"acknowledged p50 " + millis(x.ack)}, notes...)...)
}

// oneAtATime sends messages, each after the one before has arrived at the other client.
func oneAtATime(o options, l *link, other *socket, x exchange) (spread, error) {
	heard := make(chan time.Time, 16)
	go func() {
		var buf []byte
		for {
			b, err := other.frame(buf)
			if err != nil {
				close(heard)
				return
			}
			if bytes.Contains(b, x.marker) {
				heard <- time.Now()
			}
			buf = b
		}
	}()
	return median(o.rounds, func(x spread) float64 { return float64(x.p50) }, func() (spread, error) {
		var took, acks []time.Duration
		for end := time.Now().Add(o.span); time.Now().Before(end); {
			began := time.Now()
			status, b, err := l.do(x.head, x.body())
			if err != nil || status != x.status {
				return spread{}, refusal(status, b, err)
			}
			acks = append(acks, time.Since(began))
			at, ok := <-heard
			if !ok {
				return spread{}, fmt.Errorf("the socket was closed")
			}
			took = append(took, at.Sub(began))
		}
		slices.Sort(took)
		slices.Sort(acks)
		return spread{percentile(took, .5), percentile(took, .99), percentile(acks, .5)}, nil
	})
}

// benchFanout is section c.
func benchFanout(r *report, o options) error {
	p, err := startServer()
	if err != nil {
		return err
	}
	defer p.stop()
	s, err := newSetup(p.addr())
	if err != nil {
		return err
	}
	users, err := s.people("fan", o.watchers)
	if err != nil {
		return err
	}
	if err := s.channel("livestream", "show", users[:1]); err != nil {
		return err
	}
	sockets, _, err := connectAll(p, users, 16)
	if err != nil {
		return err
	}
	defer func() {
		for _, c := range sockets {
			_ = c.c.Close()
		}
	}()
	l, err := dial(p.addr())
	if err != nil {
		return err
	}
	defer l.c.Close()
	for _, c := range sockets {
		if err := c.watch(l, "livestream", "show"); err != nil {
			return err
		}
	}
	var delivered atomic.Int64
	for _, c := range sockets {
		go c.count(&delivered)
	}
	type flow struct {
		rate float64
		cpu  time.Duration
	}
	h := head("POST", "/channels/livestream/show/message", userToken(users[0]), users[0])
	const window = 16 // messages on their way: far below what a socket's queue holds
	got, err := median(o.rounds, func(x flow) float64 { return x.rate }, func() (flow, error) {
		base := delivered.Load()
		cpu, err := p.cpu()
		if err != nil {
			return flow{}, err
		}
		start := time.Now()
		n := int64(0)
		for end := start.Add(2 * o.span); time.Now().Before(end); n++ {
			for delivered.Load()-base < (n-window)*int64(len(sockets)) {
				if time.Since(start) > 2*o.span+20*time.Second {
					return flow{}, fmt.Errorf("%d of %d deliveries arrived", delivered.Load()-base, n*int64(len(sockets)))
				}
				time.Sleep(50 * time.Microsecond)
			}
			if status, b, err := l.do(h, body(users[0])); err != nil || status != 201 {
				return flow{}, refusal(status, b, err)
			}
		}
		for want := n * int64(len(sockets)); delivered.Load()-base < want; time.Sleep(100 * time.Microsecond) {
			if time.Since(start) > 2*o.span+20*time.Second {
				return flow{}, fmt.Errorf("%d of %d deliveries arrived", delivered.Load()-base, want)
			}
		}
		took := time.Since(start)
		after, err := p.cpu()
		if err != nil {
			return flow{}, err
		}
		all := n * int64(len(sockets))
		return flow{float64(all) / took.Seconds(), (after - cpu) / time.Duration(max(all, 1))}, nil
	})
	if err != nil {
		return err
	}
	rate, cpu, err := benchBare(len(sockets), o.span)
	if err != nil {
		return err
	}
	r.row(fmt.Sprintf("%d watching sockets", len(sockets)), fmt.Sprintf("%.0f deliveries/s", got.rate), micros(got.cpu)+" server CPU each",
		fmt.Sprintf("bare writes of the same size %.0f/s at %s: %.2f times their CPU", rate, micros(cpu), float64(got.cpu)/float64(cpu)), "aim 100,000/s, under 9 µs")
	return nil
}

// connectAll opens a socket for each user, so many at a time, and returns how long each took.
func connectAll(p *process, users []string, width int) ([]*socket, []time.Duration, error) {
	sockets := make([]*socket, len(users))
	took := make([]time.Duration, len(users))
	errs := make([]error, len(users))
	gate := make(chan struct{}, width)
	var wg sync.WaitGroup
	for i, u := range users {
		gate <- struct{}{}
		wg.Go(func() {
			defer func() { <-gate }()
			began := time.Now()
			sockets[i], errs[i] = connect(p.addr(), u)
			took[i] = time.Since(began)
		})
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			return nil, nil, fmt.Errorf("socket %d: %w", i, err)
		}
	}
	return sockets, took, nil
}

// benchIdle is section d.
func benchIdle(r *report, o options) error {
	p, err := startServer()
	if err != nil {
		return err
	}
	defer p.stop()
	s, err := newSetup(p.addr())
	if err != nil {
		return err
	}
	users, err := s.people("idle", o.idle)
	if err != nil {
		return err
	}
	if err := settle(p); err != nil {
		return err
	}
	before, err := p.rss()
	if err != nil {
		return err
	}
	cpu, err := p.cpu()
	if err != nil {
		return err
	}
	few := min(300, len(users)/2)
	sockets, took, err := connectAll(p, users[:few], 1)
	if err != nil {
		return err
	}
	rest, _, err := connectAll(p, users[few:], 16)
	if err != nil {
		return err
	}
	sockets = append(sockets, rest...)
	defer func() {
		for _, c := range sockets {
			_ = c.c.Close()
		}
	}()
	after, err := p.cpu()
	if err != nil {
		return err
	}
	raw, err := p.rss()
	if err != nil {
		return err
	}
	if err := settle(p); err != nil {
		return err
	}
	now, err := p.rss()
	if err != nil {
		return err
	}
	each := func(b int64) string { return fmt.Sprintf("%.1f KiB", float64(b-before)/1024/float64(len(sockets))) }
	slices.Sort(took)
	r.row(strconv.Itoa(len(sockets))+" idle sockets", each(now)+" resident each", "right after connecting "+each(raw), "aim under 16 KiB")
	r.row("connect and login", "p50 "+millis(percentile(took, .5))+", p99 "+millis(percentile(took, .99)),
		micros((after-cpu)/time.Duration(len(sockets)))+" server CPU each", "aim under 1 ms")
	return nil
}

// settle lets the server collect its garbage and give memory back.
func settle(p *process) error {
	for range 3 {
		if err := p.collect(); err != nil {
			return err
		}
		time.Sleep(700 * time.Millisecond)
	}
	return nil
}

// benchStart is section f.
func benchStart(r *report, o options) error {
	got, err := median(max(o.rounds, 3), func(d time.Duration) float64 { return float64(d) }, func() (time.Duration, error) {
		p, err := startServer()
		if err != nil {
			return 0, err
		}
		defer p.stop()
		l, err := dial(p.addr())
		if err != nil {
			return 0, err
		}
		defer l.c.Close()
		status, b, err := l.do(head("GET", "/app", userToken("alice"), "alice"), "")
		if err != nil || status != 200 || !gjson.ValidBytes(b) {
			return 0, refusal(status, b, err)
		}
		return p.ready, nil
	})
	if err != nil {
		return err
	}
	r.row("empty folder to ready", millis(got), "aim under 300 ms")
	return nil
}
