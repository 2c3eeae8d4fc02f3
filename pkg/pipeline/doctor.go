package pipeline

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/sluice-edfi/sluice/pkg/catalog"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/target"
	"github.com/sluice-edfi/sluice/pkg/tenant"
)

// Check is one thing that Doctor looked at.
type Check struct {
	Tenant string `json:"tenant,omitempty"` // empty: of the machine
	catalog.Finding
	Next string `json:"next,omitempty"`
}

// good is a check that found nothing wrong.
func good(subject, says string) Check {
	return Check{Finding: catalog.Finding{Subject: subject, OK: true, Says: says}}
}

// wrong is a check that found something wrong; next is what to do.
func wrong(subject string, code diag.Code, says, next string) Check {
	return Check{Finding: catalog.Finding{Subject: subject, Code: code, Says: says}, Next: next}
}

// Bounds of what is worth a word.
const (
	littleDisk = 1 << 30         // bytes: a run of 100,000 records takes about this
	mostSkew   = 2 * time.Minute // tokens, and passes by their age, go wrong with a clock that does
)

// Doctor looks at everything that is not data, for the tenants named: settings, secrets, folders, disk,
// locks, the way to the target, its certificate and its clock. It changes nothing.
func (w *Workplace) Doctor(ctx context.Context, tenants []string) []Check {
	var all []Check
	for _, folder := range []struct{ what, path string }{{"runs", w.Config.Runs}, {"state", w.Config.State}} {
		all = append(all, checkFolder(folder.what, folder.path))
	}
	all = append(all, checkDisk(w.Config.Runs))
	for _, name := range tenants {
		for _, c := range w.checkTenant(ctx, name) {
			c.Tenant = name
			all = append(all, c)
		}
	}
	return all
}

// checkTenant stops where what follows would only repeat what is wrong already.
func (w *Workplace) checkTenant(ctx context.Context, name string) []Check {
	x, err := New(w, name, "sluice doctor")
	if err != nil {
		return []Check{failed("settings", err)}
	}
	defer x.Close() //nolint:errcheck // nothing was written
	all := []Check{good("settings", "complete"), w.checkLock(name)}
	if x.tenant.API == nil {
		return append(all, good("target", "built-in sandbox"))
	}
	if _, err := w.Config.Credential(ctx, x.tenant); err != nil {
		return append(all, failed("secrets", err))
	}
	all = append(all, good("secrets", "present"), checkProxy(x.tenant))
	api, err := x.Connect(ctx)
	if err != nil {
		return append(all, failed("target", err))
	}
	about, err := api.Client.Discover(ctx)
	if err != nil {
		return append(all, failed("target", target.Explain(err, "")))
	}
	all = append(all, good("target", fmt.Sprintf("%s, API %s, Data Standard %s", x.tenant.API.BaseURL, about.Version, about.Standard())),
		checkClock(about.Clock, time.Now()))
	if err := api.Client.Enter(ctx); err != nil {
		return append(all, failed("credential", target.Explain(err, "")))
	}
	return append(all, good("credential", "accepted"))
}

// failed is a check that ended in an error.
func failed(subject string, err error) Check {
	e, ok := diag.AsError(err)
	if !ok {
		return wrong(subject, "", err.Error(), "")
	}
	says := e.Error()
	for _, p := range e.Problems {
		says += "; " + p.Pos().String() + ": " + p.Message
	}
	return wrong(subject, e.Code, says, e.Advice())
}

// checkFolder makes sure that a folder, or the nearest one above that is there, can be written.
func checkFolder(what, path string) Check {
	there := nearest(path)
	f, err := os.CreateTemp(there, ".doctor-*")
	if err != nil {
		return wrong(what, diag.MachineDisk, there+" cannot be written", "check the folder's permissions, or name another in sluice.yaml")
	}
	_ = errors.Join(f.Close(), os.Remove(f.Name()))
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		return good(what, fmt.Sprintf("%s can be written; others may look into it (%v); what sluice writes there is for its owner only",
			path, info.Mode().Perm()))
	}
	return good(what, path+" can be written")
}

// nearest is the path, or the nearest folder above it that is there.
func nearest(path string) string {
	for {
		if _, err := os.Stat(path); err == nil || filepath.Dir(path) == path {
			return path
		}
		path = filepath.Dir(path)
	}
}

func checkDisk(path string) Check {
	free, err := durable.Free(nearest(path))
	if err != nil {
		return good("disk", "the free space is not known")
	}
	says := fmt.Sprintf("%.1f GiB free where the runs are", float64(free)/(1<<30))
	if free < littleDisk {
		return wrong("disk", diag.MachineDisk, says, "free space: a run of 100,000 records takes about 1 GiB")
	}
	return good("disk", says)
}

// checkLock finds out who is at work for a tenant.
func (w *Workplace) checkLock(name string) Check {
	folder := w.Config.StateFolder(name)
	if _, err := os.Stat(folder); err != nil {
		return good("lock", "nobody is at work; there is no state of the tenant here yet")
	}
	holder, held, err := durable.HeldBy(folder)
	if err != nil {
		return failed("lock", DiskError(err))
	}
	if held {
		return good("lock", "at work now: "+holder.String())
	}
	return good("lock", "nobody is at work")
}

// checkProxy says which way the calls go.
func checkProxy(t *tenant.Tenant) Check {
	request, err := http.NewRequest(http.MethodGet, t.API.BaseURL, nil)
	if err != nil {
		return failed("proxy", err)
	}
	switch proxy, err := http.ProxyFromEnvironment(request); {
	case err != nil:
		return wrong("proxy", "", "the address in HTTPS_PROXY or HTTP_PROXY cannot be read", "correct it, or unset it")
	case proxy != nil:
		return good("proxy", proxy.Host+", from the environment")
	}
	return good("proxy", "none")
}

func checkClock(theirs, ours time.Time) Check {
	if theirs.IsZero() {
		return good("clock", "the target did not say what time it is")
	}
	skew := ours.Sub(theirs).Round(time.Second)
	if skew.Abs() > mostSkew {
		return wrong("clock", "", fmt.Sprintf("this machine's clock and the target's differ by %v", skew.Abs()),
			"synchronize this machine's clock with a time server")
	}
	return good("clock", "agrees with the target's")
}
