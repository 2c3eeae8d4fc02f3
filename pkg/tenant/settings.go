package tenant

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// Setting is a setting in force, and where it comes from. It holds no secret.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	From  string `json:"from"` // file:line of sluice.yaml, or "default"
}

// Written is where a setting of a tenant stands, by its keys from the outside in; nothing if the file does not have it.
func (c *Config) Written(t *Tenant, keys ...string) diag.Pos {
	key := "tenant " + t.Name + ": " + strings.Join(keys, ": ")
	if at, ok := c.named[key]; ok {
		return at
	}
	return c.written[key]
}

// Settings lists what holds for a tenant. Of keys and secrets it shows the source as written, and
// nothing of one that is written out in the file.
func (c *Config) Settings(t *Tenant) []Setting {
	var all []Setting
	of := "tenant " + t.Name
	add := func(name, value, key string) {
		from := "default"
		if pos, ok := c.written[key]; ok {
			from = fmt.Sprintf("%s:%d", pos.File, pos.Line)
		}
		if value == "" {
			value = "–"
		}
		all = append(all, Setting{name, value, from})
	}
	own := func(name, value string) {
		add(name, value, of+": "+strings.ReplaceAll(name, ".", ": "))
	}
	if a := t.API; a != nil {
		own("api.base_url", a.BaseURL)
		own("api.data_url", a.DataURL)
		own("api.oauth_url", a.OAuthURL)
		own("api.metadata_url", a.MetadataURL)
		own("api.dependencies_url", a.DependenciesURL)
		own("api.change_queries_url", a.ChangeQueriesURL)
		own("api.ca_file", a.CAFile)
		own("api.client_certificate", a.ClientCertificate)
		own("api.client_key", a.ClientKey)
		own("api.tls_min", cmp.Or(a.TLSMin, "1.2"))
		own("api.proxy", cmp.Or(a.proxy.masked(), "as the environment says"))
		own("api.school_year", positive(a.SchoolYear))
		own("api.instance", a.Instance)
		own("api.environment", a.Environment)
		own("api.allow_http", strconv.FormatBool(a.AllowHTTP))
		own("api.client_id", a.clientID.shown())
		own("api.client_secret", a.clientSecret.shown())
	}
	own("lea_codes", strings.Join(t.LEACodes, ", "))
	own("tables", t.Tables)
	own("data_standard", t.DataStandard)
	own("roster.column", t.RosterColumn)
	if t.HasRoster() {
		own("roster.student_ids", strings.Join(t.RosterIDs, ", "))
		if t.RosterAuto {
			own("roster.match", "auto")
			own("roster.min_match", fmt.Sprintf("%.4g%%", t.RosterMin*100))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.Params)) {
		add("params."+name, t.Params[name], of+": params")
	}
	for _, bundle := range slices.Sorted(maps.Keys(t.Inputs)) {
		for _, in := range slices.Sorted(maps.Keys(t.Inputs[bundle])) {
			r := t.Inputs[bundle][in]
			add("inputs."+bundle+"."+in, r.String(), of+": inputs")
		}
	}
	own("limits.concurrency", strconv.Itoa(t.Concurrency))
	_, _, limit := t.RejectLimit()
	own("guards.max_rejected", limit)
	own("max_pass_age", strings.NewReplacer("h0m0s", "h", "m0s", "m").Replace(t.MaxPassAge.String()))
	own("max_cache_age", strings.NewReplacer("h0m0s", "h", "m0s", "m").Replace(t.MaxCacheAge.String()))
	own("accept_unchecked", strconv.FormatBool(t.AcceptUnchecked))
	for _, a := range t.Acknowledge {
		add("acknowledge", string(a.Code)+" until "+a.Until+": "+a.Why, of+": acknowledge")
	}
	add("bundles", strings.Join(c.Bundles, ", "), "sluice.yaml: bundles")
	add("runs", c.Runs, "sluice.yaml: runs")
	add("state", c.StateFolder(t.Name), "sluice.yaml: state")
	return all
}

func positive(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// shown is the text if it only names sources. The arguments of a command may hold a token.
func (s secretText) shown() string {
	if s.literal() {
		return "(written in the file)"
	}
	return s.masked()
}

// masked is the text without the arguments of its commands.
func (s secretText) masked() string {
	return source.ReplaceAllStringFunc(s.text, func(text string) string {
		if command, ok := strings.CutPrefix(text, "${cmd:"); ok {
			if program, _, more := strings.Cut(strings.TrimSpace(strings.TrimSuffix(command, "}")), " "); more {
				return "${cmd:" + program + " …}"
			}
		}
		return text
	})
}
