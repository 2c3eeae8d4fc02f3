package target

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"
)

// serve starts the fake on loopback.
func serve(t testing.TB, f *fake, tlsConfig *tls.Config) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(f)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are what is tested
	if tlsConfig != nil {
		s.TLS = tlsConfig
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	f.base = s.URL
	return s
}

// quick is a policy for tests with real sockets, where the clock cannot be moved.
var quick = RetryPolicy{First: time.Millisecond}

func settings(base string) Config {
	return Config{BaseURL: base, ClientID: testKey, ClientSecret: testSecret, Retry: quick}
}

func TestUnreachableHosts(t *testing.T) {
	const refused = "http://127.0.0.1:1" // a port that was free a moment ago may be another test's by now

	f := newFake(t)
	plain := serve(t, f, nil)
	secure := serve(t, newFake(t), &tls.Config{MinVersion: tls.VersionTLS12})
	old := serve(t, newFake(t), &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}) //nolint:gosec // to be refused
	pool := x509.NewCertPool()
	pool.AddCert(secure.Certificate())

	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()

	tests := map[string]struct {
		base     string
		change   func(*Config)
		says     string
		attempts int
	}{
		"refused":           {refused, nil, "refused the connection", 3},
		"unknown authority": {secure.URL, nil, "unknown authority", 1},
		"another host":      {strings.Replace(secure.URL, "127.0.0.1", "localhost", 1), func(c *Config) { c.RootCAs = pool }, "for another host", 1},
		"TLS 1.1 only":      {old.URL, func(c *Config) { c.RootCAs = pool }, "does not offer TLS 1.2 or later", 1},
		"http on that port": {"https" + strings.TrimPrefix(plain.URL, "http"), nil, "does not speak https", 1},
		"silent":            {"http://" + silent.Addr().String(), func(c *Config) { c.Timeout = 50 * time.Millisecond }, "did not answer in time", 3},
		"unknown name": {"https://ods.invalid", func(c *Config) {
			c.Transport = roundTripper(func(*http.Request) (*http.Response, error) {
				return nil, &net.DNSError{Err: "no such host", Name: "ods.invalid", IsNotFound: true}
			})
		}, "host name ods.invalid is not known", 3},
		"name server away": {"https://ods.invalid", func(c *Config) {
			c.Transport = roundTripper(func(*http.Request) (*http.Response, error) {
				return nil, &net.DNSError{Err: "i/o timeout", Name: "ods.invalid", IsTimeout: true}
			})
		}, "could not be looked up", 3},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			config := settings(tt.base)
			if tt.change != nil {
				tt.change(&config)
			}
			_, err := mustNew(t, config).Post(t.Context(), "students", []byte(`{}`))
			failure := mustFail(t, err, Transport)
			if !strings.Contains(err.Error(), tt.says) || failure.Fix == "" || failure.Attempts != tt.attempts {
				t.Errorf("%d attempts: %v", failure.Attempts, err)
			}
		})
	}
	// The peer sends the token request in clear text when TLS fails.
	if f.tokens != 0 {
		t.Errorf("%d token requests reached the plain server", f.tokens)
	}
}

// What a proxy does is not told as the target's doing, and its password is never shown.
func TestProxyTroubles(t *testing.T) {
	const refused = "127.0.0.1:1"
	refusing := func(status int) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		t.Cleanup(s.Close)
		return strings.TrimPrefix(s.URL, "http://")
	}
	asks, fails := refusing(http.StatusProxyAuthRequired), refusing(http.StatusBadGateway)
	for name, tt := range map[string]struct {
		base, proxy string
		says        []string
		attempts    int
	}{
		"refuses, https":   {"https://ods.test", refused, []string{"the proxy " + refused + " refused the connection", "the proxy before ods.test"}, 3},
		"refuses, http":    {"http://ods.test", refused, []string{"the proxy " + refused + " refused the connection", "the proxy before ods.test"}, 3},
		"wants a password": {"https://ods.test", asks, []string{"the proxy " + asks + " does not accept the user and the password", "407"}, 1},
		"cannot reach it":  {"https://ods.test", fails, []string{"the proxy " + fails + " does not connect to ods.test: 502"}, 3},
		"cannot be read":   {"https://ods.test", "a b", []string{"the address of the proxy cannot be read"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			config := settings(tt.base)
			config.AllowHTTP = true
			address := "http://me:pa55word@" + tt.proxy
			config.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(address) }
			_, err := mustNew(t, config).Discover(t.Context())
			failure := mustFail(t, err, Transport)
			for _, want := range append(tt.says, "HTTPS_PROXY") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("no %q in %v", want, err)
				}
			}
			if failure.Attempts != tt.attempts || strings.Contains(fmt.Sprintf("%v %+v %v", err, *failure, failure.Err), "pa55word") {
				t.Errorf("%d attempts: %+v", failure.Attempts, failure)
			}
		})
	}
}

