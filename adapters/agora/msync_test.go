package agora_test

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"dragoman/adapters/agora"
)

// What the vendor's SDKs were seen to send without being asked: the heartbeat, and a frame of statistics.
func TestFramesOfTheSDK(t *testing.T) {
	for hexed, want := range map[string]pb{
		"080040015800": pb(nil).num(8, 1),
		"080040004a0f0a0d08d8b2b2d99f342800320208005800": pb(nil).sub(9, pb(nil).sub(1, pb(nil).num(1, 1795215366488).num(5, 0).sub(6, pb(nil).num(1, 0)))),
	} {
		raw, err := hex.DecodeString(hexed)
		if err != nil {
			t.Fatal(err)
		}
		if out, err := agora.Decoders["frame"](raw); err != nil || !bytes.Equal(out, want) {
			t.Errorf("%s is read as %x, %v, want %x", hexed, out, err, []byte(want))
		}
	}
}

// A field that is there and zero means something else than one that is not.
func TestPresenceOfFields(t *testing.T) {
	plain := pb(nil).num(1, 1).sub(4, pb(nil).num(1, 0).text(2, "words"))
	bundle := pb(nil).num(1, 1).sub(4, pb(nil).num(1, 0).text(2, "seen by the old").text(23, "Title").text(7, "http://f/x").num(22, 0))
	if _, text, _, files, ok := agora.Projected(plain); !ok || text != "words" || files != 0 {
		t.Errorf("a text is %q with %d files", text, files)
	}
	if _, text, _, files, ok := agora.Projected(bundle); !ok || text != "seen by the old" || files != 1 {
		t.Errorf("a bundle is %q with %d files", text, files)
	}
	// An extension field without a kind is a bool, the enumeration's first.
	ext := pb(nil).num(1, 1).sub(4, pb(nil).text(2, "x")).sub(5, pb(nil).text(1, "flag").num(3, 1)).sub(5, pb(nil).text(1, "o").num(2, 8).text(6, `{"k":[1, 2]}`))
	if _, _, extra, _, _ := agora.Projected(ext); !strings.Contains(extra, `"flag":true`) || !strings.Contains(extra, `"o":{"k":[1,2]}`) {
		t.Errorf("the extension fields are %s", extra)
	}
}

func TestWithoutLeavesTheOtherBytesAlone(t *testing.T) {
	b := pb(nil).num(1, 1).text(9, "{}").sub(4, pb(nil).text(2, "x")).num(99, 7).text(9, "again")
	want := pb(nil).num(1, 1).sub(4, pb(nil).text(2, "x")).num(99, 7)
	if got := agora.Without(b, 9); !bytes.Equal(got, want) {
		t.Errorf("%x, want %x", got, []byte(want))
	}
	broken := []byte{0x0a, 0x05, 'x'}
	if got := agora.Without(broken, 9); !bytes.Equal(got, broken) {
		t.Errorf("broken bytes become %x", got)
	}
}

func TestHostileBytesAreRefused(t *testing.T) {
	deep := pb(nil).text(1, "x")
	for range 40 {
		deep = pb(nil).sub(1, deep)
	}
	many := pb(nil)
	for range 3000 {
		many = many.sub(4, nil)
	}
	for what, b := range map[string][]byte{
		"cut":              {0x4a, 0x7f, 0x01},
		"an endless tag":   bytes.Repeat([]byte{0xff}, 12),
		"a group":          {0x0b, 0x0b},
		"too many parts":   many,
		"a length of 2^63": {0x4a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
	} {
		if _, err := agora.Decoders["msgBody"](b); err == nil {
			t.Errorf("%s is read", what)
		}
	}
	if _, err := agora.Decoders["syncUL"](deep); err != nil {
		t.Logf("depth is refused: %v", err) // what is deeper than the tables is not looked into
	}
}

// FuzzDecoders gives every reader the same bytes: none may panic, and what is read can be written and
// read again to the same end.
func FuzzDecoders(f *testing.F) {
	f.Add([]byte{0x08, 0x00, 0x40, 0x01, 0x58, 0x00})
	f.Add([]byte(pb(nil).num(1, 1).sub(4, pb(nil).num(1, 0).text(2, "words").num(22, 0)).sub(5, pb(nil).text(1, "k").num(2, 6))))
	f.Add([]byte(pb(nil).sub(1, pb(nil).num(1, 1).sub(2, pb(nil).text(2, "a")).sub(6, pb(nil).num(1, 1)))))
	f.Fuzz(func(t *testing.T, b []byte) {
		for name, read := range agora.Decoders {
			once, err := read(b)
			if err != nil {
				continue
			}
			twice, err := read(once)
			if err != nil || !bytes.Equal(once, twice) {
				t.Errorf("%s: %x becomes %x, then %x, %v", name, b, once, twice, err)
			}
		}
		agora.Projected(b)
		agora.Without(b, 9)
	})
}
