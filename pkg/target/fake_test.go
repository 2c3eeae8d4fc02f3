package target

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testKey    = "test-key"
	testSecret = "s3cret+/&<=x%:y" // every character that some encoding changes
)

// fake is a small Ed-Fi API. It checks what every call must carry, and lets tests answer.
type fake struct {
	t    *testing.T
	base string
	root map[string]any // nil: 7.2 at base

	// token and data answer the calls; nil: a token of 1,800 s, and 201.
	token func(w http.ResponseWriter, r *http.Request, n int)
	data  func(w http.ResponseWriter, r *http.Request, n int)

	still bool // nothing is told of changes, and it is not asked for in vain

	mu     sync.Mutex
	tokens int      // token requests so far
	calls  int      // data calls so far
	log    []string // "POST /data/v3/ed-fi/x" of all data calls
	ids    map[string]bool
	corr   []string
	bodies []string
}

func newFake(t *testing.T) *fake {
	return &fake{t: t, base: "https://ods.test", ids: map[string]bool{}}
}

// rootDocumentOf is the root of a target of version 7.2 at base.
func rootDocumentOf(base string) map[string]any {
	return map[string]any{
		"version": "7.2", "suite": "3",
		"dataModels": []map[string]string{{"name": "Ed-Fi", "version": "5.1.0"}},
		"urls": map[string]string{
			"dependencies": base + "/metadata/data/v3/dependencies", "openApiMetadata": base + "/metadata/",
			"oauth": base + "/oauth/token", "dataManagementApi": base + "/data/v3/",
			"changeQueries": base + "/changeQueries/v1/",
		},
	}
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	if id := r.Header.Get("X-Request-Id"); id == "" || f.ids[id] {
		f.t.Errorf("%s %s: request id %q is missing or used twice", r.Method, r.URL.Path, id)
	} else {
		f.ids[id] = true
	}
	if r.Header.Get("Correlation-Id") == "" || r.Header.Get("User-Agent") == "" {
		f.t.Errorf("%s %s: no correlation id or user agent: %v", r.Method, r.URL.Path, r.Header)
	}
	f.mu.Unlock()
	switch {
	case r.URL.Path == "/" || r.URL.Path == "":
		if r.Header.Get("Authorization") != "" {
			f.t.Error("discovery carries a credential")
		}
		root := f.root
		if root == nil {
			root = rootDocumentOf(f.base)
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(root)
	case strings.HasSuffix(r.URL.Path, "/oauth/token"):
		f.serveToken(w, r)
	case f.still && strings.Contains(r.URL.Path, "/changeQueries/"):
		reply(w, 404, "")
	default:
		f.mu.Lock()
		f.calls++
		n := f.calls
		body, _ := io.ReadAll(r.Body)
		f.log = append(f.log, r.Method+" "+r.URL.RequestURI())
		f.corr = append(f.corr, r.Header.Get("Correlation-Id"))
		f.bodies = append(f.bodies, string(body))
		f.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		if r.Method == http.MethodPost { // data may take it out again
			w.Header().Set("Location", fmt.Sprintf("%s%s/%032x", f.base, r.URL.Path, n))
		}
		if f.data != nil {
			f.data(w, r, n)
			return
		}
		w.WriteHeader(http.StatusCreated)
	}
}

func (f *fake) serveToken(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.tokens++
	n := f.tokens
	f.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte(testKey+":"+testSecret))
	if got := r.Header["Authorization"]; len(got) != 1 || got[0] != want {
		f.t.Errorf("token request with Authorization %q, want %q", got, want)
	}
	if string(body) != "grant_type=client_credentials" || r.Method != http.MethodPost {
		f.t.Errorf("token request is %s with body %q", r.Method, body)
	}
	if f.token != nil {
		f.token(w, r, n)
		return
	}
	grant(w, n)
}

// grant answers with token n, "token-n".
func grant(w http.ResponseWriter, n int) {
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	fmt.Fprintf(w, `{"access_token":"token-%d","expires_in":1800,"token_type":"bearer"}`, n)
}

// answer writes a status and a body.
func reply(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// memory is a transport that calls a handler at once, in the caller's goroutine: no sockets, so
// that synctest can move the clock.
type memory struct{ handler http.Handler }

func (m memory) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	server := r.Clone(r.Context())
	if r.Body == nil {
		server.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	m.handler.ServeHTTP(w, server)
	response := w.Result()
	response.Request = r
	return response, nil
}

// roundTripper makes a transport of a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// config for a client of the fake, over memory.
func (f *fake) config() Config {
	return Config{BaseURL: f.base, ClientID: testKey, ClientSecret: testSecret, Transport: memory{f}}
}

func (f *fake) client() *Client { return mustNew(f.t, f.config()) }

func mustNew(t testing.TB, config Config) *Client {
	t.Helper()
	c, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// mustFail wants a failure of that kind and returns it.
func mustFail(t *testing.T, err error, kind Kind) *Failure {
	t.Helper()
	f, ok := AsFailure(err)
	if !ok {
		t.Fatalf("error is %T %v, want a failure of kind %s", err, err, kind)
	}
	if f.Kind != kind {
		t.Fatalf("kind is %s, want %s: %v", f.Kind, kind, err)
	}
	return f
}

// logs collects everything that is logged, at every level.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logs) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
