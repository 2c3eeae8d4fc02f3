// Package rejects owns the files of a run that a person corrects: for each vendor file the rows that
// transform rejected and those whose records validate or the target refused, under the file's own header
// and in its order, and beside them why. Each row stands there once, whatever is wrong with it.
//
//	problems/transform ─────────┐
//	verdicts/, problems/validate ├─► merged by file and line ─► the vendor file, read once more ─► rejects/
//	errors/ (after send) ───────┘
//
// It decides nothing and counts no record: what a row is there for was said by a stage. Rows that cannot be
// read again are listed by their lines.
package rejects

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// Reasons are why a row is to be corrected.
type Reasons struct {
	Line     int64 // of the row in the vendor's file
	fates    []runs.Fate
	stages   []string
	codes    []string
	messages []string
	more     int // messages that are left out
}

// mostMessages of one row are listed; records of one row are mostly refused for the same thing.
const mostMessages = 20

// add adds a reason. What was said before is not said again.
func (r *Reasons) add(fate runs.Fate, stage string, code diag.Code, message string) {
	if !slices.Contains(r.fates, fate) {
		r.fates = append(r.fates, fate)
	}
	if !slices.Contains(r.stages, stage) {
		r.stages = append(r.stages, stage)
	}
	if code != "" && !slices.Contains(r.codes, string(code)) {
		r.codes = append(r.codes, string(code))
	}
	switch {
	case slices.Contains(r.messages, message):
	case len(r.messages) == mostMessages:
		r.more++
	default:
		r.messages = append(r.messages, message)
	}
}

// Because are the reasons of a row that transform rejects.
func Because(problems []diag.Problem) *Reasons {
	why := &Reasons{fates: []runs.Fate{runs.RowRejected}, stages: []string{runs.Transform}}
	for _, p := range problems {
		why.Line = int64(p.Line)
		why.add(runs.RowRejected, runs.Transform, p.Code, withValue(p))
	}
	return why
}

// withValue is what is wrong, with the value.
func withValue(p diag.Problem) string {
	if p.Value == "" || strings.Contains(p.Message, p.Value) {
		return p.Message
	}
	return fmt.Sprintf("%s (%q)", p.Message, p.Value)
}

// gravest is the gravest that befell the row.
func (r *Reasons) gravest() runs.Fate {
	for _, f := range runs.Fates() {
		if slices.Contains(r.fates, f) {
			return f
		}
	}
	return ""
}

// cells are the reasons as lists have them.
func (r *Reasons) cells() []string {
	messages := strings.Join(r.messages, "; ")
	if r.more > 0 {
		messages += fmt.Sprintf("; and %d more", r.more)
	}
	return []string{strings.Join(r.stages, "; "), strings.Join(r.codes, "; "), messages}
}

// Writer writes the rows of one vendor file, and beside them why, a line for each in the same order. The
// files appear when they are committed, and only if there is a row. It is owned by one goroutine.
type Writer struct {
	run    *runs.Run
	Reject runs.Reject // what is written so far
	next   int         // line that the next row gets

	file    *durable.File // nil: no row yet
	keep    bool          // the rows that have the name already stay
	text    *bufio.Writer
	sum     hash.Hash
	reasons *runs.TextTable
	lost    *runs.TextTable // nil: every row was found
}

// NewWriter begins the file that is to be corrected of the nth of an input's files; nth is 0 for the only one.
func NewWriter(run *runs.Run, input string, nth int, from string) *Writer {
	return &Writer{run: run, Reject: runs.Reject{Input: input, From: from, File: runs.RejectFile(input, nth, from), Because: map[runs.Fate]int64{}}}
}

// Head is what rows stand under: it comes before the first row.
type Head struct {
	Text    string // verbatim, with its line end
	LineEnd string // that rows get
}

// Row writes a row as it stands in its file.
func (w *Writer) Row(head Head, raw string, why *Reasons) error {
	if w.file == nil {
		if err := w.begin(head); err != nil {
			return err
		}
	}
	cells := append([]string{runs.NumberCell(int(why.Line)), runs.NumberCell(w.next)}, why.cells()...)
	if err := w.reasons.Row(cells...); err != nil {
		return err
	}
	w.next += 1 + strings.Count(raw, "\n")
	w.Reject.Rows++
	w.Reject.Because[why.gravest()]++
	_, err := w.text.WriteString(raw + head.LineEnd)
	return err
}

func (w *Writer) begin(head Head) (err error) {
	if w.file, err = durable.Create(w.run.File(w.Reject.File)); err != nil {
		return err
	}
	w.sum = sha256.New()
	w.text = bufio.NewWriterSize(io.MultiWriter(w.file, w.sum), 64<<10)
	w.reasons, err = runs.NewTextTable(w.run.File(runs.Beside(w.Reject.File, "reasons")), "line", "rejectLine", "stage", "codes", "messages")
	if err != nil {
		return errors.Join(err, w.Close())
	}
	w.next = 1 + strings.Count(head.Text, "\n")
	_, err = w.text.WriteString(head.Text)
	return err
}

// Lose lists a row that is not there any more.
func (w *Writer) Lose(why *Reasons) (err error) {
	if w.lost == nil {
		w.Reject.LostFile = runs.Beside(w.Reject.File, "lost")
		if w.lost, err = runs.NewTextTable(w.run.File(w.Reject.LostFile), "line", "stage", "codes", "messages"); err != nil {
			return err
		}
	}
	w.Reject.Lost++
	w.Reject.Because[why.gravest()]++
	return w.lost.Row(append([]string{runs.NumberCell(int(why.Line))}, why.cells()...)...)
}

// Flush writes out all rows; the digest is known then.
func (w *Writer) Flush() error {
	if w.file == nil {
		return nil
	}
	err := w.text.Flush()
	w.Reject.SHA256 = hex.EncodeToString(w.sum.Sum(nil))
	return err
}

// Commit gives the files their names.
func (w *Writer) Commit() error {
	if err := w.Flush(); err != nil {
		return errors.Join(err, w.Close())
	}
	if w.file != nil {
		commit := w.file.Commit
		if w.keep {
			commit = w.file.Close
		}
		if err := commit(); err != nil {
			return errors.Join(err, w.Close())
		}
		if err := w.reasons.Commit(); err != nil {
			return errors.Join(err, w.Close())
		}
	}
	if w.lost != nil {
		return w.lost.Commit()
	}
	return nil
}

// Close discards what was not committed.
func (w *Writer) Close() error {
	var errs []error
	if w.file != nil {
		errs = append(errs, w.file.Close())
	}
	for _, t := range []*runs.TextTable{w.reasons, w.lost} {
		if t != nil {
			errs = append(errs, t.Close())
		}
	}
	return errors.Join(errs...)
}
