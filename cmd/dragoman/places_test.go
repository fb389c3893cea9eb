package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"dragoman/config"
)

func TestPublicAddress(t *testing.T) {
	for addr, want := range map[string]string{
		":8080": "localhost:8080", "0.0.0.0:8080": "localhost:8080", "[::]:8080": "localhost:8080",
		"127.0.0.1:8080": "localhost:8080", "[::1]:8080": "localhost:8080",
		"192.0.2.7:8080": "192.0.2.7:8080", "chat.example.test:80": "chat.example.test:80",
	} {
		if got := public(addr); got != want {
			t.Errorf("public(%q) = %q, want %q", addr, got, want)
		}
	}
}

// An app without a listener of its own is reached below the main one.
func TestPlacesByPrefix(t *testing.T) {
	c := config.Default()
	a := config.DefaultApp()
	a.Name, a.Stream = "acme", config.Stream{APIKey: "key", APISecret: "0123456789abcdef"}
	c.Apps = []config.App{a}
	want := []place{{
		Title: "Stream Chat", Name: "stream", App: "acme", URL: "http://localhost:8080/stream",
		Line: `StreamChat.getInstance("key", { baseURL: "http://localhost:8080/stream" })`,
	}}
	if diff := cmp.Diff(want, places(c)); diff != "" {
		t.Error(diff)
	}
}

// The line of each dialect, as the demo's contract has it.
func TestPlacesOfTheDemo(t *testing.T) {
	want := map[string]string{
		"native":    `curl -u demo-native-key:<secret> http://localhost:8080/v1/channels`,
		"stream":    `StreamChat.getInstance("demo-stream-key", { baseURL: "http://localhost:8081" })`,
		"cometchat": `CometChat.init("demo-comet", new CometChat.AppSettingsBuilder().setRegion("us").overrideAdminHost("localhost:8082/v3.0").overrideClientHost("localhost:8082/v3.0").build())`,
		"agora":     `new AgoraChat.connection({ appKey: "demo-org#demo-app", isHttpDNS: false, url: "ws://localhost:8083/websocket", apiUrl: "http://localhost:8083" })`,
		"nexconn":   `init({ appkey: "demo-nexconn-key", navigators: ["http://localhost:8084"] })`,
	}
	got := map[string]string{}
	for _, p := range places(config.Demo("127.0.0.1", 8080, "dir")) {
		if p.App == "demo" {
			got[p.Name] = p.Line
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
