package validate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/sandbox"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/target"
	"github.com/sluice-edfi/sluice/schemas"
)

// recordsPerStandard is how many records are judged and posted for each data standard.
const recordsPerStandard = 3000

// TestVerdictsAreTheTargets judges records of all kinds, good ones and ones with a single fault, and posts each
// to a target of the same data standard: what passes is taken, what is invalid is refused. Gate and target read
// the same facts, so that agreement alone would prove little: each fault says itself what is to come of it
// (faults_test.go), and where gate and target differ on purpose the fault gives the reason.
func TestVerdictsAreTheTargets(t *testing.T) {
	prove := func(version string, o sandbox.Options) func(*testing.T) {
		return func(t *testing.T) {
			t.Parallel()
			p := newProof(t, version, o, nil)
			p.folds = o.FoldKeys
			p.makeAnchors()
			cases := p.makeCases()
			p.judge(cases)
			p.post(cases)
			p.compare(cases)
		}
	}
	for _, version := range schema.Versions(schemas.FS) {
		t.Run(version, prove(version, sandbox.Options{}))
	}
	t.Run("5.1, keys without regard to case", prove("5.1", sandbox.Options{FoldKeys: true}))
}

// TestVerdictsOnRecordsThatReferToEachOther judges records whose parents are staged beside them, and posts them in
// the order of loading: what is marked is refused as long as its parent is, and what equals an earlier record changes
// nothing.
func TestVerdictsOnRecordsThatReferToEachOther(t *testing.T) {
	for _, version := range schema.Versions(schemas.FS) {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			p := newProof(t, version, sandbox.Options{}, nil)
			p.makeAnchors()
			cases := p.makeFamilies(60)
			p.judge(cases)
			p.post(cases)
			for _, c := range cases {
				want := map[runs.Verdict][]int{runs.Valid: {http.StatusCreated}, runs.Duplicate: {http.StatusOK},
					runs.Marked: {http.StatusBadRequest, http.StatusConflict}, runs.Invalid: {http.StatusBadRequest}}[c.due]
				if c.verdict != c.due || !slices.Contains(want, c.status) {
					t.Errorf("%s: verdict %c, want %c; status %d %.300s\n%s", c.resource, c.verdict, c.due, c.status, c.answer, c.text)
				}
			}
		})
	}
}

// makeFamilies makes descriptors, assessments that use them, objectives and results: every third of the first two
// is not valid.
func (p *proof) makeFamilies(n int) []*proofCase {
	const endpoint = "assessmentReportingMethodDescriptors"
	var out []*proofCase
	add := func(resource string, record map[string]any, due runs.Verdict) {
		out = append(out, &proofCase{resource: resource, text: marshal(record), due: due})
	}
	var values []string
	for i := range n {
		d := p.record(p.mustResource(endpoint), false)
		values = append(values, fmt.Sprint(d["namespace"], "#", d["codeValue"]))
		if i%3 == 1 {
			delete(d, "shortDescription")
			add(endpoint, d, runs.Invalid)
		} else {
			add(endpoint, d, runs.Valid)
		}
	}
	for _, resource := range []string{"assessments", "objectiveAssessments", "studentAssessments"} {
		for i := range n {
			p.addFamilyMember(resource, i, values[i], add)
		}
	}
	return out
}

// addFamilyMember adds the record of the family with this number.
func (p *proof) addFamilyMember(resource string, i int, value string, add func(string, map[string]any, runs.Verdict)) {
	record, due := p.record(p.mustResource(resource), false), runs.Valid
	family := map[string]any{"assessmentIdentifier": fmt.Sprint("family ", i), "namespace": "uri://acme.org/Families"}
	if resource == "assessments" {
		record["assessmentIdentifier"], record["namespace"] = family["assessmentIdentifier"], family["namespace"]
		record["scores"] = []any{map[string]any{"assessmentReportingMethodDescriptor": value}}
	} else {
		record["assessmentReference"] = family
	}
	switch {
	case i%3 == 1: // its descriptor is not valid
		due = runs.Marked
	case i%3 == 2 && resource == "assessments":
		record["assessmentTitle"], due = "", runs.Invalid
	case i%3 == 2: // its assessment is not valid
		due = runs.Marked
	}
	add(resource, record, due)
	if due == runs.Valid {
		add(resource, record, runs.Duplicate)
	}
}

// proof is the proof for one data standard.
type proof struct {
	*testing.T
	std      *schema.Standard
	values   map[string][]string       // descriptor values by type, folded
	anchors  map[string]map[string]any // by resource: a record that the target holds
	rnd      *rand.Rand
	n        int  // numbers records
	anchored bool // all anchors are there
	folds    bool // the target compares keys without regard to case
	warned   map[warning]bool
	api      *httptest.Server
	token    string
}

