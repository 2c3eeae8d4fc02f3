package report

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// Remark is a sentence of the verdict on a run, and the file of the run that says more; "" if none does.
type Remark struct {
	Text  string `json:"text"`
	File  string `json:"file,omitempty"`
	Total bool   `json:"total,omitempty"` // it says what was done out of what; the others say what stayed behind
}

// verdict says what a run came to: what is loaded out of what, then what stayed behind and why. What a person
// corrects comes first; each sentence has the file to open.
func (rep *Report) verdict(r *runs.Run) []Remark {
	v := &verdict{run: r}
	c := v.counts(rep)
	switch {
	case r.Records != "": // which were taken as they are
		if c.validate == nil {
			v.total("%s staged", diag.Counted(int(c.rows.Used), "record is", "records are"))
		}
	case c.rows.Read > 0 || r.Finished(runs.Transform): // else it was stopped before the first row
		v.rows(c.rows)
	}
	if c.validate != nil && c.send == nil && r.Finished(runs.Validate) {
		v.total("%d of %d records passed", c.judged.Valid-c.judged.Marked, c.judged.Staged)
	}
	if c.send != nil {
		v.records(c)
	}
	if v.toCorrect(); len(r.ToCorrect) == 0 { // an earlier build made the run
		v.add(c.rows.Rejected, "row was rejected", "rows were rejected", "problems/transform.csv")
	}
	if c.send != nil && !v.outdated() {
		v.refused(c)
	}
	v.add(c.rows.Unmatched, "row is of a student who is not known", "rows are of students who are not known", "problems/transform.csv")
	if n, more := rep.unmapped(); n > 0 {
		v.add(n, "value has no mapping", "values have no mapping", "unmapped.csv")
		if more {
			v.all[len(v.all)-1].Text = "at least " + v.all[len(v.all)-1].Text
		}
	}
	if v.because(runs.RecordInvalid) == 0 { // else their rows are counted
		v.add(c.judged.Invalid, "record is not valid", "records are not valid", "problems/validate.csv")
	}
	if v.because(runs.RecordUnchecked) == 0 {
		v.add(c.judged.Unchecked, "record could not be checked", "records could not be checked", "problems/validate.csv")
	}
	if c.send == nil || v.outdated() { // else send has counted them
		v.add(c.judged.Marked, "record needs one of these, and will not be sent", "records need one of these, and will not be sent", "problems/validate.csv")
	}
	return v.all
}

// verdict collects the remarks.
type verdict struct {
	run *runs.Run
	all []Remark
}

// tallies are the sums over all inputs and resources.
type tallies struct {
	rows     runs.InputCounts
	judged   runs.Verdicts
	loaded   runs.Loaded
	validate *runs.ValidateCounts // nil: it did not run
	send     *runs.SendCounts
}

func (v *verdict) counts(rep *Report) (c tallies) {
	for _, s := range rep.Stages {
		switch n := s.Counts.(type) {
		case *runs.TransformCounts:
			c.rows = sumOf(n.Inputs, func(t *runs.InputCounts, in runs.InputCounts) {
				t.Read, t.Used, t.Rejected, t.Unmatched = t.Read+in.Read, t.Used+in.Used, t.Rejected+in.Rejected, t.Unmatched+in.Unmatched
				t.Filtered, t.Duplicate, t.Other = t.Filtered+in.Filtered, t.Duplicate+in.Duplicate, t.Other+in.Other
			})
		case *runs.ValidateCounts:
			c.validate = n
			c.judged = sumOf(n.Resources, func(t *runs.Verdicts, r runs.Verdicts) {
				t.Staged, t.Valid, t.Invalid = t.Staged+r.Staged, t.Valid+r.Valid, t.Invalid+r.Invalid
				t.Unchecked, t.Marked = t.Unchecked+r.Unchecked, t.Marked+r.Marked
			})
		case *runs.SendCounts:
			c.send = n
			c.loaded = sumOf(n.Resources, func(t *runs.Loaded, l runs.Loaded) {
				t.Staged, t.Duplicate = t.Staged+l.Staged, t.Duplicate+l.Duplicate
				t.Created, t.Updated, t.Unchanged = t.Created+l.Created, t.Updated+l.Updated, t.Unchanged+l.Unchanged
				t.Rejected, t.Blocked, t.Pending = t.Rejected+l.Rejected, t.Blocked+l.Blocked, t.Pending+l.Pending
			})
		}
	}
	return c
}

func (v *verdict) total(format string, args ...any) {
	v.all = append(v.all, Remark{Text: fmt.Sprintf(format, args...), Total: true})
}

func (v *verdict) add(n int64, one, more, file string) {
	if n == 0 {
		return
	}
	if _, err := os.Stat(v.run.File(file)); err != nil {
		file = ""
	}
	v.all = append(v.all, Remark{Text: diag.Counted(int(n), one, more), File: file})
}

// outdated reports whether the run was judged again after it was sent.
func (v *verdict) outdated() bool {
	judged, sent := v.run.Stages[runs.Validate], v.run.Stages[runs.Send]
	return judged != nil && sent != nil && judged.Start.After(sent.Start)
}

// rows says how many rows are loaded, or gave records.
func (v *verdict) rows(c runs.InputCounts) {
	text := fmt.Sprintf("%d of %d rows gave records", c.Used, c.Read)
	if v.settled() {
		text = fmt.Sprintf("%d of %d rows are loaded", max(c.Used-v.behind(), 0), c.Read)
	}
	if left := c.Filtered + c.Duplicate + c.Other; left > 0 {
		text += fmt.Sprintf(", %d left out", left)
	}
	v.total("%s", text)
}

