package pipeline

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/intake"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/source"
)

// Records is a run to be made of records that another tool wrote.
type Records struct {
	Folder  string // one file or more for each resource
	Run     string // the run directory; empty: runs/<tenant>/<time>-records beside sluice.yaml
	Offline bool   // the target is not asked
}

// TakeIn makes a run of such records, which stands where a transform would have left it.
func (x *Execution) TakeIn(ctx context.Context, q Records) (runs.Outcome, error) {
	outcome, err := x.takeIn(ctx, q)
	return x.ended(ctx, outcome, err)
}

func (x *Execution) takeIn(ctx context.Context, q Records) (runs.Outcome, error) {
	version, why, err := x.standardOfRecords(ctx, q.Offline)
	if err != nil {
		return 0, err
	}
	standard, err := x.place.Standard(version)
	if err != nil {
		return 0, err
	}
	found, err := intake.Find(q.Folder, standard.Names())
	if err != nil {
		return 0, err
	}
	var inputs []source.Input
	for _, f := range found.Files {
		inputs = append(inputs, source.Input{Name: f.Resource, Paths: []string{f.Path}})
	}
	now := time.Now()
	if err := x.checkRulesOfRecords(found, standard, now); err != nil {
		return 0, err
	}
	path, err := x.runPath(Request{Run: q.Run}, runs.OfRecords, inputs, now)
	if err != nil {
		return 0, err
	}
	if err := runs.CheckFree(path); err != nil {
		return 0, err
	}
	if err := x.lockRun(path); err != nil {
		return 0, err
	}
	folder, err := os.Getwd()
	if err != nil {
		return 0, err
	}
	origin, err := filepath.Abs(q.Folder)
	if err != nil {
		return 0, err
	}
	m := runs.Manifest{Tool: x.place.Tool, Created: now.UTC(), Params: map[string]string{}, Folder: folder, Records: origin,
		Bundle: runs.Bundle{Name: runs.OfRecords, Origin: origin}, DataStandard: version, StandardFrom: why}
	if x.tenant != nil {
		m.Tenant = x.tenant.Name
	}
	if x.run, err = runs.Create(path, m); err != nil {
		return 0, err
	}
	x.working = runs.Transform
	if err := runs.Remember(x.place.Config.Runs, path); err != nil {
		return 0, DiskError(err)
	}
	return x.stage(ctx, runs.Transform, func(ctx context.Context) (runs.Counts, error) {
		p := &intake.Progress{}
		defer x.place.Observer.watch(runs.Transform, func() Progress {
			return Progress{"reading", p.Bytes.Load(), found.Bytes, true, p.Records.Load(), "records staged"}
		})()
		counts, err := intake.Stage(ctx, x.run, found, p)
		if counts == nil {
			return nil, err
		}
		return counts, err
	})
}

// standardOfRecords is the data standard that records of another tool are taken to be shaped for: the tenant's
// setting, else what the target has, or had when it was last asked, else the newest of the usual major version.
func (x *Execution) standardOfRecords(ctx context.Context, offline bool) (version, why string, err error) {
	switch t := x.tenant; {
	case t == nil:
	case t.DataStandard != "":
		return t.DataStandard, "data_standard of the tenant", nil
	case !offline:
		api, err := x.Connect(ctx)
		if err != nil {
			return "", "", err
		}
		about, err := api.Enter(ctx)
		if err != nil {
			return "", "", err
		}
		version, why = about.Standard(), "the target has it"
	case t.API == nil:
		version, why = sandboxStandard(x.place.SandboxFolder()), "the sandbox has it"
	default:
		if version, err = x.lastStandard(); err != nil {
			return "", "", err
		}
		why = "the target had it when it was last asked"
	}
	embedded := schema.Versions(x.place.Schemas)
	if version == "" {
		all, err := x.place.Standards(&bundle.Bundle{Name: runs.OfRecords, DataStandard: bundle.Text{Value: ">=0"}})
		if err != nil {
			return "", "", err
		}
		return all[0].Version, "no target was asked; it is the newest 5.x", nil
	}
	shaped, advice := schema.Shaping(embedded, version)
	if shaped == "" {
		return "", "", diag.Fail(diag.Usage, diag.StandardMismatch, advice, "the target has data standard %s, which this sluice does not know", version)
	}
	return shaped, why, nil
}
