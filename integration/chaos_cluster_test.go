package integration_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dragoman/core/store/postgres/pgtest"
	"dragoman/integration/chaos"
)

// chaosConfig adds the dialects to nodeConfig, whose first port is given again.
const chaosConfig = `
[app.cometchat]
app_id = "` + demoCometApp + `"
full_access_key = "` + demoCometFullAccess + `"
auth_only_key = "` + demoCometAuthOnly + `"
listen = "127.0.0.1:%[1]d"

[app.agora]
org = "demo-org"
app = "demo-app"
app_id = "00112233445566778899aabbccddeeff"
app_certificate = "ffeeddccbbaa99887766554433221100"
client_id = "demo-client-id"
client_secret = "demo-client-secret"
listen = "127.0.0.1:%[2]d"

[app.nexconn]
app_key = "` + demoNexconnKey + `"
app_secret = "` + demoNexconnSecret + `"
listen = "127.0.0.1:%[3]d"
`

// chaosDialects are the offsets of the ports.
var chaosDialects = map[string]int{"stream": 1, "cometchat": 2, "agora": 3, "nexconn": 4}

// chaosNodes is how many nodes there are.
const chaosNodes = 3

// cluster is three nodes, their database, their bus, and cables between all of them and to the clients.
type cluster struct {
	t     *testing.T
	dir   string
	log   *tail
	ca    string // file of the certificate that clients have to trust
	pg    *pgtest.Server
	bus   *chaos.Part
	nodes [chaosNodes]*chaos.Part
	ports [chaosNodes]int
	db    [chaosNodes]*chaos.Link // node to database
	wire  [chaosNodes]*chaos.Link // node to bus
	ready [chaosNodes]atomic.Bool // as a load balancer sees it

	groups []string
	fronts [chaosNodes]map[string]*chaos.Link // client to node, by dialect
}

