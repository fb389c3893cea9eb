package config_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dragoman/config"
)

func TestDemoIsValid(t *testing.T) {
	if issues := config.Demo("127.0.0.1", 8080, "dir").Validate(); len(issues) > 0 {
		t.Errorf("issues = %v", issues)
	}
}

// The demo is a contract: people paste these credentials and ports.
func TestDemoContract(t *testing.T) {
	c := config.Demo("127.0.0.1", 9000, "dir")
	if c.Listen != "127.0.0.1:9000" || c.OpsListen != "127.0.0.1:9010" {
		t.Errorf("listen %s, ops %s", c.Listen, c.OpsListen)
	}
	if !c.Callbacks.AllowPrivate {
		t.Error("callbacks to loopback are refused")
	}
	want := []config.App{{
		Name: "demo", ErrorFormat: "both", Limits: config.Limits{Body: config.Size{Bytes: 1 << 20}},
		Native:    config.Native{APIKey: "demo-native-key", APISecret: "demo-native-secret-0123456789abcdef"},
		Stream:    config.Stream{APIKey: "demo-stream-key", APISecret: "demo-stream-secret-0123456789abcdef", Listen: "127.0.0.1:9001"},
		CometChat: config.CometChat{AppID: "demo-comet", Region: "us", FullAccessKey: "demo-comet-fullaccess", AuthOnlyKey: "demo-comet-authonly", Listen: "127.0.0.1:9002"},
		Agora: config.Agora{
			Org: "demo-org", App: "demo-app", AppID: "00112233445566778899aabbccddeeff", AppCertificate: "ffeeddccbbaa99887766554433221100",
			ClientID: "demo-client-id", ClientSecret: "demo-client-secret", OpenRegistration: true, FileLifetime: config.Duration{Duration: 168 * time.Hour}, Listen: "127.0.0.1:9003",
		},
		Nexconn: config.Nexconn{AppKey: "demo-nexconn-key", AppSecret: "demo-nexconn-secret", Listen: "127.0.0.1:9004"},
	}, {
		Name: "demo-two", Teams: true, ErrorFormat: "both", Limits: config.Limits{Body: config.Size{Bytes: 1 << 20}},
		Native:    config.Native{APIKey: "demo2-native-key", APISecret: "demo2-native-secret-0123456789abcdef"},
		Stream:    config.Stream{APIKey: "demo2-stream-key", APISecret: "demo2-stream-secret-0123456789abcdef", Listen: "127.0.0.1:9001"},
		CometChat: config.CometChat{AppID: "demo2-comet", Region: "us", FullAccessKey: "demo2-comet-fullaccess", AuthOnlyKey: "demo2-comet-authonly", Listen: "127.0.0.1:9002"},
		Agora: config.Agora{
			Org: "demo2-org", App: "demo2-app", AppID: "11112222333344445555666677778888", AppCertificate: "88887777666655554444333322221111",
			ClientID: "demo2-client-id", ClientSecret: "demo2-client-secret", OpenRegistration: true, FileLifetime: config.Duration{Duration: 168 * time.Hour}, Listen: "127.0.0.1:9003",
		},
		Nexconn: config.Nexconn{AppKey: "demo2-nexconn-key", AppSecret: "demo2-nexconn-secret", Listen: "127.0.0.1:9004"},
	}}
	if diff := cmp.Diff(want, c.Apps); diff != "" {
		t.Errorf("apps differ (-want +got):\n%s", diff)
	}
}

// Where the shared description of the demo is at hand, every credential of ours is in it.
func TestDemoMatchesItsDescription(t *testing.T) {
	text, err := os.ReadFile("../../shared/design/demo.md")
	if err != nil {
		t.Skip("../shared is absent: the description of the demo is not at hand")
	}
	a := config.Demo("127.0.0.1", 8080, "dir").Apps[0]
	for _, s := range []string{
		a.Stream.APIKey, a.Stream.APISecret.Reveal(), a.CometChat.AppID, a.CometChat.FullAccessKey.Reveal(), a.CometChat.AuthOnlyKey.Reveal(),
		a.Agora.AppKey(), a.Agora.AppID, a.Agora.AppCertificate.Reveal(), a.Agora.ClientID, a.Agora.ClientSecret.Reveal(),
		a.Nexconn.AppKey, a.Nexconn.AppSecret.Reveal(),
	} {
		if !strings.Contains(string(text), "`"+s+"`") {
			t.Errorf("%s is not in the description", s)
		}
	}
}
