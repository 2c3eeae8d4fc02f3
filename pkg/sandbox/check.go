package sandbox

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/schema"
)

// check judges one record as an ODS does before it writes to the database:
//
//	shapes and values ─► descriptor values ─► unified keys, collections
//
// The messages of the first step that has any hold back the later ones. On the way it collects what
// the record refers to.
type check struct {
	model    *model
	store    *store
	endpoint *endpoint

	at       []step              // where the check is in the record
	invalid  map[string][]string // messages by JSON path
	values   []*row              // descriptors whose values the record uses
	pointers []pointer           // what its references mean
}

// step is a member's name, or the number of an item.
type step struct {
	name string
	item int
}

// pointer is a reference of a record: the keys that the record it means may have, one for each target.
type pointer struct {
	*reference
	keys []string
}

// say adds a message at the place where the check is.
func (c *check) say(format string, args ...any) {
	path := "$"
	for _, s := range c.at {
		if s.name == "" {
			path += "[" + strconv.Itoa(s.item) + "]"
		} else {
			path += "." + s.name
		}
	}
	if c.invalid == nil {
		c.invalid = map[string][]string{}
	}
	c.invalid[path] = append(c.invalid[path], fmt.Sprintf(format, args...))
}

func (c *check) enter(name string) { c.at = append(c.at, step{name: name}) }
func (c *check) enterItem(i int)   { c.at = append(c.at, step{item: i}) }
func (c *check) leave()            { c.at = c.at[:len(c.at)-1] }

// run judges a tidy record.
func (c *check) run(body object) bool {
	root := c.endpoint.Root
	c.checkObject(root, body)
	if c.endpoint.Descriptor != "" && c.invalid == nil {
		c.checkDescriptor(body)
	}
	if c.invalid == nil {
		c.findUses(root, body)
	}
	if c.invalid == nil {
		for _, pair := range c.endpoint.Equal {
			c.unify(root, body, pair[0], pair[1])
		}
		c.checkCollections(root, body)
	}
	return c.invalid == nil
}

// checkObject judges the members of an object.
func (c *check) checkObject(o *schema.Object, m object) {
	for _, p := range o.Properties {
		v, ok := m[p.Name]
		if !ok && (!p.Required || o.Reference != nil) { // what a reference lacks is said of it as a whole
			continue
		}
		c.enter(p.Name)
		if ok {
			c.checkValue(p, v, o.Reference != nil)
		} else {
			c.say("%s is required.", title(p.Name))
		}
		c.leave()
	}
}

func (c *check) checkValue(p *schema.Property, v any, inReference bool) {
	switch p.Kind {
	case schema.KindArray:
		c.checkItems(p, v)
	case schema.KindObject:
		m, ok := v.(object)
		if !ok {
			c.say("%s must be an object.", title(p.Name))
		} else if p.Object != nil {
			c.checkObject(p.Object, m)
			if p.Object.Reference != nil {
				c.checkReference(p, m)
			}
		}
	default:
		if message := scalarFault(p, v, inReference || c.endpoint.inKey[p]); message != "" {
			c.say("%s", message)
		}
	}
}

func (c *check) checkItems(p *schema.Property, v any) {
	items, ok := v.([]any)
	if !ok {
		c.say("%s must be a collection.", title(p.Name))
		return
	}
	if len(items) == 0 && p.Required {
		c.say("%s must have at least one item.", title(p.Name))
	}
	for i, item := range items {
		c.enterItem(i)
		if item, ok := item.(object); ok {
			c.checkObject(p.Object, item)
		} else {
			c.say("An item of %s must be an object.", title(p.Name))
		}
		c.leave()
	}
}

// checkReference demands all parts of a reference of which some are there.
func (c *check) checkReference(p *schema.Property, m object) {
	var missing []string
	for _, part := range p.Object.Properties {
		if part.Required && isDefault(m[part.Name]) {
			missing = append(missing, title(part.Name))
		}
	}
	if missing != nil {
		c.say("%s is missing the following properties: %s", title(p.Name), strings.Join(missing, ", "))
	}
}

