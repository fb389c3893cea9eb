package main

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"dragoman/config"
)

// demoTLS makes the certificate of the demo's CometChat listener in a folder.
func demoTLS(t *testing.T, dir string) *tls.Config {
	t.Helper()
	names := []string{"*." + cometDomain}
	for _, a := range config.Demo("127.0.0.1", 8080, dir).Apps {
		names = append(names, cometHosts(a.CometChat.AppID, a.CometChat.Region)...)
	}
	c, err := developmentTLS(dir, names, []string{cometDomain}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// handshake connects to a server with the configuration as a client that trusts the CA file only.
func handshake(t *testing.T, server *tls.Config, caPEM []byte, name string) error {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(caPEM) {
		t.Fatal("the CA file holds no certificate")
	}
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	go func() { _ = tls.Server(a, server).Handshake() }() // the client's view is the one tested
	return tls.Client(b, &tls.Config{RootCAs: pool, ServerName: name}).Handshake()
}

func TestDevelopmentCertificateNames(t *testing.T) {
	dir := t.TempDir()
	server := demoTLS(t, dir)
	ca, err := os.ReadFile(filepath.Join(dir, caFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"localhost", "127.0.0.1", "data-us.cometchat.io",
		"demo-comet.api-us.cometchat.io", "demo-comet.apiclient-us.cometchat.io", "demo-comet.websocket-us.cometchat.io",
		"demo2-comet.api-us.cometchat.io", "demo2-comet.apiclient-us.cometchat.io", "demo2-comet.websocket-us.cometchat.io",
	} {
		if err := handshake(t, server, ca, name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := handshake(t, server, ca, "example.test"); err == nil {
		t.Error("the certificate is good for a foreign name")
	}
}

// A person trusts the CA once: it must survive restarts.
func TestDevelopmentCAIsKept(t *testing.T) {
	dir := t.TempDir()
	demoTLS(t, dir)
	first, err := os.ReadFile(filepath.Join(dir, caFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := handshake(t, demoTLS(t, dir), first, "localhost"); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	st, err := os.Stat(filepath.Join(dir, caKeyFile))
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v, %v", st.Mode(), err)
	}
}

// Who trusts the CA trusts it for development names only, even if its key were stolen.
func TestDevelopmentCACannotSignForeignNames(t *testing.T) {
	dir := t.TempDir()
	evil, err := developmentTLS(dir, []string{"bank.test"}, []string{cometDomain}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(filepath.Join(dir, caFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := handshake(t, evil, ca, "bank.test"); err == nil {
		t.Error("the CA signed for a foreign name")
	}
}

func TestDevelopmentCADamagedFileIsTold(t *testing.T) {
	dir := t.TempDir()
	demoTLS(t, dir)
	if err := os.WriteFile(filepath.Join(dir, caFile), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := developmentTLS(dir, nil, nil, time.Now()); err == nil {
		t.Error("a damaged CA file was replaced silently")
	}
}
