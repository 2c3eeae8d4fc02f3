package rules

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
)

// Counts are what a run counted, by the names that rules use: staged.studentAssessments, read.results.
type Counts map[string]int64

// NewSums are totals to which nothing was added.
func (s *Set) NewSums() Sums { return make(Sums, len(s.totals)) }

// Totals are all numbers of a run by their names, for the manifest: what the next run is compared with.
func (s *Set) Totals(sums Sums, counts Counts) map[string]string {
	all := map[string]string{}
	for name, n := range counts {
		all[name] = fmt.Sprint(n)
	}
	for _, t := range s.totals {
		n := sums[t.number]
		if n == nil {
			n = new(big.Rat)
		}
		all[t.whose+":"+t.id] = decimal(n)
	}
	return all
}

// decimal is a number as people and expressions write it.
func decimal(n *big.Rat) string {
	if n.IsInt() {
		return n.Num().String()
	}
	return expression.PlainDecimal(n.FloatString(9))
}

// Judge evaluates the rules on totals. last are the totals of the run to compare with; nil: there is none.
func (s *Set) Judge(totals, last map[string]string) (found diag.List) {
	f := expression.NewFrame(len(s.slots))
	f.Row = 1
	for name, slot := range s.slots {
		text, ok := totals[name]
		if base, earlier := strings.CutPrefix(name, "last."); earlier {
			text, ok = last[base]
			if !ok && last != nil && strings.HasPrefix(base, "staged.") { // nothing of it was staged
				text, ok = "0", true
			}
		} else if !ok {
			text, ok = "0", true
		}
		if !ok {
			continue
		}
		v, fine := expression.ParseValue(text, expression.KindInteger)
		if !fine {
			v, _ = expression.ParseValue(text, expression.KindDecimal)
		}
		f.Slots[slot].Value = v
	}
	for _, r := range s.run {
		found = append(found, r.judge(f)...)
	}
	return found
}

// judge evaluates a rule on totals.
func (r *rule) judge(f *expression.Frame) diag.List {
	if r.texts["compare"] == nil {
		v, fault := r.must.Eval(f)
		switch {
		case fault != nil:
			return r.open(fault)
		case v.IsTrue():
			return nil
		}
		return diag.List{r.problem("")}
	}
	a, fault := r.compare.Eval(f)
	if fault != nil {
		return r.open(fault)
	}
	b, fault := r.with.Eval(f)
	if fault != nil {
		return r.open(fault)
	}
	if a.IsNull() || b.IsNull() {
		return r.open(&expression.Fault{Code: diag.ExpressionNull})
	}
	x, _ := new(big.Rat).SetString(a.Text())
	y, _ := new(big.Rat).SetString(b.Text())
	bound := new(big.Rat).SetFloat64(r.share)
	bound.Mul(bound, new(big.Rat).Abs(y))
	if new(big.Rat).Abs(new(big.Rat).Sub(x, y)).Cmp(bound) <= 0 {
		return nil
	}
	p := r.problem("")
	p.Message += fmt.Sprintf(" (%s and %s, more than %s apart)", a.Text(), b.Text(), r.text("tolerance"))
	return diag.List{p}
}

// open says that a rule was not applied: what it compares with is not there.
func (r *rule) open(f *expression.Fault) diag.List {
	p := r.problem(unapplied(f))
	if f.Code == diag.ExpressionNull { // no run was loaded yet
		p.Level = diag.LevelInfo
		p.Message = "rule " + r.name() + " was not applied: there is nothing yet to compare with"
	}
	return diag.List{p}
}
