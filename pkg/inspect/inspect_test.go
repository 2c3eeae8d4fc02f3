package inspect

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-edfi/sluice/pkg/expression"
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
	f, err := Read(t.Context(), write(t, b.String()), []Contract{
		{Bundle: "far", Headers: []string{"A", "B"}},
		{Bundle: "near", Headers: []string{"Subject", "Score", "Taken", "Grade"}, Ignored: []string{"Em*"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if f.Delimiter != ";" || f.LineEnds != "CRLF" || f.Encoding != "utf-8" || f.Rows != 9 || f.Odd != 1 || f.FirstOdd != 10 {
		t.Errorf("%+v", f)
	}
	want := []Column{
		{Header: "Subject", Type: "text", Filled: 9, Distinct: 3, Values: []string{"Math", "Reading", "short"}},
		{Header: "Score", Type: "integer", Filled: 8, Distinct: 8, Low: "200", High: "207"},
		{Header: "Taken", Type: "date", Format: "M/D/YYYY", Filled: 8, Distinct: 8},
		{Header: "Local", Type: "text", Filled: 8, Distinct: 8},
		{Header: "First Name", Type: "text", Filled: 8, Distinct: 8, Hidden: true},
		{Header: "Note", Type: "text", Filled: 8, Distinct: 8},
		{Header: "Empty", Blank: 8},
	}
	if d := cmp.Diff(want, f.Columns); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]Fit{{Bundle: "near", Of: 4, Matched: 3, Missing: []string{"Grade"}, Further: []string{"Local", "First Name", "Note"}}}, f.Fits); d != "" {
		t.Error(d)
	}
}

func TestWhatIsNoTable(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "is empty",
		" \n":                          "is empty",
		"<!DOCTYPE html><html>":        "a web page",
		"\xef\xbb\xbf<?xml version=1>": "XML",
		`{"a": 1}`:                     "JSON",
		"PK\x03\x04xxxxxxxx":           "Excel",
	} {
		_, err := Read(t.Context(), write(t, text), nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := Read(t.Context(), t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "is not a file") {
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
		f, err := Read(t.Context(), write(t, text), nil)
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
