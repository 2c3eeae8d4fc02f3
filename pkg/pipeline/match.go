package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/mapping"
	"github.com/sluice-edfi/sluice/pkg/match"
	"github.com/sluice-edfi/sluice/pkg/roster"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/transform"
)

// students is how the students of a run are looked up.
type students struct {
	*match.Students
	index   *roster.Index
	auto    *match.Auto // nil: columns and systems are not chosen by what matches
	measure bool        // the ids of the run are measured
	bundle  string
}

// openStudents opens the tenant's roster; nil: ids are taken as they stand.
func (x *Execution) openStudents(q Request, bundle string) (*students, error) {
	if x.tenant == nil || !x.tenant.HasRoster() {
		return nil, nil
	}
	index, err := x.openRoster()
	if err != nil {
		return nil, err
	}
	known, unknown := match.Of(index, x.tenant.RosterIDs)
	if unknown != "" {
		return nil, diag.Fail(diag.Usage, diag.ConfigTenant, "Correct roster.student_ids of the tenant: its roster knows "+strings.Join(known.Systems(), ", ")+".",
			"no student in the roster of tenant %s has an id in the system %q%s", x.tenant.Name, unknown, diag.DidYouMean(unknown, known.Systems()))
	}
	s := &students{Students: known, index: index, bundle: bundle}
	if !x.tenant.RosterAuto {
		return s, nil
	}
	s.auto = &match.Auto{Students: s.Students, Min: x.tenant.RosterMin * 100, Today: time.Now().Format(time.DateOnly), Pull: x.place.command("roster", "pull", "--tenant", x.tenant.Name)}
	if !q.Rematch {
		all, err := x.choices()
		if err != nil {
			return nil, err
		}
		s.auto.Stored = all[bundle]
	}
	if s.measure = !q.Retry || len(s.auto.Stored) == 0; !s.measure { // nobody expects of what was refused that it matches
		for in, c := range s.auto.Stored {
			if slices.Contains(s.Systems(), c.System) {
				s.Choose(in, c)
			}
		}
	}
	return s, nil
}

// openRoster opens the students of the tenant.
func (x *Execution) openRoster() (*roster.Index, error) {
	if x.index != nil {
		return x.index, nil
	}
	index, err := x.place.Roster(x.tenant.Name)
	if err != nil {
		return nil, err
	}
	x.index = index
	return index, nil
}

// failed is why what was matched does not hold.
func (s *students) failed() error {
	if err := s.Err(); err != nil {
		return diag.FailWith(err, diag.CouldNotRun, diag.MachineDisk, "Read it again with `sluice roster pull`.", "the roster cannot be read")
	}
	return nil
}

// options adds to those of a transform how its students are matched.
func (s *students) options(o *transform.Options) {
	if s == nil {
		return
	}
	o.Matching = s.failed
	if s.measure {
		o.Measure = s.auto
	}
}

// describe is what the manifest says of it.
func (s *students) describe(of map[string]transform.Matched) *runs.Roster {
	if s == nil {
		return nil
	}
	r := &runs.Roster{Digest: s.index.Digest(), Read: s.index.Pulled(), Systems: s.Systems()}
	for _, input := range slices.Sorted(maps.Keys(of)) {
		r.Inputs = append(r.Inputs, s.matches(input, of[input]))
	}
	return r
}

func (s *students) matches(input string, m transform.Matched) runs.StudentMatches {
	out := runs.StudentMatches{Input: input, Refused: m.Refused, NoIDs: m.NoIDs, By: []runs.MatchedBy{}}
	for _, c := range m.Columns {
		out.Columns = append(out.Columns, runs.StudentColumn(c))
	}
	by := map[[2]int]int64{}
	for how, n := range m.Matched {
		by[[2]int{int(how.System), int(how.Column)}] += n
		out.Matched += n
		if how.Repaired {
			out.Repaired += n
		}
	}
	for _, at := range slices.SortedFunc(maps.Keys(by), func(a, b [2]int) int { return slices.Compare(a[:], b[:]) }) {
		system := roster.Crosswalk
		if at[0] > 0 {
			system = s.Systems()[at[0]-1]
		}
		out.By = append(out.By, runs.MatchedBy{Column: m.Columns[at[1]].Header, System: system, Rows: by[at]})
	}
	out.Rows = out.Matched
	for _, n := range m.Refused {
		out.Rows += n
	}
	if c := s.Choices()[input]; c != nil {
		now := s.auto.Now[input]
		out.Chosen = &runs.StudentChoice{Column: c.Header, System: c.System, Chosen: c.Chosen, Of: c.IDs, Known: c.Matched, OfNow: now.IDs, KnownNow: now.Matched}
	}
	return out
}

// choices are, by bundle and input, the columns and systems that were chosen for the tenant.
type choices map[string]map[string]*match.Choice

func (x *Execution) choicesFile() string { return x.place.stateFile(x.tenant, "student-matches.json") }

func (x *Execution) choices() (choices, error) {
	text, err := os.ReadFile(x.choicesFile())
	if errors.Is(err, fs.ErrNotExist) {
		return choices{}, nil
	}
	if err != nil {
		return nil, DiskError(err)
	}
	return x.readChoices(text)
}

func (x *Execution) readChoices(text []byte) (choices, error) {
	all := choices{}
	if len(text) == 0 {
		return all, nil
	}
	err := json.Unmarshal(text, &all)
	for _, of := range all {
		for _, c := range of {
			if c == nil || c.Column == "" || c.System == "" {
				err = errors.Join(err, errors.New("a choice names no column or no system"))
			}
		}
	}
	if err != nil || all == nil {
		return nil, diag.FailWith(err, diag.Usage, diag.ConfigFile, "Move the file away: the next run chooses anew.",
			"%s, which says by which ids students are known, cannot be read", x.choicesFile())
	}
	return all, nil
}

// keepChoices keeps what was chosen for the next runs of the bundle.
func (x *Execution) keepChoices(ctx context.Context, s *students) error {
	if s == nil || !s.measure || len(s.Choices()) == 0 {
		return nil
	}
	return DiskError(durable.Edit(ctx, x.choicesFile(), func(before []byte) ([]byte, error) {
		all, err := x.readChoices(before)
		if err != nil {
			return nil, err
		}
		if all[s.bundle] == nil {
			all[s.bundle] = map[string]*match.Choice{}
		}
		maps.Copy(all[s.bundle], s.Choices())
		return jsonl.Indented(all)
	}))
}

var _ mapping.Students = (*students)(nil)
