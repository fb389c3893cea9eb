package cometchat

import (
	"context"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// extensionRoutes are the operations on extensions. They are programs of the vendor: there are none
// here, so the list is empty and none can be switched on.
func (d *Dialect) extensionRoutes() []adapters.Route {
	srv := adapters.GateServer
	return []adapters.Route{
		op("GET", "/apps/:appId/extensions", "listExtensions", d.listExtensions, encodeExtensions).Gated(srv),
		op("POST", "/apps/:appId/extensions", "switchExtensions", d.switchExtensions, encodeSwitched).Gated(srv),
	}
}

func (d *Dialect) listExtensions(_ context.Context, _ core.Actor, rq *adapters.Request) (listed[struct{}], error) {
	return sliced(rq, []struct{}(nil))
}

func encodeExtensions(w *wire.Writer, _ *adapters.Request, l listed[struct{}]) {
	writeList(w, &l, func(*struct{}) {})
}

// switchExtensions refuses the first extension a body names.
func (d *Dialect) switchExtensions(_ context.Context, _ core.Actor, rq *adapters.Request) (none struct{}, err error) {
	r, err := body(rq)
	if err != nil {
		return none, invalid(err)
	}
	named := append(r.Texts("enabled", 100), r.Texts("disabled", 100)...)
	if err := r.Err(); err != nil {
		return none, invalid(err)
	}
	if len(named) > 0 {
		return none, fault.IntegrationNotFound.Error("There is no extension " + clip(named[0]) + ".").With("extension")
	}
	return none, nil
}

func encodeSwitched(w *wire.Writer, _ *adapters.Request, _ struct{}) {
	w.Object("data")
	w.Texts("enabled", nil)
	w.Texts("disabled", nil)
	w.Close()
}
