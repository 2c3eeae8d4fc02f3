package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sluice-edfi/sluice/pkg/sandbox"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/schemas"
)

// fault is a way in which the target of a script fails; it stands before the emulator and answers
// what it matches.
type fault struct {
	root   bool                     // the root document too
	only   func(*http.Request) bool // nil: every call
	status int
	header string // Name: value
	body   string
	answer func(w http.ResponseWriter, r *http.Request, emulator http.Handler) // nil: status, header and body
}

// ofRecords are the calls that load records, ofTokens those that ask for a token.
func ofRecords(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/data/")
}
func ofRoot(r *http.Request) bool   { return r.URL.Path == "/" }
func ofTokens(r *http.Request) bool { return r.URL.Path == "/oauth/token" }

// faults are those that `api` knows by name.
var faults = map[string]*fault{
	"works":           nil,
	"settings":        {root: true, only: ofRoot, status: http.StatusOK, body: `{"urls": {"dataManagementApi": "/{tenantIdentifier}/data/v3", "oauth": "/oauth/token"}}`},
	"maintenance":     {root: true, status: http.StatusOK, header: "Content-Type: text/html", body: "<html>Down for maintenance</html>"},
	"no-root":         {root: true, only: ofRoot, status: http.StatusNotFound},
	"no-route":        {root: true, status: http.StatusNotFound},
	"no-entry":        {root: true, status: http.StatusUnauthorized},
	"standard-5.0":    {root: true, only: ofRoot, answer: standard("5.0.0")},
	"year-specific":   {root: true, answer: yearSpecific},
	"standard-5.2":    {root: true, only: ofRoot, answer: standard("5.2.0")},
	"standard-4.0":    {root: true, only: ofRoot, answer: standard("4.0.0")},
	"credential":      {status: http.StatusUnauthorized},
	"log-in-page":     {status: http.StatusOK, body: "<html><body>Please log in</body></html>"},
	"busy":            {status: http.StatusTooManyRequests, header: "Retry-After: 86400"},
	"too-many-tokens": {status: http.StatusTooManyRequests, header: "Retry-After: 86400", body: `{"type": "urn:ed-fi:api:security:authentication:too-many-tokens"}`},
	"token-404":       {only: ofTokens, status: http.StatusNotFound, body: `{"type": "urn:ed-fi:api:not-found", "detail": "key sandbox, secret sandbox%2dsecret"}`},
	"token-410":       {only: ofTokens, status: http.StatusGone},
	"text":            {only: ofRecords, status: http.StatusOK, header: "Content-Type: text/plain", body: "Please log in"},
	"html-by-type":    {only: ofRecords, status: http.StatusOK, header: "Content-Type: text/html", body: "/* */ <script>location='/log-in'</script>"},
	"json":            {only: ofRecords, status: http.StatusOK, header: "Content-Type: application/json", body: `{"error":"session expired"}`},
	"problem":         {only: ofRecords, status: http.StatusOK, header: "Content-Type: application/problem+json", body: `{"type":"urn:ed-fi:api:bad-request","status":400}`},
	"empty":           {only: ofRecords, status: http.StatusOK},
	"accepted":        {only: ofRecords, status: http.StatusAccepted},
	"no-content":      {only: ofRecords, status: http.StatusNoContent},
	"total-high":      {only: ofPages, answer: totalOf("4000000000000")},
	"total-low":       {only: ofPages, answer: totalOf("1")},
	"total-none":      {only: ofPages, answer: totalOf("")},
	"small-pages":     {only: ofPages, answer: smallPages},
	"same-page":       {only: ofPages, answer: samePage},
	"not-enrolled":    {only: ofPages, answer: notEnrolled},
	"withdrawn":       {only: ofRecords, answer: withdrawn},
	"server":          {status: http.StatusInternalServerError, body: `{"type": "urn:ed-fi:api:system:configuration"}`},
}

// notEnrolled is a target that does not have a student yet.
func notEnrolled(w http.ResponseWriter, r *http.Request, emulator http.Handler) {
	if r.URL.Query().Get("studentUniqueId") == "600004" {
		r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "600004", "999997", 1)
	}
	emulator.ServeHTTP(w, r)
}

// withdrawn is a target from which two students have gone since it was asked for them.
func withdrawn(w http.ResponseWriter, r *http.Request, emulator http.Handler) {
	record, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if regexp.MustCompile(`"studentUniqueId":"60000[23]"`).Match(record) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusConflict)
		fmt.Fprint(w, `{"type": "urn:ed-fi:api:data-conflict:unresolved-reference", "title": "Unresolved Reference", "status": 409,
			"detail": "The referenced 'Student' item does not exist."}`)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(record))
	emulator.ServeHTTP(w, r)
}

// ofPages are the calls that read records.
func ofPages(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/data/")
}

// claiming answers with another Total-Count; "" is none.
type claiming struct {
	http.ResponseWriter
	total string
	begun bool
}

func (c *claiming) Write(p []byte) (int, error) {
	if !c.begun {
		c.WriteHeader(http.StatusOK)
	}
	return c.ResponseWriter.Write(p)
}

func (c *claiming) WriteHeader(status int) {
	c.begun = true
	if h := c.Header(); h.Get("Total-Count") != "" {
		h.Set("Total-Count", c.total)
		if c.total == "" {
			h.Del("Total-Count")
		}
	}
	c.ResponseWriter.WriteHeader(status)
}

