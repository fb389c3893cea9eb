package main

import (
	"strings"
	"testing"
	"time"

	"dragoman/config"
)

// A token of Nexconn comes from the server that runs, leads back to it, and leaves the name alone.
func TestNexconnTokenOfTheRunningDemo(t *testing.T) {
	_, _, port, _ := startDemo(t, t.TempDir())
	c := config.Demo("127.0.0.1", port, "")
	for i := range c.Apps {
		token, err := nexconnToken(&c.Apps[i], tokenOptions{user: "alice", now: time.Now()})
		if err != nil {
			t.Fatalf("app %s: %v", c.Apps[i].Name, err)
		}
		if _, at, ok := strings.Cut(token, "@"); !ok || at != "http://"+c.Apps[i].Nexconn.Listen {
			t.Errorf("the token %q does not lead back", token)
		}
		known, err := nexconnCall(&c.Apps[i], tokenOptions{now: time.Now()}, "/v4/user/get", nexconnPerson{UserID: "alice"})
		if err != nil || known.Get("result.name").String() != "Alice" {
			t.Errorf("app %s: %v %s", c.Apps[i].Name, err, known.Raw)
		}
	}
}
