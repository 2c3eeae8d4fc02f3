package validate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// duplicate is a line whose key an earlier line has already.
type duplicate struct{ line, first uint32 }

// judgeDuplicates compares the records that share a key. Equal ones are one record, sent once; where
// they differ nobody knows which is right, so none passes.
func (r *resource) judgeDuplicates() error {
	conflicts := map[uint32]bool{} // first lines of keys whose records differ
	differs := make([]bool, len(r.duplicates))
	for i, d := range r.duplicates {
		first, err := r.line(d.first)
		if err != nil {
			return err
		}
		other, err := r.line(d.line)
		if err != nil {
			return err
		}
		if !sameRecord(first, other) {
			differs[i], conflicts[d.first] = true, true
		}
	}
	listed := map[uint32]bool{} // first lines whose conflict is listed
	for i, d := range r.duplicates {
		if !conflicts[d.first] {
			r.raise(d.line, runs.Duplicate)
			if err := r.checkAgain(d.line); err != nil {
				return err
			}
			r.problem(d.line, diag.Problem{Code: diag.RecordDuplicate, Level: diag.LevelWarning, Message: fmt.Sprintf("equals staged line %d; it is sent once", d.first)})
			continue
		}
		if differs[i] && !listed[d.first] {
			listed[d.first] = true
			if err := r.conflict(d.first, d.line, "and says something else"); err != nil {
				return err
			}
		}
		what := "and says something else"
		if !differs[i] {
			what = "and the same content, but another line with this key says something else"
		}
		if err := r.conflict(d.line, d.first, what); err != nil {
			return err
		}
	}
	return nil
}

// conflict makes a line invalid because another one has its key.
func (r *resource) conflict(line, other uint32, what string) error {
	r.raise(line, runs.Invalid)
	if err := r.checkAgain(line); err != nil {
		return err
	}
	r.problem(line, diag.Problem{Code: diag.RecordConflict, Message: fmt.Sprintf("staged line %d has the same natural key %s; neither passes", other, what)})
	return nil
}

// sameRecord reports whether two lines hold the same record; the order of properties does not matter.
func sameRecord(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, errX := decode(a)
	y, errY := decode(b)
	return errX == nil && errY == nil && reflect.DeepEqual(x, y)
}

func decode(text []byte) (v map[string]any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return v, d.Decode(&v)
}
