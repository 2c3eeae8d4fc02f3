package mapping

import (
	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/keyset"
)

// Decided is what was decided over all rows before they are mapped: which rows and elements repeat
// the key of another one, and which records share a natural key.
type Decided interface {
	// Verdict is the one on a row, or on the element of a list with a number; nil: it stays.
	Verdict(line int64, l *List, number int) *Verdict
	// Conflicts reports whether records of a natural key differ.
	Conflicts(key keyset.Key) bool
}

// VerdictKind is what is to become of a row or an element that is not alone with its key.
type VerdictKind uint8

// The verdicts.
const (
	Dropped   VerdictKind = iota // another one stays
	Conflict                     // all are rejected
	Unordered                    // rejected: `by` of one of them cannot be read, so none can be chosen
	Unknown                      // rejected: its student is not known, so it cannot be told whether it is the same
)

// Verdict is what was decided of a row or an element.
type Verdict struct {
	Kind  VerdictKind
	Other string            // where the row is that it repeats, or conflicts with
	In    string            // of rows that conflict: the columns in which they differ
	Said  string            // and what they say there, if it is one and not a student's
	Fault *expression.Fault // of an element that is rejected: its records share it
}

// Fault is why the elements of a verdict are rejected.
func (l *List) Fault(v *Verdict) *expression.Fault {
	return v.conflict("an element of "+l.Path+" has the same key as one of ", l.Def.Key, l.Def.Duplicates)
}

// conflict is why a row or an element is rejected that has the key of another one.
func (v *Verdict) conflict(what string, key []bundle.Text, d *bundle.Duplicates) *expression.Fault {
	f := &expression.Fault{Code: diag.RowKeyConflict, Rule: key[0].Pos, Column: v.In, Value: v.Said, Message: what + v.Other + ", but different contents"}
	if v.In != "" {
		f.Message += " in " + v.In
	}
	switch v.Kind {
	case Unknown:
		f.Message = what + v.Other + ", but its student is not known, so it cannot be told whether they are the same"
		f.Fix = "Fill the student in, and run the reject file again."
	case Unordered:
		f.Message = what + v.Other + ", whose " + d.By.Value + " cannot be read, so it cannot be told which of them stays"
	}
	return f
}

// clash is the fault of a verdict that rejects: what is wrong with `by`, or why the roster does not know the student,
// where that is why.
func (r *Worker) clash(v *Verdict, by *expression.Code, other func() *expression.Fault) *expression.Fault {
	why := by
	if v.Kind == Unknown && r.plan.students != nil {
		why = r.plan.studentCode
	} else if v.Kind != Unordered {
		return other()
	}
	if _, f := why.Eval(&r.frame); f != nil {
		return f
	}
	return other()
}

// verdictOf is the verdict on the row at hand, or on one of its elements; nil if there is none.
func (r *Worker) verdictOf(l *List, number int) *Verdict {
	if r.decided == nil {
		return nil
	}
	return r.decided.Verdict(r.line, l, number)
}

// wasDropped reports whether an element was dropped because another one has its key.
func (r *Worker) wasDropped(e *element) bool {
	v := r.verdictOf(e.list, e.number)
	if v == nil || v.Kind != Dropped {
		return false
	}
	r.list(diag.Problem{Code: diag.RowDuplicate, Level: diag.LevelOf(diag.RowDuplicate), Rule: e.list.Def.Key[0].Pos.Rule(),
		Message: "an element of " + e.list.Path + " repeats the key of one of " + v.Other + " and was dropped"})
	return true
}

// conflicting reports an element that has the same key as another, but other content.
func (r *Worker) conflicting(e *element, path string) bool {
	v := r.verdictOf(e.list, e.number)
	if v == nil || v.Kind == Dropped {
		return false
	}
	r.fail(r.clash(v, e.by, func() *expression.Fault { return v.Fault }), path)
	return true
}
