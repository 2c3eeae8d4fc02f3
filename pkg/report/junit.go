package report

import (
	"encoding/xml"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// The parts of JUnit's XML that CI servers read.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string     `xml:"classname,attr"`
		Name    string     `xml:"name,attr"`
		Failure *junitText `xml:"failure,omitempty"`
		Error   *junitText `xml:"error,omitempty"`
		Skipped *junitText `xml:"skipped,omitempty"`
		Out     string     `xml:"system-out,omitempty"`
	}
	junitText struct {
		Type    string `xml:"type,attr,omitempty"`
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// JUnit is the findings as JUnit's XML: a suite for each resource, a case for each cause. What does not count against
// a record is a case that passes and says it in its output.
func (f *Findings) JUnit() ([]byte, error) {
	all := junitSuites{Name: f.Command}
	suites := f.Suites
	for _, s := range suites {
		all.add(f.junit(s))
	}
	if e := f.Stopped; e != nil {
		c := junitCase{Class: f.Command, Name: string(e.Code), Error: &junitText{string(e.Code), printable(e.Error()), printable(e.Advice())}}
		all.add(junitSuite{Name: f.Command, Tests: 1, Errors: 1, Cases: []junitCase{c}})
	}
	text, err := xml.MarshalIndent(all, "", "  ")
	return append([]byte(xml.Header), append(text, '\n')...), err
}

func (all *junitSuites) add(s junitSuite) {
	all.Tests, all.Failures, all.Errors = all.Tests+s.Tests, all.Failures+s.Failures, all.Errors+s.Errors
	all.Suites = append(all.Suites, s)
}

func (f *Findings) junit(s Suite) junitSuite {
	out := junitSuite{Name: printable(s.Name)}
	for _, one := range s.Found {
		out.Cases = append(out.Cases, f.junitCase(s.Name, one))
	}
	if s.Skipped != "" {
		out.Cases = append(out.Cases, junitCase{Name: s.Skipped, Skipped: &junitText{Message: s.Skipped}})
	}
	out.Cases = append(out.Cases, junitCase{Name: s.Passed})
	for i := range out.Cases {
		c := &out.Cases[i]
		c.Class = printable(s.Name)
		out.Tests++
		if c.Failure != nil {
			out.Failures++
		}
		if c.Skipped != nil {
			out.Skipped++
		}
	}
	return out
}

func (f *Findings) junitCase(suite string, one Finding) junitCase {
	text := strings.TrimPrefix(one.text(), suite+" ")
	c := junitCase{Name: printable(string(one.Code) + " " + text)}
	said := fmt.Sprintf("%s, %s: %s", one.Level.String(), diag.Counted(int(one.Count), "time", "times"), text)
	if where := f.where(one); where != "" {
		said += "\n" + where
	}
	if one.Fix != "" {
		said += "\n" + one.Fix
	}
	if a := one.Acknowledged; a != nil {
		said += "\nacknowledged until " + a.Until + ": " + a.Why
	}
	if f.fails(one) {
		c.Failure = &junitText{string(one.Code), printable(text), printable(said)}
		return c
	}
	c.Out = printable(said)
	return c
}

// printable is a text without what XML cannot hold.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || r < ' ' && r != '\n' && r != '\t' || r == 0xfffe || r == 0xffff {
			return '\ufffd'
		}
		return r
	}, s)
}
