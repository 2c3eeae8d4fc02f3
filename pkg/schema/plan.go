package schema

import (
	"slices"
	"strings"
)

// Checker checks records of one resource, over their bytes and in one pass. It is immutable and
// safe for concurrent use.
//
// It is compiled from the facts of the standard before the first record: for each place in the
// resource a plan says which properties may be there and where their values have to be kept: for the
// record's key, for the reference or the item they are part of, for comparison with equal places.
type Checker struct {
	resource    *Resource
	generations Generations // that judge its records
	root        *plan
	key         []keySlots
	slots       int // values of the record that make its key
	groups      int // groups of places whose values must be equal
	guesses     int // entries of scratch.guesses that the plans need
	descriptors int // fields that hold descriptor values
}

// keySlots says where the value of one part of the key is kept: the first slot that is filled counts.
type keySlots struct {
	name  string
	slots []int
	fold  bool // compare without regard to case
}

// plan is an object at one place in the resource.
type plan struct {
	path     *pathTemplate
	fields   []field
	byName   map[string]int
	required []uint64 // a bit for each field that is required
	words    int      // of such a set of fields
	guesses  int      // where this plan's entries of scratch.guesses begin
	open     bool     // other properties are allowed
	ref      *referencePlan
	keyFold  []bool // of an item, by part of its key: compare without regard to case
	keyFree  []bool // it may be missing, and then counts as empty
	keyNames string // of an item: the names of these parts, for messages
}

// referencePlan is a reference, with how its parts make the key of what it points at.
type referencePlan struct {
	*Reference
	orders map[string][]int // by target: for each part of its key, which of Keys gives the value
	fold   []bool           // by part: compare without regard to case
}

// field is a property at one place. What does not apply to it is none.
type field struct {
	quoted string // its name with quotes and colon
	*Property
	path   *pathTemplate
	plan   *plan // of the object, or of the items
	trim   bool  // a part of a key: blanks around it are refused
	keyed  bool  // it is or holds a part of the record's key
	slot   int   // where its value is kept for the record's key
	part   int   // which part of the reference it is
	item   int   // which part of the key of the item
	group  int   // whose values must be equal
	memory int   // number among the fields that hold descriptor values
	digits int   // that targets keep behind a decimal's point
	ofKind descriptorPart
}

// descriptorPart says what a text is for the record of a descriptor.
type descriptorPart uint8

const (
	descriptorCode descriptorPart = iota + 1
	descriptorNamespace
)

const none = -1

// Checker compiles the check of a resource's records.
func (s *Standard) Checker(resource string) (*Checker, bool) {
	r, ok := s.Resource(resource)
	if !ok {
		return nil, false
	}
	c := &compiler{standard: s, checker: &Checker{resource: r, generations: s.generations()}, slots: map[string]int{}, groups: map[string]int{}}
	for _, k := range r.Identity {
		ks := keySlots{name: k.Path.Leaf(), fold: k.Descriptor != ""}
		for _, p := range append([]Path{k.Path}, k.Also...) {
			c.slots[p.String()] = len(c.slots)
			ks.slots = append(ks.slots, c.slots[p.String()])
		}
		c.checker.key = append(c.checker.key, ks)
	}
	for _, e := range r.Equal {
		c.join(e[0].String(), e[1].String())
	}
	c.checker.slots = len(c.slots)
	c.checker.root = c.plan(r.Root, &pathTemplate{pieces: []string{"$"}}, nil)
	return c.checker, true
}

// compiler makes the plans of one resource.
type compiler struct {
	standard *Standard
	checker  *Checker
	slots    map[string]int // by path
	groups   map[string]int // by path
}

// join puts two paths, and what is equal to either, into one group.
func (c *compiler) join(x, y string) {
	gx, okx := c.groups[x]
	gy, oky := c.groups[y]
	switch {
	case !okx && !oky:
		c.groups[x], c.groups[y] = c.checker.groups, c.checker.groups
		c.checker.groups++
	case !okx:
		c.groups[x] = gy
	case !oky:
		c.groups[y] = gx
	case gx != gy:
		for p, g := range c.groups {
			if g == gy {
				c.groups[p] = gx
			}
		}
	}
}

