package cometchat

import (
	"context"
	"strings"
	"sync"

	"dragoman/core"
	"dragoman/core/fault"
)

// pairCache remembers whom a conversation of two consists of: its key does not tell, and it never
// changes.
type pairCache struct {
	mu sync.RWMutex
	m  map[pairKey][2]core.UserID
}

type pairKey struct {
	app core.AppID
	key core.ChannelKey
}

// maxPairs bounds the cache; a full one starts afresh.
const maxPairs = 1 << 16

func newPairCache() *pairCache { return &pairCache{m: map[pairKey][2]core.UserID{}} }

func (c *pairCache) get(k pairKey) ([2]core.UserID, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	p, ok := c.m[k]
	return p, ok
}

func (c *pairCache) put(k pairKey, p [2]core.UserID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.m) >= maxPairs {
		clear(c.m)
	}
	c.m[k] = p
}

// directKey is the key of the conversation of two people.
func directKey(a, b core.UserID) core.ChannelKey {
	return core.KeyOf(core.DefaultType, core.DirectID([]core.UserID{a, b}))
}

// server is the actor with the trust of an app that acts for nobody.
func server(app core.AppID) core.Actor { return core.Actor{App: app, Access: core.AccessServer} }

// pairOf finds the two people of a Direct channel; ok is false for a Direct of another number of
// people, which is shown as a group.
func (d *Dialect) pairOf(ctx context.Context, app core.AppID, c *core.Channel) (p [2]core.UserID, ok bool, err error) {
	if c.Kind != core.KindDirect {
		return p, false, nil
	}
	k := pairKey{app, c.Key}
	if p, ok = d.pairs.get(k); ok {
		return p, true, nil
	}
	ms, err := d.core.Channels.Members(ctx, server(app), core.QueryMembers{Key: c.Key, Page: core.Page{Limit: 3}})
	if err != nil || len(ms) != 2 {
		return p, false, err
	}
	p = [2]core.UserID{ms[0].User, ms[1].User}
	if p[1] < p[0] {
		p[0], p[1] = p[1], p[0]
	}
	if directKey(p[0], p[1]) != c.Key {
		return p, false, nil
	}
	d.pairs.put(k, p)
	return p, true, nil
}

// venueOf builds the venue of a channel's messages as the viewer sees them; nobody for events.
func (d *Dialect) venueOf(ctx context.Context, app core.AppID, viewer core.UserID, c *core.Channel) (*venue, error) {
	p, ok, err := d.pairOf(ctx, app, c)
	if err != nil {
		return nil, err
	}
	if !ok {
		return &venue{viewer: viewer, group: c}, nil
	}
	return d.directVenue(ctx, app, viewer, p[0], p[1])
}

// directVenue builds the venue of a conversation of two.
func (d *Dialect) directVenue(ctx context.Context, app core.AppID, viewer, a, b core.UserID) (*venue, error) {
	if b < a {
		a, b = b, a
	}
	us, err := d.core.Users.Get(ctx, server(app), core.GetUsers{IDs: []core.UserID{a, b}})
	if err != nil {
		return nil, err
	}
	v := &venue{viewer: viewer, pair: [2]*core.User{{ID: a}, {ID: b}}}
	for i := range us {
		for j := range v.pair {
			if v.pair[j].ID == us[i].ID {
				v.pair[j] = &us[i]
			}
		}
	}
	return v, nil
}

// receipts fills in how far a conversation of two has been delivered and read.
func (d *Dialect) receipts(ctx context.Context, app core.AppID, v *venue) error {
	if v.group != nil || v.viewer == "" {
		return nil
	}
	ms, err := d.core.Channels.Members(ctx, server(app), core.QueryMembers{Key: directKey(v.pair[0].ID, v.pair[1].ID), Page: core.Page{Limit: 2}})
	if fault.IsReason(err, fault.GroupNotFound) {
		return nil
	}
	for i := range ms {
		if ms[i].User == v.viewer {
			v.read.own = ms[i]
		} else {
			v.read.peer = ms[i]
		}
	}
	return err
}

// conversation is what an id of the vendor names.
type conversation struct {
	group core.ChannelKey
	a, b  core.UserID // where group is empty
}

// key is the channel of the conversation.
func (c conversation) key() core.ChannelKey {
	if c.group != "" {
		return c.group
	}
	return directKey(c.a, c.b)
}

// conversationsNamed reads a conversation id. Uids may hold the separator themselves, so there can
// be several readings; those of a pair are in ascending order.
func conversationsNamed(id string) []conversation {
	if g, ok := strings.CutPrefix(id, "group_"); ok && g != "" {
		return []conversation{{group: core.ChannelKey(g)}}
	}
	const sep = "_user_"
	var out []conversation
	for at := 0; ; {
		i := strings.Index(id[at:], sep)
		if i < 0 {
			return out
		}
		at += i
		a, b := core.UserID(id[:at]), core.UserID(id[at+len(sep):])
		if a != "" && b != "" && a < b {
			out = append(out, conversation{a: a, b: b})
		}
		at++
	}
}
