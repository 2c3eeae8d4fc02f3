package tenant

import (
	"errors"
	"io/fs"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/strictyaml"
)

// Load reads sluice.yaml. Problems of the file are all listed at once in a *diag.Error, beside which stands what
// could be read of the file, nil if nothing could. Problems of one tenant are kept for Config.Tenant, so that the
// mistake of one does not stop a command for another.
func Load(path string) (*Config, error) {
	src, err := readRegular(path)
	if err != nil {
		next := "Name an existing sluice.yaml with --config, or write one with `sluice init`."
		if errors.Is(err, fs.ErrPermission) {
			next = "Check the file's permissions."
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil, diag.Fail(diag.Usage, diag.ConfigFile, next, "there is no file %s", path)
		}
		return nil, diag.FailWith(err, diag.Usage, diag.ConfigFile, next, "%s cannot be read", path)
	}
	return Parse(path, src)
}

// Parse reads the text of a sluice.yaml that lies, or is to lie, at path, as Load does.
func Parse(path string, src []byte) (*Config, error) {
	folder, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	root, problems := strictyaml.ParseAs(diag.ConfigKey, path, src)
	r := &reader{problems: problems, config: Default(folder)}
	r.config.File = path
	if root != nil {
		r.root(root)
	}
	for _, t := range r.config.tenants {
		t.invalid = r.invalid("tenant "+t.Name+" of "+path, path, src, t.problems)
	}
	if err := r.invalid(path, path, src, r.problems); err != nil {
		if root == nil {
			return nil, err
		}
		return r.config, err
	}
	return r.config, nil
}

// invalid is the error of what has problems; nil if it has none.
func (r *reader) invalid(what, path string, src []byte, problems diag.List) error {
	if len(problems) == 0 {
		return nil
	}
	problems.Sort()
	r.guardSecrets(problems, path, src)
	return &diag.Error{Kind: diag.Usage, Code: diag.ConfigKey, Message: what + " is not valid", Problems: problems,
		Next: "Correct the lines named; `sluice help settings` lists every key."}
}

// secretive is a line that may hold a secret; quotedText is what messages quote from it.
var (
	secretive  = regexp.MustCompile(`(?i)secret|password|proxy|://[^/\s]*@`)
	quotedText = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
)

// guardSecrets: a line of this file may hold a secret, so lines are named and never shown. Of what is
// quoted from such a line, only a text that is close to a known key is shown: a mistyped key.
func (r *reader) guardSecrets(problems diag.List, path string, src []byte) {
	strictyaml.Snippets(problems, path, src)
	hide := func(quoted string) string {
		text, err := strconv.Unquote(quoted)
		if near := diag.Nearest(text, r.known, 1); err == nil && len(near) > 0 && len(text) <= len(near[0])+2 {
			return quoted
		}
		return "“…”"
	}
	for i := range problems {
		p := &problems[i]
		if secretive.MatchString(p.Snippet) {
			p.Message, p.Fix = quotedText.ReplaceAllStringFunc(p.Message, hide), quotedText.ReplaceAllStringFunc(p.Fix, hide)
		}
		p.Snippet = ""
	}
}

// readRegular reads a regular file and nothing else: a pipe would keep us waiting, a device has no end.
func readRegular(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "read", Path: path, Err: errors.New("it is not a regular file")}
	}
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// reader walks sluice.yaml and gathers problems.
type reader struct {
	config   *Config
	problems diag.List
	known    []string // the keys of the maps that were read
}

func (r *reader) bad(n *strictyaml.Node, code diag.Code, fix, format string, args ...any) {
	r.problems = append(r.problems, diag.At(n.Pos, code, fix, format, args...))
}

// later are keys that are meant to come and that this version does not have; to ignore them would be to
// promise what is not kept.
var later = map[string]bool{"jobs": true, "max_missing": true, "max_changed": true, "rate": true, "quota": true,
	"per_minute": true, "per_hour": true, "per_day": true, "retention": true, "notify": true, "audit": true}

