package adaptertest

import (
	"testing"

	"dragoman/adapters"
)

// Rules checks that a dialect's rules of comparison can be read and name operations that it has.
func Rules(t *testing.T, d adapters.Dialect) {
	t.Helper()
	l, ok := d.(adapters.Learner)
	if !ok {
		t.Fatal("the dialect does not learn")
	}
	table, err := l.Rules()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, r := range d.Routes() {
		known[r.Name] = true
	}
	for _, op := range table.Operations() {
		if !known[op] {
			t.Errorf("there is no operation %s", op)
		}
	}
}
