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
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// unmappedValue is a vendor's value that a table does not know.
type unmappedValue struct {
	*expression.Miss
	count int64
	first string // origin
}

// maxUnmapped bounds the different values kept; beyond it something else is wrong.
const maxUnmapped = 100_000

func (s *staging) missed(m missed) {
	key := m.Table.Name + "\x00" + strings.Join(m.Keys, "\x00")
	u := s.unmapped[key]
	if u == nil {
		if len(s.unmapped) >= maxUnmapped {
			s.unkept++
			return
		}
		u = &unmappedValue{Miss: m.Miss, first: string(s.at.origin(nil, m.line))}
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
			t, shown := s.program.compiler.tables[u.Table.Name], strings.Join(u.Keys, expression.KeySeparator)
			if err := row(u.Table.Name, shown, strconv.FormatInt(u.count, 10), u.first,
				strings.Join(diag.Nearest(shown, t.known(), 3), "; "), t.Place, table.Line(t.Header, ""), t.rowToPaste(u.Keys)); err != nil {
				return err
			}
		}
		return nil
	})
}

// writeMappings writes mappings.csv: every descriptor decision once, with a count.
func (s *staging) writeMappings() error {
	version := s.program.Bundle.Name + "@" + s.program.Bundle.Version
	counts := map[decision]int64{}
	var all []decision
	for _, d := range s.decisions() {
		n := s.decided[d]
		d.method = ""
		if _, ok := counts[d]; !ok {
			all = append(all, d)
		}
		counts[d] += n
	}
	return s.csv("mappings.csv", []string{"resource", "path", "descriptorType", "vendorValue", "sent", "count", "rule", "version"}, func(row func(...string) error) error {
		for _, d := range all {
			if err := row(d.resource, d.path, d.typ, d.value, d.sent, strconv.FormatInt(counts[d], 10), d.rule, version); err != nil {
				return err
			}
		}
		return nil
	})
}

// decisions is all decisions of staged records, in one order.
func (s *staging) decisions() []decision {
	all := make([]decision, 0, len(s.decided))
	for d := range s.decided {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b decision) int {
		return cmp.Or(strings.Compare(a.resource, b.resource), strings.Compare(a.path, b.path), strings.Compare(a.typ, b.typ),
			strings.Compare(a.value, b.value), strings.Compare(a.sent, b.sent), strings.Compare(a.rule, b.rule), strings.Compare(a.method, b.method))
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
	used := map[string]map[string]decision{} // type → code
	for _, d := range s.decisions() {
		if d.code == "" {
			continue
		}
		if used[d.typ] == nil {
			used[d.typ] = map[string]decision{}
		}
		first, ok := used[d.typ][d.code]
		if !ok {
			used[d.typ][d.code] = d
			continue
		}
		if first.value == d.value {
			continue
		}
		if s.program.compiler.rules[d.typ].row(first.value) < 0 { // the table says more than the value
			used[d.typ][d.code] = d
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
		rule := s.program.compiler.rules[typ]
		folded := map[string]string{}
		for _, code := range slices.Sorted(maps.Keys(used[typ])) {
			d := used[typ][code]
			low := strings.ToLower(code)
			if other, ok := folded[low]; ok {
				if err := s.problems.add(diag.Problem{Code: diag.DescriptorCase, Resource: res.Name, Value: code, Rule: d.rule,
					Message: fmt.Sprintf("the codes %q and %q differ only in case; targets take them for one", other, code)}); err != nil {
					return err
				}
			}
			folded[low] = code
			text := rule.record(code, d.value)
			o.counts.Staged++
			origin := ruleOf(relativeRule(d.rule, s.program.Bundle.Path))
			if err := s.write(o, text, 1, []byte(origin+"\n")); err != nil {
				return err
			}
		}
	}
	return nil
}

// sameCode notes, once, two values of the vendor that become one descriptor.
func (s *staging) sameCode(a, b decision) error {
	one, other := min(a.value, b.value), max(a.value, b.value)
	key := [3]string{a.typ, one, other}
	if s.same[key] {
		return nil
	}
	s.same[key] = true
	return s.problems.add(diag.Problem{Code: diag.DescriptorSame, Value: b.value, Rule: b.rule,
		Message: fmt.Sprintf("the values %q and %q become one code of %s, %q", one, other, a.typ, a.code)})
}

// relativeRule reads a rule's file:line back, without the bundle's folder.
func relativeRule(rule, folder string) diag.Pos {
	i := strings.LastIndexByte(rule, ':')
	if i < 0 {
		return diag.Pos{File: rule}
	}
	line, _ := strconv.Atoi(rule[i+1:])
	return relative(diag.Pos{File: rule[:i], Line: line}, folder)
}

// record is the descriptor that a vendor's code becomes.
func (d *descriptorRule) record(code, value string) []byte {
	short, description := value, ""
	if len([]rune(short)) > 75 {
		short = code
	}
	if row := d.row(value); row >= 0 {
		description = d.table.cell(row, "description")
	}
	text := append([]byte(nil), `{"codeValue":`...)
	text = jsonl.AppendString(text, code)
	text = append(text, `,"namespace":`...)
	text = jsonl.AppendString(text, strings.TrimSuffix(d.vendor, "#"))
	text = append(text, `,"shortDescription":`...)
	text = jsonl.AppendString(text, short)
	if description != "" {
		text = append(text, `,"description":`...)
		text = jsonl.AppendString(text, description)
	}
	return append(text, "}\n"...)
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
	const typ = "PerformanceLevelDescriptor"
	if rule := s.program.compiler.rules[typ]; rule != nil && rule.table != nil {
		for i := range rule.table.rows {
			declared[rule.table.cell(i, "value")] = true
		}
	}
	all := s.decisions()
	for _, d := range all {
		if d.typ == typ && !strings.HasPrefix(d.resource, "student") {
			declared[d.value] = true
		}
	}
	type level struct{ method, path, value string }
	counts := map[level]int64{}
	var order []level
	for _, d := range all {
		if d.typ != typ || !strings.HasPrefix(d.resource, "student") || declared[d.value] {
			continue
		}
		l := level{method: d.method, value: d.value}
		if l.method == "" { // the record says which, but not to us
			l.path = d.path
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
func rejectPath(run *runs.Run, at place) string {
	if run == nil {
		return ""
	}
	return run.RejectFile(at.input, at.number)
}
