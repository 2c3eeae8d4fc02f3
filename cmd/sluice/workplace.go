package main

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/sluice-edfi/sluice/bundles"
	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/sandbox"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/target"
	"github.com/sluice-edfi/sluice/pkg/tenant"
	"github.com/sluice-edfi/sluice/schemas"
)

const defaultConfig = "sluice.yaml"

// workplace finds sluice.yaml, or what holds without one.
func (a *app) workplace() (*tenant.Config, error) {
	if a.Config != "" {
		return tenant.Load(a.Config)
	}
	if _, err := os.Stat(defaultConfig); err == nil {
		return tenant.Load(defaultConfig)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, diag.FailWith(err, diag.Usage, diag.ConfigFile, "check its rights, or name another with --config", "sluice.yaml cannot be read")
	}
	folder, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	return tenant.Default(folder), nil
}

// workplaceForWriting also says, once, where runs and state go when there is no sluice.yaml.
func (a *app) workplaceForWriting() (*tenant.Config, error) {
	c, err := a.workplace()
	if err == nil && c.File == "" {
		a.screen.note("no sluice.yaml here: runs and state go into %s", c.Folder)
	}
	return c, err
}

func (a *app) library(c *tenant.Config) bundle.Library {
	return bundle.Library{Folders: c.Bundles, Embedded: bundles.FS}
}

// openBundle finds and loads a bundle; its problems end the command.
func (a *app) openBundle(c *tenant.Config, ref string) (*bundle.Bundle, error) {
	b, problems, err := a.library(c).Open(ref)
	if err != nil {
		return nil, err
	}
	if problems.Blocks() {
		return nil, bundleProblems(ref, problems)
	}
	return b, nil
}

func bundleProblems(ref string, problems diag.List) error {
	problems.Sort()
	ours := func(p diag.Problem) bool {
		return strings.HasPrefix(string(p.Code), "BND-") && p.Code != diag.BundleOverlay && p.Level <= diag.LevelError
	}
	if !slices.ContainsFunc(problems, ours) { // parameters, overlays, roster column: not the bundle's fault
		first := slices.IndexFunc(problems, func(p diag.Problem) bool { return p.Level <= diag.LevelError })
		return &diag.Error{Kind: diag.Usage, Code: problems[first].Code, Problems: problems,
			Message: "bundle " + ref + " cannot be used like this; nothing was run", Next: "correct what is listed, then run the same command again"}
	}
	return &diag.Error{Kind: diag.Usage, Code: diag.BundleValue, Problems: problems,
		Message: "bundle " + ref + " has problems; nothing was run", Next: "correct them, then run `sluice bundle lint " + ref + "`"}
}

// standard loads an embedded data standard.
func standard(version string) (*schema.Standard, error) {
	s, err := schema.Load(schemas.FS, version)
	if err != nil {
		return nil, diag.Fail(diag.Usage, diag.BundleStandard, "set `data_standard` to an embedded one (see `sluice version`), or leave it out", "data standard %s is not embedded in this sluice", version)
	}
	return s, nil
}

