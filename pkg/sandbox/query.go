package sandbox

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
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
	field    *field
	paths    [][]*field // where the value stands; more than one for a unified key part
	identity bool
}

// newFilters derives the query parameters as an ODS names them: root properties by their own name,
// key parts of references by the name that others call them by, or by theirs with the reference's
// role before it (reportedSchoolId).
func newFilters(e *endpoint, called map[string]string) []*filter {
	var out []*filter
	add := func(name string, path []*field, aliases ...string) {
		for _, f := range out {
			if f.name == name {
				f.paths = append(f.paths, path)
				return
			}
		}
		out = append(out, &filter{name: name, field: path[len(path)-1], paths: [][]*field{path}, aliases: aliases})
	}
	for _, f := range e.root.fields {
		switch {
		case f.Kind == schema.KindArray:
		case f.shape == nil:
			add(f.Name, []*field{f})
		case f.shape.ref != nil:
			for _, part := range f.shape.fields {
				name, ok := called[f.Name+"."+part.Name]
				if !ok {
					name = e.parameterName(f, part)
				}
				add(name, []*field{f, part}, part.Name, strings.TrimSuffix(f.Name, "Reference")+title(part.Name))
			}
		}
	}
	for _, f := range out {
		for _, part := range e.key {
			for _, path := range f.paths {
				f.identity = f.identity || samePath(path, part.path)
			}
		}
	}
	return out
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
				for _, path := range slices.Concat(part.Also, []schema.Path{part.Path}) {
					names[t.endpoint.Name][strings.Join(path, ".")] = t.parts[i].Name
				}
			}
		}
	}
	return names
}

func samePath(a, b []*field) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// parameterName names the query parameter of a reference's key part.
func (e *endpoint) parameterName(ref, part *field) string {
	if e.unified(ref, part) {
		return part.Name
	}
	if role := ref.role(); role != "" {
		return camel(role) + title(part.Name)
	}
	for _, f := range e.root.fields { // another reference has a part of that name, which need not be equal
		if f == ref || f.shape == nil || f.shape.ref == nil || f.role() != "" || f.shape.byName[part.Name] == nil {
			continue
		}
		if rank, mine := f.shape.ref.Identity, ref.shape.ref.Identity; rank && !mine || rank == mine && f.Name < ref.Name {
			return strings.TrimSuffix(ref.Name, "Reference") + title(part.Name)
		}
	}
	return part.Name
}

// role is what a reference's name has before its target's: Reported of reportedSchoolReference.
func (f *field) role() string {
	return strings.TrimSuffix(title(strings.TrimSuffix(f.Name, "Reference")), f.shape.ref.name)
}

// unified says that the part must equal another part of the record.
func (e *endpoint) unified(ref, part *field) bool {
	for _, pair := range e.Equal {
		for _, path := range pair {
			if len(path) == 2 && path[0] == ref.Name && path[1] == part.Name {
				return true
			}
		}
	}
	return false
}

// condition is a filter and the value it asks for.
type condition struct {
	filter    *filter
	text      []byte
	canonical []byte
}

// query is what a collection is asked for.
type query struct {
	offset, limit int
	total         bool
	minVersion    uint64
	maxVersion    uint64
	versions      bool // one of the two was given
	conditions    []condition
	id            string
	keyed         bool // by the whole natural key
	key           key
}

// parseQuery reads the parameters. An ODS ignores those it does not know.
func (c *dataCall) parseQuery(values url.Values) (*query, *problem) {
	q := &query{limit: maxPage, maxVersion: ^uint64(0)}
	var errs []string
	r := c.takeRecord()
	defer c.giveRecord(r)
	for name, list := range values {
		text := list[0]
		switch strings.ToLower(name) {
		case "offset":
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 {
				errs = append(errs, "Offset must be a value greater than or equal to 0.")
			}
			q.offset = n
		case "limit":
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 || n > maxPage {
				errs = append(errs, fmt.Sprintf("Limit must be a value between 0 and %d.", maxPage))
			}
			q.limit = n
		case "totalcount":
			q.total = strings.EqualFold(text, "true")
		case "minchangeversion", "maxchangeversion":
			n, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				errs = append(errs, fmt.Sprintf("The value '%s' is not valid for %s.", text, name))
			}
			q.versions = true
			if strings.EqualFold(name, "minChangeVersion") {
				q.minVersion = n
			} else {
				q.maxVersion = n
			}
		case "id":
			q.id = plainID(text)
		default:
			if f := c.endpoint.filter(name); f != nil {
				cond, err := r.condition(f, text)
				if err != "" {
					errs = append(errs, err)
				}
				q.conditions = append(q.conditions, cond)
			}
		}
	}
	if errs != nil {
		return nil, invalidParameter(errs...)
	}
	c.keyOfQuery(q)
	return q, nil
}

// filter finds a parameter; its exact name goes before an alias.
func (e *endpoint) filter(name string) *filter {
	for _, f := range e.filters {
		if strings.EqualFold(f.name, name) {
			return f
		}
	}
	for _, f := range e.filters {
		for _, a := range f.aliases {
			if strings.EqualFold(a, name) {
				return f
			}
		}
	}
	return nil
}

// condition reads a parameter's value.
func (r *record) condition(f *filter, text string) (condition, string) {
	n := node{kind: jsonString, text: []byte(text)}
	c := condition{filter: f, text: n.text}
	switch f.field.Kind {
	case schema.KindString:
	default:
		if scalarFault(&n, f.field) != "" && text != "0" {
			return c, fmt.Sprintf("The value '%s' is not valid for %s.", text, f.name)
		}
	}
	c.canonical = r.appendCanonical(nil, c.text, f.field.Kind, f.field.descriptor != nil)
	return c, ""
}

