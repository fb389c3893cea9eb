package integration_test

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestStreamGoSDK runs the tests of gosdk/, a module of its own so that the vendor's SDK and what
// it needs stay out of the product's go.sum.
func TestStreamGoSDK(t *testing.T) {
	s := start(t)
	cmd := exec.Command(tool(t, "go"), "test", "-count=1", "-json", "./...")
	cmd.Dir = "gosdk"
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off",
		"STREAM_CHAT_URL="+s.URL(), "STREAM_KEY="+demoKey, "STREAM_SECRET="+demoSecret, "STREAM_CHAT_TIMEOUT=20")
	errs := &tail{max: 16 << 10}
	cmd.Stderr = errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	output := map[string]*strings.Builder{}
	passed := 0
	sc := bufio.NewScanner(out)
	sc.Buffer(nil, 4<<20)
	for sc.Scan() {
		var e struct{ Action, Test, Output string }
		if json.Unmarshal(sc.Bytes(), &e) != nil {
			continue
		}
		if output[e.Test] == nil {
			output[e.Test] = &strings.Builder{}
		}
		output[e.Test].WriteString(e.Output)
		if e.Test == "" {
			continue
		}
		switch e.Action {
		case "pass":
			passed++
			t.Run(e.Test, func(*testing.T) {})
		case "fail", "skip":
			t.Run(e.Test, func(t *testing.T) { t.Errorf("%s:\n%s", e.Action, output[e.Test]) })
		}
	}
	if err := cmd.Wait(); err != nil || passed == 0 {
		t.Errorf("%d tests passed, go test: %v\n%s%s", passed, err, errs, output[""])
	}
}
