package schema

import (
	"bytes"
	"fmt"
	"math/bits"
	"strings"
	"unicode/utf8"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
)

// scratch is what a Record keeps between checks so that a valid record costs no allocation.
type scratch struct {
	owner   *Checker
	guesses []int16     // by plan and field: which field came next the last time
	seen    []uint64    // stack of the sets of properties met
	slots   [][]byte    // values of the key
	classes []unified   // first value of each group of equal values
	parts   []KeyValue  // parts of references
	items   []item      // stack of the items of open collections
	values  []itemPart  // stack of the parts of their keys
	text    []byte      // decoded strings
	key     []byte      // canonical form of a key
	keyOut  []KeyValue  // Key.Parts
	hashes  [64]keyHash // of references met lately, by a quick hash
	memory  memory      // of descriptors met
}

type unified struct {
	value []byte
	place Place
}

// itemPart is a part of an item's key.
type itemPart struct {
	value []byte
	hash  uint64 // quick; 0: not known yet
}

type item struct {
	hash   uint64
	values int // where its key begins in scratch.values
	number int // in its collection, from 0
}

type keyHash struct {
	canonical []byte
	hash      [16]byte
}

// run is one check of one record. It lives on the stack.
type run struct {
	in      jsonl.Scanner
	rec     *Record
	at      [maxNesting]int32
	depth   int  // open collections
	item    int  // where the key of the current item begins in scratch.values
	parts   int  // where the parts of the current reference begin in scratch.parts
	keyOnly bool // only what makes the key is judged, and nothing is found
}

// Check judges the record in data and fills rec.
func (c *Checker) Check(data []byte, rec *Record) { c.check(data, rec, false) }

// Key fills rec.Key alone, as Check would, for records that the target has taken already: what
// else stands in them, such as the members that the target adds, is passed over.
func (c *Checker) Key(data []byte, rec *Record) { c.check(data, rec, true) }

func (c *Checker) check(data []byte, rec *Record, keyOnly bool) {
	rec.reset(c)
	s := run{in: jsonl.Scanner{Data: data, Decoded: rec.scratch.text[:0]}, rec: rec, item: nowhere, parts: nowhere, keyOnly: keyOnly}
	if s.record(c.root) {
		c.makeKey(rec)
	} else {
		s.findAt(diag.RecordJSON, "$", nil, "", "character %d: %s", s.in.Pos+1, s.in.Problem)
	}
	rec.scratch.text = s.in.Decoded
}

// record walks the whole text; false means that it is not JSON.
func (s *run) record(root *plan) bool {
	if s.in.Peek() != '{' {
		return s.in.Fail("a record must be an object: it begins with {")
	}
	if !s.object(root) {
		return false
	}
	if s.in.Peek() != 0 || s.in.Pos < len(s.in.Data) {
		return s.in.Fail("more text stands behind the record; a line holds one object")
	}
	return true
}

func (rec *Record) reset(c *Checker) {
	sc := &rec.scratch
	rec.Findings, rec.Descriptors, rec.References, rec.Key = rec.Findings[:0], rec.Descriptors[:0], rec.References[:0], Key{}
	if sc.owner != c {
		sc.owner = c
		sc.guesses = make([]int16, c.guesses)
		for i := range sc.guesses {
			sc.guesses[i] = nowhere
		}
		sc.slots = make([][]byte, c.slots)
		sc.classes = make([]unified, c.classes)
		sc.memory = newMemory(c.spoken)
		sc.keyOut = make([]KeyValue, len(c.key))
	}
	clear(sc.slots)
	clear(sc.classes)
	sc.seen, sc.parts, sc.items, sc.values = sc.seen[:0], sc.parts[:0], sc.items[:0], sc.values[:0]
}

// makeKey puts the natural key together from what the walk left in the slots.
func (c *Checker) makeKey(rec *Record) {
	sc := &rec.scratch
	buf := append(sc.key[:0], c.resource.Name...)
	buf = append(buf, partEnd)
	for i, k := range c.key {
		var value []byte
		for _, slot := range k.slots {
			if value = sc.slots[slot]; value != nil {
				break
			}
		}
		if value == nil {
			return
		}
		sc.keyOut[i] = KeyValue{Name: k.name, Value: value}
		buf = appendPart(buf, value, k.fold)
	}
	sc.key = buf
	rec.Key = Key{OK: true, Hash: sum(buf), Parts: sc.keyOut}
}

