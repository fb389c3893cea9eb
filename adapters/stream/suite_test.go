package stream_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"dragoman/adapters/adaptertest"
	"dragoman/adapters/stream"
)

// creds are the credentials of the test app.
var creds = map[string]string{"api_key": "key", "api_secret": "a secret of the test app"}

// seedRows are the 25 rows of the vendor's error document.
func seedRows() (ids []string) {
	for i := range 25 {
		ids = append(ids, fmt.Sprintf("ST%03d", i+1))
	}
	return ids
}

func TestTables(t *testing.T) {
	adaptertest.Static(t, stream.Entry(), adaptertest.Unplugged(t, stream.Entry(), creds), seedRows())
}

func TestErrorsOfEveryReason(t *testing.T) {
	adaptertest.Errors(t, stream.Entry(), adaptertest.Unplugged(t, stream.Entry(), creds), stream.ReadError)
}

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
	adaptertest.Coverage(t, adaptertest.Unplugged(t, stream.Entry(), creds), ops)
}

func TestCompatibilityPageIsCurrent(t *testing.T) {
	d := adaptertest.Unplugged(t, stream.Entry(), creds)
	adaptertest.Report(t, stream.Entry(), d, "../../docs/compat/stream.md", *update)
}
