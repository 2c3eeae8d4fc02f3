package diag

import "cmp"

// Acknowledgement is a person's word that warnings of a kind are known and may pass until a day. It never
// covers an error.
type Acknowledgement struct {
	Accepted
	Code                   Code
	Bundle, Resource, Rule string // empty: any; Rule is the id of a rule
	Pos                    Pos
}

// Accepted is what a problem says that somebody has acknowledged.
type Accepted struct {
	Until string `json:"until"` // the last day on which it holds, as 2027-06-30
	Why   string `json:"why"`
}

// Covers reports whether the acknowledgement is about the problem, whatever the day is.
func (a *Acknowledgement) Covers(p *Problem) bool {
	same := func(want, has string) bool { return want == "" || want == has }
	return p.Level == LevelWarning && p.Code == a.Code && same(a.Resource, p.Resource) && same(a.Rule, p.RuleID)
}

// Expired reports whether the acknowledgement does not hold any more on a day, as 2027-06-30.
func (a *Acknowledgement) Expired(today string) bool { return cmp.Compare(today, a.Until) > 0 }
