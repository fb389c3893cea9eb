// Package dragoman_test holds the house to its walls: which package may import which, which words
// may stand where, how long a file may be. It needs the go command and nothing else.
package dragoman_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// module is the path of this module.
const module = "dragoman"

// maxLines is the length of the longest file written by hand.
const maxLines = 600

// allowed tells which packages of this module a package may import, by the longest prefix that
// matches. A trailing slash stands for the package and everything below it; "." in a value is the
// folder of the package itself. What is not listed may import nothing of ours.
var allowed = []struct {
	pkg  string
	uses []string
}{
	{"core/fault", nil},
	{"core/bus", []string{"core/fault"}},
	{"core/store", []string{"core", "core/fault", "core/store", "core/store/"}},
	{"core/engine", []string{"core", "core/"}},
	{"core/fair", []string{"core", "core/fault", "core/store"}},
	{"core/trace", []string{"core", "core/fault"}},
	{"core/sim", []string{"core", "core/fault", "core/bus", "core/store", "core/store/", "core/engine"}},
	{"core", []string{"core", "core/"}},
	{"normalize/", []string{"normalize", "core/fault"}},
	{"normalize", []string{"core/fault"}},
	{"adapters/all", []string{"adapters", "adapters/"}},
	{"adapters/catalogs", []string{"adapters", "adapters/", "normalize", "core/fault"}},
	{"adapters/wire", []string{"adapters", "core", "core/fault"}},
	{"adapters/adaptertest", []string{"adapters", "adapters/", "normalize", "core", "core/", "proxy"}},
	{"adapters/", []string{".", "adapters", "adapters/wire", "normalize", "normalize/diff", "core", "core/fault"}},
	{"adapters", []string{"normalize", "normalize/diff", "core", "core/fault"}},
	{"proxy", []string{"core/fair", "adapters", "normalize", "core", "core/fault", "core/trace", "config", "proxy/"}},
	{"proxy/shadow", []string{"proxy", "adapters", "adapters/", "normalize", "normalize/", "core", "core/"}},
	{"config", nil},
	{"web", []string{"adapters", "normalize", "normalize/", "core", "core/fault", "core/trace", "proxy", "proxy/shadow"}},
	{"cmd/", []string{"adapters", "adapters/", "normalize", "normalize/", "core", "core/", "config", "proxy", "proxy/shadow", "web"}},
	{"bench", []string{"adapters", "adapters/", "normalize", "core", "core/", "config", "proxy", "bench/"}},
	{"integration/chaos", nil},
	{"integration/chaos/natsd", nil},
	{"integration", []string{"core/store/postgres/pgtest", "integration/chaos"}},
	{"deploy", nil},
}

// foreign names the imports from outside that one package alone may have.
var foreign = []struct{ pkg, only string }{
	{"github.com/gofiber/", "proxy"},
	{"github.com/valyala/fasthttp", "proxy"},
	{"modernc.org/sqlite", "core/store/sqlite"},
	{"github.com/jackc/pgx", "core/store/postgres"},
	{"github.com/alecthomas/kong", "cmd/"},
}

// vendors are the words that core must not know.
var vendors = regexp.MustCompile(`(?i)stream[ _-]?chat|getstream|comet|agora|easemob|nexconn|rongcloud|\brong[_-]`)

// pkg is what go list tells of a package.
type pkg struct {
	ImportPath   string
	Dir          string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

// packages lists the packages of this module.
func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,TestImports,XTestImports", "./...").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatalf("go list: %v", err)
	}
	var list []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	if len(list) < 5 {
		t.Fatalf("go list found %d packages only", len(list))
	}
	return list
}

// local cuts the module off an import path; ok is false for packages from outside.
func local(path string) (string, bool) {
	if path == module {
		return "", true
	}
	return strings.CutPrefix(path, module+"/")
}

// covers reports whether a pattern covers a package: "core" is that package, "core/" everything
// below it.
func covers(pattern, path string) bool {
	if below, ok := strings.CutSuffix(pattern, "/"); ok {
		return strings.HasPrefix(path, below+"/")
	}
	return pattern == path
}

// rule finds the row of a package: its own, or that of the nearest folder above it.
func rule(path string) ([]string, bool) {
	best, uses, found := -1, []string(nil), false
	for _, r := range allowed {
		if (covers(r.pkg, path) || covers(strings.TrimSuffix(r.pkg, "/")+"/", path)) && len(r.pkg) > best {
			best, uses, found = len(r.pkg), r.uses, true
		}
	}
	return uses, found
}

// TestImportsPointDown keeps the direction cmd → proxy → adapters → normalize → core → fault.
func TestImportsPointDown(t *testing.T) {
	for _, p := range packages(t) {
		from, _ := local(p.ImportPath)
		if from == "" {
			continue // this test
		}
		uses, ok := rule(from)
		if !ok {
			t.Errorf("package %s has no place in the house: add it to the table of this test", from)
			continue
		}
		for _, imp := range p.Imports {
			to, ours := local(imp)
			if !ours {
				continue
			}
			if !slices.ContainsFunc(uses, func(u string) bool {
				return u == "." && strings.HasPrefix(to, from+"/") || covers(u, to)
			}) {
				t.Errorf("%s imports %s, which is not below it", from, to)
			}
		}
	}
}