// keyOfQuery notes that the conditions give the whole natural key, which needs no search.
func (c *dataCall) keyOfQuery(q *query) {
	parts := make([][]byte, 0, len(c.endpoint.key))
	for _, p := range c.endpoint.key {
		found := false
		for _, cond := range q.conditions {
			for _, path := range cond.filter.paths {
				if !found && samePath(path, p.path) {
					text := cond.canonical
					if p.fold {
						text = appendFold(nil, text)
					}
					parts, found = append(parts, text), true
				}
			}
		}
		if !found {
			return
		}
	}
	q.keyed, q.key = true, c.endpoint.keyOf(parts)
}

func (c *dataCall) list() *problem {
	if p := c.client.authorize(c.endpoint, Read); p != nil {
		return p
	}
	q, p := c.parseQuery(c.r.URL.Query())
	if p != nil {
		return p
	}
	l := listing{call: c, query: q, record: c.takeRecord(), out: []byte("[")}
	defer c.giveRecord(l.record)
	if err := l.run(); err != nil {
		return c.fail(err)
	}
	if q.total {
		c.w.Header().Set("Total-Count", strconv.Itoa(l.total))
	}
	c.answer(closeWith(l.out, ']'))
	return nil
}

// listing collects one page.
type listing struct {
	call   *dataCall
	query  *query
	record *record
	out    []byte
	total  int // of matching items met, or known
	taken  int
	err    error
}

func (l *listing) run() error {
	q, c := l.query, l.call
	s, e := c.store, c.endpoint
	plain := len(q.conditions) == 0 && !q.versions && c.allVisible()
	switch {
	case q.keyed || q.id != "":
		it, ok := s.byKey(e, q.key)
		if q.id != "" {
			it, ok = s.byID(e, q.id)
		}
		if ok {
			l.visit(&it)
		}
	case plain: // nothing to look at: a page can be reached without reading what lies before it
		l.total = s.count(e)
		if q.limit == 0 {
			return nil
		}
		s.walk(e, q.offset, func(it *item) bool {
			l.take(it)
			return l.err == nil && l.taken < q.limit
		})
	default:
		l.search()
	}
	return l.err
}

// search visits every record, but for the students of the roster when one is named.
func (l *listing) search() {
	s, e, skip := l.call.store, l.call.endpoint, 0
	if v := e.virtual; v != nil {
		for _, c := range l.query.conditions {
			if c.filter.field.Name != "studentUniqueId" {
				continue
			}
			if n, ok := studentNumber(c.text); ok {
				if it, ok := s.byKey(e, v.key(n)); ok && it.seeded() {
					l.visit(&it)
				}
			}
			skip = s.count(e) - s.storedCount(e)
		}
	}
	s.walk(e, skip, func(it *item) bool {
		l.visit(it)
		return l.err == nil && (l.query.total || l.taken < l.query.limit)
	})
}

// visit takes an item if it matches, and counts it.
func (l *listing) visit(it *item) {
	match, err := l.matches(it)
	if err != nil {
		l.err = err
		return
	}
	if !match {
		return
	}
	if l.total++; l.total > l.query.offset && l.taken < l.query.limit {
		l.take(it)
	}
}

func (l *listing) take(it *item) {
	var err error
	if l.out, err = l.call.render(l.out, l.record, it); err != nil {
		l.err = err
		return
	}
	l.out = append(l.out, ',')
	l.taken++
}

func (l *listing) matches(it *item) (bool, error) {
	q, r := l.query, l.record
	if v := it.slot.version; v < q.minVersion || v > q.maxVersion {
		return false, nil
	}
	if len(q.conditions) > 0 {
		var err error
		if r.body, err = l.call.store.body(r.body[:0], it); err != nil {
			return false, err
		}
		if l.cannotMatch() {
			return false, nil
		}
		if err := r.begin(it.endpoint); err != nil {
			return false, err
		}
		for i := range q.conditions {
			if !r.meets(&q.conditions[i]) {
				return false, nil
			}
		}
	}
	return l.call.visible(r, it)
}

// cannotMatch rules a body out without parsing it: a text that is asked for must stand in it, unless
// it is written with escapes.
func (l *listing) cannotMatch() bool {
	if bytes.IndexByte(l.record.body, '\\') >= 0 {
		return false
	}
	for _, c := range l.query.conditions {
		f := c.filter.field
		if f.Kind == schema.KindString && f.descriptor == nil && !l.record.foldKeys && l.call.endpoint.Descriptor == "" &&
			!bytes.ContainsAny(c.text, `"\`) && !bytes.Contains(l.record.body, c.text) {
			return true
		}
	}
	return false
}

// meets says that the record in r has the value that a condition asks for.
func (r *record) meets(c *condition) bool {
	for _, path := range c.filter.paths {
		n := r.tree.at(0, path)
		if n == 0 {
			continue
		}
		f := c.filter.field
		r.scratch = r.appendCanonical(r.scratch[:0], r.tree.nodes[n].text, f.Kind, f.descriptor != nil)
		if bytes.Equal(r.scratch, c.canonical) {
			return true
		}
	}
	return false
}

// answer sends a JSON body, compressed if the caller takes that and it is worth it.
func (c *dataCall) answer(body []byte) {
	h := c.w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	if len(body) < 2048 || !strings.Contains(c.r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = c.w.Write(body)
		return
	}
	h.Set("Content-Encoding", "gzip")
	c.w.WriteHeader(http.StatusOK)
	z, err := gzip.NewWriterLevel(c.w, gzip.BestSpeed)
	if err != nil { // the level is valid
		return
	}
	_, _ = z.Write(body)
	_ = z.Close()
}
