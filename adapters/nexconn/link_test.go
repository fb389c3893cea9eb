package nexconn_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/tidwall/gjson"

	"dragoman/adapters/adaptertest"
	"dragoman/adapters/nexconn"
)

type part = nexconn.Part

// device is a client of the live link that knows nothing but frames.
type device struct {
	a  *api
	c  net.Conn
	id uint16
}

// frame is a frame of the server, as far as tests look at it.
type frame struct {
	kind, flags byte
	status      uint16
	id          uint16
	topic       string
	data        []byte
}

// ahead is a connection of which something was read already.
type ahead struct {
	net.Conn
	r io.Reader
}

func (a ahead) Read(b []byte) (int, error) { return a.r.Read(b) }

// token issues an access token.
func (a *api) token(user string) string {
	a.t.Helper()
	return a.must("/auth/access-token/issue", `{"userId":"`+user+`","name":"`+user+`"}`).result("accessToken").Str
}

// dial opens the link with the query given and returns the status of the first frame.
func (a *api) dial(query url.Values) (*device, byte) {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, buffered, _, err := ws.Dial(ctx, "ws"+strings.TrimPrefix(a.w.URL, "http")+"/websocket?"+query.Encode())
	if err != nil {
		a.t.Fatal(err)
	}
	if buffered != nil { // the first frame can come along with the handshake
		c = ahead{c, buffered}
	}
	a.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	b, _, err := wsutil.ReadServerData(c)
	if err != nil || len(b) < 3 || b[0]>>4 != 2 {
		a.t.Fatalf("first frame %x: %v", b, err)
	}
	return &device{a: a, c: c}, b[2]
}

// online connects a person's device.
func (a *api) online(user string) *device {
	a.t.Helper()
	d, status := a.dial(url.Values{"appId": {"key1"}, "token": {a.token(user)}, "deviceId": {"d-" + user}, "protocolVer": {"3"}})
	if status != 0 {
		a.t.Fatalf("%s: not let in: %d", user, status)
	}
	return d
}

func (d *device) write(b []byte) {
	d.a.t.Helper()
	if err := wsutil.WriteClientBinary(d.c, b); err != nil {
		d.a.t.Fatal(err)
	}
}

// read returns the next frame; ok is false when the server has closed.
func (d *device) read() (frame, bool) {
	b, _, err := wsutil.ReadServerData(d.c)
	if err != nil || len(b) == 0 {
		return frame{}, false
	}
	return parseFrame(b), true
}

// parseFrame takes a frame of the server apart.
func parseFrame(b []byte) frame {
	f := frame{kind: b[0] >> 4, flags: b[0] & 15}
	switch f.kind {
	case 3:
		b = b[5:]
		n := binary.BigEndian.Uint16(b)
		f.topic, b = string(b[2:2+n]), b[2+n:]
		n = binary.BigEndian.Uint16(b)
		b = b[2+n:]
		f.id, f.data = binary.BigEndian.Uint16(b), b[2:]
	case 4, 6:
		f.id, f.status = binary.BigEndian.Uint16(b[1:]), binary.BigEndian.Uint16(b[7:])
		f.data = b[9:]
	case 14:
		f.status = uint16(b[2])
	}
	return f
}

// ask queries a topic and returns status and answer; what is pushed meanwhile is passed over.
func (d *device) ask(topic, target string, parts ...part) (uint16, []byte) {
	d.a.t.Helper()
	return d.exchange(true, topic, target, nexconn.Wire(parts...))
}

// say publishes to a topic and returns the status.
func (d *device) say(topic, target string, parts ...part) uint16 {
	d.a.t.Helper()
	status, _ := d.exchange(false, topic, target, nexconn.Wire(parts...))
	return status
}

func (d *device) exchange(query bool, topic, target string, data []byte) (uint16, []byte) {
	d.a.t.Helper()
	d.id++
	d.write(nexconn.Call(query, topic, target, d.id, data))
	for {
		f, ok := d.read()
		if !ok {
			d.a.t.Fatalf("%s: closed instead of an answer", topic)
		}
		if (f.kind == 4 || f.kind == 6) && f.id == d.id && (f.kind == 6) == query {
			return f.status, f.data
		}
	}
}

// hears reads until a frame of the topic comes.
func (d *device) hears(topic string) frame {
	d.a.t.Helper()
	for {
		f, ok := d.read()
		if !ok {
			d.a.t.Fatalf("closed instead of %s", topic)
		}
		if f.kind == 3 && f.topic == topic {
			return f
		}
	}
}

