package transform

import (
	"strings"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// The rejects of a file are UTF-8 whatever it was; a rerun of the bundle must read them so.
func TestRejectsOfOtherEncodingsComeBack(t *testing.T) {
	ansi := header + "\xe9,3,3/1/2024,2024,x,,\n"
	text := with(t, "format: csv", "format: csv\n    encoding: windows-1252")
	p := compile(t, text, year)
	for _, file := range []string{ansi, "\ufeff" + header + "é,3,3/1/2024,2024,x,,\n"} {
		rejects := mustRun(t, p, "results", file).file(t, "rejects", "results.csv")
		if rejects != "\ufeff"+header+"é,3,3/1/2024,2024,x,,\n" {
			t.Errorf("%q", rejects)
		}
		mended := strings.Replace(rejects, ",x,", ",7,", 1)
		if got := mustRun(t, p, "results", mended).staged(t, "studentAssessments"); !strings.Contains(got, `"studentUniqueId":"é"`) {
			t.Error(got)
		}
	}
	if rejects := simpleRun(t, "é,3,3/1/2024,2024,x,,\n").file(t, "rejects", "results.csv"); strings.HasPrefix(rejects, "\ufeff") {
		t.Errorf("UTF-8 needs no mark: %q", rejects)
	}
}

func TestEncodingIsKnownAtCompile(t *testing.T) {
	_, problems := tryCompile(t, with(t, "format: csv", "format: csv\n    encoding: windows-1253x"), year)
	if got := problemText(problems); !strings.Contains(got, `BND-VALUE b/bundle.yaml:12:15: there is no encoding "windows-1253x"`) {
		t.Error(got)
	}
}

func TestColumnsWithoutHeader(t *testing.T) {
	p := compile(t, simple, year)
	const head = "ID,Grade,Date,Year,Score,Pct,Level,, \n"
	for workers := 1; workers <= 4; workers++ {
		r := runProgram(t, p, workers, "results", head+"a,3,3/1/2024,2024,1,,,,\nb,3,3/1/2024,2024,1,,, ,x\nc,3,3/1/2023,2023,1,,,,y\n")
		got := r.file(t, "problems", "transform.csv")
		if !strings.Contains(got, "VAL-FILE-NEW-COLUMN,warning") || !strings.Contains(got, "column 9 has no header, but values in 2 rows, first in line 3") || strings.Contains(got, "column 8") {
			t.Error(got)
		}
	}
	if got := mustRun(t, p, "results", head+"a,3,3/1/2024,2024,1,,, ,\u00a0\n").file(t, "problems", "transform.csv"); strings.Contains(got, "VAL-FILE-NEW-COLUMN") {
		t.Error(got)
	}
}

func TestWrongDelimiterIsNamed(t *testing.T) {
	r := runProgram(t, compile(t, simple, year), 1, "results", strings.ReplaceAll(header, ",", ";"))
	e, ok := diag.AsError(r.err)
	if !ok || !strings.Contains(e.Message, "is separated by semicolons, not by commas") {
		t.Error(r.err)
	}
}
