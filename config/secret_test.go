package config_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dragoman/config"
)

func TestSecretNeverPrints(t *testing.T) {
	const hidden = "do-not-show-this-text"
	s := config.Stream{APIKey: "k", APISecret: hidden}
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{
		fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %s %q", s, s, s, s.APISecret, s.APISecret), string(b),
	} {
		if strings.Contains(out, hidden) || !strings.Contains(out, "[redacted]") {
			t.Errorf("printed as %s", out)
		}
	}
	if s.APISecret.Reveal() != hidden {
		t.Error("Reveal hides the text too")
	}
}

func TestSecretSources(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	tests := []struct{ name, source, want, issue string }{
		{"text", "0123456789abcdef", "0123456789abcdef", ""},
		{"variable", "env:SOME_SECRET", "from-the-environment", ""},
		{"file", "file:" + write("s", "from-a-file-0123\n"), "from-a-file-0123", ""},
		{"empty variable", "env:EMPTY", "", "is not set"},
		{"missing file", "file:" + filepath.Join(dir, "none"), "", "cannot read"},
		{"empty file", "file:" + write("e", "\n"), "", "is empty"},
		{"device", "file:/dev/zero", "", "is not a regular file"},
		{"folder", "file:" + dir, "", "is not a regular file"},
		{"huge file", "file:" + write("h", strings.Repeat("x", 70<<10)), "", "is larger than"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			doc := fmt.Sprintf("[[app]]\nname = \"a\"\n[app.stream]\napi_key = \"k\"\napi_secret = %q\n", tt.source)
			c, issues := config.Parse([]byte(doc), []string{"SOME_SECRET=from-the-environment", "EMPTY="})
			if tt.issue == "" {
				if len(issues) > 0 || c.Apps[0].Stream.APISecret.Reveal() != tt.want {
					t.Errorf("secret %q, issues %v", c.Apps[0].Stream.APISecret.Reveal(), issues)
				}
				return
			}
			if len(issues) != 1 || !strings.Contains(issues[0].Message, tt.issue) || issues[0].Line != 5 {
				t.Errorf("issues = %+v, want one on line 5 about %q", issues, tt.issue)
			}
		})
	}
}
