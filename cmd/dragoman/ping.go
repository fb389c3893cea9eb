package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"dragoman/config"
)

// pingLimit bounds one ping: an orchestrator should not wait long for a dead server.
const pingLimit = 3 * time.Second

// pingCmd asks /livez of the operations listener.
type pingCmd struct {
	configFlag
	Addr string `placeholder:"HOST:PORT" help:"Operations listener. Default: ops_listen of the configuration."`
	Port int    `placeholder:"P" help:"First port of a running demo, instead of --addr."`
}

// Run succeeds when the server answers 200.
func (c pingCmd) Run(s streams) error {
	addr, err := c.target(s)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), pingLimit)
	defer cancel()
	rq, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/livez", http.NoBody)
	if err != nil {
		return usagef("%q is not an address: %v", addr, err)
	}
	rs, err := http.DefaultClient.Do(rq)
	if err != nil {
		return fmt.Errorf("no answer from %s: %w", addr, err)
	}
	defer rs.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(rs.Body, 1<<20))
	if rs.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", addr, rs.Status)
	}
	_, err = fmt.Fprintf(s.out, "%s is alive\n", addr)
	return err
}

// target is the address to ask: flags first, then the configuration, then the default. A listener
// on all addresses is asked on loopback.
func (c pingCmd) target(s streams) (string, error) {
	addr := c.Addr
	switch {
	case addr != "":
	case c.Port != 0:
		addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Port+config.PortOps))
	default:
		cfg, _, err := c.load(s)
		if err != nil {
			return "", err
		}
		if cfg == nil {
			cfg = config.Default()
		}
		addr = cfg.OpsListen
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", usagef("%q is not an address: write host:port.", addr)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}
