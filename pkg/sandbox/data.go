package sandbox

import (
	"bytes"
	"errors"
	"mime"
	"net/http"
	"strings"
)

// serveData answers a call of an endpoint. The order of the checks is that of an ODS: token, claim
// set, body, and the database last.
func (s *Server) serveData(w http.ResponseWriter, r *http.Request, segment, name, id string) {
	client, p := s.authenticate(r)
	if p != nil {
		p.write(w, r)
		return
	}
	e, ok := s.model.find(name)
	if !ok || !strings.EqualFold(e.Segment, segment) || strings.EqualFold(id, "deletes") || strings.EqualFold(id, "keyChanges") {
		notFound("The specified resource could not be found.").write(w, r)
		return
	}
	c := &dataCall{Server: s, w: w, r: r, client: client, endpoint: e}
	switch {
	case r.Method == http.MethodGet && id == "":
		p = c.list()
	case r.Method == http.MethodGet:
		p = c.get(id)
	case r.Method == http.MethodPost && id == "":
		p = c.post()
	case r.Method == http.MethodPut && id != "":
		p = c.put(id)
	case r.Method == http.MethodDelete && id != "":
		p = c.delete(id)
	case r.Method == http.MethodPost:
		p = methodNotAllowed("Resource items can only be updated using PUT. To \"upsert\" an item in the resource collection using POST, remove the 'id' from the route.")
	case r.Method == http.MethodPut:
		p = methodNotAllowed("Resource collections cannot be replaced. To \"upsert\" an item in the collection, use POST. To update a specific item, use PUT and include the 'id' in the route.")
	case r.Method == http.MethodDelete:
		p = methodNotAllowed("Resource collections cannot be deleted. To delete a specific item, use DELETE and include the 'id' in the route.")
	default:
		p = methodNotAllowed("The method " + r.Method + " is not supported.")
	}
	if p != nil {
		p.write(w, r)
	}
}

// dataCall is one authenticated call of an endpoint.
type dataCall struct {
	*Server
	w        http.ResponseWriter
	r        *http.Request
	client   *Client
	endpoint *endpoint
}

// fail logs what should not happen, and makes the answer for it.
func (c *dataCall) fail(err error) *problem {
	c.log.Error("the sandbox failed", "method", c.r.Method, "resource", c.endpoint.Name, "error", err)
	return systemError()
}

// readRecord reads and checks the body of a write.
func (c *dataCall) readRecord(r *record) *problem {
	media, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return unsupportedMediaType()
	}
	if err := readBody(c.w, c.r, r); err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return newProblem(http.StatusRequestEntityTooLarge, "bad-request", "Request Body Too Large", "The request body is too large.")
		}
		return badRequest("The request body could not be read.")
	}
	if len(bytes.TrimSpace(r.body)) == 0 {
		return badRequest("A non-empty request body is required.")
	}
	if err := r.begin(c.endpoint); err != nil {
		return invalidData(map[string][]string{"$": {"The request body is not valid JSON: " + err.Error() + "."}})
	}
	if c.r.Method == http.MethodPost && r.hasID() {
		return badRequest("Resource identifiers cannot be assigned by the client. The 'id' property must be removed from the request body.")
	}
	if !r.check(c.endpoint) {
		return invalidData(r.invalid)
	}
	if namespace, ok := r.namespace(c.endpoint); ok && !c.client.maySee(namespace) {
		return namespaceMismatch(c.client.Namespaces, false)
	}
	return nil
}

// hasID says that the client sent an id of its own.
func (r *record) hasID() bool {
	for n := r.tree.nodes[0].child; n != 0; n = r.tree.nodes[n].next {
		if nd := &r.tree.nodes[n]; len(nd.name) == 2 && strings.EqualFold(string(nd.name), "id") && nd.kind != jsonNull {
			return true
		}
	}
	return false
}

