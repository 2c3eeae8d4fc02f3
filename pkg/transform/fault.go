package transform

import (
	"fmt"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// fault is why a value could not be had, or a record not be made. It is data: it becomes a Problem
// with the row's place. It is allocated only when something is wrong, and kept with the value it
// spoiled, so that a row lists it once however many records use it. It may be shared by workers and
// is never changed.
type fault struct {
	code    diag.Code
	rule    diag.Pos // in the bundle
	column  string   // header
	value   string
	message string
	fix     string
	miss    *miss // a lookup that missed, for unmapped.csv
}

// miss is a value that a table does not know.
type miss struct {
	table *lookupTable
	keys  []string
}

func faultAt(rule diag.Pos, code diag.Code, format string, args ...any) *fault {
	return &fault{code: code, rule: rule, message: fmt.Sprintf(format, args...)}
}

// nullFault is the null rule: operators and functions that take no null name what was empty.
func nullFault(rule diag.Pos, what, operation string) *fault {
	return &fault{code: diag.ExpressionNull, rule: rule, message: fmt.Sprintf("%s is empty, and %s needs a value", what, operation)}
}

func (f *fault) problem() diag.Problem {
	p := diag.Problem{Code: f.code, Level: diag.LevelOf(f.code), Column: f.column, Value: f.value, Message: f.message, Fix: f.fix}
	if f.rule.File != "" {
		p.Rule = fmt.Sprintf("%s:%d", f.rule.File, f.rule.Line)
	}
	return p
}

// problems collects what is wrong with a bundle. Parts are compiled again for every element, layout
// and data standard, so the same words at the same place count once.
type problems struct {
	list diag.List
	seen map[diag.Problem]bool
	rows map[diag.Problem]diag.Pos // the table's row that a problem of a record was reported for
	met  int                       // how often something wrong was met, known or not
}

// shared reports whether a problem of a record was reported for another row of its table.
func (p *problems) shared(d diag.Problem, row diag.Pos) bool {
	first, ok := p.rows[d]
	if ok && first != row {
		p.met++
		return true
	}
	if p.rows == nil {
		p.rows = map[diag.Problem]diag.Pos{}
	}
	p.rows[d] = row
	return false
}

func (p *problems) add(d diag.Problem) {
	p.met++
	if p.seen == nil {
		p.seen = map[diag.Problem]bool{}
	}
	if !p.seen[d] {
		p.seen[d] = true
		p.list = append(p.list, d)
	}
}
