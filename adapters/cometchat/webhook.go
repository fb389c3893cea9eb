package cometchat

import (
	"context"
	"encoding/base64"
	"net/http"
	"slices"

	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
)

var _ core.Hooks = (*Dialect)(nil)

// hookKind marks the webhooks of this dialect among those of the app.
const hookKind = "trigger"

// Triggers; see https://www.cometchat.com/docs/rest-api/management-apis/webhooks/list-of-triggers.
const (
	triggerSent     = "message_sent"
	triggerMention  = "user_mentioned"
	triggerCreated  = "group_created"
	triggerUpdated  = "group_updated"
	triggerDeleted  = "group_deleted"
	triggerTransfer = "group_owner_transferred"
	triggerOnline   = "user_connection_status_changed"
	triggerRanked   = "group_member_scope_changed"
)

// eventTriggers are the triggers of events that have one.
var eventTriggers = map[core.EventKind]string{
	core.MessageEdited: "message_edited", core.MessageDeleted: "message_deleted", core.ReadMoved: "message_read_receipt",
	core.DeliveredMoved: "message_delivery_receipt", core.UserPresence: triggerOnline,
	core.UserBlocked: "user_blocked", core.UserUnblocked: "user_unblocked",
	core.ReactionAdded: "message_reaction_added", core.ReactionRemoved: "message_reaction_removed",
	core.ChannelCreated: triggerCreated, core.ChannelUpdated: triggerUpdated, core.ChannelDeleted: triggerDeleted,
}

// noticeTriggers are the triggers of what happens to members.
var noticeTriggers = map[core.NoticeKind]string{
	core.NoticeJoined: "group_member_joined", core.NoticeLeft: "group_member_left", core.NoticeAdded: "group_member_added",
	core.NoticeKicked: "group_member_kicked", core.NoticeBanned: "group_member_banned", core.NoticeUnbanned: "group_member_unbanned",
	core.NoticeRanked: triggerRanked,
}

// callTriggers are the triggers of calls by status.
var callTriggers = map[core.CallStatus]string{
	core.CallInitiated: "call_initiated", core.CallOngoing: "call_started", core.CallRejected: "call_rejected", core.CallBusyStatus: "call_busy",
	core.CallCancelled: "call_cancelled", core.CallUnanswered: "call_unanswered", core.CallEndedState: "call_ended",
}

// triggers are all there are, sorted.
func triggers() []string {
	out := []string{triggerBefore, triggerSent, triggerMention, triggerTransfer}
	for _, t := range eventTriggers {
		out = append(out, t)
	}
	for _, t := range noticeTriggers {
		out = append(out, t)
	}
	for _, t := range callTriggers {
		out = append(out, t)
	}
	slices.Sort(out)
	return out
}

// triggersOf are the triggers of one event.
func triggersOf(ev *core.Event) []string {
	if ev.Watchers || ev.Thread != nil || ev.Channel != nil && ev.Channel.Kind == core.KindDirect && ev.Message == nil && ev.Read == nil {
		return nil
	}
	if onlyPin(ev) {
		return nil
	}
	if ev.Kind != core.MessageSent {
		if t := eventTriggers[ev.Kind]; t != "" {
			return []string{t}
		}
		return nil
	}
	switch n := ev.Message.Notice; {
	case n == nil && len(ev.Message.Mentions) > 0:
		return []string{triggerSent, triggerMention}
	case n == nil:
		return []string{triggerSent}
	case n.Kind == core.NoticeRanked && n.New == core.MemberOwner:
		return []string{triggerTransfer}
	case n.Kind == core.NoticeCall && n.Call != nil:
		return []string{callTriggers[n.Call.Status]}
	case noticeTriggers[n.Kind] != "":
		return []string{noticeTriggers[n.Kind]}
	}
	return nil
}

