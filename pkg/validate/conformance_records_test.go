package validate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-edfi/sluice/pkg/sandbox"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// Records are made of the facts of the standard: every property that there is, or the required ones alone, with
// references to the records that the target holds.

// record makes a record of a resource, with a natural key of its own.
func (p *proof) record(r *schema.Resource, full bool) map[string]any {
	p.n++
	record := p.object(r, r.Root, nil, full)
	for _, part := range r.Identity {
		if isStudent(r, part) && p.anchored {
			record[part.Path[0]].(map[string]any)["studentUniqueId"] = fmt.Sprint(sandbox.FirstStudent + p.n)
		}
	}
	for _, pair := range r.Equal {
		own, other := pair[0], pair[1]
		if len(own) != 1 {
			own, other = other, own
		}
		if len(own) == 1 && len(other) == 2 {
			if ref, ok := record[other[0]].(map[string]any); ok && record[own[0]] != nil {
				record[own[0]] = ref[other[1]]
			}
		}
	}
	return record
}

// isStudent says that the part of a key is a student that nothing else in the record depends on.
func isStudent(r *schema.Resource, part schema.KeyPart) bool {
	return slices.Equal(part.Path, schema.Path{"studentReference", "studentUniqueId"}) && !tied(r, part.Path)
}

// tied says that the value at a path must equal another one.
func tied(r *schema.Resource, path schema.Path) bool {
	return slices.ContainsFunc(r.Equal, func(pair [2]schema.Path) bool {
		return slices.Equal(pair[0], path) || slices.Equal(pair[1], path)
	})
}

// hasOwnKeys says that any number of records of the resource can be made.
func hasOwnKeys(r *schema.Resource) bool {
	return slices.ContainsFunc(r.Identity, func(part schema.KeyPart) bool {
		p, _ := r.Property(part.Path)
		own := len(part.Path) == 1 && part.Descriptor == "" && !isYear(p) && p.Kind != schema.KindBoolean
		return isStudent(r, part) || own && !tied(r, part.Path)
	})
}

func isYear(p *schema.Property) bool { return strings.HasSuffix(p.Name, "Year") }

func (p *proof) object(r *schema.Resource, o *schema.Object, at schema.Path, full bool) map[string]any {
	out := map[string]any{}
	if o.Reference != nil {
		return p.reference(r, o.Reference)
	}
	for _, prop := range o.Properties {
		path := append(slices.Clone(at), prop.Name)
		if !prop.Required && (!full || p.rnd.IntN(5) == 0) || prop.Name == "_ext" {
			continue
		}
		switch {
		case prop.Object == nil:
			out[prop.Name] = p.scalar(r, prop, path)
		case prop.Kind == schema.KindArray:
			if item := p.object(r, prop.Object, path, full); item != nil {
				out[prop.Name] = []any{item}
			}
		default:
			if inner := p.object(r, prop.Object, path, full); inner != nil {
				out[prop.Name] = inner
			}
		}
		if out[prop.Name] == nil && prop.Required {
			return nil
		}
	}
	return out
}

// reference refers to a record that the target holds; nil while it holds none.
func (p *proof) reference(r *schema.Resource, ref *schema.Reference) map[string]any {
	name := ref.Targets[0]
	if slices.Contains(ref.Targets, "schools") {
		name = "schools"
	}
	anchor, target := p.anchors[name], p.mustResource(name)
	if anchor == nil {
		return nil
	}
	out := map[string]any{}
	for _, k := range ref.Keys {
		path := k.Target
		if len(target.Identity) == 1 {
			path = target.Identity[0].Path
		}
		out[k.Name] = valueAt(anchor, path)
	}
	return out
}

func (p *proof) mustResource(name string) *schema.Resource {
	r, ok := p.std.Resource(name)
	if !ok {
		p.Fatalf("there is no %s", name)
	}
	return r
}

func valueAt(record map[string]any, path schema.Path) any {
	for _, name := range path[:len(path)-1] {
		record, _ = record[name].(map[string]any)
	}
	return record[path[len(path)-1]]
}

