package sandbox_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/sluice-edfi/sluice/pkg/sandbox"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/schemas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var standard = sync.OnceValues(func() (*schema.Standard, error) { return schema.Load(schemas.FS, "5.1") })

// options are those of a sandbox with the standard's facts and descriptors.
func options(tb testing.TB) sandbox.Options {
	tb.Helper()
	std, err := standard()
	if err != nil {
		tb.Fatal(err)
	}
	values, err := schema.StandardDescriptors(schemas.FS, "5.1")
	if err != nil {
		tb.Fatal(err)
	}
	return sandbox.Options{Standard: std, Descriptors: values}
}

// api is a sandbox behind HTTP and a caller with a token.
type api struct {
	tb     testing.TB
	server *sandbox.Server
	http   *httptest.Server
	url    string
	client *http.Client
	token  string
}

func start(tb testing.TB, o sandbox.Options) *api {
	tb.Helper()
	s, err := sandbox.Open(o)
	if err != nil {
		tb.Fatal(err)
	}
	a := &api{tb: tb, server: s, http: httptest.NewServer(s.Handler())}
	a.url, a.client = a.http.URL, a.http.Client()
	tb.Cleanup(a.stop)
	a.login(sandbox.Key, sandbox.Secret)
	return a
}

func (a *api) stop() {
	if a.http == nil {
		return
	}
	a.client.CloseIdleConnections()
	a.http.Close()
	a.http = nil
	if err := a.server.Close(); err != nil {
		a.tb.Error(err)
	}
}

func (a *api) login(key, secret string) {
	a.tb.Helper()
	form := strings.NewReader("grant_type=client_credentials")
	req, err := http.NewRequest(http.MethodPost, a.url+"/oauth/token", form)
	if err != nil {
		a.tb.Fatal(err)
	}
	req.SetBasicAuth(key, secret)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res := a.do(req)
	var got struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(res.body, &got); err != nil || res.status != http.StatusOK {
		return // a test that gives other clients logs in by itself
	}
	a.token = got.Token
}

// reply is an answer read whole.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (a *api) do(req *http.Request) reply {
	a.tb.Helper()
	res, err := a.client.Do(req)
	if err != nil {
		a.tb.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		a.tb.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, body}
}

// call makes a data call; header are pairs.
func (a *api) call(method, path, body string, header ...string) reply {
	a.tb.Helper()
	u := path
	if !strings.HasPrefix(path, "http") {
		u = a.url + "/data/v3/ed-fi/" + path
	}
	req, err := http.NewRequest(method, u, strings.NewReader(body))
	if err != nil {
		a.tb.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		if req.Header.Set(header[i], header[i+1]); header[i+1] == "" {
			req.Header.Del(header[i])
		}
	}
	return a.do(req)
}

func (a *api) get(path string, header ...string) reply {
	a.tb.Helper()
	return a.call(http.MethodGet, path, "", header...)
}

// post posts a record that must be accepted, and returns its URL.
func (a *api) post(resource, body string) string {
	a.tb.Helper()
	r := a.call(http.MethodPost, resource, body)
	if r.status != http.StatusCreated && r.status != http.StatusOK {
		a.tb.Fatalf("POST %s: %d %s", resource, r.status, r.body)
	}
	return r.header.Get("Location")
}

// trouble is a problem as a client reads it.
type trouble struct {
	Detail, Type, Title string
	Status              int
	CorrelationID       string
	ValidationErrors    map[string][]string
	Errors              []string
}

// wants demands a refusal of a type.
func (r reply) wants(t *testing.T, status int, typ string) trouble {
	t.Helper()
	var p trouble
	if err := json.Unmarshal(r.body, &p); err != nil {
		t.Fatalf("status %d, body is no problem: %q", r.status, r.body)
	}
	if r.status != status || p.Status != status || p.Type != "urn:ed-fi:api:"+typ {
		t.Fatalf("got %d %s: %s, want %d %s", r.status, p.Type, r.body, status, typ)
	}
	if p.CorrelationID == "" || p.Title == "" || p.Detail == "" {
		t.Fatalf("problem is incomplete: %s", r.body)
	}
	return p
}

// items reads a page.
func (r reply) items(t *testing.T) []map[string]any {
	t.Helper()
	var out []map[string]any
	if err := json.Unmarshal(r.body, &out); err != nil || r.status != http.StatusOK {
		t.Fatalf("not a page: %d %s (%v)", r.status, r.body, err)
	}
	return out
}

// Records that the tests post.
const (
	methodDescriptor = `{"namespace":"uri://acme.org/AssessmentReportingMethodDescriptor","codeValue":"Scale Score","shortDescription":"Scale Score"}`
	assessment       = `{"assessmentIdentifier":"RD-3","namespace":"uri://acme.org/Assessment","assessmentTitle":"Reading 3","academicSubjects":[{"academicSubjectDescriptor":"uri://ed-fi.org/AcademicSubjectDescriptor#Reading"}]}`
)

func studentAssessment(id, student string) string {
	return fmt.Sprintf(`{"studentAssessmentIdentifier":%q,"assessmentReference":{"assessmentIdentifier":"RD-3","namespace":"uri://acme.org/Assessment"},`+
		`"studentReference":{"studentUniqueId":%q},"schoolYearTypeReference":{"schoolYear":2025},"administrationDate":"2025-03-04T14:00:00Z",`+
		`"scoreResults":[{"assessmentReportingMethodDescriptor":"uri://acme.org/AssessmentReportingMethodDescriptor#Scale Score",`+
		`"resultDatatypeTypeDescriptor":"uri://ed-fi.org/ResultDatatypeTypeDescriptor#Integer","result":"512"}]}`, id, student)
}

// startWithAssessment is a sandbox that can take studentAssessments.
func startWithAssessment(tb testing.TB, o sandbox.Options) *api {
	tb.Helper()
	a := start(tb, o)
	a.post("assessmentReportingMethodDescriptors", methodDescriptor)
	a.post("assessments", assessment)
	return a
}

func query(pairs ...string) string {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return "?" + v.Encode()
}

// compact makes JSON comparable.
func compact(t *testing.T, data []byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, data); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	return b.String()
}
