package nexconn

import (
	"context"
	"strings"
	"time"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
)

// Kinds of subscriptions.
const (
	followOnline  = 1
	followProfile = 2
)

// Limits of subscriptions; see https://docs.nexconn.ai, online status.
const (
	maxFollowed  = 1000
	followMost   = 30 * 24 * time.Hour
	followLeast  = time.Minute
	platformWeb  = 3
	presenceMark = 1 // SubData.value of somebody who is online
)

// platforms are the vendor's numbers of platforms.
var platforms = map[string]int{"ios": 1, "android": 2, "web": platformWeb, "browser": platformWeb, "desktop": 4, "electron": 4}

// followInput is UpdateUserSubReq and QrySubDataReq.
type followInput struct {
	kind   int
	users  []core.UserID
	stop   bool
	expiry int
}

func (m *followInput) read(b []byte) error {
	return scan(b, func(f *field) error {
		switch f.num {
		case 1:
			m.kind = f.int()
		case 2:
			return addMessage(&m.users, f.b, func(u *core.UserID, b []byte) error {
				return scan(b, func(f *field) error {
					if f.num == 1 {
						*u = core.UserID(f.str())
					}
					return nil
				})
			})
		case 3:
			m.stop = f.int() == opRemove
		case 4:
			m.expiry = f.int()
		}
		return nil
	})
}

// follow subscribes to the presence of people, or stops.
func follow(ctx context.Context, c *call) (outcome, error) {
	var in followInput
	if err := in.read(c.data); err != nil {
		return outcome{}, err
	}
	if !c.t.has(servicePresence) {
		return outcome{}, fault.ServiceNotEnabled.Error("Presence subscription is off.").With("presence_subscription")
	}
	for len(in.users) > 0 && in.kind == followOnline {
		part := in.users[:min(len(in.users), maxFollowed)]
		in.users = in.users[len(part):]
		_, err := c.d.core.Presences.Subscribe(ctx, c.by, core.SubscribePresence{
			Users: part, Stop: in.stop, For: min(max(time.Duration(in.expiry)*time.Second, followLeast), followMost), Max: c.t.quota("subscriptions", maxFollowed),
		})
		if err != nil {
			return outcome{}, err
		}
	}
	now := c.d.now().UnixMilli()
	return answered(func(p *pb) { p.int(2, now) })
}

// followed answers whose presence the person follows.
func followed(ctx context.Context, c *call) (outcome, error) {
	s, err := c.d.core.Presences.Subscriptions(ctx, c.by, core.ListSubscriptions{Page: core.Page{Limit: maxFollowed}})
	if err != nil {
		return outcome{}, err
	}
	now := c.d.now()
	return answered(func(p *pb) {
		for i := range s.List {
			p.msg(1, func(p *pb) {
				p.msg(1, func(p *pb) { p.text(1, string(s.List[i].User)) })
				p.int(2, followOnline)
				p.int(3, now.UnixMilli())
				p.int(4, int64(max(s.List[i].Expires.Sub(now), 0)/time.Second))
				p.int(5, opAdd)
			})
		}
		p.int(2, now.UnixMilli())
		p.bool(3, false)
		p.bool(5, true)
	})
}

// presences answers how the people are there: those the person follows, or the ones named.
func presences(named bool) topic {
	return func(ctx context.Context, c *call) (outcome, error) {
		var in followInput
		if named {
			if err := in.read(c.data); err != nil {
				return outcome{}, err
			}
		} else {
			s, err := c.d.core.Presences.Subscriptions(ctx, c.by, core.ListSubscriptions{Page: core.Page{Limit: maxFollowed}})
			if err != nil {
				return outcome{}, err
			}
			for i := range s.List {
				in.users = append(in.users, s.List[i].User)
			}
		}
		var list []core.Presence
		if len(in.users) > 0 {
			var err error
			if list, err = c.d.core.Presences.Query(ctx, c.by, core.QueryPresence{Users: in.users[:min(len(in.users), maxFollowed)]}); err != nil {
				return outcome{}, err
			}
		}
		now := c.d.now().UnixMilli()
		return answered(func(p *pb) {
			for i := range list {
				p.msg(1, func(p *pb) { writePresence(p, &list[i], now) })
			}
			p.int(2, now)
			p.bool(3, false)
			p.bool(5, !named)
		})
	}
}

// writePresence is SubDataDetail: the platforms a person is there on.
func writePresence(p *pb, s *core.Presence, now int64) {
	p.text(2, string(s.User))
	on := map[int]bool{}
	for device, status := range s.Devices {
		if status == 0 {
			continue
		}
		n := platformWeb
		for name, number := range platforms {
			if strings.HasPrefix(strings.ToLower(device), name) {
				n = number
			}
		}
		on[n] = true
	}
	for n := range on {
		p.msg(3, func(p *pb) {
			p.int(1, int64(n))
			p.int(2, presenceMark)
			p.int(3, now)
		})
	}
	if len(on) == 0 {
		p.msg(3, func(p *pb) {
			p.int(1, platformWeb)
			p.int(2, 0)
			p.int(3, now)
		})
	}
	p.int(4, followOnline)
}

// tellPresence tells that somebody the person follows has come or gone: on which platforms they are now.
func (l *link) tellPresence(_ context.Context, ev *core.Event, _ place) {
	if ev.Change == nil || ev.Change.Presence == nil {
		return
	}
	data := build(func(p *pb) { writePresence(p, ev.Change.Presence, ev.At.UnixMilli()) })
	l.conn.Send(adapters.BinaryFrame(publish(0, topicPresence, string(l.by.User), 1, ev.At, data)))
}