// scalar is a good value, another one for each record where it is part of the key.
func (p *proof) scalar(r *schema.Resource, prop *schema.Property, path schema.Path) any {
	key := slices.ContainsFunc(r.Identity, func(k schema.KeyPart) bool { return slices.Equal(k.Path, path) })
	switch prop.Kind {
	case schema.KindInteger, schema.KindNumber:
		n := 1
		switch {
		case isYear(prop):
			n = 2026
		case key:
			n = 3000 + p.n
		}
		if prop.Minimum != nil {
			n = max(n, int(*prop.Minimum))
		}
		if prop.Maximum != nil && float64(n) > *prop.Maximum {
			n = int(*prop.Maximum)
		}
		return n
	case schema.KindBoolean:
		return true
	case schema.KindDate:
		if key {
			return time.Date(1990, 1, p.n, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
		}
		return "2025-03-04"
	case schema.KindDateTime:
		if key {
			return time.Date(1990, 1, p.n, 14, 0, 0, 0, time.UTC).Format(time.RFC3339)
		}
		return "2025-03-04T14:00:00Z"
	case schema.KindTime:
		return "14:00:00"
	}
	if prop.Descriptor != "" {
		values := p.values[strings.ToLower(prop.Descriptor)]
		return values[p.rnd.IntN(len(values))]
	}
	text := "Made"
	if key {
		text = strconv.FormatInt(int64(p.n), 36)
	}
	if prop.Name == "namespace" {
		text = "uri://acme.org/" + text
	}
	if r.Descriptor != "" && prop.Name == "namespace" {
		text = "uri://acme.org/" + r.Descriptor
	}
	text += strings.Repeat("x", max(0, prop.MinLength-len(text)))
	if prop.MaxLength > 0 && len(text) > prop.MaxLength {
		text = text[:prop.MaxLength]
	}
	return text
}

// site is one property of a record.
type site struct {
	prop   *schema.Property
	holder map[string]any
	of     *schema.Object // that the holder is
	path   schema.Path
	root   bool             // of the record itself
	key    bool             // a part of the record's natural key
	tied   bool             // must equal another value
	facing bool             // and that one is there
	item   bool             // a part of what tells the items of a list apart
	items  *schema.Property // the list that the holder is an item of; nil: none
}

// inReference says that the property is a part of a reference.
func (s site) inReference() bool { return s.of.Reference != nil }

func (s site) text() bool {
	return s.prop.Object == nil && s.prop.Kind == schema.KindString && s.prop.Descriptor == ""
}

// free says that nothing else depends on the value: it may be changed alone.
func (s site) free() bool { return !s.key && !s.tied && !s.item && !s.inReference() }

func (s site) kind(k schema.Kind) bool { return s.prop.Kind == k }

func (s site) set(v any) { s.holder[s.prop.Name] = v }

func (s site) value() any { return s.holder[s.prop.Name] }

// sites are the properties of a record that are there, and the object of each.
func sites(r *schema.Resource, record map[string]any) []site {
	var out []site
	var walk func(o *schema.Object, holder map[string]any, at schema.Path, list *schema.Property)
	walk = func(o *schema.Object, holder map[string]any, at schema.Path, list *schema.Property) {
		for _, prop := range o.Properties {
			v, there := holder[prop.Name]
			if !there {
				continue
			}
			path := append(slices.Clone(at), prop.Name)
			s := site{prop: prop, holder: holder, of: o, path: path, root: len(at) == 0, tied: tied(r, path), items: list}
			s.key = slices.ContainsFunc(r.Identity, func(k schema.KeyPart) bool {
				return slices.Equal(k.Path, path) || slices.ContainsFunc(k.Also, func(also schema.Path) bool { return slices.Equal(also, path) })
			})
			if list != nil {
				s.item = slices.ContainsFunc(list.ItemKey, func(k schema.Path) bool { return len(k) == 1 && k[0] == prop.Name })
			}
			s.facing = slices.ContainsFunc(r.Equal, func(pair [2]schema.Path) bool {
				return slices.Equal(pair[0], path) && isThere(record, pair[1]) || slices.Equal(pair[1], path) && isThere(record, pair[0])
			})
			out = append(out, s)
			switch v := v.(type) {
			case map[string]any:
				walk(prop.Object, v, path, nil)
			case []any:
				walk(prop.Object, v[0].(map[string]any), path, prop)
			}
		}
	}
	walk(r.Root, record, nil, nil)
	return out
}

// isThere says that there is a value at a path.
func isThere(v any, path schema.Path) bool {
	if items, ok := v.([]any); ok {
		v = items[0]
	}
	if len(path) == 0 {
		return v != nil
	}
	object, _ := v.(map[string]any)
	return isThere(object[path[0]], path[1:])
}

// copyOf is a deep copy of a part of a record.
func copyOf(v any) any {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	var out any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&out); err != nil {
		panic(err)
	}
	return out
}

