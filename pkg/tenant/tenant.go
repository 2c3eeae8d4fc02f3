// Package tenant owns sluice.yaml: which tenants there are, what differs between them, and where
// their secrets, certificates and proxies come from. It holds no mapping logic and never writes or shows a secret.
package tenant

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// Sandbox is the name of the built-in tenant, whose target is the emulator.
const Sandbox = "sandbox"

// defaultMaxPassAge is how old a pass may be unless the tenant says otherwise.
const defaultMaxPassAge = 24 * time.Hour

// defaultRosterMin is the share of a file's ids that must match unless the tenant says otherwise.
const defaultRosterMin = 0.5

// defaultMaxCacheAge is how old what is kept of the target may be unless the tenant says otherwise.
const defaultMaxCacheAge = 24 * time.Hour

// defaultConcurrency is how many requests are under way at a time unless the tenant says otherwise.
const defaultConcurrency = 8

// Unless the tenant says otherwise, this many rejected rows of an input stop a run before it sends. A
// few bad rows in a small file are an ordinary day; a twentieth of a large one is a changed format.
const (
	defaultRejectedPercent = 5
	defaultRejectedRows    = 20
)

// Config is sluice.yaml, or what holds without one. Immutable after Load.
type Config struct {
	File    string // empty: there is no sluice.yaml
	Folder  string // where sluice.yaml lies, or the current folder; relative paths start here
	Bundles []string
	Runs    string // folder of runs
	State   string // folder of the tenants' state
	tenants []*Tenant
	written map[string]diag.Pos // where each setting stands that the file has, by what it belongs to and its key
	named   map[string]diag.Pos // where names stand that the file gives: of tenants, and of parameters, bundles and inputs in them
}

// Tenant is one tenant. Immutable after Load.
type Tenant struct {
	Name            string
	API             *API // nil for the built-in sandbox
	LEACodes        []string
	Tables          string   // folder of overlays, empty if none
	DataStandard    string   // empty: the newest embedded one in the bundle's range
	RosterColumn    string   // the vendor column that holds the studentUniqueId
	RosterIDs       []string // identification systems in which students are looked up, in this order
	RosterAuto      bool     // column and system are chosen by what matches
	RosterMin       float64  // the share of the ids that must match for that
	Params          map[string]string
	Concurrency     int
	MaxPassAge      time.Duration
	MaxCacheAge     time.Duration // how old what is kept of the target may be where the target does not say whether it changed
	AcceptUnchecked bool
	Inputs          map[string]map[string]Reading // by bundle and input: how its files are written
	MaxRejected     *float64                      // the share of rejected rows above which run does not go on to send; nil: not set
	Acknowledge     []diag.Acknowledgement        // warnings that somebody knows of and lets pass
	problems        diag.List
	invalid         error // of a tenant that has problems: what its commands end with
}

// RejectLimit is how many rejected rows of an input stop a run before it sends: a share of its rows and, unless the
// tenant has a limit of its own, a number of them too.
func (t *Tenant) RejectLimit() (share float64, rows int64, says string) {
	if t.MaxRejected != nil {
		return *t.MaxRejected, 0, fmt.Sprintf("%.4g%%", *t.MaxRejected*100)
	}
	return defaultRejectedPercent / 100.0, defaultRejectedRows, fmt.Sprintf("%d%% and more than %d rows", defaultRejectedPercent, defaultRejectedRows)
}

// HasRoster reports whether students are looked up in the tenant's roster.
func (t *Tenant) HasRoster() bool { return len(t.RosterIDs) > 0 || t.RosterAuto }

// Reading says how files are written where that is not what the bundle says.
type Reading struct{ Encoding, Delimiter string }

func (r Reading) String() string {
	var says []string
	if r.Encoding != "" {
		says = append(says, "encoding "+r.Encoding)
	}
	if r.Delimiter != "" {
		says = append(says, "delimiter "+r.Delimiter)
	}
	return strings.Join(says, ", ")
}

// API says where a tenant's target is and how it is entered.
type API struct {
	BaseURL string
	// Addresses in place of what the target's root document says.
	DataURL, OAuthURL, MetadataURL, DependenciesURL, ChangeQueriesURL string

	CAFile, ClientCertificate, ClientKey string // PEM files
	TLSMin                               string // "1.2" or "1.3"; empty: 1.2

	SchoolYear   int
	Instance     string // what a placeholder in the target's addresses stands for
	Environment  string
	AllowHTTP    bool
	clientID     secretText
	clientSecret secretText
	proxy        secretText // an address, `none`, or empty: as the environment says
}

var nameForm = regexp.MustCompile(`^[a-z0-9-]+$`)

// Default is the configuration where there is no sluice.yaml: runs and state lie in folder.
func Default(folder string) *Config {
	return &Config{Folder: folder, Runs: filepath.Join(folder, "runs"), State: filepath.Join(folder, "state"),
		tenants: []*Tenant{builtIn()}, written: map[string]diag.Pos{}, named: map[string]diag.Pos{}}
}

func builtIn() *Tenant {
	return &Tenant{Name: Sandbox, Concurrency: defaultConcurrency, MaxPassAge: defaultMaxPassAge, MaxCacheAge: defaultMaxCacheAge}
}

// Names lists the tenants, the built-in one included.
func (c *Config) Names() []string {
	names := make([]string, len(c.tenants))
	for i, t := range c.tenants {
		names[i] = t.Name
	}
	slices.Sort(names)
	return names
}

// Tenant finds a tenant. One that has problems in sluice.yaml is an error that lists them.
func (c *Config) Tenant(name string) (*Tenant, error) {
	if i := slices.IndexFunc(c.tenants, func(t *Tenant) bool { return t.Name == name }); i >= 0 {
		return c.tenants[i], c.tenants[i].invalid
	}
	next := "Write a sluice.yaml with `sluice init`, or name yours with --config; without one only the built-in tenant sandbox is known."
	if c.File != "" {
		next = "Name one of the tenants of " + c.File + ": " + strings.Join(c.Names(), ", ") + "."
	}
	return nil, diag.Fail(diag.Usage, diag.ConfigTenant, next, "unknown tenant %q%s", name, diag.DidYouMean(name, c.Names()))
}

// StateFolder is where a tenant's ledger, caches, lock and columns of students' ids lie.
func (c *Config) StateFolder(tenant string) string { return filepath.Join(c.State, tenant) }
