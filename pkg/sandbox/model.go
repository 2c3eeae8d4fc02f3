package sandbox

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/schema"
)

// model is the data standard as the emulator works with it: every name resolved to a pointer.
// Immutable.
type model struct {
	version   string
	endpoints []*endpoint          // sorted by name; an endpoint's index is its place here
	byName    map[string]*endpoint // by endpoint name in lower case
	byType    map[string]*endpoint // descriptor endpoints by type in lower case
}

// endpoint is one resource or descriptor.
type endpoint struct {
	*schema.Resource
	index      uint16
	singular   string // studentAssessment
	entity     string // StudentAssessment, as messages and links call it
	root       *shape
	key        []keyPart
	references []*reference
	filters    []*filter
	virtual    *virtualRange // records that exist without being stored; nil for most
	values     *values       // of a descriptor endpoint
}

// keyPart is one part of a natural key and the way to it from the root.
type keyPart struct {
	path []*field
	kind schema.Kind
	fold bool // a descriptor: case does not matter
}

// shape is an object: a resource, a reference, an embedded object or an item of a collection.
type shape struct {
	fields []*field // sorted by name
	byName map[string]*field
	ref    *reference // of a reference object
}

// field is one property of a shape.
type field struct {
	*schema.Property
	index      int
	title      string // StudentUniqueId, as messages call it
	key        bool   // part of the natural key, or of a reference's
	shape      *shape // of the object or the item
	descriptor *endpoint
	itemKey    [][]*field
}

// reference is a reference property and the endpoints it may point at.
type reference struct {
	*schema.Reference
	name    string // Student, EducationOrganization
	targets []target
}

// target says which member of a reference holds which part of a target's key.
type target struct {
	endpoint *endpoint
	parts    []*field // in the order of the target's key
}

// newModel resolves the facts, and says which of them do not fit together.
func newModel(std *schema.Standard) (*model, error) {
	m := &model{version: std.Version, byName: map[string]*endpoint{}, byType: map[string]*endpoint{}}
	for r := range std.All {
		e := &endpoint{Resource: r, index: uint16(len(m.endpoints)), singular: singular(r.Name)}
		e.entity = title(e.singular)
		if r.Descriptor != "" {
			e.entity = title(r.Descriptor)
			e.values = newValues()
			m.byType[strings.ToLower(r.Descriptor)] = e
		}
		m.endpoints = append(m.endpoints, e)
		m.byName[strings.ToLower(r.Name)] = e
	}
	for _, e := range m.endpoints {
		if e.Root == nil {
			return nil, fmt.Errorf("data standard %s: %s has no properties", std.Version, e.Name)
		}
		var err error
		if e.root, err = m.shapeOf(e, e.Root); err != nil {
			return nil, fmt.Errorf("data standard %s: %s: %w", std.Version, e.Name, err)
		}
	}
	for _, e := range m.endpoints {
		if err := e.resolveKey(); err != nil {
			return nil, fmt.Errorf("data standard %s: %s: %w", std.Version, e.Name, err)
		}
	}
	for _, e := range m.endpoints {
		if err := m.resolveReferences(e.root); err != nil {
			return nil, fmt.Errorf("data standard %s: %s: %w", std.Version, e.Name, err)
		}
	}
	called := m.keyNames()
	for _, e := range m.endpoints {
		e.filters = newFilters(e, called[e.Name])
	}
	return m, nil
}

// find is the endpoint of a path segment; case does not matter.
func (m *model) find(name string) (*endpoint, bool) {
	e, ok := m.byName[name]
	if !ok {
		e, ok = m.byName[strings.ToLower(name)]
	}
	return e, ok
}

func (m *model) shapeOf(e *endpoint, o *schema.Object) (*shape, error) {
	s := &shape{byName: make(map[string]*field, len(o.Properties))}
	if o.Reference != nil {
		s.ref = &reference{Reference: o.Reference}
		e.references = append(e.references, s.ref)
	}
	for _, p := range o.Properties {
		f := &field{Property: p, index: len(s.fields), title: title(p.Name), key: s.ref != nil}
		if p.Descriptor != "" {
			d, ok := m.byType[strings.ToLower(p.Descriptor)]
			if !ok {
				return nil, fmt.Errorf("property %s is a %s, of which there is no endpoint", p.Name, p.Descriptor)
			}
			f.descriptor = d
		}
		if p.Object != nil {
			var err error
			if f.shape, err = m.shapeOf(e, p.Object); err != nil {
				return nil, err
			}
			for _, path := range p.ItemKey {
				way, err := f.shape.way(path)
				if err != nil {
					return nil, err
				}
				f.itemKey = append(f.itemKey, way)
			}
		}
		s.fields = append(s.fields, f)
		s.byName[p.Name] = f
	}
	return s, nil
}

