package pipeline

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/target"
	"github.com/sluice-edfi/sluice/pkg/tenant"
)

// Check is one thing that Doctor looked at.
type Check struct {
	Tenant  string    `json:"tenant,omitempty"` // empty: of the machine
	Subject string    `json:"subject"`
	OK      bool      `json:"ok"`
	Code    diag.Code `json:"code,omitempty"`
	Says    string    `json:"says"`
	Next    string    `json:"next,omitempty"`
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
	all := []Check{{Subject: "settings", OK: true, Says: "complete"}, w.checkLock(name)}
	if x.tenant.API == nil {
		return append(all, Check{Subject: "target", OK: true, Says: "built-in sandbox"})
	}
	if _, err := w.Config.Credential(ctx, x.tenant); err != nil {
		return append(all, failed("secrets", err))
	}
	all = append(all, Check{Subject: "secrets", OK: true, Says: "present"}, checkProxy(x.tenant))
	api, err := x.Connect(ctx)
	if err != nil {
		return append(all, failed("target", err))
	}
	about, err := api.Client.Discover(ctx)
	if err != nil {
		return append(all, failed("target", target.Explain(err, "")))
	}
	all = append(all, Check{Subject: "target", OK: true,
		Says: fmt.Sprintf("%s, API %s, Data Standard %s", x.tenant.API.BaseURL, about.Version, about.Standard())}, checkClock(about.Clock, time.Now()))
	if err := api.Client.Enter(ctx); err != nil {
		return append(all, failed("credential", target.Explain(err, "")))
	}
	return append(all, Check{Subject: "credential", OK: true, Says: "accepted"})
}

// failed is a check that ended in an error.
func failed(subject string, err error) Check {
	e, ok := diag.AsError(err)
	if !ok {
		return Check{Subject: subject, Says: err.Error()}
	}
	says := e.Error()
	for _, p := range e.Problems {
		says += "; " + p.Pos().String() + ": " + p.Message
	}
	return Check{Subject: subject, Code: e.Code, Says: says, Next: e.Advice()}
}

// checkFolder makes sure that a folder, or the nearest one above that is there, can be written.
func checkFolder(what, path string) Check {
	there := nearest(path)
	f, err := os.CreateTemp(there, ".doctor-*")
	if err != nil {
		return Check{Subject: what, Code: diag.MachineDisk, Says: there + " cannot be written", Next: "check the folder's permissions, or name another in sluice.yaml"}
	}
	_ = errors.Join(f.Close(), os.Remove(f.Name()))
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		return Check{Subject: what, OK: true, Says: fmt.Sprintf("%s can be written; others may look into it (%v); what sluice writes there is for its owner only", path, info.Mode().Perm())}
	}
	return Check{Subject: what, OK: true, Says: path + " can be written"}
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
		return Check{Subject: "disk", OK: true, Says: "the free space is not known"}
	}
	c := Check{Subject: "disk", OK: free >= littleDisk, Says: fmt.Sprintf("%.1f GiB free where the runs lie", float64(free)/(1<<30))}
	if !c.OK {
		c.Code, c.Next = diag.MachineDisk, "free space: a run of 100,000 records takes about 1 GiB"
	}
	return c
}

// checkLock looks who is at work for a tenant.
func (w *Workplace) checkLock(name string) Check {
	folder := w.Config.StateFolder(name)
	if _, err := os.Stat(folder); err != nil {
		return Check{Subject: "lock", OK: true, Says: "nothing has been loaded for it from here yet"}
	}
	holder, held, err := durable.HeldBy(folder)
	if err != nil {
		return failed("lock", DiskError(err))
	}
	if held {
		return Check{Subject: "lock", OK: true, Says: "at work now: " + holder.String()}
	}
	return Check{Subject: "lock", OK: true, Says: "nobody is at work"}
}

// checkProxy says which way the calls go.
func checkProxy(t *tenant.Tenant) Check {
	request, err := http.NewRequest(http.MethodGet, t.API.BaseURL, nil)
	if err != nil {
		return failed("proxy", err)
	}
	switch proxy, err := http.ProxyFromEnvironment(request); {
	case err != nil:
		return Check{Subject: "proxy", Says: "the address in HTTPS_PROXY or HTTP_PROXY cannot be read", Next: "correct it, or unset it"}
	case proxy != nil:
		return Check{Subject: "proxy", OK: true, Says: proxy.Host + ", from the environment"}
	}
	return Check{Subject: "proxy", OK: true, Says: "none"}
}

func checkClock(theirs, ours time.Time) Check {
	if theirs.IsZero() {
		return Check{Subject: "clock", OK: true, Says: "the target does not tell its time"}
	}
	skew := ours.Sub(theirs).Round(time.Second)
	if skew.Abs() > mostSkew {
		return Check{Subject: "clock", Says: fmt.Sprintf("this machine's clock and the target's differ by %v", skew.Abs()), Next: "synchronize this machine's clock with a time server"}
	}
	return Check{Subject: "clock", OK: true, Says: "agrees with the target's"}
}
