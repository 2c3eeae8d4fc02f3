package transform

import (
	"os"
	"strings"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// tableOf is a table of one of the embedded bundles.
func tableOf(t *testing.T, file string, keys ...int) *expression.Table {
	t.Helper()
	text, err := os.ReadFile("../../bundles/" + file)
	if err != nil {
		t.Fatal(err)
	}
	header, records, problem := table.ReadAll(file, text)
	if problem != nil {
		t.Fatal(problem.Message)
	}
	out := &expression.Table{Header: header, Keys: keys, From: -1, To: -1}
	for _, r := range records {
		out.Rows = append(out.Rows, expression.TableRow{Cells: r.Cells})
	}
	return out
}

// TestNearRows: a row is filled in only where the key differs in its spelling; whoever pastes it unread must not
// load a result as that of another test.
func TestNearRows(t *testing.T) {
	tests := tableOf(t, "nwea-map-growth/tables/tests.csv", 0, 1)
	subjects := tableOf(t, "nwea-map-growth/tables/academic_subjects.csv", 0)
	grades := tableOf(t, "curriculum-associates-i-ready/tables/grade_levels.csv", 0)
	others := &expression.Table{Header: []string{"value", "code"}, Keys: []int{0}, From: -1, To: -1}
	for _, r := range [][2]string{{"Level 1", "1"}, {"Level I", "I"}, {"A-", "a-"}, {"Typical", "t"}, {"High", "h"}, {"Below Basic", "bb"}, {"Basic", "b"},
		{"Algebra 1", "a1"}, {"English I", "e1"}, {"Geometry", "g1"}, {"Geometri", "g2"}, {"Reading & Writing", "rw"}, {"Proficient", "p"}, {"Grade-Level", "gl"}} {
		others.Rows = append(others.Rows, expression.TableRow{Cells: r[:]})
	}
	for _, tt := range []struct {
		table *expression.Table
		value string // parts of the key, joined by |
		want  string // what stands beside it; empty: nothing is filled in
	}{
		{tests, "Growth|Math", "MAP_Growth_Mathematics"},
		{tests, "Growth|mathematics", "MAP_Growth_Mathematics"},
		{tests, "GROWTH|MATHEMATICS", "MAP_Growth_Mathematics"},
		{tests, "Growth|Mathmatics", "MAP_Growth_Mathematics"},
		{tests, "Growth|Language  Arts", "MAP_Growth_Reading"},
		{tests, "Growth|Language-Arts", "MAP_Growth_Reading"},
		{tests, "Growth|Lang. Arts", "MAP_Growth_Reading"},
		{tests, "Growth|LanguageUsage", "MAP_Growth_Language_Usage"},
		{tests, "Screening|Math", "MAP_Screening_Mathematics"},
		{tests, "Growth|Sciennce", "MAP_Growth_Science"},
		{tests, "Growth|Language", ""}, // Arts or Usage
		{tests, "Growth|Reading", ""},
		{tests, "Growth|Reading (Spanish)", ""},
		{tests, "Growth|Mathematics (Spanish)", ""},
		{tests, "Growth|Life Science", ""},
		{tests, "Growth|Science 2", ""},
		{tests, "Growth|Social Studies", ""},
		{tests, "Growth|Algebra", ""},
		{tests, "Screening|Language Usage", ""},
		{tests, "Check|Mathematics", ""},
		{tests, "MAP Growth|Mathematics", ""},
		{tests, "Grwth|Math", ""}, // two slips
		{subjects, "Math", "uri://ed-fi.org/AcademicSubjectDescriptor#Mathematics"},
		{subjects, "reading", "uri://ed-fi.org/AcademicSubjectDescriptor#Reading"},
		{subjects, "Science & Engineering", ""},
		{grades, "03", "uri://ed-fi.org/GradeLevelDescriptor#Third grade"},
		{grades, "k", "uri://ed-fi.org/GradeLevelDescriptor#Kindergarten"},
		{grades, "13", ""},
		{grades, "30", ""},
		{grades, "-1", ""},
		{grades, "1-2", ""},
		{grades, "PK", ""},
		{grades, "TK", ""},
		{grades, "3rd", ""},
		{grades, "Grade 3", ""},
		{others, "Level 2", ""},
		{others, "Level II", ""},
		{others, "Level 01", "1"},
		{others, "A", ""},
		{others, "A+", ""},
		{others, "Atypical", ""},
		{others, "Highest", ""},
		{others, "Higher", ""},
		{others, "Below", ""},
		{others, "Algebra 2", ""},
		{others, "Algebra11", ""},
		{others, "English II", ""},
		{others, "Geometre", ""}, // as near to the one as to the other
		{others, "reading and writing", "rw"},
		{others, "Not Proficient", ""},
		{others, "Profciient", "p"},
		{others, "grade_level", "gl"},
	} {
		m := &expression.Miss{Table: tt.table, Keys: strings.Split(tt.value, "|")}
		cells, near := rowFor(m)
		if got := cells[len(cells)-1]; got != tt.want || near < 0 && got != "" {
			t.Errorf("%s: filled in with %q, want %q", tt.value, got, tt.want)
		}
		for i, k := range tt.table.Keys {
			if cells[k] != m.Keys[i] {
				t.Errorf("%s: the key has become %q", tt.value, cells)
			}
		}
	}
}

// TestNearestKeys: what is named beside a value is near in each part of the key, and a number is near no other one.
func TestNearestKeys(t *testing.T) {
	tests := tableOf(t, "nwea-map-growth/tables/tests.csv", 0, 1)
	grades := tableOf(t, "curriculum-associates-i-ready/tables/grade_levels.csv", 0)
	for value, want := range map[string]string{
		"Growth|Math": "Growth | Mathematics", "Growth|Language": "Growth | Language Arts; Growth | Language Usage",
		"Screening|Reading": "", "Growth|Social Studies": "", "Check|Mathematics": "",
	} {
		m := &expression.Miss{Table: tests, Keys: strings.Split(value, "|")}
		_, near := rowFor(m)
		if got := strings.Join(nearestKeys(m, near), "; "); got != want {
			t.Errorf("%s: nearest %q, want %q", value, got, want)
		}
	}
	if got := nearestKeys(&expression.Miss{Table: grades, Keys: []string{"13"}}, -1); len(got) > 0 {
		t.Errorf("13 is near %v", got)
	}
}
