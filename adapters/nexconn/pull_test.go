package nexconn_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters/adaptertest"
	"dragoman/adapters/nexconn"
)

// pulled is an answer of server-sent events that is being read.
type pulled struct {
	t *testing.T
	r *bufio.Reader
}

// pull begins to read a stream as a person.
func (a *api) pull(token, id string) *pulled {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	rq, err := http.NewRequestWithContext(ctx, "GET", a.w.URL+"/v3/message/get_stream.json?sdkVersion=5&platform=Websocket&messageUID="+id, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	rq.Header.Set("App-Key", "key1")
	rq.Header.Set("Authorization", "Bearer "+token)
	rs, err := client.Do(rq)
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { _ = rs.Body.Close(); cancel() })
	if rs.StatusCode != 200 || !strings.HasPrefix(rs.Header.Get("Content-Type"), "text/event-stream") {
		a.t.Fatalf("status %d, %s", rs.StatusCode, rs.Header.Get("Content-Type"))
	}
	p := &pulled{a.t, bufio.NewReader(rs.Body)}
	if name, _ := p.next(); name != "init" {
		a.t.Fatalf("it begins with %q", name)
	}
	return p
}

// next reads an event.
func (p *pulled) next() (name string, data gjson.Result) {
	p.t.Helper()
	var lines []string
	for len(lines) == 0 || lines[len(lines)-1] != "" {
		line, err := p.r.ReadString('\n')
		if err != nil {
			p.t.Fatalf("after %q: %v", lines, err)
		}
		lines = append(lines, strings.TrimSuffix(line, "\n"))
	}
	return strings.TrimPrefix(lines[0], "event:"), gjson.Parse(strings.TrimPrefix(lines[1], "data:"))
}

// rest reads to the end: the text that came and the last event.
func (p *pulled) rest() (text string, last gjson.Result) {
	p.t.Helper()
	for {
		switch name, data := p.next(); name {
		case "delta":
			text += data.Get("content").Str
		case "complete":
			if more, err := p.r.ReadByte(); err == nil {
				p.t.Errorf("%q follows the end", more)
			}
			return text, data
		default:
			p.t.Fatalf("an event %q", name)
		}
	}
}

// grow adds a piece to a stream.
func (a *api) grow(id, rest string) reply {
	a.t.Helper()
	return a.call("/direct-channel/message/stream/send", `{"fromUserId":"alice","toUserId":"bob","messageType":"RC:StreamMsg","content":{"messageId":"`+id+`",`+rest+`}}`)
}

func TestStreamIsPulledWhileItGrows(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	id := a.stream("alice", "bob", "one ")
	p := a.pull(a.token("bob"), id)
	if _, data := p.next(); data.Get("content").Str != "one " {
		t.Fatalf("first %s", data.Raw)
	}
	long := strings.Repeat("zwölf €", 1000)
	a.grow(id, `"content":"two ","seq":2,"complete":false`)
	if _, data := p.next(); data.Get("content").Str != "two " {
		t.Fatalf("then %s", data.Raw)
	}
	a.grow(id, `"content":"`+long+`","seq":3,"complete":true,"completeReason":7`)
	text, last := p.rest()
	if text != long || !last.Get("complete").Bool() || last.Get("stopReason").Int() != 0 || last.Get("completeReason").Int() != 7 {
		t.Errorf("%d bytes, ended by %s", len(text), last.Raw)
	}
	// Who comes later is told all of it at once, and so is the author.
	if text, last := a.pull(a.token("alice"), id).rest(); text != "one two "+long || !last.Get("complete").Bool() {
		t.Errorf("later %d bytes, ended by %s", len(text), last.Raw)
	}
}

func TestPullsThatAreRefused(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	id := a.stream("alice", "bob", "x")
	a.grow(id, `"content":"y","seq":2,"complete":true`)
	bob := a.token("bob")
	for what, c := range map[string]struct {
		token, id string
		status    int
		code      int64
	}{
		"an unknown stream":    {bob, "1", 404, 29002},
		"no stream":            {bob, a.send("alice", "bob", "text"), 404, 29002},
		"somebody else's":      {a.token("carol"), id, 404, 29002},
		"a token nobody knows": {"wrong", id, 0, 0},
	} {
		rq, _ := http.NewRequestWithContext(context.Background(), "GET", a.w.URL+"/v3/message/get_stream.json?messageUID="+c.id, nil)
		rq.Header.Set("App-Key", "key1")
		rq.Header.Set("Authorization", "Bearer "+c.token)
		rs, err := client.Do(rq)
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 4096)
		n, _ := rs.Body.Read(b)
		_ = rs.Body.Close()
		v := gjson.ParseBytes(b[:n])
		if rs.StatusCode < 400 || c.status != 0 && rs.StatusCode != c.status || c.code != 0 && v.Get("code").Int() != c.code || v.Get("message").Str == "" {
			t.Errorf("%s: %d %s", what, rs.StatusCode, b[:n])
		}
	}
}

// The numbers that end a pull stand in its last event.
func TestPullsThatEnd(t *testing.T) {
	const long = time.Hour
	a := newAPI(t, adaptertest.Setup{})
	for _, c := range []struct {
		id               string
		idle, lease, age time.Duration
		code             int64
		complete         bool
	}{
		{"NX125", long, 0, long, 29001, false},
		{"NX127", 50 * time.Millisecond, long, long, 29003, false},
		{"NX128", long, long, time.Nanosecond, 29004, true},
	} {
		t.Run(c.id, func(t *testing.T) {
			a := &api{t: t, w: a.w}
			nexconn.PacePulls(a.w.Dialect, c.idle, c.lease, c.age)
			text, last := a.pull(a.token("bob"), a.stream("alice", "bob", "begun")).rest()
			if text != "begun" || last.Get("stopReason").Int() != c.code || last.Get("complete").Bool() != c.complete {
				t.Errorf("%q, ended by %s", text, last.Raw)
			}
		})
	}
	nexconn.PacePulls(a.w.Dialect, long, long, long)
	t.Run("NX130", func(t *testing.T) {
		a := &api{t: t, w: a.w}
		id := a.stream("alice", "bob", strings.Repeat("x", 100<<10))
		p := a.pull(a.token("bob"), id)
		a.grow(id, `"content":"`+strings.Repeat("y", 40<<10)+`","seq":2,"complete":false`)
		if text, last := p.rest(); len(text) != 100<<10 || last.Get("stopReason").Int() != 29006 || !last.Get("complete").Bool() {
			t.Errorf("%d bytes, ended by %s", len(text), last.Raw)
		}
	})
	t.Run("too many", func(t *testing.T) {
		a := &api{t: t, w: a.w}
		token, id := a.token("bob"), a.stream("alice", "bob", "x")
		for range 10 {
			defer a.pull(token, id).rest()
		}
		if text, last := a.pull(token, id).rest(); text != "x" || last.Get("stopReason").Int() != 29001 {
			t.Errorf("%q, ended by %s", text, last.Raw)
		}
		a.grow(id, `"content":"y","seq":2,"complete":true`)
	})
}