// object walks the object that begins here; false means that the text is no JSON.
func (s *run) object(p *plan) bool {
	if !s.in.Enter("objects stand too deep in each other") {
		return false
	}
	sc := &s.rec.scratch
	base := len(sc.seen)
	for range p.words {
		sc.seen = append(sc.seen, 0)
	}
	outer := s.parts
	if p.ref != nil {
		s.parts = len(sc.parts)
		for _, k := range p.ref.Keys {
			sc.parts = append(sc.parts, KeyValue{Name: k.Name})
		}
	}
	if s.in.Peek() == '}' {
		s.in.Pos++
	} else if !s.members(p, base) {
		return false
	}
	if !s.keyOnly {
		s.requireMembers(p, sc.seen[base:base+p.words])
	}
	sc.seen = sc.seen[:base]
	if p.ref != nil {
		if !s.keyOnly {
			s.useReference(p)
		}
		s.parts = outer
	}
	s.in.Leave()
	return true
}

func (s *run) members(p *plan, base int) bool {
	guess := &s.rec.scratch.guesses[p.guesses]
	for {
		if s.in.Pos >= len(s.in.Data) || s.in.Data[s.in.Pos] != '"' {
			return s.in.Fail("a name in quotes is expected")
		}
		// Records of one source name their properties in one order.
		n := int(*guess)
		if n == nowhere || !s.follows(p.fields[n].quoted) {
			var ok bool
			if n, ok = s.name(p); !ok {
				return false
			}
			if n != nowhere {
				*guess = int16(n)
			}
		}
		if n != nowhere {
			guess = &s.rec.scratch.guesses[p.guesses+1+n]
			if !s.member(p, base, n) {
				return false
			}
		}
		switch s.in.Peek() {
		case ',':
			s.in.Pos++
			s.in.Peek()
		case '}':
			s.in.Pos++
			return true
		default:
			return s.in.Fail("a comma or } is expected")
		}
	}
}

// follows passes over text if it is what comes next.
func (s *run) follows(text string) bool {
	end := s.in.Pos + len(text)
	if end > len(s.in.Data) || string(s.in.Data[s.in.Pos:end]) != text {
		return false
	}
	s.in.Pos = end
	return true
}

// name reads the name of a member, with the colon, and finds its field: nowhere if the standard
// has none, and then the value has been passed over too.
func (s *run) name(p *plan) (n int, ok bool) {
	name, ok := s.in.Text()
	if !ok {
		return nowhere, false
	}
	n, ok = p.byName[string(name)]
	if !ok {
		return nowhere, s.unknown(p, string(name))
	}
	return n, s.in.Colon()
}

// member judges the value of field n.
func (s *run) member(p *plan, base, n int) bool {
	seen, bit := &s.rec.scratch.seen[base+n/64], uint64(1)<<(n%64)
	if *seen&bit != 0 {
		s.find(diag.RecordJSON, s.place(p.fields[n].site), nil, "Keep one of them.", "%s stands twice in one object", p.fields[n].Name)
	}
	*seen |= bit
	return s.value(&p.fields[n])
}

// requireMembers finds the required properties that have not been met.
func (s *run) requireMembers(p *plan, seen []uint64) {
	for w, need := range p.required {
		if need&^seen[w] == 0 {
			continue
		}
		for i := range p.fields {
			if f := &p.fields[i]; i/64 == w && f.Required && seen[w]&(1<<(i%64)) == 0 {
				s.missing(p, f)
			}
		}
	}
}

func (s *run) missing(p *plan, f *field) {
	if p.ref != nil {
		s.find(diag.RecordSchema, s.place(f.site), nil, "", "%s lacks %s, a part of what it points at", p.ref.Path.Leaf(), f.Name)
		return
	}
	s.find(diag.RecordSchema, s.place(f.site), nil, "", "%s is missing; it is required", f.Name)
}