// TestVendorsAreIndependent keeps one vendor's folder from using another's.
func TestVendorsAreIndependent(t *testing.T) {
	vendor := func(path string) string {
		for _, v := range []string{"stream", "cometchat", "agora", "nexconn"} {
			if path == "adapters/"+v || strings.HasPrefix(path, "adapters/"+v+"/") {
				return v
			}
		}
		return ""
	}
	for _, p := range packages(t) {
		from, _ := local(p.ImportPath)
		for _, imp := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			to, _ := local(imp)
			if a, b := vendor(from), vendor(to); a != "" && b != "" && a != b {
				t.Errorf("%s imports %s", from, to)
			}
		}
	}
}

// TestForeignPackagesStayHome keeps the web framework in proxy, the database in its driver. The
// bench compares with the bare libraries and is no part of the product.
func TestForeignPackagesStayHome(t *testing.T) {
	for _, p := range packages(t) {
		from, _ := local(p.ImportPath)
		if from == "bench" {
			continue
		}
		for _, imp := range p.Imports {
			for _, f := range foreign {
				if strings.HasPrefix(imp, f.pkg) && !covers(f.only, from) && !covers(f.only+"/", from) {
					t.Errorf("%s imports %s, which belongs to %s alone", from, imp, f.only)
				}
			}
		}
	}
}

// TestFaultIsALeaf: the error vocabulary depends on the standard library alone.
func TestFaultIsALeaf(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./core/fault").Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Fields(string(out)); !slices.Equal(got, []string{module + "/core/fault"}) {
		t.Errorf("core/fault depends on %v", got)
	}
}

// tracked lists the files of the repository as git would commit them.
func tracked(t *testing.T) []string {
	t.Helper()
	if out, err := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output(); err == nil {
		return strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 })
	}
	var files []string // an unpacked archive has no git
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{".git", "node_modules", ".out", "bin", "data"}, d.Name()):
			return filepath.SkipDir
		case d.Type().IsRegular():
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// read returns a file's text, or false when it is gone (deleted, not yet committed).
func read(t *testing.T, path string) (string, bool) {
	t.Helper()
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false
	} else if err != nil {
		t.Fatal(err)
	}
	return string(b), true
}

// TestCoreNamesNoVendor: what one vendor needs is a noun of ours or does not belong in the core.
func TestCoreNamesNoVendor(t *testing.T) {
	for _, path := range tracked(t) {
		if !strings.HasPrefix(path, "core/") {
			continue
		}
		text, _ := read(t, path)
		for i, line := range strings.Split(text, "\n") {
			if w := vendors.FindString(line); w != "" {
				t.Errorf("%s:%d names a vendor: %q", path, i+1, w)
			}
		}
	}
}

// TestFilesAreShort: nothing written by hand is longer than a person reads in one go.
func TestFilesAreShort(t *testing.T) {
	for _, path := range tracked(t) {
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, ".pb.go") {
			continue
		}
		text, _ := read(t, path)
		if strings.HasPrefix(text, "// Code generated ") {
			continue
		}
		if n := strings.Count(text, "\n"); n > maxLines {
			t.Errorf("%s has %d lines, more than %d", path, n, maxLines)
		}
	}
}

// workplace finds what belongs to one machine: absolute paths of a person's folders.
var workplace = regexp.MustCompile(`(?:^|[^\w./<>:-])(/(?:work|home/\w|root|Users/\w|mnt)/?[\w./-]*)`)

// TestRepositoryNamesNoMachine: a clone must work anywhere, so no text points at a folder of ours.
func TestRepositoryNamesNoMachine(t *testing.T) {
	for _, path := range tracked(t) {
		text, ok := read(t, path)
		if !ok || strings.ContainsRune(text, 0) || path == "architecture_test.go" {
			continue
		}
		for i, line := range strings.Split(text, "\n") {
			if m := workplace.FindStringSubmatch(line); m != nil {
				t.Errorf("%s:%d names a folder of a machine: %s", path, i+1, m[1])
			}
		}
	}
}

// TestHouseRules looks at the syntax of every Go file: no init functions, no map[string]any.
func TestHouseRules(t *testing.T) {
	set := token.NewFileSet()
	for _, path := range tracked(t) {
		if filepath.Ext(path) != ".go" {
			continue
		}
		text, ok := read(t, path)
		if !ok {
			continue
		}
		f, err := parser.ParseFile(set, path, text, parser.SkipObjectResolution)
		if err != nil {
			t.Error(err)
			continue
		}
		if slices.Contains([]string{"utils", "util", "common", "helpers"}, f.Name.Name) {
			t.Errorf("%s: a package must be named after what it is, not %s", path, f.Name.Name)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Recv == nil && n.Name.Name == "init" {
					t.Errorf("%s: init functions hide side effects", set.Position(n.Pos()))
				}
			case *ast.MapType:
				if isString(n.Key) && isAny(n.Value) {
					t.Errorf("%s: map[string]any says nothing; name the fields or keep raw JSON", set.Position(n.Pos()))
				}
			}
			return true
		})
	}
}

// isString reports whether an expression is the type string.
func isString(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == "string"
}

// isAny reports whether an expression is the empty interface.
func isAny(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == "any"
	case *ast.InterfaceType:
		return len(e.Methods.List) == 0
	}
	return false
}