// warning is what the gate says once of all records of a resource.
type warning struct {
	resource, path string
	code           diag.Code
}

// proofCase is one record, with what is expected of it and what came of it.
type proofCase struct {
	resource string
	fault    *fault
	site     string
	text     []byte

	due     runs.Verdict // where there is no fault
	verdict runs.Verdict
	codes   []diag.Code
	status  int
	answer  string
}

// newProof starts a target of a data standard. wrap, if it is not nil, stands before it.
func newProof(t *testing.T, version string, o sandbox.Options, wrap func(*schema.Standard, http.Handler) http.Handler) *proof {
	t.Helper()
	std, err := schema.Load(schemas.FS, version)
	if err != nil {
		t.Fatal(err)
	}
	descriptors, err := schema.StandardDescriptors(schemas.FS, version)
	if err != nil {
		t.Fatal(err)
	}
	o.Standard, o.Descriptors = std, descriptors
	server, err := sandbox.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	handler := server.Handler()
	if wrap != nil {
		handler = wrap(std, handler)
	}
	p := &proof{T: t, std: std, values: map[string][]string{}, anchors: map[string]map[string]any{}, warned: map[warning]bool{},
		rnd: rand.New(rand.NewPCG(1, 2)), api: httptest.NewServer(handler)}
	t.Cleanup(func() {
		p.api.Close()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, d := range descriptors {
		typ := strings.ToLower(d.Type)
		p.values[typ] = append(p.values[typ], d.Namespace+"#"+d.CodeValue)
	}
	request, err := http.NewRequest(http.MethodPost, p.api.URL+"/oauth/token", strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth(sandbox.Key, sandbox.Secret)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var answer struct {
		Token string `json:"access_token"`
	}
	_, text := p.do(request)
	if err := json.Unmarshal([]byte(text), &answer); err != nil || answer.Token == "" {
		t.Fatal(err, text)
	}
	p.token = answer.Token
	return p
}

func (p *proof) do(request *http.Request) (status int, text string) {
	response, err := p.api.Client().Do(request)
	if err != nil {
		p.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		p.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		p.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func (p *proof) postRecord(resource string, text []byte) (status int, answer string) {
	r, _ := p.std.Resource(resource)
	request, err := http.NewRequest(http.MethodPost, p.api.URL+"/data/v3/"+r.Endpoint(), bytes.NewReader(text))
	if err != nil {
		p.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+p.token)
	request.Header.Set("Content-Type", "application/json")
	return p.do(request)
}

// makeAnchors gives the target one record of each resource, which others refer to.
func (p *proof) makeAnchors() {
	p.anchors["students"] = map[string]any{"studentUniqueId": fmt.Sprint(sandbox.FirstStudent)}
	p.anchors["schools"] = map[string]any{"schoolId": sandbox.FirstSchool}
	p.anchors["localEducationAgencies"] = map[string]any{"localEducationAgencyId": sandbox.District}
	p.anchors["schoolYearTypes"] = map[string]any{"schoolYear": 2026}
	for r := range p.std.All {
		if typ := strings.ToLower(r.Descriptor); typ != "" && len(p.values[typ]) == 0 {
			namespace := "uri://acme.org/" + r.Descriptor
			p.mustPost(r.Name, map[string]any{"namespace": namespace, "codeValue": "Made up", "shortDescription": "Made up"})
			p.values[typ] = []string{namespace + "#Made up"}
		}
	}
	for _, wave := range p.std.Waves(p.std.Names()) {
		for _, name := range wave {
			if r, _ := p.std.Resource(name); r.Descriptor == "" && p.anchors[name] == nil {
				record := p.record(r, false)
				p.mustPost(name, record)
				p.anchors[name] = record
			}
		}
	}
	p.anchored = true
}

func (p *proof) mustPost(resource string, record map[string]any) {
	text, err := json.Marshal(record)
	if err != nil {
		p.Fatal(err)
	}
	p.mustPostText(resource, string(text))
}

func (p *proof) mustPostText(resource, text string) {
	if status, answer := p.postRecord(resource, []byte(text)); status != http.StatusCreated {
		p.Fatalf("%s %s: %d %s", resource, text, status, answer)
	}
}

// stage makes a run of all records; lines are those of each resource.
func (p *proof) stage(cases []*proofCase) (r *runs.Run, lines map[string][]*proofCase) {
	p.Helper()
	r, err := runs.Create(filepath.Join(p.TempDir(), "run"), runs.Manifest{Tenant: "gb", DataStandard: p.std.Version, Created: now,
		Bundle: runs.Bundle{Name: "made-up", Digest: "b1"}})
	if err != nil {
		p.Fatal(err)
	}
	r.Staged = map[string]jsonl.Digest{}
	lines = map[string][]*proofCase{}
	for _, c := range cases {
		lines[c.resource] = append(lines[c.resource], c)
	}
	for name, of := range lines {
		var staged bytes.Buffer
		for _, c := range of {
			staged.Write(append(slices.Clone(c.text), '\n'))
		}
		if err := os.WriteFile(r.StagedFile(name), staged.Bytes(), 0o600); err != nil {
			p.Fatal(err)
		}
		if r.Staged[name], err = jsonl.DigestFile(r.StagedFile(name)); err != nil {
			p.Fatal(err)
		}
		origins := strings.Repeat("results:1\n", len(of))
		if err := os.WriteFile(r.OriginFile(name), []byte(origins), 0o600); err != nil {
			p.Fatal(err)
		}
	}
	r.Inputs = []runs.Input{{Name: "results", Path: "/in/a.csv"}}
	return r, lines
}

// gate has the gate judge a run.
func (p *proof) gate(r *runs.Run) (*Result, error) {
	client, err := target.New(target.Config{BaseURL: p.api.URL, ClientID: sandbox.Key, ClientSecret: sandbox.Secret, Retry: target.RetryPolicy{Max: -1}})
	if err != nil {
		return nil, err
	}
	p.Cleanup(client.Close)
	o := Options{Run: r, Client: client, Target: runs.Target{Identity: "id"}, Workers: 2, Now: func() time.Time { return now }}
	return online(p.Context(), o, "")
}

// judge has the gate judge all records in one run.
func (p *proof) judge(cases []*proofCase) *runs.ValidateCounts {
	p.Helper()
	r, lines := p.stage(cases)
	result, err := p.gate(r)
	if err != nil {
		p.Fatal(err)
	}
	for name, of := range lines {
		verdicts, err := os.ReadFile(r.VerdictFile(name))
		if err != nil {
			p.Fatal(err)
		}
		for i, c := range of {
			c.verdict = runs.Verdict(verdicts[i])
		}
	}
	text, err := os.ReadFile(r.File("problems", "validate.jsonl"))
	if err != nil {
		p.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var problem diag.Problem
		if err := json.Unmarshal([]byte(line), &problem); err != nil {
			p.Fatal(err)
		}
		if problem.StagedLine > 0 {
			c := lines[problem.Resource][problem.StagedLine-1]
			c.codes = append(c.codes, problem.Code)
		}
		at := strings.TrimPrefix(strings.ReplaceAll(problem.Path, "[*]", ""), "$.")
		p.warned[warning{problem.Resource, at, problem.Code}] = true
	}
	return result.Counts
}

// post sends all records in the order in which send would: descriptors first.
func (p *proof) post(cases []*proofCase) {
	for _, descriptors := range []bool{true, false} {
		for _, c := range cases {
			if r, _ := p.std.Resource(c.resource); (r.Descriptor != "") == descriptors {
				c.status, c.answer = p.postRecord(c.resource, c.text)
			}
		}
	}
}

// compare holds what came of each record against what its fault says.
func (p *proof) compare(cases []*proofCase) {
	seen, wrong := map[string]int{}, 0
	for _, c := range cases {
		seen[c.fault.name]++
		f := *c.fault
		if f.inCase && p.folds {
			f.taken, f.code = true, ""
		}
		taken, passed := c.status == http.StatusCreated || c.status == http.StatusOK, c.verdict == runs.Valid // 200: the sandbox has such a record from the start
		said := ""
		switch {
		case taken != f.taken:
			said = "the target was to say the other"
		case passed != f.passes():
			said = "the gate was to say the other"
		case f.code != "" && !slices.Contains(c.codes, f.code) && !p.warned[warning{c.resource, c.site, f.code}]:
			said = "the gate was to say " + string(f.code)
		default:
			continue
		}
		p.Errorf("%s: %s at %s of %s: verdict %c %v, status %d %.300s\n%.600s", said, f.name, c.site, c.resource, c.verdict, c.codes, c.status, c.answer, c.text)
		if wrong++; wrong > 20 {
			p.Fatal("there is more")
		}
	}
	for i := range faults {
		f := &faults[i]
		if seen[f.name] == 0 && !f.rare {
			p.Errorf("no record has the fault %q", f.name)
		}
		if (f.taken != f.passes()) != (f.reason != "") {
			p.Errorf("%s: a reason is due where gate and target differ, and only there", f.name)
		}
	}
}