// unknown judges a property that the standard does not have, and passes over its value.
func (s *run) unknown(p *plan, name string) bool {
	if !s.in.Colon() {
		return false
	}
	s.in.Peek()
	if !p.open && !s.keyOnly {
		here := s.place(p.site).String() + "." + name
		if serverFields[name] {
			s.findAt(diag.RecordServerField, here, nil, "", "%s is set by the target alone", name)
		} else {
			known := make([]string, 0, len(p.fields))
			for i := range p.fields {
				known = append(known, p.fields[i].Name)
			}
			s.findAt(diag.RecordUnknown, here, nil, "", "there is no property %s here%s", name, diag.DidYouMean(name, known))
		}
	}
	return s.in.Skip()
}

// value judges the value of a property.
func (s *run) value(f *field) bool {
	c := s.in.Peek()
	if s.keyOnly && !f.keyed {
		return s.in.Skip()
	}
	if c == 'n' {
		if !s.in.Literal("null") {
			return false
		}
		if f.Required { // null is as good as nothing
			s.find(diag.RecordSchema, s.place(f.site), nil, "", "%s is null; it is required", f.Name)
		}
		return true
	}
	switch f.Kind {
	case KindObject:
		if c == '{' {
			return s.object(f.plan)
		}
	case KindArray:
		if c == '[' {
			return s.array(f)
		}
	case KindInteger, KindNumber:
		if c == '-' || '0' <= c && c <= '9' {
			return s.number(f)
		}
	case KindBoolean:
		if c == 't' || c == 'f' {
			return s.boolean(f, c)
		}
	default:
		if c == '"' {
			return s.string(f)
		}
	}
	return s.wrongKind(f, c)
}

func (s *run) wrongKind(f *field, c byte) bool {
	start := s.in.Pos
	if !s.in.Skip() {
		return false
	}
	fix := ""
	switch {
	case c == '"' && (f.Kind == KindInteger || f.Kind == KindNumber || f.Kind == KindBoolean):
		fix = "Write it without quotes."
	case f.Kind == KindString && (c == '-' || '0' <= c && c <= '9'):
		fix = "Write it in quotes."
	}
	s.find(diag.RecordSchema, s.place(f.site), s.in.Data[start:s.in.Pos], fix, "%s must be %s, not %s", f.Name, f.Kind, kindOf(c))
	return true
}

// kindOf says what a value is by its first character.
func kindOf(c byte) string {
	switch c {
	case '{':
		return KindObject.String()
	case '[':
		return KindArray.String()
	case '"':
		return KindString.String()
	case 't', 'f':
		return KindBoolean.String()
	case 'n':
		return "null"
	}
	return KindNumber.String()
}

// array judges a collection: its items, that there is one if it is required, and that no two of
// them have the same key.
func (s *run) array(f *field) bool {
	if !s.in.Enter("lists stand too deep in each other") {
		return false
	}
	sc := &s.rec.scratch
	firstItem, firstValue, outerItem := len(sc.items), len(sc.values), s.item
	keyed := f.plan != nil && len(f.plan.keyFold) > 0
	s.depth++
	count := 0
	var met hashSet
	if s.in.Peek() == ']' {
		s.in.Pos++
		if f.Required {
			s.find(diag.RecordSchema, s.place(f.site), nil, "", "%s is an empty list; at least one item is required", f.Name)
		}
	} else {
		for ; ; count++ {
			if s.depth <= maxNesting {
				s.at[s.depth-1] = int32(count)
			}
			c := s.in.Peek()
			switch {
			case f.plan == nil:
				if !s.in.Skip() {
					return false
				}
			case c != '{':
				start := s.in.Pos
				if !s.in.Skip() {
					return false
				}
				s.find(diag.RecordSchema, s.place(f.plan.site), s.in.Data[start:s.in.Pos], "", "item %d of %s must be an object, not %s", count+1, f.Name, kindOf(c))
			default:
				s.item = len(sc.values)
				for range f.plan.keyFold {
					sc.values = append(sc.values, itemPart{})
				}
				if !s.object(f.plan) {
					return false
				}
				if keyed {
					s.compareItem(f, &met, firstItem, count)
				}
			}
			if c = s.in.Peek(); c == ',' {
				s.in.Pos++
				continue
			}
			if c != ']' {
				return s.in.Fail("a comma or ] is expected")
			}
			s.in.Pos++
			break
		}
	}
	sc.items, sc.values = sc.items[:firstItem], sc.values[:firstValue]
	s.item = outerItem
	s.depth--
	s.in.Leave()
	return true
}

