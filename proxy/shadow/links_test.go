package shadow_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/tidwall/gjson"

	"dragoman/adapters/cometchat"
	"dragoman/adapters/stream"
	"dragoman/proxy"
)

// wire is a client's live link through the front.
type wire struct {
	t  *testing.T
	nc net.Conn
	in io.ReadWriter
}

// dial opens a link.
func (f *front) dial(target string) *wire {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), 10*time.Second)
	defer cancel()
	nc, br, _, err := ws.Dial(ctx, "ws"+strings.TrimPrefix(f.url, "http")+target)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = nc.Close() }) // the test is over
	w := &wire{f.t, nc, nc}
	if br != nil {
		w.in = struct {
			io.Reader
			io.Writer
		}{br, nc}
	}
	return w
}

// until reads messages up to one that matches.
func (w *wire) until(what string, match func(gjson.Result) bool) gjson.Result {
	w.t.Helper()
	_ = w.nc.SetReadDeadline(time.Now().Add(15 * time.Second)) // an open connection takes it
	for {
		b, _, err := wsutil.ReadServerData(w.in)
		if err != nil {
			w.t.Fatalf("no %s: %v", what, err)
		}
		if v := gjson.ParseBytes(b); match(v) {
			return v
		}
	}
}

// call sends a request to the front.
func (f *front) call(x *proxy.Exchange) gjson.Result {
	f.t.Helper()
	w := *f.vendor
	w.URL = f.url
	a, err := f.sides.call(&w, x)
	if err != nil || a.Code != "" {
		f.t.Fatalf("%s %s: %v %s", x.Request.Method, x.Raw, err, a.Body)
	}
	return gjson.ParseBytes(a.Body)
}

// What somebody else does at the vendor is heard on a relayed link, by the dialect's own frames.
func TestStreamLinksTeach(t *testing.T) {
	s := newSides(t, stream.Entry(), streamCreds, stream.ReadError, nil)
	s.seen.Store(false)
	streamPeople(s, proxy.ModeVendor)
	f := newFront(t, s)
	f.choose(proxy.ModeShadowVendor)
	q := url.Values{"api_key": {"key"}, "authorization": {streamToken(`{"user_id":"ann"}`)}, "stream-auth-type": {"jwt"}, "json": {`{"user_id":"ann","user_details":{"id":"ann"}}`}}
	w := f.dial("/connect?" + q.Encode())
	id := w.until("greeting", func(v gjson.Result) bool { return v.Get("connection_id").String() != "" }).Get("connection_id").String()
	f.call(streamAs("ann", "POST", "/channels/messaging/hq/query?connection_id="+id, `{"watch":true,"state":true}`))
	s.settle()
	streamHistory(s, proxy.ModeVendor, 0, 3) // straight to the vendor
	s.through(proxy.ModeVendor, "SendReaction", streamAs("bob", "POST", "/messages/m-1/reaction", `{"reaction":{"type":"love"}}`))
	w.until("reaction", func(v gjson.Result) bool { return v.Get("type").String() == "reaction.new" })
	s.settle()
	streamSame(s, "ann")
	if r := s.report(); r.Fed.Links != 1 || r.Fed.Unread+r.Fed.Refused > 0 {
		t.Errorf("%+v", r.Fed)
	}
}

func TestCometChatLinksTeach(t *testing.T) {
	s := newSides(t, cometchat.Entry(), cometCreds, cometchat.ReadError, nil)
	s.seen.Store(false)
	cometPeople(s, proxy.ModeVendor)
	f := newFront(t, s)
	f.choose(proxy.ModeShadowVendor)
	token := f.call(cometAs("", "POST", "/users/bob/auth_tokens", `{"force":true}`)).Get("data.authToken").String()
	me := f.call(cometToken(token, "PUT", "/me", `{}`)).Get("data")
	w := f.dial("/")
	auth := fmt.Sprintf(`{"appId":"app1","deviceId":"d","type":"auth","sender":"bob","body":{"auth":%q,"deviceId":"d","presenceSubscription":"ALL_USERS","params":{}}}`, me.Get("jwt").String())
	if err := wsutil.WriteClientText(w.nc, []byte(auth)); err != nil {
		t.Fatal(err)
	}
	w.until("admission", func(v gjson.Result) bool { return v.Get("type").String() == "auth" })
	s.settle()
	var last string
	for n := range 5 { // straight to the vendor
		last = cometSay(s, proxy.ModeVendor, "ann", "group", "hq", fmt.Sprintf("text %d", n))
	}
	cometSay(s, proxy.ModeVendor, "ann", "user", "bob", "between two")
	cometSay(s, proxy.ModeVendor, "eve", "user", "bob", "likewise")
	s.through(proxy.ModeVendor, "updateMessage", cometAs("ann", "PUT", "/messages/"+last, `{"data":{"text":"edited"}}`))
	s.through(proxy.ModeVendor, "addReaction", cometAs("ann", "POST", "/messages/"+last+"/reactions/heart", ""))
	w.until("reaction", func(v gjson.Result) bool { return v.Get("type").String() == "reaction" })
	s.settle()
	s.same("listGroupMessages", cometAs("bob", "GET", "/groups/hq/messages?perPage=100", ""))
	s.same("listUserMessages", cometAs("bob", "GET", "/users/eve/messages?perPage=100", ""))
	s.same("listReactions", cometAs("bob", "GET", "/messages/"+last+"/reactions", ""))
	if r := s.report(); r.Fed.Links != 1 || r.Fed.Unread+r.Fed.Refused > 0 {
		t.Errorf("%+v", r.Fed)
	}
}
