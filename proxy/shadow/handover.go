package shadow

import (
	"context"
	"fmt"

	"dragoman/core"
	"dragoman/proxy"
)

// Handover is called between the last request that one side answered and the first that the other will:
// it waits until the side to come knows all that the side before it has said. Its error says what is
// missing.
func (s *Shadow) Handover(ctx context.Context, app core.AppID, dialect string, from, to proxy.Mode) error {
	p := s.pair(app, "", dialect)
	switch {
	case p == nil && to.Shadowed():
		return fmt.Errorf("the core cannot follow the vendor of %s yet", dialect)
	case p == nil && from.Foreign() != to.Foreign():
		return fmt.Errorf("nothing can be handed over for %s: import what is missing, then force", dialect)
	case p == nil:
		return nil
	}
	if to == proxy.ModeShadowVendor && from != proxy.ModeShadowVendor {
		p.begun.Store(false) // much may have happened at the vendor since it was followed last
		p.begin()
	}
	if from.Foreign() == to.Foreign() {
		p.follows.Store(to == proxy.ModeShadowVendor)
		return nil
	}
	switch from {
	case proxy.ModeVendor:
		return fmt.Errorf("the core has not followed the vendor: go through %s first", proxy.ModeShadowVendor)
	case proxy.ModeCore:
		return fmt.Errorf("the vendor has not followed the core: what was written since is not there")
	}
	if err := p.settle(ctx); err != nil {
		return err
	}
	open, missed := p.feed.gaps()
	m := p.mirror.state()
	switch {
	case from == proxy.ModeShadowVendor && (open > 0 || missed):
		return fmt.Errorf("%d gaps of the core are not filled", open)
	case from == proxy.ModeShadowCore && !s.o.Writes(app, dialect):
		return fmt.Errorf("what was written to the core was not sent to the vendor: shadow writes are off")
	case from == proxy.ModeShadowCore && m.Lost > 0:
		return fmt.Errorf("the vendor does not have %d writes", m.Lost)
	}
	p.follows.Store(to == proxy.ModeShadowVendor)
	return nil
}
