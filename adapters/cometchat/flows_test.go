package cometchat_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"strings"
	"testing"

	"dragoman/adapters/adaptertest"
	"dragoman/core"
)

func TestPathsWithAndWithoutVersion(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	for path, want := range map[string]string{
		"/users/bob": "", "/v3/users/bob": "", "/v3.0/users/bob": "", "/v3.0/v3.0/users/bob": "",
		"/v2/users/bob": "ERR_INVALID_API_VERSION", "/v3/none": "ERR_API_NOT_FOUND",
	} {
		if r := a.raw("GET", path, "", "appId", "app1", "apikey", "full-key"); r.code() != want {
			t.Errorf("%s: %d %.200s", path, r.status, r.body.Raw)
		}
	}
}

func TestTokensAreListedAndRevoked(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	token := a.must(a.srv("POST", "/users/alice/auth_tokens", "{}")).data("authToken").String()
	me := func() reply { return a.raw("PUT", "/v3.0/me", "{}", "appId", "app1", "authToken", token) }
	if r := a.must(me()); r.data("authToken").String() != token || strings.Count(r.data("jwt").String(), ".") != 2 || r.data("settings.CHAT_HOST").String() != "127.0.0.1" {
		t.Errorf("the login answers %.600s", r.body.Raw)
	}
	if r := a.must(a.srv("GET", "/users/alice/auth_tokens", "")); r.data("#").Int() != 1 {
		t.Errorf("the list is %.300s", r.body.Raw)
	}
	a.must(a.srv("DELETE", "/users/alice/auth_tokens/"+token, ""))
	if r := me(); r.code() != "AUTH_ERR_AUTH_TOKEN_NOT_FOUND" {
		t.Errorf("a revoked token: %.300s", r.body.Raw)
	}
	a.must(a.as("alice", "PUT", "/me", "{}")) // a signed one still works
	if r := a.must(a.srv("GET", "/users/alice/auth_tokens", "")); r.data("#").Int() != 1 {
		t.Errorf("the signed token is not listed: %.300s", r.body.Raw)
	}
}

func TestFilesOfAMessageAreServed(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	for _, f := range [][2]string{{"receiver", "bob"}, {"receiverType", "user"}, {"category", "message"}, {"type", "file"}, {"data", `{"text":"see","metadata":{"a":1}}`}, {"tags[]", "x"}} {
		if err := form.WriteField(f[0], f[1]); err != nil {
			t.Fatal(err)
		}
	}
	p, err := form.CreateFormFile("files[]", "notes.txt")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	r := a.must(a.as("alice", "POST", "/messages", b.String(), "Content-Type", form.FormDataContentType()))
	at := r.data("data.attachments.0")
	if at.Get("name").String() != "notes.txt" || at.Get("extension").String() != "txt" || at.Get("size").Int() != 5 ||
		r.data("data.metadata.a").Int() != 1 || r.data("tags.0").String() != "x" || r.data("data.url").String() != at.Get("url").String() {
		t.Fatalf("%.900s", r.body.Raw)
	}
	rs, err := client.Get(at.Get("url").String())
	if err != nil {
		t.Fatal(err)
	}
	defer rs.Body.Close()
	got := make([]byte, 16)
	n, _ := rs.Body.Read(got)
	if rs.StatusCode != 200 || string(got[:n]) != "hello" {
		t.Errorf("status %d, %q", rs.StatusCode, got[:n])
	}
	cut := b.String()[:b.Len()-40]
	if r := a.as("alice", "POST", "/messages", cut, "Content-Type", form.FormDataContentType()); r.code() == "" {
		t.Errorf("a body cut short is taken: %.300s", r.body.Raw)
	}
}

// What another dialect wrote is shown, and what is written here keeps its form for it.
func TestMessagesOfAnotherDialect(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	ctx, by := t.Context(), a.w.Server()
	_, err := a.w.Core.Channels.Open(ctx, by.As("alice"), core.OpenChannel{Type: core.DefaultType, ID: "lobby", Input: core.ChannelInput{
		Members: []core.MemberInput{{User: "alice"}, {User: "bob"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.w.Core.Messages.Send(ctx, by.As("alice"), core.SendMessage{Key: "lobby", Message: core.MessageInput{
		Alias: "uuid-1", Text: "look", Extra: core.Extra(`{"mood":"fine"}`),
		Attachments: []json.RawMessage{json.RawMessage(`{"type":"image","image_url":"https://x.test/a.png","fallback":"a.png"}`)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	m := a.must(a.as("bob", "GET", "/groups/lobby/messages", "")).data("0")
	if m.Get("type").String() != "image" || m.Get("data.url").String() != "https://x.test/a.png" || m.Get("data.metadata.mood").String() != "fine" ||
		m.Get("conversationId").String() != "group_lobby" || m.Get("data.entities.receiver.entity.guid").String() != "lobby" {
		t.Errorf("bob sees %s", m.Raw)
	}
	a.must(a.as("bob", "POST", "/messages", `{"receiver":"lobby","receiverType":"group","category":"custom","type":"map","data":{"customData":{"lat":1}}}`))
	ms, err := a.w.Core.Messages.List(ctx, by.As("alice"), core.ListMessages{Key: "lobby"})
	if err != nil || len(ms) != 2 {
		t.Fatalf("%d messages, %v", len(ms), err)
	}
	if ms[1].Kind != core.MessageCustom || ms[1].Text != "[map]" {
		t.Errorf("alice's dialect is given %+v", ms[1])
	}
}

// The total of a list is what there is, whatever page is asked for.
func TestTotalsOfLists(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	const n = 137
	for i := range n {
		id := fmt.Sprintf("t%03d", i)
		a.must(a.srv("POST", "/users", `{"uid":"`+id+`","name":"Total `+id+`"}`))
		if i%4 == 0 {
			a.must(a.as("alice", "POST", "/groups", `{"guid":"`+id+`","name":"`+id+`","type":"private"}`))
			a.text("alice", "group", id, "hello")
		}
	}
	const groups = (n + 3) / 4
	for path, want := range map[string][2]int{ // total, pages
		"/users?per_page=10&searchKey=Total":         {n, 14},
		"/users?per_page=10&page=13&searchKey=Total": {n, 14},
		"/users?per_page=10&page=14&searchKey=Total": {n, 14},
		"/users?per_page=100&searchKey=Total":        {n, 2},
		"/groups?per_page=4&page=2":                  {groups, 9},
		"/groups?per_page=50&page=3":                 {groups, 1},
		"/conversations?per_page=3&page=2":           {groups, 12},
	} {
		p := a.must(a.as("alice", "GET", path, "")).body.Get("meta.pagination")
		if p.Get("total").Int() != int64(want[0]) || p.Get("total_pages").Int() != int64(want[1]) {
			t.Errorf("%s: %s, want %v", path, p.Raw, want)
		}
	}
}
