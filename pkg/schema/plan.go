package schema

import (
	"slices"
	"strings"
)

// Checker judges one record over its bytes in one pass. It is immutable, one per resource, and
// safe for concurrent use.
type Checker struct {
	resource *Resource
	root     *plan
	key      []keySlots
	slots    int // values of the record that make its key
	classes  int // groups of values that must be equal
	guesses  int // room for the guesses of all plans
	spoken   int // fields that hold descriptors
}

// keySlots says where the value of one part of the key is kept: the first slot that is filled counts.
type keySlots struct {
	name  string
	slots []int
	fold  bool
}

// plan is an object as the check walks it; there is one for each place in the resource.
type plan struct {
	site     *site
	fields   []field
	byName   map[string]int
	required []uint64 // bits of the fields that must stand
	words    int      // of a set of fields
	guesses  int      // where this plan's guesses begin in Record.guesses
	open     bool
	ref      *referencePlan
	keyFold  []bool // the same by part of the item's key
	keyNames string // what must be unique in the collection, for messages
}

// referencePlan is a reference, with how its parts make the key of what it points at.
type referencePlan struct {
	*Reference
	orders map[string][]int // by target: for each part of its key, which of Keys gives the value
	fold   []bool           // by part: compare without regard to case
}

// field is a property as the check meets it.
type field struct {
	quoted string // its name with quotes and colon
	*Property
	site  *site
	plan  *plan // of the object, or of the items
	trim  bool  // blanks around it are refused: part of a key
	keyed bool  // it holds a part of the record's key
	slot  int   // its value is kept for the record's key; -1: not
	part  int   // … as part of the reference it stands in
	item  int   // … as part of the key of the item it stands in
	class int   // … and must equal the others of this group
	word  int   // number among the fields that hold descriptors
}

const nowhere = -1

// Checker is the check of a resource's records.
func (s *Standard) Checker(resource string) (*Checker, bool) {
	r, ok := s.Resource(resource)
	if !ok {
		return nil, false
	}
	b := planner{standard: s, checker: &Checker{resource: r}, slots: map[string]int{}, classes: map[string]int{}}
	for _, k := range r.Identity {
		ks := keySlots{name: k.Path.Leaf(), fold: k.Descriptor != ""}
		for _, p := range append([]Path{k.Path}, k.Also...) {
			b.slots[p.String()] = len(b.slots)
			ks.slots = append(ks.slots, b.slots[p.String()])
		}
		b.checker.key = append(b.checker.key, ks)
	}
	for _, e := range r.Equal {
		b.join(e[0].String(), e[1].String())
	}
	b.checker.slots = len(b.slots)
	b.checker.root = b.plan(r.Root, nil, []string{"$"}, nil)
	return b.checker, true
}

// planner makes the plans of one resource.
type planner struct {
	standard *Standard
	checker  *Checker
	slots    map[string]int // by path
	classes  map[string]int // by path
}

// join puts two paths into one group of equal values.
func (b *planner) join(x, y string) {
	cx, okx := b.classes[x]
	cy, oky := b.classes[y]
	switch {
	case !okx && !oky:
		b.classes[x], b.classes[y] = b.checker.classes, b.checker.classes
		b.checker.classes++
	case !okx:
		b.classes[x] = cy
	case !oky:
		b.classes[y] = cx
	case cx != cy:
		for p, c := range b.classes {
			if c == cy {
				b.classes[p] = cx
			}
		}
	}
}

// plan makes the plan of o, which stands at path; pieces is that path in text, cut behind
// collections; keys are the paths of the item's key below here, by their place in it.
func (b *planner) plan(o *Object, path Path, pieces []string, keys []Path) *plan {
	p := &plan{site: &site{path: path, pieces: pieces}, byName: make(map[string]int, len(o.Properties)), open: o.Open}
	p.words = (len(o.Properties) + 63) / 64
	p.required = make([]uint64, p.words)
	p.guesses = b.checker.guesses
	b.checker.guesses += len(o.Properties) + 1
	if o.Reference != nil {
		p.ref = b.reference(o)
	}
	p.fields = make([]field, len(o.Properties))
	for i, prop := range o.Properties {
		p.byName[prop.Name] = i
		if prop.Required {
			p.required[i/64] |= 1 << (i % 64)
		}
		p.fields[i] = b.field(p, prop, keys)
	}
	return p
}

func (b *planner) reference(o *Object) *referencePlan {
	ref := &referencePlan{Reference: o.Reference, orders: map[string][]int{}}
	for _, k := range ref.Keys {
		ref.fold = append(ref.fold, descriptorAt(o, Path{k.Name}))
	}
	for _, name := range ref.Targets {
		if target, ok := b.standard.Resource(name); ok {
			ref.orders[name] = ref.keyOrder(target)
		}
	}
	return ref
}

func (b *planner) field(p *plan, prop *Property, keys []Path) field {
	path := append(slices.Clone(p.site.path), prop.Name)
	pieces := slices.Clone(p.site.pieces)
	pieces[len(pieces)-1] += "." + prop.Name
	f := field{quoted: `"` + prop.Name + `":`, Property: prop, site: &site{path: path, pieces: pieces}, slot: nowhere, part: nowhere, item: nowhere, class: nowhere}
	text := path.String()
	if slot, ok := b.slots[text]; ok && len(pieces) == 1 {
		f.slot = slot
	}
	if class, ok := b.classes[text]; ok {
		f.class = class
	}
	if p.ref != nil {
		f.part = slices.IndexFunc(p.ref.Keys, func(k ReferenceKey) bool { return k.Name == prop.Name })
	}
	var below []Path
	for i, k := range keys {
		rest := make(Path, 0, len(k))
		if len(k) > 0 && k[0] == prop.Name {
			if len(k) == 1 {
				f.item = i
			}
			rest = k[1:]
		}
		below = append(below, rest)
	}
	if prop.Kind == KindString && prop.Descriptor != "" {
		f.word = b.checker.spoken
		b.checker.spoken++
	}
	f.trim = prop.Kind == KindString && prop.Descriptor == "" && (f.slot != nowhere || f.part != nowhere || f.item != nowhere)
	switch {
	case prop.Kind == KindArray && prop.Object != nil:
		f.plan = b.plan(prop.Object, path, append(pieces, ""), prop.ItemKey)
		names := make([]string, len(prop.ItemKey))
		for i, k := range prop.ItemKey {
			names[i] = k.Leaf()
			f.plan.keyFold = append(f.plan.keyFold, descriptorAt(prop.Object, k))
		}
		f.plan.keyNames = strings.Join(names, ", ")
	case prop.Object != nil:
		f.plan = b.plan(prop.Object, path, pieces, below)
	}
	f.keyed = f.slot != nowhere || prop.Kind == KindObject && slices.ContainsFunc(f.plan.fields, func(f field) bool { return f.keyed })
	return f
}

func descriptorAt(o *Object, path Path) bool {
	for i, name := range path {
		p, ok := o.ByName[name]
		if !ok {
			return false
		}
		if i == len(path)-1 {
			return p.Descriptor != ""
		}
		o = p.Object
	}
	return false
}
