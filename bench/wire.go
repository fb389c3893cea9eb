package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"
	"github.com/golang-jwt/jwt/v5"
	"github.com/tidwall/gjson"
)

// sign makes a token of the demo app.
func sign(claims jwt.MapClaims) string {
	t, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(apiSecret))
	if err != nil {
		panic(err) // HMAC takes any key
	}
	return t
}

func userToken(id string) string { return sign(jwt.MapClaims{"user_id": id}) }

// link is one keep-alive connection to the REST side, as cheap as a client can be.
type link struct {
	c   net.Conn
	r   *bufio.Reader
	buf []byte
}

func dial(addr string) (*link, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &link{c: c, r: bufio.NewReaderSize(c, 16<<10)}, nil
}

// do sends a request and returns the status and the body, which is valid until the next call.
func (l *link) do(head, body string) (int, []byte, error) {
	l.buf = append(l.buf[:0], head...)
	l.buf = append(l.buf, "Content-Length: "...)
	l.buf = strconv.AppendInt(l.buf, int64(len(body)), 10)
	l.buf = append(l.buf, "\r\n\r\n"...)
	l.buf = append(l.buf, body...)
	if _, err := l.c.Write(l.buf); err != nil {
		return 0, nil, err
	}
	status, size := 0, 0
	for {
		line, err := l.r.ReadSlice('\n')
		if err != nil {
			return 0, nil, err
		}
		if len(line) <= 2 {
			break
		}
		if status == 0 {
			if len(line) < 12 {
				return 0, nil, errors.New("bad status line")
			}
			status, _ = strconv.Atoi(string(line[9:12]))
		} else if len(line) > 16 && bytes.EqualFold(line[:15], []byte("content-length:")) {
			size, _ = strconv.Atoi(strings.TrimSpace(string(line[15:])))
		}
	}
	if cap(l.buf) < size {
		l.buf = make([]byte, size)
	}
	l.buf = l.buf[:size]
	_, err := io.ReadFull(l.r, l.buf)
	return status, l.buf, err
}

// refusal is the error of a call that did not go as it should.
func refusal(status int, body []byte, err error) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("answered %d %s", status, body)
}

// head is everything of a request before its length.
func head(method, path, token, user string) string {
	q := "api_key=" + apiKey
	if user != "" {
		q += "&user_id=" + user
	}
	if strings.Contains(path, "?") {
		path += "&" + q
	} else {
		path += "?" + q
	}
	return method + " " + path + " HTTP/1.1\r\nHost: bench\r\nAuthorization: " + token +
		"\r\nStream-Auth-Type: jwt\r\nX-Stream-Client: bench\r\nContent-Type: application/json\r\n"
}

// setup is the back end of the benchmark: it makes people and channels.
type setup struct {
	l     *link
	token string
}

func newSetup(addr string) (*setup, error) {
	l, err := dial(addr)
	if err != nil {
		return nil, err
	}
	return &setup{l, sign(jwt.MapClaims{"server": true})}, nil
}

func (s *setup) post(path, body string) error {
	status, b, err := s.l.do(head("POST", path, s.token, ""), body)
	if err != nil {
		return err
	}
	if status >= 300 {
		return fmt.Errorf("POST %s: %d %s", path, status, b)
	}
	return nil
}

// people creates users named prefix-0 to prefix-(n-1).
func (s *setup) people(prefix string, n int) ([]string, error) {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = prefix + "-" + strconv.Itoa(i)
	}
	for from := 0; from < n; from += 100 {
		var b strings.Builder
		b.WriteString(`{"users":{`)
		for i, id := range ids[from:min(n, from+100)] {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `%q:{"id":%q,"name":%q}`, id, id, id)
		}
		b.WriteString(`}}`)
		if err := s.post("/users", b.String()); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// channel creates a channel with members (the first owns it).
func (s *setup) channel(typ, id string, members []string) error {
	list, err := json.Marshal(members)
	if err != nil {
		return err
	}
	if len(members) > 100 {
		return errors.New("at most 100 members in one call")
	}
	return s.post("/channels/"+typ+"/"+id+"/query", fmt.Sprintf(`{"state":false,"data":{"created_by_id":%q,"members":%s}}`, members[0], list))
}

// socket is one live connection that counts what it hears.
type socket struct {
	c    net.Conn
	r    *bufio.Reader
	id   string // connection id
	user string
}

// connect opens a live connection and waits for the first frame.
func connect(addr, user string) (*socket, error) {
	q := url.Values{
		"json":    {fmt.Sprintf(`{"user_id":%q,"user_details":{"id":%q}}`, user, user)},
		"api_key": {apiKey}, "authorization": {userToken(user)}, "stream-auth-type": {"jwt"},
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	d := ws.Dialer{ReadBufferSize: 4096, WriteBufferSize: 512}
	c, br, _, err := d.Dial(ctx, "ws://"+addr+"/connect?"+q.Encode())
	if err != nil {
		return nil, err
	}
	if br == nil {
		br = bufio.NewReaderSize(c, 4096)
	}
	s := &socket{c: c, r: br, user: user}
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	first, err := s.frame(nil)
	if err != nil {
		return nil, err
	}
	_ = c.SetReadDeadline(time.Time{})
	s.id = gjson.GetBytes(first, "connection_id").Str
	if s.id == "" {
		return nil, fmt.Errorf("connect: %s", first)
	}
	return s, nil
}

// frame reads one frame into buf, growing it, and returns its payload.
func (s *socket) frame(buf []byte) ([]byte, error) {
	var h [8]byte
	for {
		if _, err := io.ReadFull(s.r, h[:2]); err != nil {
			return nil, err
		}
		op, n := h[0]&0x0f, int(h[1]&0x7f)
		switch n {
		case 126:
			if _, err := io.ReadFull(s.r, h[:2]); err != nil {
				return nil, err
			}
			n = int(binary.BigEndian.Uint16(h[:2]))
		case 127:
			if _, err := io.ReadFull(s.r, h[:8]); err != nil {
				return nil, err
			}
			n = int(binary.BigEndian.Uint64(h[:8]))
		}
		if cap(buf) < n {
			buf = make([]byte, n, n+n/2)
		}
		buf = buf[:n]
		if _, err := io.ReadFull(s.r, buf); err != nil {
			return nil, err
		}
		switch ws.OpCode(op) {
		case ws.OpText, ws.OpBinary:
			return buf, nil
		case ws.OpClose:
			return nil, fmt.Errorf("closed by the server: %q", buf)
		case ws.OpPing:
			if err := ws.WriteFrame(s.c, ws.MaskFrameInPlace(ws.NewPongFrame(append([]byte(nil), buf...)))); err != nil {
				return nil, err
			}
		}
	}
}

// messageNew is how every frame that carries a message starts or at least contains.
var messageNew = []byte(`"message.new"`)

// count reads until the connection ends and counts messages.
func (s *socket) count(n *atomic.Int64) {
	var buf []byte
	for {
		b, err := s.frame(buf)
		if err != nil {
			return
		}
		if bytes.Contains(b, messageNew) {
			n.Add(1)
		}
		buf = b
	}
}

// watch makes the connection follow a channel.
func (s *socket) watch(l *link, typ, id string) error {
	path := "/channels/" + typ + "/" + id + "/query?connection_id=" + url.QueryEscape(s.id)
	status, b, err := l.do(head("POST", path, userToken(s.user), s.user), `{"watch":true,"state":false}`)
	if err != nil {
		return err
	}
	if status >= 300 {
		return fmt.Errorf("watch: %d %s", status, b)
	}
	return nil
}
