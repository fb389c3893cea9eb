package agora_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"dragoman/adapters/adaptertest"
	"dragoman/adapters/agora"
	"dragoman/core"
)

// row provokes one row of the vendor's error table. text is the vendor's sentence to the letter.
type row struct {
	id, text string
	run      func(a *api) reply
}

// rows are the failures that a request alone can provoke. Each runs in the world as the ones before
// it left it; names are its own.
var rows = []row{
	{"AR001", "Invalid username or password.", func(a *api) reply {
		a.must(a.srv("POST", "/users", `{"username":"r001","password":"right"}`))
		return a.raw("POST", "/org/app/token", `{"grant_type":"password","username":"r001","password":"wrong"}`)
	}},
	{"AR002", "Unexpected character.", func(a *api) reply { return a.srv("POST", "/users", `{"username":`) }},
	{"AR003", "Entity 'user' requires a property named username.", func(a *api) reply { return a.srv("POST", "/users", `{"password":"x"}`) }},
	{"AR004", "Password or pin must provided.", func(a *api) reply {
		token := a.must(a.raw("POST", "/org/app/token", `{"grant_type":"client_credentials","client_id":"client","client_secret":"client-secret"}`)).body.Get("access_token").String()
		return a.raw("POST", "/org/app/users", `{"username":"r004"}`, "Authorization", "Bearer "+token)
	}},
	{"AR005", "New password is required. Old password is required.", func(a *api) reply { return a.srv("PUT", "/users/alice/password", `{}`) }},
	{"AR006", "This is an invalid request.", func(a *api) reply { return a.srv("POST", "/messages/users", `[]`) }},
	{"AR007", "'From' can't be empty.", func(a *api) reply {
		return a.srv("POST", "/messages/users", `{"from":"","to":["bob"],"type":"txt","body":{"msg":"x"}}`)
	}},
	{"AR008", "'Target_type' can only be 'users' or 'chatgroups' or 'chatrooms'.", func(a *api) reply {
		return a.srv("POST", "/messages", `{"target_type":"group","target":["x"],"msg":{"type":"txt","msg":"m"},"from":"a"}`)
	}},
	{"AR009", "a b is not legal.", func(a *api) reply { return a.srv("POST", "/users", `{"username":"a b","password":"x"}`) }},
	{"AR010", "message is too large", func(a *api) reply {
		return a.srv("POST", "/messages/users", `{"from":"alice","to":["bob"],"type":"txt","body":{"msg":"`+strings.Repeat("x", 50_000)+`"}}`)
	}},
	{"AR011", "This 'chatmessage' request is not supported.", func(a *api) reply { return a.srv("GET", "/chatmessages/2018-11-27", "") }},
	{"AR012", "Illegal arguments: appkey: org#app, time: 2018112700, maybe chat message history is expired or unstored.", func(a *api) reply {
		return a.srv("GET", "/chatmessages/2018112700", "")
	}},
	{"AR013", "Some of [groupid] are not valid fields.", func(a *api) reply { return a.srv("PUT", "/chatgroups/"+a.group(), `{"groupid":"x"}`) }},
	{"AR014", "Entity user requires a property named 'username'.", func(a *api) reply {
		return a.srv("PUT", "/users/nobody/password", `{"newpassword":"x"}`)
	}},
	{"AR015", "Application null Entity user requires that property named 'username' be unique, value of alice exists.", func(a *api) reply {
		return a.srv("POST", "/users", `{"username":"Alice","password":"x"}`)
	}},
	{"AR016", "set presence failed", func(a *api) reply {
		a.device("bob", "phone")
		defer a.w.BreakStore()()
		return a.as("bob", "POST", "/users/bob/presence/phone/1", `{"ext":"away"}`)
	}},
	{"AR017", "ext is too big", func(a *api) reply {
		return a.as("alice", "POST", "/users/alice/presence/web/1", `{"ext":"`+strings.Repeat("x", 1025)+`"}`)
	}},
	{"AR018", "resource not exist", func(a *api) reply {
		return a.as("alice", "POST", "/users/alice/presence/nothing/1", `{"ext":"x"}`)
	}},
	{"AR019", "you can't sub yourself", func(a *api) reply {
		return a.as("alice", "POST", "/users/alice/presence/60", `{"usernames":["alice"]}`)
	}},
	{"AR020", "too many sub presence", func(a *api) reply {
		return a.as("alice", "POST", "/users/alice/presence/60", `{"usernames":[`+many(101)+`]}`)
	}},
	{"AR021", "too many get presences", func(a *api) reply {
		return a.as("alice", "POST", "/users/alice/presence", `{"usernames":[`+many(101)+`]}`)
	}},
	{"AR022", "too many unsub presences", func(a *api) reply {
		return a.as("alice", "DELETE", "/users/alice/presence", `[`+many(101)+`]`)
	}},
	{"AR024", "Registration is not open, please contact the app admin.", func(a *api) reply {
		return a.raw("POST", "/org/app/users", `{"username":"r024","password":"x"}`)
	}},
	{"AR025", "Unable to authenticate due to expired access token.", func(a *api) reply {
		return a.raw("GET", "/org/app/users/alice", "", "Authorization", "Bearer "+a.tokenAt("", time.Now().Add(-2*time.Hour)))
	}},
	{"AR026", "Unable to authenticate due to corrupt access token.", func(a *api) reply {
		return a.raw("GET", "/org/app/users/alice", "", "Authorization", "Bearer 007garbage")
	}},
	{"AR027", "Unable to authenticate.", func(a *api) reply {
		other, _ := agora.MintToken(appID, strings.Repeat("0", 32), "alice", time.Now(), time.Hour)
		return a.raw("GET", "/org/app/users/alice", "", "Authorization", "Bearer "+other)
	}},
	{"AR028", "Can not join this group, reason: user: bob already in group: {id}.", func(a *api) reply {
		return a.srv("POST", "/chatgroups/"+a.group("bob")+"/users/bob", "")
	}},
	{"AR029", "Users bob are not members of this group!", func(a *api) reply {
		return a.srv("DELETE", "/chatgroups/"+a.group()+"/users/bob", "")
	}},
	{"AR030", "User: bob doesn't exist in group: {id}.", func(a *api) reply {
		return a.srv("PUT", "/chatgroups/"+a.group(), `{"newowner":"bob"}`)
	}},
	{"AR031", "New owner and old owner are the same.", func(a *api) reply {
		return a.srv("PUT", "/chatgroups/"+a.group(), `{"newowner":"alice"}`)
	}},
	{"AR032", "Forbidden operation on group owner!", func(a *api) reply {
		return a.srv("POST", "/chatgroups/"+a.group()+"/blocks/users/alice", "")
	}},
	{"AR037", "Could not find application for nope/nope from URI: nope/nope/token.", func(a *api) reply { return a.raw("POST", "/nope/nope/token", `{}`) }},
	{"AR038", "do not find this group:17", func(a *api) reply { return a.srv("GET", "/chatgroups/17", "") }},
	{"AR039", "username ghost doesn't exist", func(a *api) reply {
		return a.srv("POST", "/chatgroups", `{"groupname":"G","public":true,"owner":"alice","members":["ghost"]}`)
	}},
	{"AR040", "Service resource not found.", func(a *api) reply { return a.srv("GET", "/users/ghost", "") }},
	{"AR041", "Failed to find chat message history download url for appkey: org#app, time: {hour}.", func(a *api) reply {
		return a.srv("GET", "/chatmessages/"+hour(), "")
	}},
	{"AR042", "file {id} is expired", func(a *api) reply {
		f := a.must(a.upload("short")).body.Get("entities.0")
		a.must(a.as("alice", "POST", "/users/alice/chatfiles/lifetime", `{"lifetime":"1","chatfile_ids":["`+f.Get("uuid").String()+`"]}`))
		until := time.Now().Add(10 * time.Second)
		for {
			r := a.fetch("GET", "/org/app/chatfiles/"+f.Get("uuid").String()+"?share-secret="+f.Get("share-secret").String(), "")
			if r.status != 200 || time.Now().After(until) {
				return r
			}
			<-time.After(100 * time.Millisecond)
		}
	}},
	{"AR043", "the file size exceeds the maximum limit.", func(a *api) reply { return a.upload(strings.Repeat("x", 10<<20+1)) }},
	{"AR044", "Unsupported Media Type.", func(a *api) reply {
		return a.srv("POST", "/users", `{"username":"r044"}`, "Content-Type", "text/plain")
	}},
	{"AR047", "Entity 'user' with property named 'username' is not full text indexed. You cannot use the 'contains' operand on this field.", func(a *api) reply {
		return a.srv("GET", "/users?ql=select+*+where+username+contains+'a'", "")
	}},
	{"AR048", "Service operation not supported.", func(a *api) reply { return a.srv("POST", "/users/alice/status", `{}`) }},
	{"AR049", "javax.ws.rs.WebApplicationException", func(a *api) reply { return a.srv("GET", "//", "") }},
	{"AR051", "Method Not Allowed", func(a *api) reply { return a.srv("PATCH", "/users", "") }},
	{"AR053", "Not Implemented", func(a *api) reply { return a.srv("GET", "/notifiers", "") }},
	{"AR055", "The data store cannot be reached or timed out.", func(a *api) reply {
		defer a.w.BreakStore()()
		return a.srv("POST", "/users", `{"username":"r055","password":"x"}`)
	}},
}

