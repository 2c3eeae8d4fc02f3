package pipeline

import (
	"errors"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
)

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
		return nil, diag.FailWith(err, diag.Guarded, diag.GuardLocked, "Wait for it to end, or stop it.",
			"another command is at work %s", where)
	}
	return lock, DiskError(err)
}
