package main

import (
	"dragoman/config"
	"dragoman/core/bus"
	"dragoman/proxy"
)

// subjectLimits is where nodes tell each other what they have counted.
const subjectLimits = "limits"

// neighbours are the other nodes as the proxy knows them; nil when there can be none.
func (n *node) neighbours(c *config.Config) proxy.Neighbours {
	if !several(c) {
		return nil
	}
	return neighbours{n.bus}
}

// neighbours carries the proxy's words over the bus. A message says which node it is from.
type neighbours struct{ bus bus.Bus }

// Tell implements proxy.Neighbours.
func (n neighbours) Tell(b []byte) error { return n.bus.Publish(subjectLimits, b) }

// Hear implements proxy.Neighbours.
func (n neighbours) Hear(f func(b []byte)) (stop func(), err error) {
	return n.bus.Subscribe(subjectLimits, func(_ string, b []byte) { f(b) })
}
