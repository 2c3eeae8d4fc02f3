package validate

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-edfi/sluice/pkg/catalog"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/sandbox"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// odsAPI is a sandbox behind HTTP that remembers what it was asked.
type odsAPI struct {
	*sandbox.Server
	url string

	extend func(paths map[string]any) // adds to the document of resources

	mu    sync.Mutex
	calls []string // "304 GET /metadata/…"
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func newODS(t *testing.T, o sandbox.Options) *odsAPI {
	t.Helper()
	std, values := standard()
	o.Standard, o.Descriptors = std, values
	s, err := sandbox.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	api := &odsAPI{Server: s}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sw := &statusWriter{w, http.StatusOK}
		if api.extend != nil && strings.HasPrefix(r.URL.Path, "/metadata/data/v3/resources") {
			r.Header.Del("Accept-Encoding")
			plain := httptest.NewRecorder()
			s.Handler().ServeHTTP(plain, r)
			var document map[string]any
			if err := json.Unmarshal(plain.Body.Bytes(), &document); err != nil {
				t.Error(err)
			}
			api.extend(document["paths"].(map[string]any))
			if err := json.NewEncoder(w).Encode(document); err != nil {
				t.Error(err)
			}
		} else {
			s.Handler().ServeHTTP(sw, r)
		}
		api.mu.Lock()
		defer api.mu.Unlock()
		api.calls = append(api.calls, http.StatusText(sw.status)+" "+r.Method+" "+r.URL.Path)
	}))
	api.url = server.URL
	t.Cleanup(func() {
		server.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return api
}

// forget starts a new list of calls.
func (a *odsAPI) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = nil
}

// count is how many calls contain the text.
func (a *odsAPI) count(text string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, c := range a.calls {
		if strings.Contains(c, text) {
			n++
		}
	}
	return n
}

