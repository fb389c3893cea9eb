package nexconn

import "dragoman/adapters"

// Sockets implements adapters.Dialect.
func (d *Dialect) Sockets() []adapters.Socket { return nil }

// linkRoutes are the calls that clients make beside their live link: navigation and streams.
func (d *Dialect) linkRoutes() []adapters.Route { return nil }
