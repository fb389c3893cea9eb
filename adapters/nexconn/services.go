package nexconn

import (
	"dragoman/core"
	"dragoman/core/fault"
)

// Services of the vendor that an app may have switched off: in the vendor's console, here in the
// configuration (services_off).
const (
	serviceAllowlist    = "allowlist"
	serviceBlocklist    = "blocklist"
	serviceCommunity    = "community"
	serviceHistory      = "history"
	serviceOpenMetadata = "open_metadata"
	// serviceOpenVisitors tells those in an open channel who comes and goes.
	serviceOpenVisitors = "open_visitors"
	servicePresence     = "presence"
	serviceProfiles     = "profiles"
	serviceRTC          = "rtc"
	// serviceRecallOthers is not a service but a switch: without it people take back only what they
	// wrote themselves.
	serviceRecallOthers = "recall_others"
)

// offVariants are the vendor's numbers of services that are off.
var offVariants = map[string]string{
	serviceAllowlist: "user_allowlist", serviceBlocklist: "user_blocklist", serviceCommunity: "community_channel",
	serviceHistory: "message_storage", serviceOpenMetadata: "open_channel_metadata", servicePresence: "presence_subscription",
	serviceProfiles: "user_profile_hosting", serviceRTC: "rtc",
}

// on answers service.not_enabled where the app has a service switched off.
func (d *Dialect) on(app core.AppID, service string) error {
	if t := d.byApp[app]; t == nil || t.has(service) {
		return nil
	}
	return fault.ServiceNotEnabled.Error("The service is not switched on for this app.").With(offVariants[service])
}
