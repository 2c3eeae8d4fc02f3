package match

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/mapping"
)

// Rate is how many of the distinct ids of a column a system knows, each as the id of one student.
type Rate struct {
	Column   string `json:"column"` // the bundle's name
	Header   string `json:"header"`
	System   string `json:"system"`
	IDs      int64  `json:"ids"`
	Matched  int64  `json:"matched"`
	Rate     string `json:"rate,omitempty"`     // for people
	Repaired int64  `json:"repaired,omitempty"` // of these
}

// Percent is the rate to a tenth, rounded down: what did not match is never rounded away.
func (r Rate) Percent() float64 {
	if r.IDs == 0 {
		return 0
	}
	return float64(r.Matched*1000/r.IDs) / 10
}

func (r Rate) String() string {
	return fmt.Sprintf("%s as %s: %g%% of %s", r.Header, r.System, r.Percent(), diag.Counted(int(r.IDs), "id", "ids"))
}

// Choice is the column and the system by which the students of an input are known.
type Choice struct {
	Rate
	Chosen   string `json:"chosen"`   // the day
	Measured []Rate `json:"measured"` // what there was to choose from
}

// Fall is by how many points the rate of a run may be lower than that of the choice.
const Fall = 10

// FallFrom is how many distinct ids a run must have for its rate to be held against that of the choice: of fewer, one new
// student is several points.
const FallFrom = 20

// Auto chooses column and system by what matches, and holds later runs to it.
type Auto struct {
	Students *Students
	Stored   map[string]*Choice // by input: what was chosen before
	Min      float64            // per cent of the ids that must match
	Today    string
	Pull     string // the command that reads the students anew

	rates map[string][]*Rate // by input
	Now   map[string]Rate    // by input: what matches of this run
}

// See takes a distinct id of a column.
func (a *Auto) See(input string, column mapping.StudentColumn, id string) {
	if a.rates == nil {
		a.rates = map[string][]*Rate{}
	}
	s := a.Students
	for i := range s.systems {
		name := s.systems[i].Name
		at := slices.IndexFunc(a.rates[input], func(r *Rate) bool { return r.Column == column.Name && r.System == name })
		if at < 0 {
			at = len(a.rates[input])
			a.rates[input] = append(a.rates[input], &Rate{Column: column.Name, Header: column.Header, System: name})
		}
		rate := a.rates[input][at]
		rate.IDs++
		var room [2]finding
		if found := s.id(room[:0], id, 0, search{systems: s.systems[i : i+1]}); len(found) > 0 && agree(found) && found[0].student != "" {
			rate.Matched++
			if found[0].repair != Exact {
				rate.Repaired++
			}
		}
	}
}

// Decide takes the column and the system of an input: those of before, or the ones that match best. It is an error
// if they match too little.
func (a *Auto) Decide(input string) error {
	rates := a.rates[input]
	if len(rates) == 0 {
		return nil // there is no id
	}
	best := *slices.MaxFunc(rates, func(x, y *Rate) int { // of equal ones the first
		return cmp.Or(cmp.Compare(int(x.Percent()), int(y.Percent())), cmp.Compare(x.Matched, y.Matched))
	})
	stored := a.Stored[input]
	if stored == nil {
		stored = &Choice{Rate: best, Chosen: a.Today}
		for _, r := range rates {
			r.Rate = fmt.Sprintf("%g%%", r.Percent())
			stored.Measured = append(stored.Measured, *r)
		}
		stored.Rate.Rate = fmt.Sprintf("%g%%", best.Percent())
		if best.Percent() < a.Min {
			return a.tooFew(input, stored.Measured)
		}
	}
	at := slices.IndexFunc(rates, func(r *Rate) bool { return r.Column == stored.Column && r.System == stored.System })
	if at < 0 {
		return diag.Fail(diag.Guarded, diag.GuardMatch, a.anew(),
			"the students of %s are known by %s as %s, as chosen on %s; now the column has no ids, or the roster does not know the system", input, stored.Header, stored.System, stored.Chosen)
	}
	now := *rates[at]
	switch {
	case now.Percent() < a.Min:
		return a.tooFew(input, []Rate{now})
	case now.IDs >= FallFrom && stored.Percent()-now.Percent() > Fall:
		return diag.Fail(diag.Guarded, diag.GuardMatch, a.anew(), "far fewer students of %s are known than before: %s; it was %g%% of %d when it was chosen on %s",
			input, now, stored.Percent(), stored.IDs, stored.Chosen)
	}
	if a.Now == nil {
		a.Now = map[string]Rate{}
	}
	a.Now[input] = now
	a.Students.Choose(input, stored)
	return nil
}

// anew is what to do where a choice does not fit a run.
func (a *Auto) anew() string {
	return "If the students are new, run " + "`" + a.Pull + "`" +
		", then the command again. If the file is right as it is, add --rematch: it measures all columns anew, and keeps what it chooses."
}

func (a *Auto) tooFew(input string, rates []Rate) error {
	slices.SortStableFunc(rates, func(x, y Rate) int { return cmp.Compare(y.Percent(), x.Percent()) })
	var all []string
	for _, r := range rates[:min(len(rates), 5)] {
		all = append(all, r.String())
	}
	return diag.Fail(diag.Guarded, diag.GuardMatch, "Run "+"`"+a.Pull+"`"+
		" if the roster is old. If these are other districts' rows, set lea_codes; if so low a share is right, set roster.min_match.",
		"less than %g%% of the students of %s are known: %s", a.Min, input, strings.Join(all, "; "))
}

// Choose makes a choice hold for an input; nil: all columns and systems are tried.
func (s *Students) Choose(input string, c *Choice) {
	if s.choices == nil {
		s.choices = map[string]*Choice{}
	}
	s.choices[input] = c
}

// Choices are what holds, by input.
func (s *Students) Choices() map[string]*Choice { return s.choices }
