package sandbox

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/schema"
)

// record is one body under judgement, with the room its checks need. It belongs to one goroutine
// and is used again for the next body.
type record struct {
	tree     tree
	foldKeys bool
	body     []byte
	invalid  map[string][]string // messages by JSON path
	uses     []use
	seen     []bool
	parts    []int
	texts    [][]byte
	scratch  []byte
	values   [][]byte
}

// use is one thing the record refers to: a descriptor value, or a reference and the keys that the
// record it means may have.
type use struct {
	value *value
	ref   *reference
	node  int32
	keys  []key
}

// begin parses and binds the body in r.body.
func (r *record) begin(e *endpoint) error {
	r.uses = r.uses[:0]
	r.invalid = nil
	if err := r.tree.parse(r.body); err != nil {
		return err
	}
	r.tree.bind(0, e.root)
	return nil
}

// say adds a message at a path.
func (r *record) say(path, format string, args ...any) {
	if r.invalid == nil {
		r.invalid = map[string][]string{}
	}
	r.invalid[path] = append(r.invalid[path], fmt.Sprintf(format, args...))
}

// check judges the record as an ODS does before it asks the database: first shapes and values, then
// descriptors, then unified keys and collections. The messages of the first step that has any are
// in r.invalid.
func (r *record) check(e *endpoint) bool {
	r.checkObject(0, e.root)
	if e.Descriptor != "" && r.invalid == nil {
		r.checkDescriptorResource(e)
	}
	if r.invalid == nil {
		r.findUses(0, e.root)
	}
	if r.invalid == nil {
		r.checkUnified(e)
		r.checkCollections(0)
	}
	return r.invalid == nil
}

// checkObject judges the members of the object at node n.
func (r *record) checkObject(n int32, s *shape) {
	base := len(r.seen)
	for range s.fields {
		r.seen = append(r.seen, false)
	}
	t := &r.tree
	for c := t.nodes[n].child; c != 0; c = t.nodes[c].next {
		f := t.nodes[c].field
		if f == nil {
			continue
		}
		r.seen[base+f.index] = true
		r.checkValue(c, f)
	}
	for _, f := range s.fields {
		if f.Required && !r.seen[base+f.index] && s.ref == nil {
			r.say(t.path(n)+"."+f.Name, "%s is required.", f.title)
		}
	}
	r.seen = r.seen[:base]
}

func (r *record) checkValue(n int32, f *field) {
	nd := &r.tree.nodes[n]
	switch f.Kind {
	case schema.KindArray:
		if nd.kind != jsonArray {
			r.say(r.tree.path(n), "%s must be a collection.", f.title)
			return
		}
		if nd.child == 0 && f.Required {
			r.say(r.tree.path(n), "%s must have at least one item.", f.title)
		}
		for c := nd.child; c != 0; c = r.tree.nodes[c].next {
			if r.tree.nodes[c].kind != jsonObject {
				r.say(r.tree.path(c), "An item of %s must be an object.", f.title)
				continue
			}
			r.checkObject(c, f.shape)
		}
	case schema.KindObject:
		if nd.kind != jsonObject {
			r.say(r.tree.path(n), "%s must be an object.", f.title)
			return
		}
		if f.shape == nil {
			return
		}
		r.checkObject(n, f.shape)
		if f.shape.ref != nil {
			r.checkReference(n, f)
		}
	default:
		if message := scalarFault(nd, f); message != "" {
			r.say(r.tree.path(n), "%s", message)
		}
	}
}

// checkReference demands all parts of a reference of which some are there.
func (r *record) checkReference(n int32, f *field) {
	var missing []string
	for _, part := range f.shape.fields {
		if !part.Required {
			continue
		}
		if c := r.tree.member(n, part); c == 0 || r.tree.nodes[c].isDefault() {
			missing = append(missing, part.title)
		}
	}
	if missing != nil {
		r.say(r.tree.path(n), "%s is missing the following properties: %s", f.title, strings.Join(missing, ", "))
	}
}