// standards loads the data standards to shape and check for: first the one that the tenant asks
// for, or the newest embedded one in the bundle's range; then the others of the range.
func standards(b *bundle.Bundle, wanted string) ([]*schema.Standard, error) {
	within, err := semver.NewConstraint(b.DataStandard.Value)
	if err != nil {
		p := diag.At(b.DataStandard.Pos, diag.BundleValue, `write it as ">=4.0 <6"`, "data_standard %q is no range of versions", b.DataStandard.Value)
		return nil, bundleProblems(b.Name, diag.List{p})
	}
	var fit []string
	for _, v := range schema.Versions(schemas.FS) {
		if version, err := semver.NewVersion(v); err == nil && within.Check(version) {
			fit = append([]string{v}, fit...)
		}
	}
	if wanted != "" {
		version, err := semver.NewVersion(wanted)
		if err != nil || !within.Check(version) {
			return nil, diag.Fail(diag.Usage, diag.BundleStandard, "set `data_standard` of the tenant to one that the bundle covers",
				"bundle %s covers data standards %s, the tenant asks for %s", b.Name, b.DataStandard.Value, wanted)
		}
		fit = append([]string{wanted}, without(fit, wanted)...)
	}
	if len(fit) == 0 {
		return nil, diag.Fail(diag.Usage, diag.BundleStandard, "embedded: see `sluice version`",
			"bundle %s covers data standards %s, and none of them is embedded in this sluice", b.Name, b.DataStandard.Value)
	}
	var all []*schema.Standard
	for _, v := range fit {
		s, err := standard(v)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func without(list []string, s string) []string {
	var out []string
	for _, v := range list {
		if v != s {
			out = append(out, v)
		}
	}
	return out
}

func (a *app) workers() int {
	if a.Workers > 0 {
		return a.Workers
	}
	return runtime.GOMAXPROCS(0)
}

// access is an open way to a tenant's target.
type access struct {
	client   *target.Client
	identity ledger.Identity
	clientID string
	close    func()
}

// target is what the manifest says of the target before it was asked.
func (o *access) target() runs.Target {
	return runs.Target{Identity: o.identity.String(), BaseURL: o.identity.BaseURL, Environment: o.identity.Environment, ClientID: o.clientID}
}

// enter proves address and credential with two small calls, before any work is done.
func (o *access) enter(ctx context.Context) (*target.About, error) {
	about, err := o.client.Discover(ctx)
	if err != nil {
		return nil, target.Explain(err, "")
	}
	// What the credential may read is another question: being told "no" is being let in.
	if _, err := o.client.Count(ctx, "academicSubjectDescriptors", nil); err != nil && !target.IsKind(err, target.Forbidden, target.NotFound) {
		return nil, target.Explain(err, "")
	}
	return about, nil
}

// open makes the client of a tenant's target; for the built-in tenant it starts the emulator.
func (a *app) open(ctx context.Context, c *tenant.Config, t *tenant.Tenant) (*access, error) {
	if t.API == nil {
		return a.openSandbox(ctx, c, t)
	}
	credential, err := c.Credential(ctx, t)
	if err != nil {
		return nil, err
	}
	if t.API.AllowHTTP && strings.HasPrefix(t.API.BaseURL, "http:") {
		a.log.logger.Warn("the target is reached without TLS, as allow_http says", "tenant", t.Name)
		a.screen.note("warning [%s]: the target of tenant %s is reached without TLS, as allow_http says", diag.ConfigPlainHTTP, t.Name)
	}
	client, err := target.New(target.Config{
		BaseURL: t.API.BaseURL, DataURL: t.API.DataURL, OAuthURL: t.API.OAuthURL, SchoolYear: t.API.SchoolYear,
		ClientID: credential.ClientID, ClientSecret: string(credential.Secret), AllowHTTP: t.API.AllowHTTP,
		Concurrency: t.Concurrency, UserAgent: userAgent(), Logger: a.log.logger, Proxy: http.ProxyFromEnvironment,
		OnWait: a.onWait(),
	})
	if err != nil {
		return nil, target.Explain(err, "")
	}
	identity := ledger.Identity{Tenant: t.Name, Environment: t.API.Environment, BaseURL: t.API.BaseURL, SchoolYear: t.API.SchoolYear}
	return &access{client: client, identity: identity, clientID: credential.ClientID, close: client.Close}, nil
}

// onWait tells the person at the terminal why nothing moves. Where notes are not shown it is nil: then
// the client logs a warning instead.
func (a *app) onWait() func(target.Wait) {
	if a.screen.quiet || a.screen.json {
		return nil
	}
	return func(w target.Wait) {
		a.screen.note("waiting %s for %s: %s", w.For.Round(time.Second), w.Host, w.Why)
	}
}

// openSandbox serves the tenant's store on loopback for the time of this command.
func (a *app) openSandbox(ctx context.Context, c *tenant.Config, t *tenant.Tenant) (*access, error) {
	server, err := a.newEmulator(sandboxFolder(c, ""), false, "", sandbox.Faults{})
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, server.Close())
	}
	serving, end := context.WithCancel(context.WithoutCancel(ctx)) // it outlives the command's own calls
	done := make(chan error, 1)
	go func() { done <- server.Serve(serving, listener) }()
	stop := func() {
		end()
		if err := errors.Join(<-done, server.Close()); err != nil {
			a.log.logger.Warn("the sandbox did not end well", "error", err)
		}
	}
	address := "http://" + listener.Addr().String()
	client, err := target.New(target.Config{
		BaseURL: address, ClientID: sandbox.Key, ClientSecret: sandbox.Secret, Uncompressed: true,
		Concurrency: t.Concurrency, UserAgent: userAgent(), Logger: a.log.logger, OnWait: a.onWait(),
	})
	if err != nil {
		stop()
		return nil, err
	}
	identity := ledger.Identity{Tenant: t.Name, Environment: tenant.Sandbox, BaseURL: "built-in sandbox", Store: server.ID()} // its port is another each time
	return &access{client: client, identity: identity, clientID: sandbox.Key,
		close: func() { client.Close(); stop() }}, nil
}

// sandboxFolder is where the emulator's store lies.
func sandboxFolder(c *tenant.Config, state string) string {
	if state != "" {
		return state
	}
	return filepath.Join(c.StateFolder(tenant.Sandbox), "store")
}

// newEmulator opens the store of the emulator.
func (a *app) newEmulator(folder string, reset bool, students string, faults sandbox.Faults) (*sandbox.Server, error) {
	s, err := standard(sandboxStandard)
	if err != nil {
		return nil, err
	}
	values, err := schema.StandardDescriptors(schemas.FS, sandboxStandard)
	if err != nil {
		return nil, err
	}
	if err := durable.MkdirAll(folder); err != nil {
		return nil, diag.FailWith(err, diag.CouldNotRun, diag.MachineDisk, "check the folder's rights", "the sandbox's store cannot be written")
	}
	return sandbox.Open(sandbox.Options{Standard: s, Descriptors: values, Dir: folder, Reset: reset, Students: students, Faults: faults, Logger: a.log.logger})
}