// keys calls the function of each key; unknown ones and those of later versions are problems.
func (r *reader) keys(n *strictyaml.Node, what string, known map[string]func(*strictyaml.Node)) {
	if n.Kind != strictyaml.Map {
		r.bad(n, diag.ConfigKey, "", "%s must be a map", what)
		return
	}
	names := slices.Sorted(maps.Keys(known))
	r.known = append(r.known, names...)
	for _, p := range n.Pairs {
		switch f, ok := known[p.Key.Value]; {
		case ok:
			r.config.written[what+": "+p.Key.Value] = p.Key.Pos
			f(p.Value)
		case later[p.Key.Value]:
			r.bad(p.Key, diag.ConfigLater, "Remove it.", "%s: %q is not in this version of sluice", what, p.Key.Value)
		default:
			r.bad(p.Key, diag.ConfigKey, "", "%s: unknown key %q%s", what, p.Key.Value, diag.DidYouMean(p.Key.Value, names))
		}
	}
}

func (r *reader) root(n *strictyaml.Node) {
	c := r.config
	versioned := false
	r.keys(n, "sluice.yaml", map[string]func(*strictyaml.Node){
		"version": func(n *strictyaml.Node) {
			versioned = true
			if n.Value != "1" {
				r.bad(n, diag.ConfigKey, "Write `version: 1`.", "version %s is not known", n.Value)
			}
		},
		"bundles": func(n *strictyaml.Node) {
			for _, dir := range r.texts(n, "bundles") {
				c.Bundles = append(c.Bundles, c.path(dir))
			}
		},
		"runs":  func(n *strictyaml.Node) { c.Runs = c.path(r.text(n, "runs")) },
		"state": func(n *strictyaml.Node) { c.State = c.path(r.text(n, "state")) },
		"tenants": func(n *strictyaml.Node) {
			if n.Kind != strictyaml.Map {
				r.bad(n, diag.ConfigKey, "", "tenants must be a map of names")
				return
			}
			for _, p := range n.Pairs {
				r.tenant(p.Key, p.Value)
			}
		},
	})
	if !versioned {
		r.bad(n, diag.ConfigKey, "Begin with `version: 1`.", "sluice.yaml has no version")
	}
}

// path is relative to sluice.yaml, never to the current folder: cron's is another.
func (c *Config) path(p string) string {
	if p == "" || filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(c.Folder, p)
}

// tenant reads one tenant. What it does not say is as in the built-in one; one called sandbox replaces
// that.
func (r *reader) tenant(key, n *strictyaml.Node) {
	t := builtIn()
	t.Name = key.Value
	r.config.named["tenant "+t.Name] = key.Pos
	ofOthers := r.problems
	r.problems = nil
	defer func() { t.problems, r.problems = r.problems, ofOthers }()
	switch {
	case !nameForm.MatchString(t.Name):
		r.bad(key, diag.ConfigTenant, "Use a–z, 0–9 and -.", "%q cannot be the name of a tenant", t.Name)
	case t.Name == "none":
		r.bad(key, diag.ConfigTenant, "Choose another name.", "runs without a tenant lie under `none`; so no tenant may have that name")
	}
	what := "tenant " + t.Name
	r.keys(n, what, map[string]func(*strictyaml.Node){
		"api":           func(n *strictyaml.Node) { t.API = r.api(n, t.Name) },
		"lea_codes":     func(n *strictyaml.Node) { t.LEACodes = r.texts(n, what+": lea_codes") },
		"tables":        func(n *strictyaml.Node) { t.Tables = r.folder(n, what) },
		"data_standard": func(n *strictyaml.Node) { t.DataStandard = r.dataStandard(n, what) },
		"roster":        func(n *strictyaml.Node) { r.roster(n, t, what+": roster") },
		"params":        func(n *strictyaml.Node) { t.Params = r.params(n, what) },
		"inputs":        func(n *strictyaml.Node) { t.Inputs = r.inputs(n, what+": inputs") },
		"limits": func(n *strictyaml.Node) {
			r.keys(n, what+": limits", map[string]func(*strictyaml.Node){
				"concurrency": func(n *strictyaml.Node) { t.Concurrency = r.number(n, what+": limits: concurrency", 1, 64) },
			})
		},
		"guards": func(n *strictyaml.Node) {
			r.keys(n, what+": guards", map[string]func(*strictyaml.Node){
				"max_rejected": func(n *strictyaml.Node) { t.MaxRejected = r.share(n, what+": guards: max_rejected") },
			})
		},
		"acknowledge":      func(n *strictyaml.Node) { t.Acknowledge = r.acknowledge(n, what+": acknowledge") },
		"max_pass_age":     func(n *strictyaml.Node) { t.MaxPassAge = r.age(n, what+": max_pass_age") },
		"max_cache_age":    func(n *strictyaml.Node) { t.MaxCacheAge = r.age(n, what+": max_cache_age") },
		"accept_unchecked": func(n *strictyaml.Node) { t.AcceptUnchecked = r.boolean(n, what+": accept_unchecked") },
	})
	switch {
	case t.Name == Sandbox && t.API != nil:
		r.bad(key, diag.ConfigTenant, "Remove `api`, or give the tenant another name.", "the tenant `sandbox` is built in and has no api")
	case t.Name != Sandbox && t.API == nil:
		r.bad(key, diag.ConfigTenant, "Add `api` with base_url, client_id and client_secret.", "%s has no api", what)
	}
	if i := slices.IndexFunc(r.config.tenants, func(o *Tenant) bool { return o.Name == t.Name }); i >= 0 {
		r.config.tenants[i] = t
		return
	}
	r.config.tenants = append(r.config.tenants, t)
}

