package pipeline

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/report"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// RunError is an error that came up after a stage of a run had begun, or kept it from beginning, with the run.
type RunError struct {
	Run *runs.Run
	Err error
}

func (e *RunError) Error() string { return e.Err.Error() }

func (e *RunError) Unwrap() error { return e.Err }

// ended is how a stage ended. An error is given its run, so that users can be told where to look, and
// the run keeps the reason: also that of a guard which stopped the stage before it began.
func (x *Execution) ended(ctx context.Context, outcome runs.Outcome, err error) (runs.Outcome, error) {
	if err == nil {
		return outcome, nil
	}
	outcome, err = Ended(ctx, err)
	e, _ := diag.AsError(err)
	secret := e != nil && e.Code == diag.ConfigSecret // which is missing under cron, where nobody sees the screen
	if x.working != "" && !x.kept && (outcome != runs.Misused || secret) {
		err = errors.Join(err, x.keep(ctx, err), x.report())
	}
	if x.began || x.kept {
		err = &RunError{x.run, err}
	}
	return outcome, err
}

// keep records in the run directory why the stage at work stopped.
func (x *Execution) keep(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	x.kept = true
	outcome, err := Ended(ctx, err)
	e, _ := diag.AsError(err) // the screen shows it by itself: only the run's log needs it
	x.log.logger(nil).Error("stage was stopped", "stage", x.working, "code", e.Code, "message", e.Error())
	failed := errors.Join(x.log.into(x.run.File("log.jsonl")), x.run.StopAt(x.working, time.Now(), e))
	if goesOn := outcome != runs.Misused && outcome != runs.Guarded && !strings.Contains(e.Advice(), "sluice "); goesOn && x.place.Next != nil {
		x.run.Next = x.place.Next(x.run)
		failed = errors.Join(failed, x.run.Save())
	}
	return failed
}

// report writes what the run says of itself now.
func (x *Execution) report() error {
	rep, err := report.Build(x.run)
	if err != nil {
		return err
	}
	return rep.Write(x.run)
}

// Ended is how something that returned err ended, and the error with its code.
func Ended(ctx context.Context, err error) (runs.Outcome, error) {
	outcome := OutcomeOf(ctx, err)
	if _, explained := diag.AsError(err); explained || err == nil {
		return outcome, err
	}
	if outcome == runs.Interrupted {
		return outcome, diag.Fail(diag.CouldNotRun, diag.MachineInterrupt, "", "interrupted")
	}
	if disk := DiskError(err); disk != err { //nolint:errorlint // is it the same?
		return outcome, disk
	}
	return outcome, diag.Fail(diag.CouldNotRun, diag.Internal, "", "%s", err.Error())
}

// OutcomeOf is how something that returned err ended.
func OutcomeOf(ctx context.Context, err error) runs.Outcome {
	if err == nil {
		return runs.Done
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return runs.Interrupted
	}
	e, ok := diag.AsError(err)
	if !ok {
		return runs.CouldNotRun
	}
	if e.Code == diag.MachineInterrupt {
		return runs.Interrupted
	}
	switch e.Kind {
	case diag.Usage:
		return runs.Misused
	case diag.Refused:
		return runs.Refused
	case diag.Guarded:
		return runs.Guarded
	}
	return runs.CouldNotRun
}

// DiskError gives an error of the file system that no package explained a code and advice.
func DiskError(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := diag.AsError(err); ok {
		return err
	}
	var (
		path   *fs.PathError
		link   *os.LinkError
		system *os.SyscallError
	)
	next := "Free space or choose another folder, then run the same command again."
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EFBIG):
	case !errors.As(err, &path) && !errors.As(err, &link) && !errors.As(err, &system):
		return err
	case errors.Is(err, fs.ErrPermission):
		next = "Let this user read and write there, or choose another folder; then run the same command again."
	case errors.Is(err, fs.ErrNotExist):
		next = "Make the folder that it names, or choose another one; then run the same command again."
	case errors.Is(err, syscall.EISDIR), errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrExist):
		next = "Move away what stands there, then run the same command again."
	}
	return diag.Unwritable(err, next, "a file could not be written or read")
}
