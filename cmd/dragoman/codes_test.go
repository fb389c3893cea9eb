package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

// codes runs the command line and returns what it printed and its exit code.
func codes(t *testing.T, args ...string) (out, errs string, exit int) {
	t.Helper()
	var o, e bytes.Buffer
	exit = run(append([]string{"codes"}, args...), streams{out: &o, err: &e})
	return o.String(), e.String(), exit
}

func TestCodesPrintsEveryRow(t *testing.T) {
	out, _, exit := codes(t, "--tsv")
	if n := strings.Count(out, "\n"); exit != 0 || n != 406 {
		t.Errorf("exit %d, %d lines, want 405 rows and a header", exit, n)
	}
	out, _, exit = codes(t, "stream")
	if exit != 0 || !strings.Contains(out, "stream (25 rows)") || strings.Contains(out, "CC001") {
		t.Errorf("exit %d: %s", exit, out)
	}
	out, _, exit = codes(t, "--json", "nexconn")
	d := gjson.Parse(out)
	if exit != 0 || len(d.Get("catalogues.nexconn").Array()) != 131 || d.Get("catalogues.stream").Exists() || len(d.Get("canonical").Array()) != 136 {
		t.Errorf("exit %d: %.200s", exit, out)
	}
}

func TestCodesExplain(t *testing.T) {
	out, _, exit := codes(t, "explain", "agora", "forbidden_op", "--status", "403", "--message", "New owner and old owner are the same.")
	if exit != 0 || !strings.Contains(out, "AR031") || !strings.Contains(out, "group.role_conflict (same_owner)") || !strings.Contains(out, "cometchat") {
		t.Errorf("exit %d: %s", exit, out)
	}
	for _, args := range [][]string{{"explain", "stream", "-1", "--json"}, {"explain", "stream", "--json", "--", "-1"}} {
		out, _, exit = codes(t, args...)
		if exit != 0 || gjson.Get(out, "row.code").Raw != "-1" {
			t.Errorf("exit %d: %s", exit, out)
		}
	}
}

func TestCodesRefusesWhatItDoesNotKnow(t *testing.T) {
	if _, errs, exit := codes(t, "sms"); exit != 2 || !strings.Contains(errs, "there are stream") {
		t.Errorf("exit %d: %s", exit, errs)
	}
	if _, errs, exit := codes(t, "explain", "sms", "1"); exit != 2 || !strings.Contains(errs, "there are stream") {
		t.Errorf("exit %d: %s", exit, errs)
	}
}
