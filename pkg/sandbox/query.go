package sandbox

import (
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/schema"
)

// maxPage is the most items a page may have; it is also how many it has when the caller does not say.
const maxPage = 500

// filter is a query parameter of an endpoint's collection.
type filter struct {
	name     string
	aliases  []string // names under which it is also understood
	property *schema.Property
	paths    []schema.Path // where the value is; more than one for a unified key part
	identity bool
}

// newFilters derives the query parameters as an ODS names them: root properties by their own name,
// key parts of references by the name that others call them by, or by theirs with the reference's
// role before it (reportedSchoolId).
func (m *model) newFilters(e *endpoint, called map[string]string) []*filter {
	var out []*filter
	add := func(name string, p *schema.Property, path schema.Path, aliases ...string) {
		for _, f := range out {
			if f.name == name {
				f.paths = append(f.paths, path)
				return
			}
		}
		out = append(out, &filter{name: name, property: p, paths: []schema.Path{path}, aliases: aliases})
	}
	for _, p := range e.Root.Properties {
		switch {
		case p.Kind == schema.KindArray:
		case p.Object == nil:
			add(p.Name, p, schema.Path{p.Name})
		case p.Object.Reference != nil:
			for _, part := range p.Object.Properties {
				name, ok := called[p.Name+"."+part.Name]
				if !ok {
					name = m.parameterName(e, p, part)
				}
				add(name, part, schema.Path{p.Name, part.Name}, part.Name, strings.TrimSuffix(p.Name, "Reference")+title(part.Name))
			}
		}
	}
	for _, f := range out {
		f.identity = slices.ContainsFunc(e.Identity, func(part schema.KeyPart) bool { return f.leadsTo(part.Path) })
	}
	return out
}

// leadsTo says that the filter's value is at a path.
func (f *filter) leadsTo(path schema.Path) bool {
	return slices.ContainsFunc(f.paths, func(p schema.Path) bool { return slices.Equal(p, path) })
}

// keyNames are, by endpoint, the names that references to it give the parts of its key.
func (m *model) keyNames() map[string]map[string]string {
	names := map[string]map[string]string{}
	for _, e := range m.endpoints {
		for _, ref := range e.references {
			if len(ref.targets) != 1 {
				continue
			}
			t := ref.targets[0]
			if names[t.endpoint.Name] == nil {
				names[t.endpoint.Name] = map[string]string{}
			}
			for i, part := range t.endpoint.Identity {
				for _, path := range append(slices.Clone(part.Also), part.Path) {
					names[t.endpoint.Name][strings.Join(path, ".")] = ref.of.Properties[t.members[i]].Name
				}
			}
		}
	}
	return names
}

// parameterName names the query parameter of a reference's key part.
func (m *model) parameterName(e *endpoint, ref, part *schema.Property) string {
	if name := m.unifiedName(e, ref, part); name != "" {
		return name
	}
	if role := m.role(ref); role != "" {
		return camel(role) + title(part.Name)
	}
	if p := e.Root.ByName[part.Name]; p != nil && p.Object == nil { // a property of the record's own
		return joined(strings.TrimSuffix(ref.Name, "Reference"), title(part.Name))
	}
	for _, p := range e.Root.Properties { // another reference has a part of that name, which need not be equal
		if p == ref || p.Object == nil || p.Object.Reference == nil || m.role(p) != "" || p.Object.ByName[part.Name] == nil {
			continue
		}
		if name := m.unifiedName(e, p, part); name != "" && name != part.Name {
			continue
		}
		if rank, mine := p.Object.Reference.Identity, ref.Object.Reference.Identity; rank && !mine || rank == mine && p.Name < ref.Name {
			return strings.TrimSuffix(ref.Name, "Reference") + title(part.Name)
		}
	}
	return part.Name
}

// unifiedName names the parameter of a part that must equal others: by the role of one of them where a part of that
// name need not equal them, else as the part is called. It is empty for a part that stands alone.
func (m *model) unifiedName(e *endpoint, ref, part *schema.Property) string {
	equal := e.equalTo(schema.Path{ref.Name, part.Name})
	if len(equal) == 1 {
		return ""
	}
	within := func(path schema.Path) bool {
		return slices.ContainsFunc(equal, func(other schema.Path) bool { return slices.Equal(path, other) })
	}
	apart := slices.ContainsFunc(e.Root.Properties, func(p *schema.Property) bool {
		return p.Object != nil && p.Object.Reference != nil && p.Object.ByName[part.Name] != nil && !within(schema.Path{p.Name, part.Name})
	})
	for _, path := range equal {
		if holder, ok := e.Property(path[:len(path)-1]); apart && ok && m.role(holder) != "" {
			return camel(m.role(holder)) + title(part.Name)
		}
	}
	return part.Name
}

