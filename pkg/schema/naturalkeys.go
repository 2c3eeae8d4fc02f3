package schema

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// educationOrganization is the abstract target whose key has another name in each subclass.
const educationOrganization = "EducationOrganization"

const educationOrganizationID = "educationOrganizationId"

const (
	coreSegment = "ed-fi"
	extensions  = "_ext" // the property that holds extension data
)

// resolve adds what the documents leave unsaid, in two rounds over all resources:
//
//	setDescriptors   which properties hold which type of descriptor
//	setIdentity      the natural key
//
//	setTargets       what a reference may point at, and which part of that key each of its parts is
//	setEqual         which parts must be equal
//	setItemKeys      what must be unique in a collection
//
// The names of columns lead through it. Beside its name inside the reference, a part of a reference
// has a column name, which the resource's own key, its query parameters and references to it use:
// programEducationOrganizationId is the column of programReference.educationOrganizationId. Parts of one
// column must be equal; the columns of the key are the natural key.
func (r *reader) resolve() {
	core := map[string]string{}
	for _, raw := range r.raw {
		if raw.Descriptor == "" {
			continue
		}
		r.types[strings.ToLower(raw.Descriptor)] = raw.Descriptor
		if raw.Segment == coreSegment {
			core[strings.ToLower(raw.Descriptor)] = raw.Descriptor
		}
	}
	for _, raw := range r.raw {
		if r.marked {
			raw.params = nil // these documents list parameters of nested properties, not key parts
		}
		types := r.types
		if raw.Segment == coreSegment {
			types = core // the core never refers to an extension
		}
		r.setDescriptors(raw, raw.Root, types)
		r.setIdentity(raw)
	}
	for _, raw := range r.raw {
		for _, ref := range raw.refs {
			r.setTargets(ref)
		}
		raw.setEqual(r.marked)
		setItemKeys(raw.Root, r.marked)
	}
}

// plainRatings are properties that hold a RatingLevelDescriptor although longer endings of their names
// are types too, in the TPDM extension and from Data Standard 6.0 on in the core.
var plainRatings = map[string]bool{
	"studentProgramEvaluations.summaryEvaluationRatingLevelDescriptor":   true,
	"studentProgramEvaluations.evaluationElementRatingLevelDescriptor":   true,
	"studentProgramEvaluations.evaluationObjectiveRatingLevelDescriptor": true,
	"evaluationRubricDimensions.evaluationRubricRatingLevelDescriptor":   true,
}

// setDescriptors finds the descriptor type of each property named …Descriptor: the longest ending
// of the name that is a type, so that whenAssessedGradeLevelDescriptor holds a GradeLevelDescriptor.
func (r *reader) setDescriptors(raw *rawResource, o *Object, types map[string]string) {
	for _, p := range o.Properties {
		switch {
		case p.Object == nil:
		case p.Name == extensions:
			r.setDescriptors(raw, p.Object, r.types)
		default:
			r.setDescriptors(raw, p.Object, types)
		}
		if p.Kind != KindString || !strings.HasSuffix(p.Name, "Descriptor") {
			continue
		}
		if plainRatings[raw.collection()+"."+p.Name] {
			p.Descriptor = types[strings.ToLower("RatingLevelDescriptor")]
			continue
		}
		p.Descriptor = descriptorOf(p.Name, types)
	}
}

// descriptorOf is the type of which a property of that name holds a descriptor; "" if it is none of these.
func descriptorOf(name string, types map[string]string) string {
	words := camelWords(name)
	for i := range max(len(words)-1, 0) {
		if typ, ok := types[strings.ToLower(strings.Join(words[i:], ""))]; ok {
			return typ
		}
	}
	return ""
}

