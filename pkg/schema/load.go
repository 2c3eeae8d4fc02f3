package schema

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Names of the files of an embedded standard, beside <resource>.json.
const (
	folderPrefix   = "ds-"
	standardFile   = "standard.json"
	descriptorFile = "descriptor.json"
	valuesFile     = "descriptor-values.json"
)

// DescriptorValue is a descriptor that ships with a data standard.
type DescriptorValue struct {
	Type      string // GradeLevelDescriptor
	Namespace string
	CodeValue string
}

// Versions are the embedded data standards, oldest first.
func Versions(fsys fs.FS) []string {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		if v, ok := strings.CutPrefix(e.Name(), folderPrefix); ok && e.IsDir() {
			out = append(out, v)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return slices.Compare(versionNumbers(a), versionNumbers(b)) })
	return out
}

func versionNumbers(v string) []int {
	var out []int
	for part := range strings.SplitSeq(v, ".") {
		n, _ := strconv.Atoi(part) // what is no number sorts first
		out = append(out, n)
	}
	return out
}

// StandardDescriptors are the descriptor values that ship with a data standard, sorted by type,
// namespace and code.
func StandardDescriptors(fsys fs.FS, version string) ([]DescriptorValue, error) {
	text, err := readEmbedded(fsys, version, valuesFile)
	if err != nil {
		return nil, err
	}
	var byType map[string]map[string][]string
	if err := json.Unmarshal(text, &byType); err != nil {
		return nil, fmt.Errorf("read descriptor values of data standard %s: %w", version, err)
	}
	var out []DescriptorValue
	for _, typ := range slices.Sorted(maps.Keys(byType)) {
		for _, ns := range slices.Sorted(maps.Keys(byType[typ])) {
			for _, code := range byType[typ][ns] {
				out = append(out, DescriptorValue{Type: typ, Namespace: ns, CodeValue: code})
			}
		}
	}
	return out, nil
}

// Load reads an embedded data standard.
func Load(fsys fs.FS, version string) (*Standard, error) {
	text, err := readEmbedded(fsys, version, standardFile)
	if err != nil {
		return nil, err
	}
	var contents struct {
		Version   string
		Endpoints map[string]struct {
			Order      int
			Descriptor string
		}
	}
	if err := json.Unmarshal(text, &contents); err != nil {
		return nil, fmt.Errorf("read data standard %s: %w", version, err)
	}
	s := &Standard{Version: contents.Version, Resources: make(map[string]*Resource, len(contents.Endpoints))}
	var descriptor *Resource
	for name, e := range contents.Endpoints {
		if e.Descriptor == "" {
			r, err := loadResource(fsys, version, name+".json")
			if err != nil {
				return nil, err
			}
			r.Name, r.Order = name, e.Order
			s.Resources[name] = r
			continue
		}
		if descriptor == nil {
			if descriptor, err = loadResource(fsys, version, descriptorFile); err != nil {
				return nil, err
			}
		}
		r := *descriptor // all descriptors share their objects, which nobody changes
		r.Name, r.Order, r.Descriptor = name, e.Order, e.Descriptor
		s.Resources[name] = &r
	}
	s.link()
	return s, nil
}

func readEmbedded(fsys fs.FS, version, name string) ([]byte, error) {
	text, err := fs.ReadFile(fsys, path.Join(folderPrefix+version, name))
	if err != nil {
		return nil, fmt.Errorf("data standard %s is not embedded (there is %s): %w", version, strings.Join(Versions(fsys), ", "), err)
	}
	return text, nil
}

func loadResource(fsys fs.FS, version, name string) (*Resource, error) {
	text, err := readEmbedded(fsys, version, name)
	if err != nil {
		return nil, err
	}
	f, err := decodeSchema(text)
	if err != nil {
		return nil, fmt.Errorf("read data standard %s, %s: %w", version, name, err)
	}
	r := &Resource{Segment: cmp.Or(f.segment, coreSegment), Descriptor: f.descriptor, KeyUpdates: f.keyUpdates}
	r.Root = f.object(r, nil)
	slices.SortFunc(r.References, func(a, b *Reference) int { return slices.Compare(a.Path, b.Path) })
	for _, paths := range f.key {
		part := KeyPart{Path: splitPath(paths[0])}
		for _, also := range paths[1:] {
			part.Also = append(part.Also, splitPath(also))
		}
		if p, ok := r.Property(part.Path); ok {
			part.Kind, part.Descriptor = p.Kind, p.Descriptor
		}
		r.Identity = append(r.Identity, part)
	}
	for _, e := range f.equal {
		r.Equal = append(r.Equal, [2]Path{splitPath(e[0]), splitPath(e[1])})
	}
	return r, nil
}

func splitPath(s string) Path { return strings.Split(s, ".") }

// object builds the object that f describes and that stands at path.
func (f *schemaFile) object(r *Resource, path Path) *Object {
	o := &Object{Open: !f.closed}
	props := make([]*Property, 0, len(f.properties))
	for _, pf := range f.properties {
		here := append(slices.Clone(path), pf.name)
		p := pf.property(r, here)
		p.Required = slices.Contains(f.required, pf.name)
		if p.Object != nil && p.Object.Reference != nil && p.Kind == KindObject {
			p.Object.Reference.Required = p.Required
		}
		props = append(props, p)
	}
	o.setProperties(props)
	if f.targetKey != nil {
		o.Reference = &Reference{Path: path, Abstract: f.abstract, Targets: f.targets, Identity: f.identity}
		for _, p := range o.Properties {
			o.Reference.Keys = append(o.Reference.Keys, ReferenceKey{Name: p.Name, Target: splitPath(f.targetKey[p.Name]), Kind: p.Kind})
		}
		r.References = append(r.References, o.Reference)
	}
	return o
}

func (f *schemaFile) property(r *Resource, path Path) *Property {
	p := &Property{Name: f.name, Descriptor: f.descriptor, MinLength: f.minLength, MaxLength: f.maxLength, Minimum: f.minimum, Maximum: f.maximum}
	switch f.typ {
	case "string":
		switch f.format {
		case "date":
			p.Kind = KindDate
		case "date-time":
			p.Kind = KindDateTime
		case "time":
			p.Kind = KindTime
		}
	case "integer":
		p.Kind = KindInteger
		p.Int64 = f.format == "int64"
	case "number":
		p.Kind = KindNumber
	case "boolean":
		p.Kind = KindBoolean
	case "array":
		p.Kind = KindArray
		if f.items != nil {
			p.Object = f.items.object(r, path)
		}
		for _, u := range f.unique {
			p.ItemKey = append(p.ItemKey, splitPath(u))
		}
	default:
		p.Kind = KindObject
		p.Object = f.object(r, path)
	}
	return p
}
