package rejects

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// Options says after which stage the rows are to be collected.
type Options struct {
	Stage     string // runs.Validate or runs.Send: the one that ended last
	Unchecked bool   // what validate could not check will not be sent
}

// Update makes rejects/ hold the rows that transform rejected and those of the records that the stage left
// behind. Rows whose records pass now are gone from it. A file that somebody has edited meanwhile is kept
// under another name; kept are these names, in the run.
func Update(r *runs.Run, o Options) (kept []string, err error) {
	u := &update{run: r, options: o, files: map[[2]string]int{}}
	for i, in := range r.Inputs {
		if in.Written == nil { // an earlier build made the run, and did not note what is needed
			return nil, nil
		}
		u.files[[2]string{in.Name, in.Path}] = i
	}
	streams, err := u.open()
	defer func() {
		for _, s := range streams {
			s.close()
		}
	}()
	if err != nil {
		return nil, explained(err)
	}
	if err := durable.MkdirAll(r.File("rejects")); err != nil {
		return nil, explained(err)
	}
	rows, err := merge(streams)
	if err != nil {
		return nil, explained(err)
	}
	var all []runs.Reject
	was := r.ToCorrect
	for i := range r.Inputs {
		done, err := u.file(i, rows)
		if err != nil {
			return u.kept, explained(err)
		}
		// What is on the disk now is known at once, also where the next file fails.
		if done.Rows+done.Lost > 0 {
			all = append(all, done)
		}
		r.ToCorrect = slices.Clone(all)
		for _, old := range was {
			if at, ok := u.files[[2]string{old.Input, old.From}]; !ok || at > i {
				r.ToCorrect = append(r.ToCorrect, old)
			}
		}
	}
	return u.kept, explained(u.renumber())
}

func explained(err error) error {
	if _, ok := diag.AsError(err); ok || err == nil {
		return err
	}
	return diag.FailWith(err, diag.CouldNotRun, diag.MachineDisk, "Close the files of rejects/ in other programs, check the folder's permissions and free space, then run the same command again.",
		"the rows to correct could not be written to rejects/")
}

type update struct {
	run     *runs.Run
	options Options
	files   map[[2]string]int // index of an input's file
	moved   bool              // rows that transform rejected may stand on other lines of rejects/ now
	kept    []string
}

// place finds the row that an origin names; none for a record that a table gives.
func (u *update) place(origin string) (file int, line int64, ok bool) {
	o, ok := jsonl.ParseOrigin(origin)
	if !ok || o.Line <= 0 {
		return 0, 0, false
	}
	file, ok = u.files[[2]string{o.Input, u.run.InputFile(o)}]
	return file, o.Line, ok
}

// open opens everything that says why a row is to be corrected.
func (u *update) open() (all []stream, err error) {
	add := func(streams []stream, err error) error {
		all = append(all, streams...)
		return err
	}
	if err := add(openList(u.run.File("problems", "transform.jsonl"), u.rejected)); err != nil {
		return all, err
	}
	names, err := u.run.StagedResources()
	if err != nil {
		return all, err
	}
	for _, name := range names {
		// Where lines were added or removed after transform, nobody knows which row a line came from.
		if was, ours := u.run.Staged[name]; !ours || was.Lines != u.run.Verdicts[name].Lines {
			continue
		}
		if u.options.Stage == runs.Send {
			err = add(openList(u.run.File("errors", name+".jsonl"), u.left))
		} else {
			err = add(u.verdicts(name))
		}
		if err != nil {
			return all, err
		}
	}
	if u.options.Stage != runs.Send {
		err = add(openList(u.run.File("problems", "validate.jsonl"), u.invalid))
	}
	return all, err
}

func (u *update) verdicts(resource string) ([]stream, error) {
	text, err := os.ReadFile(u.run.VerdictFile(resource))
	if err != nil {
		return nil, err
	}
	stays := func(v runs.Verdict) bool {
		return v == runs.Invalid || v == runs.Marked || v == runs.Unchecked && u.options.Unchecked
	}
	if !slices.ContainsFunc(text, func(b byte) bool { return stays(runs.Verdict(b)) }) {
		return nil, nil
	}
	origins, err := os.Open(u.run.OriginFile(resource))
	if err != nil {
		return nil, err
	}
	return []stream{&verdicts{resource: resource, verdicts: text, stays: stays, place: u.place, file: origins, origins: bufio.NewScanner(origins)}}, nil
}

// rejected reads what transform says: the problems that reject a row.
func (u *update) rejected(text []byte) (e event, ok bool, err error) {
	var p diag.Problem
	if err := json.Unmarshal(text, &p); err != nil || p.RejectLine == 0 || p.Level > diag.LevelError {
		return e, false, err
	}
	file, ok := u.files[[2]string{p.Input, p.File}]
	return event{file: file, line: int64(p.Line), stage: runs.Transform, code: p.Code, message: withValue(p), fate: runs.RowRejected}, ok, nil
}