// equalTo are the paths whose values must equal that at path, which is the first of them.
func (e *endpoint) equalTo(path schema.Path) []schema.Path {
	out := []schema.Path{path}
	for i := 0; i < len(out); i++ {
		for _, pair := range e.Equal {
			for n := range pair {
				known := func(p schema.Path) bool { return slices.Equal(p, pair[1-n]) }
				if slices.Equal(pair[n], out[i]) && !slices.ContainsFunc(out, known) {
					out = append(out, pair[1-n])
				}
			}
		}
	}
	return out
}

// joined joins two names, with what one ends and the other begins with once: chartOfAccount and
// AccountIdentifier are chartOfAccountIdentifier.
func joined(before, after string) string {
	for i := range after {
		if i > 0 && after[i] >= 'A' && after[i] <= 'Z' && strings.HasSuffix(before, after[:i]) {
			return before + after[i:]
		}
	}
	return before + after
}

// role is what a reference's name has before its target's: Reported of reportedSchoolReference.
func (m *model) role(ref *schema.Property) string {
	return strings.TrimSuffix(title(strings.TrimSuffix(ref.Name, "Reference")), m.references[ref.Object.Reference].name)
}

// filter finds a parameter; its exact name goes before an alias.
func (e *endpoint) filter(name string) *filter {
	same := func(s string) bool { return strings.EqualFold(s, name) }
	i := slices.IndexFunc(e.filters, func(f *filter) bool { return same(f.name) })
	if i < 0 {
		i = slices.IndexFunc(e.filters, func(f *filter) bool { return slices.ContainsFunc(f.aliases, same) })
	}
	if i < 0 {
		return nil
	}
	return e.filters[i]
}

// condition is a filter and the value it asks for.
type condition struct {
	filter *filter
	text   string
}

// query is what a collection is asked for.
type query struct {
	offset, limit int
	total         bool
	minVersion    uint64
	maxVersion    uint64
	conditions    []condition
	id            string
	errs          []string
}

// parseQuery reads the parameters. An ODS ignores those it does not know.
func (e *endpoint) parseQuery(values url.Values) (*query, error) {
	q := &query{limit: maxPage, maxVersion: math.MaxUint64}
	for _, name := range slices.Sorted(maps.Keys(values)) { // so that faults come in one order
		text := values[name][0]
		var err error
		switch strings.ToLower(name) {
		case "offset":
			if q.offset, err = strconv.Atoi(text); err != nil || q.offset < 0 {
				q.errs = append(q.errs, "Offset must be a value greater than or equal to 0.")
			}
		case "limit":
			if q.limit, err = strconv.Atoi(text); err != nil || q.limit < 0 || q.limit > maxPage {
				q.errs = append(q.errs, fmt.Sprintf("Limit must be a value between 0 and %d.", maxPage))
			}
		case "totalcount":
			q.total = strings.EqualFold(text, "true")
		case "minchangeversion":
			q.minVersion = q.changeVersion(name, text)
		case "maxchangeversion":
			q.maxVersion = q.changeVersion(name, text)
		case "id":
			q.id = plainID(text)
		default:
			q.addCondition(e.filter(name), text)
		}
	}
	if q.errs != nil {
		return nil, invalidParameter(q.errs...)
	}
	return q, nil
}

func (q *query) changeVersion(name, text string) uint64 {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		q.errs = append(q.errs, fmt.Sprintf("The value '%s' is not valid for %s.", text, name))
	}
	return n
}

func (q *query) addCondition(f *filter, text string) {
	if f == nil {
		return
	}
	if f.property.Kind != schema.KindString && text != "0" && scalarFault(f.property, value{kind: '"', text: []byte(text)}, false) != "" {
		q.errs = append(q.errs, fmt.Sprintf("The value '%s' is not valid for %s.", text, f.name))
	}
	q.conditions = append(q.conditions, condition{f, text})
}

// key is the natural key that the conditions ask for, if they give all of it.
func (q *query) key(m *model, e *endpoint) (k key, ok bool) {
	whole := true
	text := m.appendKey(nil, e, func(i int) []byte {
		n := slices.IndexFunc(q.conditions, func(c condition) bool { return c.filter.leadsTo(e.Identity[i].Path) })
		if n < 0 {
			whole = false
			return nil
		}
		return []byte(q.conditions[n].text)
	})
	return e.keyOf(text), whole
}

