package nexconn_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"dragoman/adapters/adaptertest"
	"dragoman/adapters/nexconn"
)

var update = flag.Bool("update", false, "write the generated pages")

// vendor is this dialect for the suite, with the 131 rows of the vendor's error document. The vendor has
// neither reactions nor threads, people who block one another but do not mute, and tells of somebody who
// types to the other one of a direct channel alone.
func vendor() *adaptertest.Vendor {
	v := &adaptertest.Vendor{
		Entry: nexconn.Entry(), Driver: driver{}, LongText: 130 << 10,
		Lacks: []adaptertest.Feature{adaptertest.Reactions, adaptertest.Threads, adaptertest.Mutes, adaptertest.TypingInGroups},
		Creds: map[string]string{"app_key": "key1", "app_secret": "secret-0123456789"},
	}
	for i := range 131 {
		v.Rows = append(v.Rows, fmt.Sprintf("NX%03d", i+1))
	}
	return v
}

func TestDialectTables(t *testing.T) {
	v := vendor()
	adaptertest.Static(t, v.Entry, adaptertest.Unplugged(t, v.Entry, v.Creds), v.Rows)
	adaptertest.Errors(t, v.Entry, adaptertest.Unplugged(t, v.Entry, v.Creds), nexconn.ReadError)
}

func TestDialectIsRobust(t *testing.T) { adaptertest.Robust(t, vendor()) }

func TestEveryOperationIsServedOrListed(t *testing.T) {
	var ops []adaptertest.Operation
	for _, table := range []struct {
		name       string
		path, verb int
	}{{"ops.tsv", 1, 0}, {"classic_paths.tsv", 1, 0}} {
		b, err := os.ReadFile("../../../shared/dialects/nexconn/" + table.name)
		if err != nil {
			t.Skipf("../shared: the vendor's list of operations is not here: %v", err)
		}
		for _, row := range strings.Split(strings.TrimRight(string(b), "\n"), "\n")[1:] {
			f := strings.Split(row, "\t")
			ops = append(ops, adaptertest.Operation{Method: f[table.verb], Path: strings.NewReplacer("//", "/", "user001", ":userId").Replace(f[table.path]), Name: f[table.path]})
		}
	}
	v := vendor()
	adaptertest.Coverage(t, adaptertest.Unplugged(t, v.Entry, v.Creds), ops)
}

func TestEveryErrorRowIsProvenOrExplained(t *testing.T) { adaptertest.Proofs(t, vendor().Entry) }

func TestCompatibilityPageIsCurrent(t *testing.T) {
	v := vendor()
	adaptertest.Report(t, v.Entry, adaptertest.Unplugged(t, v.Entry, v.Creds), "../../docs/compat/nexconn.md", *update)
}