func totalOf(total string) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, r *http.Request, emulator http.Handler) {
		emulator.ServeHTTP(&claiming{ResponseWriter: w, total: total}, r)
	}
}

// smallPages refuses what the emulator allows, as a host with a lower limit does.
func smallPages(w http.ResponseWriter, r *http.Request, emulator http.Handler) {
	if r.URL.Query().Get("limit") == "500" {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"message": "Limit must be a value between 0 and 100."}`)
		return
	}
	emulator.ServeHTTP(w, r)
}

// samePage is a proxy that keeps answers whatever the query: it serves three records, of five, again and again.
func samePage(w http.ResponseWriter, r *http.Request, emulator http.Handler) {
	r.URL.RawQuery = "limit=3&offset=0"
	emulator.ServeHTTP(w, r)
}

// standard says in the root document that the target has another data standard.
func standard(version string) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, r *http.Request, emulator http.Handler) {
		all := httptest.NewRecorder()
		emulator.ServeHTTP(all, r)
		text := regexp.MustCompile(`("name": *"Ed-Fi",\s*"version": *)"[^"]*"`).ReplaceAllString(all.Body.String(), `${1}"`+version+`"`)
		fmt.Fprint(w, text)
	}
}

// yearSpecific is a target that has a database for each school year, and 2026 alone.
func yearSpecific(w http.ResponseWriter, r *http.Request, emulator http.Handler) {
	if ofRoot(r) {
		fmt.Fprint(w, `{"version": "6.1", "apiMode": "Year Specific", "dataModels": [{"name": "Ed-Fi", "version": "5.1.0"}],
			"urls": {"dataManagementApi": "/data/v3/2031/", "oauth": "/oauth/token", "openApiMetadata": "/metadata/2031/", "dependencies": "/metadata/data/v3/2031/dependencies"}}`)
		return
	}
	r.URL.Path = strings.Replace(strings.Replace(r.URL.Path, "/v3/2026/", "/v3/", 1), "/metadata/2026", "/metadata", 1)
	emulator.ServeHTTP(w, r)
}

// current is the fault of each script's target, an *atomic.Pointer[fault] by $API.
var current sync.Map

// api starts a target behind https, whose address is $API and whose certificate is in $CERTIFICATE;
// api FAULT makes it fail in that way from now on. Where $ASKS names a certificate, the target asks for it, and
// speaks TLS 1.2 only.
func api(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 1 {
		ts.Fatalf("usage: api [FAULT]")
	}
	if len(args) == 1 {
		f, ok := faults[args[0]]
		if !ok {
			ts.Fatalf("unknown fault %s", args[0])
		}
		of, ok := current.Load(ts.Getenv("API"))
		if !ok {
			ts.Fatalf("api without a fault comes first")
		}
		of.(*atomic.Pointer[fault]).Store(f)
		return
	}
	var of atomic.Pointer[fault]
	std, err := schema.Load(schemas.FS, "5.1")
	ts.Check(err)
	descriptors, err := schema.StandardDescriptors(schemas.FS, "5.1")
	ts.Check(err)
	emulator, err := sandbox.Open(sandbox.Options{Standard: std, Descriptors: descriptors})
	ts.Check(err)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := of.Load()
		if f == nil || r.URL.Path == "/" && !f.root || f.only != nil && !f.only(r) {
			emulator.Handler().ServeHTTP(w, r)
			return
		}
		if f.answer != nil {
			f.answer(w, r, emulator.Handler())
			return
		}
		if name, value, ok := strings.Cut(f.header, ": "); ok {
			w.Header().Set(name, value)
		}
		w.WriteHeader(f.status)
		fmt.Fprint(w, f.body)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are what is tested
	if ts.Getenv("ASKS") != "" {
		asked, err := os.ReadFile(ts.MkAbs(ts.Getenv("ASKS")))
		ts.Check(err)
		s.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12}
		s.TLS.ClientCAs.AppendCertsFromPEM(asked)
	}
	s.StartTLS()
	ts.Defer(func() {
		s.Close()
		if err := emulator.Close(); err != nil {
			ts.Logf("%v", err)
		}
	})
	certificate := ts.MkAbs("certificate.pem")
	ts.Check(os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600))
	ts.Setenv("API", s.URL)
	current.Store(s.URL, &of)
	ts.Setenv("CERTIFICATE", certificate)
}

// alike STATUS CODE checks that each command that asks the target ends with that status and code:
// those of run.txt, one a line.
func alike(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: alike STATUS CODE")
	}
	for line := range strings.Lines(ts.ReadFile("commands.txt")) {
		command := strings.Fields(os.Expand(line, ts.Getenv))
		if len(command) == 0 {
			continue
		}
		got := "0"
		if err := ts.Exec(command[0], command[1:]...); err != nil {
			e, ok := err.(*exec.ExitError) //nolint:errorlint // as ts.Exec gives it
			if !ok {
				ts.Fatalf("%v", err)
			}
			got = fmt.Sprint(e.ExitCode())
		}
		if text := ts.ReadFile("stderr"); got != args[0] || !strings.Contains(text, "sluice: ["+args[1]+"]") {
			ts.Fatalf("%s: exit status %s, want %s with %s", strings.TrimSpace(line), got, args[0], args[1])
		}
	}
}
