package target

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// authority signs certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) *authority {
	a := &authority{t: t}
	signed := a.sign(&x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	a.cert, a.key = signed.Leaf, signed.PrivateKey.(*ecdsa.PrivateKey) //nolint:forcetypeassert // as sign makes it
	return a
}

// sign completes a template and signs it; an authority without a certificate signs its own.
func (a *authority) sign(c *x509.Certificate) *tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c.SerialNumber = big.NewInt(time.Now().UnixNano())
	if c.NotBefore.IsZero() {
		c.NotBefore = time.Now().Add(-time.Hour)
	}
	if c.NotAfter.IsZero() {
		c.NotAfter = time.Now().Add(time.Hour)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	raw, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(raw)
	if err != nil {
		a.t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key, Leaf: leaf}
}

func (a *authority) server(c x509.Certificate) *tls.Certificate {
	c.Subject, c.IPAddresses = pkix.Name{CommonName: "ods"}, []net.IP{net.IPv4(127, 0, 0, 1)}
	return a.sign(&c)
}

func (a *authority) client(name string, c x509.Certificate) *tls.Certificate {
	c.Subject, c.ExtKeyUsage = pkix.Name{CommonName: name}, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return a.sign(&c)
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

func TestCertificates(t *testing.T) {
	own, foreign := newAuthority(t, "District Firewall"), newAuthority(t, "Somebody")
	yesterday := time.Now().Add(-24 * time.Hour)
	usual := own.server(x509.Certificate{})
	demanding := func(c *tls.Config) { c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, own.pool() }
	only := func(version uint16) func(*tls.Config) { return func(c *tls.Config) { c.MaxVersion = version } }
	both := func(all ...func(*tls.Config)) func(*tls.Config) {
		return func(c *tls.Config) {
			for _, f := range all {
				f(c)
			}
		}
	}
	mine := own.client("district 1", x509.Certificate{})
	for name, tt := range map[string]struct {
		certificate *tls.Certificate
		server      func(*tls.Config)
		client      func(*Config)
		says        []string // of the failure; nil: it works
	}{
		"own authority":        {usual, nil, nil, nil},
		"firewall":             {usual, nil, func(c *Config) { c.RootCAs = nil }, []string{"unknown authority, issued by CN=District Firewall", "district's firewall", "ca_file"}},
		"another in ca_file":   {usual, nil, func(c *Config) { c.RootCAs = foreign.pool() }, []string{"issued by CN=District Firewall", "which is not among those of ca_file"}},
		"expired":              {own.server(x509.Certificate{NotBefore: yesterday.Add(-time.Hour), NotAfter: yesterday}), nil, nil, []string{"expired on " + yesterday.UTC().Format(day)}},
		"of tomorrow":          {own.server(x509.Certificate{NotBefore: time.Now().Add(24 * time.Hour), NotAfter: time.Now().Add(48 * time.Hour)}), nil, nil, []string{"not valid before", "this machine's clock"}},
		"client's":             {usual, demanding, func(c *Config) { c.Certificate = mine }, nil},
		"client's, 1.2":        {usual, both(demanding, only(tls.VersionTLS12)), func(c *Config) { c.Certificate = mine }, nil},
		"none is given":        {usual, demanding, nil, []string{"wants a client certificate, and none is given", "client_certificate and client_key"}},
		"none is given, 1.2":   {usual, both(demanding, only(tls.VersionTLS12)), nil, []string{"wants a client certificate, and none is given"}},
		"of another authority": {usual, demanding, func(c *Config) { c.Certificate = foreign.client("district 2", x509.Certificate{}) }, []string{"does not accept the client certificate CN=district 2"}},
		"of another, 1.2": {usual, both(demanding, only(tls.VersionTLS12)), func(c *Config) { c.Certificate = foreign.client("district 2", x509.Certificate{}) },
			[]string{"does not accept the client certificate CN=district 2"}},
		"client's has expired": {usual, demanding, func(c *Config) {
			c.Certificate = own.client("district 3", x509.Certificate{NotBefore: yesterday.Add(-time.Hour), NotAfter: yesterday})
		}, []string{"does not accept the client certificate CN=district 3, valid until " + yesterday.UTC().Format(day)}},
		"1.3":                 {usual, nil, func(c *Config) { c.TLSMin = tls.VersionTLS13 }, nil},
		"1.2 below tls_min":   {usual, only(tls.VersionTLS12), func(c *Config) { c.TLSMin = tls.VersionTLS13 }, []string{"does not offer TLS 1.3, which tls_min asks for", `tls_min: "1.2"`}},
		"nothing below 1.2":   {usual, only(tls.VersionTLS11), func(c *Config) { c.TLSMin = tls.VersionTLS10 }, []string{"does not offer TLS 1.2 or later"}},
		"a certificate aside": {usual, nil, func(c *Config) { c.Certificate = mine }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			config := &tls.Config{Certificates: []tls.Certificate{*tt.certificate}, MinVersion: tls.VersionTLS10} //nolint:gosec // to be refused
			if tt.server != nil {
				tt.server(config)
			}
			s := serve(t, f, config)
			ours := settings(s.URL)
			ours.RootCAs = own.pool()
			if tt.client != nil {
				tt.client(&ours)
			}
			_, err := mustNew(t, ours).Post(t.Context(), "students", []byte(`{}`))
			if tt.says == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			failure := mustFail(t, err, Transport)
			for _, want := range tt.says {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("no %q in %v", want, err)
				}
			}
			if f.tokens != 0 || failure.Code() != diag.TargetTLS {
				t.Errorf("%d tokens, %s: %v", f.tokens, failure.Code(), failure.Err)
			}
		})
	}
}

