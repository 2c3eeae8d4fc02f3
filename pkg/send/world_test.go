package send_test

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/sandbox"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/send"
	"github.com/sluice-edfi/sluice/pkg/target"
	"github.com/sluice-edfi/sluice/schemas"
)

func TestMain(m *testing.M) {
	if settings := os.Getenv("SEND_TEST_CHILD"); settings != "" {
		sendAsChild(settings)
	}
	goleak.VerifyTestMain(m)
}

var (
	standard = sync.OnceValues(func() (*schema.Standard, error) { return schema.Load(schemas.FS, "5.1") })
	noon     = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	bend     = ledger.Identity{Tenant: "bend", Environment: "test", BaseURL: "https://ods.example.org", SchoolYear: 2026}
)

// world is a target, a tenant's ledger and the client between them.
type world struct {
	t       testing.TB
	dir     string
	options sandbox.Options
	sandbox *sandbox.Server
	handler atomic.Pointer[http.Handler]
	http    *httptest.Server
	client  *target.Client
	ledger  *ledger.Ledger
	std     *schema.Standard
	posts   atomic.Int64 // POSTs of records that reached the server
	now     time.Time
	runs    int
	log     bytes.Buffer
}

// newWorld starts an empty target.
func newWorld(t testing.TB, change ...func(*sandbox.Options)) *world {
	t.Helper()
	std, err := standard()
	if err != nil {
		t.Fatal(err)
	}
	values, err := schema.StandardDescriptors(schemas.FS, "5.1")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, dir: t.TempDir(), std: std, now: noon, options: sandbox.Options{Standard: std, Descriptors: values}}
	for _, c := range change {
		c(&w.options)
	}
	w.http = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && strings.Contains(r.URL.Path, "/data/") {
			w.posts.Add(1)
		}
		(*w.handler.Load()).ServeHTTP(rw, r)
	}))
	w.restart()
	w.client = w.connect()
	w.ledger = w.openLedger()
	t.Cleanup(func() {
		if err := w.ledger.Close(); err != nil {
			t.Error(err)
		}
		w.client.Close()
		w.http.Close()
		if err := w.sandbox.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// restart replaces the target by an empty one at the same address.
func (w *world) restart() {
	w.t.Helper()
	old := w.sandbox
	s, err := sandbox.Open(w.options)
	if err != nil {
		w.t.Fatal(err)
	}
	w.sandbox = s
	h := s.Handler()
	w.handler.Store(&h)
	if old != nil {
		if err := old.Close(); err != nil {
			w.t.Error(err)
		}
	}
}

func (w *world) connect() *target.Client { return w.connectWith(0) }

// connectWith makes a client with so many retries; 0: as usual.
func (w *world) connectWith(retries int) *target.Client {
	w.t.Helper()
	c, err := target.New(target.Config{BaseURL: w.http.URL, ClientID: sandbox.Key, ClientSecret: sandbox.Secret, Concurrency: 8,
		Retry: target.RetryPolicy{Max: retries, First: time.Millisecond, Ceiling: 20 * time.Millisecond, MaxRetryAfter: 10 * time.Millisecond, MaxOutage: 200 * time.Millisecond}})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// remove deletes a record at the target behind the loader's back.
func (w *world) remove(resource, id string) {
	w.t.Helper()
	call := func(method, path, body string, change func(*http.Request)) []byte {
		request, err := http.NewRequestWithContext(w.t.Context(), method, w.http.URL+path, strings.NewReader(body))
		if err != nil {
			w.t.Fatal(err)
		}
		change(request)
		response, err := w.http.Client().Do(request)
		if err != nil {
			w.t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode >= 300 {
			w.t.Fatal(response.Status, err)
		}
		return text
	}
	var token struct {
		Value string `json:"access_token"`
	}
	text := call(http.MethodPost, "/oauth/token", "grant_type=client_credentials", func(r *http.Request) {
		r.SetBasicAuth(sandbox.Key, sandbox.Secret)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	})
	if err := json.Unmarshal(text, &token); err != nil {
		w.t.Fatal(err)
	}
	call(http.MethodDelete, "/data/v3/ed-fi/"+resource+"/"+id, "", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token.Value) })
}

func (w *world) openLedger() *ledger.Ledger {
	w.t.Helper()
	l, err := ledger.Open(filepath.Join(w.dir, "state", "ledger.db"), bend)
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

// rebuild rebuilds the ledger as the command does.
func (w *world) rebuild(others ...string) (map[string]int64, error) {
	w.t.Helper()
	path := w.ledger.Path()
	if err := w.ledger.Close(); err != nil {
		w.t.Fatal(err)
	}
	l, err := ledger.OpenToRebuild(path, bend)
	if err != nil {
		w.t.Fatal(err)
	}
	d := w.destination()
	d.Ledger = l
	counts, err := send.Rebuild(w.t.Context(), d, others)
	if failed := l.Close(); failed != nil {
		w.t.Error(failed)
	}
	w.ledger = w.openLedger()
	return counts, err
}

// records are the staged lines of a run by resource.
type records map[string][]string

// run stages records and passes them; a line that begins with a verdict and a bar has that one,
// any other is valid: `i|{"codeValue":…}`.
func (w *world) run(all records) *runs.Run {
	w.t.Helper()
	w.runs++
	r, err := runs.Create(filepath.Join(w.dir, fmt.Sprintf("run%d", w.runs)), runs.Manifest{Tenant: "bend", DataStandard: "5.1", Created: w.now,
		Bundle: runs.Bundle{Name: "nwea-map-growth", Version: "1.0.0", Digest: "b1"}, Inputs: []runs.Input{{Name: "results", Path: "/in/fall.csv"}}})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := os.MkdirAll(r.File("verdicts"), 0o700); err != nil {
		w.t.Fatal(err)
	}
	r.Pass = &runs.Pass{Tenant: "bend", Target: bend.String(), Bundle: "b1", DataStandard: "5.1", Online: true, At: w.now.Add(-time.Hour), Events: &runs.PassEvents{},
		Staged: map[string]string{}, Verdicts: map[string]string{}}
	for name, lines := range all {
		var verdicts, text, origin strings.Builder
		for i, ln := range lines {
			verdict, body, ok := strings.Cut(ln, "|")
			if !ok || len(verdict) != 1 {
				verdict, body = "v", ln
			}
			verdicts.WriteString(verdict)
			text.WriteString(body + "\n")
			fmt.Fprintf(&origin, "results:%d\n", i+2)
		}
		for path, content := range map[string]string{r.StagedFile(name): text.String(), r.OriginFile(name): origin.String(), r.VerdictFile(name): verdicts.String()} {
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				w.t.Fatal(err)
			}
		}
		r.Pass.Staged[name], r.Pass.Verdicts[name] = sum(text.String()), sum(verdicts.String())
	}
	if err := r.Save(); err != nil {
		w.t.Fatal(err)
	}
	return r
}

func sum(text string) string {
	s := sha256.Sum256([]byte(text))
	return hex.EncodeToString(s[:])
}

func (w *world) sendOptions(r *runs.Run) send.Options {
	return send.Options{Run: r, To: w.destination(), MaxPassAge: 24 * time.Hour}
}

func (w *world) destination() send.Destination {
	return send.Destination{Tenant: "bend", Client: w.client, ClientID: "key1", Ledger: w.ledger, Standard: w.std, Concurrency: 8,
		Now: func() time.Time { return w.now }, Logger: slog.New(slog.NewTextHandler(&w.log, nil))}
}

// send loads a run that must load.
func (w *world) send(r *runs.Run) map[string]runs.Loaded {
	w.t.Helper()
	counts, err := send.Run(w.t.Context(), w.sendOptions(r))
	if err != nil {
		w.t.Fatalf("send: %v", err)
	}
	return counts.Resources
}

// refused checks that an error is of a code and kind, and names a command to type.
func refused(t testing.TB, err error, code diag.Code, kind diag.Kind, next string) {
	t.Helper()
	e, ok := diag.AsError(err)
	if !ok || e.Code != code || e.Kind != kind || !strings.Contains(e.Next, next) {
		t.Errorf("%v is not %s of kind %d with %q (%+v)", err, code, kind, next, e)
	}
}

// unloaded reads errors/<resource>.jsonl.
func unloaded(t testing.TB, r *runs.Run, resource string) []send.ErrorRow {
	t.Helper()
	text, err := os.ReadFile(r.File("errors", resource+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var all []send.ErrorRow
	for ln := range strings.Lines(string(text)) {
		var u send.ErrorRow
		if err := json.Unmarshal([]byte(ln), &u); err != nil {
			t.Fatal(err)
		}
		all = append(all, u)
	}
	return all
}

// rawLedger changes the ledger's file.
func (w *world) rawLedger(statement string) (sql.Result, error) {
	db, err := sql.Open("sqlite", w.ledger.Path())
	if err != nil {
		return nil, err
	}
	defer db.Close()
	return db.Exec(statement)
}

// known is how many records the ledger holds.
func (w *world) known() (n int64) {
	w.t.Helper()
	db, err := sql.Open("sqlite", w.ledger.Path())
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow("SELECT count(*) FROM record").Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// count asks the target how many records of a resource it has.
func (w *world) count(resource string) int64 {
	w.t.Helper()
	n, err := w.client.Count(w.t.Context(), resource, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

const vendor = "uri://acme.org"

func descriptor(typ, code string) string {
	return fmt.Sprintf(`{"namespace":"%s/%s","codeValue":%q,"shortDescription":%q}`, vendor, typ, code, code)
}

func assessment(id string) string { return assessmentTitled(id, "Acme "+id) }

func assessmentTitled(id, title string) string {
	return fmt.Sprintf(`{"assessmentIdentifier":%q,"namespace":"%s","assessmentTitle":%q,"academicSubjects":[{"academicSubjectDescriptor":"uri://ed-fi.org/AcademicSubjectDescriptor#Mathematics"}]}`, id, vendor, title)
}

func objective(assessment, code, parent string) string {
	text := fmt.Sprintf(`{"identificationCode":%q,"assessmentReference":{"assessmentIdentifier":%q,"namespace":"%s"}`, code, assessment, vendor)
	if parent != "" {
		text += fmt.Sprintf(`,"parentObjectiveAssessmentReference":{"assessmentIdentifier":%q,"identificationCode":%q,"namespace":"%s"}`, assessment, parent, vendor)
	}
	return text + "}"
}

// result is a student's; payload makes it another one with the same key.
func result(assessment string, n, payload int) string {
	return fmt.Sprintf(`{"studentAssessmentIdentifier":"r%d","assessmentReference":{"assessmentIdentifier":%q,"namespace":"%s"},"studentReference":{"studentUniqueId":"%d"},"administrationDate":"2026-02-01","serialNumber":"%d"}`,
		n, assessment, vendor, 600000+n, payload)
}

func results(assessment string, n, payload int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = result(assessment, i, payload)
	}
	return all
}
