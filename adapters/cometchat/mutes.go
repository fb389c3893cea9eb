package cometchat

import (
	"context"
	"time"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// muteRoutes are the operations on muted conversations. Nothing is pushed here; what is muted is kept
// for the person's devices and for servers that push.
func (d *Dialect) muteRoutes() []adapters.Route {
	const path = "/notifications/push/v1/preferences/mute"
	return []adapters.Route{
		op("PUT", path, "muteConversations", d.mute(true), done("Conversations muted successfully.")),
		op("DELETE", path, "unmuteConversations", d.mute(false), done("Conversations unmuted successfully.")),
		op("GET", path, "getMutedConversations", d.listMuted, encodeMuted),
	}
}

// Kinds of muted conversations, and the core's word for that they are.
const (
	muteDirect = "oneOnOne"
	muteGroup  = "group"
	quietMuted = "muted"
)

// maxMutes bounds the conversations of one request.
const maxMutes = 100

// muteWish is one conversation of a request.
type muteWish struct {
	group bool
	id    string
	until time.Time
}

// readMutes reads the conversations of a body. Times are in milliseconds; SDKs of a former version
// sent seconds.
func readMutes(r *wire.Reader) (out []muteWish) {
	r.EachObject("conversations", maxMutes, func(_ int, o *wire.Reader) {
		m := muteWish{id: o.Need("id")}
		switch kind := o.Need("type"); kind {
		case muteGroup:
			m.group = true
		case muteDirect:
		default:
			o.Fail("type", "must be oneOnOne or group.", fault.RequestInvalidField)
		}
		if at := int64(o.Int("until", 0, 1<<50)); at > 1e11 {
			m.until = time.UnixMilli(at)
		} else if at > 0 {
			m.until = time.Unix(at, 0)
		}
		out = append(out, m)
	})
	if len(out) == 0 {
		r.Fail("conversations", "The conversations field is required.", fault.RequestMissingField)
	}
	return out
}

// mute mutes conversations for the person, or ends that.
func (d *Dialect) mute(on bool) func(context.Context, core.Actor, *adapters.Request) (struct{}, error) {
	return func(ctx context.Context, by core.Actor, rq *adapters.Request) (none struct{}, err error) {
		if err := needUser(by); err != nil {
			return none, err
		}
		by = reader(by)
		r, err := body(rq)
		if err != nil {
			return none, invalid(err)
		}
		list := readMutes(&r)
		if err := r.Err(); err != nil {
			return none, invalid(err)
		}
		for _, m := range list {
			if err := d.muteOne(ctx, by, m, on); err != nil {
				return none, err
			}
		}
		return none, nil
	}
}

// muteOne changes one conversation. Two people may mute each other before they have spoken.
func (d *Dialect) muteOne(ctx context.Context, by core.Actor, m muteWish, on bool) error {
	put := core.PutSettings{Change: func(s *core.ConversationSettings) error {
		s.Quiet, s.QuietTill = "", time.Time{}
		if on {
			s.Quiet, s.QuietTill = quietMuted, m.until
		}
		return nil
	}}
	if m.group {
		if _, err := d.memberOf(ctx, by, core.ChannelKey(m.id)); err != nil {
			return err
		}
		put.Scope.Key = core.ChannelKey(m.id)
		_, err := d.core.Conversations.Put(ctx, by, put)
		return err
	}
	u, err := d.person(ctx, by.App, core.UserID(m.id))
	if err != nil {
		return err
	}
	put.Scope.Key = directKey(by.User, u.ID)
	if _, err = d.core.Conversations.Put(ctx, by, put); fault.IsReason(err, fault.GroupNotFound) {
		if !on {
			return nil
		}
		if err = d.openDirect(ctx, by, u.ID); err == nil {
			_, err = d.core.Conversations.Put(ctx, by, put)
		}
	}
	return err
}

func (d *Dialect) listMuted(ctx context.Context, by core.Actor, _ *adapters.Request) ([]muteWish, error) {
	if err := needUser(by); err != nil {
		return nil, err
	}
	by = reader(by)
	quiet, err := d.core.Conversations.Quiet(ctx, by, core.ListQuiet{})
	if err != nil {
		return nil, err
	}
	out := make([]muteWish, 0, len(quiet))
	for i := range quiet {
		q := &quiet[i]
		st, err := d.core.Channels.Open(ctx, behalf(by), core.OpenChannel{Type: typeOf(q.Key), ID: idOf(q.Key), MustExist: true})
		if fault.IsReason(err, fault.GroupNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		m := muteWish{group: true, id: string(q.Key), until: q.QuietTill}
		p, direct, err := d.pairOf(ctx, by.App, &st.Channel)
		if err != nil {
			return nil, err
		}
		if direct {
			if m.group, m.id = false, string(p[0]); p[0] == by.User {
				m.id = string(p[1])
			}
		}
		out = append(out, m)
	}
	return out, nil
}

func encodeMuted(w *wire.Writer, _ *adapters.Request, list []muteWish) {
	w.Object("data")
	w.List("mutedConversations")
	for _, m := range list {
		w.Open()
		w.Text("id", m.id)
		if m.group {
			w.Text("type", muteGroup)
		} else {
			w.Text("type", muteDirect)
		}
		if !m.until.IsZero() {
			w.Int64("until", m.until.UnixMilli())
		}
		w.Close()
	}
	w.CloseList()
	w.Close()
}