// invalid reads what validate says of single records; whether it is why they stay behind, verdicts tell.
func (u *update) invalid(text []byte) (e event, ok bool, err error) {
	var p diag.Problem
	if err := json.Unmarshal(text, &p); err != nil || p.StagedLine == 0 || p.Line == 0 {
		return e, false, err
	}
	weight := certain
	if p.Level > diag.LevelError {
		if weight = perhaps; p.Code != diag.RecordUnchecked && !strings.HasPrefix(string(p.Code), "REF-") {
			return e, false, nil
		}
	}
	file, ok := u.files[[2]string{p.Input, p.File}]
	return event{file, int64(p.Line), runs.Validate, p.Resource, int64(p.StagedLine), p.Code, withValue(p), "", weight}, ok, nil
}

// left reads what send says of a record that was not accepted. One that is pending is only to be sent again.
func (u *update) left(text []byte) (e event, ok bool, err error) {
	var row struct {
		Resource, Outcome, Source, Message string
		StagedLine                         int64
		Code                               diag.Code
	}
	if err := json.Unmarshal(text, &row); err != nil {
		return e, false, err
	}
	stage, fate := runs.Send, runs.Fate("")
	switch row.Outcome {
	case "rejected":
		fate = runs.RecordRefused
	case "blocked":
		if fate = runs.RecordBlocked; row.Code == diag.RecordUnchecked || row.Code == diag.ReferenceUnknown {
			fate = runs.RecordUnchecked
		}
	case "invalid": // it was not sent
		stage, fate = runs.Validate, runs.RecordInvalid
	default: // pending: it is only to be sent again
		return e, false, nil
	}
	file, line, ok := u.place(row.Source)
	return event{file, line, stage, row.Resource, row.StagedLine, row.Code, row.Message, fate, verdictOnly}, ok, nil
}

// file writes what is to be corrected of the input's file i, and gives its names.
func (u *update) file(i int, rows *merged) (runs.Reject, error) {
	in := &u.run.Inputs[i]
	nth, several := 0, 0
	for at, other := range u.run.Inputs {
		if other.Name == in.Name {
			if several++; at <= i {
				nth++
			}
		}
	}
	if several == 1 {
		nth = 0
	}
	w := NewWriter(u.run, in.Name, nth, in.Path)
	defer w.Close() //nolint:errcheck // what was committed is closed already
	var was runs.Reject
	for _, old := range u.run.ToCorrect {
		if old.Input == in.Name && old.From == in.Path {
			was = old
		}
	}
	if err := u.rows(i, w, rows, was); err != nil {
		return w.Reject, err
	}
	if err := w.Flush(); err != nil {
		return w.Reject, err
	}
	u.moved = u.moved || was.Rows > 0 && was.SHA256 != w.Reject.SHA256
	if err := u.keepEdited(w, was); err != nil {
		return w.Reject, err
	}
	if err := w.Commit(); err != nil {
		return w.Reject, err
	}
	var gone []string
	if w.Reject.Rows == 0 {
		gone = []string{w.Reject.File, runs.Beside(w.Reject.File, "reasons")}
	}
	if w.Reject.Lost == 0 {
		gone = append(gone, runs.Beside(w.Reject.File, "lost"))
	}
	for _, name := range gone {
		if err := os.Remove(u.run.File(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return w.Reject, err
		}
	}
	return w.Reject, nil
}

// rows writes the rows of a file that are to be corrected. The vendor's file has them; where it is gone,
// those that are in rejects/ already are taken from there.
func (u *update) rows(i int, w *Writer, rows *merged, was runs.Reject) error {
	var from *source
	opened := false
	defer func() {
		if from != nil {
			from.stop()
		}
	}()
	for len(rows.row) > 0 && rows.row[0].file == i {
		if why := rows.reasons(); why != nil {
			if !opened {
				opened = true
				var err error
				if from, err = openVendor(u.run, &u.run.Inputs[i]); err != nil {
					w.Reject.Why = err.Error()
					from, _ = openEarlier(u.run, &u.run.Inputs[i], was)
				}
			}
			if err := write(w, from, why); err != nil {
				return err
			}
		}
		if err := rows.nextRow(); err != nil {
			return err
		}
	}
	if w.Reject.Lost == 0 {
		w.Reject.Why = ""
	}
	return nil
}

// write writes a row, or its line if it is not there.
func write(w *Writer, from *source, why *Reasons) error {
	if from == nil {
		return w.Lose(why)
	}
	raw, ok := from.row(why.Line)
	if !ok {
		if from.why != nil {
			w.Reject.Why = from.why.Error()
		}
		return w.Lose(why)
	}
	return w.Row(from.head, raw, why)
}

// keepEdited keeps what somebody made of a file since it was written: it stays if the same rows would be written
// again, and else moves out of the way of the new one.
func (u *update) keepEdited(w *Writer, was runs.Reject) error {
	path := u.run.File(w.Reject.File)
	sum, err := digest(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || sum == was.SHA256 || sum == w.Reject.SHA256 {
		return err
	}
	if w.Reject.SHA256 == was.SHA256 && w.Reject.Rows > 0 {
		w.keep = true
		return nil
	}
	for n := 1; ; n++ {
		name := runs.Beside(w.Reject.File, "edited")
		if n > 1 {
			name = runs.Beside(w.Reject.File, "edited-"+strconv.Itoa(n))
		}
		if _, err := os.Lstat(u.run.File(name)); errors.Is(err, fs.ErrNotExist) {
			u.kept = append(u.kept, name)
			return os.Rename(path, u.run.File(name))
		}
	}
}
