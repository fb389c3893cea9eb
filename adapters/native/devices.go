package native

import (
	"context"

	"dragoman/core"
)

func (d *Dialect) deviceRows() []row {
	return []row{
		op("GET", "/v1/devices", "listDevices", "The caller's push targets.", func(ctx context.Context, c *call, _ *none) (Page[Device], error) {
			ds, err := d.core.Devices.List(ctx, c.by, core.ListDevices{})
			return Page[Device]{Items: list(ds, deviceOf)}, err
		}),
		op("PUT", "/v1/devices/:device", "putDevice", "Keeps a push target, at most 25 of a person. Nothing is pushed yet: the list is kept for the app's server.", func(ctx context.Context, c *call, in *struct {
			Device   string `json:"device" in:"path"`
			Provider string `json:"provider" need:"true" max:"100" doc:"apn, firebase, huawei, xiaomi or one of the app's own."`
			Name     string `json:"provider_name"`
			Voip     bool   `json:"voip"`
		}) (Device, error) {
			v, err := d.core.Devices.Add(ctx, c.by, core.AddDevice{Device: core.Device{ID: in.Device, User: c.by.User, Provider: in.Provider, ProviderName: in.Name, Voip: in.Voip}})
			return deviceOf(&v), err
		}),
		op("DELETE", "/v1/devices/:device", "removeDevice", "Forgets a push target.", func(ctx context.Context, c *call, in *struct {
			Device string `json:"device" in:"path"`
		}) (none, error) {
			_, err := d.core.Devices.Remove(ctx, c.by, core.RemoveDevice{ID: in.Device})
			return none{}, err
		}),
	}
}
