package target

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"syscall"
	"time"
)

// Windows reports these under numbers of its own, which no other system uses.
const (
	wsaConnReset   = syscall.Errno(10054)
	wsaConnRefused = syscall.Errno(10061)
)

const proxyFix = "Check the proxy, and HTTP_PROXY, HTTPS_PROXY and NO_PROXY, which name it."

// errProxyAddress stands for the error of net/http, which may quote the proxy's password.
var errProxyAddress = errors.New("the address of the proxy cannot be read")

// proxyRefusal is a proxy that does not open the connection it was asked for.
type proxyRefusal struct{ status int }

func (p *proxyRefusal) Error() string { return fmt.Sprintf("the proxy answers %d", p.status) }

// proxyFor is the host of the proxy that an address is reached through; "" if it is none.
func (c *Client) proxyFor(address *url.URL) string {
	if c.config.Proxy == nil {
		return ""
	}
	u, err := c.config.Proxy(&http.Request{URL: address})
	if err != nil || u == nil {
		return ""
	}
	return u.Host // without the user and the password
}

// unreachable words an attempt that got no answer: what happened, and what to do. It never quotes
// the error of net/http as a whole, which holds the URL with its query. proxy is the host of the
// proxy in between, if there is one.
func unreachable(host, proxy string, err error) *Failure {
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "proxyconnect" { // net/http alone names it so
		f := unreachable("the proxy "+proxy, "", dial.Err)
		f.Fix, f.Err = "Check the proxy before "+host+"; HTTP_PROXY, HTTPS_PROXY and NO_PROXY name it.", err
		return f
	}
	f := &Failure{Kind: Transport, Retryable: true, Err: err}
	var (
		dns     *net.DNSError
		record  tls.RecordHeaderError
		alert   *net.OpError
		errno   syscall.Errno
		timeout net.Error
		refusal *proxyRefusal
	)
	// say sets the words; final failures are those that waiting does not fix.
	say := func(final bool, detail, fix string) {
		f.Detail, f.Fix, f.Retryable = detail, fix, !final
	}
	isErrno := errors.As(err, &errno)
	certificateFault, certificateFix := distrusted(host, err)
	switch {
	case errors.Is(err, ErrOutage):
		say(false, err.Error(), "Find out why the target is down, then run the same command again; nothing is lost.")
	case errors.Is(err, errProxyAddress):
		say(true, err.Error(), proxyFix)
	case errors.As(err, &refusal):
		say(refusal.status < 500, fmt.Sprintf("the proxy %s does not connect to %s: %d %s", proxy, host, refusal.status, http.StatusText(refusal.status)), proxyFix)
	case certificateFault != "":
		say(true, certificateFault, certificateFix)
	case errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &record):
		say(true, fmt.Sprintf("%s does not speak https on that port", host), "Check scheme and port of base_url; the scheme is never changed by itself.")
	case errors.Is(err, errTooManyRedirects):
		say(true, fmt.Sprintf("%s redirects in a circle", host), "Check base_url.")
	case errors.As(err, &alert) && (alert.Op == "remote error" || alert.Op == "local error"): // crypto/tls alone names them so
		say(true, fmt.Sprintf("no TLS connection with %s: %s", host, alert.Err), "The target must offer the TLS version that the settings ask for, 1.2 or later.")
	case errors.As(err, &dns) && dns.IsNotFound:
		say(false, fmt.Sprintf("the host name %s is not known", dns.Name), "Check base_url, and that this machine can resolve the name.")
	case errors.As(err, &dns):
		say(false, fmt.Sprintf("the host name %s could not be looked up", dns.Name), "Check this machine's network and name server.")
	case isErrno && (errno == syscall.ECONNREFUSED || errno == wsaConnRefused):
		say(false, fmt.Sprintf("%s refused the connection", host), "Check that the target is running, and the port in base_url.")
	case isErrno && (errno == syscall.ECONNRESET || errno == syscall.EPIPE || errno == wsaConnReset),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		say(false, fmt.Sprintf("%s cut the connection", host), "Try again later; if it persists, ask the target's administrator.")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &timeout) && timeout.Timeout():
		say(false, fmt.Sprintf("%s did not answer in time", host), "Try again later; if it persists, ask the target's administrator, or lower the concurrency.")
	case isErrno:
		say(false, fmt.Sprintf("%s cannot be reached: %s", host, errno.Error()), "Check base_url and this machine's network.")
	default:
		say(false, fmt.Sprintf("no answer from %s: %s", host, plain(err.Error(), excerptLength)), "Check base_url and this machine's network.")
	}
	return f
}

