package engine_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"dragoman/core/engine"
)

// Every record space has a row in the table: a new one that nobody thought about would be left
// behind when an app moves.
func TestEverySpaceIsInTheTable(t *testing.T) {
	told := map[string]bool{}
	names := make([]string, 0, 64)
	for _, s := range engine.Spaces() {
		told[s.Name] = true
		names = append(names, s.Name)
	}
	if !slices.IsSorted(names) {
		t.Errorf("the table is not sorted: %v", names)
	}
	f, err := parser.ParseFile(token.NewFileSet(), "spaces.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	ast.Inspect(f, func(x ast.Node) bool {
		v, ok := x.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(v.Names[0].Name, "space") || len(v.Values) == 0 {
			return true
		}
		if lit, ok := v.Values[0].(*ast.BasicLit); ok {
			name, _ := strconv.Unquote(lit.Value)
			if n++; !told[name] {
				t.Errorf("%s is not in the table", v.Names[0].Name)
			}
		}
		return true
	})
	if n != len(names) {
		t.Errorf("%d spaces, %d rows", n, len(names))
	}
}
