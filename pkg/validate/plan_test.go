package validate

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/catalog"
	"github.com/sluice-edfi/sluice/pkg/sandbox"
)

// A plan does nothing but count, and the way it tells is the one that is taken.
func TestPlan(t *testing.T) {
	for _, students := range []int{2, 30} {
		staged := stagedForODS()
		var results []string
		for i := range students {
			results = append(results, result(fmt.Sprint(i), "A", fmt.Sprint(600000+i), score(method)...))
		}
		staged["studentAssessments"] = lines(results...)
		ods := newODS(t, sandbox.Options{})
		r := newRun(t, staged)
		o := ods.options(t, r, sandbox.Secret)
		o.Catalog = func(ctx context.Context) (*catalog.Catalog, error) {
			return catalog.Open(ctx, o.Client, catalog.Options{Identity: "x"})
		}
		told, err := Plan(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if n := ods.count("GET /data/"); n != len(told.Steps)-1 { // one count a collection; descriptor types are not counted
			t.Errorf("%d calls for %d steps: %q", n, len(told.Steps), ods.calls)
		}
		if files, err := os.ReadDir(r.File("verdicts")); len(files) > 0 || r.Pass != nil {
			t.Errorf("a plan left %v, %v, %v", files, r.Pass, err)
		}
		ods.forget()
		if _, err := Run(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		for _, s := range told.Steps {
			name, ok := strings.CutPrefix(s.Of, "references to ")
			if !ok {
				continue
			}
			calls := ods.count("/ed-fi/" + name)
			if wanted := s.Ways[0].Requests; int64(calls) < wanted || int64(calls) > wanted+2 { // a count and a proof are among them
				t.Errorf("%d students: %s: %d calls, and the plan says %+v", students, name, calls, s)
			}
			if name == "students" && (s.Number != int64(students) || s.AtTarget != 100_000 || s.Ways[0].Name != catalog.WayByKey || s.Ways[1].Requests != 201) {
				t.Errorf("%+v", s)
			}
		}
	}
}

// Where many are looked up in a small collection it is read whole; one that may not be read is said to be so.
func TestPlanOfOtherWays(t *testing.T) {
	all := own(map[string]string{"assessments": lines(assessment("A"))})
	var results []string
	for i := range 12 {
		results = append(results, result(fmt.Sprint(i), "A", "600000", "reportedSchoolReference", raw(fmt.Sprintf(`{"schoolId":%d}`, 255901300+i))))
	}
	all["studentAssessments"] = lines(results...)
	ods := newODS(t, sandbox.Options{Clients: []sandbox.Client{{Key: sandbox.Key, Secret: sandbox.Secret, Deny: []sandbox.Denial{{Resource: "students"}}}}})
	o := ods.options(t, newRun(t, all), sandbox.Secret)
	o.Catalog = func(ctx context.Context) (*catalog.Catalog, error) {
		return catalog.Open(ctx, o.Client, catalog.Options{Identity: "x"})
	}
	told, err := Plan(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for _, s := range told.Steps {
		said[s.Of] = s.Note
		if len(s.Ways) > 0 {
			said[s.Of] = s.Ways[0].Name
		}
	}
	if said["references to students"] != "the credential may not read them: unchecked" || said["references to schools"] != catalog.WayWhole {
		t.Errorf("%q", said)
	}
}
