package shadow_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters/adaptertest"
	"dragoman/adapters/cometchat"
	"dragoman/proxy"
	"dragoman/proxy/shadow"
)

// front is a proxy before the vendor, with the shadow beside it, under load.
type front struct {
	*sides
	srv *proxy.Server
	url string
}

// newFront puts a proxy before both sides.
func newFront(t *testing.T, s *sides) *front {
	t.Helper()
	srv, err := proxy.New(proxy.Options{
		Listeners: []proxy.Listener{{Name: "front", Addr: "127.0.0.1:0", Mounts: []proxy.Mount{{Name: s.name, Dialect: s.core.Dialect, Catalog: s.catalog}}}},
		Apps:      []proxy.App{{ID: s.core.App, Name: "test"}},
		Upstreams: []proxy.Upstream{{App: s.core.App, Dialect: s.name, URL: s.vendor.URL, Timeout: 20 * time.Second}},
		Observer:  s.shadow,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.shadow.Bind(srv)
	if err := srv.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	return &front{s, srv, "http://" + srv.Addr("front").String()}
}

// ready waits until the report says that nothing speaks against the next step.
func (f *front) ready() shadow.Report {
	f.t.Helper()
	var r shadow.Report
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if r = f.report(); r.Ready {
			return r
		}
	}
	f.t.Fatalf("not ready: %v\n%+v", r.Reasons, r.Operations)
	return r
}

// choose switches, again while the hand-over is refused, and begins to count anew.
func (f *front) choose(mode proxy.Mode) {
	f.t.Helper()
	var err error
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err = f.srv.Switch(f.t.Context(), proxy.Order{Setting: proxy.Setting{App: "test", Dialect: f.name, Mode: mode}, By: "test"}); err == nil {
			f.shadow.Reset("test", f.name)
			return
		}
	}
	f.t.Fatalf("%s: %v", mode, err)
}

