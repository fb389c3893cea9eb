package integration_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dragoman/core/store/postgres/pgtest"
)

// clusterSecret is what nodes and sidecar share.
const clusterSecret = "the secret of the integration tests' cluster"

// sidecarApps are the tables of the app, the same on nodes and sidecar; its own listeners are the sidecar's.
const sidecarApps = `
[callbacks]
allow_private = true

[[app]]
name = "demo"

[app.stream]
api_key = "` + demoKey + `"
api_secret = "` + demoSecret + `"
%s
[app.nexconn]
app_key = "` + demoNexconnKey + `"
app_secret = "` + demoNexconnSecret + `"
%s`

// TestSidecar runs two core nodes on one PostgreSQL and one NATS server and a sidecar that has neither,
// with the vendors' SDKs connected to the sidecar alone; the tests kill the nodes and bring one back.
func TestSidecar(t *testing.T) {
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
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	var cores, pids, files, ready []string
	for i := range 2 {
		port := freeBlock(t)
		cores = append(cores, fmt.Sprintf("http://127.0.0.1:%d", port+2))
		file := write(fmt.Sprintf("core%d.toml", i), fmt.Sprintf("listen = \"127.0.0.1:%d\"\nops_listen = \"127.0.0.1:%d\"\n"+
			"[core]\nlisten = \"127.0.0.1:%d\"\nsecret = %q\n[store]\nkind = \"postgres\"\nurl = %q\n[bus]\nkind = \"nats\"\nurl = %q\n[files]\ndir = %q\n",
			port, port+10, port+2, clusterSecret, dsn, bus, filepath.Join(dir, "files"))+fmt.Sprintf(sidecarApps, "", ""))
		s := launch(t, dir, port, "serve", "--config", file)
		pids, files, ready = append(pids, fmt.Sprint(s.cmd.Process.Pid)), append(files, file), append(ready, s.Ops()+"/readyz")
		t.Logf("core node %d ready in %s", i, s.Started)
	}
	port := freeBlock(t)
	file := write("sidecar.toml", fmt.Sprintf("listen = \"127.0.0.1:%d\"\nops_listen = \"127.0.0.1:%d\"\n"+
		"[core]\nkind = \"remote\"\nnodes = [%q, %q]\nsecret = %q\n[files]\ndir = %q\n", port, port+10, cores[0], cores[1], clusterSecret, filepath.Join(dir, "none"))+
		fmt.Sprintf(sidecarApps, fmt.Sprintf("listen = \"127.0.0.1:%d\"\n", port+1), fmt.Sprintf("listen = \"127.0.0.1:%d\"\n", port+4)))
	s := launch(t, dir, port, "serve", "--config", file)
	t.Logf("sidecar ready in %s", s.Started)
	runNode(t, "sidecar/sidecar.test.mjs", append(nexconnEnviron(s),
		"CORE_URLS="+strings.Join(cores, ","), "CORE_PIDS="+strings.Join(pids, ","), "CORE_FILES="+strings.Join(files, ","), "CORE_READY="+strings.Join(ready, ","),
		"DRAGOMAN="+binary(t))...)
	if _, err := os.Stat(filepath.Join(dir, "none")); err == nil {
		t.Error("the sidecar has made a folder for files")
	}
}
