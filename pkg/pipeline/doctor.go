package pipeline

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/sluice-edfi/sluice/pkg/catalog"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/target"
	"github.com/sluice-edfi/sluice/pkg/tenant"
)

// Check is one thing that Doctor looked at.
type Check struct {
	Tenant string `json:"tenant,omitempty"` // empty: of the machine
	catalog.Finding
	Next string       `json:"next,omitempty"` // one action; what is not OK always has one
	Exit runs.Outcome `json:"exit,omitempty"` // what is not OK: how commands end because of it; Partly if it stops none
}

// good is a check that found nothing wrong.
func good(subject, says string) Check {
	return Check{Finding: catalog.Finding{Subject: subject, OK: true, Says: says}}
}

// worth is a check that found nothing wrong, but something to know; next is what to do about it.
func worth(subject, says, next string) Check {
	c := good(subject, says)
	c.Next = next
	return c
}

// wrong is a check that found something wrong; next is what to do.
func wrong(subject string, code diag.Code, exit runs.Outcome, says, next string) Check {
	return Check{Finding: catalog.Finding{Subject: subject, Code: code, Says: says}, Next: next, Exit: exit}
}

// Bounds of what is worth a word.
const (
	littleDisk = 1 << 30         // bytes: a run of 100,000 records takes about this
	mostSkew   = 2 * time.Minute // tokens, and passes by their age, go wrong with a clock that does
)

// Doctor looks at everything that is not data, for the tenants named: settings, secrets, folders, disk,
// locks, what killed commands left, the way to the target, its certificate and its clock. It changes nothing.
// Where sluice.yaml is broken, it looks at what could be read of it.
func (w *Workplace) Doctor(ctx context.Context, tenants []string, broken error) []Check {
	all := slices.Concat(w.checkFolders(), []Check{checkDisk(w.Config.Runs)}, w.checkRuns())
	if broken != nil {
		all[0] = failed("sluice.yaml", broken)
	}
	for _, name := range tenants {
		if broken != nil && !slices.Contains(w.Config.Names(), name) {
			continue // it may stand where nothing could be read
		}
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
	all := []Check{good("settings", "complete"), checkLock("lock", w.Config.StateFolder(name))}
	if tables := x.tenant.Tables; tables != "" {
		all = append(all, checkReadable("tables", tables))
	}
	all = append(all, w.checkRoster(name)...)
	if x.tenant.API == nil {
		return append(all, checkLock("emulator", w.SandboxFolder()), good("target", "built-in sandbox"))
	}
	all = append(all, w.checkSecretFiles(x.tenant)...)
	if _, err := w.Config.Credential(ctx, x.tenant); err != nil {
		return append(all, failed("secrets", err))
	}
	all = append(all, good("secrets", "present"))
	secured, err := w.Config.Security(x.tenant)
	if err != nil {
		return append(all, failed("certificates", err))
	}
	proxy, err := w.Config.Proxy(ctx, x.tenant)
	if err != nil {
		return append(all, failed("proxy", err))
	}
	all = append(append(all, checkSecurity(secured)...), checkProxy(x.tenant, proxy))
	api, err := x.Connect(ctx)
	if err != nil {
		return append(all, failed("target", err))
	}
	found, err := x.CheckTarget(ctx)
	if _, failure := api.Client.Discover(ctx); failure != nil { // which is kept, if it came
		return append(all, failed("target", target.Explain(failure, "")))
	}
	if err != nil {
		return append(all, failed("credential", err))
	}
	for _, f := range found {
		c := Check{Finding: f, Next: f.Fix}
		c.Fix = ""
		if !f.OK && !f.Unknown {
			c.Exit = runs.Guarded
		}
		all = append(all, c)
	}
	about, err := api.Client.Discover(ctx)
	if err != nil {
		return append(all, failed("target", err))
	}
	return append(all, checkClock(about.Clock, time.Now()))
}

// failed is a check that ended in an error.
func failed(subject string, err error) Check {
	e, ok := diag.AsError(err)
	if !ok {
		return wrong(subject, "", runs.CouldNotRun, err.Error(), "Run the same command again; if it persists, report it with this message.")
	}
	says := e.Error()
	for _, p := range e.Problems {
		says += "; " + p.Pos().String() + ": " + p.Message
	}
	return wrong(subject, e.Code, OutcomeOf(context.Background(), err), says, e.Advice())
}

// soon is how long before its end a certificate is worth a word.
const soon = 30 * 24 * time.Hour

// checkSecurity says which certificates of the tenant's own are in use.
func checkSecurity(s tenant.Security) (all []Check) {
	if s.Authorities > 0 {
		all = append(all, good("ca_file", diag.Counted(s.Authorities, "certificate", "certificates")+", trusted besides the system's"))
	}
	if s.Certificate == nil {
		return all
	}
	const subject, next = "certificate", "Ask the target's host for a new one."
	leaf := s.Certificate.Leaf
	says := fmt.Sprintf("%s, valid until %s", leaf.Subject, leaf.NotAfter.UTC().Format(time.DateOnly))
	switch left := time.Until(leaf.NotAfter); {
	case left <= 0:
		return append(all, wrong(subject, diag.ConfigFile, runs.CouldNotRun, fmt.Sprintf("client_certificate expired on %s (%s)",
			leaf.NotAfter.UTC().Format(time.DateOnly), leaf.Subject), next))
	case time.Now().Before(leaf.NotBefore):
		return append(all, wrong(subject, diag.ConfigFile, runs.CouldNotRun, fmt.Sprintf("client_certificate is not valid before %s (%s)",
			leaf.NotBefore.UTC().Format(time.DateOnly), leaf.Subject), "Check this machine's clock."))
	case left < soon:
		return append(all, worth(subject, says, next))
	}
	return append(all, good(subject, says))
}

// checkProxy says which way the calls go.
func checkProxy(t *tenant.Tenant, way tenant.Proxy) Check {
	request, err := http.NewRequest(http.MethodGet, t.API.BaseURL, nil)
	if err != nil {
		return failed("proxy", err)
	}
	switch proxy, err := way.For(request); {
	case err != nil:
		return wrong("proxy", "", runs.CouldNotRun, "the address in HTTPS_PROXY or HTTP_PROXY cannot be read", "Correct it, or unset it.")
	case proxy != nil:
		return good("proxy", proxy.Host+", from "+way.From)
	}
	return good("proxy", "none")
}

func checkClock(theirs, ours time.Time) Check {
	if theirs.IsZero() {
		return good("clock", "the target did not say what time it is")
	}
	skew := ours.Sub(theirs).Round(time.Second)
	if skew.Abs() > mostSkew {
		return wrong("clock", "", runs.Partly, fmt.Sprintf("this machine's clock and the target's differ by %v", skew.Abs()),
			"Synchronize this machine's clock with a time server.")
	}
	return good("clock", "agrees with the target's")
}
