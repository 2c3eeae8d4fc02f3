package transform

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/mapping"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// keyVerdict is what the first pass decided about a row or an element; most have none.
type keyVerdict struct {
	at, other keyPlace
	mapping.Verdict
}

// keyVerdicts is the verdicts of one file, in order.
type keyVerdicts struct {
	rows  []keyVerdict
	lists map[*mapping.List][]keyVerdict
}

// of is the verdict on a row, or on an element of a list; nil if there is none.
func (v *keyVerdicts) of(line int64, l *mapping.List, number int) *mapping.Verdict {
	switch {
	case v == nil:
		return nil
	case l == nil:
		return findVerdict(v.rows, line, 0)
	case len(v.lists) == 0:
		return nil
	}
	return findVerdict(v.lists[l], line, number)
}

func findVerdict(list []keyVerdict, line int64, element int) *mapping.Verdict {
	if len(list) == 0 {
		return nil
	}
	i, ok := slices.BinarySearchFunc(list, placeOf(0, line, element), func(v keyVerdict, at keyPlace) int {
		return cmp.Compare(v.at&(1<<52-1), at)
	})
	if !ok {
		return nil
	}
	return &list[i].Verdict
}

// group is the entries of one key that may stay.
type group struct {
	list    *mapping.List // nil for rows
	entries []keyEntry
}

// decide says which rows and elements are dropped, and which conflict.
func (k *keyPass) decide() error {
	if err := k.decideStore(&k.rows, nil, k.input.Def.Duplicates); err != nil {
		return err
	}
	lists := slices.SortedFunc(maps.Keys(k.lists), func(a, b *mapping.List) int { return strings.Compare(a.Path, b.Path) })
	for _, l := range lists {
		if err := k.decideStore(k.lists[l], l, l.Def.Duplicates); err != nil {
			return err
		}
	}
	return k.differences()
}

// decideStore decides rows, or the elements of a list, by what the bundle says of duplicates.
func (k *keyPass) decideStore(s *keyStore, l *mapping.List, rule *bundle.Duplicates) error {
	var byValue []group
	s.groups(func(entries []keyEntry) {
		if l != nil {
			entries = slices.DeleteFunc(entries, func(e keyEntry) bool { return k.outerDropped(l, e.at) })
		}
		if len(entries) < 2 {
			return
		}
		if rule == nil {
			k.conflict(l, k.different(l, entries, false))
			return
		}
		switch entries = k.known(l, entries); {
		case len(entries) < 2:
		case rule.By != nil:
			byValue = append(byValue, group{l, k.different(l, entries, rule.Keep == "last")})
		default:
			k.keepOne(group{l, entries}, rule.Keep == "last", nil)
		}
	})
	if len(byValue) > 0 {
		values, err := k.values(byValue)
		if err != nil {
			return err
		}
		for _, g := range byValue {
			k.keepOne(g, rule.Keep == "last", values)
		}
	}
	for _, v := range k.out {
		list := v.rows
		if l != nil {
			list = v.lists[l]
		}
		slices.SortFunc(list, func(a, b keyVerdict) int { return cmp.Compare(a.at, b.at) })
	}
	return nil
}

// different drops of equal entries of one key all but the first or the last, and gives those that are
// left.
func (k *keyPass) different(l *mapping.List, entries []keyEntry, last bool) []keyEntry {
	stays := make(map[uint64]keyEntry, len(entries)) // by content
	for _, e := range entries {
		if _, known := stays[e.content]; last || !known {
			stays[e.content] = e
		}
	}
	var left []keyEntry
	for _, e := range entries {
		if s := stays[e.content]; s.at == e.at {
			left = append(left, e)
		} else {
			k.verdict(l, e, mapping.Dropped, s)
		}
	}
	return left
}

// conflict rejects entries of one key that differ.
func (k *keyPass) conflict(l *mapping.List, left []keyEntry) {
	if len(left) < 2 {
		return
	}
	for _, e := range left {
		kind := mapping.Conflict
		if e.unknown() {
			kind = mapping.Unknown
		}
		k.verdict(l, e, kind, another(left, e))
	}
}

// another is the first of some entries that is not e.
func another(of []keyEntry, e keyEntry) keyEntry {
	if of[0].at == e.at {
		return of[1]
	}
	return of[0]
}

