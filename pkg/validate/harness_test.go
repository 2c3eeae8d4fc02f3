package validate

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluice-edfi/sluice/pkg/catalog"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/target"
	"github.com/sluice-edfi/sluice/schemas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// standard is the embedded data standard and its descriptor values.
var standard = sync.OnceValues(func() (*schema.Standard, []schema.DescriptorValue) {
	std, err := schema.Load(schemas.FS, "5.1")
	if err != nil {
		panic(err)
	}
	values, err := schema.StandardDescriptors(schemas.FS, "5.1")
	if err != nil {
		panic(err)
	}
	return std, values
})

// newRun stages files: resource → lines. Each line n has the origin results:n+1.
func newRun(t testing.TB, staged map[string]string) *runs.Run {
	t.Helper()
	r, err := runs.Create(filepath.Join(t.TempDir(), "run"), runs.Manifest{Tenant: "gb", DataStandard: "5.1", Created: now,
		Bundle: runs.Bundle{Name: "made-up", Digest: "b1"}, Inputs: []runs.Input{{Name: "results", Path: "/in/a.csv"}, {Name: "results", Path: "/in/b.csv"}}})
	if err != nil {
		t.Fatal(err)
	}
	r.Staged = map[string]jsonl.Digest{}
	for name, text := range staged {
		if err := os.WriteFile(r.StagedFile(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if r.Staged[name], err = jsonl.DigestFile(r.StagedFile(name)); err != nil {
			t.Fatal(err)
		}
		origins := ""
		for i := range strings.Count(text, "\n") {
			origins += fmt.Sprintf("results#2:%d\n", i+2)
		}
		if err := os.WriteFile(r.OriginFile(name), []byte(origins), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// verdict is what the gate said of a run.
type verdict struct {
	counts   *runs.ValidateCounts
	lines    map[string]string
	problems diag.List
}

// has reports whether a problem with the code stands on the line of the resource.
func (v verdict) has(code diag.Code, resource string, line int) bool {
	return slices.ContainsFunc(v.problems, func(p diag.Problem) bool {
		return p.Code == code && p.Resource == resource && p.StagedLine == line
	})
}

func (v verdict) String() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(v.lines)) {
		fmt.Fprintf(&b, "%s %s\n", name, v.lines[name])
	}
	for _, p := range v.problems {
		fmt.Fprintf(&b, "%s:%d %s %s %q: %s\n", p.Resource, p.StagedLine, p.Code, p.Path, p.Value, p.Message)
	}
	return b.String()
}

// try runs the gate; fake nil is offline.
func try(t testing.TB, r *runs.Run, fake *fakeTarget, o Options) (verdict, error) {
	t.Helper()
	std, values := standard()
	o.Run, o.Standard, o.EmbeddedDescriptors, o.Now = r, std, values, func() time.Time { return now }
	var c *catalog.Catalog
	if fake != nil {
		c = catalog.New(fake, std)
		o.Target = runs.Target{Identity: "id", DataStandard: "5.1"}
	}
	result, err := run(context.Background(), o.withDefaults(), c)
	keep(r, result)
	if err != nil {
		return verdict{}, err
	}
	v := verdict{counts: result.Counts, lines: map[string]string{}}
	for name := range r.Verdicts {
		text, err := os.ReadFile(r.VerdictFile(name))
		if err != nil {
			t.Fatal(err)
		}
		v.lines[name] = string(text)
	}
	text, err := os.ReadFile(r.File("problems", "validate.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var p diag.Problem
		if err := json.Unmarshal([]byte(line), &p); err != nil {
			t.Fatal(err)
		}
		v.problems = append(v.problems, p)
	}
	return v, nil
}

// keep notes in the manifest what the gate found.
func keep(r *runs.Run, result *Result) {
	r.Verdicts, r.Pass, r.Target = nil, nil, nil
	if result != nil {
		r.Verdicts, r.Pass, r.Target = result.Verdicts, result.Pass, result.Target
	}
}

// judgeAll runs the gate over files and expects verdicts: resource → one letter a line.
func judgeAll(t *testing.T, staged map[string]string, fake *fakeTarget, want map[string]string) verdict {
	t.Helper()
	v, err := try(t, newRun(t, staged), fake, Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	for name, w := range want {
		if v.lines[name] != w {
			t.Errorf("%s: %s, want %s\n%s", name, v.lines[name], w, v)
		}
	}
	for name, c := range v.counts.Resources {
		if !c.Equation(name).Holds() || c.Staged != int64(len(v.lines[name])) {
			t.Errorf("%s: %+v", name, c)
		}
	}
	return v
}

// fakeTarget answers as an API would, from JSON texts.
type fakeTarget struct {
	items     map[string][]string // ed-fi/students → records
	forbidden map[string]bool
	deaf      bool // ignores query parameters, as an ODS ignores unknown ones
	folds     bool // compares keys without case
	strict    bool // refuses query parameters that are no paging, as the Data Management Service refuses unknown ones
	blind     bool // finds nothing by key
	failure   error
	version   int64 // newest change version; 0: no change queries

	flat     sync.Map // of a record's text: its values by name
	mu       sync.Mutex
	requests map[string]int // "GET ed-fi/students", "PAGES …", "COUNT …"
}

func (f *fakeTarget) asked(what string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests[what]
}

func (f *fakeTarget) note(what, resource string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.requests == nil {
		f.requests = map[string]int{}
	}
	f.requests[what+" "+resource]++
	if f.failure != nil {
		return f.failure
	}
	if f.forbidden[resource] {
		return &target.Failure{Kind: target.Forbidden, Status: 403, Resource: resource, Title: "Forbidden"}
	}
	return nil
}

func (f *fakeTarget) Count(_ context.Context, resource string, _ url.Values) (int64, error) {
	return int64(len(f.items[resource])), f.note("COUNT", resource)
}

func (f *fakeTarget) Get(_ context.Context, resource string, query url.Values) (*target.Response, error) {
	if err := f.note("GET", resource); err != nil {
		return nil, err
	}
	if f.strict && len(query) > 2 {
		return nil, &target.Failure{Kind: target.Validation, Method: "GET", Status: 400, Detail: "The query field is not valid for this resource."}
	}
	limit, _ := strconv.Atoi(query.Get("limit"))
	found := []json.RawMessage{}
	for _, text := range f.items[resource] {
		if len(found) < limit && (f.deaf || (!f.blind || len(query) == 2) && f.matches(text, query)) {
			found = append(found, json.RawMessage(text))
		}
	}
	body, err := json.Marshal(found)
	return &target.Response{Status: 200, Body: body}, err
}

func (f *fakeTarget) matches(text string, query url.Values) bool {
	known, ok := f.flat.Load(text)
	if !ok {
		values := map[string]string{}
		var record map[string]any
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if d.Decode(&record) != nil {
			return false
		}
		flatten(record, values)
		known, _ = f.flat.LoadOrStore(text, values)
	}
	values := known.(map[string]string)
	for name, want := range query {
		got, known := values[name]
		if known && got != want[0] && (!f.folds || !strings.EqualFold(got, want[0])) {
			return false
		}
	}
	return true
}

func flatten(o map[string]any, into map[string]string) {
	for name, v := range o {
		if inner, ok := v.(map[string]any); ok {
			flatten(inner, into)
		} else {
			into[name] = fmt.Sprint(v)
		}
	}
}

func (f *fakeTarget) EachPage(_ context.Context, resource string, _ int, yield func([]json.RawMessage) error) error {
	if err := f.note("PAGES", resource); err != nil {
		return err
	}
	for page := range slices.Chunk(f.items[resource], target.MaxPage) {
		items := make([]json.RawMessage, len(page))
		for i, text := range page {
			items[i] = json.RawMessage(text)
		}
		if err := yield(items); err != nil {
			return err
		}
	}
	return nil
}

func (f *fakeTarget) EachMatching(_ context.Context, resource string, query url.Values, _ int, yield func([]json.RawMessage) error) error {
	if err := f.note("MATCHING", resource); err != nil {
		return err
	}
	for _, text := range f.items[resource] {
		if f.deaf || f.matches(text, query) {
			if err := yield([]json.RawMessage{json.RawMessage(text)}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *fakeTarget) NewestChangeVersion(context.Context) (int64, error) {
	if f.version == 0 {
		return 0, target.ErrNotOffered
	}
	return f.version, f.note("CHANGE", "version")
}

// A small made-up world.

const (
	ns     = "uri://acme.org/Assessment"
	method = "uri://acme.org/AssessmentReportingMethodDescriptor#Scale Score"
	level  = "uri://acme.org/PerformanceLevelDescriptor#Pass"
)

func obj(pairs ...any) string {
	var b strings.Builder
	b.WriteByte('{')
	for i := 0; i < len(pairs); i += 2 {
		if i > 0 {
			b.WriteByte(',')
		}
		value := ""
		switch v := pairs[i+1].(type) {
		case raw:
			value = string(v)
		default:
			text, _ := json.Marshal(v)
			value = string(text)
		}
		fmt.Fprintf(&b, "%q:%s", pairs[i], value)
	}
	b.WriteByte('}')
	return b.String()
}

type raw string

func descriptor(uri string) string {
	namespace, code, _ := strings.Cut(uri, "#")
	return obj("namespace", namespace, "codeValue", code, "shortDescription", code)
}

func assessment(id string, more ...any) string {
	return obj(append([]any{"assessmentIdentifier", id, "namespace", ns, "assessmentTitle", id,
		"academicSubjects", raw(`[{"academicSubjectDescriptor":"uri://ed-fi.org/AcademicSubjectDescriptor#Reading"}]`)}, more...)...)
}

func assessmentRef(id string) raw { return raw(obj("assessmentIdentifier", id, "namespace", ns)) }

func objective(id, code, parent string) string {
	pairs := []any{"assessmentReference", assessmentRef(id), "identificationCode", code}
	if parent != "" {
		pairs = append(pairs, "parentObjectiveAssessmentReference", raw(obj("assessmentIdentifier", id, "identificationCode", parent, "namespace", ns)))
	}
	return obj(pairs...)
}

func result(record, id, student string, more ...any) string {
	return obj(append([]any{"studentAssessmentIdentifier", record, "assessmentReference", assessmentRef(id),
		"studentReference", raw(obj("studentUniqueId", student))}, more...)...)
}

func score(uri string) []any {
	return []any{"scoreResults", raw("[" + obj("assessmentReportingMethodDescriptor", uri,
		"resultDatatypeTypeDescriptor", "uri://ed-fi.org/ResultDatatypeTypeDescriptor#Integer", "result", "512") + "]")}
}

func student(id string) string {
	return obj("id", "0123456789abcdef0123456789abcdef", "studentUniqueId", id, "firstName", "A", "lastSurname", "B", "birthDate", "2010-01-01",
		"_etag", "1", "_lastModifiedDate", "2026-01-01T00:00:00Z")
}

func lines(records ...string) string { return strings.Join(records, "\n") + "\n" }

// world is a target with a few students, schools and the standard's descriptors.
func world() *fakeTarget {
	f := &fakeTarget{items: map[string][]string{}, forbidden: map[string]bool{}}
	for i := range 10 {
		f.items["ed-fi/students"] = append(f.items["ed-fi/students"], student(fmt.Sprint(600000+i)))
	}
	f.items["ed-fi/schoolYearTypes"] = []string{`{"schoolYear":2026,"currentSchoolYear":true,"schoolYearDescription":"2025-2026"}`}
	f.items["ed-fi/schools"] = []string{`{"schoolId":255901001,"nameOfInstitution":"North"}`}
	f.items["ed-fi/localEducationAgencies"] = []string{`{"localEducationAgencyId":255901,"nameOfInstitution":"GB"}`}
	std, values := standard()
	for _, d := range values {
		if res, ok := std.DescriptorResource(d.Type); ok {
			f.items["ed-fi/"+res.Name] = append(f.items["ed-fi/"+res.Name], obj("namespace", d.Namespace, "codeValue", d.CodeValue, "shortDescription", "s"))
		}
	}
	return f
}

// own stages the vendor's descriptors.
func own(staged map[string]string) map[string]string {
	staged["assessmentReportingMethodDescriptors"] = lines(descriptor(method))
	staged["performanceLevelDescriptors"] = lines(descriptor(level))
	return staged
}