// many are n names.
func many(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = `"u` + strconv.Itoa(i) + `"`
	}
	return strings.Join(list, ",")
}

// hour is one that has ended, in which nobody wrote.
func hour() string { return time.Now().UTC().Add(-2 * time.Hour).Format("2006010215") }

// device connects somebody by a device, as the live link does.
func (a *api) device(user core.UserID, name string) {
	a.t.Helper()
	c, err := a.w.Core.Live.Connect(a.t.Context(), core.Actor{App: a.w.App, User: user, Access: core.AccessUser}, core.Connect{
		Sink: func(core.Delivery) {}, Session: &core.Session{Device: name},
	})
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(c.Close)
}

// expect fails the test unless the answer is exactly the row, in the vendor's own words.
func expect(t *testing.T, r reply, id, text string) {
	t.Helper()
	want, ok := agora.Catalog().Row(id)
	if !ok {
		t.Fatalf("there is no row %s", id)
	}
	said := r.body.Get("error_description").String()
	if i, j := strings.Index(text, "{"), strings.Index(text, "}"); i >= 0 { // an id of this run
		rest := text[j+1:]
		if !strings.HasPrefix(said, text[:i]) || !strings.HasSuffix(said, rest) || len(said) <= i+len(rest) {
			t.Errorf("says %q, want %q", said, text)
		}
	} else if said != text {
		t.Errorf("says %q, want %q", said, text)
	}
	if code := r.body.Get("error"); r.status != want.Status || code.Raw != string(want.Body) && !(string(want.Body) == `"N/A"` && r.body.Get("result").String() == text) {
		t.Errorf("%d %.300s, want %d %s", r.status, r.raw, want.Status, want.Body)
	}
	if got := r.body.Get("dragoman_error.original.row").String(); got != "" && got != id {
		t.Errorf("the document names row %s, want %s", got, id)
	}
}