func TestTLS(t *testing.T) {
	f := newFake(t)
	s := serve(t, f, &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12})
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	config := settings(s.URL)
	config.RootCAs = pool
	if _, err := mustNew(t, config).Post(t.Context(), "students", []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	if got := newTransport(config, func() {}).TLSClientConfig.MinVersion; got != tls.VersionTLS12 {
		t.Errorf("lowest version %x", got)
	}
}

// Connections are cut before and after the record was stored; nothing is lost, nothing is twice.
func TestResets(t *testing.T) {
	f := newFake(t)
	var mu sync.Mutex
	stored := map[string]bool{}
	f.data = func(w http.ResponseWriter, r *http.Request, n int) {
		cut := func() {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			if c, ok := conn.(*net.TCPConn); ok {
				_ = c.SetLinger(0) // a reset, not a close
			}
			_ = conn.Close()
		}
		b, _ := io.ReadAll(r.Body)
		if n%4 == 1 {
			cut()
			return
		}
		mu.Lock()
		stored[string(b)] = true
		mu.Unlock()
		if n%4 == 2 {
			cut()
			return
		}
		w.WriteHeader(201)
	}
	s := serve(t, f, nil)
	c := mustNew(t, settings(s.URL))
	for i := range 40 {
		if _, err := c.Post(t.Context(), "students", fmt.Appendf(nil, `{"k":%d}`, i)); err != nil {
			t.Fatal(i, err)
		}
	}
	if len(stored) != 40 {
		t.Errorf("%d of 40 stored", len(stored))
	}
}

func TestTruncatedAnswerIsReadAgain(t *testing.T) {
	f := newFake(t)
	f.data = func(w http.ResponseWriter, _ *http.Request, n int) {
		if n == 1 {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `[{"id":"1"}`)
			return
		}
		reply(w, 200, `[{"id":"1"}]`)
	}
	s := serve(t, f, nil)
	r, err := mustNew(t, settings(s.URL)).Get(t.Context(), "students", nil)
	if err != nil || r.Attempts != 2 || string(r.Body) != `[{"id":"1"}]` {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestTruncatedErrorKeepsItsStatus(t *testing.T) {
	f := newFake(t)
	f.data = func(w http.ResponseWriter, _ *http.Request, _ int) {
		w.Header().Set("Content-Length", "5000")
		w.WriteHeader(400)
		_, _ = io.WriteString(w, `{"detail":"Data valid`)
	}
	s := serve(t, f, nil)
	_, err := mustNew(t, settings(s.URL)).Post(t.Context(), "students", []byte(`{}`))
	if failure := mustFail(t, err, Validation); failure.Body != `{"detail":"Data valid` || failure.Attempts != 1 {
		t.Errorf("%+v", failure)
	}
}

func TestLargeErrorBodyIsBounded(t *testing.T) {
	f := newFake(t)
	f.data = func(w http.ResponseWriter, _ *http.Request, _ int) {
		w.WriteHeader(400)
		for range 3 << 10 {
			if _, err := io.WriteString(w, strings.Repeat("x", 1<<10)); err != nil {
				return
			}
		}
	}
	s := serve(t, f, nil)
	config := settings(s.URL)
	transport := newTransport(config, func() {})
	defer transport.CloseIdleConnections()
	var read atomic.Int64
	config.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		response, err := transport.RoundTrip(r)
		if err == nil {
			response.Body = &counted{response.Body, &read}
		}
		return response, err
	})
	_, err := mustNew(t, config).Post(t.Context(), "students", []byte(`{}`))
	if failure := mustFail(t, err, Validation); len(failure.Body) > excerptLength+3 || read.Load() > maxErrorBody+1<<10 {
		t.Errorf("%d kept, %d read", len(failure.Body), read.Load())
	}
}

