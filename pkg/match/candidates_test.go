package match

import (
	"strings"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/roster"
)

func TestFactsAreFoundByTheirHeaders(t *testing.T) {
	for headers, want := range map[string]Facts{
		"StudentID,TeacherFirstName,StudentFirstName,StudentLastName,StudentDateOfBirth,StudentGrade,SchoolStateID,SchoolName": {"c", "d", "e", "g", "f"},
		"Student ID,First Name,Last Name,DOB,School Year,School,Grade Level":                                                   {"b", "c", "d", "f", "g"},
		"a,b,c": {},
	} {
		names := strings.Split(headers, ",")
		if got := FactsIn(names, names[:1]).Of([]string{"a", "b", "c", "d", "e", "f", "g", "h"}); got != want {
			t.Errorf("%s: %+v", headers, got)
		}
	}
}

func TestPropose(t *testing.T) {
	at := func(school, grade string) []roster.Enrollment {
		return []roster.Enrollment{{School: "1", Grade: "First grade"}, {School: school, Grade: grade}}
	}
	students := []*roster.Student{
		{UniqueID: "A", FirstName: "Ana", LastName: "Diaz", BirthDate: "2015-03-04", Enrollments: at("255901301", "Fifth grade")},
		{UniqueID: "B", FirstName: "Abe", LastName: "Dunn", BirthDate: "2015-01-01", Enrollments: at("255901301", "Fifth grade")},
		{UniqueID: "C", FirstName: "Cid", LastName: "Roe", BirthDate: "2015-03-04"},
		{UniqueID: "D", FirstName: "Ada", LastName: "Dorn", Enrollments: at("255901302", "Sixth grade")},
	}
	for _, c := range []struct {
		facts Facts
		want  string
	}{
		{Facts{First: "Anna", Last: "Díaz", Birth: "3/4/2015", School: "255901301", Grade: "05"}, "A birth date, initials, school, grade; B initials, school, grade"},
		{Facts{First: "X", Last: "Y", Birth: "2015-03-04T00:00:00", School: "255901301"}, "A birth date, school"},
		{Facts{First: "ana", Last: "d", Grade: "5"}, "A initials, grade; B initials, grade"},
		{Facts{Birth: "2015-03-04"}, ""},
		{Facts{School: "255901301", Grade: "5"}, ""},
		{Facts{}, ""},
	} {
		u := &Unmatched{Facts: c.facts}
		if err := Propose([]*Unmatched{u}, func(use func(*roster.Student) error) error {
			for _, s := range students {
				if err := use(s); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, one := range u.Candidates {
			got = append(got, one.UniqueID+" "+strings.Join(one.Agrees, ", "))
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%+v: %q, want %q", c.facts, got, c.want)
		}
	}
}

func TestGradesOfOneKind(t *testing.T) {
	for _, same := range [][]string{{"5", "05", "5th", "Fifth grade", "fifth"}, {"K", "KG", "Kindergarten", "0"}, {"12", "Twelfth grade"}, {"Pre-K", "prek"}} {
		for _, g := range same {
			if grade(g) != grade(same[0]) {
				t.Errorf("%s is not %s", g, same[0])
			}
		}
	}
}
