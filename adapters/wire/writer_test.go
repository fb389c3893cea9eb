package wire_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"dragoman/adapters/wire"
	"dragoman/core"
)

func TestWriterPlacesCommas(t *testing.T) {
	w := wire.NewWriter(0)
	w.Open()
	w.Text("a", "x\"\n")
	w.TextIf("no", "")
	w.Int("n", -3)
	w.Bool("t", true)
	w.BoolIf("no", false)
	w.Object("o")
	w.Null("z")
	w.Close()
	w.List("l")
	w.Item("i")
	w.Number(7)
	w.Open()
	w.Close()
	w.OpenList()
	w.CloseList()
	w.Value(nil)
	w.CloseList()
	w.Texts("none", nil)
	w.IDs("ids", []core.UserID{"u"})
	w.Raw("raw", []byte(`{"k":1}`))
	w.Raw("rawnil", nil)
	w.Raws("raws", []json.RawMessage{json.RawMessage("1"), json.RawMessage("2")})
	w.Time("at", time.Date(2026, 6, 24, 13, 44, 48, 215772568, time.FixedZone("x", 7200)))
	w.Time("never", time.Time{})
	w.TimeIf("no", time.Time{})
	w.Key("parts")
	w.Items("<", "a\"b", ">")
	w.KeyOf("odd\tname")
	w.Number(1)
	w.Duration("d", 7.114)
	w.Close()
	want := `{"a":"x\"\n","n":-3,"t":true,"o":{"z":null},"l":["i",7,{},[],null],"none":[],"ids":["u"],` +
		`"raw":{"k":1},"rawnil":null,"raws":[1,2],"at":"2026-06-24T11:44:48.215772568Z","never":null,"parts":"<a\"b>","odd\tname":1,"d":"7.11ms"}`
	if got := string(w.Bytes()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestExtraLeavesOutReservedNames(t *testing.T) {
	w := wire.NewWriter(0)
	w.Open()
	w.Text("id", "1")
	w.Extra(core.Extra(`{"id":"2","colour":"red","nested":{"id":3}}`), wire.NamesOf("id"))
	w.Extra(core.Extra(`[1]`), nil)
	w.Extra(nil, nil)
	w.Close()
	if got, want := string(w.Bytes()), `{"id":"1","colour":"red","nested":{"id":3}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"", "plain", "a\"b\\c\n\r\t\b\f\x00\x1f", "é\u2028\u2029😀", "\xff\xfe", "a\xc3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		w := wire.NewWriter(0)
		w.Open()
		w.KeyOf(s)
		w.Item(s)
		w.Close()
		var m map[string]string
		if err := json.Unmarshal(w.Bytes(), &m); err != nil {
			t.Fatalf("%q: %v in %s", s, err, w.Bytes())
		}
		want := s
		if !utf8.ValidString(s) {
			want = strings.ToValidUTF8(s, "\ufffd")
			return
		}
		if v, ok := m[want]; !ok || v != want {
			t.Errorf("%q came back as %q", s, m)
		}
	})
}
