package target

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"
)

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
	return &http.Transport{
		Proxy: proxy,
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, response *http.Response) error {
			if response.StatusCode != http.StatusOK {
				return &proxyRefusal{response.StatusCode}
			}
			return nil
		},
		DialContext:         (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
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
