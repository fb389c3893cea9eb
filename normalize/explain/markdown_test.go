package explain_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"dragoman/adapters/catalogs"
	"dragoman/normalize/explain"
)

var update = flag.Bool("update", false, "rewrite generated files")

func TestReferenceIsCurrent(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "errors.md")
	want := explain.Markdown(catalogs.All())
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("docs/errors.md is out of date; run: go test ./normalize/explain -run TestReferenceIsCurrent -update")
	}
}