// setIdentity finds the natural key: the marked scalars, and those required references of the root all
// of whose columns are marked among the query parameters. Where a document marks the references
// themselves (DMS), that counts instead.
func (r *reader) setIdentity(raw *rawResource) {
	raw.columns = map[string][]Path{}
	if raw.Descriptor != "" {
		for _, name := range []string{"codeValue", "namespace"} {
			raw.columns[name] = []Path{{name}}
		}
	}
	for _, p := range raw.Root.Properties {
		if p.marked && p.Object == nil {
			raw.columns[p.Name] = []Path{{p.Name}}
		}
	}
	for _, ref := range raw.refs {
		if len(ref.Path) != 1 || !ref.Required {
			continue
		}
		if r.marked {
			ref.Identity = ref.marked
		} else {
			ref.Identity = !slices.ContainsFunc(ref.Keys, func(k ReferenceKey) bool { return !raw.params[raw.column(ref, k.Name)] })
		}
		if !ref.Identity {
			continue
		}
		for _, k := range ref.Keys {
			c := raw.column(ref, k.Name)
			raw.columns[c] = append(raw.columns[c], Path{ref.Path[0], k.Name})
		}
	}
	if len(raw.columns) == 0 { // schoolYearTypes of the DMS has no marks: take what references to it call its key
		for _, name := range raw.self {
			raw.columns[name] = []Path{{name}}
		}
	}
	for _, paths := range raw.columns {
		slices.SortFunc(paths, slices.Compare[Path])
		p, ok := raw.Property(paths[0])
		if !ok {
			continue
		}
		raw.Identity = append(raw.Identity, KeyPart{Path: paths[0], Kind: p.Kind, Descriptor: p.Descriptor, Also: paths[1:]})
	}
	slices.SortFunc(raw.Identity, func(a, b KeyPart) int { return slices.Compare(a.Path, b.Path) })
}

// column is the column name of a part of a root reference. It begins with the reference's role or, where
// names would collide, with the reference's own name: the query parameters tell, or the key names by
// which others refer to the resource. A part that is in neither has a column of its own.
func (raw *rawResource) column(ref *rawReference, part string) string {
	candidates := append(ref.prefixed(part), part)
	for _, name := range candidates {
		identity, ok := raw.params[name]
		if ok && !identity && ref.Required && raw.params[part] && raw.isRole(ref.base) {
			continue // certificationExamNamespace is that of certificationExamStudentAssessmentReference
		}
		if ok {
			return name
		}
	}
	for _, name := range candidates {
		if slices.Contains(raw.self, name) {
			return name
		}
	}
	return ref.base + "." + part
}

// isRole reports whether a name is the role of one of the references.
func (raw *rawResource) isRole(name string) bool {
	return slices.ContainsFunc(raw.refs, func(ref *rawReference) bool { return ref.role == name })
}

// prefixed lists the names that part may have with the role or the reference's name in front: joined as
// they are, or with shared words written once (chartOfAccount + accountIdentifier is
// chartOfAccountIdentifier).
func (ref *rawReference) prefixed(part string) []string {
	var out []string
	for _, prefix := range []string{ref.role, ref.base} {
		if prefix == "" {
			continue
		}
		out = append(out, prefix+upperFirst(part))
		before, after := camelWords(prefix), camelWords(part)
		for n := min(len(before), len(after)-1); n > 0; n-- {
			name := prefix + strings.Join(after[n:], "")
			isOther := slices.ContainsFunc(ref.Keys, func(k ReferenceKey) bool { return k.Name == name && name != part })
			if strings.EqualFold(strings.Join(before[len(before)-n:], ""), strings.Join(after[:n], "")) && !isOther {
				out = append(out, name)
			}
		}
	}
	return out
}

// setTargets finds the endpoints a reference may point at and the path there of each part.
func (r *reader) setTargets(ref *rawReference) {
	if root, ok := r.roots[ref.entity]; ok {
		ref.addTarget(root)
		return
	}
	ref.Abstract = ref.target
	for _, candidate := range r.raw {
		if ref.target == educationOrganization {
			if candidate.isEducationOrganization() && len(ref.Keys) == 1 {
				ref.Targets = append(ref.Targets, candidate.Name)
				ref.Keys[0].Target = Path{ref.Keys[0].Name}
			}
			continue
		}
		ref.addTarget(candidate)
	}
	slices.Sort(ref.Targets)
}

// isEducationOrganization reports whether this is a subclass of the abstract resource: these have a
// single number as key, and the name of an institution.
func (raw *rawResource) isEducationOrganization() bool {
	if len(raw.Identity) != 1 || raw.Identity[0].Kind != KindInteger || !strings.HasSuffix(raw.Identity[0].Path.Leaf(), "Id") {
		return false
	}
	_, ok := raw.Root.ByName["nameOfInstitution"]
	return ok
}

