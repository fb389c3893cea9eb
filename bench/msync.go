package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/gobwas/ws"
	"github.com/tidwall/gjson"
	"google.golang.org/protobuf/encoding/protowire"
)

// The demo's Agora app, reached on the main port by path prefix.
const (
	agoraKey    = "demo-org#demo-app"
	agoraPrefix = "/agora/demo-org/demo-app"
)

// missed is how many messages the person of section h has missed.
const missed = 10_000

// msync is a live link of Agora Chat, spoken by hand.
type msync struct {
	*socket
	next uint64
}

// field appends a message, a text or bytes; number appends a varint.
func field(b []byte, n protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), v)
}

func number(b []byte, n protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, n, protowire.VarintType), v)
}

// fieldOf returns the last value of a field: bytes as they are, numbers as a varint.
func fieldOf(b []byte, n protowire.Number) []byte {
	var out []byte
	for len(b) > 0 {
		num, typ, size := protowire.ConsumeTag(b)
		if size < 0 {
			return nil
		}
		b = b[size:]
		if size = protowire.ConsumeFieldValue(num, typ, b); size < 0 {
			return nil
		}
		if num == n {
			if out = b[:size]; typ == protowire.BytesType {
				out, _ = protowire.ConsumeBytes(out)
			}
		}
		b = b[size:]
	}
	return out
}

func numberOf(b []byte, n protowire.Number) uint64 {
	v, _ := protowire.ConsumeVarint(fieldOf(b, n))
	return v
}

// name is the name of a person or a group on the wire.
func name(who, domain string) []byte {
	return field(field(field(nil, 1, []byte(agoraKey)), 2, []byte(who)), 3, []byte(domain))
}

// agoraToken logs a person of the demo in over REST.
func agoraToken(l *link, user string) (string, error) {
	h := "POST " + agoraPrefix + "/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
	status, b, err := l.do(h, `{"grant_type":"password","username":"`+user+`","password":"demo-`+user+`"}`)
	if err != nil || status != 200 {
		return "", refusal(status, b, err)
	}
	return gjson.GetBytes(append([]byte(nil), b...), "access_token").Str, nil
}

// msyncConnect opens the live link of a device.
func msyncConnect(addr, user, device, token string) (*msync, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	d := ws.Dialer{ReadBufferSize: 4096, WriteBufferSize: 512}
	c, br, _, err := d.Dial(ctx, "ws://"+addr+"/agora/websocket")
	if err != nil {
		return nil, err
	}
	if br == nil {
		br = bufio.NewReaderSize(c, 64<<10)
	}
	m := &msync{socket: &socket{c: c, r: br, user: user}}
	login := field(field(number(nil, 1, 16), 13, []byte(device)), 20, []byte("1:"))
	if err := m.say(3, field(field(nil, 2, field(name(user, "easemob.com"), 4, []byte(device))), 3, []byte("$t$"+token)), login); err != nil {
		return nil, err
	}
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	first, err := m.frame(nil)
	if err != nil {
		return nil, err
	}
	_ = c.SetReadDeadline(time.Time{})
	if p := fieldOf(first, 9); numberOf(first, 8) != 3 || numberOf(fieldOf(p, 8), 1) != 0 {
		return nil, fmt.Errorf("login: %q", first)
	}
	return m, nil
}

// say sends a frame: what stands before its command, and its payload.
func (m *msync) say(command uint64, before, payload []byte) error {
	b := field(number(before, 8, command), 9, payload)
	return ws.WriteFrame(m.c, ws.MaskFrameInPlace(ws.NewBinaryFrame(b)))
}

// send sends a text as the SDK does.
func (m *msync) send(to []byte, kind uint64, text string) error {
	m.next++
	body := field(number(nil, 1, kind), 4, field(number(nil, 1, 0), 2, []byte(text)))
	item := field(number(field(number(nil, 1, m.next), 3, to), 5, 1), 6, body)
	return m.say(0, nil, field(nil, 1, item))
}

// pull asks for a queue, and acknowledges it up to a key.
func (m *msync) pull(queue []byte, key uint64) error {
	b := field(nil, 3, queue)
	if key > 0 {
		b = number(b, 2, key)
	}
	return m.say(0, nil, b)
}

// msyncLatency is the Agora row of section b: each message is sent when the one before has arrived and
// been acknowledged.
func msyncLatency(p *process, o options) (spread, error) {
	addr := "127.0.0.1:" + strconv.Itoa(p.port)
	a, b, err := msyncPair(addr)
	if err != nil {
		return spread{}, err
	}
	defer a.c.Close()
	defer b.c.Close()
	if _, err := b.catchUp(); err != nil { // what the other dialects said before
		return spread{}, err
	}
	heard, acked := make(chan time.Time, 16), make(chan time.Time, 16)
	listen := func(m *msync, heard chan time.Time, ours func(payload []byte) bool) {
		defer close(heard)
		var buf []byte
		for {
			f, err := m.frame(buf)
			if err != nil {
				return
			}
			if buf = f; numberOf(f, 8) == 0 && ours(fieldOf(f, 9)) {
				heard <- time.Now()
			}
		}
	}
	go listen(a, acked, func(p []byte) bool { return numberOf(p, 2) != 0 })
	go listen(b, heard, func(p []byte) bool {
		if key := numberOf(p, 5); key != 0 && bytes.Contains(p, []byte(text)) {
			return b.pull(fieldOf(p, 6), key) == nil
		}
		return false
	})
	return median(o.rounds, func(x spread) float64 { return float64(x.p50) }, func() (spread, error) {
		var took, acks []time.Duration
		for end := time.Now().Add(o.span); time.Now().Before(end); {
			began := time.Now()
			if err := a.send(name("bob", "easemob.com"), 1, text); err != nil {
				return spread{}, err
			}
			ack, ok := <-acked
			at, still := <-heard
			if !ok || !still {
				return spread{}, fmt.Errorf("the socket was closed")
			}
			acks, took = append(acks, ack.Sub(began)), append(took, at.Sub(began))
		}
		slices.Sort(took)
		slices.Sort(acks)
		return spread{percentile(took, .5), percentile(took, .99), percentile(acks, .5)}, nil
	})
}