// folder is where the tenant's tables lie; each bundle has a folder in it, or none.
func (r *reader) folder(n *strictyaml.Node, what string) string {
	path := r.config.path(r.text(n, what+": tables"))
	if info, err := os.Stat(path); err == nil && !info.IsDir() { // one that is not there is missed by what reads it
		r.bad(n, diag.ConfigFile, "Name a folder, or remove `tables`.", "%s: tables names %s, which is not a folder", what, path)
	}
	return path
}

// roster reads how the students of a tenant are known.
func (r *reader) roster(n *strictyaml.Node, t *Tenant, what string) {
	t.RosterMin = defaultRosterMin
	r.keys(n, what, map[string]func(*strictyaml.Node){
		"column": func(n *strictyaml.Node) { t.RosterColumn = r.text(n, what+": column") },
		"student_ids": func(n *strictyaml.Node) {
			if t.RosterIDs = r.texts(n, what+": student_ids"); n.Kind == strictyaml.List && len(t.RosterIDs) == 0 {
				r.bad(n, diag.ConfigKey, "Name them as `sluice roster show` does: [State, Local].", "%s: student_ids names no identification system", what)
			}
		},
		"match": func(n *strictyaml.Node) {
			if t.RosterAuto = r.text(n, what+": match") == "auto"; !t.RosterAuto {
				r.bad(n, diag.ConfigKey, "Write `match: auto`, or name the systems under student_ids.", "%s: match can only be auto", what)
			}
		},
		"min_match": func(n *strictyaml.Node) { t.RosterMin = *r.share(n, what+": min_match") },
	})
	if t.RosterColumn != "" && t.HasRoster() {
		r.bad(n, diag.ConfigKey, "Remove `column`: the roster is asked about all columns that the bundle lists; --student names one of them for a run.",
			"%s: column is for tenants whose students are not looked up", what)
	}
}

var dataStandardForm = regexp.MustCompile(`^\d+\.\d+$`)

func (r *reader) dataStandard(n *strictyaml.Node, what string) string {
	version := r.text(n, what+": data_standard")
	if !dataStandardForm.MatchString(version) {
		r.bad(n, diag.ConfigKey, `Write it as "5.1".`, "%s: data_standard %q is not a version", what, version)
	}
	return version
}

// params are the tenant's values for parameters of any bundle.
func (r *reader) params(n *strictyaml.Node, what string) map[string]string {
	if n.Kind != strictyaml.Map {
		r.bad(n, diag.ConfigKey, "", "%s: params must be a map", what)
		return nil
	}
	params := map[string]string{}
	for _, p := range n.Pairs {
		r.config.named[what+": params: "+p.Key.Value] = p.Key.Pos
		params[p.Key.Value] = r.text(p.Value, what+": params: "+p.Key.Value)
	}
	return params
}