// addTarget makes target one of the reference's, if the names of the parts are those of its key.
func (ref *rawReference) addTarget(target *rawResource) {
	if len(target.columns) != len(ref.Keys) {
		return
	}
	for _, k := range ref.Keys {
		if target.columns[k.Name] == nil {
			return
		}
	}
	ref.Targets = append(ref.Targets, target.Name)
	for i, k := range ref.Keys {
		ref.Keys[i].Target = target.columns[k.Name][0]
	}
}

// setEqual finds the paths whose values must be equal: parts of one column at the root, and parts in
// collections that have the name of a column of the key. Where no query parameters tell the columns of
// references outside the key (DMS), these references are treated like those in collections.
func (raw *rawResource) setEqual(marked bool) {
	columns := map[string][]Path{}
	for _, p := range raw.Root.Properties {
		if p.Object == nil && len(raw.refs) > 0 {
			columns[p.Name] = []Path{{p.Name}}
		}
	}
	for _, ref := range raw.refs {
		inner := len(ref.Path) > 1 || marked && !ref.Identity
		shared := map[string]string{}
		for _, k := range ref.Keys {
			c := ""
			if inner {
				c = raw.innerColumn(ref, k.Name)
			} else {
				c = raw.column(ref, k.Name)
			}
			if c != "" {
				shared[c] = k.Name
			}
		}
		// Organizations have many roles that the documents do not name (a cohort's own, that of its program), and
		// what a record points at may be of another namespace: either alone is not a shared part.
		if inner && len(shared) == 1 && (shared[educationOrganizationID] != "" || shared["namespace"] != "") {
			continue
		}
		for c, part := range shared {
			columns[c] = append(columns[c], append(slices.Clone(ref.Path), part))
		}
	}
	for name, paths := range columns {
		// The key's own path leads, so that messages name it as what the others must equal.
		lead := paths[0]
		if key := raw.columns[name]; len(key) > 0 {
			lead = key[0]
		}
		for _, p := range paths {
			if !slices.Equal(p, lead) {
				raw.Equal = append(raw.Equal, [2]Path{lead, p})
			}
		}
	}
	slices.SortFunc(raw.Equal, func(a, b [2]Path) int {
		return cmp.Or(slices.Compare(a[0], b[0]), slices.Compare(a[1], b[1]))
	})
}

// innerColumn is the column of the key that a part of a reference in a collection shares, or "". Only a
// column that comes from a reference is shared: the resource's own identifier never is.
func (raw *rawResource) innerColumn(ref *rawReference, part string) string {
	fromReference := func(name string) bool {
		paths := raw.columns[name]
		return len(paths) > 0 && !slices.ContainsFunc(paths, func(p Path) bool { return len(p) == 1 })
	}
	for _, name := range ref.prefixed(part) {
		if fromReference(name) {
			return name
		}
	}
	// locationReference beside locationSchoolReference: the two share a school, which is not the section's.
	if raw.isRole(ref.base) {
		return ""
	}
	if (ref.role == "" || ref.entity == raw.entity) && fromReference(part) {
		return part
	}
	return ""
}

// setItemKeys finds what must be unique in each collection: the marked properties of the item and the
// parts of its required references. The documents of the DMS do not mark properties of items, so that
// only an item which is nothing but a reference has a known key there.
func setItemKeys(o *Object, marked bool) {
	for _, p := range o.Properties {
		if p.Object == nil {
			continue
		}
		setItemKeys(p.Object, marked)
		if p.Kind == KindArray && (!marked || len(p.Object.Properties) == 1) {
			p.ItemKey = itemKey(p.Object)
		}
	}
}

func itemKey(item *Object) []Path {
	var out []Path
	for _, p := range item.Properties {
		if p.marked && p.Object == nil {
			out = append(out, Path{p.Name})
		}
		if p.Required && p.Object != nil && p.Object.Reference != nil {
			for _, k := range p.Object.Reference.Keys {
				out = append(out, Path{p.Name, k.Name})
			}
		}
	}
	return out
}

// camelWords cuts a name before its capitals; a run of capitals is one word: CTE in studentCTEProgram.
func camelWords(s string) []string {
	var words []string
	start := 0
	runes := []rune(s)
	for i := 1; i < len(runes); i++ {
		if unicode.IsUpper(runes[i]) && (!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			words = append(words, string(runes[start:i]))
			start = i
		}
	}
	return append(words, string(runes[start:]))
}
