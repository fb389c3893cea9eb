package stream

import (
	"context"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// defaultUpload is the size limit of uploads where the app sets none, in bytes.
const defaultUpload = 100 << 20

// appExtras are settings the core does not act on. They are kept and handed back, so that tools
// that write the whole configuration find it again.
var appExtras = wire.NamesOf("apn_config", "firebase_config", "huawei_config", "xiaomi_config", "push_config",
	"async_url_enrich_enabled", "auto_translation_enabled", "before_message_send_hook_attempt_timeout_ms", "cdn_expiration_seconds",
	"image_moderation_enabled", "image_moderation_labels", "allowed_flag_reasons", "permission_version", "user_search_disallowed_roles",
	"user_response_time_enabled", "video_provider", "async_moderation_config", "moderation_enabled", "chat_primary_use_case",
	"reminders_max_members", "reminders_max_per_user", "channel_hide_members_only", "member_custom_on_messages_enabled")

// queueNames are settings that send events to a vendor's queue. They are refused: an app that sets
// one would wait for events that never come.
var queueNames = []string{"sqs_url", "sns_topic_arn"}

// settingBools and settingTexts map switches and texts of the wire to the app's settings.
var (
	settingBools = []struct {
		name  string
		field func(*core.AppSettings) *bool
	}{
		{"disable_auth_checks", func(s *core.AppSettings) *bool { return &s.DisableAuthChecks }},
		{"disable_permissions_checks", func(s *core.AppSettings) *bool { return &s.DisablePermissions }},
		{"guest_user_creation_disabled", func(s *core.AppSettings) *bool { return &s.GuestsDisabled }},
		{"multi_tenant_enabled", func(s *core.AppSettings) *bool { return &s.Teams }},
		{"suspended", func(s *core.AppSettings) *bool { return &s.Suspended }},
	}
	settingTexts = []struct {
		name  string
		field func(*core.AppSettings) *string
	}{
		{"webhook_url", func(s *core.AppSettings) *string { return &s.WebhookURL }},
		{"before_message_send_hook_url", func(s *core.AppSettings) *string { return &s.BeforeSendURL }},
		{"custom_action_handler_url", func(s *core.AppSettings) *string { return &s.CommandURL }},
		{"suspended_explanation", func(s *core.AppSettings) *string { return &s.SuspendedReason }},
	}
)

// decodeUpdateApp reads a change of settings. Members that are absent keep their value; null takes
// a text, a list or a time back to its default.
func decodeUpdateApp(rq *adapters.Request) (core.UpdateApp, error) {
	r, err := body(rq)
	if err != nil {
		return core.UpdateApp{}, err
	}
	var steps []func(*core.AppSettings)
	do := func(f func(*core.AppSettings)) { steps = append(steps, f) }
	for _, x := range settingBools {
		if v := r.OptBool(x.name); v != nil {
			do(func(s *core.AppSettings) { *x.field(s) = *v })
		}
	}
	for _, x := range settingTexts {
		if v := r.TextMax(x.name, 2048); r.Has(x.name) {
			do(func(s *core.AppSettings) { *x.field(s) = v })
		}
	}
	for _, name := range queueNames {
		if r.Text(name) != "" {
			r.Fail(name, "is not served: events go out by webhook", fault.RequestInvalidField)
		}
	}
	readUniqueNames(&r, do)
	readHooks(&r, do)
	if v := r.Time("revoke_tokens_issued_before"); r.Has("revoke_tokens_issued_before") {
		do(func(s *core.AppSettings) { s.RevokeTokensBefore = v })
	}
	if v := r.Int("reminders_interval", 0, 1<<31-1); r.Has("reminders_interval") {
		do(func(s *core.AppSettings) { s.ReminderInterval = v })
	}
	if v, ok := uploadRules(&r, "file_upload_config"); ok {
		do(func(s *core.AppSettings) { s.FileUpload = v })
	}
	if v, ok := uploadRules(&r, "image_upload_config"); ok {
		do(func(s *core.AppSettings) { s.ImageUpload = v })
	}
	if g := grantsMember(&r); g != nil {
		do(func(s *core.AppSettings) { s.Grants = replaceGrants(s.Grants, g) })
	}
	extra := only(&r, appExtras)
	do(func(s *core.AppSettings) { s.Extra = mergeExtra(s.Extra, extra, nil) })
	in := core.UpdateApp{Change: func(s *core.AppSettings) error {
		for _, step := range steps {
			step(s)
		}
		return nil
	}}
	return in, r.Err()
}

// readUniqueNames reads where display names are unique.
func readUniqueNames(r *wire.Reader, do func(func(*core.AppSettings))) {
	if !r.Has("enforce_unique_usernames") {
		return
	}
	v := r.Text("enforce_unique_usernames")
	switch v {
	case "no":
		v = ""
	case "", "app", "team":
	default:
		r.Fail("enforce_unique_usernames", "must be one of no, app, team", fault.RequestInvalidField)
	}
	do(func(s *core.AppSettings) { s.UniqueNames = v })
}

// uploadRules reads what may be uploaded.
func uploadRules(r *wire.Reader, name string) (core.UploadRules, bool) {
	o, ok := r.Object(name)
	if !ok {
		return core.UploadRules{}, false
	}
	return core.UploadRules{
		AllowedExtensions: o.Texts("allowed_file_extensions", 500),
		BlockedExtensions: o.Texts("blocked_file_extensions", 500),
		AllowedTypes:      o.Texts("allowed_mime_types", 500),
		BlockedTypes:      o.Texts("blocked_mime_types", 500),
		SizeLimit:         int64(o.Int("size_limit", 0, defaultUpload)),
	}, true
}

// only returns the members whose names are in the set as one object, or nil.
func only(r *wire.Reader, names wire.Names) core.Extra {
	drop := wire.Names{}
	for _, f := range r.Fields() {
		if !names.Has(f.Name) {
			drop[f.Name] = struct{}{}
		}
	}
	return r.Rest(drop)
}

// appView is an app with its channel types.
type appView struct {
	app   core.App
	types []core.ChannelType
}

// getApp reads the app, for servers with its channel types.
func (d *Dialect) getApp(ctx context.Context, by core.Actor, in core.GetApp) (out appView, err error) {
	if out.app, err = d.core.Apps.Get(ctx, by, in); err == nil && by.Server() {
		out.types, err = d.core.Types.List(ctx, by, core.ListTypes{})
	}
	return out, err
}

// encodeApp answers the settings. A person's client sees what it needs to know beforehand only.
func encodeApp(w *wire.Writer, rq *adapters.Request, v appView) {
	s := &v.app.Settings
	w.Object("app")
	w.Int64("id", int64(v.app.ID))
	w.Text("name", v.app.Name)
	writeUploadRules(w, "file_upload_config", &s.FileUpload)
	writeUploadRules(w, "image_upload_config", &s.ImageUpload)
	if rq.Caller().Server() {
		writeAppMembers(w, &v)
	}
	w.Close()
}

// writeAppMembers writes what only servers see.
func writeAppMembers(w *wire.Writer, v *appView) {
	s := &v.app.Settings
	w.Text("organization", "")
	w.Text("placement", "")
	for _, x := range settingBools {
		w.Bool(x.name, *x.field(s))
	}
	for _, x := range settingTexts {
		w.Text(x.name, *x.field(s))
	}
	w.Text("enforce_unique_usernames", orElse(s.UniqueNames, "no"))
	w.Texts("webhook_events", s.WebhookEvents)
	writeHooks(w, s.Hooks)
	w.Time("revoke_tokens_issued_before", s.RevokeTokensBefore)
	w.Int("reminders_interval", s.ReminderInterval)
	writeGrants(w, s.Grants)
	w.Object("policies")
	w.Close()
	w.Object("call_types")
	w.Close()
	w.Object("channel_configs")
	for i := range v.types {
		t := &v.types[i]
		w.KeyOf(t.Name)
		w.Open()
		configMembers(w, t)
		w.Texts("commands", t.Commands)
		w.Close()
	}
	w.Close()
	for _, name := range []string{"sqs_url", "sqs_key", "sqs_secret", "sns_topic_arn", "sns_key", "sns_secret"} {
		w.Text(name, "")
	}
	if !hasMember(s.Extra, "permission_version") {
		w.Text("permission_version", "v2")
	}
	writePush(w, s.Extra)
	w.Extra(s.Extra, pushConfigs)
}

// pushConfigs are credentials: they are never handed out again.
var pushConfigs = wire.NamesOf("apn_config", "firebase_config", "huawei_config", "xiaomi_config", "push_config")

// writePush writes which push services have credentials on file.
func writePush(w *wire.Writer, x core.Extra) {
	r, _ := wire.Parse(x)
	push, _ := r.Object("push_config")
	w.Object("push_notifications")
	w.Text("version", orElse(push.Text("version"), "v2"))
	w.Bool("offline_only", push.Bool("offline_only"))
	for _, p := range []string{"apn", "firebase", "huawei", "xiaomi"} {
		o, ok := r.Object(p + "_config")
		w.Object(p)
		w.Bool("enabled", ok && len(o.Fields()) > 0)
		w.Close()
	}
	w.Close()
}

// hasMember reports whether the object has the member.
func hasMember(x core.Extra, name string) bool {
	r, err := wire.Parse(x)
	return err == nil && r.Has(name)
}

// writeUploadRules writes what may be uploaded.
func writeUploadRules(w *wire.Writer, name string, u *core.UploadRules) {
	w.Object(name)
	w.Texts("allowed_file_extensions", u.AllowedExtensions)
	w.Texts("blocked_file_extensions", u.BlockedExtensions)
	w.Texts("allowed_mime_types", u.AllowedTypes)
	w.Texts("blocked_mime_types", u.BlockedTypes)
	size := u.SizeLimit
	if size == 0 {
		size = defaultUpload
	}
	w.Int64("size_limit", size)
	w.Close()
}