// checkDescriptorResource judges what only a descriptor's own record must obey.
func (r *record) checkDescriptorResource(e *endpoint) {
	for _, p := range e.key {
		n := r.tree.at(0, p.path)
		text := r.tree.nodes[n].text
		switch p.path[0].Name {
		case "codeValue":
			if bytes.IndexByte(text, '#') >= 0 {
				r.say("$.codeValue", "CodeValue cannot contain '#'.")
			}
		case "namespace":
			if !descriptorNamespace(string(text)) {
				r.say("$.namespace", "Namespace is not a valid namespace for a descriptor (expected 'uri://[organization]/[name]Descriptor').")
			}
		}
	}
}

// descriptorNamespace accepts more segments between organization and name than an ODS does:
// published loaders use them.
func descriptorNamespace(text string) bool {
	rest, ok := strings.CutPrefix(text, "uri://")
	segments := strings.Split(rest, "/")
	if !ok || len(segments) < 2 {
		return false
	}
	for _, s := range segments {
		if s == "" {
			return false
		}
		for _, c := range s {
			letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
			if !letter && !strings.ContainsRune("$-_.+!*'(),", c) {
				return false
			}
		}
	}
	return true
}

// findUses collects what the record refers to, and says which descriptor values do not exist.
func (r *record) findUses(n int32, s *shape) {
	t := &r.tree
	for c := t.nodes[n].child; c != 0; c = t.nodes[c].next {
		f := t.nodes[c].field
		switch {
		case f == nil:
		case f.descriptor != nil && len(t.nodes[c].text) > 0:
			v := f.descriptor.values.find(t.nodes[c].text)
			if v == nil {
				r.say(t.path(c), "%s value '%s' does not exist.", f.descriptor.entity, t.nodes[c].text)
				continue
			}
			t.nodes[c].value = v
			if s.ref == nil { // a key part of a reference is covered by what the reference means
				r.addUse(use{value: v}, v.key)
			}
		case f.Kind == schema.KindArray:
			for i := t.nodes[c].child; i != 0; i = t.nodes[i].next {
				r.findUses(i, f.shape)
			}
		case f.shape != nil:
			r.findUses(c, f.shape)
			if f.shape.ref != nil {
				r.addReference(c, f.shape.ref)
			}
		}
	}
}

// addUse appends a use with the room for keys that an earlier body left.
func (r *record) addUse(u use, keys ...key) {
	if len(r.uses) < cap(r.uses) {
		u.keys = r.uses[:len(r.uses)+1][len(r.uses)].keys[:0]
	}
	u.keys = append(u.keys, keys...)
	r.uses = append(r.uses, u)
}

func (r *record) addReference(n int32, ref *reference) {
	r.addUse(use{ref: ref, node: n})
	u := &r.uses[len(r.uses)-1]
	for _, t := range ref.targets {
		u.keys = append(u.keys, r.targetKey(n, t))
	}
}

// checkUnified demands that values which are one value in the database are equal.
func (r *record) checkUnified(e *endpoint) {
	for _, pair := range e.Equal {
		r.unify(0, pair[0], pair[1])
	}
}

// unify compares the values of both paths below node n; where they run through the same collection
// it compares within each item.
func (r *record) unify(n int32, a, b schema.Path) {
	t := &r.tree
	if len(a) > 1 && len(b) > 1 && a[0] == b[0] {
		for c := t.nodes[n].child; c != 0; c = t.nodes[c].next {
			if f := t.nodes[c].field; f == nil || f.Name != a[0] {
				continue
			}
			if t.nodes[c].kind != jsonArray {
				r.unify(c, a[1:], b[1:])
				continue
			}
			for i := t.nodes[c].child; i != 0; i = t.nodes[i].next {
				r.unify(i, a[1:], b[1:])
			}
		}
		return
	}
	first := r.firstValue(n, a)
	if first == 0 {
		return
	}
	if odd := r.firstOther(n, b, first); odd != 0 {
		r.unequal(first, odd)
		return
	}
	if odd := r.firstOther(n, a, first); odd != 0 && r.firstValue(n, b) != 0 {
		r.unequal(first, odd)
	}
}

