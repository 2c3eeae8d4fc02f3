package main

import (
	"cmp"
	"slices"

	"github.com/sluice-edfi/sluice/pkg/schema"
)

// settle takes from neighbouring standards, the nearest last, the facts on which the documents of the Data
// Management Service differ from those of the ODS/API or are silent: the size and range of numbers, whether
// a duration is a text, what must be unique in a collection, and which parts of references must be equal.
// The nearest neighbour that has a property has the last word on it, and of the equal parts of a resource the
// nearest that has the resource says all.
func settle(s *schema.Standard, neighbours []*schema.Standard) {
	for r := range s.All {
		var nearest *schema.Resource
		for _, n := range neighbours {
			if other, ok := n.Resource(r.Name); ok {
				settleObject(r.Root, other.Root)
				nearest = other
			}
		}
		if nearest != nil {
			addEqual(r, nearest.Equal)
		}
	}
}

// addEqual adds the pairs that r has the properties for. Of parts of the key the document itself says which are equal.
func addEqual(r *schema.Resource, pairs [][2]schema.Path) {
	inKey := func(p schema.Path) bool {
		return slices.ContainsFunc(r.Identity, func(k schema.KeyPart) bool { return slices.Equal(k.Path, p) })
	}
	for _, pair := range pairs {
		_, first := r.Property(pair[0])
		_, second := r.Property(pair[1])
		if first && second && (!inKey(pair[0]) || !inKey(pair[1])) && !slices.ContainsFunc(r.Equal, func(e [2]schema.Path) bool { return samePair(e, pair) }) {
			r.Equal = append(r.Equal, pair)
		}
	}
	slices.SortFunc(r.Equal, func(a, b [2]schema.Path) int {
		return cmp.Or(slices.Compare(a[0], b[0]), slices.Compare(a[1], b[1]))
	})
}

func samePair(a, b [2]schema.Path) bool {
	same := func(i, j int) bool { return slices.Equal(a[0], b[i]) && slices.Equal(a[1], b[j]) }
	return same(0, 1) || same(1, 0)
}

func settleObject(o, other *schema.Object) {
	for _, p := range o.Properties {
		q, ok := other.ByName[p.Name]
		if !ok {
			continue
		}
		switch {
		case p.Kind == schema.KindNumber && q.Kind == schema.KindString:
			p.Kind, p.MaxLength = q.Kind, q.MaxLength
		case p.Kind == q.Kind && (p.Kind == schema.KindInteger || p.Kind == schema.KindNumber):
			p.Int64, p.Minimum, p.Maximum = q.Int64, q.Minimum, q.Maximum
		}
		if p.Object == nil || q.Object == nil {
			continue
		}
		settleObject(p.Object, q.Object)
		holds := func(key schema.Path) bool {
			_, ok := p.Object.ByName[key[0]]
			return ok
		}
		if len(q.ItemKey) > 0 && !slices.ContainsFunc(q.ItemKey, func(key schema.Path) bool { return !holds(key) }) {
			p.ItemKey = q.ItemKey
		}
	}
}