// settled reports whether each row that gave records either is loaded whole or stands among those to correct:
// nothing is pending, and nobody moved staged lines about, so that it is known what came from which row.
func (v *verdict) settled() bool {
	r := v.run
	c, ok := r.Counts(runs.Send).(*runs.SendCounts)
	if !ok || !r.Finished(runs.Send) || r.Stopped != nil || v.outdated() || len(r.Staged) != len(r.Verdicts) {
		return false
	}
	made, _ := r.Counts(runs.Transform).(*runs.TransformCounts)
	for name, staged := range r.Staged {
		l := c.Resources[name]
		if l.Pending > 0 || l.Staged != staged.Lines {
			return false
		}
		// A record that several rows give has the first one's line: of the others it is not known.
		if l.Invalid+l.Blocked+l.Rejected > 0 && (made == nil || made.Resources[name].Duplicate > 0) {
			return false
		}
	}
	return !slices.ContainsFunc(r.Inputs, func(in runs.Input) bool { return in.Written == nil })
}

// behind is how many rows gave records, not all of which passed and were taken.
func (v *verdict) behind() (n int64) {
	for _, c := range v.run.ToCorrect {
		n += c.Rows + c.Lost - c.Because[runs.RowRejected]
	}
	return n
}

// because is how many of the rows to correct are among them for this reason.
func (v *verdict) because(fate runs.Fate) (n int64) {
	for _, c := range v.run.ToCorrect {
		n += c.Because[fate]
	}
	return n
}

// records says how many records are at the target.
func (v *verdict) records(c tallies) {
	now := "are at the target"
	if why := v.run.Stopped; why != nil && why.Stage == runs.Send || v.outdated() { // it may be why: the target was emptied, or is another
		now = "were at the target after the last send"
	}
	if len(c.send.Resources) == 0 && !v.run.Finished(runs.Send) { // it was killed
		v.total("how many records were loaded is not known until they are sent again")
		return
	}
	v.total("%d of %d records %s", c.loaded.Created+c.loaded.Updated+c.loaded.Unchanged, c.loaded.Staged-c.loaded.Duplicate, now)
}

// fateWords say what befell rows, after their number.
var fateWords = map[runs.Fate]string{runs.RowRejected: "rejected", runs.RecordInvalid: "not valid", runs.RecordRefused: "refused by the target",
	runs.RecordUnchecked: "that could not be checked"}

// toCorrect says which rows somebody has to correct, or to run again, each counted once.
func (v *verdict) toCorrect() {
	var rows, lost int64
	because := map[runs.Fate]int64{}
	var files, lostFiles []string
	why := ""
	for _, c := range v.run.ToCorrect {
		rows, lost = rows+c.Rows, lost+c.Lost
		for fate, n := range c.Because {
			because[fate] += n
		}
		if c.Rows > 0 {
			files = append(files, c.File)
		}
		if c.Lost > 0 {
			lostFiles, why = append(lostFiles, c.LostFile), c.Why
		}
	}
	waiting := because[runs.RecordBlocked]
	var parts []string
	for _, fate := range runs.Fates() {
		if n := because[fate]; n > 0 && fate != runs.RecordBlocked {
			parts = append(parts, fmt.Sprintf("%d %s", n, fateWords[fate]))
		}
	}
	var texts []string
	if n := rows + lost - waiting; n > 0 {
		texts = append(texts, diag.Counted(int(n), "row to correct: ", "rows to correct: ")+strings.Join(parts, ", "))
	}
	if waiting > 0 {
		texts = append(texts, diag.Counted(int(waiting), "row to run again once the record that it needs is corrected", "rows to run again once the records that they need are corrected"))
	}
	if len(texts) == 0 {
		return
	}
	v.all = append(v.all, Remark{Text: strings.Join(texts, "; "), File: oneOf(files, "rejects")})
	if lost > 0 {
		text := diag.Counted(int(lost), "of these is not", "of these are not") + " in rejects, only listed by line: " + why + ". Take these lines from the file as it was"
		v.all = append(v.all, Remark{Text: text, File: oneOf(lostFiles, "rejects")})
	}
}

// oneOf is the only file, the folder of several, or "".
func oneOf(files []string, folder string) string {
	switch len(files) {
	case 0:
		return ""
	case 1:
		return files[0]
	}
	return folder
}

// refused says what the target did not take, and what is only to be sent again.
func (v *verdict) refused(c tallies) {
	var refused, pending []string
	for name, l := range c.send.Resources {
		if l.Rejected > 0 {
			refused = append(refused, "errors/"+name+".csv")
		}
		if l.Pending > 0 {
			pending = append(pending, "errors/"+name+".csv")
		}
	}
	v.add(c.loaded.Rejected, "record was refused by the target", "records were refused by the target", oneOf(refused, "errors"))
	v.add(c.loaded.Blocked, "record was not sent, because one that it needs was not accepted",
		"records were not sent, because one that they need was not accepted", "errors")
	v.add(c.loaded.Pending, "record is pending: there is nothing to correct, only to send it again",
		"records are pending: there is nothing to correct, only to send them again", oneOf(pending, "errors"))
}

// sumOf adds up the counts of all inputs or resources.
func sumOf[C any](counts map[string]C, add func(sum *C, c C)) C {
	var sum C
	for _, c := range counts {
		add(&sum, c)
	}
	return sum
}

// unmapped is how many different values no table knows, and whether there may be more.
func (rep *Report) unmapped() (n int64, more bool) {
	for _, g := range rep.Problems {
		if g.Code == diag.Unmapped {
			n, more = n+int64(g.distinct), more || g.more
		}
	}
	return n, more
}
