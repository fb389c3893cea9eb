package main

import (
	"bufio"
	"context"
	"crypto/sha1" //nolint:gosec // the vendor's signature is SHA-1
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/gobwas/ws"
	"github.com/tidwall/gjson"
	"google.golang.org/protobuf/encoding/protowire"
)

// The demo's Nexconn app, reached on the main port by path prefix.
const (
	rcKey    = "demo-nexconn-key"
	rcSecret = "demo-nexconn-secret"
)

// rcLogin issues an access token.
func rcLogin(l *link, user string) (string, error) {
	nonce, at := strconv.FormatInt(stamp.Add(1), 36), strconv.FormatInt(time.Now().UnixMilli(), 10)
	sum := sha1.Sum([]byte(rcSecret + nonce + at)) //nolint:gosec // see above
	head := "POST /nexconn/v4/auth/access-token/issue HTTP/1.1\r\nHost: localhost\r\nApp-Key: " + rcKey + "\r\nNonce: " + nonce +
		"\r\nTimestamp: " + at + "\r\nSignature: " + hex.EncodeToString(sum[:]) + "\r\nContent-Type: application/json\r\n"
	status, b, err := l.do(head, `{"userId":"`+user+`","name":"`+user+`"}`)
	if err != nil || status != 200 {
		return "", refusal(status, b, err)
	}
	return gjson.GetBytes(b, "result.accessToken").Str, nil
}

// rcConnect opens the live link of a person and reads its first frame.
func rcConnect(addr, user, token string) (*socket, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	d := ws.Dialer{ReadBufferSize: 4096, WriteBufferSize: 512}
	q := url.Values{"appId": {rcKey}, "token": {token}, "deviceId": {"bench-" + user}, "protocolVer": {"3"}}
	c, br, _, err := d.Dial(ctx, "ws://"+addr+"/nexconn/websocket?"+q.Encode())
	if err != nil {
		return nil, err
	}
	if br == nil {
		br = bufio.NewReaderSize(c, 4096)
	}
	s := &socket{c: c, r: br, user: user}
	first, err := s.frame(nil)
	if err == nil && (len(first) < 3 || first[0]>>4 != 2 || first[2] != 0) {
		err = fmt.Errorf("connect: %x", first)
	}
	return s, err
}

// rcSend publishes a text to another person.
func (s *socket) rcSend(to string, id uint16) error {
	str := func(b []byte, v string) []byte {
		return append(binary.BigEndian.AppendUint16(b, uint16(len(v))), v...) //nolint:gosec // short
	}
	b := binary.BigEndian.AppendUint16(str(str([]byte{0x32}, "ppMsgP"), to), id)
	b = protowire.AppendVarint(protowire.AppendTag(b, 1, protowire.VarintType), 3)
	b = protowire.AppendString(protowire.AppendTag(b, 2, protowire.BytesType), "RC:TxtMsg")
	b = protowire.AppendString(protowire.AppendTag(b, 3, protowire.BytesType), `{"content":"`+text+`"}`)
	return ws.WriteFrame(s.c, ws.MaskFrameInPlace(ws.NewBinaryFrame(b)))
}

// rcAck acknowledges a pushed message, as the SDK does.
func (s *socket) rcAck(id []byte) error {
	return ws.WriteFrame(s.c, ws.MaskFrameInPlace(ws.NewBinaryFrame([]byte{0x40, id[0], id[1]})))
}

// rcLatency is the Nexconn row of section b: a message published on one link until it is pushed on the
// other, acknowledged both ways.
func rcLatency(p *process, o options) (spread, error) {
	addr := "127.0.0.1:" + strconv.Itoa(p.port)
	l, err := dial(addr)
	if err != nil {
		return spread{}, err
	}
	defer l.c.Close()
	var pair [2]*socket
	for i, user := range []string{"alice", "bob"} {
		token, err := rcLogin(l, user)
		if err == nil {
			pair[i], err = rcConnect(addr, user, token)
		}
		if err != nil {
			return spread{}, err
		}
		defer pair[i].c.Close()
	}
	heard, acked := make(chan time.Time, 16), make(chan time.Time, 16)
	listen := func(s *socket, told chan time.Time, kind byte) {
		defer close(told)
		var buf []byte
		for {
			b, err := s.frame(buf)
			if err != nil {
				return
			}
			if buf = b; len(b) > 14 && b[0]>>4 == kind {
				told <- time.Now()
				if kind == 3 && s.rcAck(b[14:16]) != nil { // after "s_msg" and an empty target
					return
				}
			}
		}
	}
	go listen(pair[0], acked, 4)
	go listen(pair[1], heard, 3)
	id := uint16(0)
	return median(o.rounds, func(x spread) float64 { return float64(x.p50) }, func() (spread, error) {
		var took, acks []time.Duration
		for end := time.Now().Add(o.span); time.Now().Before(end); {
			began := time.Now()
			if id++; id == 0 {
				id = 1
			}
			if err := pair[0].rcSend("bob", id); err != nil {
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
