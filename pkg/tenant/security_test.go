package tenant

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// pair is a certificate and its key in PEM form, and the certificate's bytes.
func pair(t *testing.T, name string) (certificate, key string, raw []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
	if raw, err = x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k); err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, b []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}))
	}
	return block("CERTIFICATE", raw), block("PRIVATE KEY", der), raw
}

// in loads a tenant with one more key under api, and writes files beside its sluice.yaml.
func in(t *testing.T, more string, files map[string]string) (*Config, *Tenant) {
	t.Helper()
	path := write(t, api(more))
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	a, err := c.Tenant("a")
	if err != nil {
		t.Fatal(err)
	}
	return c, a
}

func TestSecurity(t *testing.T) {
	certificate, key, raw := pair(t, "one")
	other, otherKey, _ := pair(t, "two")
	files := map[string]string{"c.pem": certificate, "k.pem": key, "two.pem": "# both\n" + certificate + other, "other.pem": otherKey, "c.der": string(raw),
		"empty": "", "bad.pem": strings.Replace(certificate, "MII", "AAA", 1), "page.pem": "<html>",
		"locked.pem":  "-----BEGIN ENCRYPTED PRIVATE KEY-----\naHVzaA==\n-----END ENCRYPTED PRIVATE KEY-----\n",
		"locked2.pem": "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\naHVzaA==\n-----END EC PRIVATE KEY-----\n",
		"broken.pem":  "-----BEGIN PRIVATE KEY-----\naHVzaA==\n-----END PRIVATE KEY-----\n"}
	own := func(key string) string { return "client_certificate: c.pem, client_key: " + key }
	for name, tt := range map[string]struct {
		more string
		says []string // of the error; nil: it works
	}{
		"authorities":        {"ca_file: two.pem", nil},
		"own":                {own("k.pem"), nil},
		"1.3":                {`tls_min: "1.3"`, nil},
		"not there":          {"ca_file: nowhere.pem", []string{"sluice.yaml:6", "ca_file", "nowhere.pem is not there"}},
		"a folder":           {"ca_file: .", []string{"cannot be read", "regular"}},
		"DER":                {"ca_file: c.der", []string{"not in PEM form", "openssl x509 -inform der"}},
		"a page":             {"ca_file: page.pem", []string{"holds no certificate"}},
		"empty":              {"ca_file: empty", []string{"holds no certificate"}},
		"damaged":            {"ca_file: bad.pem", []string{"cannot be read, number 1"}},
		"key as certificate": {"client_certificate: k.pem, client_key: k.pem", []string{"client_certificate", "holds no certificate"}},
		"no key":             {own("c.pem"), []string{"client_key", "holds no private key"}},
		"key not there":      {own("nowhere.pem"), []string{"client_key", "is not there"}},
		"another's key":      {own("other.pem"), []string{"another one"}},
		"damaged key":        {own("broken.pem"), []string{"or is damaged"}},
		"passphrase":         {own("locked.pem"), []string{"protected by a passphrase", "openssl pkey -in"}},
		"passphrase, old":    {own("locked2.pem"), []string{"protected by a passphrase"}},
	} {
		t.Run(name, func(t *testing.T) {
			c, a := in(t, tt.more, files)
			s, err := c.Security(a)
			if tt.says == nil {
				if err != nil || (s.RootCAs != nil) != (a.API.CAFile != "") || (s.Certificate != nil) != (a.API.ClientKey != "") {
					t.Errorf("%+v, %v", s, err)
				}
				if wants := uint16(tls.VersionTLS12); name != "1.3" && s.TLSMin != wants || name == "1.3" && s.TLSMin != tls.VersionTLS13 {
					t.Errorf("TLS %x", s.TLSMin)
				}
				if name == "authorities" && s.Authorities != 2 {
					t.Errorf("%d authorities", s.Authorities)
				}
				return
			}
			e, ok := diag.AsError(err)
			if !ok || e.Kind != diag.Usage || e.Code != diag.ConfigFile {
				t.Fatal(err)
			}
			for _, want := range tt.says {
				if text := e.Error() + e.Next; !strings.Contains(text, want) || strings.Contains(text, "aHVzaA") {
					t.Errorf("no %q in %s", want, text)
				}
			}
		})
	}
	c, a := in(t, own("k.pem"), files)
	if all := c.SecretFiles(a); !slices.Equal(all, []string{filepath.Join(c.Folder, "k.pem")}) {
		t.Errorf("files with secrets: %v", all)
	}
}

// Without a setting the environment decides; what is in force never shows a password.
func TestProxy(t *testing.T) {
	t.Setenv("T_USER", "me")
	t.Setenv("T_PASS", "p@ss:5/5")
	t.Setenv("T_PROXY", "http://you:pa55@from-env:3128")
	t.Setenv("T_ODD", "hush hush")
	for name, tt := range map[string]struct {
		more, want, password, shown string
		fails                       string
	}{
		"none":          {"proxy: none", "", "", "none", ""},
		"plain":         {`proxy: "http://p:3128"`, "p:3128", "", "http://p:3128", ""},
		"credentials":   {`proxy: "http://me:${env:T_PASS}@p:3128"`, "p:3128", "p@ss:5/5", "http://me:${env:T_PASS}@p:3128", ""},
		"both":          {`proxy: "https://${env:T_USER}:${env:T_PASS}@p"`, "p", "p@ss:5/5", "https://${env:T_USER}:${env:T_PASS}@p", ""},
		"a token":       {`proxy: "http://${env:T_USER}@p:1"`, "p:1", "", "http://${env:T_USER}@p:1", ""},
		"a command":     {`proxy: "http://me:${cmd:printf hush}@p:1"`, "p:1", "hush", "http://me:${cmd:printf …}@p:1", ""},
		"whole":         {`proxy: "${env:T_PROXY}"`, "from-env:3128", "pa55", "${env:T_PROXY}", ""},
		"whole, odd":    {`proxy: "${env:T_ODD}"`, "", "", "${env:T_ODD}", "what ${env:T_ODD} gives is not the address of a proxy"},
		"not set":       {`proxy: "http://me:${env:T_NONE}@p:1"`, "", "", "http://me:${env:T_NONE}@p:1", "T_NONE is not set"},
		"from a file":   {`proxy: "http://me:${file:pw}@p:1"`, "p:1", "hush", "http://me:${file:pw}@p:1", ""},
		"file is there": {`proxy: "http://me:${file:nopw}@p:1"`, "", "", "http://me:${file:nopw}@p:1", "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			c, a := in(t, tt.more, map[string]string{"pw": "hush\n"})
			i := slices.IndexFunc(c.Settings(a), func(s Setting) bool { return s.Name == "api.proxy" })
			if got := c.Settings(a)[i].Value; got != tt.shown {
				t.Errorf("shown as %s", got)
			}
			p, err := c.Proxy(t.Context(), a)
			if tt.fails != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fails) || strings.Contains(fmt.Sprintf("%+v", err), "hush") {
					t.Error(err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			request, _ := http.NewRequest(http.MethodGet, "https://ods", nil)
			u, err := p.For(request)
			if err != nil || (u == nil) != (tt.want == "") {
				t.Fatal(u, err)
			}
			if u == nil {
				return
			}
			if password, _ := u.User.Password(); u.Host != tt.want || password != tt.password {
				t.Errorf("%s %s", u.Host, password)
			}
		})
	}
}
