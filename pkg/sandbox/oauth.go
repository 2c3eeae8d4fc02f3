package sandbox

import (
	"bytes"
	"cmp"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// token is what a bearer token stands for.
type token struct {
	client  *Client
	expires time.Time
	calls   int // left; below zero: no end
}

// tokens are the live tokens. Safe for concurrent use.
type tokens struct {
	clients []Client
	ttl     time.Duration
	calls   int
	limit   int
	now     func() time.Time

	mu   sync.Mutex
	live map[string]*token
}

func newTokens(o *Options) *tokens {
	t := &tokens{clients: slices.Clone(o.Clients), ttl: cmp.Or(o.TokenTTL, 30*time.Minute), calls: cmp.Or(o.TokenCalls, -1),
		limit: o.TokenLimit, now: o.Now, live: map[string]*token{}}
	if len(t.clients) == 0 {
		t.clients = []Client{{Key: Key, Secret: Secret}}
	}
	for i := range t.clients {
		t.clients[i].ClaimSet = cmp.Or(t.clients[i].ClaimSet, "Ed-Fi Sandbox")
	}
	return t
}

// login finds the client of a key and its secret.
func (t *tokens) login(key, secret string) (*Client, bool) {
	for i := range t.clients {
		c := &t.clients[i]
		if c.Key == key && subtle.ConstantTimeCompare([]byte(c.Secret), []byte(secret)) == 1 {
			return c, true
		}
	}
	return nil, false
}

// issue makes a token; it refuses when the client has too many.
func (t *tokens) issue(c *Client) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	have := 0
	for text, k := range t.live {
		if !t.now().Before(k.expires) {
			delete(t.live, text)
		} else if k.client == c {
			have++
		}
	}
	if t.limit > 0 && have >= t.limit {
		return "", false
	}
	text := newID()
	t.live[text] = &token{client: c, expires: t.now().Add(t.ttl), calls: t.calls}
	return text, true
}

// use finds the client of a token and counts a call.
func (t *tokens) use(text string) (*Client, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k, ok := t.live[text]
	if !ok {
		return nil, false
	}
	if k.calls == 0 || !t.now().Before(k.expires) {
		delete(t.live, text)
		return nil, false
	}
	k.calls--
	return k.client, true
}

func (t *tokens) drop(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.live, text)
}

func (t *tokens) dropAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.live)
}

// bearer is the call's token, and why there is none.
func bearer(r *http.Request) (token, lack string) {
	header := r.Header.Get("Authorization")
	scheme, text, _ := strings.Cut(header, " ")
	token = strings.TrimSpace(text)
	switch {
	case header == "":
		return "", "Authorization header is missing."
	case !strings.EqualFold(scheme, "Bearer"):
		return "", "Unknown Authorization header scheme."
	case token == "":
		return "", "Missing Authorization header bearer token value."
	}
	return token, ""
}

// authenticate finds the calling client and its token.
func (s *Server) authenticate(r *http.Request) (*Client, string, error) {
	token, lack := bearer(r)
	c, ok := s.tokens.use(token)
	if !ok {
		return nil, "", unauthenticated(cmp.Or(lack, "Invalid token"))
	}
	return c, token, nil
}

