package report

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// masked is the problem's message without what may be a student's data. The values of a lookup are
// the vendor's words, and the reader needs them.
func masked(p diag.Problem) string {
	if p.Code == diag.Unmapped {
		return p.Message
	}
	message := p.Message
	if p.Value != "" {
		message = hidden(message, p.Value)
	}
	for part := range strings.SplitSeq(p.Key, ", ") {
		if name, value, ok := strings.Cut(part, "="); ok && value != "" && (name == "studentUniqueId" || name == "studentAssessmentIdentifier") {
			message = hidden(message, value)
		}
	}
	switch p.Code {
	case diag.ExpressionFails, diag.DescriptorCase, diag.DescriptorSame: // what they name may be made of a student's data, and then equal no value
		message = operands.ReplaceAllString(message, "…")
	case diag.RowQuote, diag.RowShort, diag.RowLong: // which speak of one row's lines and cells
		e, _ := diag.Explain(p.Code)
		message = e.Meaning
	}
	if !strings.HasPrefix(string(p.Code), "VAL-FILE-") {
		message = anotherLine.ReplaceAllString(message, "another line")
	}
	return message
}

// anotherLine is a line that the problem of one row names; others of the same cause name others.
var anotherLine = regexp.MustCompile(`\b(staged )?line \d+`)

// operands are the values in the message of a failed expression.
var operands = regexp.MustCompile(`"(?:\\.|[^"\\])*"|\d+`)

// hidden replaces a value where it stands by itself, not where it is a part of another word.
func hidden(message, value string) string {
	word := func(c byte) bool {
		return c >= utf8.RuneSelf || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
	}
	var b strings.Builder
	for from := 0; ; {
		i := strings.Index(message[from:], value)
		if i < 0 {
			b.WriteString(message[from:])
			return b.String()
		}
		start := from + i
		end := start + len(value)
		inside := start > 0 && word(message[start-1]) && word(value[0]) || end < len(message) && word(message[end]) && word(value[len(value)-1])
		b.WriteString(message[from:start])
		if inside {
			b.WriteString(value)
		} else {
			b.WriteString("…")
		}
		from = end
	}
}