// checkDescriptor judges what only the record of a descriptor must obey.
func (c *check) checkDescriptor(body object) {
	if strings.Contains(textOf(body["codeValue"]), "#") {
		c.enter("codeValue")
		c.say("CodeValue cannot contain '#'.")
		c.leave()
	}
	if !isDescriptorNamespace(textOf(body["namespace"])) {
		c.enter("namespace")
		c.say("Namespace is not a valid namespace for a descriptor (expected 'uri://[organization]/[name]Descriptor').")
		c.leave()
	}
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

// findUses collects what the record refers to, and says which descriptor values do not exist.
func (c *check) findUses(o *schema.Object, m object) {
	for _, p := range o.Properties {
		v, ok := m[p.Name]
		if !ok {
			continue
		}
		c.enter(p.Name)
		switch v := v.(type) {
		case string:
			if p.Descriptor != "" && v != "" {
				c.findValue(c.model.byType[p.Descriptor], v, o.Reference != nil)
			}
		default:
			if p.Object == nil {
				break
			}
			c.eachObject(v, func(inner object) bool {
				c.findUses(p.Object, inner)
				return true
			})
			if p.Object.Reference != nil {
				c.addPointer(c.model.references[p.Object.Reference], v.(object))
			}
		}
		c.leave()
	}
}

func (c *check) findValue(d *endpoint, value string, inReference bool) {
	found := c.store.value(d, value)
	if found == nil {
		c.say("%s value '%s' does not exist.", d.entity, value)
	} else if !inReference && !slices.Contains(c.values, found) { // what a reference means holds its own
		c.values = append(c.values, found)
	}
}

func (c *check) addPointer(ref *reference, m object) {
	p := pointer{reference: ref}
	for _, t := range ref.targets {
		p.keys = append(p.keys, c.model.targetKey(t, m))
	}
	c.pointers = append(c.pointers, p)
}

// follow visits the values that a path leads to, until visit says no.
func (c *check) follow(o *schema.Object, m object, path schema.Path, visit func(p *schema.Property, v any) bool) bool {
	p, v := o.ByName[path[0]], m[path[0]]
	if v == nil {
		return true
	}
	c.enter(path[0])
	defer c.leave()
	if len(path) == 1 {
		return visit(p, v)
	}
	return c.eachObject(v, func(inner object) bool { return c.follow(p.Object, inner, path[1:], visit) })
}

// eachObject visits an object, or the items of a collection, until visit says no.
func (c *check) eachObject(v any, visit func(m object) bool) bool {
	switch v := v.(type) {
	case object:
		return visit(v)
	case []any:
		for i, item := range v {
			c.enterItem(i)
			more := visit(item.(object))
			c.leave()
			if !more {
				return false
			}
		}
	}
	return true
}

// unify demands that values which are one value in the database are equal. Where both paths run
// through the same collection, it compares within each item.
func (c *check) unify(o *schema.Object, m object, a, b schema.Path) {
	if len(a) > 1 && len(b) > 1 && a[0] == b[0] {
		c.enter(a[0])
		c.eachObject(m[a[0]], func(inner object) bool {
			c.unify(o.ByName[a[0]].Object, inner, a[1:], b[1:])
			return true
		})
		c.leave()
		return
	}
	var first any
	c.follow(o, m, a, func(_ *schema.Property, v any) bool { first = v; return false })
	if first == nil {
		return
	}
	both := false
	same := func(p *schema.Property, v any) bool {
		both = true
		if v == first || c.canonical(p, v) == c.canonical(p, first) {
			return true
		}
		c.say("All values supplied for '%s' must match. Review all references and align the following conflicting values: '%s', '%s'",
			p.Name, textOf(first), textOf(v))
		return false
	}
	if c.follow(o, m, b, same) && both {
		c.follow(o, m, a, same)
	}
}

// checkCollections refuses items of one collection with the same identifying values.
func (c *check) checkCollections(o *schema.Object, m object) {
	for _, p := range o.Properties {
		v, ok := m[p.Name]
		if !ok || p.Object == nil || p.Object.Reference != nil {
			continue
		}
		c.enter(p.Name)
		items, _ := v.([]any)
		seen := make(map[string]bool, len(items))
		c.eachObject(v, func(item object) bool {
			c.checkCollections(p.Object, item)
			if len(items) < 2 || len(p.ItemKey) == 0 {
				return true
			}
			key := c.itemKey(p, item)
			if seen[key] {
				c.say("The %s item of the %s has the same identifying values as another item earlier in the list.",
					ordinal(c.at[len(c.at)-1].item+1), title(p.Name))
			}
			seen[key] = true
			return true
		})
		c.leave()
	}
}

// itemKey is what identifies an item in its collection.
func (c *check) itemKey(p *schema.Property, item object) string {
	key := ""
	for i, path := range p.ItemKey {
		o := p.Object
		for _, name := range path[:len(path)-1] {
			o = o.ByName[name].Object
		}
		part := c.identifying(o.ByName[path.Leaf()], at(item, path))
		if i == 0 {
			key = part
		} else {
			key += "\x00" + part
		}
	}
	return key
}

// identifying is the same text for values that are equal; for a descriptor's that of its record.
func (c *check) identifying(p *schema.Property, v any) string {
	if text, ok := v.(string); ok && p.Descriptor != "" {
		if found := c.store.value(c.model.byType[p.Descriptor], text); found != nil {
			return found.Key
		}
	}
	return c.canonical(p, v)
}

func (c *check) canonical(p *schema.Property, v any) string {
	return canonical(p.Kind, v, c.model.foldKeys || p.Descriptor != "")
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
	return strconv.Itoa(n) + suffix
}
