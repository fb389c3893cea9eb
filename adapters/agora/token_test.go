package agora_test

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"dragoman/adapters/agora"
)

const (
	appID       = "00112233445566778899aabbccddeeff"
	certificate = "ffeeddccbbaa99887766554433221100"
)

func TestTokenProvesItself(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for _, user := range []string{"alice", ""} {
		token, err := agora.MintToken(appID, certificate, "alice", now, time.Hour)
		if err != nil || !strings.HasPrefix(token, "007eJ") {
			t.Fatal(token, err)
		}
		if user == "" {
			token, _ = agora.MintToken(appID, certificate, "", now, time.Hour)
		}
		got, ends, ok := agora.CheckToken(token, appID, certificate)
		if !ok || got != user || !ends.Equal(now.Add(time.Hour)) {
			t.Errorf("%q until %v (%v)", got, ends, ok)
		}
		if _, _, ok := agora.CheckToken(token, appID, strings.Repeat("0", 32)); ok {
			t.Error("another certificate opens it")
		}
		if _, _, ok := agora.CheckToken(token, strings.Repeat("0", 32), certificate); ok {
			t.Error("another app takes it")
		}
	}
}

// TestTokenKeepsToItsLongestLife: nobody gets more than the vendor allows.
func TestTokenKeepsToItsLongestLife(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	token, err := agora.MintToken(appID, certificate, "alice", now, 1000*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, ends, _ := agora.CheckToken(token, appID, certificate); !ends.Equal(now.Add(agora.MaxTokenLife)) {
		t.Error(ends)
	}
}

// TestTokenBombIsRefused: what unpacks to more than a token can be is not read on.
func TestTokenBombIsRefused(t *testing.T) {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = z.Write(make([]byte, 1<<20))
	_ = z.Close()
	if _, _, ok := agora.CheckToken("007"+base64.StdEncoding.EncodeToString(b.Bytes()), appID, certificate); ok {
		t.Error("a mebibyte of zeros is a token")
	}
}

func FuzzToken(f *testing.F) {
	token, _ := agora.MintToken(appID, certificate, "alice", time.Unix(1_800_000_000, 0), time.Hour)
	f.Add(token)
	f.Add("007")
	f.Add("007eJxTYBBbsMMnKq7p9")
	f.Fuzz(func(t *testing.T, s string) {
		if _, _, ok := agora.CheckToken(s, appID, certificate); ok && s != token && !strings.HasPrefix(s, "007") {
			t.Errorf("%q is taken for a token", s)
		}
	})
}
