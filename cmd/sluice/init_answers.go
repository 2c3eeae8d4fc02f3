package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/sluice-edfi/sluice/pkg/catalog"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/pipeline"
	"github.com/sluice-edfi/sluice/pkg/target"
	"github.com/sluice-edfi/sluice/pkg/tenant"
)

// newTenant is what `init` needs to know of a tenant.
type newTenant struct {
	path, name, baseURL, clientID, secret, environment, year string
	caFile, proxy                                            string
	unchecked                                                bool
	yearly                                                   bool   // the target keeps each school year apart
	before                                                   []byte // sluice.yaml as it is; nil: there is none
}

// formOf is a test of the form of the answers so far.
func (a *app) formOf(o *newTenant) func(context.Context) (string, error) {
	return func(context.Context) (string, error) {
		_, err := o.config()
		return "", err
	}
}

// tryAddress asks what is at the address. Where the target keeps each school year apart, it says so only if
// asked without a year: then a year must be given.
func (a *app) tryAddress(ctx context.Context, o *newTenant) (string, error) {
	if _, err := o.config(); err != nil || o.unchecked {
		return "", err
	}
	if a.asks() {
		a.screen.note("  asking %s …", o.baseURL)
	}
	about, err := a.discover(ctx, *o)
	if e, ok := diag.AsError(err); ok && e.Code == diag.ConfigTenant {
		yearly := *o
		yearly.yearly, yearly.year = true, cmp.Or(o.year, strconv.Itoa(time.Now().Year()))
		if with, err := a.discover(ctx, yearly); err == nil {
			o.yearly = true
			return saysOf(o.baseURL, with) + "; it keeps each school year apart", nil
		}
	}
	if err != nil {
		return "", err
	}
	return saysOf(o.baseURL, about), nil
}

func saysOf(address string, about *target.About) string {
	return fmt.Sprintf("%s is an Ed-Fi %s, Data Standard %s", address, catalog.Product(about), cmp.Or(about.Standard(), "unknown"))
}

// discover reads the target's root document, for which no credential is needed.
func (a *app) discover(ctx context.Context, o newTenant) (about *target.About, err error) {
	o.clientID, o.secret = "", "${env:PATH}" // which is set: key and secret are another question
	err = a.atTarget(&o, func(x *pipeline.Execution) error {
		api, err := x.Connect(ctx)
		if err == nil {
			about, err = api.Client.Discover(ctx)
		}
		return err
	})
	return about, err
}

// tryCredential enters the target with key and secret.
func (a *app) tryCredential(ctx context.Context, o *newTenant) (string, error) {
	if !tenant.IsSource(o.secret) { // it is not shown: it may be the secret
		return "", diag.Fail(diag.Usage, diag.ConfigSecret, "Write ${env:NAME}, ${file:PATH} or ${cmd:PROGRAM ARGUMENTS}.",
			"that does not say where the secret is kept")
	}
	if _, err := o.config(); err != nil || o.unchecked {
		return "", err
	}
	says := "the target accepts the key and its secret"
	err := a.atTarget(o, func(x *pipeline.Execution) error {
		found, err := x.CheckTarget(ctx)
		for _, f := range found {
			if f.Code != "" || slices.Contains([]string{"claim set", "namespaces", "organizations"}, f.Subject) {
				says += "\n  " + f.Subject + ": " + f.Says
			}
		}
		return err
	})
	if err != nil {
		return "", err
	}
	return says, nil
}

// atTarget does something at the target that the answers so far describe.
func (a *app) atTarget(o *newTenant, work func(*pipeline.Execution) error) error {
	config, err := o.config()
	if err != nil {
		return err
	}
	place := &pipeline.Workplace{Config: config, UserAgent: "sluice/" + version, Log: a.log, Observer: a.observer(), Command: a.command}
	x, err := pipeline.New(place, o.name, "sluice init")
	if err != nil {
		return err
	}
	defer a.closing(x)
	return plainly(target.Explain(work(x), ""))
}

