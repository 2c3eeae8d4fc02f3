package expression

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// Symbol is a name that expressions may use, with what it stands for where it is used.
type Symbol struct {
	Name   string
	What   string // "column", "field", "let", "parameter": for messages
	Pos    diag.Pos
	Code   Code
	Header string // of a column, for messages
}

// Scope is the names visible in one place. Names never shadow: a child may add only what no outer
// scope has.
type Scope struct {
	NotNull []string // names that a condition around this place has found not to be null

	outer *Scope
	names map[string]*Symbol
}

// NewScope makes a scope in another one, or one of its own if outer is nil.
func NewScope(outer *Scope) *Scope {
	return &Scope{outer: outer, names: map[string]*Symbol{}}
}

// Find looks a name up, from the inside out.
func (s *Scope) Find(name string) (*Symbol, bool) {
	for ; s != nil; s = s.outer {
		if sym, ok := s.names[name]; ok {
			return sym, true
		}
	}
	return nil, false
}

// begins reports whether a name with dots in it begins so: the parts of records have such names.
func (s *Scope) begins(before string) bool {
	for ; s != nil; s = s.outer {
		for name := range s.names {
			if strings.HasPrefix(name, before) {
				return true
			}
		}
	}
	return false
}

// isNotNull reports whether a condition around this place has found that a name is not null.
func (s *Scope) isNotNull(name string) bool {
	for ; s != nil; s = s.outer {
		if slices.Contains(s.NotNull, name) {
			return true
		}
	}
	return false
}

// Known is every name visible here, sorted.
func (s *Scope) Known() []string {
	all := map[string]bool{}
	for ; s != nil; s = s.outer {
		for n := range s.names {
			all[n] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// Own is the names of this very scope, sorted.
func (s *Scope) Own() []*Symbol {
	var all []*Symbol
	for _, n := range slices.Sorted(maps.Keys(s.names)) {
		all = append(all, s.names[n])
	}
	return all
}

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// IsName reports whether a text has the form of a name.
func IsName(s string) bool { return nameForm.MatchString(s) }

// exprWords cannot be names: expr reads them itself, or the format gives them a meaning.
var exprWords = map[string]bool{"in": true, "not": true, "and": true, "or": true, "let": true, "if": true, "else": true,
	"matches": true, "contains": true, "true": true, "false": true, "nil": true, "null": true,
	"startsWith": true, "endsWith": true, "params": true, "ds": true, "scores": true, "levels": true, "objectives": true}

// IsWord reports whether a name is a word of the language.
func IsWord(name string) bool { return exprWords[name] }

// Declare adds a name to a scope; the problem is what stands in its way.
func (s *Scope) Declare(sym *Symbol) *diag.Problem {
	switch {
	case !IsName(sym.Name):
		return nameProblem(sym, "Use small letters, digits and _, a letter first.", "%q cannot be the name of a %s", sym.Name, sym.What)
	case IsWord(sym.Name) || IsFunction(sym.Name) || sym.Name == "lookup" || sym.Name == "lookup_or_null":
		return nameProblem(sym, "Choose another name.", "%q cannot be the name of a %s: it is a word of the language", sym.Name, sym.What)
	}
	return s.Put(sym)
}

// Put adds a name without looking at its form: for the names that the format gives.
func (s *Scope) Put(sym *Symbol) *diag.Problem {
	if old, ok := s.Find(sym.Name); ok {
		at := ""
		if old.Pos.File != "" {
			at = " (" + old.Pos.String() + ")"
		}
		return nameProblem(sym, "Give one of them another name; no name may shadow another.", "the %s %q is already the name of a %s here%s", sym.What, sym.Name, old.What, at)
	}
	s.names[sym.Name] = sym
	return nil
}

func nameProblem(sym *Symbol, fix, format string, args ...any) *diag.Problem {
	p := diag.At(sym.Pos, diag.BundleName, fix, format, args...)
	return &p
}
