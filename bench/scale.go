package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"dragoman/core/store"
	"dragoman/core/store/postgres"
	"dragoman/core/store/postgres/pgtest"
	"dragoman/core/store/storetest"
)

// scaleLoads are what is appended to PostgreSQL: by how many stores ("nodes"), writers and channels.
var scaleLoads = []struct {
	nodes, writers, channels int
}{{1, 1, 1}, {1, 16, 16}, {1, 64, 64}, {1, 64, 1}, {1, 256, 256}, {3, 64, 64}, {3, 64, 1}, {3, 256, 256}}

// Of the rows that PostgreSQL stores with nothing before it: as many connections as a store has
// lanes, and as many rows in a commit as 64 writers give each of them.
const (
	limitConns = 4
	limitBatch = 16
)

// benchScale measures durable appends on PostgreSQL beside what the server does for the same rows.
func benchScale(r *report, o options) error {
	srv, err := pgtest.Start("shared_buffers = 256MB", "max_wal_size = 2GB")
	if err != nil {
		return err
	}
	defer srv.Stop()
	ctx := context.Background()
	var used time.Duration
	limit, err := median(o.rounds, func(f float64) float64 { return f }, func() (float64, error) {
		st, dsn, err := scaleStore(ctx, srv)
		if err != nil {
			return 0, err
		}
		if err := st.Close(); err != nil {
			return 0, err
		}
		cpu := srv.CPU()
		rate, err := pgtest.Limit(ctx, dsn, limitConns, limitBatch, o.span)
		used = time.Duration(float64(srv.CPU()-cpu) / (rate * o.span.Seconds()))
		return rate, err
	})
	if err != nil {
		return err
	}
	r.row(fmt.Sprintf("the server alone, same rows: %d connections, %d rows a commit", limitConns, limitBatch), fmt.Sprintf("%.0f/s", limit),
		fmt.Sprintf("CPU per message %.0f µs in the server", float64(used.Nanoseconds())/1000))
	for _, l := range scaleLoads {
		rate, err := median(o.rounds, func(s scaleRate) float64 { return s.perSecond }, func() (scaleRate, error) {
			return scaleRun(ctx, srv, l.nodes, storetest.Load{Writers: l.writers / l.nodes, Channels: l.channels}, o.span)
		})
		if err != nil {
			return err
		}
		r.row(fmt.Sprintf("%d node(s), %d writers, %d channel(s)", l.nodes, l.writers, l.channels), fmt.Sprintf("%.0f/s", rate.perSecond),
			fmt.Sprintf("%.0f%% of the server alone", 100*rate.perSecond/limit), rate.note)
	}
	if err := benchGrowth(ctx, r, srv, o); err != nil {
		return err
	}
	return benchDelivery(ctx, r, srv)
}

// scaleRate is what one run came to.
type scaleRate struct {
	perSecond float64
	note      string
}

// scaleStore opens a store on a fresh database.
func scaleStore(ctx context.Context, srv *pgtest.Server) (store.Store, string, error) {
	dsn, err := srv.Fresh(ctx)
	if err != nil {
		return nil, "", err
	}
	st, err := postgres.Open(ctx, postgres.Options{DSN: dsn})
	return st, dsn, err
}

// scaleRun appends through several stores on one database.
func scaleRun(ctx context.Context, srv *pgtest.Server, nodes int, load storetest.Load, span time.Duration) (scaleRate, error) {
	first, dsn, err := scaleStore(ctx, srv)
	if err != nil {
		return scaleRate{}, err
	}
	defer first.Close()
	stores := []store.Store{first}
	for len(stores) < nodes {
		st, err := postgres.Open(ctx, postgres.Options{DSN: dsn})
		if err != nil {
			return scaleRate{}, err
		}
		defer st.Close()
		stores = append(stores, st)
	}
	// A short run tells how many messages take the span asked for.
	load.Messages = 20 * load.Writers
	trial, err := storetest.BenchAppend(ctx, first, load)
	if err != nil {
		return scaleRate{}, err
	}
	load.Messages = max(load.Messages, int(trial.PerSecond()*span.Seconds()))
	fixture, err := storetest.BenchFixture(ctx, first, load)
	if err != nil {
		return scaleRate{}, err
	}
	rates, errs := make([]storetest.Rate, nodes), make([]error, nodes)
	var wg sync.WaitGroup
	cpu, began := srv.CPU(), time.Now()
	for i, st := range stores {
		wg.Go(func() { rates[i], errs[i] = fixture.Append(ctx, st, load, i) })
	}
	wg.Wait()
	took, used := time.Since(began), srv.CPU()-cpu
	total := 0
	for i := range rates {
		if errs[i] != nil {
			return scaleRate{}, errs[i]
		}
		total += rates[i].Messages
	}
	last := rates[len(rates)-1]
	return scaleRate{float64(total) / took.Seconds(), fmt.Sprintf("p50 %.1f ms, p99 %.1f ms, CPU per message %.0f µs here and %.0f µs in the server",
		float64(last.P50.Microseconds())/1000, float64(last.P99.Microseconds())/1000,
		float64(last.CPU.Microseconds())*float64(last.Messages)/float64(total), float64(used.Microseconds())/float64(total))}, nil
}
