// Package deploy_test checks what is shipped for running Dragoman: nothing here is part of the
// program.
package deploy_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"dragoman/config"
)

var update = flag.Bool("update", false, "write the dashboard anew")

const (
	chart  = "helm/dragoman"
	alerts = chart + "/alerts.yaml"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// tool finds a program, or ends the test.
func tool(t *testing.T, name string, must bool) string {
	t.Helper()
	p, err := exec.LookPath(name)
	if err == nil {
		return p
	}
	if must && os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed", name)
	}
	t.Skipf("%s is not installed", name)
	return ""
}

// run runs a program and returns what it says.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
	return string(out)
}

// Prometheus reads the rules, and the alerts fire when they should and not before.
func TestAlerts(t *testing.T) {
	promtool := tool(t, "promtool", true)
	run(t, promtool, "check", "rules", alerts)
	run(t, promtool, "test", "rules", "alerts.test.yaml")
}

// Every alert has a section of the runbook, and every section an alert.
func TestRunbookKnowsEveryAlert(t *testing.T) {
	sections := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^## (.+)$`).FindAllStringSubmatch(read(t, "../docs/runbook.md"), -1) {
		sections[strings.ReplaceAll(strings.ToLower(m[1]), " ", "-")] = false
	}
	text := read(t, alerts)
	links := regexp.MustCompile(`runbook: docs/runbook\.md#(\S+)`).FindAllStringSubmatch(text, -1)
	if n := strings.Count(text, "- alert: "); n == 0 || n != len(links) {
		t.Errorf("%d alerts and %d links", n, len(links))
	}
	for _, m := range links {
		if _, ok := sections[m[1]]; !ok {
			t.Errorf("the runbook has no section %s", m[1])
		}
		sections[m[1]] = true
	}
	for s, used := range sections {
		if !used {
			t.Errorf("no alert leads to section %s", s)
		}
	}
}

// The dashboard is that of its table, and Prometheus can read its queries.
func TestDashboard(t *testing.T) {
	want, err := json.MarshalIndent(newDashboard(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile("grafana.json", want, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, "grafana.json"); got != string(want) {
		t.Error("grafana.json is not that of the table; go test ./deploy -update writes it")
	}
	var rules strings.Builder
	rules.WriteString("groups:\n- name: panels\n  rules:\n")
	for _, p := range panels {
		for _, q := range p.queries {
			expr, _ := json.Marshal(strings.NewReplacer("$__rate_interval", "5m", "$job", "x", "$instance", "y").Replace(q.expr))
			rules.WriteString("  - record: panel:query\n    expr: " + string(expr) + "\n")
		}
	}
	file := filepath.Join(t.TempDir(), "panels.yaml")
	if err := os.WriteFile(file, []byte(rules.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	// The same name on purpose: duplicates are no fault here.
	run(t, tool(t, "promtool", true), "check", "rules", "--lint=none", file)
}

// The configuration that the chart writes is one that the program takes.
func TestChartConfiguration(t *testing.T) {
	text := read(t, chart+"/templates/configmap.yaml")
	_, text, _ = strings.Cut(text, "config.toml: |\n")
	var own bytes.Buffer
	for line := range strings.Lines(text) {
		if line = strings.TrimPrefix(line, "    "); !strings.HasPrefix(line, "{{") {
			own.WriteString(line)
		}
	}
	_, values, _ := strings.Cut(read(t, chart+"/values.yaml"), "\nconfig: |\n")
	for line := range strings.Lines(values) {
		if strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "  ") {
			break
		}
		own.WriteString(strings.TrimPrefix(line, "  "))
	}
	check(t, "the chart's configuration", strings.ReplaceAll(own.String(), "{{ toJson . }}", `["10.0.0.0/8"]`))
}

// acme is a configuration with one app and nothing else.
const acme = "[[app]]\nname = \"acme\"\n[app.stream]\napi_key = \"k\"\napi_secret = \"env:ACME_STREAM_SECRET\"\n"

// Variables that the compose file and the unit set are settings, with values that the program takes.
func TestEnvironments(t *testing.T) {
	for file, form := range map[string]string{
		"compose.yaml":                  `(?m)^\s+(DRAGOMAN_\w+): "?([^"\n]+)"?$`,
		"dragoman.service.d-nodes.conf": `(?m)^#?\s*(?:Environment=)?(DRAGOMAN_\w+)=(.+)$`,
	} {
		env := []string{"DRAGOMAN_STORE__URL=postgres://u:p@localhost/d", "DRAGOMAN_BUS__URL=nats://localhost"} // from elsewhere, or overridden
		for _, m := range regexp.MustCompile(form).FindAllStringSubmatch(read(t, file), -1) {
			env = append(env, m[1]+"="+m[2])
		}
		if len(env) < 4 {
			t.Errorf("%s sets %v", file, env)
		}
		check(t, file, acme, env...)
	}
}

// check reads a configuration as the program does.
func check(t *testing.T, what, text string, more ...string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"DATABASE=postgres://u:p@localhost/d", "BUS=nats://localhost", "ACME_STREAM_SECRET=0123456789abcdef0123"}
	if _, issues := config.Load(file, append(env, more...)); len(issues) > 0 {
		t.Errorf("%s: %v %v\n%s", what, issues, more, text)
	}
}

// Helm takes the chart and makes of it what a cluster expects, with everything off and on.
func TestChart(t *testing.T) {
	helm := tool(t, "helm", false)
	run(t, helm, "lint", "--strict", chart)
	small := run(t, helm, "template", "x", chart, "--kube-version", "1.31.0", "--set", "autoscaling.enabled=false,files.existingClaim=mine")
	large := run(t, helm, "template", "x", chart, "--kube-version", "1.31.0", "--set", "ingress.enabled=true,monitoring.podMonitor=true,monitoring.rules=true")
	for kind, in := range map[string][2]bool{
		"Deployment": {true, true}, "Service": {true, true}, "ConfigMap": {true, true}, "PodDisruptionBudget": {true, true},
		"HorizontalPodAutoscaler": {false, true}, "PersistentVolumeClaim": {false, true}, "Ingress": {false, true}, "PodMonitor": {false, true}, "PrometheusRule": {false, true},
	} {
		for i, text := range []string{small, large} {
			if got := strings.Contains(text, "\nkind: "+kind+"\n"); got != in[i] {
				t.Errorf("%s: %t, want %t", kind, got, in[i])
			}
		}
	}
}
