package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/send"
	"github.com/sluice-edfi/sluice/pkg/tenant"
)

func (a *app) newSend() *cobra.Command {
	dry := false
	cmd := &cobra.Command{
		Use:   "send RUN --tenant NAME",
		Short: "Load what passed",
		Long: `Loads the records that validate passed, in the target's dependency order. What the target
already holds is not sent again; what depends on a refused record is not sent at all. Every
record that did not load stands in errors/ with the target's own message.

Stopped at any moment, the same command goes on where it was: nothing is lost, nothing doubled.`,
		Example: `  sluice send r1 --tenant gb
  sluice send r1 --tenant gb --dry-run       what would change, and change nothing`,
		Args:              exactArgs("RUN"),
		ValidArgsFunction: a.completeRuns,
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := a.explicitTenant(cmd)
			if err != nil {
				return err
			}
			r, lock, err := openLocked(args[0], "sluice send")
			if err != nil {
				return err
			}
			defer lock.Unlock()
			c, err := a.workplaceForWriting()
			if err != nil {
				return err
			}
			t, err := c.Tenant(name)
			if err != nil {
				return err
			}
			status, err := a.send(cmd.Context(), c, t, r, dry, nil)
			if err != nil || dry {
				return err
			}
			return a.finish(r, status, "")
		},
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "show what would be created, updated and left alone; change nothing")
	return cmd
}

// lockTenant takes the tenant's lock: never two loads of one tenant at once (NI-O4).
func (a *app) lockTenant(c *tenant.Config, t *tenant.Tenant, command string) (*durable.Lock, error) {
	folder := c.StateFolder(t.Name)
	if err := durable.MkdirAll(folder); err != nil {
		return nil, asDiskError(err)
	}
	return lockFolder(folder, command, "for tenant "+t.Name)
}

func lockFolder(folder, command, where string) (*durable.Lock, error) {
	lock, err := durable.LockFolder(folder, command, time.Now())
	if _, locked := errors.AsType[*durable.LockedError](err); locked {
		return nil, diag.FailWith(err, diag.Guarded, diag.GuardLocked, "wait for it to end, or stop it", "another command is at work %s", where)
	}
	return lock, asDiskError(err)
}

// lockRun takes the lock of a run directory for a whole stage: of two commands one would otherwise
// undo what the other writes.
func lockRun(path, command string) (*durable.Lock, error) {
	return lockFolder(path, command, "in the run "+shownPath(path))
}

// openLocked takes the lock of a run that is there, and only then reads its manifest.
func openLocked(path, command string) (*runs.Run, *durable.Lock, error) {
	if _, err := runs.Open(path); err != nil { // what is no run is left as it is
		return nil, nil, err
	}
	lock, err := lockRun(path, command)
	if err != nil {
		return nil, nil, err
	}
	r, err := runs.Open(path)
	if err != nil {
		return nil, nil, errors.Join(err, lock.Unlock())
	}
	return r, lock, nil
}

// openLedger opens what the tenant's target holds.
func (a *app) openLedger(c *tenant.Config, t *tenant.Tenant, identity ledger.Identity,
	openBook func(string, ledger.Identity) (*ledger.Ledger, error)) (*ledger.Ledger, error) {
	l, err := openBook(filepath.Join(c.StateFolder(t.Name), "ledger.db"), identity)
	if errors.Is(err, ledger.ErrOtherTarget) {
		return nil, diag.FailWith(err, diag.Guarded, diag.GuardLedger,
			"if the target of the tenant was meant to change, run `sluice ledger rebuild --tenant "+t.Name+"`; a new school year is a tenant of its own",
			"tenant %s", t.Name)
	}
	switch {
	case errors.Is(err, ledger.ErrDamaged):
		return nil, diag.FailWith(err, diag.Guarded, diag.GuardLedger,
			"move "+filepath.Join(c.StateFolder(t.Name), "ledger.db")+" away and run `sluice ledger rebuild --tenant "+t.Name+"`", "the ledger of tenant %s cannot be used", t.Name)
	case errors.Is(err, ledger.ErrNewer):
		return nil, diag.FailWith(err, diag.Usage, diag.GuardLedger, "use that version of sluice", "the ledger of tenant %s cannot be used", t.Name)
	}
	return l, asDiskError(err)
}

// send runs the stage on a run that is locked; open may be nil: then the target is opened for it.
func (a *app) send(ctx context.Context, c *tenant.Config, t *tenant.Tenant, r *runs.Run, dry bool, open *access) (runs.Outcome, error) {
	lock, err := a.lockTenant(c, t, "sluice send")
	if err != nil {
		return 0, err
	}
	defer lock.Unlock()
	if err := send.CheckPass(r, t.Name, t.MaxPassAge, time.Now()); err != nil {
		return 0, err
	}
	if open == nil {
		if open, err = a.open(ctx, c, t); err != nil {
			return 0, err
		}
		defer open.close()
	}
	book, err := a.openLedger(c, t, open.identity, ledger.Open)
	if err != nil {
		return 0, err
	}
	defer book.Close()
	s, err := a.targetStandard(ctx, c, t, open)
	if err != nil {
		return 0, err
	}
	o := send.Options{Run: r, AcceptUnchecked: t.AcceptUnchecked, DryRun: dry, MaxPassAge: t.MaxPassAge, To: send.Destination{Tenant: t.Name,
		ClientID: open.clientID, Client: open.client, Ledger: book, Standard: s, Concurrency: t.Concurrency, Progress: &send.Progress{}}}
	work := func(ctx context.Context) (runs.Counts, error) {
		o.To.Logger = a.log.logger
		stop := a.watch("send", func() sample {
			return sample{o.To.Progress.Done.Load(), o.To.Progress.Total.Load(), fmt.Sprintf("(%d sent)", o.To.Progress.Sent.Load())}
		})
		defer stop()
		counts, err := send.Run(ctx, o)
		if counts == nil {
			return nil, err
		}
		return counts, err
	}
	if dry {
		counts, err := work(ctx)
		if err != nil {
			return 0, err
		}
		if counts.Partly() {
			a.exit = exitPartly // as the real send would end
		}
		return a.exit, a.rehearse(r, counts)
	}
	return a.stage(ctx, r, runs.Send, work)
}
