package validate

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// on is a result of a day, with scores.
func on(record, id, student, when string, scores ...string) string {
	var more []any
	if when != "" {
		more = append(more, "administrationDate", when)
	}
	var all []string
	for i, s := range scores {
		all = append(all, obj("assessmentReportingMethodDescriptor", fmt.Sprintf("uri://acme.org/AssessmentReportingMethodDescriptor#M%d", i), "result", s,
			"resultDatatypeTypeDescriptor", "uri://ed-fi.org/ResultDatatypeTypeDescriptor#Integer"))
	}
	if len(all) > 0 {
		more = append(more, "scoreResults", raw("["+strings.Join(all, ",")+"]"))
	}
	return result(record, id, student, more...)
}

// at makes records as the target gives them, each with an id.
func at(records ...string) (all []string) {
	for i, text := range records {
		all = append(all, strings.Replace(text, "{", fmt.Sprintf(`{"id":"%032x",`, i+1), 1))
	}
	return all
}

func methods(n int) string {
	var all []string
	for i := range n {
		all = append(all, descriptor(fmt.Sprintf("uri://acme.org/AssessmentReportingMethodDescriptor#M%d", i)))
	}
	return lines(all...)
}

// holding is the small world, whose target holds these results.
func holding(records ...string) *fakeTarget {
	f := world()
	f.items["ed-fi/studentAssessments"] = at(records...)
	return f
}

// fill adds results of nobody else's concern, so that few of them are no reason to stop.
func fill(records ...string) string {
	for i := range 1000 {
		records = append(records, on(fmt.Sprintf("filler %d", i), "A", "600009", fmt.Sprintf("2026-%02d-%02d", 1+i/28%12, 1+i%28)))
	}
	return lines(records...)
}