// msyncPair opens the links of alice and bob.
func msyncPair(addr string) (a, b *msync, err error) {
	l, err := dial(addr)
	if err != nil {
		return nil, nil, err
	}
	defer l.c.Close()
	links := map[string]*msync{}
	for _, user := range []string{"alice", "bob"} {
		token, err := agoraToken(l, user)
		if err != nil {
			return nil, nil, err
		}
		if links[user], err = msyncConnect(addr, user, "bench", token); err != nil {
			return nil, nil, err
		}
	}
	return links["alice"], links["bob"], nil
}

// benchCatchUp is section h: a person comes back to a group in which others have gone on talking.
func benchCatchUp(r *report, _ options) error {
	p, err := startServer()
	if err != nil {
		return err
	}
	defer p.stop()
	addr := "127.0.0.1:" + strconv.Itoa(p.port)
	if err := talk(addr, missed); err != nil {
		return err
	}
	l, err := dial(addr)
	if err != nil {
		return err
	}
	defer l.c.Close()
	token, err := agoraToken(l, "bob")
	if err != nil {
		return err
	}
	cpu, err := p.cpu()
	if err != nil {
		return err
	}
	began := time.Now()
	late, err := msyncConnect(addr, "bob", "bench-late", token)
	if err != nil {
		return err
	}
	defer late.c.Close()
	got, err := late.catchUp()
	if err != nil {
		return err
	}
	took := time.Since(began)
	after, err := p.cpu()
	if err != nil {
		return err
	}
	if got < missed {
		return fmt.Errorf("%d of %d messages came", got, missed)
	}
	r.row(strconv.Itoa(got)+" items, from login to the last", millis(took), micros((after-cpu)/time.Duration(got))+" server CPU each", "aim under 2 s")
	return nil
}

// talk writes n messages into the demo's group, by several devices at once.
func talk(addr string, n int) error {
	l, err := dial(addr)
	if err != nil {
		return err
	}
	defer l.c.Close()
	var wg sync.WaitGroup
	const devices = 4
	errs := make([]error, 2*devices)
	for u, user := range []string{"alice", "carol"} {
		token, err := agoraToken(l, user)
		if err != nil {
			return err
		}
		for d := range devices {
			wg.Go(func() { errs[u*devices+d] = talkAs(addr, user, "bench-"+strconv.Itoa(d), token, n/len(errs)) })
		}
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func talkAs(addr, user, device, token string, n int) error {
	m, err := msyncConnect(addr, user, device, token)
	if err != nil {
		return err
	}
	defer m.c.Close()
	to, sent := name("lobby", "conference.easemob.com"), make(chan error, 1)
	go func() {
		for range n {
			if err := m.send(to, 2, text); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	var buf []byte
	for acked := 0; acked < n; {
		f, err := m.frame(buf)
		if err != nil {
			return err
		}
		buf = f
		p := fieldOf(f, 9)
		switch {
		case numberOf(p, 2) == 0:
		case numberOf(fieldOf(p, 1), 1) != 0:
			return fmt.Errorf("refused: %q", p)
		default:
			acked++
		}
	}
	return <-sent
}

// catchUp pulls every queue to its end and returns how many items came.
func (m *msync) catchUp() (int, error) {
	if err := m.say(1, nil, nil); err != nil {
		return 0, err
	}
	got, open := 0, 1
	var buf []byte
	for open > 0 {
		f, err := m.frame(buf)
		if err != nil {
			return got, err
		}
		buf = f
		p := fieldOf(f, 9)
		if numberOf(f, 8) == 1 {
			open = 0
			for _, q := range repeated(p, 2) {
				open++
				if err := m.pull(fieldOf(q, 1), 0); err != nil {
					return got, err
				}
			}
			continue
		}
		got += len(repeated(p, 4))
		if numberOf(p, 7) == 1 {
			open--
			continue
		}
		if err := m.pull(fieldOf(p, 6), numberOf(p, 5)); err != nil {
			return got, err
		}
	}
	return got, nil
}

// repeated returns the values of a field that holds bytes.
func repeated(b []byte, n protowire.Number) [][]byte {
	var out [][]byte
	for len(b) > 0 {
		num, typ, size := protowire.ConsumeTag(b)
		if size < 0 {
			return out
		}
		b = b[size:]
		if size = protowire.ConsumeFieldValue(num, typ, b); size < 0 {
			return out
		}
		if num == n && typ == protowire.BytesType {
			v, _ := protowire.ConsumeBytes(b)
			out = append(out, v)
		}
		b = b[size:]
	}
	return out
}
