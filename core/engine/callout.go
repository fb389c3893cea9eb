package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"dragoman/core/fault"
)

// Limits of calls to an app's endpoints.
const (
	calloutDial = 3 * time.Second
	calloutIdle = 30 * time.Second
	calloutBody = 1 << 20
)

// errPrivate is the cause when an endpoint's address is not public.
var errPrivate = errors.New("the address is not public")

// caller sends requests to endpoints that apps name: hostile until proven otherwise. It implements
// core.Doer. The address is checked after the name was resolved, at the moment of dialling, so a
// name that resolves differently the second time gains nothing.
type caller struct{ client *http.Client }

func newCaller(private bool) *caller {
	d := &net.Dialer{Timeout: calloutDial}
	if !private {
		d.ControlContext = func(_ context.Context, _, address string, _ syscall.RawConn) error {
			ap, err := netip.ParseAddrPort(address)
			if err != nil {
				return err
			}
			if !public(ap.Addr()) {
				return fmt.Errorf("%w: %s", errPrivate, ap.Addr())
			}
			return nil
		}
	}
	return &caller{client: &http.Client{
		Transport: &http.Transport{
			DialContext: d.DialContext, ForceAttemptHTTP2: true, TLSHandshakeTimeout: calloutDial,
			MaxIdleConns: 100, MaxIdleConnsPerHost: 8, IdleConnTimeout: calloutIdle,
			ResponseHeaderTimeout: calloutIdle, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// closed ranges that net/netip has no predicate for.
var closedNets = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),       // this network
	netip.MustParsePrefix("100.64.0.0/10"),   // carrier-grade NAT
	netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments
	netip.MustParsePrefix("192.0.2.0/24"),    // documentation
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks
	netip.MustParsePrefix("198.51.100.0/24"), // documentation
	netip.MustParsePrefix("203.0.113.0/24"),  // documentation
	netip.MustParsePrefix("240.0.0.0/4"),     // reserved and broadcast
	netip.MustParsePrefix("64:ff9b::/96"),    // NAT64: hides an IPv4 address
	netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("2001::/32"), // Teredo: hides an IPv4 address
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"), // 6to4: hides an IPv4 address
}

// public reports whether an address is one on the open Internet.
func public(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return false
	}
	for _, n := range closedNets {
		if n.Contains(a) {
			return false
		}
	}
	return true
}

// Do sends the request and reads the whole answer, at most 1 MiB of it.
func (c *caller) Do(req *http.Request) (int, []byte, error) {
	status, _, body, err := c.get(req)
	return status, body, err
}

// get is Do with the headers of the answer.
func (c *caller) get(req *http.Request) (int, http.Header, []byte, error) {
	if s := req.URL.Scheme; s != "http" && s != "https" {
		return 0, nil, nil, fault.IntegrationCallFailed.Error("the endpoint is not an http or https URL")
	}
	res, err := c.client.Do(req)
	if err != nil {
		return 0, nil, nil, fault.IntegrationCallFailed.Wrap(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, calloutBody+1))
	if err != nil {
		return res.StatusCode, nil, nil, fault.IntegrationCallFailed.Wrap(err)
	}
	if len(body) > calloutBody {
		return res.StatusCode, nil, nil, fault.IntegrationCallFailed.Error("the endpoint answered more than 1 MiB")
	}
	return res.StatusCode, res.Header, body, nil
}

// close drops idle connections.
func (c *caller) close() { c.client.CloseIdleConnections() }