// What is one event, and what a person must decide.
func TestSameEvents(t *testing.T) {
	const day, other = "2026-03-04", "2026-05-04"
	for name, test := range map[string]struct {
		staged, held, ours []string
		want               string // verdicts of the staged ones
		why                string // of those found, joined
	}{
		"another identifier":        {[]string{on("r1", "A", "600001", day)}, []string{on("x1", "A", "600001", day+"T00:00:00Z")}, nil, "i", "the only ones of that day"},
		"its own identifier":        {[]string{on("r1", "A", "600001", day)}, []string{on("r1", "A", "600001", day)}, nil, "v", ""},
		"another day":               {[]string{on("r1", "A", "600001", day)}, []string{on("x1", "A", "600001", other)}, nil, "v", ""},
		"the day before, elsewhere": {[]string{on("r1", "A", "600001", day)}, []string{on("x1", "A", "600001", "2026-03-03T23:00:00Z")}, nil, "i", "?"},
		"another student":           {[]string{on("r1", "A", "600001", day)}, []string{on("x1", "A", "600002", day)}, nil, "v", ""},
		"another assessment":        {[]string{on("r1", "A", "600001", day)}, []string{on("x1", "B", "600001", day)}, nil, "v", ""},
		"no date at the target":     {[]string{on("r1", "A", "600001", day)}, []string{on("x1", "A", "600001", "")}, nil, "i", "?"},
		"no date in the run":        {[]string{on("r1", "A", "600001", "")}, []string{on("x1", "A", "600001", day)}, nil, "i", "?"},
		"two there, one by its start": {[]string{on("r1", "A", "600001", day+"T10:00:00Z")},
			[]string{on("x1", "A", "600001", day+"T09:00:00Z"), on("x2", "A", "600001", day+"T10:00:00Z")}, nil, "i", "same start time"},
		"two on both sides, by their scores": {[]string{on("r1", "A", "600001", day, "1"), on("r2", "A", "600001", day, "2")},
			[]string{on("x1", "A", "600001", day, "2"), on("x2", "A", "600001", day, "1")}, nil, "ii", "same scores,same scores"},
		"two on both sides, all alike": {[]string{on("r1", "A", "600001", day, "1"), on("r2", "A", "600001", day, "1")},
			[]string{on("x1", "A", "600001", day, "1"), on("x2", "A", "600001", day, "1")}, nil, "ii", "?,?"},
		"two here, one there":               {[]string{on("r1", "A", "600001", day, "1"), on("r2", "A", "600001", day, "2")}, []string{on("x1", "A", "600001", day, "3")}, nil, "ii", "?,?"},
		"two here, and one there is one":    {[]string{on("r1", "A", "600001", day, "1"), on("r2", "A", "600001", day, "2")}, []string{on("x1", "A", "600001", day, "2")}, nil, "vi", "same scores"},
		"one is there as it is":             {[]string{on("r1", "A", "600001", day), on("r2", "A", "600001", day)}, []string{on("r1", "A", "600001", day), on("x2", "A", "600001", day)}, nil, "vi", "the only ones of that day"},
		"a corrected key":                   {[]string{on("r1", "A", "600001", day, "1", "2", "3")}, []string{on("r0", "A", "600001", day, "3", "1", "2")}, []string{"r0"}, "i", "the only ones of that day!"},
		"a second sitting of the day":       {[]string{on("r1", "A", "600001", day, "1", "2", "3")}, []string{on("r0", "A", "600001", day, "1", "2", "4")}, []string{"r0"}, "i", "the only ones of that day"},
		"few scores prove nothing":          {[]string{on("r1", "A", "600001", day, "1")}, []string{on("r0", "A", "600001", day, "1")}, []string{"r0"}, "i", "the only ones of that day"},
		"the same score three times":        {[]string{on("r1", "A", "600001", day, "0", "0", "0")}, []string{on("r0", "A", "600001", day, "0", "0", "0")}, []string{"r0"}, "i", "the only ones of that day"},
		"a corrected date":                  {[]string{on("r1", "A", "600001", day, "1", "2", "3")}, []string{on("r0", "A", "600001", other, "1", "2", "3")}, []string{"r0"}, "i", "same scores, another date"},
		"a retest":                          {[]string{on("r1", "A", "600001", day, "1", "2", "3")}, []string{on("r0", "A", "600001", other, "1", "2", "4")}, []string{"r0"}, "v", ""},
		"a retest the day after":            {[]string{on("r1", "A", "600001", day, "1")}, []string{on("r0", "A", "600001", "2026-03-03", "1")}, []string{"r0"}, "v", ""},
		"a retest with the same few scores": {[]string{on("r1", "A", "600001", day, "1")}, []string{on("r0", "A", "600001", other, "1")}, []string{"r0"}, "v", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := holding(test.held...)
			r := newRun(t, map[string]string{"assessments": lines(assessment("A"), assessment("B")), "assessmentReportingMethodDescriptors": methods(3),
				"studentAssessments": fill(test.staged...)})
			v, err := try(t, r, f, Options{Ledger: ledgerOf(t, test.ours...)})
			if err != nil {
				t.Fatal(err)
			}
			if got := v.lines["studentAssessments"][:len(test.staged)]; got != test.want || strings.Trim(v.lines["studentAssessments"][len(test.staged):], "v") != "" {
				t.Errorf("%s\n%s", got, v)
			}
			found, err := r.SameEvents()
			if err != nil {
				t.Fatal(err)
			}
			var why []string
			for _, e := range found {
				said := e.Why
				if said == "" {
					said = "?"
				}
				if e.Sure {
					said += "!"
				}
				why = append(why, said)
				if !v.has(diag.SameEvent, "studentAssessments", e.StagedLine) {
					t.Errorf("line %d is not listed", e.StagedLine)
				}
			}
			if got := strings.Join(why, ","); got != test.why {
				t.Errorf("%q, not %q", got, test.why)
			}
			if r.Pass == nil || r.Pass.Events == nil {
				t.Errorf("%+v", r.Pass)
			}
		})
	}
}

// ledgerOf is a ledger that knows results of the student 600001 in the assessment A.
func ledgerOf(t *testing.T, ids ...string) *ledger.Ledger {
	t.Helper()
	var all []string
	for _, id := range ids {
		all = append(all, result(id, "A", "600001"))
	}
	return ledgerWith(t, all...)
}