// distrusted words why a TLS certificate is not accepted; "" if that is not what happened.
func distrusted(host string, err error) (fault, fix string) {
	var (
		unknown     x509.UnknownAuthorityError
		hostname    x509.HostnameError
		certificate x509.CertificateInvalidError
		roots       x509.SystemRootsError
		verify      *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &unknown):
		return fmt.Sprintf("%s has a TLS certificate from an unknown authority%s", host, issuer(unknown.Cert)),
			"if the district has a certificate authority of its own, install its certificate on this machine, " +
				"or name its file in SSL_CERT_FILE; certificates are always verified"
	case errors.As(err, &hostname):
		return fmt.Sprintf("the TLS certificate of %s is for another host", host), "use the host name that the certificate was issued for"
	case errors.As(err, &certificate) && certificate.Reason == x509.Expired:
		return fmt.Sprintf("the TLS certificate of %s has expired or is not valid yet", host), "have it renewed, or set this machine's clock"
	case errors.As(err, &roots):
		return "this machine's trusted certificates cannot be read", "install the system's CA certificates"
	case errors.As(err, &certificate), errors.As(err, &verify):
		return fmt.Sprintf("the TLS certificate of %s cannot be verified", host), "have the target's administrator check the certificate"
	}
	return "", ""
}

// issuer names who signed a certificate: often a firewall that reads along.
func issuer(c *x509.Certificate) string {
	if c == nil {
		return ""
	}
	return ", issued by " + plain(c.Issuer.String(), excerptLength)
}

// newTransport keeps exactly as many connections as there are workers: fewer would be dialled
// again and again, more would press the target harder than the settings say.
func newTransport(config Config) *http.Transport {
	var proxy func(*http.Request) (*url.URL, error)
	if config.Proxy != nil {
		proxy = func(r *http.Request) (*url.URL, error) {
			u, err := config.Proxy(r)
			if err != nil {
				err = errProxyAddress
			}
			return u, err
		}
	}
	dialer := &net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy: proxy,
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, response *http.Response) error {
			if response.StatusCode != http.StatusOK {
				return &proxyRefusal{response.StatusCode}
			}
			return nil
		},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &connection{Conn: c}, nil
		},
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: config.RootCAs},
		ForceAttemptHTTP2:   true,
		TLSHandshakeTimeout: 15 * time.Second,
		MaxIdleConns:        0, // bounded per host; discovery may name two hosts
		MaxIdleConnsPerHost: config.Concurrency,
		MaxConnsPerHost:     config.Concurrency,
		IdleConnTimeout:     90 * time.Second,
		DisableCompression:  config.Uncompressed,
		// A studentAssessment is about 7.5 KB: one write instead of two.
		WriteBufferSize: 16 << 10,
		ReadBufferSize:  8 << 10,
	}
}

// maxRedirects bounds the redirects within one host.
const maxRedirects = 5

// checkRedirect follows a redirect of a GET within scheme and host (a slash at the end, mostly).
// Any other is not followed: a credential would reach a host or scheme nobody named, and a POST
// would silently become a GET. The answer then is a failure that names the new address.
func checkRedirect(next *http.Request, via []*http.Request) error {
	first := via[0]
	if first.Method != http.MethodGet || next.URL.Scheme != first.URL.Scheme || next.URL.Host != first.URL.Host {
		return http.ErrUseLastResponse
	}
	if len(via) > maxRedirects {
		return errTooManyRedirects
	}
	return nil
}

var errTooManyRedirects = errors.New("too many redirects")
