package stream_test

import (
	"bytes"
	"context"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/tidwall/gjson"

	"dragoman/adapters"
)

// conn is a live connection whose other end is the test.
type conn struct {
	rq   *adapters.Request
	in   chan []byte
	out  chan []byte
	done chan struct{}
	once sync.Once
	code int
}

func newConn(rq *adapters.Request) *conn {
	return &conn{rq: rq, in: make(chan []byte, 10), out: make(chan []byte, 100), done: make(chan struct{})}
}

func (c *conn) Request() *adapters.Request { return c.rq }
func (c *conn) Done() <-chan struct{}      { return c.done }

func (c *conn) Read(ctx context.Context) (bool, []byte, error) {
	select {
	case b := <-c.in:
		return true, b, nil
	case <-c.done:
		return false, nil, adapters.ErrClosed
	case <-ctx.Done():
		return false, nil, ctx.Err()
	}
}

// Send takes the frame apart again: what counts is the text inside.
func (c *conn) Send(f adapters.Frame) bool {
	fr, err := ws.ReadFrame(bytes.NewReader(f.Wire()))
	if err != nil && err != io.EOF {
		panic(err)
	}
	select {
	case <-c.done:
		return false
	case c.out <- fr.Payload:
		return true
	}
}

func (c *conn) Close(code int, _ string) {
	c.once.Do(func() {
		c.code = code
		close(c.done)
	})
}

// next is the next text the client receives.
func (c *conn) next(t *testing.T) gjson.Result {
	t.Helper()
	select {
	case b := <-c.out:
		if !gjson.ValidBytes(b) {
			t.Fatalf("not JSON: %s", b)
		}
		return gjson.ParseBytes(b)
	case <-time.After(5 * time.Second):
		t.Fatal("nothing came")
		return gjson.Result{}
	}
}

// ended waits for the end of the connection and returns its close code.
func (c *conn) ended(t *testing.T) int {
	t.Helper()
	select {
	case <-c.done:
		return c.code
	case <-time.After(5 * time.Second):
		t.Fatal("the connection does not end")
		return 0
	}
}
