package tenant

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/strictyaml"
)

// everyKey has every key that sluice.yaml may have.
const everyKey = `version: 1
bundles: [b]
runs: r
state: s
tenants:
  T:
    api: {base_url: "https://h", data_url: "https://h/data", oauth_url: "https://h/oauth", metadata_url: "https://h/metadata",
      dependencies_url: "https://h/dependencies", change_queries_url: "https://h/changes", ca_file: ca.pem, client_certificate: c.pem, client_key: k.pem,
      tls_min: "1.3", proxy: none, school_year: 2026, instance: i, environment: e,
      allow_http: false, client_id: i, client_secret: "${env:X}"}
    lea_codes: ["1"]
    tables: .
    data_standard: "5.1"
    roster: {column: c, student_ids: [State], match: auto, min_match: 50%}
    params: {p: 1}
    inputs: {B: {I: {encoding: e, delimiter: d}}}
    limits: {concurrency: 1}
    guards: {max_rejected: 5%}
    acknowledge: [{code: VAL-PORTABLE, until: 2027-06-30, why: w, bundle: b, resource: r, rule: r}]
    max_pass_age: 1h
    max_cache_age: 1h
    accept_unchecked: false
`

// TestKeysAreThoseOfTheCode: the reference of sluice.yaml names every key that is read, and no other.
func TestKeysAreThoseOfTheCode(t *testing.T) {
	root, problems := strictyaml.ParseAs(diag.ConfigKey, "sluice.yaml", []byte(everyKey))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	r := &reader{config: Default(filepath.Dir("."))}
	r.root(root)
	known := map[string]bool{} // the last part of each key that the code knows
	for _, name := range r.known {
		known[name] = true
	}
	path := strings.NewReplacer("sluice.yaml: ", "", "tenant T: ", "tenants.<name>.", "B: I: ", "<bundle>.<input>.", ": ", ".")
	read := map[string]bool{}
	for key := range r.config.written {
		read[path.Replace(key)] = true
	}
	told, last := map[string]bool{}, map[string]bool{}
	for _, k := range Keys() {
		told[k.Path] = true
		last[k.Path[strings.LastIndex(k.Path, ".")+1:]] = true
	}
	if !maps.Equal(told, read) || !maps.Equal(last, known) {
		t.Errorf("told %v\nread %v\nknown %v", slices.Sorted(maps.Keys(told)), slices.Sorted(maps.Keys(read)), slices.Sorted(maps.Keys(known)))
	}
}
