package pipeline

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/match"
	"github.com/sluice-edfi/sluice/pkg/rejects"
	"github.com/sluice-edfi/sluice/pkg/roster"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// CandidatesFile is the list of a run that a person fills in.
const CandidatesFile = "candidates.csv"

// candidateColumns are those of the list: the first two make it a crosswalk once they are filled in.
var candidateColumns = []string{"id", roster.UniqueID, "candidate", "agreesIn", "candidateName", "candidateBirthDate", "candidateSchool", "candidateGrade",
	"why", "input", "line", "rows", "name", "birthDate", "school", "grade", "otherIds"}

// Candidates is what a list of candidates holds.
type Candidates struct {
	Path  string `json:"path"`
	IDs   int    `json:"ids"`   // that are not matched
	Rows  int    `json:"rows"`  // of the vendor's files
	Found int    `json:"found"` // ids that have candidates
}

// Candidates writes beside the run's rejected rows which students their ids may belong to, for a person to decide.
func (x *Execution) Candidates() (*Candidates, error) {
	r := x.run
	switch {
	case r.Tenant != x.tenant.Name:
		return nil, diag.Fail(diag.Usage, diag.ConfigTenant, "Name a run of the tenant.", "the run in %s was not made for tenant %s", r.Path, x.tenant.Name)
	case r.Roster == nil:
		return nil, diag.Fail(diag.Usage, diag.ConfigRun, "Give the tenant roster.student_ids or roster.match, and transform again.", "the students of %s were not looked up in a roster", r.Path)
	}
	unmatched, rows, err := unmatchedOf(r)
	if err != nil {
		return nil, err
	}
	out := &Candidates{Path: r.File(CandidatesFile), IDs: len(unmatched), Rows: rows}
	index, err := x.openRoster()
	if err != nil {
		return nil, err
	}
	if err := match.Propose(unmatched, index.Each); err != nil {
		return nil, err
	}
	list, err := runs.NewTextTable(out.Path, candidateColumns...)
	if err != nil {
		return nil, DiskError(err)
	}
	for _, u := range unmatched {
		if len(u.Candidates) > 0 {
			out.Found++
		}
		for _, c := range append(u.Candidates, match.Candidate{})[:max(len(u.Candidates), 1)] {
			if err := list.Row(candidateRow(u, &c)...); err != nil {
				_ = list.Close() // the list is not there then
				return nil, DiskError(err)
			}
		}
	}
	return out, DiskError(list.Commit())
}

func candidateRow(u *match.Unmatched, c *match.Candidate) []string {
	cells := []string{u.ID, "", "", "", "", "", "", ""}
	if c.Student != nil {
		cells = []string{u.ID, "", c.UniqueID, strings.Join(c.Agrees, ", "), name(c.LastName, c.FirstName), c.BirthDate, c.Enrollment.School, c.Enrollment.Grade}
	}
	return append(cells, u.Why, u.Input, strconv.FormatInt(u.Line, 10), strconv.Itoa(u.Rows), name(u.Last, u.First), u.Birth, u.School, u.Grade, strings.Join(u.Others, "; "))
}

func name(last, first string) string {
	return strings.Trim(last+", "+first, ", ")
}

// notMatched are the codes of rows whose student is not certain.
var notMatched = []diag.Code{diag.StudentUnknown, diag.StudentAmbiguous, diag.StudentDisagree}

// unmatchedOf are the ids of a run that were not matched, each once, in the order of the rejected rows.
func unmatchedOf(r *runs.Run) (all []*match.Unmatched, rows int, err error) {
	known := map[string]*match.Unmatched{}
	for _, f := range r.ToCorrect {
		i := slices.IndexFunc(r.Roster.Inputs, func(m runs.StudentMatches) bool { return m.Input == f.Input })
		if i < 0 || f.Rows == 0 {
			continue
		}
		var ids []string // headers
		for _, c := range r.Roster.Inputs[i].Columns {
			if chosen := r.Roster.Inputs[i].Chosen; chosen == nil || chosen.Column == c.Header {
				ids = append(ids, c.Header)
			}
		}
		var facts *match.FactColumns
		err := rejects.Read(r, f, func(headers []string, row rejects.Row) error {
			at := slices.IndexFunc(notMatched, func(c diag.Code) bool { return slices.Contains(row.Codes, string(c)) })
			if at < 0 {
				return nil
			}
			if facts == nil {
				found := match.FactsIn(headers, ids)
				facts = &found
			}
			rows++
			of := slices.DeleteFunc(idsOf(headers, ids, row.Cells), func(id string) bool { return slices.Contains(r.Roster.Inputs[i].NoIDs, id) })
			for i, id := range of {
				if i > 0 && notMatched[at] == diag.StudentUnknown { // one of them is enough to know the student by
					break
				}
				u := known[id]
				if u == nil {
					others := slices.Delete(slices.Clone(of), i, i+1)
					u = &match.Unmatched{ID: strings.Clone(id), Others: others, Input: f.Input, Why: string(notMatched[at]), Line: row.Line, Facts: facts.Of(row.Cells)}
					known[u.ID], all = u, append(all, u)
				}
				u.Rows++
			}
			return nil
		})
		if err != nil {
			return nil, 0, err
		}
	}
	return all, rows, nil
}

// idsOf are the ids that stand on a row.
func idsOf(headers, ids, cells []string) (all []string) {
	for _, h := range ids {
		if i := slices.Index(headers, h); i >= 0 && i < len(cells) && strings.TrimSpace(cells[i]) != "" {
			all = append(all, strings.TrimSpace(cells[i]))
		}
	}
	return all
}
