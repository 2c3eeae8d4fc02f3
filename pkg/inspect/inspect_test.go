package inspect

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/table"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "f.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestColumns(t *testing.T) {
	var b strings.Builder
	b.WriteString("Subject;Score;Taken;Local;First Name;Note;Empty\r\n")
	for i := range 8 {
		fmt.Fprintf(&b, "%s;%d;%d/5/2026;00%d;Ann%d;only %d;\r\n", []string{"Reading", "Math"}[i%2], 200+i, i+1, i, i, i)
	}
	b.WriteString("short\r\n")
	f, err := Read(t.Context(), write(t, b.String()), "f.csv", []Contract{
		{Bundle: "far", Headers: []string{"A", "B"}},
		{Bundle: "near", Headers: []string{"Subject", "Score", "Taken", "Grade"}, Ignored: []string{"Em*"}, Personal: []string{"Loc*"}, Options: table.Options{Delimiter: ";"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if f.Delimiter != ";" || f.LineEnds != "CRLF" || f.Encoding != "utf-8" || f.Rows != 9 || f.Odd != 1 || f.FirstOdd != 10 {
		t.Errorf("%+v", f)
	}
	want := []Column{
		{Header: "Subject", Type: "text", Filled: 9, Distinct: 3, Values: []string{"Math", "Reading"}},
		{Header: "Score", Type: "integer", Filled: 8, Distinct: 8, Low: "200", High: "207"},
		{Header: "Taken", Type: "date", Format: "M/D/YYYY", Filled: 8, Distinct: 8},
		{Header: "Local", Type: "text", Filled: 8, Distinct: 8, Hidden: true},
		{Header: "First Name", Type: "text", Filled: 8, Distinct: 8, Hidden: true},
		{Header: "Note", Type: "text", Filled: 8, Distinct: 8},
		{Header: "Empty", Blank: 8},
	}
	if d := cmp.Diff(want, f.Columns); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]Fit{{Bundle: "near", Of: 4, Matched: 3, Missing: []string{"Grade"}, Further: []string{"Local", "First Name", "Note"}}}, f.Fits, cmpopts.IgnoreUnexported(Fit{})); d != "" {
		t.Error(d)
	}
}

func TestWhatIsNoTable(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "is empty",
		" \n":                          "nothing but blank lines",
		"<!DOCTYPE html><html>":        "a web page",
		"\xef\xbb\xbf<?xml version=1>": "XML",
		`{"a": 1}`:                     "JSON",
		"PK\x03\x04xl/xxxxx":           "Excel",
	} {
		_, err := Read(t.Context(), write(t, text), "f.csv", nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := Read(t.Context(), t.TempDir(), "folder", nil); err == nil || !strings.Contains(err.Error(), "is a folder") {
		t.Errorf("a folder: %v", err)
	}
}

func TestEncodings(t *testing.T) {
	for text, want := range map[string]string{
		"Name,Stra\xdfe\n1,2\n":                              "windows-1252",
		"\xff\xfea\x00,\x00b\x00\n\x001\x00,\x002\x00\n\x00": "utf-16le",
		"a,é\n1,2\n": "utf-8",
		"a,b\n" + strings.Repeat("x,é\n", headBytes/5) + "x,é\n": "utf-8", // a character lies over the end of the head
	} {
		f, err := Read(t.Context(), write(t, text), "f.csv", nil)
		if err != nil || f.Encoding != want || len(f.Columns) != 2 {
			t.Errorf("%.20q: %+v %v", text, f, err)
		}
	}
}

// TestCandidates: every format that is tried is one that the language knows.
func TestCandidates(t *testing.T) {
	for kind, sources := range dateFormats {
		for _, source := range sources {
			if _, err := expression.ParseDateFormat(source, kind); err != nil {
				t.Errorf("%s: %v", source, err)
			}
		}
	}
}

// TestNoHeader: where the first line looks like a row, nothing of it is shown as a name.
func TestNoHeader(t *testing.T) {
	for text, want := range map[string]bool{
		"600001,Ann,Reading\n600002,Ben,Math\n":                    true,  // a number, as those below it
		"Ann,3\nBen,4\n":                                           true,  // a short one
		"Ann,Reading\nBen,Reading\n":                               true,  // a word that is said again
		"Ann,10/1/2025\n":                                          true,  // a date, and no row
		"Name,Subject\nAnn,Reading\n":                              false, // words that nothing says again
		"Name,2025\nAnn,Reading\n":                                 false, // a year over texts
		"Id,Grade\n1,3\n":                                          false,
		"XY ISD    Doe       Ann  M\nXY ISD    Roe       Ben  M\n": true, // of fixed length
		"0523039912345678DOEANN\n0523039912345679ROEBEN\n":         true,
	} {
		f, err := Read(t.Context(), write(t, text), "f.csv", nil)
		if err != nil || f.NoHeader != want {
			t.Errorf("%q: %+v %v", text, f, err)
			continue
		}
		for _, c := range f.Columns {
			if want && (c.Header != "" || !c.Hidden || len(c.Values) > 0) {
				t.Errorf("%q: %+v", text, c)
			}
		}
	}
	f, err := Read(t.Context(), write(t, "Score,2025\n1,2025\n"), "f.csv", []Contract{{Headers: []string{"Score", "2025"}}})
	if err != nil || f.NoHeader {
		t.Errorf("a bundle knows the header: %+v %v", f, err)
	}
}

// TestExamplesAreNobodys: no value is shown that may be a person's, whatever its column is called.
func TestExamplesAreNobodys(t *testing.T) {
	var b strings.Builder
	b.WriteString("Examinee,Who,Contact,Local,Once,Level\n")
	for i := range 12 {
		fmt.Fprintf(&b, "Ann,\"Doe, Jane\",a@b.org,%d,%s,Met\n", 600001+i, []string{"x", "x", "x", "x", "x", "Ann was ill", "x", "x", "x", "x", "x", "x"}[i])
	}
	f, err := Read(t.Context(), write(t, b.String()), "f.csv", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%+v", f.Columns); strings.Contains(got, "Ann") || strings.Contains(got, "Doe") || strings.Contains(got, "@") || strings.Contains(got, "60000") || !strings.Contains(got, "Met") {
		t.Error(got)
	}
}

// TestInitials: those of a middle name are somebody's, however often they occur.
func TestInitials(t *testing.T) {
	f, err := Read(t.Context(), write(t, "NAME_MI,Level\n"+strings.Repeat("J,Met\n", 9)), "f.csv", nil)
	if err != nil || !f.Columns[0].Hidden || len(f.Columns[0].Values) > 0 {
		t.Errorf("%+v %v", f, err)
	}
}

// TestRangesAreNobodys: the ends of a range of long numbers that hardly repeat would be two identifiers.
func TestRangesAreNobodys(t *testing.T) {
	var b strings.Builder
	b.WriteString("Local,Serial,Score,Scale,Share,Kennung\n")
	for i := range 2500 {
		fmt.Fprintf(&b, "%d,%d,%d,%d.5,%d,%d\n", 10000+i, i, 200+i%50, i%9, 60000+i%4, 600000+i%500)
	}
	f, err := Read(t.Context(), write(t, b.String()), "f.csv", nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range f.Columns {
		got = append(got, c.Low+"-"+c.High)
	}
	if d := cmp.Diff([]string{"-", "0-2499", "200-249", "0.5-8.5", "60000-60003", "-"}, got); d != "" {
		t.Error(d)
	}
}

// TestHeaderBelowTitles: a file is recognised by the header that its contract says, and read by it.
func TestHeaderBelowTitles(t *testing.T) {
	c := []Contract{{Bundle: "b", Input: "in", Headers: []string{"Id", "Grade"}, Options: table.Options{Delimiter: ",", HeaderRows: []int{3}}}}
	f, err := Read(t.Context(), write(t, "Report of 2026\n\nId;Grade\n1;3\n"), "f.csv", c)
	if err != nil || len(f.Fits) != 1 || !f.Fits[0].Whole() || f.Rows != 1 || f.Delimiter != ";" {
		t.Fatalf("%+v %v", f, err)
	}
	want := []string{"transform", "b", "--input", "in=f.csv", "--delimiter", "in=;"}
	if d := cmp.Diff(want, f.Fits[0].Transform("f.csv", nil)); d != "" {
		t.Error(d)
	}
}
