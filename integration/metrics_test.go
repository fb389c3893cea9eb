package integration_test

import (
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
)

// Alerts and dashboard ask for series that a running server has: a renamed one would make them
// silent for ever.
func TestAlertsAndDashboardNameRealSeries(t *testing.T) {
	s := start(t)
	a := s.demo()
	a.live(t, "ann")
	a.do(t, whoami(a.user("ann")))
	a.do(t, call{Method: "GET", Path: "/messages/none"})
	rs, err := client.Get(s.Ops() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer rs.Body.Close()
	text, err := io.ReadAll(rs.Body)
	if err != nil || rs.StatusCode != http.StatusOK {
		t.Fatal(rs.StatusCode, err)
	}
	series := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^([a-z_]+)(?:\{| )`).FindAllStringSubmatch(string(text), -1) {
		series[m[1]] = true
	}
	n := 0
	for _, file := range []string{"../deploy/helm/dragoman/alerts.yaml", "../deploy/grafana.json"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(b), "\n") {
			if strings.Contains(line, `"query"`) || strings.Contains(line, "runbook") || strings.Contains(line, `"uid"`) {
				continue
			}
			for _, name := range regexp.MustCompile(`\b(?:dragoman|process|go)_[a-z_]+\b`).FindAllString(line, -1) {
				n++
				if strings.HasPrefix(name, "dragoman_remote_") {
					continue // of a sidecar, whose own test reads it
				}
				if !series[name] {
					t.Errorf("%s asks for %s, which the server does not have", file, name)
				}
			}
		}
	}
	if n < 30 {
		t.Errorf("only %d names were found", n)
	}
}