// way resolves a path from the shape on.
func (s *shape) way(path schema.Path) ([]*field, error) {
	out := make([]*field, 0, len(path))
	for _, name := range path {
		if s == nil || s.byName[name] == nil {
			return nil, fmt.Errorf("there is no property %s", path)
		}
		f := s.byName[name]
		out = append(out, f)
		s = f.shape
	}
	return out, nil
}

// find is the field of a body's member. As in an ODS, case does not matter.
func (s *shape) find(name []byte) *field {
	if f, ok := s.byName[string(name)]; ok {
		return f
	}
	for _, f := range s.fields {
		if strings.EqualFold(f.Name, string(name)) {
			return f
		}
	}
	return nil
}

func (e *endpoint) resolveKey() error {
	for _, part := range e.Identity {
		way, err := e.root.way(part.Path)
		if err != nil {
			return err
		}
		leaf := way[len(way)-1]
		leaf.key = true
		// A descriptor's own key is matched as its value is: whatever the case.
		e.key = append(e.key, keyPart{path: way, kind: leaf.Kind, fold: leaf.Descriptor != "" || e.Descriptor != ""})
	}
	if len(e.key) == 0 {
		return fmt.Errorf("no natural key")
	}
	return nil
}

func (m *model) resolveReferences(s *shape) error {
	if s.ref != nil {
		for _, name := range s.ref.Targets {
			t, ok := m.byName[strings.ToLower(name)]
			if !ok {
				return fmt.Errorf("reference %s points at %s, of which there is no endpoint", s.ref.Path, name)
			}
			parts, err := s.targetParts(t)
			if err != nil {
				return err
			}
			s.ref.targets = append(s.ref.targets, target{endpoint: t, parts: parts})
		}
		s.ref.name = title(s.ref.Abstract)
		if s.ref.name == "" && len(s.ref.targets) > 0 {
			s.ref.name = s.ref.targets[0].endpoint.entity
		}
	}
	for _, f := range s.fields {
		if f.shape != nil {
			if err := m.resolveReferences(f.shape); err != nil {
				return err
			}
		}
	}
	return nil
}

// targetParts pairs the target's key with the members of the reference: by the facts' own pairing,
// else by name (a unified part), else there is only one of each (educationOrganizationId and schoolId).
func (s *shape) targetParts(t *endpoint) ([]*field, error) {
	var parts []*field
	for i, part := range t.Identity {
		var name string
		for _, k := range s.ref.Keys {
			if slices.Equal(k.Target, part.Path) {
				name = k.Name
				break
			}
			if name == "" && (k.Target.Leaf() == part.Path.Leaf() || len(t.Identity) == 1 && len(s.ref.Keys) == 1) {
				name = k.Name
			}
		}
		f := s.byName[name]
		if f == nil {
			return nil, fmt.Errorf("reference %s has nothing for part %d (%s) of the key of %s", s.ref.Path, i+1, part.Path, t.Name)
		}
		parts = append(parts, f)
	}
	return parts, nil
}

// singular makes studentAssessment of studentAssessments; the rules fit every endpoint of the standards.
func singular(name string) string {
	switch {
	case name == "people":
		return "person"
	case strings.HasSuffix(name, "ies"):
		return name[:len(name)-3] + "y"
	case strings.HasSuffix(name, "sses"):
		return name[:len(name)-2]
	case strings.HasSuffix(name, "s"):
		return name[:len(name)-1]
	}
	return name
}

// title gives a name its capital: StudentUniqueId.
func title(name string) string {
	if name == "" {
		return ""
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// camel takes a name's capital away.
func camel(name string) string {
	if name == "" {
		return ""
	}
	return strings.ToLower(name[:1]) + name[1:]
}
