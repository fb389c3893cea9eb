package stream_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"dragoman/adapters/adaptertest"
	"dragoman/adapters/stream"
)

// vendor is this dialect for the suite, with the 25 rows of the vendor's error document.
func vendor() *adaptertest.Vendor {
	v := &adaptertest.Vendor{
		Entry: stream.Entry(), Driver: driver{},
		Creds: map[string]string{"api_key": "key", "api_secret": "a secret of the test app"},
	}
	for i := range 25 {
		v.Rows = append(v.Rows, fmt.Sprintf("ST%03d", i+1))
	}
	return v
}

func TestDialect(t *testing.T) { adaptertest.Run(t, vendor(), stream.ReadError) }

func TestEveryOperationIsServedOrListed(t *testing.T) {
	table, err := os.ReadFile("../../../shared/dialects/stream/ops.tsv")
	if err != nil {
		t.Skipf("the vendor's list of operations is not here: %v", err)
	}
	var ops []adaptertest.Operation
	for _, row := range strings.Split(strings.TrimRight(string(table), "\n"), "\n")[1:] {
		f := strings.Split(row, "\t") // core_rank, method, path_v1, path_v2, operation, …
		for _, path := range f[2:4] {
			if path != "" {
				ops = append(ops, adaptertest.Operation{Method: f[1], Path: path, Name: f[4]})
			}
		}
	}
	v := vendor()
	adaptertest.Coverage(t, adaptertest.Unplugged(t, v.Entry, v.Creds), ops)
}

func TestCompatibilityPageIsCurrent(t *testing.T) {
	v := vendor()
	adaptertest.Report(t, v.Entry, adaptertest.Unplugged(t, v.Entry, v.Creds), "../../docs/compat/stream.md", *update)
}
