package integration_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// frontedFiles are the files of the vendors' SDKs that are run through a front in every run;
// FRONT_ALL=1 runs all of them but those that look at the server itself.
var frontedFiles = map[string][]string{
	"stream":    {"messages.test.mjs", "connect.test.mjs"},
	"cometchat": {"messages.test.mjs"},
	"agora":     {"messages.test.mjs"},
	"nexconn":   {"messages.test.mjs"},
}

// notFronted lists the files that a front cannot pass unchanged, and why.
var notFronted = map[string]string{
	"stream/errors.test.mjs":     "needs a server whose settings it changes",
	"stream/resilience.test.mjs": "stops the server by its operations port",
	"agora/errors.test.mjs":      "needs servers of its own",
}

// TestSDKsThroughAFront puts a second process before the demo, which takes it for the vendors, and runs
// the vendors' own SDKs through it, REST and live.
func TestSDKsThroughAFront(t *testing.T) {
	t.Parallel() // waits more than it works
	node(t)
	back := start(t)
	dir, port := t.TempDir(), freeBlock(t)
	front := launch(t, dir, port, "serve", "--demo", "--port", fmt.Sprint(port), "--data", dir, "--front", fmt.Sprint(back.Port))
	for _, dialect := range []string{"stream", "cometchat", "agora", "nexconn"} {
		t.Run(dialect, func(t *testing.T) {
			files := frontedFiles[dialect]
			if os.Getenv("FRONT_ALL") != "" {
				all, err := filepath.Glob(dialect + "/*.test.mjs")
				if err != nil {
					t.Fatal(err)
				}
				files = nil
				for _, f := range all {
					if notFronted[filepath.ToSlash(f)] == "" {
						files = append(files, filepath.Base(f))
					}
				}
			}
			for _, f := range files {
				t.Run(strings.TrimSuffix(f, ".test.mjs"), func(t *testing.T) {
					env := nexconnEnviron(front)
					if f == "browser.test.mjs" {
						env = append(env, "CHROMIUM="+tool(t, "chromium", "chromium-browser", "google-chrome"))
					}
					runNode(t, filepath.Join(dialect, f), env...)
				})
			}
			if n := upstreamCalls(t, front, dialect); n < 10 {
				t.Errorf("%d calls were passed on: the SDK was not served through the front", n)
			}
		})
	}
}

// upstreamCalls counts what a front has passed on in a dialect.
func upstreamCalls(t *testing.T, s *server, dialect string) int {
	t.Helper()
	rs, err := client.Get(s.Ops() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer rs.Body.Close()
	text, err := io.ReadAll(rs.Body)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	for _, m := range regexp.MustCompile(`(?m)^dragoman_upstream_calls_total\{[^}]*dialect="`+dialect+`"[^}]*\} (\S+)$`).FindAllStringSubmatch(string(text), -1) {
		n, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		sum += int(n)
	}
	return sum
}
