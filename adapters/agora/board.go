package agora

import (
	"context"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
)

// boardRoutes are the operations on announcements.
func (s *space) boardRoutes() []adapters.Route {
	return []adapters.Route{
		here(s, full, "GET", "/announcement", "getAnnouncementOf", s.announcement, encodeAnnouncement),
		here(s, full, "POST", "/announcement", "announceIn", s.announce, encodeAnnounced),
	}
}

func (s *space) announcement(_ context.Context, at *spot, _ *adapters.Request) (string, error) {
	return at.view.Channel.Rules().Announcement, nil
}

func encodeAnnouncement(a *answer, _ *spot, text string) {
	a.Object("data")
	a.Text("announcement", text)
	a.Close()
}

func (s *space) announce(ctx context.Context, at *spot, rq *adapters.Request) (none, error) {
	r, err := body(rq)
	if err != nil {
		return none{}, err
	}
	if _, ok := r.Look("announcement"); !ok {
		return none{}, fault.RequestMissingField.Error("announcement is null")
	}
	text := r.TextMax("announcement", maxAnnouncement)
	if err := r.Err(); err != nil {
		return none{}, err
	}
	_, err = s.d.core.Board.Announce(ctx, at.by, core.Announce{Key: at.key(), Text: text})
	return none{}, at.fail(err, "")
}

func encodeAnnounced(a *answer, s *spot, _ none) {
	a.Object("data")
	a.Text("id", numberOf(&s.view.Channel))
	a.Bool("result", true)
	a.Close()
}
