package nexconn_test

import (
	"strings"
	"testing"

	"dragoman/adapters/adaptertest"
	"dragoman/adapters/nexconn"
)

// TestWhatIsPulledComesFirstAndOnce: a client that has just come is pushed nothing before it has pulled
// what it missed, and nothing that was in what it pulled.
func TestWhatIsPulledComesFirstAndOnce(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	alice, bob := a.online("alice"), a.online("bob")
	for i, text := range []string{"one", "two"} {
		if s := alice.say("ppMsgP", "bob", upText(text, int64(i+1))...); s != 0 {
			t.Fatalf("status %d", s)
		}
	}
	bob.id++
	bob.write(nexconn.Call(true, topicPull, "bob", bob.id, nexconn.Wire(part{Num: 1, Int: 1})))
	f, ok := bob.read()
	if !ok || f.kind != 6 || f.status != 0 {
		t.Fatalf("before the answer to the pull: %+v", f)
	}
	for _, text := range []string{"one", "two"} {
		if !strings.Contains(string(f.data), `{"content":"`+text+`"}`) {
			t.Errorf("%s was not pulled", text)
		}
	}
	if s := alice.say("ppMsgP", "bob", upText("three", 3)...); s != 0 {
		t.Fatalf("status %d", s)
	}
	f = bob.hears("s_msg")
	if _, content, _ := nexconn.Field(f.data, 5); content != `{"content":"three"}` {
		t.Errorf("pushed %s", content)
	}
}

// topicPull is how clients ask for what they missed.
const topicPull = "pullMsg"
