package stream

import (
	"slices"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// pushProviders are the push services a device may name.
var pushProviders = []string{"apn", "firebase", "huawei", "xiaomi"}

// decodeAddDevice reads a push target.
func decodeAddDevice(rq *adapters.Request) (core.AddDevice, error) {
	r, err := actingPerson(rq)
	if err != nil {
		return core.AddDevice{}, err
	}
	in := core.AddDevice{Device: core.Device{
		ID: r.Need("id"), Provider: r.Need("push_provider"), ProviderName: r.TextMax("push_provider_name", 255), Voip: r.Bool("voip_token"),
	}}
	if p := in.Device.Provider; p != "" && !slices.Contains(pushProviders, p) {
		r.Fail("push_provider", "must be one of apn, firebase, huawei, xiaomi", fault.RequestInvalidField)
	}
	return in, r.Err()
}

// decodeRemoveDevice reads which device.
func decodeRemoveDevice(rq *adapters.Request) (core.RemoveDevice, error) {
	if err := queryPerson(rq); err != nil {
		return core.RemoveDevice{}, err
	}
	q := wire.QueryOf(rq)
	in := core.RemoveDevice{ID: q.Need("id")}
	return in, q.Err()
}

// encodeDevices answers a person's devices.
func encodeDevices(w *wire.Writer, _ *adapters.Request, ds []core.Device) {
	w.List("devices")
	for i := range ds {
		writeDevice(w, &ds[i])
	}
	w.CloseList()
}
