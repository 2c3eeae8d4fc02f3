package sandbox

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/schema"
)

// model is the data standard as the emulator works with it. Immutable.
type model struct {
	version    string
	foldKeys   bool                 // keys without regard to case
	endpoints  []*endpoint          // sorted by name
	byName     map[string]*endpoint // by endpoint name, and by it in lower case
	byType     map[string]*endpoint // descriptor endpoints by type, in lower case and as properties spell it
	references map[*schema.Reference]*reference
	faults     []string // what does not fit together
}

// endpoint is one resource or descriptor.
type endpoint struct {
	*schema.Resource
	singular    string // studentAssessment
	entity      string // StudentAssessment, as messages and links call it
	inKey       map[*schema.Property]bool
	references  []*reference
	descriptors []*endpoint // of whose values it uses one somewhere; one may stand here more than once
	filters     []*filter
	roster      *roster // records that follow from their number; nil for most
	index       uint16  // its place in the model
}

// reference is a reference property and the endpoints it may point at.
type reference struct {
	of      *schema.Object
	name    string // Student, EducationOrganization
	targets []referenceTarget
}

// referenceTarget says which members of a reference hold the parts of a target's key.
type referenceTarget struct {
	endpoint *endpoint
	members  []int // numbers of properties, in the order of the target's key
}

// newModel resolves the facts of a standard, and says which of them do not fit together.
func newModel(std *schema.Standard, foldKeys bool) (*model, error) {
	m := &model{version: std.Version, foldKeys: foldKeys, byName: map[string]*endpoint{}, byType: map[string]*endpoint{},
		references: map[*schema.Reference]*reference{}}
	for r := range std.All {
		e := &endpoint{Resource: r, singular: singular(path.Base(r.Endpoint())), inKey: map[*schema.Property]bool{},
			index: uint16(len(m.endpoints))}
		e.entity = title(e.singular)
		if r.Descriptor != "" {
			e.entity = title(r.Descriptor)
			m.byType[strings.ToLower(r.Descriptor)] = e
		}
		m.endpoints = append(m.endpoints, e)
		m.byName[r.Name], m.byName[strings.ToLower(r.Name)] = e, e
	}
	for _, e := range m.endpoints {
		m.resolve(e)
	}
	if m.faults != nil {
		return nil, fmt.Errorf("data standard %s: %s", std.Version, strings.Join(m.faults, "; "))
	}
	called := m.keyNames()
	for _, e := range m.endpoints {
		e.filters = m.newFilters(e, called[e.Name])
	}
	m.addRosters()
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

// fault notes what does not fit together in an endpoint.
func (m *model) fault(e *endpoint, format string, args ...any) {
	m.faults = append(m.faults, e.Name+": "+fmt.Sprintf(format, args...))
}

func (m *model) resolve(e *endpoint) {
	if e.Root == nil || len(e.Identity) == 0 {
		m.fault(e, "there are no properties, or there is no natural key")
		return
	}
	for _, part := range e.Identity {
		p, ok := e.Property(part.Path)
		if !ok {
			m.fault(e, "there is no property %s", part.Path)
		}
		e.inKey[p] = true
	}
	m.resolveObject(e, e.Root)
}

func (m *model) resolveObject(e *endpoint, o *schema.Object) {
	if o.Reference != nil {
		m.references[o.Reference] = m.newReference(e, o)
		e.references = append(e.references, m.references[o.Reference])
	}
	for _, p := range o.Properties {
		if p.Descriptor != "" {
			d, ok := m.byType[strings.ToLower(p.Descriptor)]
			if !ok {
				m.fault(e, "property %s is a %s, of which there is no endpoint", p.Name, p.Descriptor)
			}
			m.byType[p.Descriptor] = d
			e.descriptors = append(e.descriptors, d)
		}
		if p.Object != nil {
			m.resolveObject(e, p.Object)
		}
	}
}

func (m *model) newReference(e *endpoint, o *schema.Object) *reference {
	ref := &reference{of: o, name: title(o.Reference.Abstract)}
	for _, name := range o.Reference.Targets {
		if t, ok := m.byName[strings.ToLower(name)]; ok {
			ref.targets = append(ref.targets, referenceTarget{t, m.targetMembers(e, o, t)})
		} else {
			m.fault(e, "reference %s points at %s, of which there is no endpoint", o.Reference.Path, name)
		}
	}
	if ref.name == "" && len(ref.targets) > 0 {
		ref.name = ref.targets[0].endpoint.entity
	}
	return ref
}

// targetMembers pairs the target's key with the members of the reference: by the facts' own pairing,
// else by name (a unified part), else there is only one of each (educationOrganizationId and schoolId).
func (m *model) targetMembers(e *endpoint, o *schema.Object, t *endpoint) []int {
	var members []int
	for _, key := range t.Identity {
		name := ""
		for _, k := range o.Reference.Keys {
			if slices.Equal(k.Target, key.Path) {
				name = k.Name
				break
			}
			if name == "" && (k.Target.Leaf() == key.Path.Leaf() || len(t.Identity) == 1 && len(o.Reference.Keys) == 1) {
				name = k.Name
			}
		}
		member, exact := part(o, name)
		if !exact {
			m.fault(e, "reference %s has nothing for %s of the key of %s", o.Reference.Path, key.Path, t.Name)
		}
		members = append(members, member)
	}
	return members
}

// path is where the endpoint is below the data URL.
func (e *endpoint) path() string { return "/" + e.Endpoint() }

// singular makes studentAssessment of studentAssessments; the rules fit every endpoint of the standards.
func singular(name string) string {
	switch {
	case name == "people":
		return "person"
	case strings.HasSuffix(name, "ies"):
		return name[:len(name)-3] + "y"
	case strings.HasSuffix(name, "sses"):
		return name[:len(name)-2]
	}
	return strings.TrimSuffix(name, "s")
}

// title gives a name a capital first letter: StudentUniqueId.
func title(name string) string {
	first := min(1, len(name))
	return strings.ToUpper(name[:first]) + name[first:]
}

// camel gives a name a small first letter: studentUniqueId.
func camel(name string) string {
	first := min(1, len(name))
	return strings.ToLower(name[:first]) + name[first:]
}
