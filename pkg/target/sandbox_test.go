package target_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-edfi/sluice/pkg/sandbox"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/target"
	"github.com/sluice-edfi/sluice/schemas"
)

// emulate serves a sandbox and makes a client of it whose retries do not take seconds.
func emulate(t *testing.T, o sandbox.Options, change func(*target.Config)) (*target.Client, *sandbox.Server) {
	t.Helper()
	var err error
	if o.Standard, err = schema.Load(schemas.FS, "5.1"); err != nil {
		t.Fatal(err)
	}
	if o.Descriptors, err = schema.StandardDescriptors(schemas.FS, "5.1"); err != nil {
		t.Fatal(err)
	}
	server, err := sandbox.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(server.Handler())
	config := target.Config{BaseURL: listener.URL, ClientID: sandbox.Key, ClientSecret: sandbox.Secret,
		Retry: target.RetryPolicy{First: time.Millisecond, MaxRetryAfter: 5 * time.Millisecond}}
	if change != nil {
		change(&config)
	}
	client, err := target.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Close()
		listener.Close()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return client, server
}

// logger writes everything to b, which may be read when nothing is under way any more.
func logger(b *bytes.Buffer) *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

const assessment = `{"assessmentIdentifier":"A%d","namespace":"uri://acme.org/Assessment","assessmentTitle":"T",` +
	`"academicSubjects":[{"academicSubjectDescriptor":"uri://ed-fi.org/AcademicSubjectDescriptor#Reading"}]}`

func TestSandbox(t *testing.T) {
	client, _ := emulate(t, sandbox.Options{}, nil)
	ctx := t.Context()
	about, err := client.Discover(ctx)
	if err != nil || about.Version == "" || about.Standard() != "5.1" {
		t.Fatal(about, err)
	}
	created, err := client.Post(ctx, "assessments", fmt.Appendf(nil, assessment, 1))
	if err != nil || created.Status != 201 || created.ID == "" {
		t.Fatal(created, err)
	}
	updated, err := client.Post(ctx, "assessments", fmt.Appendf(nil, assessment, 1))
	if err != nil || updated.Status != 200 || updated.ID != created.ID {
		t.Fatal(updated, err)
	}
	if n, err := client.Count(ctx, "assessments", nil); err != nil || n != 1 {
		t.Error(n, err)
	}
	if r, err := client.GetByID(ctx, "assessments", created.ID); err != nil || len(r.Body) == 0 {
		t.Error(r, err)
	}
	values := 0
	err = target.EachPageOf(ctx, client, "gradeLevelDescriptors", 7, 4, func(items []json.RawMessage) error { values += len(items); return nil })
	if n, countErr := client.Count(ctx, "gradeLevelDescriptors", nil); err != nil || countErr != nil || int64(values) != n || n == 0 {
		t.Error(values, n, err, countErr)
	}
	documents, err := client.Documents(ctx, target.ETags{})
	if err != nil || len(documents.Resources.Body) == 0 || len(documents.Dependencies.Body) == 0 {
		t.Fatal(err)
	}
	if again, err := client.Documents(ctx, target.ETags{Resources: documents.Resources.ETag}); err != nil || documents.Resources.ETag != "" && !again.Resources.NotModified {
		t.Error(err)
	}
	if info, err := client.TokenInfo(ctx); err != nil || len(info.NamespacePrefixes) == 0 {
		t.Error(info, err)
	}
	if v, err := client.NewestChangeVersion(ctx); err != nil || v == 0 {
		t.Error(v, err)
	}
}

func TestSandboxRefusals(t *testing.T) {
	client, _ := emulate(t, sandbox.Options{}, nil)
	for name, tt := range map[string]struct {
		resource, body string
		kind           target.Kind
		status         int
	}{
		"not JSON":          {"assessments", `{`, target.Validation, 400},
		"empty":             {"assessments", ``, target.Validation, 400},
		"missing members":   {"assessments", `{"namespace":"uri://acme.org/x"}`, target.Validation, 400},
		"missing reference": {"objectiveAssessments", `{"identificationCode":"x","assessmentReference":{"assessmentIdentifier":"none","namespace":"uri://acme.org/x"}}`, target.Reference, 409},
		"no such resource":  {"assesments", `{}`, target.Odd, 404},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client.Post(t.Context(), tt.resource, []byte(tt.body))
			f, ok := target.AsFailure(err)
			if !ok || f.Kind != tt.kind || f.Status != tt.status || f.Text() == "" || f.Attempts != 1 || f.CorrelationID == "" {
				t.Errorf("%+v", err)
			}
		})
	}
	wrong, _ := emulate(t, sandbox.Options{}, func(c *target.Config) { c.ClientSecret = "wrong" })
	if _, err := wrong.Post(t.Context(), "assessments", []byte(`{}`)); !target.IsKind(err, target.Auth) {
		t.Error(err)
	}
}

// Everything goes wrong now and then: every record arrives, and once.
func TestSandboxWithFaults(t *testing.T) {
	faults, err := sandbox.ParseFaults("429:0.02,500:0.01,503:0.01,504:0.01,reset-before:0.01,reset-after:0.01,html:0.01,conflict:0.03,expire:0.02,empty:0.01")
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	client, server := emulate(t, sandbox.Options{TokenCalls: 100}, func(c *target.Config) { c.Retry.Max, c.Logger = 20, logger(&log) })
	if _, err := client.Discover(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.SetFaults(faults)
	const workers, each = 8, 50
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				if _, err := client.Post(t.Context(), "assessments", fmt.Appendf(nil, assessment, w*each+i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	server.SetFaults(sandbox.Faults{})
	if n, err := client.Count(t.Context(), "assessments", nil); err != nil || n != workers*each {
		t.Errorf("%d records, %v", n, err)
	}
	if !strings.Contains(log.String(), "msg=retry") {
		t.Error("no fault struck")
	}
}

// A cap on live tokens is not reached, however many workers and calls there are.
func TestSandboxTokenLimit(t *testing.T) {
	var log bytes.Buffer
	client, _ := emulate(t, sandbox.Options{TokenLimit: 1}, func(c *target.Config) { c.Logger = logger(&log) })
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				if _, err := client.Get(t.Context(), "schools", url.Values{"limit": {"1"}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := strings.Count(log.String(), "token obtained"); n != 1 {
		t.Errorf("%d tokens", n)
	}
}

func TestSandboxBelowAYear(t *testing.T) {
	client, _ := emulate(t, sandbox.Options{Context: "2026"}, func(c *target.Config) { c.SchoolYear = 2026 })
	if _, err := client.Post(t.Context(), "assessments", fmt.Appendf(nil, assessment, 1)); err != nil {
		t.Error(err)
	}
	for name, tt := range map[string]struct {
		change func(*target.Config)
		kind   target.Kind
	}{
		"no year":                 {func(*target.Config) {}, target.Setup},
		"another year":            {func(c *target.Config) { c.SchoolYear = 2025 }, target.Token},
		"another year in address": {func(c *target.Config) { c.SchoolYear, c.BaseURL = 2025, c.BaseURL+"/2026" }, target.Setup},
	} {
		other, _ := emulate(t, sandbox.Options{Context: "2026"}, tt.change)
		_, err := other.Post(t.Context(), "assessments", fmt.Appendf(nil, assessment, 1))
		if !target.IsKind(err, tt.kind) || !strings.Contains(err.Error(), "school_year") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
