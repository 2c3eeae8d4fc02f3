package schema

import (
	"bytes"
	"unicode/utf8"

	"github.com/sluice-edfi/sluice/pkg/jsonl"
)

// text reads a text for a field.
func (s *run) text(f *field) ([]byte, bool) {
	plain := len(s.in.Decoded)
	value, ok := s.in.Text()
	if len(s.in.Decoded) > plain {
		s.checkCharacters(f, value)
	}
	return value, ok
}

// checkCharacters finds fault with characters that targets refuse. A text of plain ones has none.
func (s *run) checkCharacters(f *field, value []byte) {
	if (f.trim || f.Descriptor != "") && bytes.ContainsAny(value, "\n\r\u2028\u2029\ufeff") {
		s.warn(f, "a key holds a line break or a byte order mark; some targets refuse or drop it")
	}
	for _, flaw := range s.in.Flaws {
		what := "holds a NUL character, which databases refuse"
		if flaw == jsonl.LoneSurrogate {
			what = "holds half a character (a lone surrogate)"
		}
		s.wrong(f, nil, "", "%s %s", f.Name, what)
	}
}

// checkText checks a text's blanks and length; false means that it is as good as missing.
func (s *run) checkText(f *field, value []byte) bool {
	if len(value) == 0 || mayBeBlank(value[0]) || mayBeBlank(value[len(value)-1]) {
		if !s.checkBlanks(f, value) {
			return false
		}
	}
	if f.Descriptor == "" && looksLikeMarkup(value) {
		s.refused(refuseMarkup, f, value, "Put a blank behind each < and between & and #.", "looks like HTML")
	}
	s.checkDescriptorPart(f, value)
	if f.MaxLength > 0 && len(value) > f.MaxLength { // no text has more UTF-16 units than bytes
		if n := jsonl.UTF16Length(value); n > f.MaxLength {
			s.wrong(f, value, "", "%s is %d characters long, at most %d are allowed", f.Name, n, f.MaxLength)
		}
	}
	if f.MinLength > 0 && len(value) < 3*f.MinLength { // no text has more than three bytes for each unit
		if n := jsonl.UTF16Length(value); n < f.MinLength {
			s.wrong(f, value, "", "%s is %d characters long, at least %d are needed", f.Name, n, f.MinLength)
		}
	}
	return true
}

// checkBlanks checks a text that is empty, or begins or ends with what may be a blank.
func (s *run) checkBlanks(f *field, value []byte) bool {
	trimmed := bytes.TrimSpace(value)
	switch {
	case len(value) == 0 && f.Descriptor != "" && !f.Required && f.part == none && f.MinLength == 0:
		s.warn(f, "the text is empty where the property could be left out; some targets refuse that")
		return false
	case len(trimmed) == 0 && (f.Required || f.trim || f.Descriptor != ""):
		s.wrong(f, value, "", "%s is blank", f.Name)
		return false
	case len(value) == 0 && f.MinLength == 0:
		s.warn(f, "the text is empty where the property could be left out; some targets refuse that")
	case len(trimmed) == len(value):
	case f.slot != none || f.part != none:
		s.refused(refuseBlanksInKeys, f, value, "Remove them; keys are compared character by character.", "has blanks at its beginning or end")
	default:
		s.warn(f, "the text begins or ends with a blank; some targets refuse or drop it")
	}
	return true
}

// looksLikeMarkup is the rule by which an ODS refuses what might be HTML.
func looksLikeMarkup(text []byte) bool {
	for i, c := range text[:max(0, len(text)-1)] {
		if c != '<' && c != '&' {
			continue
		}
		next := text[i+1]
		if c == '&' && next == '#' || c == '<' && (next == '!' || next == '/' || next == '?' || isLetter(next)) {
			return true
		}
	}
	return false
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// checkDescriptorPart checks what makes the value of a descriptor, in the descriptor's own record.
func (s *run) checkDescriptorPart(f *field, value []byte) {
	switch {
	case f.ofKind == descriptorCode && bytes.IndexByte(value, '#') >= 0:
		s.wrong(f, value, "", "%s holds #, which ends the namespace of a descriptor value", f.Name)
	case f.ofKind == descriptorNamespace && !isDescriptorNamespace(value):
		s.refused(refuseOddNamespaces, f, value, "Write it as uri://acme.org/"+s.rec.scratch.owner.resource.Descriptor+".",
			"is not the namespace of a descriptor: that is uri://, an organization, / and the descriptor's name")
	}
}

// isDescriptorNamespace takes further segments before the name: published bundles have them.
func isDescriptorNamespace(text []byte) bool {
	rest, found := bytes.CutPrefix(text, []byte("uri://"))
	if !found || bytes.IndexByte(rest, '/') < 0 || bytes.Contains(rest, []byte("//")) || rest[0] == '/' || rest[len(rest)-1] == '/' {
		return false
	}
	for _, c := range rest {
		if allowed := isLetter(c) || '0' <= c && c <= '9' || bytes.IndexByte([]byte("/$-_.+!*'(),"), c) >= 0; !allowed {
			return false
		}
	}
	return true
}

func mayBeBlank(c byte) bool { return c <= ' ' || c >= utf8.RuneSelf }