func TestAgoraRows(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	for _, r := range rows {
		t.Run(r.id, func(t *testing.T) { expect(t, r.run(&api{t: t, w: a.w}), r.id, r.text) })
	}
}

// TestAgoraRowsOfConfiguration: rows that need an app with limits.
func TestAgoraRowsOfConfiguration(t *testing.T) {
	t.Run("AR023", func(t *testing.T) {
		a := newAPI(t, adaptertest.Setup{Quota: 100_000})
		var r reply
		for range 200 {
			if r = a.as("alice", "POST", "/users/alice/presence", `{"usernames":["bob"]}`); r.status != 200 {
				break
			}
		}
		expect(t, r, "AR023", "too many queries")
	})
	t.Run("AR033", func(t *testing.T) {
		a := newAPI(t, adaptertest.Setup{Settings: func(s *core.AppSettings) { s.Caps.Joined = 1 }})
		a.group("bob")
		r := a.srv("POST", "/chatgroups/"+a.must(a.srv("POST", "/chatgroups", `{"groupname":"G","public":true,"owner":"dave"}`)).data("groupid").String()+"/users/bob", "")
		expect(t, r, "AR033", "Can not join this group, reason:user: bob has joined too many groups/chatroom!")
	})
	t.Run("AR034", func(t *testing.T) {
		a := newAPI(t, adaptertest.Setup{Settings: func(s *core.AppSettings) { s.Caps.Channels = 1 }})
		a.group()
		expect(t, a.srv("POST", "/chatgroups", `{"groupname":"G","public":true,"owner":"alice"}`), "AR034", "This appKey has create too many groups/chatrooms!")
	})
	t.Run("AR035", func(t *testing.T) {
		a := newAPI(t, adaptertest.Setup{Settings: func(s *core.AppSettings) { s.Caps.Friends = 1 }})
		a.must(a.srv("POST", "/users/bob/contacts/users/carol", ""))
		expect(t, a.srv("POST", "/users/alice/contacts/users/bob", ""), "AR035", "Invitee's contact max count")
	})
	t.Run("AR036", func(t *testing.T) {
		a := newAPI(t, adaptertest.Setup{Settings: func(s *core.AppSettings) { s.Caps.Friends = 1 }})
		a.must(a.srv("POST", "/users/alice/contacts/users/carol", ""))
		expect(t, a.srv("POST", "/users/alice/contacts/users/bob", ""), "AR036", "Inviter's contact max count")
	})
	t.Run("AR045", func(t *testing.T) {
		a := newAPI(t, adaptertest.Setup{}, "user_limit", "5")
		a.must(a.srv("POST", "/users", `{"username":"fifth"}`))
		expect(t, a.srv("POST", "/users", `{"username":"sixth"}`), "AR045", "You have exceeded the limit of the configured edition. Please upgrade to higher edition.")
	})
	t.Run("AR046", func(t *testing.T) {
		a := newAPI(t, adaptertest.Setup{Quota: 5})
		var r reply
		for range 50 {
			if r = a.srv("PUT", "/users/alice", `{"nickname":"Al"}`); r.status != 200 {
				break
			}
		}
		expect(t, r, "AR046", "This request has reached api limit.")
	})
}

// TestAgoraRowsOfFaults: rows that take a store which gives no answer.
func TestAgoraRowsOfFaults(t *testing.T) {
	t.Run("AR052", func(t *testing.T) {
		a := newAPI(t, adaptertest.Setup{Patience: 200 * time.Millisecond})
		mend := a.w.StallStore()
		expect(t, a.srv("PUT", "/users/alice", `{"nickname":"Al"}`), "AR052", "Request Timeout")
		mend()
		a.must(a.srv("PUT", "/users/alice", `{"nickname":"Al"}`))
	})
}

// TestSuccessIsTheFiftiethRow: the table counts it among the errors.
func TestSuccessIsTheFiftiethRow(t *testing.T) {
	a := newAPI(t, adaptertest.Setup{})
	t.Run("AR050", func(t *testing.T) {
		if r := a.srv("GET", "/users/alice", ""); r.status != 200 || r.code() != "" {
			t.Errorf("%d %s", r.status, r.raw)
		}
	})
}
