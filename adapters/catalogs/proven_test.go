package catalogs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"dragoman/adapters/catalogs"
	"dragoman/normalize"
)

// TestProofsExist: whoever claims that a test provokes a row has to have the test. A Go test is
// named by its function; the name of a sub-test behind a slash must stand in the function's file;
// a script of the integration folder is named "integration: <title>" and its title must stand in one of the scripts.
func TestProofsExist(t *testing.T) {
	functions, scripts := sources(t, filepath.Join("..", ".."))
	for _, v := range catalogs.All().Vendors() {
		for r := range v.Catalog.Rows() {
			if (r.State() == normalize.StateProven) != (len(r.Proof) > 0) {
				t.Errorf("%s: state %s with proofs %v", r.ID, r.State(), r.Proof)
			}
			for _, proof := range r.Proof {
				if title, ok := strings.CutPrefix(proof, "integration: "); ok {
					if !strings.Contains(scripts, title) {
						t.Errorf("%s: no integration test is titled %q", r.ID, title)
					}
					continue
				}
				name, sub, _ := strings.Cut(proof, "/")
				file, ok := functions[name]
				if !ok {
					t.Errorf("%s: no test function %s", r.ID, name)
				} else if !strings.Contains(file, `"`+sub) {
					t.Errorf("%s: %s has no sub-test %s", r.ID, name, sub)
				}
			}
		}
	}
}

// sources collects the Go test functions with their files' text, and the text of the integration scripts.
func sources(t *testing.T, root string) (functions map[string]string, scripts string) {
	t.Helper()
	functions = map[string]string{}
	var all strings.Builder
	re := regexp.MustCompile(`(?m)^func (Test[A-Za-z0-9_]+)\(`)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if n := d.Name(); n == "node_modules" || strings.HasPrefix(n, ".") && path != root {
				return filepath.SkipDir
			}
			return nil
		}
		script := strings.Contains(path, "integration") && (strings.HasSuffix(path, ".mjs") || strings.HasSuffix(path, ".js"))
		if !script && !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range re.FindAllStringSubmatch(string(b), -1) {
			functions[m[1]] += string(b) // dialects name their tests alike
		}
		if script {
			all.Write(b)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return functions, all.String()
}
