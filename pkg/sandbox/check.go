package sandbox

import (
	"bytes"
	"cmp"
	"fmt"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/schema"
)

// check judges one record as an ODS does before it writes to the database. On the way it collects what
// the record refers to.
type check struct {
	*arena   // with where the check is in the record, and what it finds
	model    *model
	store    *store
	endpoint *endpoint

	said       [4]map[string][]string // messages of each stage by JSON path
	unresolved string                 // the first reference that points at nothing
}

// The stages of an ODS. The messages of the first that has any hold back those of the later ones.
const (
	ofShape = iota // and of values
	ofDescriptor
	ofExistence // of descriptor values
	ofEquality  // unified keys, items of collections
)

// say adds a message at the place where the check is.
func (c *check) say(stage int, format string, args ...any) {
	if c.said[stage] == nil {
		c.said[stage] = map[string][]string{}
	}
	path := "$" + string(c.path)
	c.said[stage][path] = append(c.said[stage][path], fmt.Sprintf(format, args...))
}

// enter goes to a member, and enterItem to an item; both say where to leave to.
func (c *check) enter(name string) (back int) {
	back = len(c.path)
	c.path = append(append(c.path, '.'), name...)
	return back
}

func (c *check) enterItem(i int) (back int) {
	back = len(c.path)
	c.path = append(strconv.AppendInt(append(c.path, '['), int64(i), 10), ']')
	return back
}

func (c *check) leave(back int) { c.path = c.path[:back] }

// run judges a record, and returns the messages.
func (c *check) run(m record) map[string][]string {
	root := c.endpoint.Root
	c.object(root, m)
	if c.endpoint.Descriptor != "" {
		c.descriptor(m)
	}
	if c.messages() == nil {
		for _, pair := range c.endpoint.Equal {
			c.unify(root, m, pair[0], pair[1])
		}
	}
	return c.messages()
}

func (c *check) messages() map[string][]string {
	for _, said := range c.said {
		if said != nil {
			return said
		}
	}
	return nil
}

// object judges the members of an object. What a reference lacks is said of it as a whole.
func (c *check) object(o *schema.Object, m []value) {
	for i, p := range o.Properties {
		if m[i].kind == 0 && (!p.Required || o.Reference != nil) {
			continue
		}
		back := c.enter(p.Name)
		if m[i].kind == 0 {
			c.say(ofShape, "%s is required.", title(p.Name))
		} else {
			c.value(o, p, m[i])
		}
		c.leave(back)
	}
}

func (c *check) value(o *schema.Object, p *schema.Property, v value) {
	inReference := o.Reference != nil
	switch p.Kind {
	case schema.KindArray:
		c.collection(p, v)
	case schema.KindObject:
		if v.kind != '{' {
			c.say(ofShape, "%s must be an object.", title(p.Name))
			return
		}
		c.object(p.Object, v.parts)
		if p.Object.Reference != nil {
			c.reference(p, v.parts)
		}
	default:
		if message := scalarFault(p, v, inReference || c.endpoint.inKey[p]); message != "" {
			c.say(ofShape, "%s", message)
		} else if p.Descriptor != "" && len(v.text) > 0 {
			c.descriptorValue(c.model.byType[p.Descriptor], v.text, inReference)
		}
	}
}

// collection judges the items of a collection, no two of which may have the same identifying values.
func (c *check) collection(p *schema.Property, v value) {
	if v.kind != '[' {
		c.say(ofShape, "%s must be a collection.", title(p.Name))
		return
	}
	if len(v.parts) == 0 && p.Required {
		c.say(ofShape, "%s must have at least one item.", title(p.Name))
	}
	from := len(c.items)
	for i, item := range v.parts {
		back := c.enterItem(i)
		if item.kind != '{' {
			c.say(ofShape, "An item of %s must be an object.", title(p.Name))
		} else {
			c.object(p.Object, item.parts)
			if len(v.parts) > 1 && len(p.ItemKey) > 0 {
				c.item(p, i, item.parts, from)
			}
		}
		c.leave(back)
	}
	c.items = c.items[:from]
}

// item refuses an item whose identifying values were seen before in its collection, whose items are those
// from a place on, hashed.
func (c *check) item(p *schema.Property, i int, item []value, from int) {
	var room [256]byte
	key := room[:0]
	for _, path := range p.ItemKey {
		if leaf, v := at(p.Object, item, path); v.kind != 0 {
			key = appendCanonical(key, leaf.Kind, v.text, c.folds(leaf))
		}
		key = append(key, 0)
	}
	sum := maphash.Bytes(keySeeds[0], key)
	if slices.Contains(c.items[from:], sum) {
		c.say(ofEquality, "The %s item of the %s has the same identifying values as another item earlier in the list.",
			ordinal(i+1), title(p.Name))
	}
	c.items = append(c.items, sum)
}

