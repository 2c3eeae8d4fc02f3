package pipeline

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/report"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/send"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// Send loads what passed into the tenant's target.
func (x *Execution) Send(ctx context.Context) (outcome runs.Outcome, err error) {
	x.working = runs.Send
	err = x.loading(ctx, func(o send.Options) error {
		outcome, err = x.stage(ctx, runs.Send, x.send(o))
		if kept := x.rememberStudents(); kept != nil {
			return errors.Join(err, kept)
		}
		return err
	})
	return x.ended(ctx, outcome, err)
}

// Rehearse finds out what Send would do; it changes nothing, and the run directory does not remember
// it. The outcome is that of a send that goes as rehearsed.
func (x *Execution) Rehearse(ctx context.Context) (outcome runs.Outcome, rep *report.Report, err error) {
	err = x.loading(ctx, func(o send.Options) error {
		o.DryRun = true
		counts, err := x.send(o)(ctx)
		if err != nil {
			return err
		}
		if counts.Partly() {
			outcome = runs.Partly
		}
		built, err := report.Build(x.run)
		if err != nil {
			return err
		}
		rep = built.Rehearsed(runs.Send, counts)
		return nil
	})
	outcome, err = x.ended(ctx, outcome, err)
	return outcome, rep, err
}

// loading gives work what a send needs, under the tenant's lock; the pass is asked for before the
// target is.
func (x *Execution) loading(ctx context.Context, work func(send.Options) error) error {
	lock, err := x.lockTenant()
	if err != nil {
		return err
	}
	defer lock.Unlock()
	if err := send.CheckPass(x.run, x.tenant.Name, x.tenant.MaxPassAge, time.Now(), x.place.command); err != nil {
		return err
	}
	if err := x.checkStudents(); err != nil {
		return err
	}
	if err := x.guardDistrict(ctx); err != nil {
		return err
	}
	t := x.tenant
	return x.withLedger(ctx, ledger.Open, func(d send.Destination) error {
		return work(send.Options{Run: x.run, To: d, AcceptUnchecked: t.AcceptUnchecked, MaxPassAge: t.MaxPassAge})
	})
}

func (x *Execution) send(o send.Options) work {
	return func(ctx context.Context) (runs.Counts, error) {
		p := &send.Progress{}
		o.To.Progress = p
		defer x.place.Observer.watch(runs.Send, func() Progress {
			return Progress{"loading", p.Done.Load(), p.Total.Load(), false, p.Sent.Load(), "accepted"}
		})()
		counts, err := send.Run(ctx, o)
		err = x.ledgerError(err)
		if counts == nil {
			return nil, err
		}
		return counts, err
	}
}

// AtLedger gives work the tenant's ledger and target, under the tenant's lock; no run is needed.
func (x *Execution) AtLedger(ctx context.Context, open OpenLedger, work func(send.Destination) error) error {
	lock, err := x.lockTenant()
	if err != nil {
		return err
	}
	defer lock.Unlock()
	return x.withLedger(ctx, open, func(d send.Destination) error { return x.ledgerError(target.Explain(work(d), "")) })
}

// OpenLedger is ledger.Open or ledger.OpenToRebuild.
type OpenLedger func(path string, identity ledger.Identity) (*ledger.Ledger, error)

// withLedger opens target and ledger; the tenant is locked.
func (x *Execution) withLedger(ctx context.Context, open OpenLedger, work func(send.Destination) error) error {
	api, err := x.Connect(ctx)
	if err != nil {
		return err
	}
	held, err := x.openLedger(open, api.Identity)
	if err != nil {
		return err
	}
	defer held.Close()
	offered, err := x.Catalog(ctx)
	if err != nil {
		return err
	}
	return work(send.Destination{Tenant: x.tenant.Name, Client: api.Client, ClientID: api.ClientID, Ledger: held, Standard: offered.Standard(),
		Concurrency: x.tenant.Concurrency, Logger: x.logger, Note: x.place.Observer.Note, Command: x.place.command})
}

// openLedger opens what the tenant's target holds.
func (x *Execution) openLedger(open OpenLedger, identity ledger.Identity) (*ledger.Ledger, error) {
	l, err := open(x.place.stateFile(x.tenant, "ledger.db"), identity)
	return l, DiskError(x.ledgerError(err))
}

// readLedger opens what the ledger knows, for validate; nil: nothing. One that cannot be used is for send to refuse:
// until then nothing that it says is believed.
func (x *Execution) readLedger(identity ledger.Identity) (*ledger.Ledger, error) {
	path := x.place.stateFile(x.tenant, "ledger.db")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	l, err := ledger.Open(path, identity)
	if errors.Is(err, ledger.ErrOtherTarget) || errors.Is(err, ledger.ErrDamaged) || errors.Is(err, ledger.ErrNewer) {
		x.logger.Warn("the ledger cannot be used; every result is looked for at the target", "error", err.Error())
		return nil, nil
	}
	return l, DiskError(x.ledgerError(err))
}

// ledgerError gives an error of the ledger its code and a way out.
func (x *Execution) ledgerError(err error) error {
	said := func() error { // once, however many were at work when it turned up
		text, _, _ := strings.Cut(err.Error(), "\n")
		return errors.New(text)
	}
	again := "`" + x.place.command("ledger", "rebuild", "--tenant", x.tenant.Name) + "`"
	switch _, explained := diag.AsError(err); {
	case explained:
		return err
	case errors.Is(err, ledger.ErrOtherTarget):
		return diag.FailWith(err, diag.Guarded, diag.GuardLedger,
			"If the target of the tenant was meant to change, run "+again+"; a new school year is a tenant of its own.",
			"tenant %s", x.tenant.Name)
	case errors.Is(err, ledger.ErrDamaged):
		return diag.FailWith(said(), diag.Guarded, diag.GuardLedger,
			"Run "+again+": it sets the file aside and reads from the target what it holds.", "the ledger of tenant %s cannot be used", x.tenant.Name)
	case errors.Is(err, ledger.ErrNewer):
		return diag.FailWith(err, diag.Usage, diag.GuardLedger, "Use that version of sluice.",
			"the ledger of tenant %s cannot be used", x.tenant.Name)
	case errors.Is(err, ledger.ErrDisk):
		return diag.FailWith(said(), diag.CouldNotRun, diag.MachineDisk, "Free space, and check the folder's permissions; then run the same command again.",
			"the ledger of tenant %s could not be read or written", x.tenant.Name)
	}
	return err
}