// grantRequest is what a client asks the token endpoint.
type grantRequest struct {
	GrantType    string `json:"grant_type"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	Token        string `json:"token"` // of token_info
}

var errMediaType = errors.New("unsupported media type")

// readGrant reads a form, or the same in JSON.
func readGrant(r *http.Request) (grantRequest, error) {
	var g grantRequest
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, 1<<16))
	if err != nil {
		return g, err
	}
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch media {
	case "application/json":
		return g, json.Unmarshal(body, &g)
	case "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return g, err
		}
		return grantRequest{form.Get("grant_type"), form.Get("client_id"), form.Get("client_secret"), form.Get("token")}, nil
	}
	return g, errMediaType
}

func (s *Server) serveToken(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	g, err := readGrant(r)
	if errors.Is(err, errMediaType) {
		unsupportedMediaType().write(w, r)
		return
	}
	if err != nil {
		writeJSON(w, http.StatusBadRequest, object{"error": "invalid_request"})
		return
	}
	client, status, code := s.tokenClient(r, &g)
	if code != "" {
		writeJSON(w, status, object{"error": code})
		return
	}
	text, ok := s.tokens.issue(client)
	if !ok {
		newProblem(http.StatusTooManyRequests, "security:authentication:too-many-tokens", "Too Many Tokens",
			"The caller has too many active access tokens. Use one of them, or wait until one has expired.").write(w, r)
		return
	}
	writeJSON(w, http.StatusOK, object{"access_token": text, "expires_in": int(s.tokens.ttl / time.Second), "token_type": "bearer"})
}

// tokenClient judges the credentials of a token request: Basic or in the body, never both.
func (s *Server) tokenClient(r *http.Request, g *grantRequest) (c *Client, status int, code string) {
	header := r.Header.Get("Authorization")
	inBody := g.ClientID != "" || g.ClientSecret != ""
	key, secret, basic := r.BasicAuth()
	switch {
	case header != "" && !strings.EqualFold(strings.SplitN(header, " ", 2)[0], "Basic"):
		return nil, http.StatusUnauthorized, "invalid_client"
	case header != "" && !basic:
		return nil, http.StatusBadRequest, "invalid_request"
	case basic && inBody:
		return nil, http.StatusBadRequest, "invalid_client"
	case !strings.EqualFold(g.GrantType, "client_credentials"):
		return nil, http.StatusBadRequest, "unsupported_grant_type"
	case !basic && !inBody:
		return nil, http.StatusUnauthorized, "invalid_request"
	case !basic:
		key, secret = g.ClientID, g.ClientSecret
	}
	c, ok := s.tokens.login(key, secret)
	if !ok {
		return nil, http.StatusUnauthorized, "invalid_client"
	}
	return c, 0, ""
}

func (s *Server) serveTokenInfo(w http.ResponseWriter, r *http.Request) {
	if s.info == TokenInfoNone {
		s.serveNothing(w, r)
		return
	}
	if r.Method != http.MethodPost {
		methodNotAllowed("Only POST is supported.").write(w, r)
		return
	}
	c, token, err := s.authenticate(r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	g, err := readGrant(r)
	if errors.Is(err, errMediaType) {
		unsupportedMediaType().write(w, r)
		return
	}
	if err != nil || g.Token != token {
		badRequest("Invalid token").write(w, r)
		return
	}
	namespaces := c.Namespaces
	if len(namespaces) == 0 {
		namespaces = []string{"uri://"}
	}
	said := object{"active": true, "client_id": c.Key, "namespace_prefixes": namespaces, "education_organizations": s.organizations(c),
		"student_identification_system": nil, "assigned_profiles": []string{}}
	if s.info != TokenInfoShort {
		said["claim_set"], said["resources"], said["services"] = object{"name": c.ClaimSet}, s.granted(c), []string{}
	}
	writeJSON(w, http.StatusOK, said)
}

// organizations are what the client is for, as token_info has it.
func (s *Server) organizations(c *Client) []object {
	if c.Districts == nil {
		return []object{{"education_organization_id": District, "name_of_institution": "Sandbox District",
			"type": "edfi.LocalEducationAgency", "local_education_agency_id": District}}
	}
	all := []object{}
	for _, id := range c.Districts {
		all = append(all, object{"education_organization_id": id, "name_of_institution": "District " + strconv.FormatInt(id, 10),
			"type": "edfi.LocalEducationAgency", "local_education_agency_id": id})
	}
	return all
}

// granted is what the client may do.
func (s *Server) granted(c *Client) (resources []object) {
	for _, e := range s.model.endpoints {
		may := slices.DeleteFunc(slices.Clone(allActions), func(a Action) bool { return c.denies(e.Name, a) })
		if len(may) > 0 {
			resources = append(resources, object{"resource": e.path(), "operations": may})
		}
	}
	return resources
}

// denies says that the client may not do that.
func (c *Client) denies(resource string, a Action) bool {
	return slices.ContainsFunc(c.Deny, func(d Denial) bool {
		ok, _ := path.Match(d.Resource, resource)
		return ok && (len(d.Actions) == 0 || slices.Contains(d.Actions, a))
	})
}

// authorize judges the client's claim set: one of the actions must be allowed.
func (c *Client) authorize(e *endpoint, actions ...Action) error {
	allowed := func(a Action) bool { return !c.denies(e.Name, a) }
	if slices.ContainsFunc(actions, allowed) {
		return nil
	}
	claim := "http://ed-fi.org/identity/claims/" + e.Segment + "/" + e.singular
	if !slices.ContainsFunc(allActions, allowed) {
		return accessDenied("resource", c.ClaimSet, "The API client's assigned claim set (currently '"+c.ClaimSet+
			"') must include one of the following resource claims to provide access to this resource: '"+claim+"'.")
	}
	return accessDenied("action", c.ClaimSet, "The API client's assigned claim set (currently '"+c.ClaimSet+
		"') must grant permission of the '"+strings.ToLower(string(actions[0]))+"' action on one of the following resource claims: '"+claim+"'.")
}

// maySee says whether the client's prefixes cover a record's namespace, if it has one.
func (c *Client) maySee(e *endpoint, m record) bool {
	path := e.namespacePath()
	if len(c.Namespaces) == 0 || path == nil {
		return true
	}
	_, v := at(e.Root, m, path)
	return v.kind == 0 || slices.ContainsFunc(c.Namespaces, func(prefix string) bool {
		return len(v.text) >= len(prefix) && bytes.EqualFold(v.text[:len(prefix)], []byte(prefix))
	})
}

// writeJSON answers with a value made of what JSON has.
func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(toJSON(v))
}
