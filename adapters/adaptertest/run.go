package adaptertest

import (
	"testing"

	"dragoman/adapters"
	"dragoman/normalize"
)

// Run puts a dialect through everything that needs no document of the vendor: its tables, its
// errors, junk on every route, and the scenarios. read is the vendor's reader of error bodies.
func Run(t *testing.T, v *Vendor, read func(*normalize.Upstream, []byte) (normalize.Answer, bool)) {
	t.Helper()
	t.Run("static", func(t *testing.T) { Static(t, v.Entry, Unplugged(t, v.Entry, v.Creds), v.Rows) })
	t.Run("errors", func(t *testing.T) { Errors(t, v.Entry, Unplugged(t, v.Entry, v.Creds), read) })
	t.Run("robust", func(t *testing.T) { Robust(t, v) })
	t.Run("scenarios", func(t *testing.T) { Scenarios(t, v) })
	if _, ok := Unplugged(t, v.Entry, v.Creds).(adapters.Fronting); ok {
		t.Run("fronted", func(t *testing.T) { Fronted(t, v) })
	}
}

// Fronted plays the scenarios through a proxy that takes the server for the vendor: nothing a client
// sees may change.
func Fronted(t *testing.T, v *Vendor) {
	t.Helper()
	fronted := *v
	fronted.Fronted = true
	Scenarios(t, &fronted)
}

// OnRemoteCore runs the scenarios against the dialect of a sidecar: its core is behind the network.
func OnRemoteCore(t *testing.T, v *Vendor) {
	t.Helper()
	v.Remote = true
	Scenarios(t, v)
}
