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
	"slices"
	"strings"
	"syscall"
	"time"
)

// Windows reports these under numbers of its own, which no other system uses.
const (
	wsaConnReset   = syscall.Errno(10054)
	wsaConnRefused = syscall.Errno(10061)
)

const proxyFix = "Check the proxy: `proxy` of the tenant names it, or else HTTPS_PROXY, HTTP_PROXY and NO_PROXY."

// errProxyAddress stands for the error of net/http, which may quote the proxy's password.
var errProxyAddress = errors.New("the address of the proxy cannot be read")

// proxyRefusal is a proxy that does not open the connection it was asked for.
type proxyRefusal struct {
	status int
	basic  bool // of a 407: it would take a user and a password
}

func (p *proxyRefusal) Error() string { return fmt.Sprintf("the proxy answers %d", p.status) }

func refusalOf(response *http.Response) *proxyRefusal {
	schemes := response.Header.Values("Proxy-Authenticate")
	basic := func(scheme string) bool {
		return strings.HasPrefix(strings.ToLower(strings.TrimSpace(scheme)), "basic")
	}
	return &proxyRefusal{response.StatusCode, len(schemes) == 0 || slices.ContainsFunc(schemes, basic)}
}

// proxyFor is the proxy that an address is reached through; nil if it is none.
func (c *Client) proxyFor(address *url.URL) *url.URL {
	if c.config.Proxy == nil {
		return nil
	}
	u, err := c.config.Proxy(&http.Request{URL: address})
	if err != nil {
		return nil
	}
	return u
}

// route is the way to a host, as far as messages need it.
type route struct {
	host   string
	proxy  *url.URL          // nil: none
	asked  bool              // a host asked for a client certificate
	shown  *x509.Certificate // the one that it is given; nil: none
	ownCAs bool              // further authorities are trusted
	min    uint16            // lowest version of TLS
}

func (c *Client) route(address *url.URL) route {
	to := route{host: address.Host, proxy: c.proxyFor(address), asked: c.identifying.Load(), ownCAs: c.config.RootCAs != nil,
		min: max(c.config.TLSMin, tls.VersionTLS12)}
	if c.config.Certificate != nil {
		to.shown = c.config.Certificate.Leaf
	}
	return to
}

// unreachable words an attempt that got no answer: what happened, and what to do. It never quotes
// the error of net/http as a whole, which holds the URL with its query.
func (to route) unreachable(err error) *Failure {
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "proxyconnect" && to.proxy != nil { // net/http alone names it so
		host := to.host
		to.host, to.proxy = "the proxy "+to.proxy.Host, nil
		f := to.unreachable(dial.Err)
		f.Fix, f.Err = "Check the proxy before "+host+"; `proxy` of the tenant names it, or else HTTPS_PROXY, HTTP_PROXY and NO_PROXY.", err
		return f
	}
	f := &Failure{Kind: Transport, Retryable: true, Err: err}
	var (
		dns     *net.DNSError
		record  tls.RecordHeaderError
		errno   syscall.Errno
		timeout net.Error
		refusal *proxyRefusal
	)
	// say sets the words; final failures are those that waiting does not fix.
	say := func(final bool, detail, fix string) {
		f.Detail, f.Fix, f.Retryable = detail, fix, !final
	}
	isErrno := errors.As(err, &errno)
	tlsFault, tlsFix := to.insecure(err)
	host := to.host
	switch {
	case errors.Is(err, ErrOutage):
		say(false, err.Error(), "Find out why the target is down, then run the same command again; nothing is lost.")
	case errors.Is(err, errProxyAddress):
		say(true, err.Error(), proxyFix)
	case errors.As(err, &refusal):
		detail, fix := to.refused(refusal)
		say(refusal.status < 500, detail, fix)
	case tlsFault != "":
		say(true, tlsFault, tlsFix)
	case errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &record):
		say(true, fmt.Sprintf("%s does not speak https on that port", host), "Check scheme and port of base_url; the scheme is never changed by itself.")
	case errors.Is(err, errTooManyRedirects):
		say(true, fmt.Sprintf("%s redirects in a circle", host), "Check base_url.")
	case errors.As(err, &dns) && dns.IsNotFound:
		say(false, fmt.Sprintf("the host name %s is not known", dns.Name), "Check base_url, and that this machine can resolve the name.")
	case errors.As(err, &dns):
		say(false, fmt.Sprintf("the host name %s could not be looked up", dns.Name), "Check this machine's network and name server.")
	case isErrno && (errno == syscall.ECONNREFUSED || errno == wsaConnRefused):
		say(false, fmt.Sprintf("%s refused the connection", host), "Check that the target is running, and the port in base_url.")
	case isErrno && (errno == syscall.ECONNRESET || errno == syscall.EPIPE || errno == wsaConnReset),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		detail, fix := to.cut()
		say(false, detail, fix)
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

// refused words what a proxy answered in place of a connection.
func (to route) refused(r *proxyRefusal) (fault, fix string) {
	proxy := to.proxy.Host
	switch {
	case r.status != http.StatusProxyAuthRequired:
		return fmt.Sprintf("the proxy %s does not connect to %s: %d %s", proxy, to.host, r.status, http.StatusText(r.status)), proxyFix
	case !r.basic:
		return fmt.Sprintf("the proxy %s asks for authentication (407) of a kind that sluice does not support", proxy),
			"Ask your network's administrator to let this machine reach " + to.host + " without it, or for a proxy that takes a user and a password."
	case to.proxy.User != nil:
		return fmt.Sprintf("the proxy %s does not accept the user and the password that it was given (407)", proxy),
			"Check both; `proxy` of the tenant names them, or else HTTPS_PROXY and HTTP_PROXY."
	}
	return fmt.Sprintf("the proxy %s wants a user and a password (407)", proxy),
		`Set proxy: "` + to.proxy.Scheme + "://USER:${env:PROXY_PASSWORD}@" + proxy + `" under api of the tenant, with the user's name.`
}

// cut words a connection that ended without a word. It may be for want of a client certificate.
func (to route) cut() (fault, fix string) {
	fault = to.host + " cut the connection"
	switch {
	case to.asked && to.shown == nil:
		return fault + "; a client certificate was asked for, and none is given", "If the target wants one: " + noCertificateFix
	case to.asked:
		return fault + ", perhaps because of the client certificate " + subject(to.shown), "Try again later; if it persists, ask the target's administrator."
	}
	return fault, "Try again later; if it persists, ask the target's administrator."
}

// newTransport keeps exactly as many connections as there are workers: fewer would be dialled
// again and again, more would press the target harder than the settings say. asked is called when a
// host asks for a client certificate.
func newTransport(config Config, asked func()) *http.Transport {
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
				return refusalOf(response)
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
		TLSClientConfig:     tlsConfig(config, asked),
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
