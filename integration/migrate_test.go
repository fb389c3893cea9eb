package integration_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// frontConfig is a server before a vendor: the first port, the folder, then the dialect's table with its
// upstream.
const frontConfig = `listen = "127.0.0.1:%[1]d"
ops_listen = "127.0.0.1:%[2]d"

[log]
level = "warn"

[store]
dsn = %[3]q

[files]
dir = %[4]q

[console]
password = "rehearsal-password"

[[app]]
name = "demo"

%[5]s
`

// startFront runs a server whose app demo has the vendor that the table names.
func startFront(t *testing.T, table func(port int) string) *server {
	t.Helper()
	port, dir := freeBlock(t), t.TempDir()
	file := filepath.Join(dir, "front.toml")
	text := fmt.Sprintf(frontConfig, port, port+10, filepath.Join(dir, "front.db"), filepath.Join(dir, "files"), table(port))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return launch(t, dir, port, "serve", "--config", file)
}

// TestMove rehearses the move of a live app from its vendor, for which a second server stands, to our
// core and back, with the vendor's SDK connected and talking all the time.
func TestMove(t *testing.T) {
	t.Parallel() // waits more than it works
	node(t)
	t.Run("stream", func(t *testing.T) {
		vendor := start(t)
		front := startFront(t, func(port int) string {
			return fmt.Sprintf(`[app.stream]
api_key = %q
api_secret = %q
listen = "127.0.0.1:%d"

[app.stream.upstream]
url = %q
shadow_writes = true
`, demoKey, demoSecret, port+1, vendor.URL())
		})
		runNode(t, "migrate/stream.test.mjs", "FRONT_URL="+front.URL(), "VENDOR_URL="+vendor.URL(), "ADMIN_URL="+front.Ops(),
			"ADMIN_PASSWORD=rehearsal-password", "STREAM_KEY="+demoKey, "STREAM_SECRET="+demoSecret)
		// The report for people. Its exit code says whether every app is ready.
		cmd := exec.Command(binary(t), "shadow", "report", "--addr", fmt.Sprintf("127.0.0.1:%d", front.Port+10), "--password", "rehearsal-password")
		out, err := cmd.CombinedOutput()
		if ready := strings.Contains(string(out), "demo over stream: ready"); ready != (err == nil) ||
			!ready && !strings.Contains(string(out), "demo over stream: not ready") || !strings.Contains(string(out), "0 lost") {
			t.Errorf("%v\n%s", err, out)
		}
	})
}
