package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// The files of the development CA in the data folder. The key never leaves it.
const (
	caFile    = "dev-ca.pem"
	caKeyFile = "dev-ca-key.pem"
)

// caLife and leafLife are how long the certificates are good for. The leaf is made anew at each
// start.
const (
	caLife   = 10 * 365 * 24 * time.Hour
	leafLife = 365 * 24 * time.Hour
)

// developmentTLS makes a certificate for the host names, signed by the development CA of the
// folder, which is created when missing. The CA may sign for loopback and the domains given only,
// so trusting it on a development machine opens nothing else.
func developmentTLS(dir string, names, domains []string, now time.Time) (*tls.Config, error) {
	ca, key, err := readCA(dir, now)
	if errors.Is(err, fs.ErrNotExist) {
		ca, key, err = createCA(dir, domains, now)
	}
	if err != nil {
		return nil, fmt.Errorf("development CA: %w", err)
	}
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("development certificate: %w", err)
	}
	leaf, err := certificate("Dragoman development", now, leafLife)
	if err != nil {
		return nil, err
	}
	leaf.KeyUsage = x509.KeyUsageDigitalSignature
	leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	leaf.DNSNames = append([]string{"localhost"}, names...)
	leaf.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, leafKey.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("development certificate: %w", err)
	}
	return &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{{Certificate: [][]byte{der, ca.Raw}, PrivateKey: leafKey}},
	}, nil
}

// certificate is what all our certificates have in common. An hour of grace lets a client whose clock
// is behind accept them.
func certificate(name string, now time.Time, life time.Duration) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("serial number: %w", err)
	}
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(life), BasicConstraintsValid: true,
	}, nil
}

// createCA makes a CA and writes it to the folder.
func createCA(dir string, domains []string, now time.Time) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	t, err := certificate("Dragoman development CA", now, caLife)
	if err != nil {
		return nil, nil, err
	}
	t.IsCA, t.MaxPathLenZero = true, true
	t.KeyUsage = x509.KeyUsageCertSign
	t.PermittedDNSDomainsCritical = true
	t.PermittedDNSDomains = append([]string{"localhost"}, domains...)
	t.PermittedIPRanges = []*net.IPNet{
		{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)},
		{IP: net.IPv6loopback, Mask: net.CIDRMask(128, 128)},
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	// The key first: a certificate without its key would be read as a CA that is there.
	if err := writePEM(filepath.Join(dir, caKeyFile), "EC PRIVATE KEY", secret, 0o600); err != nil {
		return nil, nil, err
	}
	if err := writePEM(filepath.Join(dir, caFile), "CERTIFICATE", der, 0o644); err != nil {
		return nil, nil, err
	}
	ca, err := x509.ParseCertificate(der)
	return ca, key, err
}

// readCA reads the CA of the folder; a missing or outdated one is fs.ErrNotExist.
func readCA(dir string, now time.Time) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	der, err := readPEM(filepath.Join(dir, caFile))
	if err != nil {
		return nil, nil, err
	}
	secret, err := readPEM(filepath.Join(dir, caKeyFile))
	if err != nil {
		return nil, nil, err
	}
	ca, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", caFile, err)
	}
	key, err := x509.ParseECPrivateKey(secret)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", caKeyFile, err)
	}
	if now.Add(leafLife).After(ca.NotAfter) || !key.PublicKey.Equal(ca.PublicKey) {
		return nil, nil, fs.ErrNotExist
	}
	return ca, key, nil
}

// writePEM writes one block to a file of its own.
func writePEM(path, kind string, der []byte, mode os.FileMode) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode)
}

// readPEM reads the one block of a file.
func readPEM(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("%s is not a PEM file", filepath.Base(path))
	}
	return block.Bytes, nil
}
