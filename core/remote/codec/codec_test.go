package codec_test

import (
	"bytes"
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"dragoman/core"
	"dragoman/core/remote/codec"
)

func TestWhatIsWritten(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 5, time.FixedZone("", 3600))
	m := core.Message{ID: 1 << 52, Text: "a\"b\n\xff", Mentions: []core.UserID{}, Extra: core.Extra(`{"x": 1}`), CreatedAt: at, Author: &core.User{Name: "é"}}
	want := `{"ID":4503599627370496,"Text":{"b":"YSJiCv8="},"Mentions":[],"Extra":{"x": 1},"CreatedAt":"2026-03-01T12:00:00.000000005+01:00","Author":{"Name":"é"}}`
	if got := string(codec.Marshal(&m)); got != want {
		t.Errorf("wrote %s", got)
	}
	var got core.Message
	if err := codec.Unmarshal([]byte(" {\"Later\": [{\"a\":null}, 1e3, \"\\u00e9\"], "+want[1:]+"\n"), &got); err != nil || got.Text != m.Text || !got.CreatedAt.Equal(at) || got.Mentions == nil {
		t.Errorf("read %+v, %v", got, err)
	}
}

func TestTextsAndNumbersTravel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type all struct {
			S string
			B []byte
			F float64
			I int64
			U uint64
			M map[string]map[int]string
			P **string
		}
		s := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "text")
		p := &s
		in := all{
			S: s, B: rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"), F: rapid.Float64().Draw(t, "float"), I: rapid.Int64().Draw(t, "int"),
			U: rapid.Uint64().Draw(t, "uint"), P: &p,
			M: rapid.MapOf(rapid.String(), rapid.MapOf(rapid.Int(), rapid.String())).Draw(t, "map"),
		}
		if rapid.Bool().Draw(t, "odd") {
			in.F = rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1)}).Draw(t, "odd float")
		}
		b := codec.Marshal(&in)
		var out all
		if err := codec.Unmarshal(b, &out); err != nil {
			t.Fatalf("%v: %s", err, b)
		}
		if out.S != in.S || **out.P != s || !bytes.Equal(out.B, in.B) || (out.B == nil) != (in.B == nil) || out.I != in.I || out.U != in.U ||
			math.Float64bits(out.F) != math.Float64bits(in.F) && !math.IsNaN(in.F) || fmt.Sprint(out.M) != fmt.Sprint(in.M) {
			t.Fatalf("%+v became %+v by %s", in, out, b)
		}
		if again := codec.Marshal(&out); !bytes.Equal(again, b) {
			t.Fatalf("the same value is %s and %s", b, again)
		}
	})
}

// In a stream the same configuration is written once, however often it comes and whoever holds it.
func TestStreamsRepeatNothing(t *testing.T) {
	config := func(i int) *core.ChannelType {
		return &core.ChannelType{Name: fmt.Sprint("type-", i), Commands: []string{"one", "two"}, Grants: []core.RoleGrants{{Role: "user", Permissions: []string{"read", "write"}}}}
	}
	e, d := codec.Encoder{Stream: true}, codec.Decoder{Stream: true}
	shared := config(0)
	sizes := map[bool]int{}
	for i := range 2000 {
		ev := core.Event{Ev: int64(i), Config: shared}
		switch i % 3 {
		case 1:
			ev.Config = config(0) // equal, at another place
		case 2:
			ev.Config = config(i) // another one: they are forgotten after a while
		}
		e.Bytes = e.Bytes[:0]
		codec.Append(&e, &ev)
		sizes[i%3 == 2] += len(e.Bytes)
		var got core.Event
		if err := codec.Read(&d, e.Bytes, &got); err != nil {
			t.Fatalf("event %d: %v", i, err)
		}
		if got.Config == nil || got.Config.Name != ev.Config.Name || len(got.Config.Grants) != 1 || got.Config.Grants[0].Permissions[1] != "write" {
			t.Fatalf("event %d has %+v", i, got.Config)
		}
	}
	if sizes[false] > sizes[true] { // two thirds are repetitions of one
		t.Errorf("repetitions took %d bytes, others %d", sizes[false], sizes[true])
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{}`, `null`, `[]`, `{"ID":1,"Text":{"b":"YQ=="},"Author":{"ID":"a"},"CreatedAt":[1,2]}`, `{"QuotedMessage":{"QuotedMessage":null}}`,
		`{"Attachments":[{"a":[{}]},"e30="]}`, `{"Reactions":[{"Type":"x"}]`, `{"Text":"\u00`, `{"$":0}`, `{"Extra":{"a":"\\"}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var m core.Message
		if codec.Unmarshal(in, &m) == nil {
			b := codec.Marshal(&m)
			var again core.Message
			if err := codec.Unmarshal(b, &again); err != nil {
				t.Fatalf("%v: %s", err, b)
			}
			if c := codec.Marshal(&again); !bytes.Equal(b, c) {
				t.Fatalf("%s became %s", b, c)
			}
		}
		var s core.ChannelState
		if codec.Unmarshal(in, &s) == nil {
			_ = codec.Marshal(&s)
		}
	})
}