// Requests implements core.Hooks: one call for each webhook and trigger. Deliveries are repeated by
// the core until they are answered.
func (d *Dialect) Requests(app *core.App, ev *core.Event, _ int) []core.HookRequest {
	t, ok := d.byApp[app.ID]
	if !ok || !slices.ContainsFunc(app.Settings.Hooks, func(h core.EventHook) bool { return h.Kind == hookKind && h.Enabled }) {
		return nil
	}
	names := triggersOf(ev)
	if len(names) == 0 {
		return nil
	}
	x := &telling{ev: ev, t: t}
	if ev.Channel != nil {
		ctx, cancel := context.WithTimeout(context.Background(), tellWithin)
		defer cancel()
		v, err := d.venueOf(ctx, ev.App, "", ev.Channel)
		if err != nil {
			return nil
		}
		x.v = v
	}
	var out []core.HookRequest
	for i := range app.Settings.Hooks {
		h := &app.Settings.Hooks[i]
		if h.Kind != hookKind || !h.Enabled {
			continue
		}
		for _, name := range names {
			if slices.Contains(h.Events, name) {
				out = append(out, core.HookRequest{URL: h.URL, Header: hookHeader(h), Body: x.hookBody(name, h.ID)})
			}
		}
	}
	return out
}

// hookHeader says who calls, with a name and a password where the webhook asks for them.
func hookHeader(h *core.EventHook) http.Header {
	out := http.Header{"Content-Type": {"application/json"}}
	v := gjson.ParseBytes(h.Extra)
	if v.Get("useBasicAuth").Bool() {
		pair := v.Get("username").String() + ":" + v.Get("password").String()
		out.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	}
	return out
}

// hookBody writes one call.
func (x *telling) hookBody(trigger, hook string) []byte {
	w := wire.NewWriter(1024)
	w.Open()
	w.Text("trigger", trigger)
	w.Object("data")
	x.hookData(w)
	w.Close()
	w.Text("appId", x.t.appID)
	w.Text("region", x.t.region)
	w.Text("webhook", hook)
	w.Close()
	return w.Bytes()
}

// hookData writes the members of data.
func (x *telling) hookData(w *wire.Writer) {
	ev := x.ev
	switch {
	case ev.Reaction != nil:
		w.Key("reaction")
		writeReaction(w, ev.Reaction)
		w.Key("message")
		writeMessage(w, ev.Message, x.v)
	case ev.Read != nil:
		w.Text("conversationId", x.v.id())
		x.v.receiver(w, ev.Read.User.ID)
		w.Object("body")
		if ev.Kind == core.DeliveredMoved {
			w.Text("action", receiptDelivered)
			w.Text("messageId", ev.Read.DeliveredID.String())
			unix(w, "timestamp", ev.Read.DeliveredAt)
		} else {
			w.Text("action", receiptRead)
			w.Text("messageId", ev.Read.Message.String())
			unix(w, "timestamp", ev.Read.At)
		}
		w.Key("user")
		writeUser(w, &ev.Read.User, userView{})
		w.Close()
	case ev.Kind == core.UserPresence:
		status, action := "offline", "disconnected"
		if ev.User.Online {
			status, action = "online", "connected"
		}
		w.Key("user")
		writeUser(w, ev.User, userView{})
		w.Text("status", status)
		w.Object("currentConnection")
		w.Text("action", action)
		unix(w, "timestamp", ev.At)
		w.Close()
	case ev.Kind == core.UserBlocked, ev.Kind == core.UserUnblocked:
		w.Key("by")
		writeUser(w, ev.User, userView{})
		w.Object("users")
		w.KeyOf(string(ev.Target.ID))
		writeUser(w, ev.Target, userView{})
		w.Close()
	case ev.Message != nil && ev.Kind != core.ChannelUpdated:
		w.Key("message")
		writeMessage(w, ev.Message, x.v)
	default:
		w.Key("group")
		writeGroup(w, ev.Channel, nil)
		if ev.User != nil {
			w.Key("by")
			writeUser(w, ev.User, userView{})
		}
	}
}
