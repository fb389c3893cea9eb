package integration_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"
)

// vendors are the dialects of the shared room, in the order of the tables.
var vendors = []string{"stream", "cometchat", "agora", "nexconn"}

// patience bounds every wait for something that has to happen.
const patience = 10 * time.Second

// ask is what a person of the room is told to do; each operation reads the members it needs.
type ask struct {
	Op      string          `json:"-"`
	ID      string          `json:"id,omitempty"`
	Room    string          `json:"room,omitempty"`
	Name    string          `json:"name,omitempty"`
	Text    string          `json:"text,omitempty"`
	Old     string          `json:"old,omitempty"`
	Olds    []string        `json:"olds,omitempty"`
	Members []string        `json:"members,omitempty"`
	Users   []string        `json:"users,omitempty"`
	Rooms   []string        `json:"rooms,omitempty"`
	User    string          `json:"user,omitempty"`
	Target  string          `json:"target,omitempty"`
	To      string          `json:"to,omitempty"`
	Type    string          `json:"type,omitempty"`
	Data    json.RawMessage `json:"data,omitempty"`
}

// callback is one thing an SDK told its app.
type callback struct {
	Event string
	At    int64        // nanoseconds, on the clock of the machine
	Args  gjson.Result // the arguments, a list
}

// ability is how a dialect does something: the call's name, and whether it is one of the SDK.
type ability struct {
	How string `json:"how"`
	By  string `json:"by"`
}

// refusal is a call that an SDK has failed.
type refusal struct {
	Code    json.RawMessage `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data"`
}

// Error implements error.
func (r *refusal) Error() string {
	return fmt.Sprintf("%s: %s %.300s", r.Code, r.Message, r.Data)
}

// guest is a person of the room: a process of their own with one vendor's SDK.
type guest struct {
	vendor, id string
	can        map[string]ability

	in    io.WriteCloser
	mu    sync.Mutex
	next  int
	calls map[int]chan gjson.Result
	heard []callback
	news  chan struct{} // closed and replaced with everything that is heard
	ended error
	log   *tail
}

// invite starts a process and waits until its SDK is loaded.
func invite(t *testing.T, s *server, vendor, id string) *guest {
	t.Helper()
	g := &guest{vendor: vendor, id: id, calls: map[int]chan gjson.Result{}, news: make(chan struct{}), log: &tail{max: 8 << 10}}
	cmd := exec.Command(node(t), filepath.Join("interop", vendor+".cjs"))
	cmd.Env = append(os.Environ(), nexconnEnviron(s)...)
	cmd.Stderr = g.log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if g.in, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		sc := bufio.NewScanner(out)
		sc.Buffer(nil, 16<<20)
		for sc.Scan() {
			g.take(gjson.Parse(sc.Text()))
		}
		g.end(errors.Join(errors.New("the process has ended"), sc.Err(), cmd.Wait()))
	}()
	t.Cleanup(func() {
		_ = g.in.Close()
		select {
		case <-done:
		case <-time.After(patience):
			_ = cmd.Process.Kill()
			<-done
		}
	})
	return g
}

// take sorts what the process says: answers to who waits for them, callbacks to the list.
func (g *guest) take(v gjson.Result) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if id := v.Get("id"); id.Exists() {
		if c, ok := g.calls[int(id.Int())]; ok {
			delete(g.calls, int(id.Int()))
			c <- v
		}
		return
	}
	at, _ := strconv.ParseInt(v.Get("at").String(), 10, 64)
	g.heard = append(g.heard, callback{v.Get("event").String(), at, v.Get("args")})
	close(g.news)
	g.news = make(chan struct{})
}

func (g *guest) end(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ended = err
	for _, c := range g.calls {
		close(c)
	}
	clear(g.calls)
	close(g.news)
	g.news = make(chan struct{})
}

// ready waits for the SDK to be loaded and reads what the dialect can do.
func (g *guest) ready() error {
	c, err := g.await(0, readyWithin, func(c callback) bool { return c.Event == "ready" })
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(c.Args.Get("0").Raw), &g.can)
}

// do runs one operation and returns its answer; an error of the SDK is a *refusal.
func (g *guest) do(a ask) (gjson.Result, error) {
	g.mu.Lock()
	if g.ended != nil {
		defer g.mu.Unlock()
		return gjson.Result{}, g.ended
	}
	g.next++
	id, c := g.next, make(chan gjson.Result, 1)
	g.calls[id] = c
	line, err := json.Marshal(struct {
		ID   int    `json:"id"`
		Op   string `json:"op"`
		Args ask    `json:"args"`
	}{id, a.Op, a})
	if err == nil {
		_, err = g.in.Write(append(line, '\n'))
	}
	g.mu.Unlock()
	if err != nil {
		return gjson.Result{}, err
	}
	select {
	case v, ok := <-c:
		if !ok {
			return v, fmt.Errorf("%s: %w\n%s", g.id, g.ended, g.log)
		}
		if e := v.Get("error"); e.Exists() {
			r := &refusal{}
			return v, errors.Join(json.Unmarshal([]byte(e.Raw), r), r)
		}
		return v.Get("value"), nil
	case <-time.After(2 * patience):
		return gjson.Result{}, fmt.Errorf("%s (%s): %s did not settle\n%s", g.id, g.vendor, a.Op, g.log)
	}
}

// mark is the place in the list of callbacks from which on something is waited for.
func (g *guest) mark() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.heard)
}

// since are the callbacks from a place on.
func (g *guest) since(mark int) []callback {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]callback(nil), g.heard[mark:]...)
}

// await waits for a callback that matches.
func (g *guest) await(mark int, within time.Duration, match func(callback) bool) (callback, error) {
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	for {
		g.mu.Lock()
		news, ended, list := g.news, g.ended, g.heard[mark:]
		g.mu.Unlock()
		for _, c := range list {
			if match(c) {
				return c, nil
			}
		}
		if ended != nil {
			return callback{}, fmt.Errorf("%s (%s): %w\n%s", g.id, g.vendor, ended, g.log)
		}
		select {
		case <-news:
		case <-deadline.C:
			return callback{}, fmt.Errorf("%s (%s) was not told; told were %s", g.id, g.vendor, outline(list))
		}
	}
}

// outline shows callbacks for a failure.
func outline(list []callback) string {
	s := ""
	for _, c := range list {
		s += fmt.Sprintf("\n    %s %.700s", c.Event, c.Args.Raw)
	}
	if s == "" {
		return "nothing"
	}
	return s
}
