package pipeline

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/catalog"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/sandbox"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/target"
	"github.com/sluice-edfi/sluice/pkg/tenant"
)

// newSandbox is the data standard of a store of the emulator that is begun.
const newSandbox = "5.1"

// Target is an open way to a tenant's target.
type Target struct {
	Client   *target.Client
	Identity ledger.Identity
	ClientID string
	close    func()
}

// describe is what the manifest says of the target before it was asked.
func (t *Target) describe() runs.Target {
	return runs.Target{Identity: t.Identity.String(), BaseURL: t.Identity.BaseURL, Environment: t.Identity.Environment, ClientID: t.ClientID}
}

// Enter proves address and credential with two small calls, before any work is done.
func (t *Target) Enter(ctx context.Context) (*target.About, error) {
	about, err := t.Client.Discover(ctx)
	if err != nil {
		return nil, target.Explain(err, "")
	}
	return about, target.Explain(t.Client.Enter(ctx), "")
}

// Connect opens the tenant's target, once for all stages; for the built-in tenant it starts the
// emulator. It asks for the addresses that will be used, because they are part of the target's identity.
func (x *Execution) Connect(ctx context.Context) (*Target, error) {
	if x.target != nil {
		return x.target, nil
	}
	open := x.openTarget
	if x.tenant.API == nil {
		open = x.openSandbox
	}
	var err error
	x.target, err = open(ctx)
	return x.target, err
}

// Catalog asks what the tenant's target offers and holds, once for all stages.
func (x *Execution) Catalog(ctx context.Context) (*catalog.Catalog, error) {
	if x.catalog != nil {
		return x.catalog, nil
	}
	api, err := x.Connect(ctx)
	if err != nil {
		return nil, err
	}
	access, err := x.enterTarget(ctx)
	if err != nil {
		return nil, err
	}
	x.catalog, err = catalog.Open(ctx, api.Client, catalog.Options{Identity: api.Identity.String(), ClientID: api.ClientID, Access: access,
		Settings: x.settings(), CacheAge: x.tenant.MaxCacheAge,
		CacheDir: x.place.stateFile(x.tenant, "cache"), Logger: x.logger})
	if err != nil || x.tenant.API == nil {
		return x.catalog, err
	}
	return x.catalog, x.rememberStandard(x.catalog.Access().About.Standard())
}

func (x *Execution) openTarget(ctx context.Context) (*Target, error) {
	t := x.tenant
	credential, err := x.place.Config.Credential(ctx, t)
	if err != nil {
		return nil, err
	}
	if t.API.AllowHTTP && strings.HasPrefix(t.API.BaseURL, "http:") {
		x.logger.Warn("the target is reached without TLS, as allow_http says", "tenant", t.Name)
		x.place.Observer.note("warning [%s]: the target of tenant %s is reached without TLS, as allow_http says", diag.ConfigPlainHTTP, t.Name)
	}
	secured, err := x.place.Config.Security(t)
	if err != nil {
		return nil, err
	}
	proxy, err := x.place.Config.Proxy(ctx, t)
	if err != nil {
		return nil, err
	}
	client, err := target.New(target.Config{
		BaseURL: t.API.BaseURL, DataURL: t.API.DataURL, OAuthURL: t.API.OAuthURL, MetadataURL: t.API.MetadataURL,
		DependenciesURL: t.API.DependenciesURL, ChangeQueriesURL: t.API.ChangeQueriesURL, SchoolYear: t.API.SchoolYear, Instance: t.API.Instance,
		ClientID: credential.ClientID, ClientSecret: string(credential.Secret), Origin: x.place.Config.CredentialFrom(t), AllowHTTP: t.API.AllowHTTP,
		Concurrency: t.Concurrency, UserAgent: x.place.UserAgent, Logger: x.logger, OnWait: x.place.Observer.Wait,
		Proxy: proxy.For, RootCAs: secured.RootCAs, Certificate: secured.Certificate, TLSMin: secured.TLSMin,
	})
	if err != nil {
		return nil, target.Explain(err, "")
	}
	about, err := client.Discover(ctx)
	if err != nil {
		client.Close()
		return nil, target.Explain(err, "")
	}
	identity := ledger.Identity{Tenant: t.Name, Environment: t.API.Environment, BaseURL: t.API.BaseURL, SchoolYear: t.API.SchoolYear,
		DataURL: about.DataURL, OAuthURL: about.OAuthURL, MetadataURL: about.OpenAPIURL,
		DependenciesURL: about.DependenciesURL, ChangeQueriesURL: about.ChangeQueriesURL}
	return &Target{Client: client, Identity: identity, ClientID: credential.ClientID, close: client.Close}, nil
}

