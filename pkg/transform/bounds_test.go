package transform

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/mapping"
)

// dated is the simple bundle with a text column that should hold a date, used as serial number.
func dated(t *testing.T, serial string) *mapping.Program {
	t.Helper()
	text := with(t, "grade: Grade\n", "grade: Grade\n      stamp: {header: Stamp, optional: true}\n",
		"descriptors:\n", "tables:\n  versions: {key: name, valid: {from: first, to: last}}\ndescriptors:\n",
		"administrationDate: day", "administrationDate: day\n      serialNumber: '"+serial+"'") +
		"-- tables/versions.csv --\nname,first,last,v\nk,2020-01-01,2023-12-31,old\nk,2024-01-01,,new\n"
	return compile(t, text, year)
}

func TestTextThatIsNoDate(t *testing.T) {
	for serial, want := range map[string]string{
		`lookup("versions", "k", stamp).v`:          "new",
		`if day < stamp {"before"} else {"after"}`:  "after",
		`if stamp >= day {"before"} else {"after"}`: "after",
		`if day == stamp {"same"} else {"other"}`:   "other",
		`if day in [stamp] {"same"} else {"other"}`: "other",
	} {
		r := mustRun(t, dated(t, serial), "results", "ID,Grade,Date,Year,Score,Pct,Level,Stamp\na,3,3/1/2024,2024,1,,,2024-02-29\nb,3,3/1/2024,2024,1,,,zzz\nc,3,3/1/2024,2024,1,,,2024-02-30\n")
		if got := r.staged(t, "studentAssessments"); strings.Count(got, "\n") != 1 || !strings.Contains(got, `"serialNumber":"`+want+`"`) {
			t.Errorf("%s: %s", serial, got)
		}
		got := r.file(t, "problems", "transform.csv")
		if strings.Count(got, "VAL-EXPRESSION,") != 2 || !strings.Contains(got, "is not a date (YYYY-MM-DD)") || !strings.Contains(got, "zzz") {
			t.Errorf("%s: %s", serial, got)
		}
	}
	r := mustRun(t, dated(t, `if day == stamp {"same"} else {"other"}`), "results", "ID,Grade,Date,Year,Score,Pct,Level,Stamp\na,3,3/1/2024,2024,1,,,\n")
	if got := r.staged(t, "studentAssessments"); !strings.Contains(got, `"serialNumber":"other"`) {
		t.Errorf("null equals no date: %s", got)
	}
}

// A row with very many faults lists fifty of them and says how many more there are; the values that
// no table knows are all in unmapped.csv.
func TestFaultsOfOneRow(t *testing.T) {
	const n, listed = 60, 50
	columns, parts, head, cells := "", "", header[:len(header)-1], "a,3,3/1/2024,2024,1,,"
	for i := range n {
		columns += fmt.Sprintf("      c%d: C%d\n", i, i)
		parts += fmt.Sprintf("\n        - {accommodationDescriptor: 'lookup(\"tests\", c%d).title'}", i)
		head += fmt.Sprintf(",C%d", i)
		cells += fmt.Sprintf(",x%d", i)
	}
	p := compile(t, with(t, "grade: Grade\n", "grade: Grade\n"+columns, "vendor: [", "vendor: [AccommodationDescriptor, ",
		"administrationDate: day", "administrationDate: day\n      accommodations:"+parts), year)
	r := mustRun(t, p, "results", head+"\n"+cells+"\n"+strings.Replace(cells, "a,", "b,", 1)+"\n")
	if got := strings.Count(r.file(t, "unmapped.csv"), "\ntests,x"); got != n {
		t.Errorf("%d values in unmapped.csv", got)
	}
	got := r.file(t, "problems", "transform.csv")
	if strings.Count(got, "VAL-UNMAPPED,") != 2*(listed+1) || strings.Count(got, fmt.Sprintf("and %d more problems of this row", n-listed)) != 2 {
		t.Errorf("%d lines\n%s", strings.Count(got, "VAL-UNMAPPED,"), got)
	}
}

func TestTooManyUnmappedValuesAreSaid(t *testing.T) {
	p := compile(t, simple, year)
	var seen counter
	s, err := newStaging(p, &seen)
	if err != nil {
		t.Fatal(err)
	}
	table := &expression.Table{Name: "tests", Header: []string{"code"}, From: -1, To: -1}
	for i := range maxUnmapped + 3 {
		s.missed(mapping.Missed{Miss: &expression.Miss{Table: table, Keys: []string{fmt.Sprint(i)}}, Line: 2})
	}
	if len(s.unmapped) != maxUnmapped || s.unkept != 3 {
		t.Errorf("%d kept, %d not", len(s.unmapped), s.unkept)
	}
	if err := s.reportUnmapped(); err != nil || seen.problems != 1 {
		t.Errorf("%v, %d problems", err, seen.problems)
	}
}

// counter is a sink that counts problems.
type counter struct {
	discard
	problems int
}

func (c *counter) Problem(diag.Problem) error { c.problems++; return nil }

func TestLiteralsOutOfBounds(t *testing.T) {
	for literal, want := range map[string]string{
		"99999999999999999999": "does not fit an integer of 64 bits",
		"1e5":                  "Write the number in digits, with at most one point.",
		"1e400":                "Write the number in digits, with at most one point.",
	} {
		_, problems := tryCompile(t, with(t, "assessmentTitle: title", "assessmentTitle: title\n      maxRawScore: "+literal), year)
		if got := problemText(problems); len(problems) != 1 || !strings.Contains(got, "BND-RECORD b/bundle.yaml") || !strings.Contains(got+problems[0].Fix, want) {
			t.Errorf("%s: %v", literal, problems)
		}
	}
	r := mustRun(t, compile(t, with(t, "assessmentTitle: title", "assessmentTitle: title\n      maxRawScore: 1.50"), year), "results", header+"a,3,3/1/2024,2024,1,,\n")
	if got := r.staged(t, "assessments"); !strings.Contains(got, `"maxRawScore":1.5`) {
		t.Error(got)
	}
}
