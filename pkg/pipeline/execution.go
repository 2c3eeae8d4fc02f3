package pipeline

import (
	"errors"
	"log/slog"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/tenant"
)

// Execution is one run at work, or a command at a tenant's target that needs none. It is owned by one
// goroutine. Close it in any case.
type Execution struct {
	place   *Workplace
	tenant  *tenant.Tenant // nil: none
	command string
	log     *runLog
	logger  *slog.Logger // made once, because the target's client keeps it over several stages
	target  *Target      // nil until it is needed
	lock    *durable.Lock
	mapping *mapping // what transform will run; nil for a run that was opened
	run     *runs.Run
	began   bool // a stage of this execution has begun
}

// New begins an execution for a tenant, which may be nil; locks name the command as their holder.
func New(place *Workplace, t *tenant.Tenant, command string) *Execution {
	x := &Execution{place: place, tenant: t, command: command, log: &runLog{}}
	x.logger = x.log.logger(place.Log)
	return x
}

// Run is the run at work; nil as long as there is none.
func (x *Execution) Run() *runs.Run { return x.run }

// Open takes the lock of a run that is there, and only then reads its manifest.
func (x *Execution) Open(path string) error {
	if _, err := runs.Open(path); err != nil { // what is no run is left as it is
		return err
	}
	if err := x.lockRun(path); err != nil {
		return err
	}
	r, err := runs.Open(path)
	x.run = r
	return err
}

// Close ends the execution: it closes the target and the log, and gives back the lock of the run.
func (x *Execution) Close() error {
	if x.target != nil {
		x.target.close()
	}
	x.log.close()
	if x.lock != nil {
		return x.lock.Unlock()
	}
	return nil
}

// lockRun takes the lock of a run directory for all stages to come: of two commands one would
// otherwise undo what the other writes.
func (x *Execution) lockRun(path string) error {
	lock, err := x.lockFolder(path, "in the run "+x.place.Observer.path(path))
	x.lock = lock
	return err
}

// lockTenant takes the tenant's lock: never two loads of one tenant at once.
func (x *Execution) lockTenant() (*durable.Lock, error) {
	folder := x.place.Config.StateFolder(x.tenant.Name)
	if err := durable.MkdirAll(folder); err != nil {
		return nil, DiskError(err)
	}
	return x.lockFolder(folder, "for tenant "+x.tenant.Name)
}

func (x *Execution) lockFolder(folder, where string) (*durable.Lock, error) {
	lock, err := durable.LockFolder(folder, x.command, time.Now())
	if _, locked := errors.AsType[*durable.LockedError](err); locked {
		return nil, diag.FailWith(err, diag.Guarded, diag.GuardLocked, "wait for it to end, or stop it",
			"another command is at work %s", where)
	}
	return lock, DiskError(err)
}