// openSandbox serves the tenant's store on loopback until the execution is closed.
func (x *Execution) openSandbox(ctx context.Context) (*Target, error) {
	server, err := x.place.OpenSandbox(sandbox.Options{Dir: x.place.SandboxFolder(), Logger: x.logger}, "", nil)
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
			x.logger.Warn("the sandbox did not shut down cleanly", "error", err)
		}
	}
	client, err := target.New(target.Config{
		BaseURL: "http://" + listener.Addr().String(), ClientID: sandbox.Key, ClientSecret: sandbox.Secret, Uncompressed: true,
		Concurrency: x.tenant.Concurrency, UserAgent: x.place.UserAgent, Logger: x.logger, OnWait: x.place.Observer.Wait,
	})
	if err != nil {
		stop()
		return nil, err
	}
	// The emulator's port is another each time: what identifies it is its store.
	identity := ledger.Identity{Tenant: x.tenant.Name, Environment: tenant.Sandbox, BaseURL: "built-in sandbox", Store: server.ID()}
	return &Target{Client: client, Identity: identity, ClientID: sandbox.Key, close: func() { client.Close(); stop() }}, nil
}

// SandboxFolder is where the store of the built-in tenant lies.
func (w *Workplace) SandboxFolder() string {
	return filepath.Join(w.Config.StateFolder(tenant.Sandbox), "store")
}

// SandboxStudents is the list of further students that the built-in tenant knows, beside its store.
func (w *Workplace) SandboxStudents() string {
	return filepath.Join(w.Config.StateFolder(tenant.Sandbox), "students.csv")
}

// OpenSandbox opens an emulator; its data standard, with the extension if that is not nil, and descriptors are filled in.
func (w *Workplace) OpenSandbox(o sandbox.Options, version string, extension []byte) (*sandbox.Server, error) {
	var err error
	version = cmp.Or(version, sandboxStandard(o.Dir))
	if o.Standard, err = w.Standard(version); err != nil {
		return nil, err
	}
	if extension != nil {
		extended, err := schema.Extend(w.Schemas, version, extension)
		if err != nil {
			return nil, diag.FailWith(err, diag.Usage, diag.ConfigFile, "See `sluice sandbox --help` for its form.", "--extension cannot be used")
		}
		if o.Standard, err = schema.Load(extended, version); err != nil {
			return nil, err
		}
	}
	if o.Descriptors, err = schema.StandardDescriptors(w.Schemas, version); err != nil {
		return nil, err
	}
	if noted, err := os.Stat(w.SandboxStudents()); err == nil && noted.Mode().IsRegular() && o.Students == "" && o.Dir == w.SandboxFolder() {
		o.Students = w.SandboxStudents()
	}
	if err := durable.MkdirAll(o.Dir); err != nil {
		return nil, diag.Unwritable(err, "Check the folder's permissions.", "the sandbox's store cannot be written")
	}
	server, err := sandbox.Open(o)
	if held, locked := errors.AsType[*durable.LockedError](err); locked {
		return nil, diag.FailWith(held, diag.Guarded, diag.GuardLocked, "Wait for it to end, or stop it.", "the store of the sandbox is in use")
	}
	file, unusable := errors.AsType[*sandbox.FileError](err)
	switch {
	case unusable && file.Students:
		return nil, diag.FailWith(file.Err, diag.Usage, diag.ConfigFile, "Give a CSV file that has a column studentUniqueId.", "--students %s cannot be used", file.Path)
	case unusable:
		return nil, diag.FailWith(file.Err, diag.Usage, diag.ConfigFile, "Start over with `"+w.command("sandbox", "--reset", "--standard", version, "--state", o.Dir)+"` (end it with Ctrl-C), then run `"+
			w.command("ledger", "rebuild", "--tenant", tenant.Sandbox)+"`.", "the sandbox's store in %s cannot be used", o.Dir)
	}
	if _, failed := errors.AsType[*fs.PathError](err); failed {
		return nil, diag.Unwritable(err, "Check the permissions and the free space of the folder.", "the sandbox's store in %s cannot be opened", o.Dir)
	}
	return server, err
}

// sandboxStandard is the data standard of the emulator's store in a folder, or of one that is begun there.
func sandboxStandard(folder string) string { return cmp.Or(sandbox.StandardIn(folder), newSandbox) }
