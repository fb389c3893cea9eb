package native

import (
	"context"
	"reflect"
	"time"

	"dragoman/adapters"
	"dragoman/core"
)

// App is what may be known of an app.
type App struct {
	Name                string    `json:"name"`
	Teams               bool      `json:"teams,omitempty"`
	GuestsDisabled      bool      `json:"guests_disabled,omitempty"`
	PermissionsDisabled bool      `json:"permissions_disabled,omitempty"`
	RevokeTokensBefore  time.Time `json:"revoke_tokens_before,omitzero"`
	CreatedAt           time.Time `json:"created_at"`
}

func appOf(a *core.App) App {
	s := &a.Settings
	return App{a.Name, s.Teams, s.GuestsDisabled, s.DisablePermissions, s.RevokeTokensBefore, a.CreatedAt}
}

// problem describes the unified document for the OpenAPI document; package normalize writes it.
type problemBody struct {
	Type       string      `json:"type" doc:"urn:dragoman:error: and the code."`
	Title      string      `json:"title" doc:"The same sentence for every error of the code."`
	Status     int         `json:"status"`
	Detail     string      `json:"detail" doc:"What went wrong this time."`
	Instance   string      `json:"instance,omitempty"`
	Code       string      `json:"code" doc:"One of a fixed list: see docs/errors.md."`
	Variant    string      `json:"variant"`
	Class      string      `json:"class"`
	Retryable  string      `json:"retryable"`
	RetryAfter *int        `json:"retry_after" doc:"Seconds, or null."`
	RetryHint  string      `json:"retry_hint"`
	Fault      string      `json:"fault" doc:"Who has to act: client, server or infra."`
	Origin     string      `json:"origin"`
	RequestID  string      `json:"request_id,omitempty"`
	TraceID    string      `json:"trace_id,omitempty"`
	Errors     []fieldBody `json:"errors,omitempty" doc:"The fields that are wrong."`
}

type fieldBody struct {
	Pointer string `json:"pointer" doc:"JSON pointer into the body, or ?name of the query."`
	Detail  string `json:"detail"`
	Code    string `json:"code"`
}

// Types that have no operation built by op.
var (
	problemType  = reflect.TypeFor[problemBody]()
	typeUpload   = reflect.TypeFor[uploadQuery]()
	typeFile     = reflect.TypeFor[File]()
	typeFilePath = reflect.TypeFor[filePath]()
	typeNone     = reflect.TypeFor[none]()
)

func (d *Dialect) appRows() []row {
	spec := row{in: shapeOf(typeNone), out: shapeOf(typeNone), raw: "application/json", Route: adapters.Route{
		Method: "GET", Path: "/v1/openapi.json", Name: "openapi", Gate: adapters.GateOpen, Doc: "This document.",
		Serve: func(_ context.Context, _ core.Actor, _ *adapters.Request, rs *adapters.Response) error {
			rs.Body = d.spec
			rs.Set("Cache-Control", "public, max-age=300")
			return nil
		},
	}}
	return []row{
		spec,
		op("GET", "/v1/app", "getApp", "What the app is set to.", func(ctx context.Context, c *call, _ *none) (App, error) {
			a, err := d.settings(ctx, c.by.App)
			return appOf(&a), err
		}).server(),
		op("PATCH", "/v1/app", "changeApp", "Changes settings of the app.", func(ctx context.Context, c *call, in *struct {
			GuestsDisabled      *bool      `json:"guests_disabled"`
			PermissionsDisabled *bool      `json:"permissions_disabled" doc:"Everybody may do everything."`
			RevokeTokensBefore  *time.Time `json:"revoke_tokens_before" doc:"Tokens issued earlier are expired."`
		}) (App, error) {
			a, err := d.core.Apps.Update(ctx, c.by, core.UpdateApp{Change: func(s *core.AppSettings) error {
				set(&s.GuestsDisabled, in.GuestsDisabled)
				set(&s.DisablePermissions, in.PermissionsDisabled)
				set(&s.RevokeTokensBefore, in.RevokeTokensBefore)
				return nil
			}})
			return appOf(&a), err
		}).server(),
	}
}
