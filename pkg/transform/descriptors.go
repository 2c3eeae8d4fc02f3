package transform

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
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
	used := map[[2]string]mapping.Decision{} // by type and code
	for _, d := range s.decisions() {
		at := [2]string{d.Type, d.Code}
		first, ok := used[at]
		if d.Code == "" || ok && first.Value == d.Value {
			continue
		}
		if !ok || !s.described(d.Type, first.Value) { // the table says more than the value
			used[at] = d
		}
		if ok {
			if err := s.sameCode(first, d); err != nil {
				return err
			}
		}
	}
	folded := map[[2]string]string{}
	for _, at := range slices.SortedFunc(maps.Keys(used), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		typ, code, d := at[0], at[1], used[at]
		res, ok := s.program.Standard.DescriptorResource(typ)
		if !ok {
			continue // reported by Compile
		}
		low := [2]string{typ, strings.ToLower(code)}
		if other, ok := folded[low]; ok {
			if err := s.problem(diag.Problem{Code: diag.DescriptorCase, Resource: res.Name, Value: code, Personal: d.Personal || used[[2]string{typ, other}].Personal, Rule: d.Rule.Rule(),
				Message: fmt.Sprintf("the codes %q and %q differ only in case; targets take them for one", other, code)}); err != nil {
				return err
			}
		}
		folded[low] = code
		o := s.output(res.Name)
		o.counts.Staged++
		if err := s.write(o, s.vendorDescriptor(typ, code, d.Value), 1, []byte(s.program.Origin(d.Rule)+"\n")); err != nil {
			return err
		}
	}
	return nil
}

// described reports whether the bundle has a row for a value of the vendor.
func (s *staging) described(typ, value string) bool {
	_, t := s.program.DescriptorTable(typ)
	return t.FindText(value) >= 0
}

// vendorDescriptor is the descriptor that a vendor's value becomes.
func (s *staging) vendorDescriptor(typ, code, value string) []byte {
	namespace, t := s.program.DescriptorTable(typ)
	short := value
	if len([]rune(short)) > 75 {
		short = code
	}
	fields := []string{"codeValue", code, "namespace", namespace, "shortDescription", short}
	if row := t.FindText(value); row >= 0 && t.Cell(row, "description") != "" {
		fields = append(fields, "description", t.Cell(row, "description"))
	}
	text := []byte{'{'}
	for i, f := range fields {
		text = append(jsonl.AppendString(text, f), ":,"[i%2])
	}
	text[len(text)-1] = '}'
	return append(text, '\n')
}

// sameCode notes, once, two values of the vendor that become one descriptor.
func (s *staging) sameCode(a, b mapping.Decision) error {
	one, other := min(a.Value, b.Value), max(a.Value, b.Value)
	key := [3]string{a.Type, one, other}
	if s.same[key] {
		return nil
	}
	s.same[key] = true
	return s.problem(diag.Problem{Code: diag.DescriptorSame, Value: b.Value, Personal: a.Personal || b.Personal, Rule: b.Rule.Rule(),
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
	type level struct {
		method, path, value string
		personal            bool
	}
	counts := map[level]int64{}
	for _, d := range all {
		if d.Type != performanceLevels || !strings.HasPrefix(d.Resource, "student") || declared[d.Value] {
			continue
		}
		l := level{method: d.Method, value: d.Value, personal: d.Personal}
		if l.method == "" { // the record says which, but not to us
			l.path = d.Path
		}
		counts[l] += s.decided[d]
	}
	order := slices.SortedFunc(maps.Keys(counts), func(a, b level) int {
		return cmp.Or(strings.Compare(a.method, b.method), strings.Compare(a.path, b.path), strings.Compare(a.value, b.value))
	})
	for _, l := range order {
		of := ""
		if l.method != "" {
			of = fmt.Sprintf(" of the reporting method %q", l.method)
		}
		if err := s.problem(diag.Problem{Code: diag.LevelUndeclared, Path: l.path, Value: l.value, Personal: l.personal, Count: int(counts[l]),
			Message: fmt.Sprintf("no assessment of the bundle declares the performance level %q%s; it was staged", l.value, of)}); err != nil {
			return err
		}
	}
	return nil
}