func ledgerWith(t *testing.T, records ...string) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(filepath.Join(t.TempDir(), "ledger.db"), ledger.Identity{Tenant: "gb"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	var rows []ledger.Row
	std, _ := standard()
	checker, _ := std.Checker("studentAssessments")
	for _, text := range records {
		rows = append(rows, ledger.Row{Resource: "studentAssessments", Key: keyOf(checker, text), Digest: [16]byte{1}, ID: "1", Time: now})
	}
	if err := l.Record(t.Context(), ledger.Run{ID: "r", Bundle: "made-up", Version: "1.0.0"}, rows); err != nil {
		t.Fatal(err)
	}
	return l
}

// A run without new events asks nothing; one with a few asks for these students; one with many reads the assessment.
func TestEventsAreLookedUpTheCheaperWay(t *testing.T) {
	held := []string{}
	for i := range 3000 {
		held = append(held, on(fmt.Sprintf("x%d", i), "A", fmt.Sprint(700000+i), "2025-01-01"))
	}
	staged := func(n int) (all []string) {
		for i := range n {
			all = append(all, on(fmt.Sprintf("r%d", i), "A", fmt.Sprint(600000+i%10), "2026-03-04"))
		}
		return all
	}
	for name, test := range map[string]struct {
		new, known             int
		gets, counts, matching int
		students               int
	}{
		"nothing new":   {new: 0, known: 20},
		"few":           {new: 3, known: 20, gets: 2 + 3},
		"some":          {new: 10, known: 0, gets: 2 + 10, counts: 1},
		"none is there": {new: 5},
	} {
		t.Run(name, func(t *testing.T) {
			f := holding(held...)
			if name == "none is there" {
				f, test.gets = holding(), 1
			}
			all := staged(test.new + test.known)
			r := newRun(t, map[string]string{"assessments": lines(assessment("A")), "studentAssessments": lines(all...)})
			v, err := try(t, r, f, Options{Ledger: ledgerWith(t, all[test.new:]...)})
			if err != nil {
				t.Fatal(err)
			}
			if strings.Trim(v.lines["studentAssessments"], "v") != "" {
				t.Errorf("%s", v)
			}
			const results = " ed-fi/studentAssessments"
			if g, c, m := f.asked("GET"+results), f.asked("COUNT"+results), f.asked("MATCHING"+results); g != test.gets || c != test.counts || m != test.matching {
				t.Errorf("%d questions, %d counts, %d collections read", g, c, m)
			}
		})
	}
}

// Too many of an assessment stop the run: there is no pass, and the ways on are named. The other assessments, other
// districts' students and a person's word are left alone.
func TestTooManySameEvents(t *testing.T) {
	const day = "2026-03-04"
	files := func(n int) map[string]string {
		all := []string{}
		for i := range n {
			all = append(all, on(fmt.Sprintf("r%d", i), "A", "600001", fmt.Sprintf("20%02d-03-04", i%80+10), fmt.Sprint(i)))
		}
		return map[string]string{"assessments": lines(assessment("A"), assessment("B")), "assessmentReportingMethodDescriptors": methods(1),
			"studentAssessments": lines(append(all, on("b", "B", "600002", day))...)}
	}
	f := holding(on("x", "A", "600001", "2010-03-04"), on("y", "A", "700001", day), on("z", "B", "700002", day))
	r := newRun(t, files(20))
	_, err := try(t, r, f, Options{})
	e, ok := diag.AsError(err)
	if !ok || e.Kind != diag.Guarded || e.Code != diag.GuardExisting || r.Pass != nil || !strings.Contains(e.Error(), `1 of the 20 staged results of the assessment "A"`) {
		t.Fatalf("%v", err)
	}
	for _, want := range []string{"sluice target adopt " + r.Path, "--accept-new"} {
		if !strings.Contains(e.Next, want) {
			t.Errorf("%q does not name %s", e.Next, want)
		}
	}
	if found, err := r.SameEvents(); err != nil || len(found) != 1 {
		t.Errorf("%v, %v", found, err)
	}
	v, err := try(t, r, f, Options{AcceptNew: true})
	if err != nil || strings.Trim(v.lines["studentAssessments"], "v") != "" || r.Pass == nil || !r.Pass.Events.Accepted {
		t.Errorf("%v, %v", v, err)
	}
	if found, err := r.SameEvents(); err != nil || len(found) != 0 {
		t.Errorf("the list of an earlier execution is still there: %v, %v", found, err)
	}
}

// A target that does not let its results be read, or ignores what it is asked for.
func TestEventsThatCannotBeAskedFor(t *testing.T) {
	staged := map[string]string{"assessments": lines(assessment("A")), "studentAssessments": lines(on("r1", "A", "600001", "2026-03-04"))}
	f := holding(on("x1", "A", "600001", "2026-03-04"))
	f.forbidden["ed-fi/studentAssessments"] = true
	v := judgeAll(t, staged, f, map[string]string{"studentAssessments": "u"})
	if !v.has(diag.RecordUnchecked, "studentAssessments", 1) {
		t.Errorf("%s", v)
	}
	for name, change := range map[string]func(*fakeTarget){"deaf": func(f *fakeTarget) { f.deaf = true }, "blind": func(f *fakeTarget) { f.blind = true }} {
		f := holding(on("y1", "B", "600002", "2026-03-04"), on("x1", "A", "600001", "2026-03-04"))
		change(f)
		_, err := try(t, newRun(t, staged), f, Options{})
		if e, ok := diag.AsError(err); !ok || e.Code != diag.GuardExisting {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func keyOf(checker *schema.Checker, text string) [16]byte {
	var rec schema.Record
	checker.Key([]byte(text), &rec)
	return rec.Key.Hash
}