// list answers with a page of a collection.
func (c *dataCall) list() error {
	if err := c.client.authorize(c.endpoint, Read); err != nil {
		return err
	}
	q, err := c.endpoint.parseQuery(c.r.URL.Query())
	if err != nil {
		return err
	}
	l := listing{call: c, query: q, out: []byte("[")}
	c.server.store.mu.RLock()
	l.run()
	c.server.store.mu.RUnlock()
	if l.err != nil {
		return l.err
	}
	if q.total {
		c.w.Header().Set("Total-Count", strconv.Itoa(l.total))
	}
	send(c.w, c.r, closeWith(l.out, ']'))
	return nil
}

// listDeleted answers with a page of what was deleted of a collection.
func (c *dataCall) listDeleted() error {
	if err := c.client.authorize(c.endpoint, Read); err != nil {
		return err
	}
	q, err := c.endpoint.parseQuery(c.r.URL.Query())
	if err != nil {
		return err
	}
	s, out, total := c.server.store, []byte("["), 0
	s.mu.RLock()
	for _, r := range s.deleted[c.endpoint] {
		if r.version < q.minVersion || r.version > q.maxVersion {
			continue
		}
		if total++; total > q.offset && total <= q.offset+q.limit {
			out = append(s.appendID(append(out, `{"id":"`...), &r), `","changeVersion":`...)
			out = append(strconv.AppendUint(out, r.version, 10), "},"...)
		}
	}
	s.mu.RUnlock()
	if q.total {
		c.w.Header().Set("Total-Count", strconv.Itoa(total))
	}
	send(c.w, c.r, closeWith(out, ']'))
	return nil
}

// listing collects one page.
type listing struct {
	call  *dataCall
	query *query
	out   []byte
	total int // of matching records that were met, or are known
	taken int
	err   error
}

func (l *listing) run() {
	q, e, s := l.query, l.call.endpoint, l.call.server.store
	k, whole := q.key(l.call.server.model, e)
	switch {
	case q.id != "" || whole:
		r, ok := s.byID(e, q.id)
		if q.id == "" {
			r, ok = s.find(e, k)
		}
		if ok {
			l.visit(&r)
		}
	case len(q.conditions) == 0 && q.minVersion == 0 && q.maxVersion == math.MaxUint64 && l.call.seesAll():
		l.total = s.count(e) // there is nothing to look at: a page can be reached without reading what lies before it
		if q.limit > 0 {
			s.walk(e, q.offset, func(r *row) bool {
				l.take(r)
				return l.err == nil && l.taken < q.limit
			})
		}
	default:
		s.walk(e, 0, func(r *row) bool {
			l.visit(r)
			return l.err == nil && (q.total || l.taken < q.limit)
		})
	}
}

// visit takes a record if it matches, and counts it.
func (l *listing) visit(r *row) {
	var match bool
	if match, l.err = l.matches(r); !match {
		return
	}
	if l.total++; l.total > l.query.offset && l.taken < l.query.limit {
		l.take(r)
	}
}

func (l *listing) take(r *row) {
	if l.out, l.err = l.call.server.render(l.out, r, l.call.room); l.err == nil {
		l.out = append(l.out, ',')
		l.taken++
	}
}

func (l *listing) matches(r *row) (bool, error) {
	q, c := l.query, l.call
	if r.version < q.minVersion || r.version > q.maxVersion {
		return false, nil
	}
	if len(q.conditions) == 0 && c.seesAll() {
		return true, nil
	}
	m, err := c.server.record(r, c.room)
	if err != nil {
		return false, err
	}
	misses := func(cond condition) bool { return !cond.meets(c.endpoint, m, c.server.model.foldKeys) }
	return !slices.ContainsFunc(q.conditions, misses) && (c.seesAll() || c.client.maySee(c.endpoint, m)), nil
}

// meets says that a record has the value that a condition asks for.
func (c condition) meets(e *endpoint, m record, foldKeys bool) bool {
	p := c.filter.property
	fold := foldKeys || p.Descriptor != ""
	return slices.ContainsFunc(c.filter.paths, func(path schema.Path) bool {
		_, v := at(e.Root, m, path)
		return v.kind != 0 && canonical(p.Kind, v.text, fold) == canonical(p.Kind, []byte(c.text), fold)
	})
}
