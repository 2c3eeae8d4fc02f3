// Package sandbox is an Ed-Fi API on loopback: Data Standard facts from pkg/schema, the behaviour of
// ODS/API 7.2, made-up data. It is the demo's target and the server of every HTTP test.
//
// It owns its checks, its store and its faults, and shares no code with the client packages, so that
// client and emulator cannot share a misunderstanding. As an ODS does, it drops body properties that it
// does not know, and takes property names in any case.
//
// It knows students 600000–699999, enrolled in the schools 255901300–255901399 of district 255901, the
// school years 1991–2050 and the standard descriptors.
//
// Where it differs from an ODS: changing the key of a record that others refer to (by PUT, for the few
// resources that allow it) is a conflict instead of a cascade; the key of a record that was there from
// the start does not change at all; there are no profiles, snapshots, composites, XSD, deletes and
// keyChanges; authorization knows claim sets and namespaces, not relationships to organizations.
package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sluice-edfi/sluice/pkg/schema"
)

// The built-in client. The data is made up and the server on loopback: the secret protects nothing.
const (
	Key    = "sandbox"
	Secret = "sandbox-secret"
)

// Action is what a claim set may allow on a resource.
type Action string

// The actions.
const (
	Create Action = "Create"
	Read   Action = "Read"
	Update Action = "Update"
	Delete Action = "Delete"
)

var allActions = []Action{Create, Read, Update, Delete}

// Client is an API client and what it may do.
type Client struct {
	Key, Secret string
	ClaimSet    string   // its name; empty: Ed-Fi Sandbox
	Namespaces  []string // prefixes of namespaces it may touch; empty: any (token_info then says uri://)
	Deny        []Denial // what the claim set lacks
}

// Denial takes actions on a resource away from a client.
type Denial struct {
	Resource string   // endpoint
	Actions  []Action // empty: all, as if the claim set did not know the resource
}

// Options say what a sandbox is. Only Standard is needed.
type Options struct {
	Standard    *schema.Standard
	Descriptors []schema.DescriptorValue // values that exist from the start
	Dir         string                   // where the store lies; empty: in memory
	Reset       bool                     // begin an empty store
	Students    string                   // CSV file with a column studentUniqueId: further students; empty: none
	Clients     []Client                 // empty: the built-in one
	Faults      Faults
	FoldKeys    bool             // keys without regard to case, as on SQL Server; else as on PostgreSQL
	Context     string           // first path segment of every URL but the root's, such as a school year; empty: none
	TokenTTL    time.Duration    // life of a token; 0: 30 minutes
	TokenCalls  int              // data calls after which a token dies; 0: no end
	TokenLimit  int              // live tokens of a client; 0: no limit, as in 7.2
	Now         func() time.Time // nil: time.Now
	Logger      *slog.Logger     // nil: silent
}

// Server is a running emulator. Safe for concurrent use.
type Server struct {
	model   *model
	store   *store
	tokens  *tokens
	fate    fate
	context string
	fold    bool
	log     *slog.Logger
	records sync.Pool

	documents [3]document // by the documents' places in documentKinds
}

// Open opens the store and makes the server ready; Handler answers calls from then on.
func Open(o Options) (*Server, error) {
	if o.Standard == nil {
		return nil, errors.New("the sandbox needs a data standard")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	m, err := newModel(o.Standard)
	if err != nil {
		return nil, err
	}
	st, err := openStore(m, &o, o.Logger)
	if err != nil {
		return nil, err
	}
	s := &Server{model: m, store: st, tokens: newTokens(&o), context: strings.Trim(o.Context, "/"), fold: o.FoldKeys, log: o.Logger}
	s.records.New = func() any { return &record{foldKeys: s.fold} }
	s.fate.set(o.Faults)
	return s, nil
}

// ID is the identity of the store: it stays the same over restarts and addresses, until a reset.
func (s *Server) ID() string { return s.store.id }

// SetFaults changes what goes wrong, from the next call on.
func (s *Server) SetFaults(f Faults) { s.fate.set(f) }

// ExpireTokens makes all tokens invalid.
func (s *Server) ExpireTokens() { s.tokens.dropAll() }

// Close gives the store back. No call may be running.
func (s *Server) Close() error { return s.store.close() }

// Handler answers the API's calls.
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.serve) }

