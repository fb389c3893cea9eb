package config_test

import (
	"testing"

	"dragoman/config"
)

// A file of any content gives issues, never a panic, and a line of an issue is one of the file's.
func FuzzParse(f *testing.F) {
	f.Add([]byte(config.Example()), "DRAGOMAN_STORE__DSN=x")
	f.Add([]byte("request_timeout = 5\n[[app]]\nname='a'\n[app.stream]\nhosts=[1]\n"), "DRAGOMAN_APP__A__TEAMS=true")
	f.Add([]byte("[[app]]\n[[app]]\n[app.stream]\napi_kye=1\n[app.stream.x]\n"), "DRAGOMAN_APP__")
	f.Fuzz(func(t *testing.T, doc []byte, env string) {
		if len(doc) > 4096 {
			return
		}
		lines := 1
		for _, b := range doc {
			if b == '\n' {
				lines++
			}
		}
		c, issues := config.Parse(doc, []string{env})
		for _, is := range issues {
			if is.Line < 0 || is.Line > lines || is.Message == "" {
				t.Errorf("issue %+v of a file with %d lines", is, lines)
			}
		}
		if len(issues) == 0 && (len(c.Apps) == 0 || c.Listen == "") {
			t.Errorf("accepted: %+v", c)
		}
	})
}
