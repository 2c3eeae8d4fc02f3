package expression

import (
	"fmt"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// Fault is why a value cannot be had, or a record cannot be made. It is data: it becomes a Problem
// with the row's place. It is allocated only when something is wrong, and kept with the value it
// spoiled, so that a row lists it once however many records use it. Workers may share it, and it is
// never changed.
type Fault struct {
	Code    diag.Code
	Rule    diag.Pos // of what was asked for
	Column  string   // header
	Value   string
	Message string
	Fix     string
	Miss    *Miss // a lookup that missed, for unmapped.csv
}

// Miss is a value that a table does not know.
type Miss struct {
	Table *Table
	Keys  []string
}

// KeySeparator stands between the parts of a key in what people read.
const KeySeparator = " | "

// Fault is why what needs the value cannot be had.
func (m *Miss) Fault(rule diag.Pos, column string) *Fault {
	return &Fault{Code: diag.Unmapped, Rule: rule, Column: column, Value: strings.Join(m.Keys, KeySeparator), Miss: m,
		Message: fmt.Sprintf("the table %q has no row for this value", m.Table.Name),
		Fix:     fmt.Sprintf("add its row to %s; unmapped.csv has it ready to paste and to complete, and the first line of the file if it is new", m.Table.Place)}
}

// FaultAt is a fault of what stands at a place.
func FaultAt(rule diag.Pos, code diag.Code, format string, args ...any) *Fault {
	return &Fault{Code: code, Rule: rule, Message: fmt.Sprintf(format, args...)}
}

// nullFault is the null rule: operators and functions that take no null name what was empty.
func nullFault(rule diag.Pos, what, operation string) *Fault {
	return &Fault{Code: diag.ExpressionNull, Rule: rule, Message: fmt.Sprintf("%s is empty, and %s needs a value", what, operation)}
}

// Problem is the fault as it is listed, without the row's place.
func (f *Fault) Problem() diag.Problem {
	return diag.Problem{Code: f.Code, Level: diag.LevelOf(f.Code), Column: f.Column, Value: f.Value, Message: f.Message, Fix: f.Fix, Rule: f.Rule.Rule()}
}