// ErrNotLoopback refuses to serve made-up credentials to a network.
var ErrNotLoopback = errors.New("the sandbox listens on loopback addresses only")

// Serve answers calls on l, which must be a loopback address, until ctx ends. It closes l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	if addr, ok := l.Addr().(*net.TCPAddr); !ok || !addr.IP.IsLoopback() {
		return errors.Join(fmt.Errorf("%w, not on %s", ErrNotLoopback, l.Addr()), l.Close())
	}
	server := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn)}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve the sandbox: %w", err)
	case <-ctx.Done():
	}
	// Calls that are running may end; a client that keeps a connection busy is not waited for.
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	err := server.Shutdown(end)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// serve finds what a call is for, lets a fault spoil it or not, and answers.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	call, data, handler := s.route(r.URL.Path)
	if fault := s.fate.draw(r.Method, call, data); fault != "" {
		s.log.Debug("sandbox fault", "fault", string(fault), "method", r.Method, "call", call)
		s.spoil(fault, w, r, handler)
		return
	}
	handler(w, r)
}

// route names the call of a path, says whether it is a data call, and who answers it.
func (s *Server) route(path string) (call string, data bool, h http.HandlerFunc) {
	path, inContext := s.cutContext(path)
	segments := strings.Split(strings.Trim(path, "/"), "/")
	is := func(words ...string) bool {
		return len(segments) == len(words) && slices.EqualFunc(segments, words, func(a, b string) bool { return b == "*" || strings.EqualFold(a, b) })
	}
	switch {
	case is(""):
		return "root", false, func(w http.ResponseWriter, r *http.Request) { s.serveRoot(w, r, inContext) }
	case !inContext:
	case is("data", "v3", "*", "*"):
		return s.canonical(segments[3]), true, func(w http.ResponseWriter, r *http.Request) { s.serveData(w, r, segments[2], segments[3], "") }
	case is("data", "v3", "*", "*", "*"):
		return s.canonical(segments[3]), true, func(w http.ResponseWriter, r *http.Request) {
			s.serveData(w, r, segments[2], segments[3], segments[4])
		}
	case is("oauth", "token"):
		return "token", false, s.serveToken
	case is("oauth", "token_info"):
		return "token_info", false, s.serveTokenInfo
	case is("metadata"):
		return "metadata", false, s.serveListing
	case is("metadata", "data", "v3", "dependencies"):
		return "dependencies", false, s.serveDependencies
	case is("metadata", "data", "v3", "*", "swagger.json"):
		return "metadata", false, func(w http.ResponseWriter, r *http.Request) { s.serveDocument(w, r, segments[3]) }
	case is("changeQueries", "v1", "availableChangeVersions"):
		return "changeVersions", false, s.serveChangeVersions
	}
	return "", false, func(w http.ResponseWriter, r *http.Request) {
		notFound("The specified resource could not be found.").write(w, r)
	}
}

// canonical is the endpoint's name as the standard writes it; rules for faults use that.
func (s *Server) canonical(name string) string {
	if e, ok := s.model.find(name); ok {
		return e.Name
	}
	return name
}

// cutContext takes the context segment off a path.
func (s *Server) cutContext(path string) (rest string, inContext bool) {
	if s.context == "" {
		return path, true
	}
	if rest, ok := strings.CutPrefix(path, "/"+s.context); ok && (rest == "" || rest[0] == '/') {
		return rest, true
	}
	return path, false
}

// base is the URL that the caller knows the server by.
func (s *Server) base(r *http.Request) string {
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	if s.context != "" {
		return scheme + r.Host + "/" + s.context
	}
	return scheme + r.Host
}

// takeRecord lends the room for one body.
func (s *Server) takeRecord() *record { return s.records.Get().(*record) }

func (s *Server) giveRecord(r *record) { s.records.Put(r) }

// maxBody is where an ODS refuses to read on.
const maxBody = 30 << 20

// readBody reads a call's body into r.body.
func readBody(w http.ResponseWriter, req *http.Request, r *record) error {
	buf := bytes.NewBuffer(r.body[:0])
	if n := req.ContentLength; n > 0 && n <= maxBody {
		buf.Grow(int(n) + bytes.MinRead)
	}
	_, err := buf.ReadFrom(http.MaxBytesReader(w, req.Body, maxBody))
	r.body = buf.Bytes()
	return err
}
