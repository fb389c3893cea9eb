package nexconn_test

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"dragoman/adapters/nexconn"
	"dragoman/core"
	"dragoman/core/fault"
)

func classicRows(t *testing.T) int {
	t.Helper()
	return nexconn.ClassicRows()
}

// Whatever comes as a classic request is either JSON for v4 or an error of the caller.
func FuzzClassicDecode(f *testing.F) {
	f.Add(0, []byte("userId=alice&name=A&portraitUri="))
	f.Add(30, []byte(`{"userIds":["a",1],"content":{"x":1}}`))
	f.Add(7, []byte("%zz"))
	f.Add(3, []byte("userIds=[1,2]&userIds=a,b"))
	f.Fuzz(func(t *testing.T, i int, body []byte) {
		if i < 0 {
			return
		}
		out, err := nexconn.DecodeClassic(i, body)
		if err != nil {
			if fault.From(err).Reason.Blame() != fault.BlameClient {
				t.Fatalf("%q: %v", body, err)
			}
			return
		}
		if !gjson.ValidBytes(out) || !gjson.ParseBytes(out).IsObject() {
			t.Fatalf("%q became %q", body, out)
		}
	})
}

// A content comes back byte for byte whatever it is, as long as it is text.
func FuzzContent(f *testing.F) {
	f.Add("RC:TxtMsg", `{"content":"x"}`)
	f.Add("RC:TxtMsg", `{"content":1}`)
	f.Add("RC:ImgMsg", `{"imageUri":"u"}`)
	f.Add("App:X", "\u2028 {")
	f.Add("RC:ReferenceMsg", `{"content":"a","content":"b"}`)
	f.Fuzz(func(t *testing.T, kind, body string) {
		if kind == "" || !utf8.ValidString(kind) || !utf8.ValidString(body) {
			return
		}
		k, b := nexconn.Reread(kind, body)
		if k != kind || b != body && gjson.Valid(body) {
			t.Fatalf("%q %q came back as %q %q", kind, body, k, b)
		}
	})
}

// Messages of other dialects are told as the nearest type of this one.
func TestContentOfOtherDialects(t *testing.T) {
	for _, tt := range []struct {
		m    core.Message
		kind string
		has  string
	}{
		{core.Message{Text: "hi"}, "RC:TxtMsg", `{"content":"hi"}`},
		{core.Message{Attachments: []json.RawMessage{json.RawMessage(`{"type":"image","image_url":"http://x/i.png"}`)}}, "RC:ImgMsg", `{"content":"","imageUri":"http://x/i.png"}`},
		{core.Message{Attachments: []json.RawMessage{json.RawMessage(`{"type":"file","asset_url":"http://x/f.pdf","title":"f.pdf","file_size":7}`)}}, "RC:FileMsg", `{"type":"pdf","fileUrl":"http://x/f.pdf","name":"f.pdf","size":7}`},
		{core.Message{Text: "look", Attachments: []json.RawMessage{json.RawMessage(`{"type":"video","asset_url":"http://x/v.mp4"}`)}}, "RC:TxtMsg", `{"content":"look\nhttp://x/v.mp4"}`},
		{core.Message{Kind: core.MessageSystem, Text: "moved"}, "RC:InfoNtf", `{"message":"moved"}`},
		{core.Message{Text: "@bob hi", Mentions: []core.UserID{"bob"}}, "RC:TxtMsg", `{"content":"@bob hi","mentionedInfo":{"type":2,"userIdList":["bob"]}}`},
		{core.Message{Text: "changed", Extra: core.Extra(`{"nexconn":{"type":"RC:TxtMsg","content":"{\"content\":\"as sent\",\"extra\":\"e\"}"}}`)}, "RC:TxtMsg", `{"content":"changed","extra":"e"}`},
	} {
		if kind, body := nexconn.ContentOf(&tt.m); kind != tt.kind || body != tt.has {
			t.Errorf("%+v: %s %s, want %s %s", tt.m, kind, body, tt.kind, tt.has)
		}
	}
}
