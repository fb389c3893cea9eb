package remote_test

import (
	"errors"
	"testing"

	"dragoman/core"
	"dragoman/core/fault"
)

func TestCodeRunsWhereItLives(t *testing.T) {
	n := startNode(t, "a")
	k := client(t, nil, n).Core()
	n.settings = core.AppSettings{WebhookURL: "https://old", WebhookEvents: []string{}, Extra: core.Extra(`{"a": 1}`)}
	runs := 0
	app, err := k.Apps.Update(t.Context(), ann, core.UpdateApp{Change: func(s *core.AppSettings) error {
		runs++
		if s.WebhookURL != "https://old" || s.WebhookEvents == nil || string(s.Extra) != `{"a": 1}` {
			t.Errorf("the code is given %+v", s)
		}
		s.WebhookURL = "https://new"
		return nil
	}})
	if err != nil || runs != 1 || app.Settings.WebhookURL != "https://new" || n.settings.WebhookURL != "https://new" || n.settings.WebhookEvents == nil {
		t.Errorf("%v, %d runs: %+v", err, runs, n.settings)
	}
	mine := errors.New("no")
	if _, err := k.Apps.Update(t.Context(), ann, core.UpdateApp{Change: func(s *core.AppSettings) error {
		s.WebhookURL = "https://never"
		return mine
	}}); err != mine || n.settings.WebhookURL != "https://new" { //nolint:errorlint // it is that very error
		t.Errorf("code that fails: %v, %s", err, n.settings.WebhookURL)
	}
}

// What others change between the two rounds is not overwritten: the code is asked again.
func TestCodeIsAskedAgainWhenTheValueHasChanged(t *testing.T) {
	n := startNode(t, "a")
	k := client(t, nil, n).Core()
	others := 3
	n.between = func() {
		if others--; others >= 0 {
			n.settings.Caps.Friends += 10
		}
	}
	runs := 0
	app, err := k.Apps.Update(t.Context(), ann, core.UpdateApp{Change: func(s *core.AppSettings) error {
		runs++
		s.Caps.Friends++
		return nil
	}})
	if err != nil || app.Settings.Caps.Friends != 31 || runs != 4 {
		t.Errorf("%v: %d friends after %d runs", err, app.Settings.Caps.Friends, runs)
	}
	n.between = func() { n.settings.Caps.Friends++ }
	if _, err := k.Apps.Update(t.Context(), ann, core.UpdateApp{Change: func(*core.AppSettings) error { return nil }}); !fault.IsReason(err, fault.RequestConflict) {
		t.Errorf("a value that never rests: %v", err)
	}
}

// A value that the command makes itself, at the moment it runs, is the same value in the next round.
func TestTimesOfTheCommandItselfAreNoChange(t *testing.T) {
	n := startNode(t, "a")
	k := client(t, nil, n).Core()
	runs := 0
	out, err := k.Types.Put(t.Context(), ann, core.PutType{Name: "x", Create: true, Change: func(c *core.ChannelType) error {
		runs++
		c.Features[core.FeatureTyping] = true // in place, as code may
		c.MaxLength = 7
		return nil
	}})
	if err != nil || runs != 1 || !out.Features[core.FeatureTyping] || !out.Features[core.FeatureReads] || out.MaxLength != 7 || out.CreatedAt.IsZero() {
		t.Errorf("%v, %d runs: %+v", err, runs, out)
	}
}
