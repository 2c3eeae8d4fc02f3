package validate

import (
	"encoding/json"
	"strconv"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/roster"
)

// Students know where the students of the tenant are enrolled: its roster. Several goroutines use it.
type Students interface {
	Student(uniqueID string) (*roster.Student, bool, error)
}

// events is the resource whose students were somewhere on a day.
const events = "studentAssessments"

// event is what a result says of its day.
type event struct {
	day, school string
	year        string // spring year; empty: that of the day
}

// enrolment warns of a student who was not enrolled on the day of a result, or not at the school that it names.
// One whom the roster does not know is not judged here: whether the target has the student is asked of the target.
func (w *worker) enrolment(text []byte) error {
	students := w.r.gate.options.Students
	if students == nil || w.r.name != events || !w.rec.Key.OK {
		return nil
	}
	e := eventOf(text)
	if len(e.day) < len("2006-01-02") {
		return nil
	}
	s, known, err := students.Student(string(w.rec.Key.Part("studentUniqueId")))
	if err != nil {
		return diag.FailWith(err, diag.CouldNotRun, diag.MachineDisk, "Read it again with `sluice roster pull`.", "the roster cannot be read")
	}
	if !known {
		return nil
	}
	e.day = e.day[:len("2006-01-02")]
	if e.year == "" {
		e.year = springYear(e.day)
	}
	if p := e.at(s.Enrollments); p.Code != "" {
		p.Level = diag.LevelOf(p.Code)
		w.note(p)
	}
	return nil
}

// at compares the event with where its student is enrolled; nothing is said where they fit.
func (e event) at(enrollments []roster.Enrollment) diag.Problem {
	thatDay, thatYear := false, len(enrollments) == 0
	for i := range enrollments {
		one := &enrollments[i]
		if year := one.SchoolYear; year == e.year || year == "" && springYear(one.Entry) == e.year {
			thatYear = true
		}
		if one.Entry > e.day || one.Exit != "" && one.Exit < e.day {
			continue
		}
		if thatDay = true; e.school == "" || e.school == one.School {
			return diag.Problem{}
		}
	}
	switch {
	case thatDay:
		return diag.Problem{Code: diag.EnrollmentSchool, Path: "$.reportedSchoolReference", Message: "the student was not enrolled at the reported school on the day of the result"}
	case thatYear:
		return diag.Problem{Code: diag.EnrollmentDay, Path: "$.administrationDate", Message: "the student was not enrolled on the day of the result"}
	}
	return diag.Problem{Code: diag.EnrollmentYear, Path: "$.administrationDate", Message: "the roster has enrollments of the student, but none for the school year of the result"}
}

// springYear is the school year of a day: 2026 from July 2025 to June 2026.
func springYear(day string) string {
	if len(day) < len("2006-01") {
		return ""
	}
	year, err := strconv.Atoi(day[:4])
	if err != nil {
		return ""
	}
	if day[5:7] >= "07" {
		year++
	}
	return strconv.Itoa(year)
}

// eventOf reads what a record says of its day; the rest is passed over.
func eventOf(text []byte) (e event) {
	s := jsonl.Scanner{Data: text}
	if s.Peek() != '{' || !s.Enter("") {
		return e
	}
	for s.Peek() == '"' {
		name, ok := s.Text()
		if !ok || !s.Colon() {
			return e
		}
		s.Peek()
		from := s.Pos
		if !s.Skip() {
			return e
		}
		e.take(string(name), text[from:s.Pos])
		if s.Peek() != ',' {
			return e
		}
		s.Pos++
	}
	return e
}

func (e *event) take(name string, value []byte) {
	switch name {
	case "administrationDate":
		_ = json.Unmarshal(value, &e.day) // what is no text is said by the check of the record
	case "reportedSchoolReference":
		var of struct{ SchoolID json.Number }
		if json.Unmarshal(value, &of) == nil {
			e.school = of.SchoolID.String()
		}
	case "schoolYearTypeReference":
		var of struct{ SchoolYear json.Number }
		if json.Unmarshal(value, &of) == nil {
			e.year = of.SchoolYear.String()
		}
	}
}