// reference demands all parts of a reference of which some are there, and collects what it means.
func (c *check) reference(p *schema.Property, m []value) {
	var missing []string
	for i, part := range p.Object.Properties {
		if part.Required && m[i].isDefault() {
			missing = append(missing, title(part.Name))
		}
	}
	if missing != nil {
		c.say(ofShape, "%s is missing the following properties: %s", title(p.Name), strings.Join(missing, ", "))
		return
	}
	ref := c.model.references[p.Object.Reference]
	for _, t := range ref.targets {
		if n, ok := c.store.lookup(t.endpoint, c.model.targetKey(t, m)); ok {
			c.refer(n)
			return
		}
	}
	c.unresolved = cmp.Or(c.unresolved, ref.name)
}

// refer collects what the record refers to.
func (c *check) refer(n uint32) {
	if !slices.Contains(c.refs, n) {
		c.refs = append(c.refs, n)
	}
}

// descriptorValue says that a descriptor value does not exist, or collects it.
func (c *check) descriptorValue(d *endpoint, text []byte, inReference bool) {
	found, ok := c.store.value(d, text)
	if !ok {
		c.say(ofExistence, "%s value '%s' does not exist.", d.entity, text)
	} else if !inReference { // what a reference means holds its own
		c.refer(found)
	}
}

// descriptor judges what only the record of a descriptor must obey.
func (c *check) descriptor(m record) {
	must := func(name string, valid bool, message string) {
		defer c.leave(c.enter(name))
		if !valid {
			c.say(ofDescriptor, "%s", message)
		}
	}
	must("codeValue", !strings.Contains(c.endpoint.text(m, "codeValue"), "#"), "CodeValue cannot contain '#'.")
	must("namespace", isDescriptorNamespace(c.endpoint.text(m, "namespace")),
		"Namespace is not a valid namespace for a descriptor (expected 'uri://[organization]/[name]Descriptor').")
}

// isDescriptorNamespace accepts more segments between organization and name than an ODS does:
// published loaders use them.
func isDescriptorNamespace(text string) bool {
	rest, ok := strings.CutPrefix(text, "uri://")
	segments := strings.Split(rest, "/")
	foreign := func(c rune) bool {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		return !letter && !strings.ContainsRune("/$-_.+!*'(),", c)
	}
	return ok && len(segments) >= 2 && !slices.Contains(segments, "") && !strings.ContainsFunc(rest, foreign)
}

// follow visits the values that a path leads to, until visit says no.
func (c *check) follow(o *schema.Object, m []value, path schema.Path, visit func(p *schema.Property, v value) bool) bool {
	i, _ := part(o, path[0])
	if m[i].kind == 0 {
		return true
	}
	defer c.leave(c.enter(path[0]))
	if len(path) == 1 {
		return visit(o.Properties[i], m[i])
	}
	return c.each(m[i], func(inner []value) bool { return c.follow(o.Properties[i].Object, inner, path[1:], visit) })
}

// each visits an object, or the items of a collection, until visit says no.
func (c *check) each(v value, visit func(m []value) bool) bool {
	if v.kind == '{' {
		return visit(v.parts)
	}
	for i, item := range v.parts {
		back := c.enterItem(i)
		more := visit(item.parts)
		c.leave(back)
		if !more {
			return false
		}
	}
	return true
}

// unify demands that values which are one value in the database are equal. Where both paths run
// through the same collection, it compares within each item.
func (c *check) unify(o *schema.Object, m []value, a, b schema.Path) {
	if len(a) > 1 && len(b) > 1 && a[0] == b[0] {
		i, _ := part(o, a[0])
		back := c.enter(a[0])
		c.each(m[i], func(inner []value) bool {
			c.unify(o.Properties[i].Object, inner, a[1:], b[1:])
			return true
		})
		c.leave(back)
		return
	}
	var first value
	c.follow(o, m, a, func(_ *schema.Property, v value) bool { first = v; return false })
	if first.kind == 0 {
		return
	}
	both := false
	same := func(p *schema.Property, v value) bool {
		both = true
		if bytes.Equal(v.text, first.text) || c.canonical(p, v) == c.canonical(p, first) {
			return true
		}
		c.say(ofEquality, "All values supplied for '%s' must match. "+
			"Review all references and align the following conflicting values: '%s', '%s'", p.Name, first.text, v.text)
		return false
	}
	if c.follow(o, m, b, same) && both {
		c.follow(o, m, a, same)
	}
}

// canonical is the same text for values that are equal.
func (c *check) canonical(p *schema.Property, v value) string {
	return canonical(p.Kind, v.text, c.folds(p))
}

// folds says that values of a property are compared without regard to case.
func (c *check) folds(p *schema.Property) bool { return c.model.foldKeys || p.Descriptor != "" }

// ordinal writes 2 as 2nd.
func ordinal(n int) string {
	suffix := "th"
	if last := n % 10; last >= 1 && last <= 3 && n%100/10 != 1 {
		suffix = []string{"st", "nd", "rd"}[last-1]
	}
	return strconv.Itoa(n) + suffix
}