// namespace is the value that namespace-based authorization looks at: the namespace in the record's
// key, or its own.
func (r *record) namespace(e *endpoint) (string, bool) {
	for _, p := range e.key {
		if leaf := p.path[len(p.path)-1]; leaf.Name == "namespace" {
			n := r.tree.at(0, p.path)
			return string(r.tree.nodes[n].text), n != 0
		}
	}
	f, ok := e.root.byName["namespace"]
	if !ok {
		return "", false
	}
	n := r.tree.member(0, f)
	return string(r.tree.nodes[n].text), n != 0
}

// matches judges an If-Match header.
func matches(header string, it *item) bool {
	if header == "" || header == "*" {
		return true
	}
	return strings.Trim(strings.TrimPrefix(header, "W/"), `"`) == it.etag()
}

func (c *dataCall) post() *problem {
	if p := c.client.authorize(c.endpoint, Create, Update); p != nil {
		return p
	}
	r := c.takeRecord()
	defer c.giveRecord(r)
	if p := c.readRecord(r); p != nil {
		return p
	}
	var denied *problem
	ch := change{endpoint: c.endpoint, key: r.recordKey(c.endpoint), body: r.body, uses: r.uses, guard: c.guard(&denied)}
	ch.mayCreate = !c.client.denies(c.endpoint.Name, Create)
	if c.endpoint.values != nil {
		ch.text = r.descriptorText(c.endpoint)
	}
	it, use, out, err := c.store.put(&ch)
	switch {
	case err != nil:
		return c.fail(err)
	case out == refused && denied == nil:
		return c.client.authorize(c.endpoint, Create)
	case out == refused:
		return denied
	case out == unresolved:
		return unresolvedReference(use.name())
	}
	h := c.w.Header()
	h.Set("Location", c.base(c.r)+"/data/v3/"+c.endpoint.Segment+"/"+c.endpoint.Name+"/"+c.store.recordID(&it))
	h.Set("ETag", `"`+it.etag()+`"`)
	if out == created {
		c.w.WriteHeader(http.StatusCreated)
	} else {
		c.w.WriteHeader(http.StatusOK)
	}
	return nil
}

// name is what messages call the item that a use means.
func (u *use) name() string {
	if u.ref != nil {
		return u.ref.name
	}
	return "Descriptor"
}

// guard judges the change of an existing record: the claim to update, and If-Match.
func (c *dataCall) guard(denied **problem) func(*item) bool {
	return func(it *item) bool {
		if p := c.client.authorize(c.endpoint, Update); p != nil {
			*denied = p
		} else if !matches(c.r.Header.Get("If-Match"), it) {
			*denied = staleETag()
		}
		return *denied == nil
	}
}

var errNoItem = "The specified resource item could not be found."

