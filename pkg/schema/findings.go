package schema

import (
	"fmt"
	"unicode/utf8"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

func (s *run) place(at *pathTemplate) Place { return Place{path: at, items: s.at} }

// wrong finds that a field's value breaks the schema.
func (s *run) wrong(f *field, value []byte, fix, format string, args ...any) {
	s.find(diag.RecordSchema, s.place(f.path), value, fix, format, args...)
}

func (s *run) find(code diag.Code, at Place, value []byte, fix, format string, args ...any) {
	if s.keyOnly {
		return
	}
	s.rec.Findings = append(s.rec.Findings, Finding{Code: code, Level: diag.LevelOf(code), Path: at.String(),
		Value: shorten(value), Message: fmt.Sprintf(format, args...), Fix: fix})
}

// warn finds that some targets do not take a value. It may be so in every record: that costs no allocation.
func (s *run) warn(f *field, message string) { s.warnAt(f.path, message) }

func (s *run) warnAt(at *pathTemplate, message string) {
	if !s.keyOnly {
		s.rec.Findings = append(s.rec.Findings,
			Finding{Code: diag.RecordPortable, Level: diag.LevelWarning, Path: at.pattern, Message: message})
	}
}

// allRefuse reports whether all generations that may judge the record are among those given.
func (s *run) allRefuse(by Generations) bool { return s.rec.scratch.owner.generations&^by == 0 }

// refused finds that generations of the API refuse a value that the schema allows: it is wrong if all that may
// judge the record do, else worth a warning. What is a predicate.
func (s *run) refused(by Generations, f *field, value []byte, fix, what string) {
	if s.allRefuse(by) {
		s.wrong(f, value, fix, "%s %s", f.Name, what)
		return
	}
	s.warn(f, "the value "+what+"; some targets refuse that")
}

// shownLength bounds the values in findings, in bytes.
const shownLength = 120

// shorten keeps a value readable in a list of problems.
func shorten(value []byte) string {
	if len(value) <= shownLength {
		return string(value)
	}
	end := shownLength
	for end > 0 && !utf8.RuneStart(value[end]) {
		end--
	}
	return string(value[:end]) + "…"
}
