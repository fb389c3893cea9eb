package cometchat

import (
	_ "embed"
	"sync"

	"dragoman/normalize/diff"
)

//go:embed diff.tsv
var diffTSV string

// diffRules are parsed once; a mistake in the table ends the start.
var diffRules = sync.OnceValues(func() (*diff.Table, error) { return diff.Parse("adapters/cometchat/diff.tsv", diffTSV) })

// Rules implements adapters.Learner.
func (d *Dialect) Rules() (*diff.Table, error) { return diffRules() }
