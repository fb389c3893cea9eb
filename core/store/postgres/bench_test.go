package postgres_test

import (
	"fmt"
	"testing"

	"dragoman/core/store/postgres"
	"dragoman/core/store/postgres/pgtest"
	"dragoman/core/store/storetest"
)

// BenchmarkAppend reports rate, latency and processor time (of the client alone) of durable appends.
func BenchmarkAppend(b *testing.B) {
	srv, err := pgtest.Start("shared_buffers = 256MB")
	if err != nil {
		b.Skip(err)
	}
	defer srv.Stop()
	for _, load := range []storetest.Load{{Writers: 1, Channels: 1}, {Writers: 16, Channels: 16}, {Writers: 64, Channels: 64}, {Writers: 64, Channels: 1}} {
		b.Run(fmt.Sprintf("writers=%d/channels=%d", load.Writers, load.Channels), func(b *testing.B) {
			dsn, err := srv.Fresh(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			s, err := postgres.Open(b.Context(), postgres.Options{DSN: dsn})
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
