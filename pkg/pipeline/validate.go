package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/sluice-edfi/sluice/pkg/catalog"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/tenant"
	"github.com/sluice-edfi/sluice/pkg/validate"
)

// Validate judges what is staged as the tenant's target would.
func (x *Execution) Validate(ctx context.Context) (runs.Outcome, error) {
	return x.judge(ctx, false)
}

// ValidateOffline judges what is staged by what the target said last, or else by the embedded data standard; its pass opens nothing.
func (x *Execution) ValidateOffline(ctx context.Context) (runs.Outcome, error) {
	return x.judge(ctx, true)
}

func (x *Execution) judge(ctx context.Context, offline bool) (runs.Outcome, error) {
	outcome, err := x.validate(ctx, offline)
	if err == nil {
		if err = x.withheld; err == nil {
			err = x.guardWhole()
		}
	}
	return x.ended(ctx, outcome, err)
}

// ShowPlan tells how Validate would look up at the target what is staged, and what that costs. It asks for
// counts only, and leaves the run as it is.
func (x *Execution) ShowPlan(ctx context.Context) (*catalog.Plan, error) {
	o, err := x.judging()
	if err != nil {
		return nil, err
	}
	api, err := x.Connect(ctx)
	if err != nil {
		return nil, err
	}
	o.Client, o.Catalog = api.Client, x.Catalog
	if o.Ledger, err = x.readLedger(api.Identity); err != nil {
		return nil, err
	}
	if o.Ledger != nil {
		defer o.Ledger.Close()
	}
	return validate.Plan(ctx, o)
}

// judging is how the run is judged, offline. A run that cannot be is refused.
func (x *Execution) judging() (o validate.Options, err error) {
	r := x.run
	if err := x.mayJudge(r); err != nil {
		return o, err
	}
	o = validate.Options{Run: r, Embedded: schema.Versions(x.place.Schemas), Workers: x.place.workers(), Now: time.Now, Logger: x.logger,
		AcceptNew: x.AcceptNew, Command: x.place.command}
	o.Standard, err = x.place.Standard(r.DataStandard) // online too: of others this sluice knows nothing
	return o, err
}

// mayJudge refuses a run that has nothing to judge, or is another tenant's.
func (x *Execution) mayJudge(r *runs.Run) error {
	t := x.tenant
	if !r.Finished(runs.Transform) {
		return diag.Fail(diag.Usage, diag.ConfigRun, "Run transform again.",
			"the transform of %s did not finish; there is nothing to validate", r.Path)
	}
	if t != nil && r.Tenant != t.Name {
		of := "tenant " + r.Tenant
		if r.Tenant == "" {
			of = "no tenant"
		}
		again := "Transform the file with --tenant " + t.Name + "."
		if r.Records != "" {
			again = "Run `" + x.place.command("validate", r.Records, "--tenant", t.Name) + "`."
		}
		return diag.Fail(diag.Usage, diag.ConfigTenant, again,
			"the run in %s was made for %s, not for %s", r.Path, of, t.Name)
	}
	return nil
}

// recall has an offline judgement use what the tenant's target said when it was last asked, if that is known, and
// says which it is and how old.
func (x *Execution) recall(o *validate.Options) {
	o.Against = "the embedded Data Standard " + o.Standard.Version
	if t := x.tenant; t != nil && t.API != nil {
		kept, ok := catalog.Remember(x.place.stateFile(t, "cache"), x.settings(), time.Now, x.logger)
		if ok && schema.SameMajor(o.Standard.Version, kept.Standard.Version) {
			o.Standard, o.EmbeddedDescriptors = kept.Standard, append(o.EmbeddedDescriptors, kept.Values...)
			o.Against = fmt.Sprintf("what the target said %s (Data Standard %s)", ago(time.Since(kept.At)), kept.Standard.Version)
		}
	}
	x.place.Observer.note("offline: judged by %s", o.Against)
}

// ago is how long ago something was.
func ago(age time.Duration) string {
	switch {
	case age < time.Minute:
		return "just now"
	case age < 2*time.Hour:
		return diag.Counted(int(age.Minutes()), "minute", "minutes") + " ago"
	case age < 48*time.Hour:
		return diag.Counted(int(age.Hours()), "hour", "hours") + " ago"
	}
	return diag.Counted(int(age.Hours()/24), "day", "days") + " ago"
}

// settings is a text of how the tenant's target is reached, by which what is kept of it is found again. It holds no
// secret.
func (x *Execution) settings() string {
	a := x.tenant.API
	if a == nil {
		return tenant.Sandbox
	}
	sum := sha256.Sum256(fmt.Append(nil, a.BaseURL, "\n", a.DataURL, "\n", a.OAuthURL, "\n", a.MetadataURL, "\n", a.DependenciesURL, "\n", a.SchoolYear, "\n", a.Instance, "\n", a.Environment))
	return hex.EncodeToString(sum[:])
}

func (x *Execution) validate(ctx context.Context, offline bool) (runs.Outcome, error) {
	x.working = runs.Validate
	r := x.run
	o, err := x.judging()
	if err != nil {
		return 0, err
	}
	o.Modelling = true
	if o.Rules, err = x.rulesOfRun(o.Standard); err != nil {
		return 0, err
	}
	if o.Rules != nil {
		if o.LastTotals, err = x.lastTotals(); err != nil {
			return 0, err
		}
	}
	if offline {
		if o.EmbeddedDescriptors, err = schema.StandardDescriptors(x.place.Schemas, r.DataStandard); err != nil {
			return 0, err
		}
		x.recall(&o)
	}
	if err := x.enrolments(&o); err != nil {
		return 0, err
	}
	return x.stage(ctx, runs.Validate, func(ctx context.Context) (runs.Counts, error) {
		if !offline {
			api, err := x.Connect(ctx)
			if err != nil {
				return nil, err
			}
			if err := x.guardDistrict(ctx); err != nil {
				return nil, err
			}
			o.Client, o.Catalog, o.Target = api.Client, x.Catalog, api.describe()
			if o.Ledger, err = x.readLedger(api.Identity); err != nil {
				return nil, err
			}
			if o.Ledger != nil {
				defer o.Ledger.Close()
			}
		}
		p := &validate.Progress{}
		o.Progress = p
		defer x.place.Observer.watch(runs.Validate, func() Progress {
			return Progress{"checking", p.BytesRead.Load(), p.BytesTotal.Load(), true, p.Records.Load(), "records checked"}
		})()
		result, err := validate.Run(ctx, o)
		if result == nil {
			return nil, err
		}
		r.Verdicts, r.Pass, r.Totals = result.Verdicts, result.Pass, result.Totals
		x.withheld = result.Withheld
		if rows, records := x.leftBehind(result.Counts); x.AllOrNothing && rows+records > 0 {
			r.Pass = nil
		}
		if result.Target != nil {
			r.Target = result.Target
		}
		return result.Counts, err
	})
}

// enrolments compares the students with their enrollments, if the tenant has a roster that knows some.
func (x *Execution) enrolments(o *validate.Options) error {
	if x.tenant == nil {
		return nil
	}
	if _, err := os.Stat(x.place.RosterFile(x.tenant.Name)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	index, err := x.openRoster()
	if err != nil {
		return err
	}
	if o.Students = index; index.About().Enrollments == 0 {
		o.Students, o.NoEnrollments = nil, true
	}
	return nil
}
