package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"dragoman/adapters/catalogs"
	"dragoman/core/fault"
	"dragoman/normalize"
)

// benchErrors is section g: one vendor's error said in another's words, and the tables read from
// their files as at a start.
func benchErrors(r *report, o options) error {
	set := catalogs.All()
	for _, c := range []struct {
		from, to string
		a        normalize.Answer
	}{
		{"stream", "cometchat", normalize.Answer{Status: 404, Code: json.RawMessage("16"), Message: "channel not found"}},
		{"nexconn", "stream", normalize.Answer{Status: 400, Code: json.RawMessage("25412")}},
		{"agora-rest", "stream", normalize.Answer{Status: 403, Code: json.RawMessage(`"forbidden_op"`), Message: "Can not join this group, reason: user: alice already in group: 4711."}},
	} {
		var failed error
		got, err := median(o.rounds, perOp, func() (testing.BenchmarkResult, error) {
			res := testing.Benchmark(func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if t, ok := set.Translate(c.from, c.a, c.to); !ok || t.Reason == fault.UpstreamUnrecognised {
						failed = fmt.Errorf("%s to %s: not translated", c.from, c.to)
						return
					}
				}
			})
			return res, failed
		})
		if err != nil {
			return err
		}
		r.row(c.from+" to "+c.to, fmt.Sprintf("%.2f µs", perOp(got)/1000), fmt.Sprintf("%d allocations", got.AllocsPerOp()), "aim under 2 µs, at most 5")
	}
	return benchTables(r, o)
}

// perOp is the nanoseconds of one operation.
func perOp(x testing.BenchmarkResult) float64 { return float64(x.T.Nanoseconds()) / float64(x.N) }

// benchTables parses the five catalogues.
func benchTables(r *report, o options) error {
	type table struct {
		name         string
		errors, emit []byte
	}
	var all []table
	for _, f := range [][3]string{
		{"stream", "stream/errors.tsv", "stream/emit.tsv"},
		{"cometchat", "cometchat/errors.tsv", "cometchat/emit.tsv"},
		{"agora-rest", "agora/errors.tsv", "agora/emit.tsv"},
		{"agora-sdk", "agora/sdk_errors.tsv", "agora/sdk_emit.tsv"},
		{"nexconn", "nexconn/errors.tsv", "nexconn/emit.tsv"},
	} {
		rows, err := os.ReadFile(filepath.Join("adapters", f[1]))
		if err != nil {
			return err
		}
		emit, err := os.ReadFile(filepath.Join("adapters", f[2]))
		if err != nil {
			return err
		}
		all = append(all, table{f[0], rows, emit})
	}
	var failed error
	got, err := median(o.rounds, perOp, func() (testing.BenchmarkResult, error) {
		res := testing.Benchmark(func(b *testing.B) {
			for b.Loop() {
				for _, t := range all {
					if _, err := normalize.Parse(t.name, t.errors, t.emit); err != nil {
						failed = err
						return
					}
				}
			}
		})
		return res, failed
	})
	if err != nil {
		return err
	}
	r.row("five catalogues read and checked", fmt.Sprintf("%.2f ms", perOp(got)/1e6), "aim under 5 ms")
	return nil
}
