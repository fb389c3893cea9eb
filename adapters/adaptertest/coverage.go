package adaptertest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"dragoman/adapters"
	"dragoman/normalize"
)

// Operation is one operation of the vendor's published list.
type Operation struct{ Method, Path, Name string }

// Coverage proves that every operation of the vendor is either served, by a route or a socket, or
// listed as unsupported with a reason, and that no row of that list is stale: served after all,
// or unknown to the vendor.
func Coverage(t *testing.T, d adapters.Dialect, ops []Operation) {
	t.Helper()
	served, refused := map[string]string{}, map[string]string{}
	for _, r := range d.Routes() {
		served[shape(r.Method, r.Path)] = r.Name
	}
	for _, s := range d.Sockets() {
		served[shape("GET", s.Path)] = s.Name
	}
	for _, u := range refusals(d) {
		k := shape(u.Method, u.Path)
		switch {
		case served[k] != "":
			t.Errorf("%s %s is served by %s and listed as unsupported", u.Method, u.Path, served[k])
		case refused[k] != "":
			t.Errorf("%s %s is listed as unsupported twice", u.Method, u.Path)
		case u.Reason == "":
			t.Errorf("%s %s is unsupported without a reason", u.Method, u.Path)
		}
		refused[k] = u.Name
	}
	known := map[string]bool{}
	for _, o := range ops {
		k := shape(o.Method, o.Path)
		known[k] = true
		if served[k] == "" && refused[k] == "" {
			t.Errorf("%s %s (%s) is neither served nor listed as unsupported", o.Method, o.Path, o.Name)
		}
	}
	for _, u := range refusals(d) {
		if !known[shape(u.Method, u.Path)] {
			t.Errorf("unsupported row %s %s is no operation of the vendor", u.Method, u.Path)
		}
	}
}

// Proofs counts the rows of the vendor's error document by what is known of them, prints the ones
// that no test provokes with the reason, and fails for each that has neither.
func Proofs(t *testing.T, e adapters.Entry) {
	t.Helper()
	n := map[normalize.State]int{}
	for r := range e.Catalog().Rows() {
		n[r.State()]++
		switch r.State() {
		case normalize.StateExplained:
			t.Logf("%s %s is not provoked: %s", r.ID, r.Name, r.Unproven)
		case normalize.StateRecognised:
			t.Logf("%s %s is not provoked: only the vendor's own servers or client libraries raise it", r.ID, r.Name)
		case normalize.StateOwed:
			t.Errorf("%s %s is neither provoked by a test nor explained", r.ID, r.Name)
		}
	}
	t.Logf("%s: %d rows, %d proven, %d recognised, %d explained, %d owed", e.Name, e.Catalog().Len(),
		n[normalize.StateProven], n[normalize.StateRecognised], n[normalize.StateExplained], n[normalize.StateOwed])
}

// refusals are the operations a dialect lists as not served.
func refusals(d adapters.Dialect) []adapters.Unsupported {
	if r, ok := d.(adapters.Refuser); ok {
		return r.Unsupported()
	}
	return nil
}

// params matches path parameters in both spellings: {name} of descriptions, :name and *name of routes.
var params = regexp.MustCompile(`\{[^}]*\}|[:*][^/]+`)

// shape is an operation without the names of its path parameters.
func shape(method, path string) string {
	return method + " " + params.ReplaceAllString(path, ":")
}

// Report checks that the compatibility page is what the dialect's tables say, or writes it when
// update is set. The page lists every operation with its state.
func Report(t *testing.T, e adapters.Entry, d adapters.Dialect, page string, update bool) {
	t.Helper()
	want := report(e, d)
	if update {
		if err := os.MkdirAll(filepath.Dir(page), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(page, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s does not agree with the tables: run the test with -update", page)
	}
}

// line is one operation of the report.
type line struct{ method, path, name, state, notes string }

// report writes the compatibility page.
func report(e adapters.Entry, d adapters.Dialect) []byte {
	var lines []line
	for _, r := range d.Routes() {
		lines = append(lines, line{r.Method, r.Path, r.Name, "served", notes(&r)})
	}
	for _, s := range d.Sockets() {
		lines = append(lines, line{"GET", s.Path, s.Name, "served", "live link"})
	}
	served := len(lines)
	for _, u := range refusals(d) {
		lines = append(lines, line{u.Method, u.Path, u.Name, "not served", u.Reason})
	}
	slices.SortFunc(lines, func(a, b line) int {
		return strings.Compare(a.path+" "+a.method+" "+a.state, b.path+" "+b.method+" "+b.state)
	})
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s: what is served\n\n", e.Title)
	fmt.Fprintf(&b, "Made from the route table and the list of unsupported operations; do not edit.\n\n")
	fmt.Fprintf(&b, "%d operations are served, %d are not: those answer the vendor's own error for a call that is not implemented.\n\n", served, len(lines)-served)
	fmt.Fprintf(&b, "| method | path | operation | state | notes |\n|---|---|---|---|---|\n")
	for _, l := range lines {
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s | %s |\n", l.method, l.path, l.name, l.state, l.notes)
	}
	return b.Bytes()
}

// notes tells who may call a route.
func notes(r *adapters.Route) string {
	var n []string
	switch r.Gate {
	case adapters.GateServer:
		n = append(n, "servers only")
	case adapters.GateOpen:
		n = append(n, "no credentials")
	case adapters.GateApp:
		n = append(n, "app key only")
	case adapters.GateUser:
	}
	if r.Upload {
		n = append(n, "multipart")
	}
	if r.Doc != "" {
		n = append(n, r.Doc)
	}
	return strings.Join(n, "; ")
}
