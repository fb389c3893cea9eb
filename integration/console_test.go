package integration_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// TestConsole drives the operator's console in a headless browser: sign-in, live panes of all four
// SDKs, traffic. The screenshot is kept in .out/.
func TestConsole(t *testing.T) {
	bin := node(t)
	browser := tool(t, "chromium", "chromium-browser", "google-chrome")
	panes := t.TempDir()
	build := exec.Command(bin, filepath.Join("..", "web", "panes", "build.mjs"), panes)
	build.Env = os.Environ()
	if b, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the panes cannot be built: %v\n%s", err, b)
	}
	dir, port := t.TempDir(), freeBlock(t)
	s := launch(t, dir, port, "serve", "--demo", "--port", fmt.Sprint(port), "--data", dir, "--panes", panes)
	found := regexp.MustCompile(`/console  password (\S+)`).FindStringSubmatch(s.log.String())
	if found == nil {
		t.Fatal("the banner tells no password")
	}
	runNode(t, "console/page.test.mjs", "CHROMIUM="+browser, fmt.Sprintf("CONSOLE_URL=http://localhost:%d/console", port), "CONSOLE_PASSWORD="+found[1])
}
