package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"dragoman/core"
	"dragoman/core/engine"
	"dragoman/core/fault"
)

// note is what the test's hooks write for an event.
type note struct {
	Kind    core.EventKind
	Channel core.ChannelKey
	Text    string
	Attempt int
}

// plainHooks writes every event to the app's webhook URL.
type plainHooks struct{}

func (plainHooks) Requests(app *core.App, ev *core.Event, attempt int) []core.HookRequest {
	n := note{Kind: ev.Kind, Attempt: attempt}
	if ev.Channel != nil {
		n.Channel = ev.Channel.Key
	}
	if ev.Message != nil {
		n.Text = ev.Message.Text
	}
	b, err := json.Marshal(n)
	if err != nil {
		return nil
	}
	return []core.HookRequest{{URL: app.Settings.WebhookURL, Header: http.Header{"X-Test": {"yes"}}, Body: b}}
}

// endpoint is an app's server: it keeps what it accepts, and refuses what refuse says.
type endpoint struct {
	*httptest.Server
	mu     sync.Mutex
	got    []note
	refuse func(note) bool
}

func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	p := &endpoint{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var n note
		if err := json.NewDecoder(r.Body).Decode(&n); err != nil || r.Header.Get("X-Test") != "yes" {
			rw.WriteHeader(http.StatusBadRequest)
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.refuse != nil && p.refuse(n) {
			rw.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		p.got = append(p.got, n)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *endpoint) set(refuse func(note) bool) {
	p.mu.Lock()
	p.refuse = refuse
	p.mu.Unlock()
}

// texts lists the messages of a channel in the order they were accepted.
func (p *endpoint) texts(key core.ChannelKey) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for _, n := range p.got {
		if n.Channel == key && n.Kind == core.MessageSent {
			out = append(out, n.Text)
		}
	}
	return out
}

func (p *endpoint) count(kind core.EventKind) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, x := range p.got {
		if x.Kind == kind {
			n++
		}
	}
	return n
}

func withHooks(o *engine.Options) { o.Hooks, o.PrivateCallouts = []core.Hooks{plainHooks{}}, true }

func TestWebhooksSurviveFailuresInOrder(t *testing.T) {
	p := newEndpoint(t)
	w := newEngine(t, withHooks, "alice", "bob")
	w.settings(func(s *core.AppSettings) { s.WebhookURL = p.URL })
	slow, quick := w.group("slow", "alice", "bob"), w.group("quick", "alice", "bob")
	p.set(func(n note) bool { return n.Channel == slow && n.Text == "2" && n.Attempt < 3 })
	var want []string
	for i := range 5 {
		w.say("alice", slow, fmt.Sprint(i))
		w.say("alice", quick, fmt.Sprint(i))
		want = append(want, fmt.Sprint(i))
	}
	eventually(t, "the healthy channel is not held back", func() bool { return len(p.texts(quick)) == 5 })
	if n := len(p.texts(slow)); n > 2 {
		t.Errorf("%d messages went past the one that failed", n)
	}
	eventually(t, "the failing channel catches up", func() bool { return len(p.texts(slow)) == 5 })
	for _, key := range []core.ChannelKey{slow, quick} {
		if got := p.texts(key); !slices.Equal(got, want) {
			t.Errorf("%s: %v", key, got)
		}
	}
}

func TestStatsTellOfWebhooksThatWait(t *testing.T) {
	p := newEndpoint(t)
	w := newEngine(t, withHooks, "alice", "bob")
	w.settings(func(s *core.AppSettings) { s.WebhookURL = p.URL })
	key := w.group("slow", "alice", "bob")
	eventually(t, "the group is told", func() bool { return p.count(core.ChannelCreated) == 1 })
	stats := w.engine.Stats
	p.set(func(note) bool { return true })
	w.say("alice", key, "held")
	eventually(t, "a channel is held", func() bool {
		s := stats()
		return s.HooksHeld == 1 && s.HooksBehind > 0 && s.HooksFailed > 0
	})
	sent := stats().HooksSent
	p.set(nil)
	eventually(t, "nothing is held", func() bool {
		s := stats()
		return s.HooksHeld == 0 && s.HooksBehind == 0 && s.HooksSent > sent && s.HooksLost == 0
	})
	if s := stats(); s.Nodes != 1 || !s.BusUp || !s.Lease {
		t.Errorf("the only node says %+v", s)
	}
}

