package nexconn

import (
	"context"
	"sync"

	"dragoman/core"
	"dragoman/core/fault"
)

// place is a conversation as the wire names it: its type, the id of the other person, group, room or
// community, and the subchannel of a community.
type place struct {
	kind int
	id   string
	sub  string
}

// key is the channel of the place, as the person sees it.
func (p place) key(self core.UserID) core.ChannelKey {
	switch p.kind {
	case wireDirect:
		return pairKey(self, core.UserID(p.id))
	case wireSystem:
		return core.SystemKey(core.UserID(p.id), self)
	case wireOpen:
		return roomKey(p.id)
	case wireCommunity:
		return core.CommunityKey(p.id, subID(p.sub))
	}
	return groupKey(p.id)
}

// placeOf tells where a channel is for the viewer; for a direct channel that is the other person. It
// is not ok for a Direct of another number of people than two.
func (d *Dialect) placeOf(ctx context.Context, app core.AppID, viewer core.UserID, c *core.Channel) (place, bool) {
	switch c.Kind {
	case core.KindRoom:
		return place{kind: wireOpen, id: roomID(c.Key)}, true
	case core.KindCommunity:
		id, sub, ok := core.SplitCommunity(c.Key)
		return place{kind: wireCommunity, id: id, sub: orElse(sub, defaultSub)}, ok
	case core.KindDirect:
		pair, ok := d.pairOf(ctx, app, c)
		if !ok {
			return place{}, false
		}
		peer := pair[0]
		if peer == viewer {
			peer = pair[1]
		}
		return place{kind: wireDirect, id: string(peer)}, true
	}
	return place{kind: wireGroup, id: string(c.Key)}, true
}

// pairs remembers whom a direct channel consists of: its key does not tell, and it never changes.
type pairs struct {
	mu sync.RWMutex
	m  map[pairName][2]core.UserID
}

type pairName struct {
	app core.AppID
	key core.ChannelKey
}

// maxPairs bounds what is remembered; a full table starts afresh.
const maxPairs = 1 << 16

func newPairs() *pairs { return &pairs{m: map[pairName][2]core.UserID{}} }

func (c *pairs) get(k pairName) ([2]core.UserID, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	p, ok := c.m[k]
	return p, ok
}

func (c *pairs) put(k pairName, p [2]core.UserID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.m) >= maxPairs {
		clear(c.m)
	}
	c.m[k] = p
}

// pairOf finds the two people of a direct channel.
func (d *Dialect) pairOf(ctx context.Context, app core.AppID, c *core.Channel) (p [2]core.UserID, ok bool) {
	k := pairName{app, c.Key}
	if p, ok = d.pairs.get(k); ok {
		return p, true
	}
	ms, err := d.core.Channels.Members(ctx, server(app), core.QueryMembers{Key: c.Key, Page: core.Page{Limit: 3}})
	if err != nil || len(ms) != 2 {
		return p, false
	}
	p = [2]core.UserID{ms[0].User, ms[1].User}
	d.pairs.put(k, p)
	return p, true
}

// messageNamed reads a message of the place by its id on the wire, as the actor sees it.
func (d *Dialect) messageNamed(ctx context.Context, by core.Actor, uid string) (*core.Message, *core.Channel, error) {
	hits, err := d.core.Messages.Get(ctx, by, core.GetMessages{IDs: []string{uid}})
	if err != nil {
		return nil, nil, err
	}
	if len(hits) == 0 {
		return nil, nil, fault.MessageNotFound.Error("The message " + clip(uid) + " does not exist.")
	}
	return &hits[0].Message, &hits[0].Channel, nil
}

// uidOf is a message's id on the wire.
func uidOf(m *core.Message) string { return m.ID.String() }
