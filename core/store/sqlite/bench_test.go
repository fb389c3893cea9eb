package sqlite_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"dragoman/core/store/sqlite"
	"dragoman/core/store/storetest"
)

// BenchmarkAppend reports rate, latency and processor time of durable appends.
func BenchmarkAppend(b *testing.B) {
	for _, load := range []storetest.Load{{Writers: 1, Channels: 1}, {Writers: 16, Channels: 16}, {Writers: 64, Channels: 64}, {Writers: 64, Channels: 1}} {
		b.Run(fmt.Sprintf("writers=%d/channels=%d", load.Writers, load.Channels), func(b *testing.B) {
			s, err := sqlite.Open(b.Context(), sqlite.Options{Path: filepath.Join(b.TempDir(), "bench.db")})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			load.Messages = max(b.N, load.Writers)
			b.ResetTimer()
			r, err := storetest.BenchAppend(b.Context(), s, load)
			if err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			b.ReportMetric(r.PerSecond(), "msg/s")
			b.ReportMetric(float64(r.CPU.Nanoseconds())/1000, "cpu-µs/op")
			b.ReportMetric(float64(r.P50.Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(r.P99.Microseconds())/1000, "p99-ms")
		})
	}
}
