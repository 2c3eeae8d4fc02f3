package expression

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// Fault is why there is no value, or why a record cannot be made. It is data: it becomes a Problem
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

	Personal bool // Value may be a student's, whatever Column is
}

// Miss is a value that a table does not know, or not on the day.
type Miss struct {
	Table    *Table
	Keys     []string
	Day      string // on which none of the rows with these keys is valid; empty if there are none
	From, To string // the days around it that no row covers, empty if open
}

// Row is the row that the table lacks, its other cells to be filled in.
func (m *Miss) Row() []string {
	cells := make([]string, len(m.Table.Header))
	for i, k := range m.Table.Keys {
		cells[k] = m.Keys[i]
	}
	if m.Table.From >= 0 {
		cells[m.Table.From] = m.From
	}
	if m.Table.To >= 0 {
		cells[m.Table.To] = m.To
	}
	return cells
}

// KeySeparator stands between the parts of a key in what people read.
const KeySeparator = " | "

// Fault is why what needs the value has none.
func (m *Miss) Fault(rule diag.Pos, column string, personal bool) *Fault {
	message := fmt.Sprintf("the table %q has no row for this value", m.Table.Name)
	if m.Day != "" {
		message += " that is valid on " + m.Day
	}
	return &Fault{Code: diag.Unmapped, Rule: rule, Column: column, Value: strings.Join(m.Keys, KeySeparator), Miss: m, Personal: personal,
		Message: message,
		Fix:     cmp.Or(m.Table.Remedy, "Add its row to "+m.Table.Place+"; unmapped.csv has the row to paste, and the first line of the file if it is new.")}
}

// FaultAt is a fault of what stands at a place.
func FaultAt(rule diag.Pos, code diag.Code, format string, args ...any) *Fault {
	return &Fault{Code: code, Rule: rule, Message: fmt.Sprintf(format, args...)}
}

// from names the column that a value comes from, unless another one is named already.
func (f *Fault) from(c *Code, v Value) {
	if f.Column == "" && c.Column != "" {
		f.Column, f.Value, f.Personal = c.Column, strings.Clone(v.Text()), f.Personal || c.Personal
	}
}

// nullFault is the null rule: operators and functions that take no null name what was empty.
func nullFault(rule diag.Pos, what, operation string) *Fault {
	return &Fault{Code: diag.ExpressionNull, Rule: rule, Message: fmt.Sprintf("%s is empty, and %s needs a value", what, operation)}
}

// Problem is the fault as it is listed, without the row's place.
func (f *Fault) Problem() diag.Problem {
	table := ""
	if f.Miss != nil {
		table = f.Miss.Table.Name
	}
	return diag.Problem{Table: table, Code: f.Code, Level: diag.LevelOf(f.Code), Column: f.Column, Value: f.Value, Message: f.Message, Fix: f.Fix, Rule: f.Rule.Rule(),
		Personal: f.Personal}
}