// verbatim stands in a record for a text that json.Marshal does not write.
func verbatim(text string) string { return "@@" + text + "@@" }

// marshal writes a record, with the texts that stand for themselves as they are.
func marshal(record map[string]any) []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(record); err != nil {
		panic(err)
	}
	text := bytes.TrimSpace(out.Bytes())
	for {
		before, rest, found := bytes.Cut(text, []byte(`"@@`))
		if !found {
			return text
		}
		literal, after, _ := bytes.Cut(rest, []byte(`@@"`))
		literal = bytes.ReplaceAll(bytes.ReplaceAll(literal, []byte(`\"`), []byte(`"`)), []byte(`\\`), []byte(`\`))
		text = slices.Concat(before, literal, after)
	}
}

// often are the resources that bundles write or refer to, which are tried more often than the others.
var often = []string{"studentAssessments", "studentAssessments", "studentAssessments", "assessments", "objectiveAssessments", "assessmentItems",
	"studentSchoolAssociations", "students", "schools", "studentAssessmentEducationOrganizationAssociations", "performanceLevelDescriptors",
	"assessmentReportingMethodDescriptors", "studentEducationOrganizationAssociations", "learningStandards"}

// makeCases makes good records, and records with one fault each.
func (p *proof) makeCases() []*proofCase {
	var all, usual []string
	for r := range p.std.All {
		if r.Descriptor == "" && hasOwnKeys(r) && r.Name != "schoolYearTypes" {
			all = append(all, r.Name)
		}
	}
	for _, name := range often {
		if r, ok := p.std.Resource(name); ok && (r.Descriptor != "" || hasOwnKeys(r)) {
			usual = append(usual, name)
		}
	}
	var out []*proofCase
	for len(out) < recordsPerStandard {
		for i := range faults {
			for range 50 { // until a resource is met that can have the fault
				names := all
				if p.rnd.IntN(2) == 0 {
					names = usual
				}
				if c := p.makeCase(&faults[i], names[p.rnd.IntN(len(names))]); c != nil && len(out) < recordsPerStandard {
					out = append(out, c)
					break
				}
			}
		}
	}
	return out
}

// makeCase makes a record with a fault; nil if a record of the resource cannot have it.
func (p *proof) makeCase(f *fault, name string) *proofCase {
	r := p.mustResource(name)
	if f.of != nil && !f.of(r) {
		return nil
	}
	record := p.record(r, p.rnd.IntN(4) > 0)
	var s site
	if f.at != nil {
		places := slices.DeleteFunc(sites(r, record), func(s site) bool { return !f.at(s) })
		if len(places) == 0 {
			return nil
		}
		s = places[p.rnd.IntN(len(places))]
	}
	if f.make != nil && !f.make(p, record, s) {
		return nil
	}
	if f.adds != "" {
		s.path = append(s.path[:len(s.path)-1:len(s.path)-1], f.adds)
	}
	text := marshal(record)
	if f.text != nil {
		text = f.text(text)
	}
	return &proofCase{resource: name, fault: f, site: strings.Join(s.path, "."), text: text}
}
