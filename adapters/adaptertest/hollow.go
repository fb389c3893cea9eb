package adaptertest

import (
	"testing"
	"time"

	"dragoman/adapters"
	"dragoman/core"
)

// Hollow is a core whose services exist and can do nothing: for looking at a dialect's tables.
func Hollow() *core.Core {
	return &core.Core{
		Apps: struct{ core.Apps }{}, Users: struct{ core.Users }{}, Channels: struct{ core.Channels }{},
		Messages: struct{ core.Messages }{}, Reactions: struct{ core.Reactions }{}, Reads: struct{ core.Reads }{},
		Threads: struct{ core.Threads }{}, Previews: struct{ core.Previews }{}, Moderation: struct{ core.Moderation }{}, Blocklists: struct{ core.Blocklists }{},
		Types: struct{ core.Types }{}, Commands: struct{ core.Commands }{}, Roles: struct{ core.Roles }{},
		Polls: struct{ core.Polls }{}, Drafts: struct{ core.Drafts }{}, Reminders: struct{ core.Reminders }{},
		Devices: struct{ core.Devices }{}, Files: struct{ core.Files }{}, Tasks: struct{ core.Tasks }{},
		Live: struct{ core.Live }{}, Credentials: struct{ core.Credentials }{},
		Groups: struct{ core.Groups }{}, Friends: struct{ core.Friends }{}, Calls: struct{ core.Calls }{}, Health: struct{ core.Health }{},
	}
}

// Unplugged builds the dialect on a hollow core.
func Unplugged(t testing.TB, e adapters.Entry, creds map[string]string) adapters.Dialect {
	t.Helper()
	d, err := e.New(adapters.Env{Core: Hollow(), Now: time.Now, Apps: []adapters.App{{ID: 1, Name: "test", Creds: creds}}})
	if err != nil {
		t.Fatal(err)
	}
	return d
}
