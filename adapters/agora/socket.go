package agora

import "dragoman/adapters"

// Sockets implements adapters.Dialect.
func (d *Dialect) Sockets() []adapters.Socket { return nil }
