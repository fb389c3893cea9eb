package proxy

import (
	"strings"
	"testing"
)

func TestShownTextHoldsNoSecrets(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{`{"text":"hello","user_id":"ann"}`, `{"text":"hello","user_id":"ann"}`},
		{`{"authToken":"abc.def","n":1}`, `{"authToken":"…","n":1}`},
		{`{"password" : "a\"b", "x":2}`, `{"password" : "…", "x":2}`},
		{`/connect?api_key=k&token=abc&user=ann`, `/connect?api_key="…"&token="…"&user=ann`},
		{`{"type":"auth","body":{"auth":"abc","deviceId":"d"}}`, `{"type":"auth","body":{"auth":"…","deviceId":"d"}}`},
		{`{"note":"eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyX2lkIjoiYW5uIn0.abc-_1"}`, `{"note":"…"}`},
		{"x=007eJxSYGDYy8jKwMLIysAEAP8", "x=…"},
		{"grant_type=password&client_secret=hush", "grant_type=password&client_secret=\"…\""},
	} {
		if got := show([]byte(tt.in)).Text; got != tt.want {
			t.Errorf("%s is shown as %s, want %s", tt.in, got, tt.want)
		}
	}
	if got := show([]byte{8, 0, 0x40, 1}); got.Text != "" || got.Bytes != 4 {
		t.Errorf("a binary frame is shown as %+v", got)
	}
	long := show([]byte(strings.Repeat("é", 5000)))
	if len(long.Text) > maxShown || long.Bytes != 10_000 || strings.ContainsRune(long.Text, '\uFFFD') {
		t.Errorf("a long body is shown with %d bytes", len(long.Text))
	}
}
