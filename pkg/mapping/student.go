package mapping

import (
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// Students knows whose ids are: the tenant's roster.
type Students interface {
	// For is called for each file, and gives what matches its rows: one id for each column, empty where the row has
	// none, and the days of its results, if it says them. Several goroutines use that.
	For(input string, columns []StudentColumn) func(ids, days []string) Match
}

// StudentColumn is a column that may hold a student's id: the bundle's name, and the file's header.
type StudentColumn struct{ Name, Header string }

// Match is whose a row is; with a code nobody's, for the reason that the message tells.
type Match struct {
	Student string
	How     How

	Code    diag.Code
	Column  string // headers
	Value   string // the ids
	Message string
}

// How is by what a student was found.
type How struct {
	Column   uint8 // of the input's `student` that the file has, from 0
	System   uint8 // in the order in which they are tried, from 1; 0: a person said so
	Repaired bool
}

// MatchCounts is how the rows were matched that needed a student.
type MatchCounts struct {
	Matched map[How]int64
	Refused map[diag.Code]int64
}

// Matched adds up how workers matched rows.
func Matched(workers []*Worker) (sum MatchCounts) {
	sum = MatchCounts{map[How]int64{}, map[diag.Code]int64{}}
	for _, r := range workers {
		for how, n := range r.matches.Matched {
			sum.Matched[how] += n
		}
		for code, n := range r.matches.Refused {
			sum.Refused[code] += n
		}
	}
	return sum
}

// countMatch counts how the student of the row at hand was found, if a record needed it.
func (r *Worker) countMatch() {
	if r.plan.students == nil || r.frame.Slots[r.plan.matched].Row != r.frame.Row {
		return
	}
	if r.matches.Matched == nil {
		r.matches = MatchCounts{map[How]int64{}, map[diag.Code]int64{}}
	}
	s := &r.frame.Slots[r.plan.matched]
	if s.Fault != nil {
		r.matches.Refused[s.Fault.Code]++
		return
	}
	r.matches.Matched[How{uint8(s.Value.N), uint8(s.Value.N >> 8), s.Value.N>>16 != 0}]++
}

// NoIDs are the texts that are no ids in the columns in which the roster looks for them.
func (pl *Plan) NoIDs() (nulls []string) {
	for _, bc := range pl.students {
		nulls = append(nulls, bc.Nulls...)
	}
	slices.Sort(nulls)
	return slices.Compact(nulls)
}

// StudentColumns are the columns of the file in which the roster looks for ids.
func (pl *Plan) StudentColumns() (all []StudentColumn) {
	for _, bc := range pl.students {
		all = append(all, StudentColumn{bc.def.Name.Value, bc.header})
	}
	return all
}

// IDs calls yield with the ids of a row that is kept, and the numbers of their columns.
func (r *Worker) IDs(row *table.Row, yield func(column int, id string)) {
	r.first(row)
	if f := r.malformed(row); f != nil {
		return
	}
	if _, ended := r.selectRow(); ended {
		return
	}
	for i, bc := range r.plan.students {
		if v, f := bc.code.Eval(&r.frame); f == nil && !v.IsNull() {
			yield(i, v.Text())
		}
	}
}

// student is the name by which a column is compared: with a roster, one that holds ids as the student whose they are.
func (c *compiler) student(name string) string {
	if in := c.plan.input; c.plan.students != nil && slices.Contains(bundle.Values(in.Def.Student), name) {
		return "student"
	}
	return name
}

// noDay is for a day that follows from the student, who follows from the day.
var noDay = &expression.Fault{Code: diag.StudentUnknown, Message: "the day of the result depends on the student"}

// days are those of the row's results, each once: an id may be one student's on one day and another's on the next.
func (pl *Plan) days(r *expression.Frame) (days []string) {
	for _, u := range pl.units {
		if u.day == nil {
			continue
		}
		if v, f := u.day.Eval(r); f == nil && len(v.S) >= len("2026-09-01") && !slices.Contains(days, v.S[:10]) {
			days = append(days, v.S[:10])
		}
	}
	return days
}

// rosterStudent is the student as the roster knows it, by all columns of ids that the file has.
func (c *compiler) rosterStudent(in *Input) expression.Code {
	columns := c.plan.students
	match := c.config.Students.For(in.Name, c.plan.StudentColumns())
	how := c.slot()
	pl := c.plan
	pl.matched = how
	student := c.memo(expression.Code{Personal: true, Type: expression.Type{Kind: expression.KindText}, Eval: func(r *expression.Frame) (expression.Value, *expression.Fault) {
		ids := make([]string, len(columns))
		for i, bc := range columns {
			v, f := bc.code.Eval(r)
			if f != nil {
				return v, f
			}
			ids[i] = v.Text()
		}
		if s := &r.Slots[how]; s.Row == r.Row && s.Fault == noDay {
			return expression.Value{}, noDay
		}
		r.Slots[how] = expression.Slot{Row: r.Row, Fault: noDay}
		m := match(ids, pl.days(r))
		if m.Code != "" {
			f := &expression.Fault{Code: m.Code, Rule: in.Def.Student[0].Pos, Column: m.Column, Value: m.Value, Message: m.Message, Personal: true}
			r.Slots[how] = expression.Slot{Row: r.Row, Fault: f}
			return expression.Value{}, f
		}
		n := int64(m.How.Column) | int64(m.How.System)<<8
		if m.How.Repaired {
			n |= 1 << 16
		}
		r.Slots[how] = expression.Slot{Row: r.Row, Value: expression.Value{N: n}}
		return expression.TextValue(m.Student), nil
	}})
	c.plan.studentCode = &student
	return student
}

// addStudent adds the name `student`: the tenant's column, or the first of those listed that the file has.
func (c *compiler) addStudent(row *scope, in *Input, all map[string]*boundColumn, b *binding) {
	if len(in.Def.Student) == 0 {
		return
	}
	from := c.studentColumn(in, all, b)
	symbol := &expression.Symbol{Name: "student", What: "student", Pos: in.Def.Student[0].Pos}
	header := bundle.Values(in.Def.Student)[0]
	switch {
	case c.config.Students != nil && from != nil:
		for _, name := range bundle.Values(in.Def.Student) {
			if bc := all[name]; bc != nil && bc.index >= 0 && (c.config.RosterColumn == "" || bc == from) {
				c.plan.students = append(c.plan.students, bc)
			}
		}
		symbol.Code = c.rosterStudent(in)
	case from != nil:
		header = from.header
		c.plan.studentCode, c.plan.StudentName = &from.code, from.def.Name.Value
		c.plan.Student = header
		inner, kind := from.code.Eval, from.Kind
		symbol.Code = c.memo(expression.Code{Personal: true, Type: expression.Type{Kind: expression.KindText}, Eval: func(r *expression.Frame) (expression.Value, *expression.Fault) {
			v, f := inner(r)
			switch {
			case f != nil:
				return v, f
			case v.IsNull():
				return v, &expression.Fault{Code: diag.StudentMissing, Rule: from.def.Pos, Column: header, Message: "the row names no student: " + header + " is empty"}
			case !kind.IsText():
				return expression.TextValue(v.Text()), nil
			}
			return expression.Value{Kind: expression.KindText, S: v.S}, nil
		}})
	default:
		f := &expression.Fault{Code: diag.StudentMissing, Rule: in.Def.Student[0].Pos, Column: header, Message: "the file has no column that names the student"}
		symbol.Code = expression.Code{Type: expression.Type{Kind: expression.KindText}, Eval: func(*expression.Frame) (expression.Value, *expression.Fault) { return expression.Value{}, f }}
	}
	c.put(row, symbol)
}

// studentColumn is the column that holds the student's id; nil if the file has none. One that is asked for
// by name must be there.
func (c *compiler) studentColumn(in *Input, all map[string]*boundColumn, b *binding) (from *boundColumn) {
	roster := c.config.RosterColumn
	var asked *boundColumn
	var headers []string
	for _, s := range in.Def.Student {
		bc := all[s.Value]
		if bc == nil {
			continue
		}
		c.report.uses.names[bc.def.Name.Pos] = true
		headers = append(headers, bc.header)
		if asked == nil && (roster == s.Value || slices.Contains(bundle.Values(bc.def.Headers), roster)) {
			asked = bc
		}
		if from == nil && bc.index >= 0 {
			from = bc
		}
	}
	switch {
	case roster == "":
		return from
	case asked == nil:
		c.add(diag.Pos{File: "roster.column"}, diag.ConfigTenant, "Name one of "+strings.Join(headers, ", ")+".",
			"%q is not one of the columns of %s that hold a student's id%s", roster, in.Name, diag.DidYouMean(roster, headers))
		return nil
	case asked.index >= 0:
		return asked
	case !b.ideal:
		b.missing = append(b.missing, want{headers: bundle.Values(asked.def.Headers), what: "the student's id, by roster.column or --student", pos: asked.def.Pos,
			fix: "Correct the file; or say with --student, or as roster.column of the tenant, which of its columns holds the ids."})
	}
	return nil
}

// who is the row's student, with whom elements are compared: a key that lacks the student must not drop
// another one's result. It is false where the student is not known, though the input says that it has one.
func (r *Worker) who() (student expression.Value, known bool) {
	if r.plan.studentCode == nil {
		return student, len(r.plan.input.Def.Student) == 0
	}
	student, f := r.plan.studentCode.Eval(&r.frame)
	return student, f == nil && !student.IsNull()
}
