package transform

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/mapping"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// Bounds of what is said of rows that conflict.
const (
	mostConflicts = 1000 // of one input, that say in which columns
	mostDiffering = 3    // columns that are named
)

// differences says of rows that conflict in which columns they differ: the first of them are read again.
func (k *keyPass) differences() error {
	says := map[keyPlace][]mapping.Said{}
	var all []*keyVerdict
	for _, out := range k.out {
		for i := range out.rows {
			if v := &out.rows[i]; v.Kind == mapping.Conflict && len(all) < mostConflicts {
				all = append(all, v)
				says[v.at], says[v.other] = nil, nil
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	for i, f := range k.files {
		w := mapping.NewWorker(f.plan, f.place, nil)
		if err := f.each(func(row *table.Row) {
			if _, wanted := says[placeOf(i, row.Line, 0)]; wanted {
				says[placeOf(i, row.Line, 0)] = w.Says(row)
			}
		}); err != nil {
			return err
		}
	}
	for _, v := range all {
		v.In, v.Said = k.differ(says[v.at], says[v.other])
	}
	return nil
}

// differ names the columns in which two rows differ; of one that is not a student's, it gives what they say.
func (k *keyPass) differ(a, b []mapping.Said) (in, said string) {
	var columns []string
	compare := func(a, b []mapping.Said) {
		for _, one := range a {
			text := ""
			if i := slices.IndexFunc(b, func(o mapping.Said) bool { return o.Tag == one.Tag }); i >= 0 {
				text = b[i].Text
			}
			if one.Text != text && !slices.Contains(columns, one.Header) {
				columns = append(columns, one.Header)
				said = fmt.Sprintf("%s / %s", cmp.Or(min(one.Text, text), "empty"), cmp.Or(max(one.Text, text), "empty"))
			}
		}
	}
	for _, row := range [][]mapping.Said{a, b} {
		slices.SortFunc(row, func(a, b mapping.Said) int { return cmp.Compare(a.Column, b.Column) })
	}
	compare(a, b)
	compare(b, a)
	if len(columns) != 1 || k.input.Def.MayBePersonal(columns[0]) {
		said = ""
	}
	if n := len(columns); n > mostDiffering {
		columns = append(columns[:mostDiffering], fmt.Sprintf("%d more", n-mostDiffering))
	}
	return strings.Join(columns, ", "), said
}
