package tenant

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/strictyaml"
)

// Security is what a tenant's connections need beyond the system's settings. Nothing in it takes away from
// the verification of certificates.
type Security struct {
	RootCAs     *x509.CertPool   // nil: the system's
	Authorities int              // how many certificates of ca_file are trusted besides the system's
	Certificate *tls.Certificate // the client's, with its Leaf; nil: none
	TLSMin      uint16
}

// tlsVersions are the values of tls_min.
var tlsVersions = map[string]uint16{"": tls.VersionTLS12, "1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}

func (r *reader) tlsMin(n *strictyaml.Node, what string) string {
	version := r.text(n, what+": tls_min")
	if _, ok := tlsVersions[version]; !ok {
		r.bad(n, diag.ConfigKey, `Write "1.2" or "1.3".`, "%s: tls_min %q is not a version of TLS that may be asked for", what, version)
	}
	return version
}

// Security reads the certificates that the tenant names.
func (c *Config) Security(t *Tenant) (Security, error) {
	s := Security{TLSMin: tlsVersions[t.API.TLSMin]}
	if t.API.CAFile != "" {
		if err := s.trust(c.file(t, "ca_file", t.API.CAFile)); err != nil {
			return Security{}, err
		}
	}
	if t.API.ClientCertificate == "" {
		return s, nil
	}
	var err error
	s.Certificate, err = keyPair(c.file(t, "client_certificate", t.API.ClientCertificate), c.file(t, "client_key", t.API.ClientKey))
	return s, err
}

// pemFile is a file that sluice.yaml names under a key.
type pemFile struct{ at, key, path string }

func (c *Config) file(t *Tenant, key, path string) pemFile {
	return pemFile{c.written["tenant "+t.Name+": api: "+key].String(), key, path}
}

func (f pemFile) bad(next, format string, args ...any) error {
	return diag.Fail(diag.Usage, diag.ConfigFile, next, "%s: %s %s "+format, append([]any{f.at, f.key, f.path}, args...)...)
}

func (f pemFile) read() ([]byte, error) {
	text, err := readRegular(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, f.bad("Check the path; it is relative to sluice.yaml.", "is not there")
	case errors.Is(err, fs.ErrPermission):
		return nil, f.bad("Let this user read it.", "may not be read")
	case err != nil:
		return nil, f.bad("Check the path; it is relative to sluice.yaml.", "cannot be read: %v", err)
	}
	return text, nil
}

// certificates are those of the file, of which there is at least one.
func (f pemFile) certificates() (all []*x509.Certificate, err error) {
	text, err := f.read()
	if err != nil {
		return nil, err
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		one, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, f.bad("Export it again, as PEM.", "holds a certificate that cannot be read, number %d", len(all)+1)
		}
		all = append(all, one)
	}
	if len(all) > 0 {
		return all, nil
	}
	if _, err := x509.ParseCertificates(text); err == nil && len(text) > 0 {
		return nil, f.bad("Run `openssl x509 -inform der -in "+diag.ShellWord(f.path)+" -out "+diag.ShellWord(f.path+".pem")+"`, and name that file.",
			"is a certificate, but not in PEM form")
	}
	return nil, f.bad("Export it as PEM (Base-64): it begins with -----BEGIN CERTIFICATE-----.", "holds no certificate in PEM form")
}

// trust adds the certificates of a file to the system's.
func (s *Security) trust(f pemFile) error {
	all, err := f.certificates()
	if err != nil {
		return err
	}
	if s.RootCAs, err = x509.SystemCertPool(); err != nil {
		s.RootCAs = x509.NewCertPool() // then those of the file are the only ones
	}
	for _, one := range all {
		s.RootCAs.AddCert(one)
	}
	s.Authorities = len(all)
	return nil
}

// keyPair reads a certificate and its key. What is said of the key quotes nothing of it.
func keyPair(certificate, key pemFile) (*tls.Certificate, error) {
	chain, err := certificate.certificates()
	if err != nil {
		return nil, err
	}
	text, err := key.read()
	if err != nil {
		return nil, err
	}
	found := false
	for block, rest := pem.Decode(text); block != nil && !found; block, rest = pem.Decode(rest) {
		if block.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") {
			plain := key.path + ".plain"
			return nil, key.bad("Run `(umask 077; openssl pkey -in "+diag.ShellWord(key.path)+" -out "+diag.ShellWord(plain)+")`, and name that file; "+
				"keep it as you keep secrets.", "is protected by a passphrase, which sluice cannot be given")
		}
		found = strings.HasSuffix(block.Type, "PRIVATE KEY")
	}
	if !found {
		return nil, key.bad("Export it as PEM: it begins with -----BEGIN PRIVATE KEY-----.", "holds no private key in PEM form")
	}
	blocks := &strings.Builder{}
	for _, one := range chain {
		if err := pem.Encode(blocks, &pem.Block{Type: "CERTIFICATE", Bytes: one.Raw}); err != nil {
			return nil, err
		}
	}
	pair, err := tls.X509KeyPair([]byte(blocks.String()), text)
	if err != nil {
		return nil, key.bad("Name the key that belongs to the certificate; the certificate itself comes first in its file.",
			"cannot be used with client_certificate %s: it belongs to another one, or is damaged", certificate.path)
	}
	pair.Leaf = chain[0]
	return &pair, nil
}