func (r *record) unequal(a, b int32) {
	t := &r.tree
	name := t.nodes[b].field.Name
	r.say(t.path(b), "All values supplied for '%s' must match. Review all references and align the following conflicting values: '%s', '%s'",
		name, t.nodes[a].text, t.nodes[b].text)
}

// firstValue is the first node that path leads to from n.
func (r *record) firstValue(n int32, path schema.Path) int32 {
	return r.search(n, path, func(int32) bool { return true })
}

// firstOther is the first node that path leads to whose value is not that of node like.
func (r *record) firstOther(n int32, path schema.Path, like int32) int32 {
	return r.search(n, path, func(c int32) bool { return !r.equal(c, like) })
}

func (r *record) search(n int32, path schema.Path, ok func(int32) bool) int32 {
	t := &r.tree
	for c := t.nodes[n].child; c != 0; c = t.nodes[c].next {
		if f := t.nodes[c].field; f == nil || f.Name != path[0] {
			continue
		}
		switch {
		case t.nodes[c].kind == jsonArray:
			for i := t.nodes[c].child; i != 0; i = t.nodes[i].next {
				if found := r.search(i, path[1:], ok); found != 0 {
					return found
				}
			}
		case len(path) > 1:
			return r.search(c, path[1:], ok)
		case ok(c):
			return c
		}
	}
	return 0
}

func (r *record) equal(a, b int32) bool {
	x, y := &r.tree.nodes[a], &r.tree.nodes[b]
	if bytes.Equal(x.text, y.text) {
		return true
	}
	r.scratch = r.appendCanonical(r.scratch[:0], x.text, x.field.Kind, x.field.descriptor != nil)
	cut := len(r.scratch)
	r.scratch = r.appendCanonical(r.scratch, y.text, y.field.Kind, y.field.descriptor != nil)
	return bytes.Equal(r.scratch[:cut], r.scratch[cut:])
}

// checkCollections refuses items of one collection with the same identifying values.
func (r *record) checkCollections(n int32) {
	t := &r.tree
	for c := t.nodes[n].child; c != 0; c = t.nodes[c].next {
		f := t.nodes[c].field
		if f == nil || f.shape == nil {
			continue
		}
		if t.nodes[c].kind != jsonArray {
			r.checkCollections(c)
			continue
		}
		for i := t.nodes[c].child; i != 0; i = t.nodes[i].next {
			r.checkCollections(i)
		}
		if len(f.itemKey) > 0 {
			r.checkItems(c, f)
		}
	}
}

func (r *record) checkItems(n int32, f *field) {
	t := &r.tree
	r.values = r.values[:0]
	r.scratch = r.scratch[:0]
	place := 0
	for i := t.nodes[n].child; i != 0; i = t.nodes[i].next {
		from := len(r.scratch)
		for _, way := range f.itemKey {
			if leaf := t.at(i, way); leaf != 0 {
				nd := &t.nodes[leaf]
				r.scratch = r.appendCanonical(r.scratch, nd.text, nd.field.Kind, nd.field.descriptor != nil)
			}
			r.scratch = append(r.scratch, 0) // no text holds NUL but by an escape, which a key part may not have
		}
		mine := r.scratch[from:]
		for _, other := range r.values {
			if bytes.Equal(other, mine) {
				r.say(t.path(i), "The %s item of the %s has the same identifying values as another item earlier in the list.", ordinal(place+1), f.title)
				break
			}
		}
		r.values = append(r.values, mine) // stays valid when scratch moves: the old array is kept alive
		place++
	}
}

// ordinal writes 2 as 2nd.
func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return fmt.Sprint(n) + suffix
}
