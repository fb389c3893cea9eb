package cometchat_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"dragoman/adapters/adaptertest"
	"dragoman/adapters/cometchat"
)

var update = flag.Bool("update", false, "write the generated pages")

// vendor is this dialect for the suite, with the 116 rows of the vendor's error document. Its SDKs
// have listeners for what happens to the members of a group, and none for a change of the group
// itself or for its end.
func vendor() *adaptertest.Vendor {
	v := &adaptertest.Vendor{
		Entry: cometchat.Entry(), Driver: driver{}, Lacks: []adaptertest.Feature{adaptertest.TellsRenames, adaptertest.TellsEnds},
		Creds: map[string]string{"app_id": "app1", "region": "us", "full_access_key": "full-key", "auth_only_key": "auth-key"},
	}
	for i := range 116 {
		v.Rows = append(v.Rows, fmt.Sprintf("CC%03d", i+1))
	}
	return v
}

func TestDialectTables(t *testing.T) {
	v := vendor()
	adaptertest.Static(t, v.Entry, adaptertest.Unplugged(t, v.Entry, v.Creds), v.Rows)
	adaptertest.Errors(t, v.Entry, adaptertest.Unplugged(t, v.Entry, v.Creds), cometchat.ReadError)
}

func TestDialectIsRobust(t *testing.T) { adaptertest.Robust(t, vendor()) }

func TestEveryOperationIsServedOrListed(t *testing.T) {
	table, err := os.ReadFile("../../../shared/dialects/cometchat/ops.tsv")
	if err != nil {
		t.Skipf("the vendor's list of operations is not here: %v", err)
	}
	var ops []adaptertest.Operation
	for _, row := range strings.Split(strings.TrimRight(string(table), "\n"), "\n")[1:] {
		f := strings.Split(row, "\t") // method, path, host, request, response, note
		if !strings.HasPrefix(f[1], "/") || strings.Contains(f[0], "*") {
			continue // other hosts by their whole address, and remarks
		}
		ops = append(ops, adaptertest.Operation{Method: f[0], Path: f[1], Name: f[1]})
	}
	v := vendor()
	adaptertest.Coverage(t, adaptertest.Unplugged(t, v.Entry, v.Creds), ops)
}

func TestEveryErrorRowIsProvenOrExplained(t *testing.T) { adaptertest.Proofs(t, vendor().Entry) }

func TestCompatibilityPageIsCurrent(t *testing.T) {
	v := vendor()
	adaptertest.Report(t, v.Entry, adaptertest.Unplugged(t, v.Entry, v.Creds), "../../docs/compat/cometchat.md", *update)
}
