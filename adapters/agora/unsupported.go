package agora

import (
	_ "embed"
	"strings"
	"sync"

	"dragoman/adapters"
)

//go:embed unsupported.tsv
var unsupportedTSV string

// unsupported is the table of operations the vendor has and this dialect does not serve, parsed
// once. The table has a header and four columns: method, path, operation, reason.
var unsupported = sync.OnceValue(func() []adapters.Unsupported {
	lines := strings.Split(strings.TrimRight(unsupportedTSV, "\n"), "\n")
	out := make([]adapters.Unsupported, 0, len(lines))
	for _, line := range lines[1:] {
		f := strings.Split(line, "\t")
		if len(f) == 4 {
			out = append(out, adapters.Unsupported{Method: f[0], Path: f[1], Name: f[2], Reason: f[3]})
		}
	}
	return out
})

// Unsupported lists the operations that answer request.not_implemented.
func (d *Dialect) Unsupported() []adapters.Unsupported { return unsupported() }
