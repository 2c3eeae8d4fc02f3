package target

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"
)

const noCertificateFix = "Ask the target's host for one, and name its files as client_certificate and client_key under api of the tenant."

// tlsConfig says how connections are secured. Verification cannot be switched off.
func tlsConfig(config Config, asked func()) *tls.Config {
	return &tls.Config{MinVersion: max(config.TLSMin, tls.VersionTLS12), RootCAs: config.RootCAs,
		// The one that is given is shown, whatever authorities the host lists: such lists are often incomplete.
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			asked()
			if config.Certificate != nil {
				return config.Certificate, nil
			}
			return new(tls.Certificate), nil
		}}
}

// The alerts of TLS that say what is wrong (RFC 8446, 6).
const (
	handshakeFailure    tls.AlertError = 40
	badCertificate      tls.AlertError = 42
	unsupported         tls.AlertError = 43
	revoked             tls.AlertError = 44
	expired             tls.AlertError = 45
	certificateUnknown  tls.AlertError = 46
	unknownAuthority    tls.AlertError = 48
	accessDenied        tls.AlertError = 49
	protocolVersion     tls.AlertError = 70
	certificateRequired tls.AlertError = 116
)

// ofCertificate are those that may be about the client's certificate.
var ofCertificate = []tls.AlertError{handshakeFailure, badCertificate, unsupported, revoked, expired, certificateUnknown,
	unknownAuthority, accessDenied, certificateRequired}

// alertOf is the alert that ended a connection. crypto/tls has a type of its own for it, with the same words.
func alertOf(err error) (alert error, ok bool) {
	var e *net.OpError
	if errors.As(err, &e) && (e.Op == "remote error" || e.Op == "local error") { // crypto/tls alone names them so
		return e.Err, true
	}
	return nil, false
}

// insecure words why there is no TLS connection; "" if that is not what happened.
func (to route) insecure(err error) (fault, fix string) {
	if fault, fix = to.distrusted(err); fault != "" {
		return fault, fix
	}
	alert, ok := alertOf(err)
	if !ok {
		return "", ""
	}
	says := func(a tls.AlertError) bool { return alert.Error() == a.Error() }
	switch aboutOurs := to.asked && slices.ContainsFunc(ofCertificate, says); {
	case says(protocolVersion) && to.min > tls.VersionTLS12:
		return to.host + " does not offer " + tls.VersionName(to.min) + ", which tls_min asks for",
			`Have the target's administrator offer it, or set tls_min: "1.2" if your rules allow it.`
	case says(protocolVersion):
		return to.host + " does not offer TLS 1.2 or later", "Have the target's administrator offer it; sluice uses nothing below TLS 1.2."
	case says(certificateRequired) && to.shown == nil, aboutOurs && to.shown == nil:
		return to.host + " wants a client certificate, and none is given", noCertificateFix
	case aboutOurs:
		return fmt.Sprintf("%s does not accept the client certificate %s: %s", to.host, subject(to.shown), alert),
			"Check client_certificate with the target's host: it may know another one, or none of this issuer."
	}
	return fmt.Sprintf("no TLS connection with %s: %s", to.host, alert), "Have the target's administrator check its TLS settings; TLS 1.2 or later is needed."
}

// distrusted words why a TLS certificate is not accepted; "" if that is not what happened.
func (to route) distrusted(err error) (fault, fix string) {
	var (
		unknown     x509.UnknownAuthorityError
		hostname    x509.HostnameError
		certificate x509.CertificateInvalidError
		roots       x509.SystemRootsError
		verify      *tls.CertificateVerificationError
	)
	host := to.host
	switch {
	case errors.As(err, &unknown):
		fault = fmt.Sprintf("%s has a TLS certificate from an unknown authority%s", host, issuer(unknown.Cert))
		if to.ownCAs {
			fault += ", which is not among those of ca_file"
		}
		return fault, "If that is your district's firewall, or an authority of its own, name the authority's certificate (PEM) as ca_file under api " +
			"of the tenant (`sluice init`: --ca-file FILE); certificates are always verified."
	case errors.As(err, &hostname):
		return fmt.Sprintf("the TLS certificate of %s is for another host", host), "Use the host name that the certificate was issued for."
	case errors.As(err, &certificate) && certificate.Reason == x509.Expired && certificate.Cert != nil:
		return to.outOfDate(certificate.Cert)
	case errors.As(err, &roots):
		return "this machine's trusted certificates cannot be read", "Install the system's CA certificates."
	case errors.As(err, &certificate), errors.As(err, &verify):
		return fmt.Sprintf("the TLS certificate of %s cannot be verified", host), "Have the target's administrator check the certificate."
	}
	return "", ""
}

const day = "2006-01-02"

// outOfDate words a certificate, the host's or one above it, that is of another time than this machine's.
func (to route) outOfDate(c *x509.Certificate) (fault, fix string) {
	if time.Now().Before(c.NotBefore) {
		return fmt.Sprintf("the TLS certificate of %s is not valid before %s (%s)", to.host, c.NotBefore.UTC().Format(day), plain(c.Subject.String(), excerptLength)), "Check this machine's clock."
	}
	return fmt.Sprintf("the TLS certificate of %s expired on %s (%s)", to.host, c.NotAfter.UTC().Format(day), plain(c.Subject.String(), excerptLength)),
		"Have the target's administrator renew it; if the date is still to come, set this machine's clock."
}

// subject names a certificate, and its last day.
func subject(c *x509.Certificate) string {
	if c == nil {
		return "that is given"
	}
	return fmt.Sprintf("%s, valid until %s", plain(c.Subject.String(), excerptLength), c.NotAfter.UTC().Format(day))
}

// issuer names who signed a certificate: often a firewall that reads along.
func issuer(c *x509.Certificate) string {
	if c == nil {
		return ""
	}
	return ", issued by " + plain(c.Issuer.String(), excerptLength)
}
