package schema

import (
	"slices"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
)

// run is one check of one record. It lives on the stack.
//
// It walks the text and the plans side by side. At each member it finds the field (members), checks
// the value by its kind (value) and keeps it where a key, a reference or a comparison needs it
// (keep). When an object ends it looks for what is missing, and notes a complete reference; when an
// item ends it compares the item's key with those before it. What is wrong becomes a finding and the
// walk goes on; only text that is not JSON ends it.
type run struct {
	in      jsonl.Scanner
	rec     *Record
	at      [maxNesting]int32 // numbers of the items that are open
	depth   int               // open collections
	item    int               // where the key of the current item begins in scratch.values
	parts   int               // where the parts of the current reference begin in scratch.parts
	keyOnly bool              // only what makes the key is checked, and nothing is found
}

// scratch is what a Record keeps between checks, so that a valid record costs no allocation.
type scratch struct {
	owner   *Checker     // whose sizes it has
	guesses []int16      // by plan and field: which field came next the last time
	seen    []uint64     // a stack: for each open object, the set of its properties so far
	slots   [][]byte     // values of the key
	groups  []groupValue // the first value of each group of places that must be equal
	parts   []KeyValue   // parts of references
	items   []item       // a stack: the items so far of each open collection
	values  []itemPart   // the parts of their keys
	text    []byte       // texts without their escapes
	key     []byte       // canonical form of a key
	keyOut  []KeyValue   // Key.Parts
	hashes  [64]keyHash  // of keys that references had lately, by a quick hash
	memory  memory       // of descriptor values
}

type groupValue struct {
	value []byte
	place Place
}

type keyHash struct {
	canonical []byte
	hash      [16]byte
}

// Check checks the record in data and fills rec.
func (c *Checker) Check(data []byte, rec *Record) { c.check(data, rec, false) }

// Key fills rec.Key alone, as Check would, for records that the target has accepted already: the
// rest of them, such as the members that the target adds, is skipped.
func (c *Checker) Key(data []byte, rec *Record) { c.check(data, rec, true) }

func (c *Checker) check(data []byte, rec *Record, keyOnly bool) {
	rec.reset(c)
	s := run{in: jsonl.Scanner{Data: data, Decoded: rec.scratch.text[:0]}, rec: rec, item: none, parts: none, keyOnly: keyOnly}
	if s.record(c.root) {
		c.makeKey(rec)
	} else {
		s.find(diag.RecordJSON, Place{}, nil, "", "character %d: %s", s.in.Pos+1, s.in.Problem)
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
		return s.in.Fail("there is more text after the record; a line holds one object")
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
			sc.guesses[i] = none
		}
		sc.slots = make([][]byte, c.slots)
		sc.groups = make([]groupValue, c.groups)
		sc.memory = newMemory(c.descriptors)
		sc.keyOut = make([]KeyValue, len(c.key))
	}
	clear(sc.slots)
	clear(sc.groups)
	sc.seen, sc.parts, sc.items, sc.values = sc.seen[:0], sc.parts[:0], sc.items[:0], sc.values[:0]
}

// makeKey puts the natural key together from what the walk left in the slots.
func (c *Checker) makeKey(rec *Record) {
	sc := &rec.scratch
	sc.key = append(append(sc.key[:0], c.resource.Name...), partEnd)
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
		sc.key = appendPart(sc.key, value, k.fold)
	}
	rec.Key = Key{OK: true, Hash: sum(sc.key), Parts: sc.keyOut}
}

