package nexconn_test

import (
	"strconv"
	"testing"

	"dragoman/adapters/adaptertest"
	"dragoman/core"
)

// The rows of a server that is in trouble itself.
func TestRowsOfFailures(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	a.community("c")
	const stream = `{"fromUserId":"alice","toUserId":"bob","messageType":"RC:StreamMsg","content":{"content":"x","seq":1,"complete":false}}`
	a.send("alice", "bob", "x") // their conversation exists
	for _, f := range []struct {
		id, path, body string
		fault          func() func()
	}{
		{"NX055", "/community-channel/update", `{"channelId":"c","name":"n"}`, a.w.SpoilStore},
		{"NX131", "/direct-channel/message/stream/send", stream, a.w.SpoilStore},
		{"NX071", "/direct-channel/message/send", `{"fromUserId":"alice","toUserIds":["bob"],` + text + `}`, a.w.SpoilStore},
		{"NX009", "/user/update", `{"userId":"alice","name":"n"}`, a.w.CrashStore},
		{"NX028", "/user/update", `{"userId":"alice","name":"n"}`, a.w.BreakStore},
	} {
		t.Run(f.id, func(t *testing.T) {
			mend := f.fault()
			r := (&api{t: t, w: a.w}).call(f.path, f.body)
			mend()
			expect(t, r, f.id)
		})
	}
}

// Rows that take a setting no call of this vendor makes.
func TestRowsOfSettings(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	t.Run("NX022", func(t *testing.T) {
		a := &api{t: t, w: a.w}
		id := a.send("alice", "bob", "x")
		_, err := a.w.Core.Types.Put(t.Context(), a.server(), core.PutType{Name: core.DefaultType, Change: func(c *core.ChannelType) error {
			c.Features[core.FeatureQuotes] = false
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		expect(t, a.call("/direct-channel/message/send", `{"fromUserId":"bob","toUserIds":["alice"],"messageType":"RC:ReferenceMsg","content":"{\"content\":\"y\",\"referMsgUid\":\"`+id+`\"}"}`), "NX022")
	})
	t.Run("NX074", func(t *testing.T) {
		a := &api{t: t, w: a.w}
		a.must("/user/ban", `{"userIds":["dave"],"durationMinutes":5}`)
		expect(t, a.call("/direct-channel/message/send", `{"fromUserId":"dave","toUserIds":["bob"],`+text+`}`), "NX074")
	})
}

// The rows that are bare HTTP statuses, each on an answer of its own.
func TestStatuses(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	limited := newAPI(t, adaptertest.Setup{Quota: 5})
	off := newAPI(t, adaptertest.Setup{}, "services_off", "community")
	down := newAPI(t, adaptertest.Setup{})
	for id, s := range map[string]struct {
		status int
		run    func() reply
	}{
		"NX001": {200, func() reply { return a.call("/user/get", `{"userId":"alice"}`) }},
		"NX002": {400, func() reply { return a.call("/user/get", `[]`) }},
		"NX003": {401, func() reply { return a.raw("POST", "/v4/user/get", `{}`) }},
		"NX004": {403, func() reply {
			a.group("g")
			return a.call("/group-channel/leave", `{"channelId":"g","userIds":["alice"]}`)
		}},
		"NX005": {404, func() reply { return a.call("/none", `{}`) }},
		"NX006": {405, func() reply { return a.raw("GET", "/v4/user/get", "") }},
		"NX007": {429, func() reply {
			var r reply
			for range 70 {
				r = limited.call("/system-channel/message/broadcast/delete", `{}`)
			}
			return r
		}},
		"NX008": {430, func() reply { return off.call("/community-channel/dismiss", `{"channelId":"c"}`) }},
		"NX010": {504, func() reply {
			mend := down.w.BreakStore()
			defer mend()
			return down.call("/user/update", `{"userId":"alice","name":"n"}`)
		}},
	} {
		t.Run(id, func(t *testing.T) {
			if r := s.run(); r.status != s.status {
				t.Errorf("status %d with %.200s, want %s", r.status, r.body.Raw, strconv.Itoa(s.status))
			}
		})
	}
}