func TestWebhooksAreNotLostByARestart(t *testing.T) {
	p := newEndpoint(t)
	w := newEngine(t, withHooks, "alice", "bob")
	w.settings(func(s *core.AppSettings) { s.WebhookURL = p.URL })
	var tried atomic.Bool
	p.set(func(note) bool {
		tried.Store(true)
		return true
	})
	key := w.group("g", "alice", "bob")
	w.say("alice", key, "kept")
	if _, err := w.core().Moderation.Ban(t.Context(), w.server().As("alice"), core.SetBan{User: "bob"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a first attempt", tried.Load)
	w.restart()
	p.set(nil)
	eventually(t, "everything arrives", func() bool {
		return slices.Equal(p.texts(key), []string{"kept"}) && p.count(core.UserBanned) == 1 && p.count(core.ChannelCreated) == 1
	})
}

func TestNothingIsQueuedWithoutAWebhook(t *testing.T) {
	p := newEndpoint(t)
	w := newEngine(t, withHooks, "alice", "bob")
	key := w.group("g", "alice", "bob")
	w.say("alice", key, "before")
	w.settings(func(s *core.AppSettings) { s.WebhookURL = p.URL })
	w.say("alice", key, "after")
	eventually(t, "the message after", func() bool { return len(p.texts(key)) > 0 })
	if got := p.texts(key); !slices.Equal(got, []string{"after"}) {
		t.Errorf("told %v", got)
	}
}

// asking is an app that answers custom commands through the doer.
type asking struct{ url string }

func (asking) BeforeSend(context.Context, core.Doer, *core.App, *core.Channel, *core.User, *core.Message) error {
	return nil
}

func (a asking) Command(ctx context.Context, do core.Doer, app *core.App, _ *core.Channel, _ *core.User, m *core.Message, form map[string]string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, app.Settings.CommandURL, strings.NewReader(m.CommandArgs))
	if err != nil {
		return err
	}
	status, body, err := do.Do(req)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("status %d", status)
	}
	m.Text = string(body)
	if strings.HasPrefix(m.Text, "only you") && form == nil {
		m.Kind = core.MessageEphemeral
	}
	return nil
}

// ticketType adds the custom command /ticket to the default type.
func ticketType(w *rig) {
	w.t.Helper()
	if _, err := w.core().Commands.Put(w.t.Context(), w.server(), core.PutCommand{Name: "ticket", Create: true}); err != nil {
		w.t.Fatal(err)
	}
	w.typ("messaging", func(t *core.ChannelType) { t.Commands = append(t.Commands, "ticket") })
}

func TestCalloutsRefuseAddressesThatAreNotPublic(t *testing.T) {
	var hit atomic.Bool
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hit.Store(true) }))
	t.Cleanup(srv.Close)
	w := newEngine(t, func(o *engine.Options) { o.Callouts = asking{} }, "alice")
	ticketType(w)
	key := w.group("g", "alice")
	_, port, _ := strings.Cut(strings.TrimPrefix(srv.URL, "http://"), ":")
	for _, host := range []string{
		"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "10.1.2.3", "192.168.0.1", "172.16.0.1", "169.254.169.254",
		"100.64.0.1", "[fe80::1]", "[fd00::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::]", "224.0.0.1", "255.255.255.255",
	} {
		w.settings(func(s *core.AppSettings) { s.CommandURL = "http://" + host + ":" + port + "/x" })
		_, err := trySend(w.world, "alice", key, "/ticket hi")
		w.wants(err, fault.IntegrationCallFailed)
		if err == nil || !strings.Contains(err.Error(), "not public") {
			t.Errorf("%s: %v", host, err)
		}
	}
	if hit.Load() {
		t.Error("the server on this machine was reached")
	}
}