// A CometChat app moves from its vendor to the core, back, and there again, while people talk: nothing is
// lost, nothing is there twice, and what the vendor had numbered keeps its number.
func TestCometChatMoves(t *testing.T) {
	s := newSides(t, cometchat.Entry(), cometCreds, cometchat.ReadError, nil)
	s.seen.Store(false)
	s.writes.Store(true)
	cometPeople(s, proxy.ModeVendor) // straight to the vendor
	f := newFront(t, s)
	call := func(x *proxy.Exchange) (string, error) {
		w := *s.vendor
		w.URL = f.url
		a, err := s.call(&w, x)
		if err == nil && a.Code != "" {
			err = fmt.Errorf("%s %s: %s", x.Request.Method, x.Raw, a.Body)
		}
		return string(a.Body), err
	}
	var mu sync.Mutex
	var sent []string
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			case <-time.After(15 * time.Millisecond):
			}
			text := fmt.Sprintf("while moving %d", n)
			body, err := call(cometAs([]string{"ann", "bob"}[n%2], "POST", "/messages", fmt.Sprintf(`{"receiver":"hq","receiverType":"group","category":"message","type":"text","data":{"text":%q}}`, text)))
			if err != nil {
				t.Error(err)
				return
			}
			id := gjson.Get(body, "data.id").String()
			if n%5 == 2 {
				if _, err := call(cometAs("eve", "POST", "/messages/"+id+"/reactions/heart", "")); err != nil {
					t.Error(err)
				}
			}
			if n%4 == 1 {
				if _, err := call(cometAs("eve", "GET", "/groups/hq/messages?perPage=20", "")); err != nil {
					t.Error(err)
				}
			}
			mu.Lock()
			sent = append(sent, text)
			mu.Unlock()
		}
	}()
	more := func(n int) {
		mu.Lock()
		goal := len(sent) + n
		mu.Unlock()
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			mu.Lock()
			have := len(sent)
			mu.Unlock()
			if have >= goal {
				return
			}
		}
		t.Fatal("the load stands still")
	}
	more(10)
	was := proxy.ModeVendor
	left := 0
	for _, mode := range []proxy.Mode{proxy.ModeShadowVendor, proxy.ModeShadowCore, proxy.ModeShadowVendor, proxy.ModeShadowCore, proxy.ModeCore} {
		if was.Shadowed() {
			f.ready()
		}
		f.choose(mode)
		if mode == proxy.ModeCore {
			mu.Lock()
			left = len(sent)
			mu.Unlock()
		}
		more(15)
		was = mode
	}
	close(stop)
	<-done
	of := func(world *adaptertest.World) (texts []string, ids map[string]string) {
		ids = map[string]string{}
		page := "/groups/hq/messages?perPage=100&affix=append&category=message&sentAt=1"
		for {
			a, err := s.call(world, cometAs("ann", "GET", page, ""))
			if err != nil {
				t.Fatal(err)
			}
			list := gjson.GetBytes(a.Body, "data").Array()
			for _, m := range list {
				texts = append(texts, m.Get("data.text").String())
				ids[m.Get("data.text").String()] = m.Get("id").String()
			}
			if len(list) < 100 {
				return texts, ids
			}
			page = "/groups/hq/messages?perPage=100&affix=append&category=message&id=" + list[len(list)-1].Get("id").String()
		}
	}
	got, ids := of(s.core)
	if !slices.Equal(got, sent) {
		t.Errorf("the core has %d of %d: %v", len(got), len(sent), differences(got, sent))
	}
	vendor, vids := of(s.vendor)
	if len(vendor) < left || !slices.Equal(vendor, sent[:len(vendor)]) {
		t.Errorf("the vendor has %d of %d: %v", len(vendor), left, differences(vendor, sent[:left]))
	}
	same := 0
	for text, id := range vids {
		if ids[text] == id {
			same++
		}
	}
	if same < 20 {
		t.Errorf("%d messages have kept their number", same)
	}
	if err := f.srv.Switch(t.Context(), proxy.Order{Setting: proxy.Setting{App: "test", Dialect: s.name, Mode: proxy.ModeVendor}}); err == nil {
		t.Error("the way back is open though the vendor has not followed")
	}
}

// differences are what one list has too few or too often.
func differences(got, want []string) (out []string) {
	n := map[string]int{}
	for _, g := range got {
		n[g]++
	}
	for _, w := range want {
		if n[w] != 1 {
			out = append(out, fmt.Sprintf("%s: %d times", w, n[w]))
		}
	}
	return out
}

// Where the core cannot follow, nothing is switched as if it had.
func TestHandoverRefusesWhatItCannotDo(t *testing.T) {
	s := newSides(t, cometchat.Entry(), cometCreds, cometchat.ReadError, nil)
	for _, tt := range []struct {
		dialect  string
		from, to proxy.Mode
		ok       bool
	}{
		{"agora", proxy.ModeVendor, proxy.ModeShadowVendor, false},
		{"agora", proxy.ModeVendor, proxy.ModeCore, false},
		{"agora", proxy.ModeCore, proxy.ModeCore, true},
		{s.name, proxy.ModeVendor, proxy.ModeCore, false},
		{s.name, proxy.ModeVendor, proxy.ModeShadowCore, false},
		{s.name, proxy.ModeCore, proxy.ModeShadowVendor, false},
		{s.name, proxy.ModeShadowCore, proxy.ModeVendor, false}, // writes are off
		{s.name, proxy.ModeShadowCore, proxy.ModeCore, true},
		{s.name, proxy.ModeShadowVendor, proxy.ModeVendor, true},
	} {
		if err := s.shadow.Handover(t.Context(), s.core.App, tt.dialect, tt.from, tt.to); (err == nil) != tt.ok {
			t.Errorf("%s from %s to %s: %v", tt.dialect, tt.from, tt.to, err)
		}
	}
}