func (c *dataCall) put(id string) *problem {
	if p := c.client.authorize(c.endpoint, Update); p != nil {
		return p
	}
	if p := checkID(id); p != nil {
		return p
	}
	r := c.takeRecord()
	defer c.giveRecord(r)
	if p := c.readRecord(r); p != nil {
		return p
	}
	id = plainID(id)
	old, ok := c.store.byID(c.endpoint, id)
	if !ok {
		return notFound(errNoItem)
	}
	k := r.recordKey(c.endpoint)
	if old.slot.key != k && !c.endpoint.KeyUpdates {
		return keyChange(c.endpoint.entity)
	}
	var denied *problem
	ch := change{endpoint: c.endpoint, key: k, id: id, body: r.body, uses: r.uses, guard: c.guard(&denied)}
	if c.endpoint.values != nil {
		ch.text = r.descriptorText(c.endpoint)
	}
	it, use, out, err := c.store.put(&ch)
	switch {
	case err != nil:
		return c.fail(err)
	case out == missing:
		return notFound(errNoItem)
	case out == refused:
		return denied
	case out == unresolved:
		return unresolvedReference(use.name())
	case out == clash:
		return nonUnique(c.endpoint.entity)
	case out == fixed:
		return keyChange(c.endpoint.entity)
	case out == referenced:
		return dependentExists(c.store.dependentsOf(old.slot.key))
	}
	c.w.Header().Set("ETag", `"`+it.etag()+`"`)
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (c *dataCall) delete(id string) *problem {
	if p := c.client.authorize(c.endpoint, Delete); p != nil {
		return p
	}
	if p := checkID(id); p != nil {
		return p
	}
	if p := c.mayTouch(plainID(id)); p != nil {
		return p
	}
	var denied *problem
	out, by, err := c.store.remove(c.endpoint, plainID(id), func(it *item) bool {
		if !matches(c.r.Header.Get("If-Match"), it) {
			denied = staleETag()
		}
		return denied == nil
	})
	switch {
	case err != nil:
		return c.fail(err)
	case out == missing:
		return notFound(errNoItem)
	case out == refused:
		return denied
	case out == referenced:
		return dependentExists(by)
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// mayTouch judges the namespace of a stored record.
func (c *dataCall) mayTouch(id string) *problem {
	it, ok := c.store.byID(c.endpoint, id)
	if !ok {
		return notFound(errNoItem)
	}
	r := c.takeRecord()
	defer c.giveRecord(r)
	visible, err := c.visible(r, &it)
	if err != nil {
		return c.fail(err)
	}
	if !visible {
		return namespaceMismatch(c.client.Namespaces, true)
	}
	return nil
}

// visible says whether the client's namespaces cover a stored record.
func (c *dataCall) visible(r *record, it *item) (bool, error) {
	if c.allVisible() {
		return true, nil
	}
	var err error
	if r.body, err = c.store.body(r.body[:0], it); err != nil {
		return false, err
	}
	if err := r.begin(c.endpoint); err != nil {
		return false, err
	}
	namespace, ok := r.namespace(c.endpoint)
	return !ok || c.client.maySee(namespace), nil
}

// allVisible says that namespaces hide nothing here from the client. Everyone may read descriptors.
func (c *dataCall) allVisible() bool {
	return len(c.client.Namespaces) == 0 || !c.endpoint.hasNamespace() || c.endpoint.Descriptor != "" && c.r.Method == http.MethodGet
}

func (e *endpoint) hasNamespace() bool {
	if _, ok := e.root.byName["namespace"]; ok {
		return true
	}
	for _, p := range e.key {
		if p.path[len(p.path)-1].Name == "namespace" {
			return true
		}
	}
	return false
}

func (c *dataCall) get(id string) *problem {
	if p := c.client.authorize(c.endpoint, Read); p != nil {
		return p
	}
	if p := checkID(id); p != nil {
		return p
	}
	it, ok := c.store.byID(c.endpoint, plainID(id))
	if !ok {
		return notFound(errNoItem)
	}
	r := c.takeRecord()
	defer c.giveRecord(r)
	visible, err := c.visible(r, &it)
	if err != nil {
		return c.fail(err)
	}
	if !visible {
		return namespaceMismatch(c.client.Namespaces, true)
	}
	c.w.Header().Set("ETag", `"`+it.etag()+`"`)
	if known := c.r.Header.Get("If-None-Match"); known != "" && matches(known, &it) {
		c.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	body, err := c.render(nil, r, &it)
	if err != nil {
		return c.fail(err)
	}
	c.answer(body)
	return nil
}

// checkID refuses what is no GUID.
func checkID(id string) *problem {
	plain := plainID(id)
	if len(plain) == 32 && strings.Trim(plain, "0123456789abcdef") == "" {
		return nil
	}
	p := invalidData(map[string][]string{"$.id": {"The value '" + id + "' is not valid."}})
	return p
}

// plainID writes a GUID as the store does; the dashed form and capitals name the same record.
func plainID(id string) string { return strings.ToLower(strings.ReplaceAll(id, "-", "")) }
