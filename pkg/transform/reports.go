package transform

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/mapping"
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

func (s *staging) missed(m mapping.Missed) {
	key := m.Table.Name + "\x00" + strings.Join(m.Keys, "\x00") + "\x00" + m.From
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

// mostCompared bounds how many rows of tables are held against what no table knows.
const mostCompared = 2_000_000

// reportUnmapped reports what no table knows, most frequent first.
func (s *staging) reportUnmapped() error {
	if s.unkept > 0 {
		if err := s.problem(diag.Problem{Code: diag.Unmapped, Level: diag.LevelWarning, Count: int(s.unkept),
			Message: fmt.Sprintf("unmapped.csv holds the first %d values that no table knows; %d more misses were of other values", maxUnmapped, s.unkept)}); err != nil {
			return err
		}
	}
	all := slices.SortedFunc(maps.Values(s.unmapped), func(a, b *unmappedValue) int {
		return cmp.Or(strings.Compare(a.Table.Name, b.Table.Name), -cmp.Compare(a.count, b.count), slices.Compare(a.Keys, b.Keys), strings.Compare(a.From, b.From))
	})
	compared := 0
	for _, u := range all {
		cells, filled, near := u.Row(), -1, []string(nil)
		if compared += len(u.Table.Rows); compared <= mostCompared {
			cells, filled = rowFor(u.Miss)
			near = nearestKeys(u.Miss, filled)
		}
		v := Unmapped{Table: u.Table.Name, Value: strings.Join(u.Keys, expression.KeySeparator), Count: u.count, First: u.first,
			Nearest: near, File: u.Table.Place, Header: table.Line(u.Table.Header, ""), Missing: rowToPaste(cells),
			Allowed: s.allowedFor(u.Table)}
		if filled >= 0 {
			v.FilledFrom = v.Nearest[0]
		}
		if err := s.sink.Unmapped(v); err != nil {
			return err
		}
	}
	return nil
}

// rowToPaste is a row of a table as it stands in a cell of unmapped.csv. What begins like a formula gets its quotes
// here: that cell would get a mark before it, which is not part of the row.
func rowToPaste(cells []string) string {
	line := table.Line(cells, "")
	if runs.TextCells([]string{line})[0] != line {
		first, _, _ := strings.Cut(line, ",")
		return `"` + first + `"` + line[len(first):]
	}
	return line
}

// reportMappings reports every descriptor decision once, with a count.
func (s *staging) reportMappings() error {
	version := s.program.Bundle.Name + "@" + s.program.Bundle.Version
	var all []Mapped
	for _, d := range s.decisions() { // which differ by their method last
		n := s.decided[d]
		d.Method = ""
		if last := len(all) - 1; last >= 0 && all[last].Decision == d {
			all[last].Count += n
		} else {
			all = append(all, Mapped{Decision: d, Count: n, Version: version})
		}
	}
	for _, m := range all {
		if err := s.sink.Mapped(m); err != nil {
			return err
		}
	}
	return nil
}
