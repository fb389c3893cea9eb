package main

import (
	"bufio"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/gobwas/ws"
	"github.com/tidwall/gjson"
)

// The demo's CometChat app, reached on the main port by path prefix: without TLS, as Stream is.
const (
	cometApp    = "demo-comet"
	cometKey    = "demo-comet-fullaccess"
	cometPrefix = "/cometchat/v3.0"
)

// cometHead is the head of a request with one more header, which says who asks.
func cometHead(method, path, credential string) string {
	return method + " " + cometPrefix + path + " HTTP/1.1\r\nHost: localhost\r\nappId: " + cometApp + "\r\n" + credential +
		"\r\nresource: bench\r\nContent-Type: application/json\r\n"
}

// cometCall makes a call and returns its data.
func cometCall(l *link, method, path, credential, body string) (gjson.Result, error) {
	status, b, err := l.do(cometHead(method, path, credential), body)
	if err != nil || status != 200 {
		return gjson.Result{}, refusal(status, b, err)
	}
	return gjson.GetBytes(append([]byte(nil), b...), "data"), nil
}

// cometLogin returns the auth token of a person and the token for their live link.
func cometLogin(l *link, uid string) (token, jwt string, err error) {
	data, err := cometCall(l, "POST", "/users/"+uid+"/auth_tokens", "apiKey: "+cometKey, "{}")
	if err != nil {
		return "", "", err
	}
	token = data.Get("authToken").Str
	me, err := cometCall(l, "PUT", "/me", "authToken: "+token, `{"platform":"WEB","deviceId":"bench-`+uid+`"}`)
	return token, me.Get("jwt").Str, err
}

// cometConnect opens the live link of a person.
func cometConnect(addr, uid, jwt string) (*socket, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	d := ws.Dialer{ReadBufferSize: 4096, WriteBufferSize: 512}
	c, br, _, err := d.Dial(ctx, "ws://"+addr+"/cometchat/")
	if err != nil {
		return nil, err
	}
	if br == nil {
		br = bufio.NewReaderSize(c, 4096)
	}
	hello := fmt.Sprintf(`{"appId":%q,"type":"auth","sender":%q,"deviceId":"bench-live","body":{"auth":%q,"deviceId":"bench-live","params":{}}}`, cometApp, uid, jwt)
	if err := ws.WriteFrame(c, ws.MaskFrameInPlace(ws.NewTextFrame([]byte(hello)))); err != nil {
		return nil, err
	}
	s := &socket{c: c, r: br, user: uid}
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	first, err := s.frame(nil)
	if err != nil {
		return nil, err
	}
	_ = c.SetReadDeadline(time.Time{})
	if gjson.GetBytes(first, "body.code").Str != "200" {
		return nil, fmt.Errorf("connect: %s", first)
	}
	return s, nil
}

// cometLatency is the CometChat row of section b.
func cometLatency(p *process, o options) (spread, error) {
	addr := "127.0.0.1:" + strconv.Itoa(p.port)
	l, err := dial(addr)
	if err != nil {
		return spread{}, err
	}
	defer l.c.Close()
	token, _, err := cometLogin(l, "alice")
	if err != nil {
		return spread{}, err
	}
	_, jwt, err := cometLogin(l, "bob")
	if err != nil {
		return spread{}, err
	}
	other, err := cometConnect(addr, "bob", jwt)
	if err != nil {
		return spread{}, err
	}
	defer other.c.Close()
	return oneAtATime(o, l, other, exchange{
		head: cometHead("POST", "/messages", "authToken: "+token), status: 200, marker: []byte(`"type":"message"`),
		body: func() string {
			return `{"receiver":"bob","receiverType":"user","category":"message","type":"text","muid":"` + strconv.FormatInt(stamp.Add(1), 36) + `","data":{"text":"` + text + `"}}`
		},
	})
}
