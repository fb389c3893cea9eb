package storetest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"dragoman/core"
	"dragoman/core/store"
)

// Load is a run of writers that append as fast as they are answered.
type Load struct {
	Writers  int // goroutines, each waiting for its answer before the next message
	Channels int // writers take turns over them; 1 is one hot channel
	Messages int // in all
}

// Rate is what a Load came to.
type Rate struct {
	Messages int
	Elapsed  time.Duration
	P50, P99 time.Duration
	CPU      time.Duration // user and system time of this process per message
}

// PerSecond is the throughput.
func (r Rate) PerSecond() float64 { return float64(r.Messages) / r.Elapsed.Seconds() }

// String renders one line for people.
func (r Rate) String() string {
	return fmt.Sprintf("%.0f/s, p50 %.2f ms, p99 %.2f ms, %.1f µs CPU per message", r.PerSecond(),
		float64(r.P50.Microseconds())/1000, float64(r.P99.Microseconds())/1000, float64(r.CPU.Nanoseconds())/1000)
}

// benchText is a message of ordinary length.
var benchText = strings.Repeat("the quick brown fox jumps over ", 4)

// BenchAppend measures appends of ordinary messages with a client id, event, hook row and read
// position into fresh channels of a fresh app of the store, which stay there.
func BenchAppend(ctx context.Context, s store.Store, load Load) (Rate, error) {
	f, err := BenchFixture(ctx, s, load)
	if err != nil {
		return Rate{}, err
	}
	return f.Append(ctx, s, load, 0)
}

// Fixture is an app with channels to append to, over one store or several on the same database.
type Fixture struct {
	app core.AppID
	chs []core.ChannelID
}

// BenchFixture makes the channels of a load.
func BenchFixture(ctx context.Context, s store.Store, load Load) (Fixture, error) {
	app, chs, err := benchChannels(ctx, s, load)
	return Fixture{app, chs}, err
}

// Append runs a load into the fixture; node tells the runs over several stores apart.
func (f Fixture) Append(ctx context.Context, s store.Store, load Load, node int) (Rate, error) {
	app, chs := f.app, f.chs
	took := make([][]time.Duration, load.Writers)
	errs := make([]error, load.Writers)
	each := load.Messages / load.Writers
	stamp := strconv.FormatInt(time.Now().UnixNano(), 36)
	var wg sync.WaitGroup
	cpu, start := cpuTime(), time.Now()
	for w := range load.Writers {
		wg.Go(func() {
			user := core.UserID("writer-" + strconv.Itoa(w))
			took[w] = make([]time.Duration, 0, each)
			for i := range each {
				began := time.Now()
				in := store.Append{App: app, MoveRead: true, Outbox: true, Unhide: true, Message: &core.Message{
					Channel: chs[(w+i*7)%len(chs)], User: user, Text: benchText, CreatedAt: began, UpdatedAt: began,
					Alias: fmt.Sprintf("%08x-%s-%06x-%03d-%d", uint32(i*2654435761)^uint32(w*40503), stamp, i, w, node), //nolint:gosec // spread on purpose
				}}
				if err := s.Append(ctx, &in, nil); err != nil {
					errs[w] = err
					return
				}
				took[w] = append(took[w], time.Since(began))
			}
		})
	}
	wg.Wait()
	r := Rate{Elapsed: time.Since(start), CPU: cpuTime() - cpu}
	for _, err := range errs {
		if err != nil {
			return Rate{}, err
		}
	}
	all := slices.Concat(took...)
	slices.Sort(all)
	r.Messages = len(all)
	if r.Messages > 0 {
		r.P50, r.P99, r.CPU = all[len(all)/2], all[len(all)*99/100], r.CPU/time.Duration(r.Messages)
	}
	return r, nil
}

// benchPart is how many channels are made in one transaction.
const benchPart = 200

// benchChannels makes the channels; every writer is a member of each.
func benchChannels(ctx context.Context, s store.Store, load Load) (core.AppID, []core.ChannelID, error) {
	now := time.Now()
	stamp := strconv.FormatInt(now.UnixNano(), 36)
	app := core.App{Name: "bench-" + stamp, CreatedAt: now, UpdatedAt: now}
	if err := s.Update(ctx, 0, 0, func(tx store.Tx) error { return tx.PutApp(&app) }, nil); err != nil {
		return 0, nil, err
	}
	chs := make([]core.ChannelID, load.Channels)
	for from := 0; from < len(chs); from += benchPart {
		err := s.Update(ctx, app.ID, 0, func(tx store.Tx) error {
			for i := from; i < min(from+benchPart, len(chs)); i++ {
				c := core.Channel{Key: core.ChannelKey("bench-" + strconv.Itoa(i)), Type: core.DefaultType, CreatedAt: now, UpdatedAt: now}
				if err := tx.PutChannel(app.ID, &c); err != nil {
					return err
				}
				chs[i] = c.ID
				for w := range load.Writers {
					m := core.Member{Channel: c.ID, User: core.UserID("writer-" + strconv.Itoa(w)), Role: core.MemberMember, CreatedAt: now, UpdatedAt: now}
					if err := tx.PutMember(app.ID, &m); err != nil {
						return err
					}
				}
			}
			return nil
		}, nil)
		if err != nil {
			return 0, nil, err
		}
	}
	return app.ID, chs, nil
}

// cpuTime is the processor time this process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