// plan makes the plan of the object at path. For an object inside an item, itemKey holds the parts of
// the item's key, each as the rest of its path from this object on; a part that is elsewhere is empty.
func (c *compiler) plan(o *Object, path *pathTemplate, itemKey []Path) *plan {
	p := &plan{path: path, byName: make(map[string]int, len(o.Properties)), open: o.Open}
	p.words = (len(o.Properties) + 63) / 64
	p.required = make([]uint64, p.words)
	p.guesses = c.checker.guesses
	c.checker.guesses += len(o.Properties) + 1
	if o.Reference != nil {
		p.ref = c.reference(o)
	}
	p.fields = make([]field, len(o.Properties))
	for i, prop := range o.Properties {
		p.byName[prop.Name] = i
		if prop.Required {
			p.required[i/64] |= 1 << (i % 64)
		}
		p.fields[i] = c.field(p, prop, itemKey)
	}
	return p
}

func (c *compiler) reference(o *Object) *referencePlan {
	ref := &referencePlan{Reference: o.Reference, orders: map[string][]int{}}
	for _, k := range ref.Keys {
		ref.fold = append(ref.fold, o.holdsDescriptor(Path{k.Name}))
	}
	for _, name := range ref.Targets {
		if target, ok := c.standard.Resource(name); ok {
			ref.orders[name] = ref.keyOrder(target)
		}
	}
	return ref
}

// field makes the field of prop in p: first which parts its value is, then the plan of what is in it.
func (c *compiler) field(p *plan, prop *Property, itemKey []Path) field {
	path := p.path.member(prop.Name)
	f := field{quoted: `"` + prop.Name + `":`, Property: prop, path: path, slot: none, part: none, item: none, group: none, digits: digitsOf(prop)}
	if c.checker.resource.Descriptor != "" && len(path.names) == 1 {
		f.ofKind = map[string]descriptorPart{"codeValue": descriptorCode, "namespace": descriptorNamespace}[prop.Name]
	}
	if slot, ok := c.slots[path.names.String()]; ok && len(path.pieces) == 1 {
		f.slot = slot
	}
	if group, ok := c.groups[path.names.String()]; ok {
		f.group = group
	}
	if p.ref != nil {
		f.part = slices.IndexFunc(p.ref.Keys, func(k ReferenceKey) bool { return k.Name == prop.Name })
	}
	inside := make([]Path, len(itemKey))
	for i, k := range itemKey {
		switch {
		case len(k) == 0 || k[0] != prop.Name:
		case len(k) == 1:
			f.item = i
		default:
			inside[i] = k[1:]
		}
	}
	if prop.Kind == KindString && prop.Descriptor != "" {
		f.memory = c.checker.descriptors
		c.checker.descriptors++
	}
	f.trim = prop.Kind == KindString && prop.Descriptor == "" && (f.slot != none || f.part != none || f.item != none)
	f.keyed = f.slot != none
	switch {
	case prop.Kind == KindArray && prop.Object != nil:
		f.plan = c.items(prop, path)
	case prop.Object != nil:
		f.plan = c.plan(prop.Object, path, inside)
		f.keyed = f.keyed || slices.ContainsFunc(f.plan.fields, func(f field) bool { return f.keyed })
	}
	return f
}

// digitsOf is how many digits behind the point targets keep of a decimal, as far as its maximum tells, which is
// then written in nines: 9999999.99.
func digitsOf(p *Property) int {
	if p.Kind != KindNumber || p.Maximum == nil {
		return none
	}
	whole, fraction, found := strings.Cut(boundText(*p.Maximum), ".")
	if !found || strings.Trim(whole+fraction, "9") != "" {
		return none
	}
	return len(fraction)
}

// items makes the plan of a collection's items.
func (c *compiler) items(prop *Property, path *pathTemplate) *plan {
	p := c.plan(prop.Object, &pathTemplate{names: path.names, pieces: append(slices.Clone(path.pieces), "")}, prop.ItemKey)
	names := make([]string, len(prop.ItemKey))
	for i, k := range prop.ItemKey {
		names[i] = k.Leaf()
		p.keyFold = append(p.keyFold, prop.Object.holdsDescriptor(k))
		first, ok := prop.Object.ByName[k[0]]
		p.keyFree = append(p.keyFree, ok && !first.Required)
	}
	p.keyNames = strings.Join(names, ", ")
	return p
}

// member is the path of a property of the object at t.
func (t *pathTemplate) member(name string) *pathTemplate {
	pieces := slices.Clone(t.pieces)
	pieces[len(pieces)-1] += "." + name
	return &pathTemplate{names: append(slices.Clone(t.names), name), pieces: pieces, pattern: strings.Join(pieces, "[*]")}
}

// holdsDescriptor reports whether the property at path, from o on, holds a descriptor value.
func (o *Object) holdsDescriptor(path Path) bool {
	p, ok := o.property(path)
	return ok && p.Descriptor != ""
}
