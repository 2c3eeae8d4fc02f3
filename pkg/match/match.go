// Package match says whose a row is: the ids that stand on it, looked up in the identification systems of the
// tenant's roster. A match is exact, or repairs what spreadsheets do to numbers, and is counted as repaired then;
// nothing matches by a name. A row whose ids belong to two students is nobody's.
package match

import (
	"slices"
	"strings"
	"sync"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/mapping"
)

// Finder finds the students who have an id in an identification system, as it stands, on a day; "" is any day. Several
// goroutines use it.
type Finder interface {
	FindOn(system, id, day string) (students []string, err error)
}

// System is an identification system, with the lengths that its ids of digits alone have.
type System struct {
	Name   string
	Widths []int
}

// Students are the students of a tenant, as a mapping asks for them.
type Students struct {
	find    Finder
	person  *System // of the ids that a person gave to students; nil: there is none
	systems []System
	choices map[string]*Choice // by input; nil: all columns and systems are tried

	mutex  sync.Mutex
	failed error
}

// New makes students whose ids are looked up in these systems, in this order. What a person decided of an id
// stands in a system of its own, which may be nil, and holds for that id before all others.
func New(find Finder, person *System, systems []System) *Students {
	return &Students{find: find, person: person, systems: systems}
}

// Err is why the roster could not be read; what was matched does not hold then.
func (s *Students) Err() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.failed
}

// For is how the rows of an input are matched that may have ids in these columns.
func (s *Students) For(input string, columns []mapping.StudentColumn) func(ids, days []string) mapping.Match {
	return func(ids, days []string) mapping.Match {
		if len(days) == 0 {
			return s.on(input, columns, ids, "")
		}
		m := s.on(input, columns, ids, days[0])
		for _, day := range days[1:] {
			if other := s.on(input, columns, ids, day); other.Student != m.Student {
				headers, given := on(columns, ids)
				return mapping.Match{Code: diag.StudentAmbiguous, Column: strings.Join(headers, ", "), Value: strings.Join(given, " | "),
					Message: "the ids of the row do not belong to one student on all days of its results"}
			}
		}
		return m
	}
}

// on matches a row on a day.
func (s *Students) on(input string, columns []mapping.StudentColumn, ids []string, day string) mapping.Match {
	c := s.choices[input]
	if c == nil {
		return s.row(columns, ids, 0, search{s.systems, day})
	}
	at := slices.IndexFunc(columns, func(one mapping.StudentColumn) bool { return one.Name == c.Column })
	if at < 0 {
		return missing(columns)
	}
	i := s.place(c.System)
	return s.row(columns[at:at+1], ids[at:at+1], at, search{s.systems[i : i+1], day})
}

// search is in which systems ids are looked up, and for which day; "" is any day.
type search struct {
	systems []System
	day     string
}

// finding is where a student was found: in a system, for the id of a column.
type finding struct {
	student string // empty: several
	column  int
	system  string
	repair  Repair
}

// row matches a row. All of its ids are looked up in all systems, so that no student is taken where another one
// may be meant; first is the number of the first column.
func (s *Students) row(columns []mapping.StudentColumn, ids []string, first int, in search) mapping.Match {
	var room [6]finding
	found := room[:0]
	for i, id := range ids {
		if id != "" {
			found = s.id(found, id, i, in)
		}
	}
	if len(found) == 0 {
		return unknown(columns, ids, in.systems)
	}
	if !agree(found) {
		if found = plausible(slices.Clone(found)); !agree(found) {
			return several(columns, ids, found)
		}
	}
	one := found[0]
	for _, f := range found[1:] {
		if f.repair == Exact && one.repair != Exact || (f.repair == Exact) == (one.repair == Exact) && s.place(f.system) < s.place(one.system) {
			one = f
		}
	}
	return mapping.Match{Student: one.student, How: mapping.How{Column: uint8(first + one.column), System: uint8(s.place(one.system) + 1), Repaired: one.repair != Exact}}
}

// agree reports whether all findings are one student.
func agree(found []finding) bool {
	for _, f := range found {
		if f.student == "" || f.student != found[0].student {
			return false
		}
	}
	return true
}

// plausible leaves out what an id would be after a repair where it is one as it stands. But if that is all that the row
// says, it may have lost its zeros, and be by chance what another student has in another system.
func plausible(found []finding) []finding {
	var exact []int // columns
	for _, f := range found {
		if f.repair == Exact && !slices.Contains(exact, f.column) {
			exact = append(exact, f.column)
		}
	}
	return slices.DeleteFunc(found, func(f finding) bool {
		return f.repair != Exact && slices.Contains(exact, f.column) && (f.repair != Zeros || len(exact) > 1)
	})
}

