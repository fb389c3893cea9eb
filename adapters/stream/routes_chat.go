package stream

import (
	"context"
	"slices"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
)

// chatRoutes are the operations of people, channels, messages, reactions and read states.
func (d *Dialect) chatRoutes() []adapters.Route {
	all := slices.Concat(
		[]adapters.Route{op(d, "GET", "/hi", "Hi", none[struct{}], nothing, writeNothing[struct{}]).Gated(adapters.GateOpen)},
		d.userRoutes(),
		d.channelRoutes(),
		d.memberRoutes(),
		d.messageRoutes(),
		d.reactionRoutes(),
		d.readRoutes(),
		d.liveRoutes(),
		d.pollRoutes(),
		d.previewRoutes(),
	)
	for i := range all {
		all[i].Quota = defaultQuota
		if n, ok := quotas[all[i].Name]; ok {
			all[i].Quota = n
		}
	}
	return all
}

// nothing is the call of a route that has only to answer.
func nothing(context.Context, core.Actor, struct{}) (struct{}, error) { return struct{}{}, nil }

// writeNothing writes the body of an answer that is just its duration.
func writeNothing[Out any](*wire.Writer, *adapters.Request, Out) {}