// Some hosts ask for a certificate, and refuse a call without one with an HTTP status only.
func TestCertificateThatAPageAsksFor(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 400, "<html>No required SSL certificate was sent</html>")
	}))
	s.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
	s.StartTLS()
	defer s.Close()
	config := settings(s.URL)
	config.RootCAs = x509.NewCertPool()
	config.RootCAs.AddCert(s.Certificate())
	_, err := mustNew(t, config).Discover(t.Context())
	if mustFail(t, err, Odd); !strings.Contains(err.Error(), "asked for a client certificate, and none is given") {
		t.Error(err)
	}
}

// tunnel is a proxy for CONNECT and plain requests that asks for credentials, if it has any.
type tunnel struct {
	user, password, scheme string
	opened                 atomic.Int64
}

func (p *tunnel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte(p.user+":"+p.password))
	if p.user != "" && r.Header.Get("Proxy-Authorization") != want {
		w.Header().Set("Proxy-Authenticate", p.scheme)
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	if r.Method != http.MethodConnect {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	there, err := net.Dial("tcp", r.Host)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer there.Close()
	here, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer here.Close()
	p.opened.Add(1)
	fmt.Fprint(here, "HTTP/1.1 200 OK\r\n\r\n")
	go func(from *bufio.Reader) {
		_, _ = io.Copy(there, from)
		_ = there.Close()
	}(buffered.Reader)
	_, _ = io.Copy(here, there)
}

// The way goes through the proxy, TLS is the target's own inside, and the proxy's password stays with it.
func TestThroughAProxy(t *testing.T) {
	const password = "p@ss:5/5"
	own := newAuthority(t, "District Firewall")
	f := newFake(t)
	s := serve(t, f, &tls.Config{Certificates: []tls.Certificate{*own.server(x509.Certificate{})}, MinVersion: tls.VersionTLS12})
	clear := serve(t, newFake(t), nil)
	for name, tt := range map[string]struct {
		base, scheme string
		user         *url.Userinfo
		says         string
	}{
		"with credentials":  {s.URL, `Basic realm="p"`, url.UserPassword("me", password), ""},
		"without":           {s.URL, `Basic realm="p"`, nil, `wants a user and a password (407). Set proxy: "http://USER:${env:PROXY_PASSWORD}@127.0.0.1:`},
		"wrong":             {s.URL, `Basic realm="p"`, url.UserPassword("me", "pa55word"), "does not accept the user and the password"},
		"another way":       {s.URL, "Negotiate", nil, "of a kind that sluice does not support"},
		"without, in clear": {clear.URL, `Basic realm="p"`, nil, "wants a user and a password (407)"},
	} {
		t.Run(name, func(t *testing.T) {
			p := &tunnel{user: "me", password: password, scheme: tt.scheme}
			between := httptest.NewServer(p)
			defer between.Close()
			config := settings(tt.base)
			config.RootCAs = own.pool()
			config.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: strings.TrimPrefix(between.URL, "http://"), User: tt.user})
			c := mustNew(t, config)
			defer c.Close()
			_, err := c.Post(t.Context(), "students", []byte(`{}`))
			if tt.says == "" {
				if err != nil || p.opened.Load() == 0 {
					t.Errorf("%d tunnels, %v", p.opened.Load(), err)
				}
				return
			}
			failure := mustFail(t, err, Transport)
			if !strings.Contains(err.Error(), tt.says) || failure.Attempts != 1 {
				t.Errorf("%d attempts: %v", failure.Attempts, err)
			}
			if all := fmt.Sprintf("%v %+v %v", err, *failure, failure.Err); strings.Contains(all, "pa55word") || strings.Contains(all, password) {
				t.Error("the password shows: ", all)
			}
		})
	}
}
