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
		text := fmt.Sprintf(nodeConfig, port, port+10, dsn, bus, filepath.Join(dir, "files"), port+1)
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
}