func (a *odsAPI) options(t *testing.T, r *runs.Run, secret string) Options {
	t.Helper()
	client, err := target.New(target.Config{BaseURL: a.url, ClientID: sandbox.Key, ClientSecret: secret, Retry: target.RetryPolicy{Max: -1}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	std, values := standard()
	return Options{Run: r, Client: client, Target: runs.Target{Identity: a.ID(), ClientID: sandbox.Key, Environment: "test"},
		Standard: std, EmbeddedDescriptors: values, Workers: 2, Now: func() time.Time { return now }}
}

// online runs the gate against the target of o, with a cache.
func online(ctx context.Context, o Options, cacheDir string) (*Result, error) {
	o.Catalog = func(ctx context.Context) (*catalog.Catalog, error) {
		return catalog.Open(ctx, o.Client, catalog.Options{Identity: o.Target.Identity, ClientID: o.Target.ClientID, CacheDir: cacheDir, Now: o.Now})
	}
	return Run(ctx, o)
}

// stagedForODS fits the sandbox's students, schools and school years but for line 2.
func stagedForODS() map[string]string {
	return own(map[string]string{
		"assessments":          lines(assessment("A")),
		"objectiveAssessments": lines(objective("A", "x", "")),
		"studentAssessments": lines(
			result("1", "A", "600001", append(score(method), "schoolYearTypeReference", raw(`{"schoolYear":2026}`), "reportedSchoolReference", raw(`{"schoolId":255901300}`))...),
			result("2", "A", "100", "reportedSchoolReference", raw(`{"schoolId":255901300}`)),
			result("3", "A", "699999", "whenAssessedGradeLevelDescriptor", "uri://ed-fi.org/GradeLevelDescriptor#third grade")),
	})
}

func TestOnlineAgainstTheSandbox(t *testing.T) {
	ods := newODS(t, sandbox.Options{})
	cacheDir := t.TempDir()
	judge := func(change func(*Options)) (*runs.Run, *runs.ValidateCounts) {
		t.Helper()
		r := newRun(t, stagedForODS())
		o := ods.options(t, r, sandbox.Secret)
		if change != nil {
			change(&o)
		}
		ods.forget()
		result, err := online(t.Context(), o, cacheDir)
		keep(r, result)
		if err != nil {
			t.Fatal(err)
		}
		if text, _ := os.ReadFile(r.VerdictFile("studentAssessments")); string(text) != "viv" {
			problems, _ := os.ReadFile(r.File("problems", "validate.jsonl"))
			t.Fatalf("%s\n%s", text, problems)
		}
		return r, result.Counts
	}
	r, counts := judge(nil)
	if !counts.Online || counts.OpenForTarget || !r.Pass.Online || r.Pass.Target != ods.ID() || r.Target.APIVersion == "" || r.Target.BaseURL != ods.url || r.Pass.DataStandard != "5.1" {
		t.Errorf("%+v %+v %+v", counts, r.Pass, r.Target)
	}
	if ods.count("OK GET /metadata/data/v3/resources") != 1 || ods.count("gradeLevelDescriptors") == 0 {
		t.Errorf("%q", ods.calls)
	}

	judge(nil) // warm: the documents are as they were, the descriptors are not asked for
	if ods.count("Not Modified GET /metadata/data/v3/resources") != 1 || ods.count("Descriptors") != 0 || ods.count("oauth/token") == 0 {
		t.Errorf("%q", ods.calls)
	}

	later := func(o *Options) { o.Now = func() time.Time { return now.Add(25 * time.Hour) } }
	judge(later)
	if ods.count("gradeLevelDescriptors") != 0 || ods.count("availableChangeVersions") != 1 {
		t.Errorf("nothing was written at the target, and it was asked again: %q", ods.calls)
	}
	judge(func(o *Options) {
		later(o)
		own := []byte(`{"namespace":"uri://acme.org/GradeLevelDescriptor","codeValue":"Own","shortDescription":"Own"}`)
		if _, err := o.Client.Post(t.Context(), "gradeLevelDescriptors", own); err != nil {
			t.Fatal(err)
		}
	})
	if ods.count("gradeLevelDescriptors") == 0 {
		t.Error("an old set of descriptors was used")
	}

	judge(func(o *Options) { o.Target.ClientID = "rotated" })
	if ods.count("OK GET /metadata/data/v3/resources") != 1 {
		t.Error("the cache of another credential was used")
	}

	files, _ := filepath.Glob(filepath.Join(cacheDir, "*", "*"))
	if len(files) < 4 {
		t.Fatal(files)
	}
	for _, f := range files {
		if err := os.WriteFile(f, []byte(`{"format":1}`+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	judge(func(o *Options) { o.Target.ClientID = "rotated" })
	if ods.count("OK GET /metadata/data/v3/resources") != 1 {
		t.Error("a damaged cache was used")
	}
}

// Resources of extensions that are called like the core's are never asked in their place.
func TestExtensionsOfTheTarget(t *testing.T) {
	ods := newODS(t, sandbox.Options{})
	ods.extend = func(paths map[string]any) {
		for _, name := range []string{"students", "schools", "assessments", "studentAssessments", "schoolYearTypes"} {
			for _, segment := range []string{"/homograph/", "/tx/", "/aa/"} {
				paths[segment+name] = paths["/ed-fi/"+name]
			}
		}
	}
	staged := stagedForODS()
	staged["tx.assessments"] = lines(assessment("T"))
	r := newRun(t, staged)
	result, err := online(t.Context(), ods.options(t, r, sandbox.Secret), "")
	if err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(r.VerdictFile("studentAssessments"))
	if string(text) != "viv" || result.Counts.Resources["tx.assessments"].Valid != 1 {
		problems, _ := os.ReadFile(r.File("problems", "validate.csv"))
		t.Errorf("%s %+v\n%s", text, result.Counts, problems)
	}
	for _, segment := range []string{"/homograph/", "/tx/", "/aa/"} {
		if n := ods.count(segment); n > 0 {
			t.Errorf("%d calls to %s", n, segment)
		}
	}
}

func TestWhatTheClaimSetHides(t *testing.T) {
	ods := newODS(t, sandbox.Options{Clients: []sandbox.Client{{Key: sandbox.Key, Secret: sandbox.Secret, Namespaces: []string{"uri://other.org"},
		Deny: []sandbox.Denial{{Resource: "schools"}, {Resource: "gradeLevelDescriptors", Actions: []sandbox.Action{sandbox.Read}}}}}})
	r := newRun(t, stagedForODS())
	if _, err := online(t.Context(), ods.options(t, r, sandbox.Secret), ""); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(r.VerdictFile("studentAssessments"))
	problems, _ := os.ReadFile(r.File("problems", "validate.csv"))
	if string(text) != "uiu" || !strings.Contains(string(problems), string(diag.AuthNamespace)) {
		t.Errorf("%s\n%s", text, problems)
	}
}

func TestAWrongSecretIsFoundBeforeAnything(t *testing.T) {
	ods := newODS(t, sandbox.Options{})
	r := newRun(t, map[string]string{"assessments": lines(assessment("A"))})
	_, err := online(t.Context(), ods.options(t, r, "not-the-secret"), "")
	e, ok := diag.AsError(err)
	if !ok || e.Kind != diag.Refused || e.Code != diag.AuthRefused || strings.Contains(err.Error()+e.Next, "not-the-secret") {
		t.Errorf("%v", err)
	}
}

func TestAnUnreachableTarget(t *testing.T) {
	ods := newODS(t, sandbox.Options{})
	o := ods.options(t, newRun(t, nil), sandbox.Secret)
	client, err := target.New(target.Config{BaseURL: "http://127.0.0.1:1", ClientID: "k", ClientSecret: "s", Retry: target.RetryPolicy{Max: -1}})
	if err != nil {
		t.Fatal(err)
	}
	o.Client = client
	_, err = online(t.Context(), o, "")
	if e, ok := diag.AsError(err); !ok || e.Kind != diag.CouldNotRun || e.Code != diag.TargetUnreached {
		t.Errorf("%v", err)
	}
}

func TestARunForAnotherStandardStopsEarly(t *testing.T) {
	ods := newODS(t, sandbox.Options{})
	r := newRun(t, stagedForODS())
	r.DataStandard = "4.0"
	_, err := online(t.Context(), ods.options(t, r, sandbox.Secret), "")
	if e, ok := diag.AsError(err); !ok || e.Kind != diag.Guarded || e.Code != diag.StandardMismatch {
		t.Errorf("%v", err)
	}
	if ods.count("openapi")+ods.count("swagger") > 0 {
		t.Errorf("%q", ods.calls)
	}
}
