package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"strings"
)

// dataCall is one authenticated call of an endpoint.
type dataCall struct {
	server   *Server
	w        http.ResponseWriter
	r        *http.Request
	client   *Client
	endpoint *endpoint
	room     *arena
}

// serveData answers a call of an endpoint. The order of the checks is that of an ODS: token, claim
// set, body, and the database last.
func (s *Server) serveData(w http.ResponseWriter, r *http.Request, segment, name, id string) {
	client, _, err := s.authenticate(r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	if !strings.EqualFold(segment, "ed-fi") {
		name = segment + "." + name
	}
	e, ok := s.model.find(name)
	if !ok || !strings.EqualFold(e.Segment, segment) || strings.EqualFold(id, "keyChanges") {
		s.refuse(w, r, notFound(noSuchResource))
		return
	}
	if inSnapshot(r) {
		s.refuse(w, r, notFound(noSnapshot))
		return
	}
	room := arenas.Get().(*arena)
	defer room.release()
	c := &dataCall{s, w, r, client, e, room}
	if err := c.answer(id); err != nil {
		s.refuse(w, r, err)
	}
}

const noSnapshot = "Snapshot not found."

// inSnapshot says that a call is about a snapshot, of which there is none.
func inSnapshot(r *http.Request) bool { return strings.EqualFold(r.Header.Get("Use-Snapshot"), "true") }

// answer carries a call out. An error may be a *problem; any other is a failure of the sandbox.
func (c *dataCall) answer(id string) error {
	switch method := c.r.Method; {
	case method == http.MethodGet && id == "":
		return c.list()
	case method == http.MethodGet && strings.EqualFold(id, "deletes"):
		return c.listDeleted()
	case method == http.MethodGet:
		return c.get(id)
	case method == http.MethodPost && id == "":
		return c.post()
	case method == http.MethodPut && id != "":
		return c.put(id)
	case method == http.MethodDelete && id != "":
		return c.delete(id)
	case method == http.MethodPost:
		return methodNotAllowed("Resource items can only be updated using PUT. To \"upsert\" an item in the resource collection using POST, remove the 'id' from the route.")
	case method == http.MethodPut:
		return methodNotAllowed("Resource collections cannot be replaced. To \"upsert\" an item in the collection, use POST. To update a specific item, use PUT and include the 'id' in the route.")
	case method == http.MethodDelete:
		return methodNotAllowed("Resource collections cannot be deleted. To delete a specific item, use DELETE and include the 'id' in the route.")
	default:
		return methodNotAllowed("The method " + method + " is not supported.")
	}
}

func (c *dataCall) post() error {
	if err := c.client.authorize(c.endpoint, Create, Update); err != nil {
		return err
	}
	ch, err := c.write("")
	if err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Location", string(c.server.store.appendID([]byte(c.server.base(c.r)+"/data/v3"+c.endpoint.path()+"/"), &ch.row)))
	h.Set("ETag", `"`+ch.etag()+`"`)
	if ch.created {
		c.w.WriteHeader(http.StatusCreated)
	} else {
		c.w.WriteHeader(http.StatusOK)
	}
	return nil
}

func (c *dataCall) put(id string) error {
	if err := c.client.authorize(c.endpoint, Update); err != nil {
		return err
	}
	if err := checkID(id); err != nil {
		return err
	}
	ch, err := c.write(plainID(id))
	if err != nil {
		return err
	}
	c.w.Header().Set("ETag", `"`+ch.etag()+`"`)
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (c *dataCall) delete(id string) error {
	if err := c.client.authorize(c.endpoint, Delete); err != nil {
		return err
	}
	if err := checkID(id); err != nil {
		return err
	}
	may := func(r *row) error {
		if err := c.maySee(r); err != nil {
			return err
		}
		return c.isCurrent(r)
	}
	s := c.server.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.remove(c.endpoint, plainID(id), may); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (c *dataCall) get(id string) error {
	if err := c.client.authorize(c.endpoint, Read); err != nil {
		return err
	}
	if err := checkID(id); err != nil {
		return err
	}
	r, body, err := c.read(plainID(id))
	if err != nil {
		return err
	}
	c.w.Header().Set("ETag", `"`+r.etag()+`"`)
	if known := c.r.Header.Get("If-None-Match"); known != "" && matches(known, &r) {
		c.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	send(c.w, c.r, body)
	return nil
}

// read reads a record that the client may see.
func (c *dataCall) read(id string) (row, []byte, error) {
	s := c.server.store
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, ok := s.byID(c.endpoint, id)
	if !ok {
		return r, nil, notFound(noSuchItem)
	}
	if err := c.maySee(&r); err != nil {
		return r, nil, err
	}
	body, err := c.server.render(nil, &r, c.room)
	return r, body, err
}

// write reads and checks the body of a write, and stores it. That what it refers to exists, that its key is
// its own and that it is written is one step.
func (c *dataCall) write(id string) (*change, error) {
	body, err := c.readBody()
	if err != nil {
		return nil, err
	}
	m, hasID, err := decode(body, c.endpoint.Root, c.room)
	if err != nil {
		return nil, invalidData(map[string][]string{"$": {"The request body is not valid JSON: " + err.Error() + "."}})
	}
	if c.r.Method == http.MethodPost && hasID {
		return nil, badRequest("Resource identifiers cannot be assigned by the client. The 'id' property must be removed from the request body.")
	}
	e, s := c.endpoint, c.server.store
	s.mu.Lock()
	defer s.mu.Unlock()
	ck := check{arena: c.room, model: s.model, store: s, endpoint: e}
	if messages := ck.run(m); messages != nil {
		return nil, invalidData(messages)
	}
	if !c.client.maySee(e, m) {
		return nil, namespaceMismatch(c.client.Namespaces, false)
	}
	c.room.key = s.model.appendRecordKey(c.room.key[:0], e, m)
	ch := &change{entry: newEntry(e, c.room.key), id: id, body: body, unresolved: ck.unresolved,
		mayCreate: c.client.authorize(e, Create), mayUpdate: c.mayUpdate}
	ch.value, ch.refs = e.descriptorValue(m), ck.refs
	return ch, s.put(ch)
}

// maxBody is where an ODS refuses to read on.
const maxBody = 30 << 20

// readBody reads the body of a write, and brings it into one line.
func (c *dataCall) readBody() ([]byte, error) {
	media, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return nil, unsupportedMediaType()
	}
	body := &c.room.body
	body.Reset()
	if _, err := body.ReadFrom(http.MaxBytesReader(c.w, c.r.Body, maxBody)); err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return nil, newProblem(http.StatusRequestEntityTooLarge, "bad-request", "Request Body Too Large", "The request body is too large.")
		}
		return nil, badRequest("The request body could not be read.")
	}
	if len(bytes.TrimSpace(body.Bytes())) == 0 {
		return nil, badRequest("A non-empty request body is required.")
	}
	if !bytes.ContainsRune(body.Bytes(), '\n') {
		return body.Bytes(), nil
	}
	var line bytes.Buffer
	if json.Compact(&line, body.Bytes()) != nil {
		return body.Bytes(), nil // decoding it will say what is wrong
	}
	return line.Bytes(), nil
}

// mayUpdate judges the change of an existing record: the claim to update, and If-Match.
func (c *dataCall) mayUpdate(old *row) error {
	if err := c.client.authorize(c.endpoint, Update); err != nil {
		return err
	}
	return c.isCurrent(old)
}

// isCurrent demands that a record is the one that the caller has seen, if the caller says which that is.
func (c *dataCall) isCurrent(r *row) error {
	if header := c.r.Header.Get("If-Match"); header != "" && !matches(header, r) {
		return staleETag()
	}
	return nil
}

// matches compares the ETag of an If-Match or If-None-Match header.
func matches(header string, r *row) bool {
	return header == "*" || strings.Trim(strings.TrimPrefix(header, "W/"), `"`) == r.etag()
}

// maySee refuses a record that a namespace hides from the client.
func (c *dataCall) maySee(r *row) error {
	if c.seesAll() {
		return nil
	}
	m, err := c.server.record(r, c.room)
	if err == nil && !c.client.maySee(c.endpoint, m) {
		err = namespaceMismatch(c.client.Namespaces, true)
	}
	return err
}

// seesAll says that namespaces hide nothing here from the client. Everyone may read descriptors.
func (c *dataCall) seesAll() bool {
	return len(c.client.Namespaces) == 0 || c.endpoint.namespacePath() == nil || c.endpoint.Descriptor != "" && c.r.Method == http.MethodGet
}

const (
	noSuchItem     = "The specified resource item could not be found."
	noSuchResource = "The specified resource could not be found."
)

// checkID refuses what is not a GUID.
func checkID(id string) error {
	plain := plainID(id)
	if len(plain) == 32 && strings.Trim(plain, "0123456789abcdef") == "" {
		return nil
	}
	return invalidData(map[string][]string{"$.id": {"The value '" + id + "' is not valid."}})
}

// plainID writes a GUID as the store does; the dashed form and capitals name the same record.
func plainID(id string) string { return strings.ToLower(strings.ReplaceAll(id, "-", "")) }
