package transform

import (
	"github.com/sluice-edfi/sluice/pkg/adopted"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/mapping"
)

// renaming gives events the identifiers that the target already has for them. Where one of these is another staged
// event's own, both have one natural key, and are rejected as any two records that do.
type renaming struct {
	known
	table *adopted.Table
}

// decided joins what the passes before found out with the tenant's adopted identifiers.
func (r *runner) decided(k known) mapping.Decided {
	if r.adopted == nil {
		return k
	}
	return renaming{k, r.adopted}
}

const identifier = "studentAssessmentIdentifier"

// Rename gives the identifier of a result, or of a record that refers to one by its whole key.
func (n renaming) Rename(resource string, names []string, key func(part int) string) (part int, text string, as mapping.Decision, ok bool) {
	var student, assessment, namespace, own string
	for i, name := range names {
		switch name {
		case "studentUniqueId":
			student = key(i)
		case "assessmentIdentifier":
			assessment = key(i)
		case "namespace":
			namespace = key(i)
		case identifier:
			part, own = i, key(i)
		}
	}
	if own == "" || student == "" {
		return 0, "", as, false
	}
	text, ok = n.table.Find(student, assessment, namespace, own)
	return part, text, mapping.Decision{Resource: resource, Path: "$." + identifier, Value: assessment, Rule: diag.Pos{File: adopted.File, Line: 1}}, ok
}

// renamed is how many records have an adopted identifier.
func (s *staging) renamed() (n int64) {
	for d, count := range s.decided {
		if d.Rule.File == adopted.File {
			n += count
		}
	}
	return n
}
