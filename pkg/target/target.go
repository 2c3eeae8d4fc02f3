// Package target is one Ed-Fi API as a client: discovery in all its URL variants, OAuth, retries,
// the shared pause after 429, the circuit breaker, and failures that say what kind they are.
//
// It owns what is true of any caller: one token for all workers, one place for retries, one place
// where error bodies of every API generation are read. It knows nothing of files, runs, bundles or
// the data standard, and it never writes a secret, a token or a body into an error or a log.
package target

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
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

	SchoolYear int    // fills the year of a year-specific target; 0: the target is not year-specific
	Instance   string // fills an {instance} placeholder
	Tenant     string // fills a {tenant…} placeholder
	DataURL    string // instead of the data URL of the root document
	OAuthURL   string // instead of the token URL of the root document

	AllowHTTP bool                                  // plain http beyond this machine
	MinTLS    uint16                                // lowest TLS version; 0: TLS 1.2, and never lower
	RootCAs   *x509.CertPool                        // trusted authorities; nil: the system's
	Proxy     func(*http.Request) (*url.URL, error) // nil: no proxy

	Concurrency       int           // connections kept and used at a time; 0: 8
	RequestsPerSecond float64       // ceiling that the host asked for; 0: none
	Timeout           time.Duration // of one attempt, its answer read; 0: 90 s
	Retry             RetryPolicy
	UserAgent         string // "": "sluice"
	Uncompressed      bool   // for a target on this machine, where compressing costs more than it saves
	CorrelationID     string // start of every correlation id, such as the run's id; "": random

	Logger  *slog.Logger // nil: nothing is logged
	OnRetry func(Retry)  // called before each wait for another attempt; may be called concurrently
	OnWait  func(Wait)   // called before waits of some seconds, once for all workers; may be called concurrently

	Transport http.RoundTripper // nil: a transport of our own; given by tests
}

// Client is one API under one credential. It is safe for concurrent use, and workers are meant to
// share it: the token, the pause after a 429 and the circuit breaker are the client's.
type Client struct {
	// Stats counts what the client has done, for progress and reports.
	Stats Stats

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
	addresses   sync.Map // resource → *url.URL

	reached  atomic.Bool // any HTTP answer so far, read whole: the address is right
	entered  atomic.Bool // any answer to a call with a token: the credential is right
	sequence atomic.Uint64
}

// Stats counts what a client has done. All of it may be read at any time.
type Stats struct {
	Requests  atomic.Int64 // attempts, token requests included
	Retries   atomic.Int64 // attempts after the first of their call
	Throttled atomic.Int64 // answers 429
	Tokens    atomic.Int64 // tokens obtained
	Sent      atomic.Int64 // bytes of request bodies
	Received  atomic.Int64 // bytes of answers, decompressed
}

// Retry tells of one attempt that failed and will be repeated.
type Retry struct {
	Method    string
	Resource  string // "ed-fi/students", or what else was asked for: "token", "root document"
	Status    int    // 0: no answer
	Kind      Kind
	Attempt   int           // the attempt that failed, from 1
	Delay     time.Duration // until the next one
	RequestID string        // of the attempt that failed
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
	if config.CorrelationID == "" {
		var b [8]byte
		_, _ = rand.Read(b[:]) // never fails (crypto/rand)
		config.CorrelationID = hex.EncodeToString(b[:])
	}
	config.Retry = config.Retry.withDefaults()

	secret := config.ClientSecret
	config.ClientSecret = ""
	c := &Client{config: config, secret: func() string { return secret }, log: config.Logger, discovering: newSemaphore()}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	base, err := c.checkAddress("base_url", fillPlaceholders(config.BaseURL, config))
	if err != nil {
		return nil, err
	}
	c.base = base
	for _, o := range []struct{ field, value string }{{"data_url", config.DataURL}, {"oauth_url", config.OAuthURL}} {
		if o.value == "" {
			continue
		}
		if _, err := c.checkAddress(o.field, fillPlaceholders(o.value, config)); err != nil {
			return nil, err
		}
	}
	if config.ClientID == "" || secret == "" {
		return nil, setup("client_id and client_secret are needed", "give both; the target's administrator issues them")
	}
	if strings.Contains(config.ClientID, ":") {
		return nil, setup("client_id holds a colon, which Basic authentication cannot carry", "check that client_id and client_secret are not given in one")
	}

	roundTripper := config.Transport
	if roundTripper == nil {
		c.transport = newTransport(config)
		roundTripper = c.transport
	}
	c.http = &http.Client{Transport: roundTripper, Timeout: config.Timeout, CheckRedirect: checkRedirect}
	entering := *c.http
	entering.Timeout = min(config.Timeout, enteringTimeout)
	c.entering = &entering
	c.waits = &waits{host: c.base.Host, hook: config.OnWait, log: c.log}
	c.pace = newPace(config, c.waits)
	c.breaker = newBreaker(config.Retry.MaxOutage, c.waits, c.log)
	c.tokens.lock = newSemaphore()
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

// nextCorrelationID numbers the calls of the client below the prefix that all of them share.
func (c *Client) nextCorrelationID() string {
	return c.config.CorrelationID + "-" + strconv.FormatUint(c.sequence.Add(1), 10)
}

// semaphore is a mutex whose waiters can give up with their context.
type semaphore chan struct{}

func newSemaphore() semaphore { return make(semaphore, 1) }
