package agora_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"dragoman/adapters/agora"
	"dragoman/core/fault"
	"dragoman/normalize"
)

// born makes a document in this dialect.
func born(r *fault.Reason, variant string) *normalize.Problem {
	return normalize.New(r.Error("").With(variant), normalize.OriginCore, agora.Catalog())
}

func TestCatalogsHaveEveryRow(t *testing.T) {
	if r, s := agora.Catalog().Len(), agora.SDKCatalog().Len(); r != 56 || s != 77 {
		t.Errorf("%d and %d rows, want 56 and 77", r, s)
	}
}

func TestEncodeErrorIsExact(t *testing.T) {
	stamp := regexp.MustCompile(`"timestamp":\d{13},`)
	cases := []struct {
		p      *normalize.Problem
		status int
		want   string
	}{
		{born(fault.GroupOwnerProtected, ""), 403, `{"error":"forbidden_op","timestamp":0,"duration":0,"error_description":"Forbidden operation on group owner!"}`},
		{born(fault.UserNotFound, ""), 404, `{"error":"service_resource_not_found","exception":"UserNotFoundException","timestamp":0,"duration":0,"error_description":"Service resource not found."}`},
		{born(fault.RateLimited, "presence_queries"), 400, `{"result":"too many queries","timestamp":0,"duration":0,"error_description":"too many queries"}`},
		{born(fault.UpstreamTimeout, ""), 504, `{"error":"gateway_timeout","timestamp":0,"duration":0,"error_description":"Gateway Timeout"}`},
		{born(fault.ThreadNotFound, ""), 404, `{"error":"service_resource_not_found","exception":"com.easemob.group.exception.ServiceResourceNotFoundException","timestamp":0,"duration":0,"error_description":"The thread does not exist.","error_code":40011}`},
	}
	for _, c := range cases {
		n := agora.EncodeError(c.p)
		got := stamp.ReplaceAllString(string(n.Body), `"timestamp":0,`)
		if c.p.Reason == fault.ThreadNotFound { // the SDK must not take it for a missing group
			c.want = strings.Replace(c.want, "The thread does not exist.", "The thread is not there.", 1)
		}
		if got != c.want || n.Status != c.status {
			t.Errorf("%d\ngot  %s\nwant %s", n.Status, got, c.want)
		}
	}
}

func TestEncodeErrorOfEveryReasonIsAnObject(t *testing.T) {
	for _, r := range fault.All() {
		n := agora.EncodeError(born(r, ""))
		if !json.Valid(n.Body) || gjson.GetBytes(n.Body, "error_description").String() == "" {
			t.Errorf("%s: %s", r, n.Body)
		}
	}
}

// TestOwnSentencesTripNoRule: a row that is only the nearest one must not look like another error
// to the web SDK.
func TestOwnSentencesTripNoRule(t *testing.T) {
	rules := []string{"does not exist", "doesn't exist!", "user not found", "service not open!", "are not members of this group", "do not find this group", "contact max count", "group is disabled"}
	for _, r := range fault.All() {
		row, fit, _ := agora.Catalog().Emission(r)
		own, _ := agora.Catalog().Row(row.ID)
		if fit == normalize.FitExact || row.Message != own.Message {
			continue
		}
		text := gjson.GetBytes(agora.EncodeError(born(r, "")).Body, "error_description").String()
		for _, rule := range rules {
			if strings.Contains(text, rule) {
				t.Errorf("%s says %q, which the SDK takes for something else", r, text)
			}
		}
	}
}

func TestRetryAfterOnlyWhereItHelps(t *testing.T) {
	for _, c := range []struct {
		r    *fault.Reason
		want string
	}{{fault.RateLimited, "3"}, {fault.PlanQuotaExceeded, ""}, {fault.ServerUnavailable, "3"}, {fault.UserNotFound, ""}} {
		p := normalize.New(c.r.Error("").After(2500e6), normalize.OriginCore, agora.Catalog())
		n := agora.EncodeError(p)
		if got := n.Get("Retry-After"); got != c.want {
			t.Errorf("%s: Retry-After %q, want %q", c.r, got, c.want)
		}
	}
}

func TestSendStatusUsesTextsTheSDKKnows(t *testing.T) {
	cases := []struct {
		r       *fault.Reason
		variant string
		want    agora.Status
	}{
		{fault.BlockByPeer, "", agora.Status{Code: 1, Reason: "blocked"}},
		{fault.GroupMuted, "user", agora.Status{Code: 15, Reason: "user is mute"}},
		{fault.GroupMuted, "all", agora.Status{Code: 1, Reason: "not in group or chatroom white list"}},
		{fault.ModerationRejected, "webhook", agora.Status{Code: 19, Reason: "custom logic denied"}},
		{fault.GroupNotFound, "room", agora.Status{Code: 1, Reason: "grpID 17 does not exist!"}},
		{fault.ThreadNotFound, "", agora.Status{Code: 1, Reason: "operation failed"}},
	}
	for _, c := range cases {
		p := born(c.r, c.variant)
		p.Params = []normalize.Param{{Name: "group_id", Value: "17"}}
		if got := agora.SendStatus(p); got != c.want {
			t.Errorf("%s/%s: %+v, want %+v", c.r, c.variant, got, c.want)
		}
	}
	known := map[string]bool{"traffic limit": true, "Sorry, data is too large": true, "user is mute": true, "sensitive words": true}
	for _, r := range fault.All() {
		if s := agora.SendStatus(born(r, "")); s.Code == 0 || s.Code == 7 && !known[s.Reason] {
			t.Errorf("%s: %+v would never settle, or look like success", r, s)
		}
	}
}

func TestLoginStatusAndKick(t *testing.T) {
	if s := agora.LoginStatus(born(fault.AuthTokenExpired, "")); s.Reason != "Sorry, token expired" || s.Code != 1 {
		t.Errorf("%+v", s)
	}
	if s := agora.LoginStatus(born(fault.PermissionDenied, "")); s.Code != 2 {
		t.Errorf("%+v", s)
	}
	for variant, want := range map[string]int32{"user_removed": 1, "other_login": 2, "password_changed": 3, "other_device": 4} {
		if got := agora.KickOperation(born(fault.SessionKicked, variant)); got != want {
			t.Errorf("%s: %d, want %d", variant, got, want)
		}
	}
	if agora.KickOperation(born(fault.UserNotFound, "")) != 0 {
		t.Error("an ordinary error ends the session")
	}
}
