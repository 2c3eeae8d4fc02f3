// Package target is one Ed-Fi API as a client: discovery in all its URL variants, OAuth, retries,
// the shared pause after 429, the circuit breaker, and failures that say what kind they are.
//
// It owns what is true of any caller: one token for all workers, one place for retries, one place
// where error bodies of every API generation are read. It knows nothing of files, runs, bundles or
// the data standard, and it never writes a secret, a token or a body into an error or a log.
package target

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Config says which API to use and how. Only BaseURL, ClientID and ClientSecret are needed.
type Config struct {
	BaseURL      string // address of the root document, below tenant and context if there are any
	ClientID     string
	ClientSecret string
	Origin       string // where the two come from, for messages, as "client_id (sluice.yaml:6) and …"; "": as they are called

	SchoolYear int    // fills the year of a year-specific target; 0: the target is not year-specific
	Instance   string // fills what other placeholder the target's addresses hold: {instance}, {tenantIdentifier}

	// Addresses in place of those of the root document, which is not needed where the first four are given.
	DataURL, OAuthURL, MetadataURL, DependenciesURL, ChangeQueriesURL string

	AllowHTTP   bool                                  // plain http beyond this machine
	RootCAs     *x509.CertPool                        // trusted authorities; nil: the system's
	Certificate *tls.Certificate                      // shown to a host that asks for one; nil: none
	TLSMin      uint16                                // lowest version of TLS; 0: 1.2, and none below it is taken
	Proxy       func(*http.Request) (*url.URL, error) // nil: no proxy

	Concurrency  int           // connections kept and used at a time; 0: 8
	Timeout      time.Duration // of one attempt, its answer read; 0: 90 s
	Retry        RetryPolicy
	UserAgent    string // "": "sluice"
	Uncompressed bool   // for a target on this machine, where compressing costs more than it saves

	Logger *slog.Logger // nil: nothing is logged
	OnWait func(Wait)   // called before waits of some seconds, once for all workers; may be called concurrently

	Transport http.RoundTripper // nil: a transport of our own; given by tests
}

// Client is one API under one credential. It is safe for concurrent use, and workers are meant to
// share it: the token, the pause after a 429 and the circuit breaker are the client's.
type Client struct {
	config    Config        // without the secret
	secret    func() string // a function, so that printing the client does not show it
	base      *url.URL
	http      *http.Client
	entering  *http.Client    // the same with less patience: for what is asked before any work is done
	transport *http.Transport // nil if the caller gave its own
	log       *slog.Logger

	waits   *waits
	pace    *pace
	breaker *breaker
	tokens  tokens

	discovering semaphore
	about       atomic.Pointer[About]
	addresses   sync.Map     // resource → *url.URL
	pageSize    atomic.Int32 // the largest that the target serves; 0: as large as any API
	noCursor    atomic.Bool  // the target has no pages by token, whatever its version says
	noSnapshot  atomic.Bool  // the target has no snapshot that can be read
	identifying atomic.Bool  // a host has asked for a client certificate

	reached  atomic.Bool   // any HTTP answer so far, read whole: the address is right
	entered  atomic.Bool   // any answer to a call with a token: the credential is right
	answered atomic.Uint64 // calls that succeeded
	calls    string        // begins the correlation id of every call
	sequence atomic.Uint64
}

const (
	defaultConcurrency = 8
	defaultTimeout     = 90 * time.Second
	enteringTimeout    = 20 * time.Second
)

// New checks the settings and makes a client. It does not speak to the target yet.
// The error is a *Failure of kind Setup.
func New(config Config) (*Client, error) {
	if config.Concurrency <= 0 {
		config.Concurrency = defaultConcurrency
	}
	if config.Timeout <= 0 {
		config.Timeout = defaultTimeout
	}
	if config.UserAgent == "" {
		config.UserAgent = "sluice"
	}
	config.Retry = config.Retry.withDefaults()

	secret := config.ClientSecret
	config.ClientSecret = ""
	c := &Client{config: config, secret: func() string { return secret }, log: config.Logger,
		calls: fmt.Sprintf("%016x", rand.Uint64()), discovering: make(semaphore, 1)}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	base, err := c.checkAddress("base_url", config.fill(config.BaseURL))
	if err != nil {
		return nil, err
	}
	c.base = base
	for _, o := range config.overrides() {
		if o.value == "" {
			continue
		}
		if _, err := c.checkAddress(o.setting, config.fill(o.value)); err != nil {
			return nil, err
		}
	}
	if config.ClientID == "" || secret == "" {
		return nil, setup("client_id and client_secret are needed", "Give both; the target's administrator issues them.")
	}
	if strings.Contains(config.ClientID, ":") {
		return nil, setup("client_id holds a colon, which Basic authentication cannot carry", "Check that client_id and client_secret are not given in one.")
	}

	roundTripper := config.Transport
	if roundTripper == nil {
		c.transport = newTransport(config, func() { c.identifying.Store(true) })
		roundTripper = c.transport
	}
	c.http = &http.Client{Transport: roundTripper, Timeout: config.Timeout, CheckRedirect: checkRedirect}
	entering := *c.http
	entering.Timeout = min(config.Timeout, enteringTimeout)
	c.entering = &entering
	c.waits = &waits{host: c.base.Host, hook: config.OnWait, log: c.log}
	c.pace = &pace{retry: config.Retry, waits: c.waits, epoch: time.Now()}
	c.breaker = newBreaker(config.Retry.MaxOutage, c.waits, c.log)
	c.tokens.asking = make(semaphore, 1)
	return c, nil
}

// BaseURL is the address that the client was made for, without a slash at the end.
func (c *Client) BaseURL() string { return strings.TrimSuffix(c.base.String(), "/") }

// Close drops the connections that are kept. Calls that are under way are not interrupted.
func (c *Client) Close() {
	if c.transport != nil {
		c.transport.CloseIdleConnections()
	}
}

// semaphore is a mutex whose waiters can give up with their context.
type semaphore chan struct{}

// lock takes it, or returns why the context ended.
func (s semaphore) lock(ctx context.Context) error {
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s semaphore) unlock() { <-s }

// override is an address that the settings give in place of the root document's.
type override struct{ setting, value string }

func (c *Config) overrides() []override {
	return []override{{"data_url", c.DataURL}, {"oauth_url", c.OAuthURL}, {"metadata_url", c.MetadataURL},
		{"dependencies_url", c.DependenciesURL}, {"change_queries_url", c.ChangeQueriesURL}}
}
