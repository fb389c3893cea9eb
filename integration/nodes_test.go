package integration_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	natsd "github.com/nats-io/nats-server/v2/server"

	"dragoman/core/store/postgres/pgtest"
)

// nodeConfig is the configuration of one node of a cluster: the first port, then the addresses of
// the database and of the bus.
const nodeConfig = `listen = "127.0.0.1:%[1]d"
ops_listen = "127.0.0.1:%[2]d"

[store]
kind = "postgres"
url = %[3]q

[bus]
kind = "nats"
url = %[4]q

[files]
dir = %[5]q

[callbacks]
allow_private = true

[[app]]
name = "demo"

[app.stream]
api_key = "` + demoKey + `"
api_secret = "` + demoSecret + `"
listen = "127.0.0.1:%[6]d"
`

// limitedApp is one more app of a node, whose calls are counted.
const limitedApp = `
[[app]]
name = "limited"

[app.limits]
rate = true

[app.stream]
api_key = "limited-key"
api_secret = "limited-secret-0123456789"
listen = "127.0.0.1:%[1]d"
`

// startNATS runs a NATS server on a free port of loopback.
func startNATS(t *testing.T) (*natsd.Server, string) {
	t.Helper()
	srv, err := natsd.NewServer(&natsd.Options{Host: "127.0.0.1", Port: natsd.RANDOM_PORT, NoSigs: true, NoLog: true, MaxPayload: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("the NATS server does not listen")
	}
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	return srv, srv.ClientURL()
}

// TestThreeNodes runs three processes on one PostgreSQL and one NATS server, with the vendor's SDK
// connected to all of them, and kills one.
func TestThreeNodes(t *testing.T) {
	node(t)
	pg, err := pgtest.Start()
	if errors.Is(err, pgtest.Missing) {
		missing(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pg.Stop)
	dsn, err := pg.Fresh(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, bus := startNATS(t)
	var urls, pids []string
	dir := t.TempDir()
	for i := range 3 {
		port := freeBlock(t)
		file := filepath.Join(dir, fmt.Sprintf("node%d.toml", i))
		text := fmt.Sprintf(nodeConfig, port, port+10, dsn, bus, filepath.Join(dir, "files"), port+1) + fmt.Sprintf(limitedApp, port+1)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s := launch(t, dir, port, "serve", "--config", file)
		urls, pids = append(urls, s.URL()), append(pids, fmt.Sprint(s.cmd.Process.Pid))
		t.Logf("node %d ready in %s", i, s.Started.Round(time.Millisecond))
	}
	slices.Reverse(urls) // the tests kill the last of these: the one that was there first delivers webhooks
	slices.Reverse(pids)
	runNode(t, "nodes/nodes.test.mjs", "STREAM_URL="+urls[0], "STREAM_KEY="+demoKey, "STREAM_SECRET="+demoSecret,
		"STREAM_KEY2="+demo2Key, "STREAM_SECRET2="+demo2Secret, "NODE_URLS="+strings.Join(urls, ","), "NODE_PIDS="+strings.Join(pids, ","))
	quotaOverNodes(t, urls[:2]) // those that live
}

// quotaOverNodes calls an operation of 60 a minute through several nodes in turn, and counts.
func quotaOverNodes(t *testing.T, urls []string) {
	t.Helper()
	if left := 60 - time.Now().Unix()%60; left < 10 {
		time.Sleep(time.Duration(left) * time.Second) // a minute of the clock, which no test can set
	}
	admitted, refused := 0, 0
	for i := range 200 {
		a := api{urls[i%len(urls)], "limited-key", "limited-secret-0123456789"}
		switch r := a.do(t, call{Method: "GET", Path: "/channeltypes"}); r.Status {
		case 200:
			admitted++
		case 429:
			refused++
			if r.Get("code").Int() != 9 || r.Header.Get("X-RateLimit-Limit") != "60" {
				t.Errorf("refused as %s %v", r.Body, r.Header)
			}
		default:
			t.Fatalf("%d %s", r.Status, r.Body)
		}
	}
	t.Logf("quota of 60: %d nodes admitted %d of 200 calls", len(urls), admitted)
	if admitted < 60 || admitted > 60+60/20+1 || admitted+refused != 200 {
		t.Errorf("%d nodes admitted %d calls of a quota of 60", len(urls), admitted)
	}
}
