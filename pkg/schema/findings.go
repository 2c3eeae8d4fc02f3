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
func (s *run) warn(f *field, message string) {
	if !s.keyOnly {
		s.rec.Findings = append(s.rec.Findings,
			Finding{Code: diag.RecordPortable, Level: diag.LevelWarning, Path: f.path.pattern, Message: message})
	}
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
