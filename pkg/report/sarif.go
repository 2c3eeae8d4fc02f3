package report

import (
	"net/url"
	"path/filepath"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
)

// The parts of SARIF 2.1.0 that are written. A cause is one result, at its first place; the others are related.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool struct {
			Driver sarifDriver `json:"driver"`
		} `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		ColumnKind  string            `json:"columnKind"`
		Results     []sarifResult     `json:"results"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID    string       `json:"id"`
		Short sarifMessage `json:"shortDescription"`
		Help  sarifMessage `json:"help"`
		Usual struct {
			Level string `json:"level"`
		} `json:"defaultConfiguration"`
	}
	sarifMessage struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown,omitempty"`
	}
	sarifInvocation struct {
		CommandLine   string              `json:"commandLine"`
		Successful    bool                `json:"executionSuccessful"`
		Notifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level      string       `json:"level"`
		Message    sarifMessage `json:"message"`
		Descriptor struct {
			ID string `json:"id"`
		} `json:"descriptor"`
	}
	sarifResult struct {
		RuleID       string             `json:"ruleId"`
		RuleIndex    int                `json:"ruleIndex"`
		Level        string             `json:"level"`
		Message      sarifMessage       `json:"message"`
		Locations    []sarifLocation    `json:"locations,omitempty"`
		Related      []sarifLocation    `json:"relatedLocations,omitempty"`
		Occurrences  int64              `json:"occurrenceCount,omitempty"`
		Suppressions []sarifSuppression `json:"suppressions,omitempty"`
		Properties   map[string]string  `json:"properties,omitempty"`
	}
	sarifSuppression struct {
		Kind          string `json:"kind"`
		Status        string `json:"status"`
		Justification string `json:"justification"`
	}
	sarifLocation struct {
		Physical struct {
			Artifact struct {
				URI string `json:"uri"`
			} `json:"artifactLocation"`
			Region *sarifRegion `json:"region,omitempty"`
		} `json:"physicalLocation"`
	}
	sarifRegion struct {
		Line   int `json:"startLine"`
		Column int `json:"startColumn,omitempty"`
	}
)

// SARIF is the findings as a SARIF 2.1.0 log.
func (f *Findings) SARIF() ([]byte, error) {
	run := sarifRun{ColumnKind: "unicodeCodePoints", Results: []sarifResult{}}
	run.Tool.Driver = sarifDriver{Name: "sluice", Version: f.Version, Rules: []sarifRule{}}
	rules := map[diag.Code]int{}
	index := func(code diag.Code) int {
		i, known := rules[code]
		if !known {
			i = len(rules)
			rules[code] = i
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, ruleOf(code))
		}
		return i
	}
	for _, s := range f.Suites {
		for _, one := range s.Found {
			run.Results = append(run.Results, f.sarif(one, index(one.Code)))
		}
	}
	invocation := sarifInvocation{CommandLine: f.Command, Successful: f.Stopped == nil}
	if e := f.Stopped; e != nil {
		n := sarifNotification{Level: "error", Message: sarifMessage{Text: e.Error() + sentence(e.Advice())}}
		n.Descriptor.ID = string(e.Code)
		invocation.Notifications = []sarifNotification{n}
	}
	run.Invocations = []sarifInvocation{invocation}
	return jsonl.Indented(sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}})
}

// sentence is a text that follows another one.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return ". " + text
}

func ruleOf(code diag.Code) sarifRule {
	e := advice(code)
	r := sarifRule{ID: string(code), Short: sarifMessage{Text: e.Meaning}, Help: sarifMessage{Text: e.Resolution,
		Markdown: e.Resolution + "\n\nTo open: " + e.File + "\n\n    " + e.Command + "\n"}}
	r.Usual.Level = sarifLevel(e.Level)
	return r
}

func sarifLevel(l diag.Level) string { return l.String() } // they have the same names

func (f *Findings) sarif(one Finding, rule int) sarifResult {
	out := sarifResult{RuleID: string(one.Code), RuleIndex: rule, Level: sarifLevel(one.Level), Occurrences: one.Count,
		Message: sarifMessage{Text: one.text() + sentence(one.Fix)}, Properties: map[string]string{}}
	for i, p := range one.Lines {
		var l sarifLocation
		l.Physical.Artifact.URI = f.uri(p.File)
		if p.Line > 0 {
			l.Physical.Region = &sarifRegion{Line: p.Line}
		}
		if i > 0 {
			out.Related = append(out.Related, l)
			continue
		}
		if p.Line > 0 {
			l.Physical.Region.Column = one.Col
		}
		out.Locations = []sarifLocation{l}
	}
	for name, value := range map[string]string{"stage": one.Stage, "resource": one.Resource, "path": one.Path, "column": one.Column, "rule": one.Rule, "ruleName": one.RuleID} {
		if value != "" {
			out.Properties[name] = value
		}
	}
	if a := one.Acknowledged; a != nil {
		out.Suppressions = []sarifSuppression{{"external", "accepted", "until " + a.Until + ": " + a.Why}}
	}
	return out
}

// uri is a file as SARIF names it: relative to where the command ran, or whole.
func (f *Findings) uri(file string) string {
	name := f.path(file)
	if filepath.IsAbs(file) && strings.Contains(name, "/") && name == filepath.ToSlash(file) {
		if !strings.HasPrefix(name, "/") {
			name = "/" + name // a drive
		}
		return (&url.URL{Scheme: "file", Path: name}).String()
	}
	return (&url.URL{Path: name}).String()
}
