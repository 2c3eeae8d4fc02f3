package transform

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/mapping"
)

// decisions is all decisions of staged records, in one order.
func (s *staging) decisions() []mapping.Decision {
	all := make([]mapping.Decision, 0, len(s.decided))
	for d := range s.decided {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b mapping.Decision) int {
		return cmp.Or(strings.Compare(a.Resource, b.Resource), strings.Compare(a.Path, b.Path), strings.Compare(a.Type, b.Type),
			strings.Compare(a.Value, b.Value), strings.Compare(a.Sent, b.Sent), strings.Compare(a.Rule.Rule(), b.Rule.Rule()), strings.Compare(a.Method, b.Method))
	})
	return all
}

// vendorDescriptors stages a descriptor for each of the vendor's codes that a staged record uses,
// sorted by code.
func (s *staging) vendorDescriptors() error {
	used := map[string]map[string]mapping.Decision{} // type → code
	for _, d := range s.decisions() {
		if d.Code == "" {
			continue
		}
		if used[d.Type] == nil {
			used[d.Type] = map[string]mapping.Decision{}
		}
		first, ok := used[d.Type][d.Code]
		if !ok {
			used[d.Type][d.Code] = d
			continue
		}
		if first.Value == d.Value {
			continue
		}
		if !s.described(d.Type, first.Value) { // the table says more than the value
			used[d.Type][d.Code] = d
		}
		if err := s.sameCode(first, d); err != nil {
			return err
		}
	}
	for _, typ := range slices.Sorted(maps.Keys(used)) {
		res, ok := s.program.Standard.DescriptorResource(typ)
		if !ok {
			continue // reported by Compile
		}
		o := s.output(res.Name)
		folded := map[string]string{}
		for _, code := range slices.Sorted(maps.Keys(used[typ])) {
			d := used[typ][code]
			low := strings.ToLower(code)
			if other, ok := folded[low]; ok {
				if err := s.problem(diag.Problem{Code: diag.DescriptorCase, Resource: res.Name, Value: code, Rule: d.Rule.Rule(),
					Message: fmt.Sprintf("the codes %q and %q differ only in case; targets take them for one", other, code)}); err != nil {
					return err
				}
			}
			folded[low] = code
			text := s.vendorDescriptor(typ, code, d.Value)
			o.counts.Staged++
			origin := s.program.Origin(d.Rule)
			if err := s.write(o, text, 1, []byte(origin+"\n")); err != nil {
				return err
			}
		}
	}
	return nil
}

// rowOf is the row of a value in the table of its type; -1 if there is none.
func rowOf(t *expression.Table, value string) int {
	if t == nil {
		return -1
	}
	return t.Find(expression.TextValue(value).AppendKey(nil), "")
}

// described reports whether the bundle has a row for a value of the vendor.
func (s *staging) described(typ, value string) bool {
	_, t := s.program.DescriptorTable(typ)
	return rowOf(t, value) >= 0
}

// vendorDescriptor is the descriptor that a vendor's value becomes.
func (s *staging) vendorDescriptor(typ, code, value string) []byte {
	namespace, t := s.program.DescriptorTable(typ)
	short, description := value, ""
	if len([]rune(short)) > 75 {
		short = code
	}
	if row := rowOf(t, value); row >= 0 {
		description = t.Cell(row, "description")
	}
	text := append([]byte(nil), `{"codeValue":`...)
	text = jsonl.AppendString(text, code)
	text = append(text, `,"namespace":`...)
	text = jsonl.AppendString(text, namespace)
	text = append(text, `,"shortDescription":`...)
	text = jsonl.AppendString(text, short)
	if description != "" {
		text = append(text, `,"description":`...)
		text = jsonl.AppendString(text, description)
	}
	return append(text, "}\n"...)
}

// sameCode notes, once, two values of the vendor that become one descriptor.
func (s *staging) sameCode(a, b mapping.Decision) error {
	one, other := min(a.Value, b.Value), max(a.Value, b.Value)
	key := [3]string{a.Type, one, other}
	if s.same[key] {
		return nil
	}
	s.same[key] = true
	return s.problem(diag.Problem{Code: diag.DescriptorSame, Value: b.Value, Rule: b.Rule.Rule(),
		Message: fmt.Sprintf("the values %q and %q become one code of %s, %q", one, other, a.Type, a.Code)})
}

// output finds or adds the output of a resource.
func (s *staging) output(name string) *output {
	for _, o := range s.outputs {
		if o.name == name {
			return o
		}
	}
	o := &output{name: name}
	s.outputs = append(s.outputs, o)
	return o
}

// performanceLevels is the descriptor type of the levels that students reach.
const performanceLevels = "PerformanceLevelDescriptor"

// undeclaredLevels lists the performance levels of students that no table declares: they are staged.
func (s *staging) undeclaredLevels() error {
	declared := map[string]bool{}
	if _, t := s.program.DescriptorTable(performanceLevels); t != nil {
		for i := range t.Rows {
			declared[t.Cell(i, "value")] = true
		}
	}
	all := s.decisions()
	for _, d := range all {
		if d.Type == performanceLevels && !strings.HasPrefix(d.Resource, "student") {
			declared[d.Value] = true
		}
	}
	type level struct{ method, path, value string }
	counts := map[level]int64{}
	var order []level
	for _, d := range all {
		if d.Type != performanceLevels || !strings.HasPrefix(d.Resource, "student") || declared[d.Value] {
			continue
		}
		l := level{method: d.Method, value: d.Value}
		if l.method == "" { // the record says which, but not to us
			l.path = d.Path
		}
		if counts[l] == 0 {
			order = append(order, l)
		}
		counts[l] += s.decided[d]
	}
	slices.SortFunc(order, func(a, b level) int {
		return cmp.Or(strings.Compare(a.method, b.method), strings.Compare(a.path, b.path), strings.Compare(a.value, b.value))
	})
	for _, l := range order {
		of := ""
		if l.method != "" {
			of = fmt.Sprintf(" of the reporting method %q", l.method)
		}
		if err := s.problem(diag.Problem{Code: diag.LevelUndeclared, Path: l.path, Value: l.value, Count: int(counts[l]),
			Message: fmt.Sprintf("the performance level %q%s is declared by no assessment of the bundle; it was staged", l.value, of)}); err != nil {
			return err
		}
	}
	return nil
}
