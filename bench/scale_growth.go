package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	natsd "github.com/nats-io/nats-server/v2/server"

	"dragoman/core"
	"dragoman/core/bus"
	"dragoman/core/engine"
	"dragoman/core/store"
	"dragoman/core/store/postgres"
	"dragoman/core/store/postgres/pgtest"
	"dragoman/core/store/storetest"
)

// growths are databases of rising size: what is written does not touch what grows.
var growths = []struct {
	what              string
	channels, members int
}{
	{"100 channels", 100, 1}, {"10,000 channels", 10_000, 1}, {"100,000 channels", 100_000, 1},
	{"a room of 10", 1, 10}, {"a room of 1,000", 1, 1000}, {"a room of 10,000", 1, 10_000},
}

// growthWriters write at the same time.
const growthWriters = 64

// benchGrowth measures appends as a database grows.
func benchGrowth(ctx context.Context, r *report, srv *pgtest.Server, o options) error {
	for _, g := range growths {
		st, _, err := scaleStore(ctx, srv)
		if err != nil {
			return err
		}
		fixture, err := storetest.BenchFixture(ctx, st, storetest.Load{Writers: g.members, Channels: g.channels})
		if err != nil {
			return err
		}
		load := storetest.Load{Writers: growthWriters, Channels: g.channels, Messages: 40 * growthWriters}
		trial, err := fixture.Append(ctx, st, load, 0)
		if err != nil {
			return err
		}
		load.Messages = max(load.Messages, int(trial.PerSecond()*o.span.Seconds()))
		var rates []storetest.Rate
		for i := range o.rounds {
			rate, err := fixture.Append(ctx, st, load, i+1)
			if err != nil {
				return err
			}
			rates = append(rates, rate)
		}
		slices.SortFunc(rates, func(a, b storetest.Rate) int { return int(a.PerSecond() - b.PerSecond()) })
		m := rates[len(rates)/2]
		r.row(fmt.Sprintf("%s, %d writers", g.what, growthWriters), fmt.Sprintf("%.0f/s", m.PerSecond()),
			fmt.Sprintf("p50 %.1f ms, p99 %.1f ms", float64(m.P50.Microseconds())/1000, float64(m.P99.Microseconds())/1000))
		if err := st.Close(); err != nil {
			return err
		}
	}
	return nil
}

// deliveries are how many messages are timed from one node to another, and how long one may take.
const (
	deliveries    = 500
	deliveryLimit = 10 * time.Second
)

// benchDelivery measures the way of a message from a person on one node to one on another: from the
// call to send it until the other's connection is told, by a database and a NATS server of their own.
func benchDelivery(ctx context.Context, r *report, srv *pgtest.Server) error {
	first, dsn, err := scaleStore(ctx, srv)
	if err != nil {
		return err
	}
	defer first.Close()
	second, err := postgres.Open(ctx, postgres.Options{DSN: dsn})
	if err != nil {
		return err
	}
	defer second.Close()
	hub, err := natsd.NewServer(&natsd.Options{Host: "127.0.0.1", Port: natsd.RANDOM_PORT, NoSigs: true, NoLog: true})
	if err != nil {
		return err
	}
	hub.Start()
	defer hub.Shutdown()
	if !hub.ReadyForConnections(deliveryLimit) {
		return fmt.Errorf("the NATS server does not listen")
	}
	var cores []*core.Core
	var app core.App
	for _, st := range []store.Store{first, second} {
		b, err := bus.Connect(bus.Remote{URL: hub.ClientURL()})
		if err != nil {
			return err
		}
		defer b.Close()
		e, err := engine.New(ctx, engine.Options{Store: st, Bus: b, Shared: true})
		if err != nil {
			return err
		}
		defer e.Close()
		if app, err = e.EnsureApp(ctx, "bench", nil); err != nil {
			return err
		}
		cores = append(cores, e.Core())
	}
	for _, others := range []int{0, 1000} {
		sent, heard, err := deliver(ctx, cores, app.ID, others)
		if err != nil {
			return err
		}
		r.row(fmt.Sprintf("from node to node, a group of %d", others+2), fmt.Sprintf("p50 %.2f ms", ms(heard, 50)),
			fmt.Sprintf("p99 %.2f ms; acknowledged p50 %.2f ms, p99 %.2f ms; one at a time", ms(heard, 99), ms(sent, 50), ms(sent, 99)))
	}
	return nil
}

// ms is a percentile in milliseconds.
func ms(list []time.Duration, percent int) float64 {
	slices.Sort(list)
	return float64(list[(len(list)-1)*percent/100].Microseconds()) / 1000
}

// deliver times messages in a group of two who talk and others who do not.
func deliver(ctx context.Context, cores []*core.Core, app core.AppID, others int) (sent, heard []time.Duration, err error) {
	server := core.Actor{App: app, Access: core.AccessServer}
	people := core.UpsertUsers{}
	in := core.OpenChannel{Type: core.DefaultType, ID: fmt.Sprintf("delivery-%d", others)}
	for i := range others + 2 {
		id := core.UserID(fmt.Sprintf("p%d", i))
		people.Users = append(people.Users, core.User{ID: id})
		in.Input.Members = append(in.Input.Members, core.MemberInput{User: id})
	}
	for part := range slices.Chunk(people.Users, 100) {
		if _, err := cores[0].Users.Upsert(ctx, server, core.UpsertUsers{Users: part}); err != nil {
			return nil, nil, err
		}
	}
	server.User = "p0"
	rest := in.Input.Members[2:]
	in.Input.Members = in.Input.Members[:2]
	st, err := cores[0].Channels.Open(ctx, server, in)
	if err != nil {
		return nil, nil, err
	}
	for part := range slices.Chunk(rest, 100) {
		if _, err := cores[0].Channels.Update(ctx, server, core.UpdateChannel{Key: st.Channel.Key, Add: part}); err != nil {
			return nil, nil, err
		}
	}
	told := make(chan time.Time, 16)
	conn, err := cores[1].Live.Connect(ctx, core.Actor{App: app, User: "p1", Access: core.AccessUser}, core.Connect{Everything: true, Sink: func(d core.Delivery) {
		if d.Event.Kind == core.MessageSent {
			told <- time.Now()
		}
	}})
	if err != nil {
		return nil, nil, err
	}
	defer conn.Close()
	by := core.Actor{App: app, User: "p0", Access: core.AccessUser}
	for i := range deliveries + 20 {
		began := time.Now()
		if _, err := cores[0].Messages.Send(ctx, by, core.SendMessage{Key: st.Channel.Key, Message: core.MessageInput{Text: "from node to node"}}); err != nil {
			return nil, nil, err
		}
		ack := time.Since(began)
		select {
		case at := <-told:
			if i >= 20 { // the first ones find caches empty
				sent, heard = append(sent, ack), append(heard, at.Sub(began))
			}
		case <-time.After(deliveryLimit):
			return nil, nil, fmt.Errorf("message %d has not come within %s", i, deliveryLimit)
		}
	}
	return sent, heard, nil
}
