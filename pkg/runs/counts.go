package runs

import (
	"maps"
	"slices"
)

// Counts is what a stage counted.
type Counts interface {
	// Equations says, for each input or resource by its name, where everything went.
	Equations() []Equation
	// Staged is how many staged records of each resource the stage knows of.
	Staged() map[string]int64
	// Partly reports whether something stayed behind: rejected, invalid, unchecked or blocked.
	Partly() bool
}

// Equation says where everything on its left went.
type Equation struct {
	Of    string // an input or a resource
	Left  Term
	Right []Term
}

// Term is a count with its name.
type Term struct {
	Name  string
	Count int64
}

// Holds reports whether everything is accounted for.
func (e Equation) Holds() bool {
	sum := int64(0)
	for _, t := range e.Right {
		sum += t.Count
	}
	return sum == e.Left.Count
}

// balanced is a count that knows its equation.
type balanced interface{ Equation(of string) Equation }

// equations are those of all inputs or resources, sorted by name.
func equations[C balanced](counts map[string]C) []Equation {
	all := make([]Equation, 0, len(counts))
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		all = append(all, counts[name].Equation(name))
	}
	return all
}

// each takes one number of each input or resource.
func each[C any](counts map[string]C, number func(C) int64) map[string]int64 {
	all := make(map[string]int64, len(counts))
	for name, c := range counts {
		all[name] = number(c)
	}
	return all
}

// some reports whether any input or resource is like that.
func some[C any](counts map[string]C, is func(C) bool) bool {
	return slices.ContainsFunc(slices.Collect(maps.Values(counts)), is)
}

// InputCounts is transform's count of the rows of one input.
type InputCounts struct {
	Read      int64 `json:"read"`
	Used      int64 `json:"used"`
	Filtered  int64 `json:"filtered"`
	Duplicate int64 `json:"duplicate"`
	Other     int64 `json:"other"`
	Unmatched int64 `json:"unmatched"`
	Rejected  int64 `json:"rejected"`
}

// Equation says where the rows went.
func (c InputCounts) Equation(of string) Equation {
	return Equation{of, Term{"read", c.Read}, []Term{{"used", c.Used}, {"filtered", c.Filtered}, {"duplicate", c.Duplicate},
		{"other", c.Other}, {"unmatched", c.Unmatched}, {"rejected", c.Rejected}}}
}

// StagedCounts is what transform wrote for one resource.
type StagedCounts struct {
	Staged    int64 `json:"staged"`
	Duplicate int64 `json:"duplicate"` // records that equalled an earlier one and were not staged again
	Rejected  int64 `json:"rejected"`  // records that were not staged
}

// TransformCounts is the counts of transform.
type TransformCounts struct {
	Inputs    map[string]InputCounts  `json:"inputs"`
	Resources map[string]StagedCounts `json:"resources"`
}

// Equations are those of the inputs.
func (c *TransformCounts) Equations() []Equation { return equations(c.Inputs) }

// Staged is what was staged of each resource.
func (c *TransformCounts) Staged() map[string]int64 {
	return each(c.Resources, func(r StagedCounts) int64 { return r.Staged })
}

// Partly reports whether a row or a record was rejected.
func (c *TransformCounts) Partly() bool {
	return some(c.Inputs, func(in InputCounts) bool { return in.Rejected > 0 }) ||
		some(c.Resources, func(r StagedCounts) bool { return r.Rejected > 0 })
}

// Verdicts is validate's count of the records of one resource.
type Verdicts struct {
	Staged    int64 `json:"staged"`
	Valid     int64 `json:"valid"` // Valid, Marked and Duplicate lines
	Invalid   int64 `json:"invalid"`
	Unchecked int64 `json:"unchecked"`
	Marked    int64 `json:"marked"`    // of the valid: depend on one that is not
	Duplicate int64 `json:"duplicate"` // of the valid: equal to an earlier line
}

// Equation says how the records were judged.
func (v Verdicts) Equation(of string) Equation {
	return Equation{of, Term{"staged", v.Staged}, []Term{{"valid", v.Valid}, {"invalid", v.Invalid}, {"unchecked", v.Unchecked}}}
}

// ValidateCounts is the counts of validate.
type ValidateCounts struct {
	Online bool `json:"online"`
	// OpenForTarget: asked offline, some records were left unchecked, all of them only because the
	// target alone can answer. That is not the records' fault.
	OpenForTarget bool                `json:"openForTarget,omitempty"`
	Resources     map[string]Verdicts `json:"resources"`

	SameEvents SameEventCounts `json:"sameEvents,omitzero"` // results that the target seems to hold under other identifiers
}

// Equations are those of the resources.
func (c *ValidateCounts) Equations() []Equation { return equations(c.Resources) }

// Staged is what was judged of each resource.
func (c *ValidateCounts) Staged() map[string]int64 {
	return each(c.Resources, func(v Verdicts) int64 { return v.Staged })
}

// Partly reports whether a record is invalid, depends on one that is, or could not be checked. What
// only the target could answer does not count where it was not asked.
func (c *ValidateCounts) Partly() bool {
	return some(c.Resources, func(v Verdicts) bool { return v.Invalid+v.Marked > 0 || v.Unchecked > 0 && !c.OpenForTarget })
}

// Loaded is send's count of the records of one resource.
type Loaded struct {
	Staged    int64 `json:"staged"`
	Created   int64 `json:"created"`
	Updated   int64 `json:"updated"`
	Unchanged int64 `json:"unchanged"`
	Duplicate int64 `json:"duplicate"`
	Invalid   int64 `json:"invalid"`
	Blocked   int64 `json:"blocked"`
	Rejected  int64 `json:"rejected"`
	Pending   int64 `json:"pending"`
}

// Equation says what became of the records.
func (l Loaded) Equation(of string) Equation {
	return Equation{of, Term{"staged", l.Staged}, []Term{{"created", l.Created}, {"updated", l.Updated}, {"unchanged", l.Unchanged},
		{"duplicate", l.Duplicate}, {"invalid", l.Invalid}, {"blocked", l.Blocked}, {"rejected", l.Rejected}, {"pending", l.Pending}}}
}

// SendCounts is the counts of send.
type SendCounts struct {
	DryRun     bool                        `json:"dryRun,omitempty"`
	Resources  map[string]Loaded           `json:"resources"`
	Categories map[string]map[string]int64 `json:"categories,omitempty"` // of what did not load, by resource
}

// Equations are those of the resources.
func (c *SendCounts) Equations() []Equation { return equations(c.Resources) }

// Staged is what was to be loaded of each resource.
func (c *SendCounts) Staged() map[string]int64 {
	return each(c.Resources, func(l Loaded) int64 { return l.Staged })
}

// Loaded reports whether the target holds a record of the run.
func (c *SendCounts) Loaded() bool {
	return some(c.Resources, func(l Loaded) bool { return l.Created+l.Updated+l.Unchanged > 0 })
}

// Partly reports whether a record did not load.
func (c *SendCounts) Partly() bool {
	return some(c.Resources, func(l Loaded) bool { return l.Invalid+l.Blocked+l.Rejected+l.Pending > 0 })
}
