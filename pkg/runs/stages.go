package runs

import "slices"

// The names of the stages.
const (
	Transform = "transform"
	Validate  = "validate"
	Send      = "send"
)

// What a stage's equations are about.
const (
	Inputs    = "input"
	Resources = "resource"
)

// Stage describes a step of a run. A new stage is an entry of stages, its counts, and a package that
// does the work; manifest, report, page and screen follow from the entry. The files that it leaves in a
// run directory are added to those that run.go knows.
type Stage struct {
	Name  string
	About string        // what its equations are about: Inputs or Resources
	Done  string        // what a run is after it, for people
	Loads bool          // it changes the target: the run is kept as the record of that
	New   func() Counts // empty counts, to decode into
}

// stages are all stages, in the order in which a run goes through them.
var stages = []Stage{
	{Name: Transform, About: Inputs, Done: "transformed, not yet validated", New: func() Counts { return &TransformCounts{} }},
	{Name: Validate, About: Resources, Done: "validated, not yet sent", New: func() Counts { return &ValidateCounts{} }},
	{Name: Send, About: Resources, Done: "loaded", Loads: true, New: func() Counts { return &SendCounts{} }},
}

// Stages lists all stages in their order.
func Stages() []Stage { return slices.Clone(stages) }

// order is a stage's place among the stages.
func order(stage string) int {
	return slices.IndexFunc(stages, func(s Stage) bool { return s.Name == stage })
}

// Loads reports whether a stage changes the target.
func Loads(stage string) bool {
	i := order(stage)
	return i >= 0 && stages[i].Loads
}

// Outcome is how a stage, or a command, ended. The manifest holds it as its number, which is also the
// exit status of the command.
type Outcome int

// The outcomes.
const (
	Done        Outcome = 0   // everything is accounted for and accepted
	CouldNotRun Outcome = 1   // the target is unreachable, the disk full
	Misused     Outcome = 2   // usage, configuration or bundle problem
	Partly      Outcome = 3   // done, but some rows or records stayed behind
	Refused     Outcome = 4   // the target refused the credential
	Guarded     Outcome = 5   // a guard stopped it
	Interrupted Outcome = 130 // what was done is saved
)

// Finished reports whether the work was done, for all rows and records or for some.
func (o Outcome) Finished() bool { return o == Done || o == Partly }
