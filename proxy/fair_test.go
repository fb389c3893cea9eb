package proxy_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fair"
	"dragoman/proxy"
)

// TestFloodOfOneApp: while the calls of one app fill their queue, another's pass at its turn, and the
// one too many is answered 429 in the dialect's words with a time to wait.
func TestFloodOfOneApp(t *testing.T) {
	inside, hold := make(chan core.AppID, 16), make(chan struct{})
	work := route("POST", "/toil", "toil")
	work.Gate = adapters.GateUser
	work.Serve = func(ctx context.Context, by core.Actor, _ *adapters.Request, rs *adapters.Response) error {
		inside <- by.App
		select {
		case <-hold:
		case <-ctx.Done():
		}
		rs.Body = []byte("done")
		return nil
	}
	_, addr := serving(t, &fake{routes: []adapters.Route{work}}, func(o *proxy.Options) {
		o.Calls = fair.Options{Slots: 1, Share: 1, Queue: 2}
		o.Ops = &proxy.Ops{Addr: "127.0.0.1:0"}
	})
	url := "http://" + addr + "/toil"
	var wg sync.WaitGroup
	defer wg.Wait()
	call := func(who string) {
		wg.Go(func() {
			if got := ask(t, "POST", url, "{}", "Authorization", who); got.status != 200 {
				t.Errorf("%s was answered %d %s", who, got.status, got.body)
			}
		})
	}
	call("alice")
	if app := <-inside; app != 1 {
		t.Fatalf("app %d came in", app)
	}
	refused := 0
	var over answer
	for range 3 { // two wait, and whichever comes last is refused
		wg.Go(func() {
			got := ask(t, "POST", url, "{}", "Authorization", "alice")
			if got.status == 429 {
				refused++
				over = got
				hold <- struct{}{} // the first call ends
			} else if got.status != 200 {
				t.Errorf("answered %d %s", got.status, got.body)
			}
		})
	}
	<-inside // the next call of the flood
	call("limited")
	hold <- struct{}{}
	seen := map[core.AppID]int{(<-inside): 1}
	hold <- struct{}{}
	seen[<-inside]++
	hold <- struct{}{}
	wg.Wait()
	if seen[1] != 1 || seen[2] != 1 {
		t.Errorf("after the flood's second call came in %v", seen)
	}
	if refused != 1 || !strings.Contains(over.body, "resource_exhausted") && !strings.Contains(over.body, "rate") || over.header.Get("Retry-After") != "1" {
		t.Errorf("%d calls were refused, the last with %+v", refused, over)
	}
}