// config is sluice.yaml as it would be; answers to come are filled in with something of the right form.
func (o *newTenant) config() (*tenant.Config, error) {
	filled := *o
	filled.name, filled.baseURL = cmp.Or(o.name, "new"), cmp.Or(o.baseURL, "https://example.org")
	filled.clientID, filled.secret = cmp.Or(o.clientID, "a key to come"), cmp.Or(o.secret, "${env:PATH}")
	if year, err := strconv.Atoi(o.year); o.year != "" && (err != nil || year < 1990 || year > 2100) {
		return nil, usage("Write the spring year in four digits: 2026 is 2025-2026.", "%q is not a school year", o.year)
	}
	if strings.ContainsFunc(o.baseURL+o.clientID+o.secret+o.environment+o.caFile+o.proxy, unicode.IsControl) {
		return nil, usage("Write it on one line.", "an answer holds a line break or another control character")
	}
	text, err := filled.file(o.before)
	if err != nil {
		return nil, err
	}
	config, err := tenant.Parse(o.path, text)
	if err == nil {
		config.File = "" // it is not written yet
		_, err = config.Tenant(filled.name)
	}
	return config, plainly(err)
}

// position is where something stands in the file, which is not written yet.
var position = regexp.MustCompile(`^\S+:\d+:\d+: `)

// plainly is an error about an answer, without the line of the file that it would stand in.
func plainly(err error) error {
	e, ok := diag.AsError(err)
	if !ok {
		return err
	}
	plain := *e
	plain.Message, plain.Problems = position.ReplaceAllString(e.Message, ""), nil
	if len(e.Problems) > 0 {
		p := e.Problems[0]
		_, message, tenants := strings.Cut(p.Message, ": ")
		if !tenants || !strings.HasPrefix(p.Message, "tenant ") {
			message = p.Message
		}
		plain.Code, plain.Message, plain.Next = p.Code, strings.TrimPrefix(message, "api: "), p.Fix
	}
	return &plain
}

// file is sluice.yaml with the new tenant.
func (o *newTenant) file(before []byte) ([]byte, error) {
	if len(bytes.TrimSpace(before)) > 0 {
		return tenant.Add(o.path, before, o.name, o.lines())
	}
	return []byte(`# sluice.yaml: who is served, and how each one differs. Paths are relative to this file.
# ` + "`sluice help settings`" + ` lists every key.
version: 1

#bundles: [bundles]                         # folders with bundles of your own
#runs: runs                                 # where runs go
#state: state                               # where sluice keeps what the targets hold: back it up

tenants:
` + o.lines()), nil
}

// lines are the tenant as it stands in the file, with what may come later as comments.
func (o *newTenant) lines() string {
	apiYear, params := "  #", "#params: {school_year: 2026}            # parameters of the bundles"
	year := cmp.Or(o.year, "2026")
	if o.yearly {
		apiYear = "  "
	}
	if o.year != "" {
		params = "params: {school_year: " + o.year + "}             # parameters of the bundles; --param on the command line wins"
	}
	return fmt.Sprintf(`  %s:
    api:
      base_url: %s
      client_id: %s
      client_secret: %s     # where the secret is kept, never the secret itself
      environment: %s
%s    %sschool_year: %s                    # of a year-specific ODS only
    %s
    #lea_codes: ["255901"]                  # rows of other districts are counted as `+"`other`"+` and never loaded
    #roster: {column: Student_StateID}      # the vendor column that holds the studentUniqueId
    #tables: tenants/%s/                    # what is this district's own: <bundle>/<table>.csv
    #guards: {max_rejected: 5%%}             # run does not send if more rows of an input were rejected
`, o.name, quoteYAML(o.baseURL), quoteYAML(o.clientID), quoteYAML(o.secret), quoteYAML(o.environment), o.way(), apiYear, year, params, o.name)
}

// way are the lines of what the way to the target needs. Paths are relative to sluice.yaml.
func (o *newTenant) way() (lines string) {
	if file := o.caFile; file != "" {
		if near, err := filepath.Rel(filepath.Dir(o.path), file); err == nil && !filepath.IsAbs(file) {
			file = near
		}
		lines += "      ca_file: " + quoteYAML(file) + "\n"
	}
	if o.proxy != "" {
		lines += "      proxy: " + quoteYAML(o.proxy) + "\n"
	}
	return lines
}

// quoteYAML is a text as YAML has it in quotes.
func quoteYAML(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
