package stream_test

import (
	"testing"

	"dragoman/adapters"
	"dragoman/adapters/stream"
	"dragoman/core"
)

// BenchmarkSend reads a message of a client and writes the answer: what a send costs beside the
// core. The target is 6 µs.
func BenchmarkSend(b *testing.B) {
	d := newDialect(b, &fake{})
	rt := route(b, d, "SendMessage")
	body := []byte(`{"message":{"id":"6f1c2a0e-7d1c-4f8e-9b1a-0c8f3c0d2f11","text":"hello, how are you doing today?","attachments":[],"mentioned_users":[],"colour":"red"}}`)
	for b.Loop() {
		rq := &adapters.Request{Body: body, Params: []adapters.Param{{Name: "type", Value: "messaging"}, {Name: "id", Value: "lobby"}}}
		rq.SetCaller(asAlice)
		var rs adapters.Response
		if err := rt.Serve(b.Context(), asAlice, rq, &rs); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
}

// BenchmarkEvent renders a new message for one connection with counts of its own.
func BenchmarkEvent(b *testing.B) {
	d := newDialect(b, &fake{})
	dl := core.Delivery{Event: eventOf(core.MessageSent), As: core.AsWatcher | core.AsMember, Counts: &core.Counts{Messages: 3, Channels: 1}}
	frames := 0
	for b.Loop() {
		stream.Tell(d, dl, "carol", func(adapters.Frame) { frames++ })
	}
	b.ReportAllocs()
	if frames == 0 {
		b.Fatal("no frame")
	}
}