// counted counts what is read of a body.
type counted struct {
	io.ReadCloser
	n *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n.Add(int64(n))
	return n, err
}

func TestGzip(t *testing.T) {
	f := newFake(t)
	f.data = func(w http.ResponseWriter, r *http.Request, _ int) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			t.Error("does not ask for gzip")
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, `[{"id":"1"}]`)
		_ = z.Close()
	}
	s := serve(t, f, nil)
	r, err := mustNew(t, settings(s.URL)).Get(t.Context(), "students", nil)
	if err != nil || string(r.Body) != `[{"id":"1"}]` {
		t.Errorf("%+v, %v", r, err)
	}
}

// Answers without an end, sent as they are or compressed a thousandfold, are left off at a limit
// that fits the call, without room being made for more.
func TestAnswersThatAreTooLarge(t *testing.T) {
	zeros := make([]byte, 1<<20)
	endless := func(w http.ResponseWriter, r *http.Request) {
		out := io.Writer(w)
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			w.Header().Set("Content-Encoding", "gzip")
			z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
			out = z
		}
		for range 512 {
			if _, err := out.Write(zeros); err != nil {
				return
			}
		}
	}
	for name, tt := range map[string]struct {
		at    string // the path that is answered without an end
		limit uint64
		call  func(c *Client) error
	}{
		"root document": {"/", maxSmall, func(c *Client) error { _, err := c.Discover(t.Context()); return err }},
		"token":         {"/oauth/token", maxSmall, func(c *Client) error { _, err := c.Count(t.Context(), "x", nil); return err }},
		"count":         {"/data/v3/ed-fi/x", maxSmall, func(c *Client) error { _, err := c.Count(t.Context(), "x", nil); return err }},
		"record":        {"/data/v3/ed-fi/x/1", maxSmall, func(c *Client) error { _, err := c.GetByID(t.Context(), "x", "1"); return err }},
		"page": {"/data/v3/ed-fi/x", maxList, func(c *Client) error {
			return c.EachPage(t.Context(), "x", 1, func([]json.RawMessage) error { return nil })
		}},
		"OpenAPI": {"/metadata/", maxDocument, func(c *Client) error { _, err := c.Documents(t.Context(), ETags{}); return err }},
	} {
		for _, uncompressed := range []bool{false, true} {
			t.Run(fmt.Sprint(name, uncompressed), func(t *testing.T) {
				f := newFake(t)
				s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == tt.at {
						endless(w, r)
						return
					}
					f.ServeHTTP(w, r)
				}))
				defer s.Close()
				f.base = s.URL
				config := settings(s.URL)
				config.Uncompressed = uncompressed
				c := mustNew(t, config)
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				err := tt.call(c)
				runtime.ReadMemStats(&after)
				kind := Odd
				if tt.at == "/oauth/token" {
					kind = Token
				}
				failure := mustFail(t, err, kind)
				if want := fmt.Sprintf("larger than %d MiB", tt.limit>>20); !strings.Contains(failure.Summary(), want) || failure.Fix == "" || failure.Retryable || failure.Attempts != 1 {
					t.Errorf("not %q: %v", want, err)
				}
				// All that was made on the way, collected or not: doubling makes twice the limit.
				if made := after.TotalAlloc - before.TotalAlloc; made > 3*tt.limit+8<<20 {
					t.Errorf("%d MiB of room were made", made>>20)
				}
			})
		}
	}
}

