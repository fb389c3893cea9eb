package stream_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tidwall/gjson"
)

var update = flag.Bool("update", false, "write the golden files and the compatibility page anew")

// golden compares JSON with a file of testdata, indented for reading.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, got, "", "  "); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, got)
	}
	noDuplicates(t, name, gjson.ParseBytes(got))
	b.WriteByte('\n')
	path := filepath.Join("testdata", name+".json")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("%s differs:\n%s", path, b.Bytes())
	}
}

// noDuplicates fails when an object has two members of one name.
func noDuplicates(t *testing.T, at string, v gjson.Result) {
	t.Helper()
	seen := map[string]bool{}
	object := v.IsObject()
	if !object && !v.IsArray() {
		return
	}
	v.ForEach(func(k, e gjson.Result) bool {
		if object && seen[k.Str] {
			t.Errorf("%s has two members %q", at, k.Str)
		}
		seen[k.Str] = true
		noDuplicates(t, at+"."+k.Str, e)
		return true
	})
}

// parse reads JSON.
func parse(t *testing.T, s string) gjson.Result {
	t.Helper()
	if !gjson.Valid(s) {
		t.Fatalf("not JSON: %s", s)
	}
	return gjson.Parse(s)
}

// until waits for a condition.
func until(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the condition does not come true")
		}
	}
}