func TestCalloutsFollowNoRedirectsAndBoundTheAnswer(t *testing.T) {
	var followed atomic.Bool
	mux := http.NewServeMux()
	mux.HandleFunc("/away", func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, "/there", http.StatusFound) })
	mux.HandleFunc("/there", func(http.ResponseWriter, *http.Request) { followed.Store(true) })
	mux.HandleFunc("/large", func(rw http.ResponseWriter, _ *http.Request) {
		if _, err := io.WriteString(rw, strings.Repeat("x", 1<<20+1)); err != nil {
			return
		}
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	w := newEngine(t, func(o *engine.Options) { o.Callouts, o.PrivateCallouts = asking{}, true }, "alice")
	ticketType(w)
	key := w.group("g", "alice")
	for _, path := range []string{"/away", "/large"} {
		w.settings(func(s *core.AppSettings) { s.CommandURL = srv.URL + path })
		_, err := trySend(w.world, "alice", key, "/ticket hi")
		w.wants(err, fault.IntegrationCallFailed)
	}
	if followed.Load() {
		t.Error("a redirect was followed")
	}
}

func TestCustomCommands(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil || string(b) == "fail" {
			rw.WriteHeader(http.StatusInternalServerError)
			return
		}
		if _, err := rw.Write(b); err != nil {
			return
		}
	}))
	t.Cleanup(srv.Close)
	w := newEngine(t, func(o *engine.Options) { o.Callouts, o.PrivateCallouts = asking{}, true }, "alice", "bob")
	ticketType(w)
	key := w.group("g", "alice", "bob")
	_, err := trySend(w.world, "alice", key, "/ticket hi")
	w.wants(err, fault.IntegrationNotConfigured)
	if fault.From(err).Variant != "custom_command" {
		t.Errorf("variant of %v", err)
	}
	w.settings(func(s *core.AppSettings) { s.CommandURL = srv.URL })
	_, err = trySend(w.world, "alice", key, "/ticket fail")
	w.wants(err, fault.IntegrationCallFailed)
	if fault.From(err).Variant != "custom_command" {
		t.Errorf("variant of %v", err)
	}
	m, err := trySend(w.world, "alice", key, "/ticket printer is on fire")
	if err != nil || m.Text != "printer is on fire" || m.Kind != core.MessageRegular || m.Seq == 0 || m.Command != "ticket" {
		t.Errorf("%+v %v", m, err)
	}
	m, err = trySend(w.world, "alice", key, "/ticket only you see this")
	if err != nil || m.Kind != core.MessageEphemeral || m.Seq != 0 || m.Name() == "" {
		t.Fatalf("%+v %v", m, err)
	}
	sent, err := w.core().Messages.Action(t.Context(), w.as("alice"), core.RunAction{ID: m.Name(), Form: map[string]string{"a": "b"}})
	if err != nil || sent == nil {
		t.Errorf("%+v %v", sent, err)
	}
}

func TestModerationCommands(t *testing.T) {
	w := newEngine(t, nil, "alice", "bob")
	w.typ("messaging", func(t *core.ChannelType) { t.Commands = []string{"all"} })
	key := w.group("g", "alice", "bob")
	send := func(u core.UserID, text string) core.Message {
		m, err := trySend(w.world, u, key, text)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	if m := send("bob", "/ban @alice for fun"); m.Kind != core.MessageError || !strings.Contains(m.Text, "not allowed") || m.Seq != 0 {
		t.Errorf("%+v", m)
	}
	if m := send("bob", "/mute @alice"); m.Kind != core.MessageEphemeral || !strings.Contains(m.Text, "alice has been muted") {
		t.Errorf("%+v", m)
	}
	if s, err := w.core().Live.Self(t.Context(), w.as("bob"), core.GetSelf{}); err != nil || len(s.Mutes) != 1 {
		t.Errorf("%+v %v", s.Mutes, err)
	}
	if m := send("bob", "/mute @nobody"); m.Kind != core.MessageError {
		t.Errorf("%+v", m)
	}
	if m := send("bob", "/mute"); m.Kind != core.MessageError {
		t.Errorf("%+v", m)
	}
	if m := send("bob", "/unheard of"); m.Kind != core.MessageRegular || m.Seq == 0 {
		t.Errorf("%+v", m)
	}
}

func TestGiphyProposesAndSends(t *testing.T) {
	w := newEngine(t, nil, "alice", "bob")
	ctx := t.Context()
	key := w.group("g", "alice", "bob")
	propose := func() core.Message {
		m, err := trySend(w.world, "alice", key, "/giphy cats")
		if err != nil || m.Kind != core.MessageEphemeral || len(m.Attachments) != 1 || !strings.Contains(string(m.Attachments[0]), `"value":"shuffle"`) {
			t.Fatalf("%+v %v", m, err)
		}
		return m
	}
	m := propose()
	act := func(u core.UserID, id, value string) (*core.Message, error) {
		return w.core().Messages.Action(ctx, w.as(u), core.RunAction{ID: id, Form: map[string]string{"image_action": value}})
	}
	_, err := act("bob", m.Name(), "send")
	w.wants(err, fault.MessageNotFound)
	if got, err := act("alice", m.Name(), "shuffle"); err != nil || got.Name() != m.Name() {
		t.Errorf("%+v %v", got, err)
	}
	_, err = act("alice", m.Name(), "jump")
	w.wants(err, fault.RequestInvalidField)
	sent, err := act("alice", m.Name(), "send")
	if err != nil || sent.Kind != core.MessageRegular || sent.Seq == 0 || strings.Contains(string(sent.Attachments[0]), "actions") {
		t.Errorf("%+v %v", sent, err)
	}
	_, err = act("alice", m.Name(), "send")
	w.wants(err, fault.MessageActionNotAllowed)
	other := propose()
	if got, err := act("alice", other.Name(), "cancel"); err != nil || got != nil {
		t.Errorf("%+v %v", got, err)
	}
	_, err = act("alice", other.Name(), "send")
	w.wants(err, fault.MessageNotFound)
}