// upText is an UpStreamMessage with a text.
func upText(s string, client int64) []part {
	out := []part{{Num: 1, Int: 3}, {Num: 2, Text: "RC:TxtMsg"}, {Num: 3, Text: `{"content":"` + s + `"}`}}
	if client != 0 {
		out = append(out, part{Num: 10, Int: client})
	}
	return out
}

func TestConnectTellsWhyNot(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	good := a.token("alice")
	banned := a.token("bob")
	a.must("/user/ban", `{"userIds":["bob"],"durationMinutes":10}`)
	for _, tt := range []struct {
		name, app, token string
		want             byte
	}{
		{"good", "key1", good, 0}, {"other app", "nokey", good, 2}, {"unknown token", "key1", "x", 4}, {"no token", "key1", "", 4},
		{"banned", "key1", banned, 9},
	} {
		if _, got := a.dial(url.Values{"appId": {tt.app}, "token": {tt.token}}); got != tt.want {
			t.Errorf("%s: status %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestMessageSentAgainIsOneMessage(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	alice, bob := a.online("alice"), a.online("bob")
	for range 2 {
		if s := alice.say("ppMsgP", "bob", upText("once", 4711)...); s != 0 {
			t.Fatalf("status %d", s)
		}
	}
	alice.say("ppMsgP", "bob", upText("twice", 4712)...)
	for _, want := range []string{"once", "twice"} {
		f := bob.hears("s_msg")
		if _, content, _ := nexconn.Field(f.data, 5); content != `{"content":"`+want+`"}` {
			t.Errorf("heard %s, want %s", content, want)
		}
	}
}

func TestRequiredFieldsMissing(t *testing.T) {
	d := newAPI(t, adaptertest.Setup{}).online("alice")
	if s := d.say("ppMsgP", "bob", part{Num: 2, Text: "RC:TxtMsg"}); s != 26010 {
		t.Errorf("a message without content: %d", s)
	}
	if s, _ := d.ask("pullMsg", "alice", part{Num: 2, Int: 1}); s != 26010 {
		t.Errorf("a pull without a cursor: %d", s)
	}
	if s, _ := d.exchange(true, "pullMsg", "alice", []byte{0xff, 0xff, 0xff}); s != 26010 {
		t.Errorf("no protobuf: %d", s)
	}
	if s, _ := d.ask("rtcPing", "room"); s != 20606 {
		t.Errorf("a topic that is not served: %d", s)
	}
}

func TestBadFramesCloseTheLink(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	for _, b := range [][]byte{{0x30}, {0x50, 0, 9, 'x'}, {0xf0}, {0x00, 1, 2, 3}, {0x40, 1}} {
		d := a.online("alice")
		d.write(b)
		if f, ok := d.read(); ok {
			t.Errorf("%x: answered with kind %d", b, f.kind)
		}
	}
	d := a.online("alice")
	if err := wsutil.WriteClientText(d.c, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, ok := d.read(); ok {
		t.Error("a text frame was answered")
	}
	if d := a.online("alice"); true {
		d.write([]byte{0xc0})
		if f, ok := d.read(); !ok || f.kind != 13 {
			t.Errorf("ping: %+v %v", f, ok)
		}
	}
}

// Every answer of a query has the fields its message requires: the SDK throws without them.
func TestRequiredFieldsAreAnswered(t *testing.T) {
	d := newAPI(t, adaptertest.Setup{}).online("alice")
	for topic, nums := range map[string][]int{
		"pullMsg": {2}, "pullEventChange": {2}, "pullUS": {2}, "pullSeAtts": {1}, "pullModifyMsg": {2}, "pullUgMsg": {2}, "qryMsgChange": {2},
		"qryPMsg": {2, 3}, "qrySessionsAtt": {1, 2, 3}, "qryUnpush": {1}, "pullUserSub": {2}, "pullSubData": {2},
	} {
		s, data := d.ask(topic, "bob", part{Num: 1, Int: 0})
		if topic == "qryPMsg" {
			s, data = d.ask(topic, "bob", part{Num: 1, Text: "bob"}, part{Num: 3, Int: 5})
		}
		if s != 0 {
			t.Errorf("%s: status %d", topic, s)
		}
		for _, n := range nums {
			if _, _, ok := nexconn.Field(data, n); !ok {
				t.Errorf("%s: field %d is missing in %x", topic, n, data)
			}
		}
	}
}

// hostedGroup makes a group with alice as its owner and bob in it.
func (a *api) hostedGroup(id, permissions string) {
	a.t.Helper()
	a.must("/group-channel/create", `{"channelId":"`+id+`","owner":"alice","name":"G","userIds":["bob"],"permissions":{`+permissions+`}}`)
}

func members(group string, users ...string) []part {
	out := []part{{Num: 1, Text: group}}
	for _, u := range users {
		out = append(out, part{Num: 3, Text: u})
	}
	return out
}

// processCode is what an answer says it waits for.
func processCode(data []byte) int64 {
	v, _, _ := nexconn.Field(data, 4)
	return v
}

func TestRowsOfTheLink(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{}, "quotas", "subscriptions=1")
	alice, bob, carol := a.online("alice"), a.online("bob"), a.online("carol")
	a.hostedGroup("open", `"joinPerm":1`)
	a.hostedGroup("asks", `"joinPerm":2,"invitePerm":1,"memInvitePerm":0`)
	tell := func(d *device, topic, target string, want uint16, parts ...part) {
		t.Helper()
		if s, _ := d.ask(topic, target, parts...); s != want {
			t.Errorf("%s: status %d, want %d", topic, s, want)
		}
	}
	// NX073: only the owner changes permissions.
	tell(bob, "upChannelInfo", "open", 25404, part{Num: 1, Text: "open"}, part{Num: 3, Msg: []part{{Num: 1, Text: "joinPerm"}, {Num: 2, Text: "3"}}})
	// NX091: a member without leave to invite.
	tell(bob, "channelMemInvite", "asks", 25426, members("asks", "carol")...)
	// NX092: whoever is invited has to agree.
	if s, data := alice.ask("channelMemInvite", "asks", members("asks", "dave")...); s != 0 || processCode(data) != 25427 {
		t.Errorf("an invitation that waits: %d %d", s, processCode(data))
	}
	// NX089: an application that waits; NX086, NX093: answering one that is not there, and one twice.
	if s, data := carol.ask("channelMemJoin", "asks", members("asks")...); s != 0 || processCode(data) != 25424 {
		t.Errorf("an application that waits: %d %d", s, processCode(data))
	}
	answer := func(user string) []part {
		return []part{{Num: 1, Text: "asks"}, {Num: 3, Int: 1}, {Num: 4, Int: 1}, {Num: 5, Text: user}}
	}
	tell(alice, "channelApplyResp", "asks", 25421, answer("dave")...)
	tell(alice, "channelApplyResp", "asks", 0, answer("carol")...)
	tell(alice, "channelApplyResp", "asks", 25428, answer("carol")...)
	// NX103: a request that was never made.
	tell(alice, "friendHandle", "alice", 25466, part{Num: 1, Text: "dave"}, part{Num: 2, Int: 1})
	// NX116: more subscriptions than allowed.
	tell(alice, "updUserSub", "alice", 26022, part{Num: 1, Int: 1}, part{Num: 2, Msg: []part{{Num: 1, Text: "bob"}}}, part{Num: 2, Msg: []part{{Num: 1, Text: "carol"}}}, part{Num: 3, Int: 1}, part{Num: 4, Int: 3600})
	// NX117: there is nothing that translates.
	tell(alice, "upConvertMsg", "alice", 28400)
	// NX112: settings that have changed since.
	state := func(version int64) []part {
		return []part{{Num: 1, Int: version}, {Num: 2, Msg: []part{{Num: 1, Int: 3}, {Num: 2, Text: "open"}, {Num: 4, Msg: []part{{Num: 1, Int: 1}, {Num: 2, Text: "1"}}}}}}
	}
	tell(alice, "setSeAtt", "alice", 0, append(state(0), part{Num: 3, Int: 1})...)
	tell(alice, "setSeAtt", "alice", 26002, state(1)...)
}

func TestPresenceThatIsOff(t *testing.T) {
	d := newAPI(t, adaptertest.Setup{}, "services_off", "presence").online("alice")
	if s, _ := d.ask("updUserSub", "alice", part{Num: 1, Int: 1}, part{Num: 2, Msg: []part{{Num: 1, Text: "bob"}}}, part{Num: 3, Int: 1}); s != 26020 {
		t.Errorf("status %d", s)
	}
}

// Clients go on from the millisecond of a page's last message.
func TestPagesEndBetweenMilliseconds(t *testing.T) {
	for _, tt := range []struct {
		count int
		times []int64
		want  int
	}{
		{3, nil, 0}, {3, []int64{5, 5, 5}, 3}, {2, []int64{5, 4, 3}, 2}, {2, []int64{5, 4, 4}, 1}, {3, []int64{5, 4, 4, 4, 4}, 1},
		{1, []int64{5, 5, 4}, 2}, {2, []int64{5, 5, 5, 5}, 4},
	} {
		if got := nexconn.PageEnd(tt.count, tt.times...); got != tt.want {
			t.Errorf("%d of %v: a page of %d, want %d", tt.count, tt.times, got, tt.want)
		}
	}
}

func TestTopicsAreServedOrKnown(t *testing.T) {
	b, err := os.ReadFile("../../../shared/dialects/nexconn/topics.tsv")
	if err != nil {
		t.Skipf("../shared: the vendor's list of topics is not here: %v", err)
	}
	served, known := nexconn.Topics(), map[string]bool{}
	for _, line := range strings.Split(string(b), "\n")[1:] {
		name, _, _ := strings.Cut(line, "\t")
		known[name] = true
	}
	for _, name := range served {
		if !known[name] && !slices.Contains([]string{"delSeTag"}, name) {
			t.Errorf("%s is no topic of the vendor's list", name)
		}
	}
	if len(served) < 60 {
		t.Errorf("only %d topics are served", len(served))
	}
}

// A frame cut anywhere, and a payload cut anywhere, is answered, refused or closed upon.
func FuzzSignal(f *testing.F) {
	f.Add(nexconn.Call(true, "pullMsg", "alice", 1, nexconn.Wire(part{Num: 1, Int: 5})))
	f.Add(nexconn.Call(false, "ppMsgP", "bob", 65535, nexconn.Wire(upText("hi", 1)...)))
	f.Add([]byte{0x30, 0xff, 0xff})
	f.Add([]byte{0xe0, 0, 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		_, topic, target, _, data, err := nexconn.ParseSignal(b)
		if err == nil && len(topic)+len(target)+len(data) > len(b) {
			t.Fatal("more came out than went in: " + strconv.Itoa(len(b)))
		}
		for _, err := range nexconn.DecodeAll(data) {
			_ = err
		}
		nexconn.DecodeAll(b)
		if again, err := nexconn.Reup(data); err == nil {
			if twice, err := nexconn.Reup(again); err != nil || string(twice) != string(again) {
				t.Fatalf("%x became %x: %v", again, twice, err)
			}
		}
	})
}

func TestWebhooksAreSigned(t *testing.T) {
	got := make(chan *http.Request, 8)
	bodies := make(chan []byte, 8)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, rq *http.Request) {
		b, _ := io.ReadAll(rq.Body)
		got <- rq
		bodies <- b
	}))
	defer srv.Close()
	a := newAPI(t, adaptertest.Setup{}, "webhook_url", srv.URL+"/hook?v=1")
	a.online("alice").say("ppMsgP", "bob", upText("told", 1)...)
	deadline := time.After(10 * time.Second)
	for {
		select {
		case rq := <-got:
			b := <-bodies
			v := gjson.ParseBytes(b)
			if v.Get("type").Str != "message:send" {
				continue
			}
			q := rq.URL.Query()
			if q.Get("v") != "1" || q.Get("appKey") != "key1" || q.Get("signature") != nexconn.Sign(a.w.Creds["app_secret"], q.Get("nonce"), q.Get("signTimestamp")) {
				t.Errorf("signed by %s", rq.URL.RawQuery)
			}
			d := v.Get("data.0")
			if d.Get("userId").Str != "alice" || d.Get("channelId").Str != "bob" || d.Get("channelType").Int() != 1 || d.Get("content").Str != `{"content":"told"}` || d.Get("os").Str != "Websocket" {
				t.Errorf("told %s", b)
			}
			return
		case <-deadline:
			t.Fatal("no webhook came")
		}
	}
}

func TestWebhooksTellWhoComesAndGoes(t *testing.T) {
	bodies := make(chan []byte, 8)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, rq *http.Request) {
		b, _ := io.ReadAll(rq.Body)
		bodies <- b
	}))
	defer srv.Close()
	a := newAPI(t, adaptertest.Setup{}, "webhook_url", srv.URL)
	told := func(status int64) {
		t.Helper()
		deadline := time.After(10 * time.Second)
		for {
			select {
			case b := <-bodies:
				v := gjson.ParseBytes(b)
				if d := v.Get("data.0"); v.Get("type").Str == "user:connection_status" && d.Get("userId").Str == "alice" && d.Get("status").Int() == status {
					return
				}
			case <-deadline:
				t.Fatalf("no webhook told the status %d", status)
			}
		}
	}
	d := a.online("alice")
	told(0)
	_ = d.c.Close()
	told(1)
}
