package report

import (
	"encoding/json"
	"encoding/xml"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

func findings(folder string) *Findings {
	known := Group{Code: diag.RecordPortable, Level: diag.LevelWarning, Resource: "studentAssessments", Message: "w\x01\ufffe", Count: 4,
		Lines: []Place{{File: filepath.Join(folder, "a b", "r#1.csv"), Line: 7}, {File: "r.csv", Line: 9}}, Acknowledged: &diag.Accepted{Until: "2999-01-01", Why: "known"}}
	return &Findings{Version: "1", Command: "sluice validate", Strict: true, Folder: folder, Stopped: diag.Fail(diag.Guarded, diag.GuardWhole, "Do this.", "it stopped"),
		Suites: []Suite{
			{Name: "studentAssessments", Passed: "3 records are valid", Skipped: "1 record could not be checked", Found: []Finding{
				FindingOf(diag.Problem{Code: diag.RecordSchema, Level: diag.LevelError, Resource: "studentAssessments", Path: "$.x", Message: "is <wrong>", Fix: "Mend it.", File: "r.csv", Line: 3, Col: 2}),
				{Group: known}}},
			{Name: "students", Passed: "1 record is valid"},
		}}
}

// What the schema of SARIF 2.1.0 requires is there, and its closed lists of words are kept.
func TestSARIF(t *testing.T) {
	text, err := findings(t.TempDir()).SARIF()
	if err != nil {
		t.Fatal(err)
	}
	var log struct {
		Schema  string `json:"$schema"`
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name  string
					Rules []struct {
						ID   string
						Help struct{ Text, Markdown string }
					}
				}
			}
			Invocations []struct {
				ExecutionSuccessful        *bool
				ToolExecutionNotifications []struct{ Message struct{ Text string } }
			}
			Results []struct {
				RuleID          string
				RuleIndex       int
				Level           string
				Message         struct{ Text string }
				OccurrenceCount int
				Suppressions    []struct{ Kind, Status, Justification string }
				Locations       []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine, StartColumn int }
					}
				}
				RelatedLocations []any
			}
		}
	}
	if err := json.Unmarshal(text, &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	if log.Version != "2.1.0" || log.Schema == "" || run.Tool.Driver.Name != "sluice" || *run.Invocations[0].ExecutionSuccessful ||
		run.Invocations[0].ToolExecutionNotifications[0].Message.Text != "it stopped. Do this." {
		t.Errorf("%s", text)
	}
	for _, r := range run.Results {
		rule := run.Tool.Driver.Rules[r.RuleIndex]
		if rule.ID != r.RuleID || rule.Help.Text == "" || rule.Help.Markdown == "" || r.Message.Text == "" ||
			!slices.Contains([]string{"none", "note", "warning", "error"}, r.Level) {
			t.Errorf("%+v %+v", r, rule)
		}
	}
	first, second := run.Results[0], run.Results[1]
	at := first.Locations[0].PhysicalLocation
	if at.ArtifactLocation.URI != "r.csv" || at.Region.StartLine != 3 || at.Region.StartColumn != 2 || len(first.Suppressions) != 0 ||
		first.Message.Text != "studentAssessments $.x: is <wrong>. Mend it." {
		t.Errorf("%+v", first)
	}
	if at := second.Locations[0].PhysicalLocation; at.ArtifactLocation.URI != "a%20b/r%231.csv" || len(second.RelatedLocations) != 1 || second.OccurrenceCount != 4 ||
		second.Suppressions[0].Status != "accepted" || !strings.Contains(second.Suppressions[0].Justification, "known") {
		t.Errorf("%+v", second)
	}
	if text, err := (&Findings{}).SARIF(); err != nil || !strings.Contains(string(text), `"results": []`) || !strings.Contains(string(text), `"executionSuccessful": true`) {
		t.Errorf("%s %v", text, err)
	}
}

func TestJUnit(t *testing.T) {
	text, err := findings(t.TempDir()).JUnit()
	if err != nil {
		t.Fatal(err)
	}
	var all junitSuites
	if err := xml.Unmarshal(text, &all); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if all.Tests != 6 || all.Failures != 1 || all.Errors != 1 || len(all.Suites) != 3 {
		t.Errorf("%s", text)
	}
	judged := all.Suites[0]
	if judged.Tests != len(judged.Cases) || judged.Skipped != 1 || judged.Cases[0].Failure == nil || judged.Cases[0].Class != "studentAssessments" ||
		judged.Cases[0].Name != "VAL-SCHEMA $.x: is <wrong>" || !strings.Contains(judged.Cases[0].Failure.Text, "r.csv:3") {
		t.Errorf("%s", text)
	}
	if known := judged.Cases[1]; known.Failure != nil || !strings.Contains(known.Out, "acknowledged until 2999-01-01: known") { // also under --strict
		t.Errorf("%+v", known)
	}
}
