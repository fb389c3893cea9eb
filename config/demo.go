package config

import (
	"net"
	"path/filepath"
	"strconv"
)

// DemoUsers are the people of both demo apps; the first three are in the group lobby of the first.
var DemoUsers = []string{"alice", "bob", "carol", "dave"}

// The block of ports of the demo, counted from its first.
const (
	PortMain = iota
	PortStream
	PortCometChat
	PortAgora
	PortNexconn
	PortOps = 10
)

// Demo is the configuration of "serve --demo": two apps of one shape that speak every dialect,
// everything in one folder, ports port to port+4 and port+10.
func Demo(host string, port int, dir string) *Config {
	at := func(n int) string { return net.JoinHostPort(host, strconv.Itoa(port+n)) }
	c := Default()
	c.Listen, c.OpsListen = at(PortMain), at(PortOps)
	c.Log.Level, c.Log.Format = "warn", "console"
	c.Store.DSN = filepath.Join(dir, "dragoman.db")
	c.Files.Dir = filepath.Join(dir, "files")
	c.Callbacks.AllowPrivate = true
	c.Apps = []App{
		demoApp("demo", "demo", at, "00112233445566778899aabbccddeeff", "ffeeddccbbaa99887766554433221100"),
		demoApp("demo-two", "demo2", at, "11112222333344445555666677778888", "88887777666655554444333322221111"),
	}
	c.Apps[1].Teams = true
	return c
}

// Fronting makes a demo pass everything on to another one, whose first port is port, as if that were the
// vendors. The addresses are those of its main listener, which needs no certificate.
func Fronting(c *Config, host string, port int) {
	base := "http://" + net.JoinHostPort(host, strconv.Itoa(port+PortMain))
	for i := range c.Apps {
		a := &c.Apps[i]
		for name, u := range map[string]*Upstream{
			"stream": &a.Stream.Upstream, "cometchat": &a.CometChat.Upstream, "agora": &a.Agora.Upstream, "nexconn": &a.Nexconn.Upstream,
		} {
			*u = Upstream{URL: base + "/" + name, TrustedHop: true, ErrorFormat: "both", Retries: 1}
		}
	}
}

// demoApp is one app of the demo; p begins its keys and secrets.
func demoApp(name, p string, at func(int) string, agoraID, agoraCert string) App {
	a := DefaultApp()
	a.Name = name
	a.Native = Native{APIKey: p + "-native-key", APISecret: Secret(p + "-native-secret-0123456789abcdef")}
	a.Stream = Stream{
		APIKey: p + "-stream-key", APISecret: Secret(p + "-stream-secret-0123456789abcdef"), Listen: at(PortStream),
	}
	a.CometChat = CometChat{
		AppID: p + "-comet", Region: "us", Listen: at(PortCometChat),
		FullAccessKey: Secret(p + "-comet-fullaccess"), AuthOnlyKey: Secret(p + "-comet-authonly"),
	}
	a.Agora = Agora{
		Org: p + "-org", App: p + "-app", AppID: agoraID, AppCertificate: Secret(agoraCert), Listen: at(PortAgora),
		ClientID: p + "-client-id", ClientSecret: Secret(p + "-client-secret"), OpenRegistration: true, FileLifetime: a.Agora.FileLifetime,
	}
	a.Nexconn = Nexconn{AppKey: p + "-nexconn-key", AppSecret: Secret(p + "-nexconn-secret"), Listen: at(PortNexconn)}
	return a
}
