package engine

import (
	"context"
	"fmt"
	"net/url"
	"slices"

	"dragoman/core"
	"dragoman/core/fault"
)

type apps struct{ e *Engine }

// Get reads the caller's app.
func (s apps) Get(ctx context.Context, by core.Actor, _ core.GetApp) (core.App, error) {
	a, err := s.e.app(ctx, by.App)
	if err != nil {
		return core.App{}, translate("apps.get", err)
	}
	return *a, nil
}

// Update changes the settings of the caller's app.
func (s apps) Update(ctx context.Context, by core.Actor, in core.UpdateApp) (core.App, error) {
	e := s.e
	const op = "apps.update"
	var out core.App
	if err := serverOnly(by, "updating the app"); err != nil {
		return out, translate(op, err)
	}
	err := e.update(ctx, op, by.App, 0, func(t *txn) error {
		all, err := t.Apps(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(a core.App) bool { return a.ID == by.App })
		if i < 0 {
			return fault.AppNotFound.Error("")
		}
		out = all[i]
		hooks := len(out.Settings.Hooks)
		if in.Change != nil {
			if err := in.Change(&out.Settings); err != nil {
				return err
			}
		}
		if len(out.Settings.Hooks) > hooks && !out.Settings.Plan.Has(core.PlanWebhooks) {
			return fault.PlanFeatureUnavailable.Error("the plan of the app does not contain webhooks")
		}
		if err := checkSettings(&out.Settings); err != nil {
			return err
		}
		for i := range out.Settings.Hooks {
			if out.Settings.Hooks[i].ID == "" {
				out.Settings.Hooks[i].ID = randomID(12)
			}
		}
		out.UpdatedAt = e.now()
		t.forget(invalidation{App: by.App, Self: true, Types: builtinTypes})
		return t.PutApp(&out)
	})
	return out, err
}

// maxHooks bounds the webhook subscriptions of an app.
const maxHooks = 50

func checkSettings(s *core.AppSettings) error {
	if !slices.Contains([]string{"", "app", "team"}, s.UniqueNames) {
		return fault.RequestInvalidField.Error("enforce_unique_usernames must be no, app or team")
	}
	urls := []string{s.WebhookURL, s.BeforeSendURL, s.CommandURL}
	if len(s.Hooks) > maxHooks {
		return fault.LimitReached.Error(fmt.Sprintf("an app has at most %d event hooks", maxHooks))
	}
	for i := range s.Hooks {
		if s.Hooks[i].URL == "" {
			return fault.RequestInvalidField.Error("an event hook needs a URL")
		}
		urls = append(urls, s.Hooks[i].URL)
	}
	for _, raw := range urls {
		if raw == "" {
			continue
		}
		if u, err := url.Parse(raw); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return fault.RequestInvalidField.Error(fmt.Sprintf("%q is not an http or https URL", raw))
		}
	}
	if s.ReminderInterval < 0 || s.GroupLimit < 0 || min(s.Caps.Joined, s.Caps.Channels, s.Caps.Admins, s.Caps.Friends, s.Caps.Blocked) < 0 || s.FileUpload.SizeLimit < 0 || s.ImageUpload.SizeLimit < 0 {
		return fault.RequestInvalidField.Error("sizes and intervals must not be negative")
	}
	for _, f := range s.Plan.Without {
		if !slices.Contains(core.PlanFeatures, f) {
			return fault.RequestInvalidField.Error(fmt.Sprintf("%q is no feature of a plan", f))
		}
	}
	return checkGrants(s.Grants)
}
