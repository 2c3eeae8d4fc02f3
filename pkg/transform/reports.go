package transform

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/mapping"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// unmappedValue is a vendor's value that a table does not know.
type unmappedValue struct {
	*expression.Miss
	count int64
	first string // origin
}

// maxUnmapped bounds the different values kept; beyond it something else is wrong.
const maxUnmapped = 100_000

func (s *staging) missed(m mapping.Missed) {
	key := m.Table.Name + "\x00" + strings.Join(m.Keys, "\x00")
	u := s.unmapped[key]
	if u == nil {
		if len(s.unmapped) >= maxUnmapped {
			s.unkept++
			return
		}
		u = &unmappedValue{Miss: m.Miss, first: string(s.at.Origin(nil, m.Line))}
		s.unmapped[key] = u
	}
	u.count++
}

// writeUnmapped writes unmapped.csv: what no table knows, most frequent first, with the row to paste.
func (s *staging) writeUnmapped() error {
	if s.unkept > 0 {
		if err := s.problems.add(diag.Problem{Code: diag.Unmapped, Level: diag.LevelWarning, Count: int(s.unkept),
			Message: fmt.Sprintf("unmapped.csv holds the first %d values that no table knows; %d more misses were of other values", maxUnmapped, s.unkept)}); err != nil {
			return err
		}
	}
	var all []*unmappedValue
	for _, u := range s.unmapped {
		all = append(all, u)
	}
	slices.SortFunc(all, func(a, b *unmappedValue) int {
		return cmp.Or(strings.Compare(a.Table.Name, b.Table.Name), -cmp.Compare(a.count, b.count), slices.Compare(a.Keys, b.Keys))
	})
	return s.csv("unmapped.csv", []string{"lookup", "value", "count", "firstLine", "nearest", "file", "header", "row"}, func(row func(...string) error) error {
		for _, u := range all {
			shown, missing := strings.Join(u.Keys, expression.KeySeparator), s.program.Missing(u.Miss)
			if err := row(u.Table.Name, shown, strconv.FormatInt(u.count, 10), u.first,
				strings.Join(missing.Nearest, "; "), missing.File, missing.Header, missing.Row); err != nil {
				return err
			}
		}
		return nil
	})
}

// writeMappings writes mappings.csv: every descriptor decision once, with a count.
func (s *staging) writeMappings() error {
	version := s.program.Bundle.Name + "@" + s.program.Bundle.Version
	counts := map[mapping.Decision]int64{}
	var all []mapping.Decision
	for _, d := range s.decisions() {
		n := s.decided[d]
		d.Method = ""
		if _, ok := counts[d]; !ok {
			all = append(all, d)
		}
		counts[d] += n
	}
	return s.csv("mappings.csv", []string{"resource", "path", "descriptorType", "vendorValue", "sent", "count", "rule", "version"}, func(row func(...string) error) error {
		for _, d := range all {
			if err := row(d.Resource, d.Path, d.Type, d.Value, d.Sent, strconv.FormatInt(counts[d], 10), d.Rule.Rule(), version); err != nil {
				return err
			}
		}
		return nil
	})
}

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

func (s *staging) csv(name string, header []string, rows func(row func(...string) error) error) error {
	if s.run == nil {
		return nil
	}
	t, err := runs.NewTextTable(s.run.File(name), header...)
	if err != nil {
		return unwritable(err)
	}
	if err := rows(func(cells ...string) error { return t.Row(cells...) }); err != nil {
		_ = t.Close()
		return unwritable(err)
	}
	return unwritable(t.Commit())
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
		if !s.program.DescribesValue(d.Type, first.Value) { // the table says more than the value
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
				if err := s.problems.add(diag.Problem{Code: diag.DescriptorCase, Resource: res.Name, Value: code, Rule: d.Rule.Rule(),
					Message: fmt.Sprintf("the codes %q and %q differ only in case; targets take them for one", other, code)}); err != nil {
					return err
				}
			}
			folded[low] = code
			text := s.program.VendorDescriptor(typ, code, d.Value)
			o.counts.Staged++
			origin := s.program.Origin(d.Rule)
			if err := s.write(o, text, 1, []byte(origin+"\n")); err != nil {
				return err
			}
		}
	}
	return nil
}

// sameCode notes, once, two values of the vendor that become one descriptor.
func (s *staging) sameCode(a, b mapping.Decision) error {
	one, other := min(a.Value, b.Value), max(a.Value, b.Value)
	key := [3]string{a.Type, one, other}
	if s.same[key] {
		return nil
	}
	s.same[key] = true
	return s.problems.add(diag.Problem{Code: diag.DescriptorSame, Value: b.Value, Rule: b.Rule.Rule(),
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

// undeclaredLevels lists the performance levels of students that no table declares: they are staged.
func (s *staging) undeclaredLevels() error {
	declared := map[string]bool{}
	for _, value := range s.program.DeclaredLevels() {
		declared[value] = true
	}
	all := s.decisions()
	for _, d := range all {
		if d.Type == mapping.PerformanceLevels && !strings.HasPrefix(d.Resource, "student") {
			declared[d.Value] = true
		}
	}
	type level struct{ method, path, value string }
	counts := map[level]int64{}
	var order []level
	for _, d := range all {
		if d.Type != mapping.PerformanceLevels || !strings.HasPrefix(d.Resource, "student") || declared[d.Value] {
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
		if err := s.problems.add(diag.Problem{Code: diag.LevelUndeclared, Path: l.path, Value: l.value, Count: int(counts[l]),
			Message: fmt.Sprintf("the performance level %q%s is declared by no assessment of the bundle; it was staged", l.value, of)}); err != nil {
			return err
		}
	}
	return nil
}

// rejectPath is where the rejected rows of a file go.
func rejectPath(run *runs.Run, at mapping.Place) string {
	if run == nil {
		return ""
	}
	return run.RejectFile(at.Input, at.Number)
}