// known rejects the entries of one key whose student is not known, and gives the others: two students that
// are not known are not one, and none of them takes another's place.
func (k *keyPass) known(l *mapping.List, entries []keyEntry) []keyEntry {
	var known []keyEntry
	for _, e := range entries {
		if e.unknown() {
			k.verdict(l, e, mapping.Unknown, another(entries, e))
		} else {
			known = append(known, e)
		}
	}
	return known
}

// outerDropped reports whether the row of an element, or an element around it, was dropped: it is
// then not compared. Rows are decided before lists, and lists before those in them.
func (k *keyPass) outerDropped(l *mapping.List, at keyPlace) bool {
	verdicts := k.out[at.file()]
	if v := verdicts.of(at.line(), nil, 0); v != nil && v.Kind == mapping.Dropped {
		return true
	}
	if l.Outer == nil {
		return false
	}
	for outer, number := range k.files[at.file()].plan.Around(l, at.element()) {
		if v := verdicts.of(at.line(), outer, number); v != nil && v.Kind == mapping.Dropped {
			return true
		}
	}
	return false
}

// kept is what `by` says of a row or an element.
type kept struct {
	expression.Value
	unknown bool // it cannot be read
}

// keepOne drops all but one, whatever equals what: the first or last, or the one with the smallest or
// greatest value.
// Where values cannot be read nobody knows which one that is: these and the one that would stay
// without them are rejected.
func (k *keyPass) keepOne(g group, last bool, values map[keyPlace]kept) {
	stays, unknown := -1, -1
	for i, e := range g.entries {
		if values[e.at].unknown {
			unknown = i
			continue
		}
		if stays < 0 {
			stays = i
			continue
		}
		c := compareKept(values[e.at].Value, values[g.entries[stays].at].Value)
		if last && c >= 0 || !last && c < 0 {
			stays = i
		}
	}
	for i, e := range g.entries {
		switch {
		case i == stays && unknown < 0:
		case i == stays:
			k.verdict(g.list, e, mapping.Unordered, g.entries[unknown])
		case values[e.at].unknown:
			k.verdict(g.list, e, mapping.Unordered, e)
		default:
			k.verdict(g.list, e, mapping.Dropped, g.entries[stays])
		}
	}
}

// compareKept orders values of `by`: numbers as numbers, datetimes as instants, text by code point, null
// lowest.
func compareKept(a, b expression.Value) int {
	switch {
	case a.IsNull() && b.IsNull():
		return 0
	case a.IsNull():
		return -1
	case b.IsNull():
		return 1
	case a.Kind.IsNumber() && b.Kind.IsNumber():
		return expression.CompareNumbers(a, b)
	case a.Kind == expression.KindBoolean:
		return cmp.Compare(a.N, b.N)
	}
	return expression.CompareTexts(a, b)
}

func (k *keyPass) verdict(l *mapping.List, e keyEntry, kind mapping.VerdictKind, other keyEntry) {
	where := fmt.Sprintf("line %d", other.at.line())
	if other.at.file() != e.at.file() {
		where += " of " + k.files[other.at.file()].place.File
	}
	v := keyVerdict{e.at, other.at, mapping.Verdict{Kind: kind, Other: where}}
	out := k.out[e.at.file()]
	if l == nil {
		out.rows = append(out.rows, v)
		return
	}
	if kind != mapping.Dropped {
		v.Fault = l.Fault(&v.Verdict)
	}
	out.lists[l] = append(out.lists[l], v)
}

// values reads the values of `by` of the few rows and elements that need them.
func (k *keyPass) values(groups []group) (map[keyPlace]kept, error) {
	values := map[keyPlace]kept{}
	wanted := make([]map[int64][]keyPlace, len(k.files)) // by file and line
	for _, g := range groups {
		for _, e := range g.entries {
			lines := &wanted[e.at.file()]
			if *lines == nil {
				*lines = map[int64][]keyPlace{}
			}
			(*lines)[e.at.line()] = append((*lines)[e.at.line()], e.at)
		}
	}
	for i, f := range k.files {
		if wanted[i] == nil {
			continue
		}
		w := mapping.NewWorker(f.plan, f.place, nil)
		if err := f.each(func(row *table.Row) {
			for _, at := range wanted[i][row.Line] {
				v, known := w.By(row, groups[0].list, at.element())
				values[at] = kept{v, !known}
			}
		}); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// each walks the rows of a file, one after the other.
func (f *boundFile) each(visit func(row *table.Row)) error {
	src, err := f.open()
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }() // read only
	var block table.Block
	var p table.Parser
	for {
		if err := src.Next(&block); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		for row := range block.Rows(&p) {
			visit(&row)
		}
	}
}