// inputs is how files are written: {BUNDLE: {INPUT: {encoding: …, delimiter: …}}}. Whether the bundle has
// such an input is known when it is used.
func (r *reader) inputs(n *strictyaml.Node, what string) map[string]map[string]Reading {
	all := map[string]map[string]Reading{}
	for _, bundle := range r.pairs(n, what) {
		of := map[string]Reading{}
		r.config.named[what+": "+bundle.Key.Value] = bundle.Key.Pos
		for _, in := range r.pairs(bundle.Value, what+": "+bundle.Key.Value) {
			var reading Reading
			name := what + ": " + bundle.Key.Value + ": " + in.Key.Value
			r.config.named[name] = in.Key.Pos
			r.keys(in.Value, name, map[string]func(*strictyaml.Node){
				"encoding":  func(n *strictyaml.Node) { reading.Encoding = r.text(n, name+": encoding") },
				"delimiter": func(n *strictyaml.Node) { reading.Delimiter = r.text(n, name+": delimiter") },
			})
			of[in.Key.Value] = reading
		}
		all[bundle.Key.Value] = of
	}
	return all
}

// pairs are the keys of a map that may be called anything.
func (r *reader) pairs(n *strictyaml.Node, what string) []strictyaml.Pair {
	if n.Kind != strictyaml.Map {
		r.bad(n, diag.ConfigKey, "", "%s must be a map", what)
		return nil
	}
	return n.Pairs
}

func (r *reader) age(n *strictyaml.Node, what string) time.Duration {
	age, err := time.ParseDuration(r.text(n, what))
	if err != nil || age <= 0 {
		r.bad(n, diag.ConfigKey, "Write it as 24h or 90m.", "%s: %q is not a duration", what, n.Value)
	}
	return age
}

// share is a percentage such as 5%.
func (r *reader) share(n *strictyaml.Node, what string) *float64 {
	number, percent := strings.CutSuffix(r.text(n, what), "%")
	value, err := strconv.ParseFloat(number, 64)
	if !percent || err != nil || !(value >= 0 && value <= 100) {
		r.bad(n, diag.ConfigKey, "Write it as 5%.", "%s: %q is not a percentage from 0%% to 100%%", what, n.Value)
	}
	value /= 100
	return &value
}

