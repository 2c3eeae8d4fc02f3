// Package sandbox is an Ed-Fi API on loopback: facts of a data standard from pkg/schema, the behaviour of
// ODS/API 7.2, made-up data. It is the target of the demo and of the built-in tenant, and the server of
// tests that need a whole target.
//
//	a call ─► route ─► fault? ─► token ─► claim set ─► decode ─────► check ─► store ─► answer
//	             │                                                       │        │
//	             └─► discovery, OAuth, documents               schema.Standard   log
//
// It owns its checks, its store and its faults, and shares no code with the client packages, so that
// client and emulator cannot share a mistake in the protocol. Two things they do share: the scanner of
// JSON in pkg/jsonl, which tests hold against encoding/json, and what a resource is, from pkg/schema. The
// OpenAPI documents are written from the same schema.Standard that a client reads out of them, so that a
// wrong key or reference in it is not found by asking the sandbox.
//
// As an ODS does, it drops body properties that it does not know, and takes property names in any case.
// It keeps a body as it came and decodes it again for each reader.
//
// It knows students 600000–699999, enrolled in the schools 255901300–255901399 of district 255901, the
// school years 1991–2050 and the standard descriptors. A student's id of the identification system State is 48
// before the studentUniqueId; that of Local, which Data Standard 6.0 leaves out, is the student's number from
// 0000000 on.
//
// It differs from an ODS in these points: changing the key of a record that others refer to (by PUT, for
// the few resources that allow it) is a conflict instead of a cascade; the key of a student's enrollment
// that was there from the start does not change at all; there are no profiles, snapshots, composites,
// XSD and keyChanges, and deletes name records by id alone, as in 5.x; authorization knows claim sets and namespaces, not relationships to
// organizations.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
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
	Districts   []int64  // what token_info says that it is for, which no call is judged by; nil: the one of the sandbox
}

// TokenInfo is how much token_info says.
type TokenInfo string

// The kinds of token_info.
const (
	TokenInfoFull  TokenInfo = "full"  // as from 7.3 on: claim set and resources too
	TokenInfoShort TokenInfo = "short" // as before
	TokenInfoNone  TokenInfo = "none"  // there is none
)

// Denial takes actions on a resource away from a client.
type Denial struct {
	Resource string   // endpoint, or a pattern of endpoints: *Descriptors
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
	TokenInfo   TokenInfo        // how much it says; empty: full
}

// FileError says that a file is not what the sandbox needs: the log of its store, which another version wrote
// or which is damaged, or the list of students.
type FileError struct {
	Path     string
	Students bool // it is the list of students
	Err      error
}

func (e *FileError) Error() string { return fmt.Sprintf("%s: %v", e.Path, e.Err) }

func (e *FileError) Unwrap() error { return e.Err }

// Server is a running emulator. Safe for concurrent use.
type Server struct {
	model     *model
	store     *store
	tokens    *tokens
	fate      fate
	context   string // with a slash before it
	log       *slog.Logger
	documents map[string]func() *document // made when they are first asked for
	info      TokenInfo
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
	m, err := newModel(o.Standard, o.FoldKeys)
	if err != nil {
		return nil, err
	}
	st, err := openStore(m, &o, o.Logger)
	if err != nil {
		return nil, err
	}
	s := &Server{model: m, store: st, tokens: newTokens(&o), log: o.Logger, documents: m.documents(), info: o.TokenInfo}
	if context := strings.Trim(o.Context, "/"); context != "" {
		s.context = "/" + context
	}
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

// call is what a path asks for.
type call struct {
	name   string // in the rules for faults
	data   bool
	handle http.HandlerFunc
}

// serve finds what a call is for, lets a fault spoil it or not, and answers.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	c := s.route(r.URL.Path)
	if fault, faults := s.fate.draw(r.Method, c.name, c.data); fault != "" {
		s.log.Debug("sandbox fault", "fault", string(fault), "method", r.Method, "call", c.name)
		s.spoil(fault, faults, w, r, c.handle)
		return
	}
	c.handle(w, r)
}

// route finds the call of a path. As in an ODS, the case of its segments does not matter, which is why
// http.ServeMux does not do it.
func (s *Server) route(path string) call {
	path, inContext := s.cutContext(path)
	segments := strings.Split(strings.Trim(path, "/"), "/")
	lower := strings.ToLower(strings.Join(segments, "/"))
	if lower == "" {
		return call{"root", false, func(w http.ResponseWriter, r *http.Request) { s.serveRoot(w, r, inContext) }}
	}
	if !inContext {
		return call{handle: s.serveNothing}
	}
	switch lower {
	case "oauth/token":
		return call{"token", false, s.serveToken}
	case "oauth/token_info":
		return call{"token_info", false, s.serveTokenInfo}
	case "metadata":
		return call{"metadata", false, s.serveListing}
	case "metadata/data/v3/dependencies":
		return call{"dependencies", false, s.serveDependencies}
	case "changequeries/v1/availablechangeversions":
		return call{"changeVersions", false, s.serveChangeVersions}
	}
	switch n := len(segments); {
	case strings.HasPrefix(lower, "data/v3/") && (n == 4 || n == 5):
		name, id := segments[3], strings.Join(segments[4:], "")
		if e, ok := s.model.find(name); ok {
			name = e.Name
		}
		return call{name, true, func(w http.ResponseWriter, r *http.Request) { s.serveData(w, r, segments[2], name, id) }}
	case strings.HasPrefix(lower, "metadata/data/v3/") && n == 5 && strings.HasSuffix(lower, "/swagger.json"):
		return call{"metadata", false, func(w http.ResponseWriter, r *http.Request) { s.serveDocument(w, r, strings.ToLower(segments[3])) }}
	}
	return call{handle: s.serveNothing}
}

func (s *Server) serveNothing(w http.ResponseWriter, r *http.Request) {
	notFound(noSuchResource).write(w, r)
}

// refuse answers with what went wrong: a problem, or a failure of the sandbox, which is logged.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	p, ok := errors.AsType[*problem](err)
	if !ok {
		s.log.Error("the sandbox failed", "method", r.Method, "path", r.URL.Path, "error", err)
		p = systemError()
	}
	p.write(w, r)
}

// cutContext takes the context segment off a path.
func (s *Server) cutContext(path string) (rest string, inContext bool) {
	rest, ok := strings.CutPrefix(path, s.context)
	if !ok || s.context != "" && rest != "" && rest[0] != '/' {
		return path, false
	}
	return rest, true
}

// base is the URL that the caller knows the server by.
func (s *Server) base(r *http.Request) string { return "http://" + r.Host + s.context }
