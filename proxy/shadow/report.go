package shadow

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"dragoman/core"
)

// Report tells how far one app in one dialect is ready for the next step.
type Report struct {
	App     string    `json:"app"`
	Dialect string    `json:"dialect"`
	Since   time.Time `json:"since"` // when counting began
	// Ready says that nothing speaks against a change of the side that answers; Reasons is what does.
	Ready      bool        `json:"ready"`
	Reasons    []string    `json:"reasons,omitempty"`
	Operations []Operation `json:"operations"`
	Fed        Fed         `json:"fed"`
	Mirrored   Mirrored    `json:"mirrored"`
}

// Operation is what became of the calls of one operation.
type Operation struct {
	Name      string         `json:"name"` // empty for calls that no table of ours knows
	Calls     int            `json:"calls"`
	Equal     int            `json:"equal"`
	Different int            `json:"different"`
	Other     map[string]int `json:"other,omitempty"` // calls that were not compared, by the reason
	Examples  []Example      `json:"examples,omitempty"`
}

// Example is one call whose answers differed. Texts are hidden.
type Example struct {
	At          time.Time    `json:"at"`
	RequestID   string       `json:"request_id"`
	Count       int          `json:"count"` // of differences
	Differences []difference `json:"differences"`
}

// Fed is what the core has learnt.
type Fed struct {
	New     int            `json:"new"`
	Changed int            `json:"changed"`
	Known   int            `json:"known"`
	Refused int            `json:"refused"`
	Reasons map[string]int `json:"reasons,omitempty"` // of refusals, at most 20
	Unread  int            `json:"unread"`            // parts of traffic that could not be read
	Dropped int            `json:"dropped"`           // pieces of traffic that found no place
	Waiting int            `json:"waiting"`
	Links   int            `json:"links"` // live links that are heard
	Gaps    int            `json:"gaps"`  // known to be missing
	Missed  bool           `json:"missed"`
}

// Mirrored is what was sent to the vendor.
type Mirrored struct {
	Waiting int `json:"waiting"`
	Sent    int `json:"sent"`
	Lost    int `json:"lost"` // writes that the vendor does not have
}

// Reports tells of every app and dialect that was shadowed since the start, sorted by name; of one app
// or one dialect where these are named.
func (s *Shadow) Reports(app, dialect string) []Report {
	s.mu.Lock()
	var ps []*pair
	for k, p := range s.pairs {
		if (app == "" || app == p.app()) && (dialect == "" || dialect == k.dialect) {
			ps = append(ps, p)
		}
	}
	s.mu.Unlock()
	out := make([]Report, len(ps))
	for i, p := range ps {
		out[i] = p.report()
	}
	slices.SortFunc(out, func(a, b Report) int { return strings.Compare(a.App+"\x00"+a.Dialect, b.App+"\x00"+b.Dialect) })
	return out
}

// Reset begins to count anew, for an app and a dialect or, where they are empty, for all.
func (s *Shadow) Reset(app, dialect string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, p := range s.pairs {
		if (app == "" || app == p.app()) && (dialect == "" || dialect == k.dialect) {
			p.book.reset()
		}
	}
}

// Settle waits until everything queued for an app and a dialect is done and what was missed is looked
// for, as before a change of the side that answers.
func (s *Shadow) Settle(ctx context.Context, app core.AppID, dialect string) error {
	p := s.pair(app, "", dialect)
	if p == nil {
		return nil
	}
	return p.settle(ctx)
}

// settle drains both queues and fills what is known to be missing.
func (p *pair) settle(ctx context.Context) error {
	if err := p.feed.drain(ctx); err != nil {
		return fmt.Errorf("shadow: the core has not learnt everything yet: %w", err)
	}
	for {
		if _, missed := p.feed.gaps(); !missed {
			break
		}
		if !p.feed.pause(ctx, sweepWait/5) {
			return fmt.Errorf("shadow: what was missed is not filled yet: %w", ctx.Err())
		}
	}
	if err := p.feed.drain(ctx); err != nil {
		return fmt.Errorf("shadow: the core has not learnt everything yet: %w", err)
	}
	if err := p.mirror.drain(ctx); err != nil {
		return fmt.Errorf("shadow: the vendor has not been told everything yet: %w", err)
	}
	return nil
}

// tooLate is how long something may wait before the side that follows counts as behind.
const tooLate = 2 * time.Second

// report reads the book.
func (p *pair) report() Report {
	r := p.book.read()
	r.App, r.Dialect = p.app(), p.key.dialect
	f := p.feed
	f.mu.Lock()
	r.Fed.Dropped, r.Fed.Waiting, r.Fed.Links, r.Fed.Gaps, r.Fed.Missed = f.dropped, len(f.queue), f.links, len(f.open), !f.since.IsZero()
	f.mu.Unlock()
	behind := f.late(tooLate)
	r.Mirrored = p.mirror.state()
	for _, x := range []struct {
		n   int
		why string
	}{
		{r.Fed.Gaps, "gaps that could not be filled from the vendor"},
		{r.Fed.Refused, "things that the core could not take over"},
		{r.Fed.Unread, "parts of the traffic that could not be read"},
		{r.Mirrored.Lost, "writes that the vendor does not have"},
	} {
		if x.n > 0 {
			r.Reasons = append(r.Reasons, fmt.Sprintf("%d %s", x.n, x.why))
		}
	}
	if behind {
		r.Reasons = append(r.Reasons, fmt.Sprintf("%d pieces of traffic wait to be learnt, the first for more than %s", r.Fed.Waiting, tooLate))
	}
	if p.mirror.behind(p.s.o.Now()) {
		r.Reasons = append(r.Reasons, fmt.Sprintf("%d writes wait to be sent to the vendor, the first for more than %s", r.Mirrored.Waiting, tooLate))
	}
	if r.Fed.Missed {
		r.Reasons = append(r.Reasons, "something may have been missed and is not looked for yet")
	}
	compared := 0
	for i := range r.Operations {
		o := &r.Operations[i]
		compared += o.Equal + o.Different
		if o.Different > 0 {
			r.Reasons = append(r.Reasons, fmt.Sprintf("%s: %d of %d answers differ", o.Name, o.Different, o.Equal+o.Different))
		}
		if n := o.Other[unasked]; n > 0 {
			r.Reasons = append(r.Reasons, fmt.Sprintf("%s: the other side did not answer %d times", o.Name, n))
		}
	}
	if compared == 0 {
		r.Reasons = append(r.Reasons, "no answers were compared yet")
	}
	r.Ready = len(r.Reasons) == 0
	return r
}
