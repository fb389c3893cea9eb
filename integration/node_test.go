package integration_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// fileTimeout bounds one file of JavaScript tests.
const fileTimeout = 3 * time.Minute

// nodeEvent is one line of reporter.mjs.
type nodeEvent struct {
	Event string   `json:"event"`
	Names []string `json:"names"`
	Suite bool     `json:"suite"`
	Skip  bool     `json:"skip"`
	MS    float64  `json:"ms"`
	Error string   `json:"error"`
	Text  string   `json:"text"`
}

// node returns the path of Node with the packages of this folder installed, or ends the test.
func node(t testing.TB) string {
	t.Helper()
	p := tool(t, "node")
	if _, err := os.Stat(filepath.Join("node_modules", "stream-chat", "package.json")); err != nil {
		missing(t, "the npm packages are not installed: run `npm ci` in integration/")
	}
	return p
}

// runNode runs one file of tests under Node and reports each of its tests as a Go subtest.
func runNode(t *testing.T, file string, env ...string) {
	t.Helper()
	bin := node(t)
	cmd := exec.Command(bin, "--test", "--test-concurrency=1", "--test-force-exit",
		fmt.Sprintf("--test-timeout=%d", fileTimeout.Milliseconds()),
		"--test-reporter=./reporter.mjs", "--test-reporter-destination=stdout", file)
	cmd.Env = append(os.Environ(), env...)
	errs := &tail{max: 16 << 10}
	cmd.Stderr = errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(fileTimeout+20*time.Second, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()

	ran, failed := 0, 0
	sc := bufio.NewScanner(out)
	sc.Buffer(nil, 4<<20)
	for sc.Scan() {
		var e nodeEvent
		if err := json.Unmarshal(sc.Bytes(), &e); err != nil {
			t.Logf("node: %s", sc.Text())
			continue
		}
		switch {
		case e.Event == "output":
			t.Logf("node: %s", strings.TrimRight(e.Text, "\n"))
		case e.Suite && e.Event == "pass":
		case e.Suite && e.Error == "subtests failed":
			failed++
		default:
			ran++
			if e.Event == "fail" {
				failed++
			}
			t.Run(strings.Join(e.Names, "/"), func(t *testing.T) {
				if e.Skip {
					missing(t, "skipped by "+file)
				}
				t.Logf("%.0f ms", e.MS)
				if e.Event == "fail" {
					t.Error(e.Error)
				}
			})
		}
	}
	err = cmd.Wait()
	if ran == 0 {
		t.Fatalf("%s ran no test: %v\n%s", file, err, errs)
	}
	if err != nil && failed == 0 {
		t.Fatalf("node: %v\n%s", err, errs)
	}
	if t.Failed() {
		t.Logf("node's stderr:\n%s", errs)
	}
}

// environ is what the JavaScript tests know of a server.
func environ(s *server) []string {
	return []string{
		"STREAM_URL=" + s.URL(),
		"STREAM_KEY=" + demoKey, "STREAM_SECRET=" + demoSecret,
		"STREAM_KEY2=" + demo2Key, "STREAM_SECRET2=" + demo2Secret,
		"OPS_URL=" + s.Ops(),
	}
}

// ownServer lists the files that change settings of the app and so must not share a server.
var ownServer = []string{"settings.test.mjs", "errors.test.mjs", "webhooks.test.mjs"}

// TestStreamJS runs every file of stream/ with the vendor's own JavaScript SDK.
func TestStreamJS(t *testing.T) {
	t.Parallel() // waits more than it works
	node(t)
	files, err := filepath.Glob("stream/*.test.mjs")
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests in stream/: %v", err)
	}
	shared := start(t)
	for _, f := range files {
		name := filepath.Base(f)
		t.Run(strings.TrimSuffix(name, ".test.mjs"), func(t *testing.T) {
			s := shared
			if slices.Contains(ownServer, name) {
				s = start(t)
			}
			runNode(t, f, environ(s)...)
		})
	}
}

// cometEnviron is what the JavaScript tests know of the CometChat dialect of a server, beside environ.
func cometEnviron(s *server) []string {
	return append(environ(s),
		"NODE_EXTRA_CA_CERTS="+filepath.Join(s.Dir, "dev-ca.pem"),
		fmt.Sprintf("COMET_HOST=localhost:%d", s.Port+2),
		"COMET_APP="+demoCometApp, "COMET_AUTH_KEY="+demoCometAuthOnly, "COMET_API_KEY="+demoCometFullAccess,
	)
}

// TestCometChatJS runs every file of cometchat/ with the vendor's own JavaScript SDKs.
func TestCometChatJS(t *testing.T) {
	t.Parallel() // waits more than it works
	node(t)
	files, err := filepath.Glob("cometchat/*.test.mjs")
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests in cometchat/: %v", err)
	}
	s := start(t)
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".test.mjs"), func(t *testing.T) {
			env := cometEnviron(s)
			if filepath.Base(f) == "browser.test.mjs" {
				env = append(env, "CHROMIUM="+tool(t, "chromium", "chromium-browser", "google-chrome"))
			}
			runNode(t, f, env...)
		})
	}
}

// agoraEnviron is what the JavaScript tests know of the Agora Chat dialect of a server, beside the
// others.
func agoraEnviron(s *server) []string {
	return append(cometEnviron(s),
		fmt.Sprintf("AGORA_URL=http://127.0.0.1:%d", s.Port+3),
		"AGORA_ORG=demo-org", "AGORA_APP=demo-app", "AGORA_CLIENT_ID=demo-client-id", "AGORA_CLIENT_SECRET=demo-client-secret",
	)
}

// TestAgoraJS runs every file of agora/ with the vendor's own JavaScript SDKs.
func TestAgoraJS(t *testing.T) {
	t.Parallel() // waits more than it works
	node(t)
	files, err := filepath.Glob("agora/*.test.mjs")
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests in agora/: %v", err)
	}
	s := start(t)
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".test.mjs"), func(t *testing.T) {
			env := agoraEnviron(s)
			if filepath.Base(f) == "errors.test.mjs" {
				env = append(env, strictAgora(t)...)
			}
			if filepath.Base(f) == "browser.test.mjs" {
				env = append(env, "CHROMIUM="+tool(t, "chromium", "chromium-browser", "google-chrome"))
			}
			runNode(t, f, env...)
		})
	}
}

// nexconnEnviron is what the JavaScript tests know of the Nexconn dialect of a server, beside the others.
func nexconnEnviron(s *server) []string {
	return append(agoraEnviron(s),
		fmt.Sprintf("MAIN_URL=http://127.0.0.1:%d", s.Port),
		fmt.Sprintf("NEXCONN_URL=http://127.0.0.1:%d", s.Port+4), "NEXCONN_KEY="+demoNexconnKey, "NEXCONN_SECRET="+demoNexconnSecret,
	)
}

// TestNexconnJS runs every file of nexconn/ with the vendor's own JavaScript SDK.
func TestNexconnJS(t *testing.T) {
	t.Parallel() // waits more than it works
	node(t)
	files, err := filepath.Glob("nexconn/*.test.mjs")
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests in nexconn/: %v", err)
	}
	s := start(t)
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".test.mjs"), func(t *testing.T) {
			env := nexconnEnviron(s)
			if filepath.Base(f) == "browser.test.mjs" {
				env = append(env, "CHROMIUM="+tool(t, "chromium", "chromium-browser", "google-chrome"))
			}
			runNode(t, f, env...)
		})
	}
}
