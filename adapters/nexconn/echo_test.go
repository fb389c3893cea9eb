package nexconn_test

import (
	"bytes"
	"testing"

	"dragoman/adapters/adaptertest"
)

// What a server sends in somebody's name reaches the other one in any case, and the person's own devices
// only when it says isEchoToSender.
func TestSendersHearTheirServerWhenItSaysSo(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	alice, bob := a.online("alice"), a.online("bob")
	a.send("alice", "bob", "silent")
	a.must("/direct-channel/message/send", `{"fromUserId":"alice","toUserIds":["bob"],"isEchoToSender":1,"messageType":"RC:TxtMsg","content":"{\"content\":\"loud\"}"}`)
	if f := alice.hears("ppMsgP"); bytes.Contains(f.data, []byte("silent")) || !bytes.Contains(f.data, []byte("loud")) {
		t.Errorf("alice hears %q first", f.data)
	}
	for _, want := range []string{"silent", "loud"} {
		if f := bob.hears("s_msg"); !bytes.Contains(f.data, []byte(want)) {
			t.Errorf("bob hears %q, want %s", f.data, want)
		}
	}
}