// compareItem holds the key of the item just read against those before it in its collection.
func (s *run) compareItem(f *field, met *hashSet, first, number int) {
	sc := &s.rec.scratch
	n := len(f.plan.keyFold)
	values := sc.values[s.item : s.item+n]
	h := uint64(hashSeed)
	for i := range values {
		v := &values[i]
		if v.value == nil {
			return
		}
		if v.hash == 0 {
			v.hash = quickHash(hashSeed, v.value, f.plan.keyFold[i])
		}
		h = bits.RotateLeft64(h^v.hash, 29) * hashPrime
	}
	for _, other := range met.suspects(h, sc.items[first:]) {
		if other.hash != h || !equalKeys(values, sc.values[other.values:other.values+n], f.plan.keyFold) {
			continue
		}
		s.find(diag.RecordItemTwice, s.place(f.plan.site), bytes.Join(valuesOf(values), []byte(", ")), "",
			"item %d of %s has the same %s as item %d", number+1, f.Name, f.plan.keyNames, other.number+1)
		return
	}
	sc.items = append(sc.items, item{hash: h, values: s.item, number: number})
}

// hashSet tells most new hashes from old ones without a look at those.
type hashSet [8]uint64

// suspects adds h and returns the items that may have it already: all of them or none.
func (m *hashSet) suspects(h uint64, items []item) []item {
	w, bit := &m[h>>6%8], uint64(1)<<(h%64)
	if *w&bit == 0 {
		*w |= bit
		return nil
	}
	return items
}

func valuesOf(parts []itemPart) [][]byte {
	out := make([][]byte, len(parts))
	for i, p := range parts {
		out[i] = p.value
	}
	return out
}

func equalKeys(a, b []itemPart, fold []bool) bool {
	for i := range a {
		if !equalValues(a[i].value, b[i].value, fold[i]) {
			return false
		}
	}
	return true
}

// keep stores a canonical value where the field's roles want it; hash is its quick hash, if known.
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
	if f.class >= 0 {
		s.unify(f, value)
	}
}

// unify holds a value against the first one of its group.
func (s *run) unify(f *field, value []byte) {
	first := &s.rec.scratch.classes[f.class]
	if first.value == nil {
		*first = unified{value: value, place: s.place(f.site)}
		return
	}
	if !equalValues(first.value, value, f.Descriptor != "") {
		s.find(diag.RecordPartsDiffer, s.place(f.site), value, "", "%s is %q, but %s is %q; they must be the same",
			f.Name, shorten(value), strings.Join(first.place.Path(), "."), shorten(first.value))
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
	s.rec.References = append(s.rec.References, ReferenceUse{Reference: p.ref.Reference, Parts: parts[:len(parts):len(parts)], Place: s.place(p.site), plan: p.ref})
	if len(p.ref.Targets) == 1 {
		use := &s.rec.References[len(s.rec.References)-1]
		use.Hash = s.referenceHash(use, p.ref.Targets[0])
	}
}

// referenceHash remembers the hashes of late: one record after another points at the same things.
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

func (s *run) place(at *site) Place { return Place{site: at, at: s.at} }

func (s *run) find(code diag.Code, at Place, value []byte, fix, format string, args ...any) {
	s.findAt(code, at.String(), value, fix, format, args...)
}

func (s *run) findAt(code diag.Code, path string, value []byte, fix, format string, args ...any) {
	if s.keyOnly {
		return
	}
	s.rec.Findings = append(s.rec.Findings, Finding{Code: code, Level: diag.LevelOf(code), Path: path,
		Value: shorten(value), Message: fmt.Sprintf(format, args...), Fix: fix})
}

const shownLength = 120

// shorten keeps a value readable in a list of problems.
func shorten(value []byte) string {
	if len(value) <= shownLength {
		return string(value)
	}
	end := shownLength
	for end > 0 && !utf8.RuneStart(value[end]) {
		end--
	}
	return string(value[:end]) + "…"
}