func TestReadUpTo(t *testing.T) {
	text := strings.Repeat("x", 20_000)
	for _, expected := range []int64{-1, 0, 5, 20_000, 1 << 40} {
		for _, limit := range []int64{100, 4 << 10, 19_999, 20_000, 20_001, 1 << 20} {
			got, err := readUpTo(iotest.HalfReader(strings.NewReader(text)), expected, limit)
			var large *tooLarge
			if errors.As(err, &large) != (limit < 20_000) || string(got) != text[:min(limit, 20_000)] || int64(cap(got)) > max(limit+1, 5<<10) {
				t.Errorf("expected %d, limit %d: %d bytes in %d, %v", expected, limit, len(got), cap(got), err)
			}
		}
	}
	got, err := readUpTo(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(text))), 0, 100)
	if string(got) != "x" || !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestRedirects(t *testing.T) {
	var stolen atomic.Int64
	thief := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stolen.Add(1)
		reply(w, 200, `[]`)
	}))
	defer thief.Close()

	f := newFake(t)
	f.data = func(w http.ResponseWriter, r *http.Request, _ int) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/away"):
			http.Redirect(w, r, thief.URL+"/x?token=1", http.StatusTemporaryRedirect)
		case strings.HasSuffix(r.URL.Path, "/scheme"):
			http.Redirect(w, r, "https"+strings.TrimPrefix(f.base, "http")+"/data/v3/ed-fi/x", http.StatusMovedPermanently)
		case strings.HasSuffix(r.URL.Path, "/circle"):
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
		case strings.HasSuffix(r.URL.Path, "/slash"):
			http.Redirect(w, r, r.URL.Path+"/", http.StatusMovedPermanently)
		default:
			if r.Header.Get("Authorization") == "" {
				t.Error("no token after a redirect within the host")
			}
			reply(w, 200, `[]`)
		}
	}
	// The fake insists on a new request id each time, which a redirect repeats.
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("X-Request-Id", fmt.Sprint(time.Now().UnixNano(), r.URL))
		f.ServeHTTP(w, r)
	}))
	defer s.Close()
	f.base = s.URL
	c := mustNew(t, settings(s.URL))
	for _, resource := range []string{"away", "scheme"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			var err error
			if method == http.MethodGet {
				_, err = c.Get(t.Context(), resource, nil)
			} else {
				_, err = c.Post(t.Context(), resource, []byte(`{}`))
			}
			failure := mustFail(t, err, Odd)
			if !strings.Contains(failure.Detail, "redirects to http") || strings.Contains(err.Error(), "token=1") || failure.Fix == "" {
				t.Errorf("%s %s: %v", method, resource, err)
			}
		}
	}
	if stolen.Load() != 0 {
		t.Error("a request followed a redirect to another host")
	}
	if _, err := c.Get(t.Context(), "slash", nil); err != nil {
		t.Error(err)
	}
	// A POST that is redirected would become a GET: it is refused, even within the host.
	if _, err := c.Post(t.Context(), "slash", []byte(`{}`)); !IsKind(err, Odd) {
		t.Error(err)
	}
	if _, err := c.Get(t.Context(), "circle", nil); !IsKind(err, Transport) || !strings.Contains(err.Error(), "in a circle") {
		t.Error(err)
	}
}

func TestConnectionsAreBoundedAndKept(t *testing.T) {
	f := newFake(t)
	f.data = func(w http.ResponseWriter, _ *http.Request, n int) {
		if n%3 == 0 {
			reply(w, 400, `{"detail":"no"}`)
			return
		}
		w.WriteHeader(201)
	}
	var opened, open, most atomic.Int64
	s := httptest.NewUnstartedServer(f)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			opened.Add(1)
			if n := open.Add(1); n > most.Load() { // one goroutine accepts
				most.Store(n)
			}
		case http.StateClosed:
			open.Add(-1)
		}
	}
	s.Start()
	defer s.Close()
	f.base = s.URL
	config := settings(s.URL)
	config.Concurrency = 4
	c := mustNew(t, config)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 50 {
				if _, err := c.Post(t.Context(), "students", []byte(`{}`)); err != nil && !IsKind(err, Validation) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	// On a busy machine a connection is lost now and then, and the server learns of it late.
	if opened, most := opened.Load(), most.Load(); opened > 8 || most > 5 {
		t.Errorf("%d connections were opened, %d at a time, for 800 calls and a concurrency of 4", opened, most)
	}
}

func TestOverallDeadline(t *testing.T) {
	f := newFake(t)
	f.data = func(_ http.ResponseWriter, r *http.Request, _ int) { <-r.Context().Done() }
	s := serve(t, f, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := mustNew(t, settings(s.URL)).Post(ctx, "students", []byte(`{}`))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}
