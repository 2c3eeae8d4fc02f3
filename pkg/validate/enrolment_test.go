package validate

import (
	"strings"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/roster"
)

// enrolled is students with their enrollments.
type enrolled map[string][]roster.Enrollment

func (e enrolled) Student(id string) (*roster.Student, bool, error) {
	of, ok := e[id]
	return &roster.Student{UniqueID: id, Enrollments: of}, ok, nil
}

func TestEnrolment(t *testing.T) {
	north := roster.Enrollment{School: "255901301", Entry: "2025-08-20", Exit: "2026-01-15", SchoolYear: "2026"}
	south := roster.Enrollment{School: "255901302", Entry: "2026-01-16"}
	students := enrolled{"1": {north}, "2": {north, south}, "3": nil, "4": {{School: "255901301", Entry: "2023-08-20", Exit: "2024-05-30", SchoolYear: "2024"}}}
	day := func(day string) []any { return []any{"administrationDate", day + "T00:00:00Z"} }
	at := func(d, school string) []any {
		return append(day(d), "reportedSchoolReference", raw(`{"schoolId":`+school+`}`))
	}
	for _, c := range []struct {
		what, student string
		more          []any
		want          diag.Code
	}{
		{"enrolled", "1", day("2025-10-01"), ""},
		{"the first day", "1", day("2025-08-20"), ""},
		{"the last day", "1", day("2026-01-15"), ""},
		{"the day after", "1", day("2026-01-16"), diag.EnrollmentDay},
		{"the day before", "1", day("2025-08-19"), diag.EnrollmentDay},
		{"at its school", "1", at("2025-10-01", "255901301"), ""},
		{"at another school", "1", at("2025-10-01", "255901302"), diag.EnrollmentSchool},
		{"at the school after", "2", at("2026-03-01", "255901302"), ""},
		{"no longer at the school", "2", at("2026-03-01", "255901301"), diag.EnrollmentSchool},
		{"nowhere", "3", day("2025-10-01"), diag.EnrollmentDay},
		{"in another year", "4", day("2025-10-01"), diag.EnrollmentYear},
		{"another year by its reference", "1", append(day("2026-02-01"), "schoolYearTypeReference", raw(`{"schoolYear":2025}`)), diag.EnrollmentYear},
		{"not in the roster", "5", day("2025-10-01"), ""},
		{"without a day", "3", nil, ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			staged := own(map[string]string{"assessments": lines(assessment("A")), events: lines(result("1", "A", c.student, c.more...))})
			v, err := try(t, newRun(t, staged), nil, Options{Students: students})
			if err != nil {
				t.Fatal(err)
			}
			var got diag.Code
			for _, p := range v.problems {
				if strings.HasPrefix(string(p.Code), "BUS-ENROLLMENT") {
					got = p.Code
				}
			}
			if got != c.want {
				t.Errorf("%q, want %q\n%s", got, c.want, v)
			}
			if v.lines[events] != "v" && v.lines[events] != "u" {
				t.Errorf("it is no verdict: %s", v)
			}
		})
	}
}

func TestRosterWithoutEnrolments(t *testing.T) {
	staged := own(map[string]string{"assessments": lines(assessment("A")), events: lines(result("1", "A", "1"))})
	v, err := try(t, newRun(t, staged), nil, Options{NoEnrollments: true})
	if err != nil || !v.has(diag.EnrollmentNone, events, 0) {
		t.Errorf("%v %s", err, v)
	}
}