// newCluster starts all of it.
func newCluster(t *testing.T) *cluster {
	c := &cluster{t: t, dir: t.TempDir(), log: &tail{max: 48 << 10}}
	pg, err := pgtest.Start()
	if errors.Is(err, pgtest.Missing) {
		missing(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pg.Stop)
	c.pg = pg
	dsn, err := pg.Fresh(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	natsd := filepath.Join(c.dir, "natsd")
	build := exec.Command("go", "build", "-o", natsd, "./chaos/natsd")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	busPort := freeBlock(t)
	if c.bus, err = chaos.StartPart("NATS", c.log, func() *exec.Cmd { return exec.Command(natsd, fmt.Sprint(busPort)) }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.bus.Stop)
	secure := c.certificate()
	for i := range c.nodes {
		c.ports[i] = freeBlock(t)
		c.db[i] = c.link(nil, chaos.To(fmt.Sprintf("127.0.0.1:%d", pg.Port())))
		c.wire[i] = c.link(nil, chaos.To(fmt.Sprintf("127.0.0.1:%d", busPort)))
		c.fronts[i] = map[string]*chaos.Link{}
		for d := range chaosDialects {
			var end *tls.Config
			if d == "cometchat" {
				end = secure
			}
			c.fronts[i][d] = c.link(end, c.balance(i, chaosDialects[d]))
		}
		c.start(i, strings.Replace(dsn, fmt.Sprintf(":%d/", pg.Port()), fmt.Sprintf(":%d/", c.db[i].Port()), 1))
	}
	watch, stop := context.WithCancel(context.Background())
	var over sync.WaitGroup
	for i := range c.nodes {
		over.Go(func() { c.watch(watch, i) })
	}
	t.Cleanup(over.Wait)
	t.Cleanup(stop)
	if err := within(10*time.Second, func() bool { return c.ready[0].Load() && c.ready[1].Load() && c.ready[2].Load() }); err != nil {
		t.Fatalf("nodes: %v\n%s", err, c.log)
	}
	return c
}

// start writes a node's configuration and starts it.
func (c *cluster) start(i int, dsn string) {
	t, port := c.t, c.ports[i]
	file := filepath.Join(c.dir, fmt.Sprintf("node%d.toml", i))
	text := fmt.Sprintf(nodeConfig, port, port+10, dsn, "nats://"+c.wire[i].Addr(), filepath.Join(c.dir, "files"), port+1) +
		fmt.Sprintf(chaosConfig, port+2, port+3, port+4)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	bin := binary(t)
	var err error
	c.nodes[i], err = chaos.StartPart(fmt.Sprintf("node %d", i), prefixed{c.log, fmt.Sprintf("%d ", i)}, func() *exec.Cmd {
		cmd := exec.Command(bin, "serve", "--config", file)
		cmd.Dir = c.dir
		return cmd
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, c.log)
	}
	t.Cleanup(c.nodes[i].Stop)
}

// prefixed says whose words they are.
type prefixed struct {
	w      *tail
	prefix string
}

// Write implements io.Writer.
func (p prefixed) Write(b []byte) (int, error) {
	_, _ = p.w.Write([]byte(p.prefix)) // cannot fail
	return p.w.Write(b)
}

// link makes a cable.
func (c *cluster) link(secure *tls.Config, dial func() (net.Conn, error)) *chaos.Link {
	l, err := chaos.NewLink(secure, dial)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(l.Close)
	return l
}

// balance dials as a load balancer does: one node first, the others when that is not ready.
func (c *cluster) balance(first, offset int) func() (net.Conn, error) {
	return func() (net.Conn, error) {
		err := errors.New("no node is ready")
		for n := range chaosNodes {
			i := (first + n) % chaosNodes
			if !c.ready[i].Load() {
				continue
			}
			var conn net.Conn
			if conn, err = chaos.To(fmt.Sprintf("127.0.0.1:%d", c.ports[i]+offset))(); err == nil {
				return conn, nil
			}
		}
		return nil, err
	}
}

// watch asks a node whether it is ready, as a load balancer does.
func (c *cluster) watch(ctx context.Context, i int) {
	hc := &http.Client{Timeout: 500 * time.Millisecond, Transport: &http.Transport{DisableKeepAlives: true}}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		r, err := hc.Get(fmt.Sprintf("http://127.0.0.1:%d/readyz", c.ports[i]+10))
		c.ready[i].Store(err == nil && r.StatusCode == http.StatusOK)
		if err == nil {
			_ = r.Body.Close() // read or not
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// certificate is what the cables to an SDK that insists on TLS end it with.
func (c *cluster) certificate() *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	if err != nil {
		c.t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(crand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		c.t.Fatal(err)
	}
	c.ca = filepath.Join(c.dir, "ca.pem")
	if err := os.WriteFile(c.ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// breakage counts faults by their name.
type breakage map[string]int

// String lists them.
func (b breakage) String() string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(b)) {
		out = append(out, fmt.Sprintf("%s ×%d", k, b[k]))
	}
	return strings.Join(out, ", ")
}

// torment breaks one part after another, each for a moment, until the time is up.
func (c *cluster) torment(r *rand.Rand, span time.Duration) breakage {
	done := breakage{}
	for end := time.Now().Add(span); time.Now().Before(end); {
		name, undo := c.fault(r)
		lasts := 300*time.Millisecond + time.Duration(r.IntN(1700))*time.Millisecond
		c.t.Logf("%s: %s for %s", time.Until(end).Round(100*time.Millisecond), name, lasts)
		done[kindOf(name)]++
		time.Sleep(lasts) // how long the part stays broken
		undo()
		time.Sleep(300*time.Millisecond + time.Duration(r.IntN(1500))*time.Millisecond) // and how long all is well
	}
	return done
}

// kindOf is a fault's name without the number of the part.
func kindOf(name string) string { return strings.TrimRight(name, " 012") }

// fault breaks something and returns what mends it.
func (c *cluster) fault(r *rand.Rand) (string, func()) {
	must := func(err error) {
		if err != nil {
			c.t.Errorf("the test cannot go on breaking things: %v", err)
		}
	}
	i := r.IntN(chaosNodes)
	switch r.IntN(12) {
	case 0, 1:
		must(c.nodes[i].Kill())
		return fmt.Sprintf("kill node %d", i), c.nodes[i].Start
	case 2:
		must(c.nodes[i].Pause())
		return fmt.Sprintf("pause node %d", i), func() { must(c.nodes[i].Resume()) }
	case 3:
		must(c.bus.Kill())
		return "kill NATS", c.bus.Start
	case 4:
		must(c.bus.Pause())
		return "pause NATS", func() { must(c.bus.Resume()) }
	case 5:
		must(c.pg.Kill())
		return "kill PostgreSQL", func() { must(c.pg.Up()) }
	case 6:
		must(c.pg.Pause())
		return "pause PostgreSQL", func() { must(c.pg.Resume()) }
	case 7:
		c.db[i].Cut()
		return fmt.Sprintf("cut database from node %d", i), c.db[i].Mend
	case 8:
		c.wire[i].Cut()
		return fmt.Sprintf("cut bus from node %d", i), c.wire[i].Mend
	case 9:
		c.db[i].Lengthen(20 * time.Millisecond)
		return fmt.Sprintf("slow database at node %d", i), c.db[i].Mend
	case 10:
		c.wire[i].Hold()
		return fmt.Sprintf("hold bus at node %d", i), c.wire[i].Mend
	default:
		return fmt.Sprintf("cut clients from node %d", i), c.cutClients(i)
	}
}

// cutClients drops the links of everyone who goes to a node first.
func (c *cluster) cutClients(i int) func() {
	for _, l := range c.fronts[i] {
		l.Cut()
	}
	return func() {
		for _, l := range c.fronts[i] {
			l.Mend()
		}
	}
}

// heal mends everything and waits until the nodes are well.
func (c *cluster) heal() {
	for i := range c.nodes {
		c.db[i].Mend()
		c.wire[i].Mend()
		for _, l := range c.fronts[i] {
			l.Mend()
		}
	}
	if err := within(30*time.Second, func() bool { return c.ready[0].Load() && c.ready[1].Load() && c.ready[2].Load() }); err != nil {
		c.t.Errorf("the nodes are not ready again: %v", err)
	}
}