// unknown is the match of a row whose ids no system knows.
func unknown(columns []mapping.StudentColumn, ids []string, systems []System) mapping.Match {
	headers, given := on(columns, ids)
	if len(headers) == 0 {
		return missing(columns)
	}
	var names []string
	for _, s := range systems {
		names = append(names, s.Name)
	}
	return mapping.Match{Code: diag.StudentUnknown, Column: strings.Join(headers, ", "), Value: strings.Join(given, " | "),
		Message: "no student of the roster has this id: " + strings.Join(headers, " and ") + ", tried as " + strings.Join(names, ", ")}
}

// several is the match of a row whose ids belong to more than one student.
func several(columns []mapping.StudentColumn, ids []string, found []finding) mapping.Match {
	headers, given := on(columns, ids)
	m := mapping.Match{Code: diag.StudentDisagree, Column: strings.Join(headers, ", "), Value: strings.Join(given, " | ")}
	for _, f := range found {
		if f.student == "" {
			m.Code, m.Message = diag.StudentAmbiguous, "several students of the roster have this id: "+says(columns, f)
			return m
		}
	}
	i := slices.IndexFunc(found, func(f finding) bool { return f.student != found[0].student })
	m.Message = "the ids of the row belong to different students of the roster: " + says(columns, found[0]) + " to one, " + says(columns, found[i]) + " to another"
	return m
}

// on is what stands on a row: headers, and the ids below them.
func on(columns []mapping.StudentColumn, ids []string) (headers, given []string) {
	for i, id := range ids {
		if id != "" {
			headers, given = append(headers, columns[i].Header), append(given, strings.Clone(id))
		}
	}
	return headers, given
}

// missing is the match of a row without any id.
func missing(columns []mapping.StudentColumn) mapping.Match {
	var headers []string
	for _, c := range columns {
		headers = append(headers, c.Header)
	}
	text := " is empty"
	if len(headers) > 1 {
		text = " are empty"
	}
	return mapping.Match{Code: diag.StudentMissing, Column: strings.Join(headers, ", "), Message: "the row names no student: " + strings.Join(headers, " and ") + text}
}

func says(columns []mapping.StudentColumn, f finding) string {
	text := columns[f.column].Header + " as " + f.system
	if f.repair != Exact {
		text += " (" + f.repair.String() + ")"
	}
	return text
}

// place is where a system stands in the order in which they are tried; what a person decided comes first.
func (s *Students) place(system string) int {
	return slices.IndexFunc(s.systems, func(one System) bool { return one.Name == system })
}

// id adds the students of one id, one finding for each system that knows it; one that knows several students adds a
// finding without any. Where a person decided of the id as it stands, that alone counts; what it would be after a
// repair is one finding among others.
func (s *Students) id(found []finding, id string, column int, in search) []finding {
	if s.person != nil {
		if f := s.look(id, s.person, in.day); f.system != "" {
			f.column = column
			if found = append(found, f); f.repair == Exact {
				return found
			}
		}
	}
	for i := range in.systems {
		if f := s.look(id, &in.systems[i], in.day); f.system != "" {
			f.column = column
			found = append(found, f)
		}
	}
	return found
}

// look finds the student of an id in a system: as it stands, or else repaired.
func (s *Students) look(id string, system *System, day string) finding {
	if students := s.ask(system, id, day); len(students) > 0 {
		return only(students, finding{system: system.Name})
	}
	var all []string
	how := Exact
	for repaired, repair := range repairs(id, system.Widths) {
		if students := s.ask(system, repaired, day); len(students) > 0 {
			all, how = append(all, students...), repair
		}
	}
	if len(all) == 0 {
		return finding{}
	}
	slices.Sort(all)
	return only(slices.Compact(all), finding{system: system.Name, repair: how})
}

// only is the finding of one student; of several nobody can say which.
func only(students []string, f finding) finding {
	if len(students) == 1 {
		f.student = students[0]
	}
	return f
}

// ask asks the roster. A number whose length no id of the system has is not looked for.
func (s *Students) ask(system *System, id, day string) []string {
	if isDigits(id) && !slices.Contains(system.Widths, len(id)) {
		return nil
	}
	students, err := s.find.FindOn(system.Name, id, day)
	if err != nil {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		if s.failed == nil {
			s.failed = err
		}
	}
	return students
}
