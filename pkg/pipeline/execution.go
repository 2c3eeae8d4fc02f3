package pipeline

import (
	"context"
	"errors"
	"log/slog"

	"github.com/sluice-edfi/sluice/pkg/catalog"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/lint"
	"github.com/sluice-edfi/sluice/pkg/report"
	"github.com/sluice-edfi/sluice/pkg/roster"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/tenant"
)

// Execution is one run at work, or a command at a tenant's target that needs none. It is owned by one
// goroutine. Close it in any case.
type Execution struct {
	AllOrNothing bool // a run of which anything stayed behind gets no pass
	AcceptNew    bool // results that the ledger does not know are new at the target; a person has looked

	place    *Workplace
	tenant   *tenant.Tenant // nil: none
	command  string
	log      *runLog
	logger   *slog.Logger     // made once, because the target's client keeps it over several stages
	target   *Target          // nil until it is needed
	catalog  *catalog.Catalog // of the target; nil until it is needed
	access   *catalog.Access  // how the target was entered; nil until it was
	lock     *durable.Lock
	prepared *prepared // what transform will run; nil for a run that was opened
	known    diag.List // what was found before the first row, and does not stop the run

	index *roster.Index // of the tenant's students; nil until it is needed

	references *lint.References // of what transform will run

	withheld error // why the run that was judged last has no pass, whatever its records are

	run     *runs.Run
	working string // the stage at work, or the last one; empty: none
	kept    bool   // the run has the reason why it stopped
	began   bool   // a stage of this execution has begun
	listed  bool   // the list of runs has the one at work

	ownDistrict bool // the target was compared with the tenant's lea_codes
}

// New begins an execution for a tenant of sluice.yaml, "" being none; locks name the command as their
// holder.
func New(place *Workplace, name, command string) (*Execution, error) {
	x := &Execution{place: place, command: command, log: &runLog{}}
	x.logger = x.log.logger(place.Log)
	if name == "" {
		return x, nil
	}
	var err error
	x.tenant, err = place.Config.Tenant(name)
	return x, err
}

// Place is the workplace of the execution.
func (x *Execution) Place() *Workplace { return x.place }

// Run is the run at work; nil as long as there is none.
func (x *Execution) Run() *runs.Run { return x.run }

// Open takes the lock of a run that is there, and only then reads its manifest.
func (x *Execution) Open(path string) error {
	if _, err := runs.Open(path); err != nil { // what is not a run is left as it is
		return err
	}
	if err := x.lockRun(path); err != nil {
		return err
	}
	r, err := runs.Open(path)
	x.run = r
	return err
}

// Close ends the execution: it closes the target and the log, rewrites the list of runs, and gives back
// the lock of the run.
func (x *Execution) Close() error {
	var failed error
	if x.began || x.kept {
		failed = report.WriteIndex(x.place.Config.Runs)
	}
	if x.target != nil {
		x.target.close()
	}
	if x.index != nil {
		failed = errors.Join(failed, x.index.Close())
	}
	x.log.close()
	if x.lock != nil {
		failed = errors.Join(failed, x.lock.Unlock())
	}
	return failed
}

// All makes a new run and goes the whole way with it. A stage follows one that ended done or partly;
// the worst outcome counts. Address and credential are proven before anything is written. A run of
// which too many rows were rejected is not sent.
func (x *Execution) All(ctx context.Context, q Request) (runs.Outcome, error) {
	m, err := x.prepare(ctx, q)
	if err != nil {
		return x.ended(ctx, 0, err)
	}
	api, err := x.Connect(ctx)
	if err != nil {
		return x.ended(ctx, 0, err)
	}
	if _, err := api.Enter(ctx); err != nil {
		return x.ended(ctx, 0, err)
	}
	if err := x.guardDistrict(ctx); err != nil {
		return x.ended(ctx, 0, err)
	}
	if err := x.claim(m); err != nil {
		return x.ended(ctx, 0, err)
	}
	worst := runs.Done
	guarded := func(ctx context.Context) (runs.Outcome, error) {
		x.working = runs.Send
		return x.ended(ctx, runs.Done, x.guardRejected())
	}
	validated := func(ctx context.Context) (runs.Outcome, error) {
		outcome, err := x.Validate(ctx)
		if err != nil {
			return outcome, err
		}
		healed, again, err := x.heal(ctx)
		if err != nil {
			return x.ended(ctx, healed, err)
		}
		if again {
			outcome = healed
		}
		return outcome, nil
	}
	for _, stage := range []func(context.Context) (runs.Outcome, error){x.Transform, validated, guarded, x.Send} {
		outcome, err := stage(ctx)
		if err != nil {
			return outcome, err
		}
		worst = max(worst, outcome)
	}
	return worst, nil
}