// api reads where the target is. The secret must come from elsewhere: the file is often in a repository.
func (r *reader) api(n *strictyaml.Node, tenant string) *API {
	a := &API{Environment: "production"}
	what := "tenant " + tenant + ": api"
	secret := func(to *secretText, name string) func(*strictyaml.Node) {
		return func(n *strictyaml.Node) { *to = secretText{r.written(n, what+": "+name), n.Pos} }
	}
	var base *strictyaml.Node
	r.keys(n, what, map[string]func(*strictyaml.Node){
		"base_url":           func(n *strictyaml.Node) { base, a.BaseURL = n, strings.TrimRight(r.text(n, what+": base_url"), "/") },
		"data_url":           func(n *strictyaml.Node) { a.DataURL = r.text(n, what+": data_url") },
		"oauth_url":          func(n *strictyaml.Node) { a.OAuthURL = r.text(n, what+": oauth_url") },
		"metadata_url":       func(n *strictyaml.Node) { a.MetadataURL = r.text(n, what+": metadata_url") },
		"dependencies_url":   func(n *strictyaml.Node) { a.DependenciesURL = r.text(n, what+": dependencies_url") },
		"change_queries_url": func(n *strictyaml.Node) { a.ChangeQueriesURL = r.text(n, what+": change_queries_url") },
		"ca_file":            func(n *strictyaml.Node) { a.CAFile = r.config.path(r.text(n, what+": ca_file")) },
		"client_certificate": func(n *strictyaml.Node) { a.ClientCertificate = r.config.path(r.text(n, what+": client_certificate")) },
		"client_key":         func(n *strictyaml.Node) { a.ClientKey = r.config.path(r.text(n, what+": client_key")) },
		"tls_min":            func(n *strictyaml.Node) { a.TLSMin = r.tlsMin(n, what) },
		"proxy":              func(n *strictyaml.Node) { a.proxy = r.proxy(n, what) },
		"school_year":        func(n *strictyaml.Node) { a.SchoolYear = r.number(n, what+": school_year", 1990, 2100) },
		"instance":           func(n *strictyaml.Node) { a.Instance = r.text(n, what+": instance") },
		"environment":        func(n *strictyaml.Node) { a.Environment = r.text(n, what+": environment") },
		"allow_http":         func(n *strictyaml.Node) { a.AllowHTTP = r.boolean(n, what+": allow_http") },
		"client_id":          secret(&a.clientID, "client_id"),
		"client_secret":      secret(&a.clientSecret, "client_secret"),
	})
	for name, value := range map[string]string{"base_url": a.BaseURL, "client_id": a.clientID.text, "client_secret": a.clientSecret.text} {
		if value == "" {
			r.bad(n, diag.ConfigKey, "Add it.", "%s: %s is missing", what, name)
		}
	}
	if (a.ClientCertificate == "") != (a.ClientKey == "") {
		r.bad(n, diag.ConfigKey, "Name both files, or neither.", "%s: client_certificate and client_key belong together", what)
	}
	if a.clientSecret.text != "" && a.clientSecret.literal() {
		r.problems = append(r.problems, diag.At(a.clientSecret.pos, diag.ConfigSecret, "Write ${env:NAME}, ${file:PATH} or ${cmd:PROGRAM ARGUMENTS}.",
			"%s: client_secret is written out in the file", what))
	}
	if base != nil && a.BaseURL != "" {
		switch u, err := url.Parse(a.BaseURL); {
		case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
			r.bad(base, diag.ConfigKey, "Write it as https://host/path.", "%s: base_url is not a web address", what)
		case u.User != nil || u.RawQuery != "":
			r.bad(base, diag.ConfigKey, "Write host and path only.", "%s: base_url must hold neither a user nor a query", what)
		case u.Scheme == "http" && !a.AllowHTTP && !loopback(u.Hostname()):
			r.bad(base, diag.ConfigPlainHTTP, "Use https; `allow_http: true` is for closed networks only.", "%s: base_url is not encrypted", what)
			r.problems[len(r.problems)-1].Level = diag.LevelError // a warning is for those who allowed it
		}
	}
	return a
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// text is a value that stands for itself. A source in it would be taken literally: a folder called ${env:X}.
func (r *reader) text(n *strictyaml.Node, what string) string {
	value := r.written(n, what)
	if strings.Contains(value, "${") {
		r.bad(n, diag.ConfigKey, "Write the value itself; only client_id and client_secret may name a source.", "%s: ${…} is not filled in here", what)
	}
	return value
}

// written is a text as it stands.
func (r *reader) written(n *strictyaml.Node, what string) string {
	if n.Kind != strictyaml.Scalar || n.Value == "" {
		r.bad(n, diag.ConfigKey, "", "%s must be a text", what)
		return ""
	}
	return n.Value
}

func (r *reader) texts(n *strictyaml.Node, what string) []string {
	if n.Kind != strictyaml.List {
		r.bad(n, diag.ConfigKey, "Write it as [a, b].", "%s must be a list", what)
		return nil
	}
	var all []string
	for _, item := range n.Items {
		all = append(all, r.text(item, what))
	}
	return all
}

func (r *reader) number(n *strictyaml.Node, what string, low, high int) int {
	v, err := strconv.Atoi(n.Value)
	if n.Kind != strictyaml.Scalar || err != nil || v < low || v > high {
		r.bad(n, diag.ConfigKey, "", "%s must be a whole number from %d to %d", what, low, high)
		return low
	}
	return v
}

func (r *reader) boolean(n *strictyaml.Node, what string) bool {
	if n.Kind != strictyaml.Scalar || n.Value != "true" && n.Value != "false" {
		r.bad(n, diag.ConfigKey, "Write true or false.", "%s must be true or false", what)
	}
	return n.Value == "true"
}
