package cometchat_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/tidwall/gjson"

	"dragoman/adapters/adaptertest"
)

// dial opens the live link and says nothing yet.
func (a *api) dial() net.Conn {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, buffered, _, err := ws.Dial(ctx, "ws"+strings.TrimPrefix(a.w.URL, "http")+"/")
	if err != nil {
		a.t.Fatal(err)
	}
	if buffered != nil {
		a.t.Fatal("the server speaks first")
	}
	a.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	return c
}

func (a *api) say(c net.Conn, frame string) {
	a.t.Helper()
	if err := wsutil.WriteClientText(c, []byte(frame)); err != nil {
		a.t.Fatal(err)
	}
}

// hear reads frames until one that matches comes.
func (a *api) hear(c net.Conn, match func(gjson.Result) bool) gjson.Result {
	a.t.Helper()
	for {
		b, err := wsutil.ReadServerText(c)
		if err != nil {
			a.t.Fatalf("the frame did not come: %v", err)
		}
		if !gjson.ValidBytes(b) {
			a.t.Fatalf("not JSON: %s", b)
		}
		if v := gjson.ParseBytes(b); match(v) {
			return v
		}
	}
}

func typed(typ string) func(gjson.Result) bool {
	return func(v gjson.Result) bool { return v.Get("type").Str == typ }
}

// jwt logs a person in and returns what opens the live link.
func (a *api) jwt(user string) string {
	a.t.Helper()
	return a.must(a.as(user, "PUT", "/me", `{"deviceId":"d-`+user+`"}`)).data("jwt").String()
}

func authFrame(user, jwt, device, more string) string {
	return `{"appId":"app1","deviceId":"` + device + `","type":"auth","sender":"` + user + `","body":{"auth":"` + jwt + `","deviceId":"` + device + `"` + more + `}}`
}

// online opens the live link of a person's device.
func (a *api) online(user, device, more string) net.Conn {
	a.t.Helper()
	c := a.dial()
	a.say(c, authFrame(user, a.jwt(user), device, more))
	if v := a.hear(c, typed("auth")); v.Get("body.code").String() != "200" || v.Get("body.code").Type != gjson.String || v.Get("body.status").Str != "OK" {
		a.t.Fatalf("the auth frame is answered by %s", v)
	}
	return c
}

func TestLinkThatIsNotLetIn(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	good := a.jwt("alice")
	other := a.as("bob", "PUT", "/me", `{"deviceId":"d"}`)
	gone := other.data("jwt").String()
	a.must(a.as("bob", "DELETE", "/me", ""))
	for what, frame := range map[string]string{
		"no JWT":             authFrame("alice", "", "d", ""),
		"a JWT of nobody":    authFrame("alice", "a.b.c", "d", ""),
		"a changed JWT":      authFrame("alice", good+"x", "d", ""),
		"a token logged out": authFrame("bob", gone, "d", ""),
	} {
		c := a.dial()
		a.say(c, `{"action":"ping","ack":"true"}`)
		a.hear(c, func(v gjson.Result) bool { return v.Get("action").Str == "pong" })
		a.say(c, frame)
		if v := a.hear(c, typed("auth")); v.Get("body.status").Str == "OK" || !strings.HasPrefix(v.Get("body.code").String(), "AUTH_ERR_") {
			t.Errorf("%s is answered by %s", what, v)
		}
		var end wsutil.ClosedError
		if _, err := wsutil.ReadServerText(c); !errors.As(err, &end) || end.Code != 1008 {
			t.Errorf("%s ends with %v", what, err)
		}
	}
}

func TestLinkNamesTheDeviceThatDidIt(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	bob, phone := a.online("bob", "WEB-bob", ""), a.online("alice", "IOS-alice", "")
	body := `{"receiver":"bob","receiverType":"user","category":"message","type":"text","data":{"text":"hi"}}`
	id := a.must(a.as("alice", "POST", "/messages", body, "resource", "WEB-alice")).data("id").String()
	for _, c := range []net.Conn{bob, phone} {
		v := a.hear(c, typed("message"))
		if v.Get("deviceId").Str != "WEB-alice" || v.Get("body.id").String() != id || v.Get("receiver").Str != "bob" || v.Get("sender").Str != "alice" {
			t.Errorf("the message is told as %s", v)
		}
		if v.Get("body.data.entities.sender.entity.uid").Str != "alice" || v.Get("body.data.entities.receiver.entity.uid").Str != "bob" {
			t.Errorf("the entities are %s", v.Get("body.data.entities"))
		}
	}
	a.say(bob, `{"appId":"app1","receiver":"alice","receiverType":"user","deviceId":"WEB-bob","type":"receipts","sender":"bob","messageSender":"alice","body":{"action":"read","messageId":"`+id+`"}}`)
	v := a.hear(phone, typed("receipts"))
	if v.Get("body.action").Str != "read" || v.Get("body.messageId").Str != id || v.Get("deviceId").Str != "WEB-bob" || v.Get("body.timestamp").Int() == 0 {
		t.Errorf("the receipt is told as %s", v)
	}
}

func TestLinkTypingBeforeTheFirstMessage(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	bob, alice := a.online("bob", "b", ""), a.online("alice", "a", "")
	a.say(alice, `{"receiver":"bob","receiverType":"user","deviceId":"a","type":"typing_indicator","sender":"alice","body":{"action":"started","metadata":{"x":1}}}`)
	v := a.hear(bob, typed("typing_indicator"))
	if v.Get("body.action").Str != "started" || v.Get("sender").Str != "alice" || v.Get("receiver").Str != "bob" || v.Get("body.metadata.x").Int() != 1 {
		t.Errorf("typing is told as %s", v)
	}
}

func TestLinkPresenceOfRoles(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	a.must(a.srv("POST", "/roles", `{"role":"guide","name":"Guide"}`))
	a.must(a.srv("PUT", "/users/carol", `{"role":"guide"}`))
	bob := a.online("bob", "b", `,"presenceSubscription":"ROLES","roles":["guide"]`)
	a.online("dave", "d", "")
	a.online("carol", "c", "")
	if v := a.hear(bob, typed("presence")); v.Get("body.user.uid").Str != "carol" || v.Get("body.action").Str != "online" {
		t.Errorf("the first presence is %s", v)
	}
}

func TestLinkIgnoresNoiseForAWhile(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	c := a.online("alice", "a", "")
	for _, f := range []string{`{`, `[]`, `{}`, `"x"`, `{"type":"typing_indicator"}`, `{"type":"receipts","receiver":"bob","body":{"action":"read","messageId":null}}`,
		`{"type":"receipts","receiver":"none","receiverType":"group","body":{"action":"read","messageId":"12"}}`, `{"type":"nonsense","receiver":"bob"}`,
		`{"type":"transient_message","receiver":"nobody","receiverType":"group","body":{"data":[]}}`} {
		a.say(c, f)
	}
	a.say(c, `{"action":"ping"}`)
	a.hear(c, func(v gjson.Result) bool { return v.Get("action").Str == "pong" })
	for range 1100 {
		if wsutil.WriteClientText(c, []byte(`{}`)) != nil {
			break
		}
	}
	var end wsutil.ClosedError
	if _, err := wsutil.ReadServerText(c); !errors.As(err, &end) || end.Code != 1008 {
		t.Errorf("endless noise ends with %v", err)
	}
}
