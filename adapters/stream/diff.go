package stream

import (
	_ "embed"
	"sync"

	"dragoman/normalize/diff"
)

//go:embed diff.tsv
var diffTSV string

// diffRules are parsed once; a mistake in the table ends the start.
var diffRules = sync.OnceValues(func() (*diff.Table, error) { return diff.Parse("adapters/stream/diff.tsv", diffTSV) })

// Rules tells what of this dialect's answers is to agree when both sides answer.
func (d *Dialect) Rules() (*diff.Table, error) { return diffRules() }
