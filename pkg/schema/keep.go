package schema

import (
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// keep stores a canonical value for the key, reference, item and group that the field is part of. hash
// is its quick hash, or 0.
func (s *run) keep(f *field, value []byte, hash uint64) {
	sc := &s.rec.scratch
	if f.slot >= 0 && s.depth == 0 {
		sc.slots[f.slot] = value
	}
	if f.part >= 0 && s.parts >= 0 {
		sc.parts[s.parts+f.part].Value = value
	}
	if f.item >= 0 && s.item >= 0 {
		sc.values[s.item+f.item] = itemPart{value, hash}
	}
	if f.group >= 0 {
		s.checkEqual(f, value)
	}
}

// checkEqual compares a value with the first one of its group.
func (s *run) checkEqual(f *field, value []byte) {
	first := &s.rec.scratch.groups[f.group]
	if first.value == nil {
		*first = groupValue{value: value, place: s.place(f.path)}
		return
	}
	if !equalValues(first.value, value, f.Descriptor != "") {
		s.find(diag.RecordPartsDiffer, s.place(f.path), value, "", "%s is %q, but %s is %q; they must be the same",
			f.Name, shorten(value), strings.Join(first.place.path.names, "."), shorten(first.value))
	}
}

// useReference notes the reference just read, if it is complete.
func (s *run) useReference(p *plan) {
	sc := &s.rec.scratch
	parts := sc.parts[s.parts:]
	for i := range parts {
		if parts[i].Value == nil {
			sc.parts = sc.parts[:s.parts]
			return
		}
	}
	s.rec.References = append(s.rec.References,
		ReferenceUse{Reference: p.ref.Reference, Parts: parts[:len(parts):len(parts)], Place: s.place(p.path), plan: p.ref})
	if len(p.ref.Targets) == 1 {
		use := &s.rec.References[len(s.rec.References)-1]
		use.Hash = s.referenceHash(use, p.ref.Targets[0])
	}
}

// referenceHash remembers the last keys with their hashes: one record after another refers to the same.
func (s *run) referenceHash(use *ReferenceUse, target string) [16]byte {
	sc := &s.rec.scratch
	sc.key = use.appendKey(sc.key[:0], target)
	known := &sc.hashes[quickHash(hashSeed, sc.key, false)%uint64(len(sc.hashes))]
	if string(known.canonical) != string(sc.key) {
		known.canonical = append(known.canonical[:0], sc.key...)
		known.hash = sum(sc.key)
	}
	return known.hash
}