// object walks the object that begins here; false means that the text is not JSON.
func (s *run) object(p *plan) bool {
	if !s.in.Enter("objects are nested too deeply") {
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
	if seen := sc.seen[base : base+p.words]; !s.keyOnly {
		if p.ref != nil && !slices.ContainsFunc(seen, func(w uint64) bool { return w != 0 }) {
			s.emptyReference(p)
		} else {
			s.requireMembers(p, seen)
		}
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

// members walks the members of an object up to its end; base is where its set of properties begins
// in scratch.seen. Records of one source write their properties in one order: at each member the one
// that followed the last time is compared first, and its name is looked up only if it is another one.
func (s *run) members(p *plan, base int) bool {
	guess := &s.rec.scratch.guesses[p.guesses]
	for {
		if s.in.Pos >= len(s.in.Data) || s.in.Data[s.in.Pos] != '"' {
			return s.in.Fail("a name in quotes is expected")
		}
		n := int(*guess)
		if n == none || !s.follows(p.fields[n].quoted) {
			var ok bool
			if n, ok = s.name(p); !ok {
				return false
			}
			if n != none {
				*guess = int16(n)
			}
		}
		if n != none {
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

// name reads a member's name and colon and finds its field: none if the standard does not have it;
// then the value has been skipped too.
func (s *run) name(p *plan) (n int, ok bool) {
	name, ok := s.in.Text()
	if !ok {
		return none, false
	}
	n, ok = p.byName[string(name)]
	if !ok {
		return none, s.unknown(p, string(name))
	}
	return n, s.in.Colon()
}

// member checks the value of field n, which may not be there twice.
func (s *run) member(p *plan, base, n int) bool {
	seen, bit := &s.rec.scratch.seen[base+n/64], uint64(1)<<(n%64)
	if *seen&bit != 0 {
		s.find(diag.RecordJSON, s.place(p.fields[n].path), nil, "Keep one of them.", "%s appears twice in one object", p.fields[n].Name)
	}
	*seen |= bit
	if p.ref != nil && s.in.Peek() == 'n' { // to a target, a part that is null is missing
		*seen &^= bit
		return s.in.Literal("null")
	}
	return s.value(&p.fields[n])
}

// emptyReference judges a reference without any part, which targets take as absent.
func (s *run) emptyReference(p *plan) {
	if p.ref.Required {
		s.find(diag.RecordSchema, s.place(p.path), nil, "", "%s is empty; it is required", p.ref.Path.Leaf())
		return
	}
	s.warnAt(p.path, "the reference is empty where it could be left out; some targets refuse that")
}

// requireMembers finds the required properties that are not in the object.
func (s *run) requireMembers(p *plan, seen []uint64) {
	for w, need := range p.required {
		if need&^seen[w] == 0 {
			continue
		}
		for i := range p.fields {
			f := &p.fields[i]
			switch {
			case i/64 != w || !f.Required || seen[w]&(1<<(i%64)) != 0:
			case p.ref != nil:
				s.wrong(f, nil, "", "%s lacks %s, a part of what it points at", p.ref.Path.Leaf(), f.Name)
			default:
				s.wrong(f, nil, "", "%s is missing; it is required", f.Name)
			}
		}
	}
}

// unknown finds a property that the standard does not have, and skips its value.
func (s *run) unknown(p *plan, name string) bool {
	if !s.in.Colon() {
		return false
	}
	s.in.Peek()
	if !p.open && !s.keyOnly {
		here := s.place(p.path.member(name))
		switch {
		case p.isServerField(name) && (name != "id" || s.in.Peek() == 'n'):
			s.warnAt(p.path.member(name), name+" is set by the target alone, which passes over it")
		case p.isServerField(name):
			s.find(diag.RecordServerField, here, nil, "", "%s is set by the target alone", name)
		default:
			known := make([]string, 0, len(p.fields))
			for i := range p.fields {
				known = append(known, p.fields[i].Name)
			}
			s.find(diag.RecordUnknown, here, nil, "", "there is no property %s here%s", name, diag.DidYouMean(name, known))
		}
	}
	return s.in.Skip()
}

// value checks the value of a property by its kind.
func (s *run) value(f *field) bool {
	c := s.in.Peek()
	if s.keyOnly && !f.keyed {
		return s.in.Skip()
	}
	if c == 'n' {
		if !s.in.Literal("null") {
			return false
		}
		if f.Required { // to a target, null is absent
			s.wrong(f, nil, "", "%s is null; it is required", f.Name)
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
		if c == '"' {
			return s.quotedNumber(f)
		}
	case KindBoolean:
		if c == 't' || c == 'f' {
			return s.boolean(f, c)
		}
		if c == '"' || c == '0' || c == '1' {
			return s.otherBoolean(f, c)
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
	s.isWrongKind(f, s.in.Data[start:s.in.Pos], c)
	return true
}

func (s *run) isWrongKind(f *field, value []byte, c byte) {
	fix := ""
	switch {
	case c == '"' && (f.Kind == KindInteger || f.Kind == KindNumber || f.Kind == KindBoolean):
		fix = "Write it without quotes."
	case f.Kind == KindString && (c == '-' || '0' <= c && c <= '9'):
		fix = "Write it in quotes."
	}
	s.wrong(f, value, fix, "%s must be %s, not %s", f.Name, f.Kind, kindOf(c))
}

// kindOf says what a value is by its first character.
func kindOf(c byte) string {
	if c == 'n' {
		return "null"
	}
	kind, ok := map[byte]Kind{'{': KindObject, '[': KindArray, '"': KindString, 't': KindBoolean, 'f': KindBoolean}[c]
	if !ok {
		kind = KindNumber
	}
	return kind.String()
}
