package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/tenant"
	"github.com/sluice-edfi/sluice/pkg/validate"
	"github.com/sluice-edfi/sluice/schemas"
)

func (a *app) newValidate() *cobra.Command {
	offline := false
	cmd := &cobra.Command{
		Use:   "validate RUN",
		Short: "Would the target take the staged records?",
		Long: `Judges every staged record as the target would: schema, descriptors, natural keys and
references, against the target's own documents and data; or, offline, against the embedded
data standard. Writes a verdict for each record and the pass that send asks for. An offline
pass opens nothing.`,
		Example: `  sluice validate runs/gb/20260501T120000.000Z-nwea-map-growth --tenant gb
  sluice validate r1 --offline`,
		Args:              exactArgs("RUN"),
		ValidArgsFunction: a.completeRuns,
		RunE: func(cmd *cobra.Command, args []string) error {
			r, lock, err := openLocked(args[0], "sluice validate")
			if err != nil {
				return err
			}
			defer lock.Unlock()
			if !offline && a.Tenant == "" {
				return usage("add --tenant NAME, or --offline", "validate asks the target of a tenant, and none is named")
			}
			c, err := a.workplaceForWriting()
			if err != nil {
				return err
			}
			var t *tenant.Tenant
			if a.Tenant != "" {
				if t, err = c.Tenant(a.Tenant); err != nil {
					return err
				}
			}
			status, err := a.validate(cmd.Context(), c, t, r, offline, nil)
			if err != nil {
				return err
			}
			next := ""
			if !offline {
				next = "sluice send " + shownPath(r.Path) + " --tenant " + t.Name
			}
			return a.finish(r, status, next)
		},
	}
	cmd.Flags().BoolVar(&offline, "offline", false, "judge against the embedded data standard; the pass opens nothing")
	return cmd
}

// validate runs the stage on a run that is locked; open may be nil: then the target is opened for it.
func (a *app) validate(ctx context.Context, c *tenant.Config, t *tenant.Tenant, r *runs.Run, offline bool, open *access) (runs.Outcome, error) {
	if !r.Finished(runs.Transform) {
		return 0, diag.Fail(diag.Usage, diag.ConfigRun, "run transform again", "the transform of %s did not end well; there is nothing to judge", r.Path)
	}
	if t != nil && r.Tenant != t.Name {
		of := "tenant " + r.Tenant
		if r.Tenant == "" {
			of = "no tenant"
		}
		return 0, diag.Fail(diag.Usage, diag.ConfigTenant, "transform the file with --tenant "+t.Name, "the run in %s was made for %s, not for %s", r.Path, of, t.Name)
	}
	o, err := a.validateOptions(c, t, r)
	if err != nil {
		return 0, err
	}
	return a.stage(ctx, r, runs.Validate, func(ctx context.Context) (runs.Counts, error) {
		o.Logger = a.log.logger
		if !offline {
			if open == nil {
				if open, err = a.open(ctx, c, t); err != nil {
					return nil, err
				}
				defer open.close()
			}
			o.Client, o.Target = open.client, open.target()
		}
		stop := a.watch("validate", func() sample {
			return sample{o.Progress.BytesRead.Load(), o.Progress.BytesTotal.Load(), fmt.Sprintf("(%d records)", o.Progress.Records.Load())}
		})
		defer stop()
		counts, err := validate.Run(ctx, o)
		if counts == nil {
			return nil, err
		}
		return counts, err
	})
}

// validateOptions are the options that do not depend on the target.
func (a *app) validateOptions(c *tenant.Config, t *tenant.Tenant, r *runs.Run) (validate.Options, error) {
	o := validate.Options{Run: r, Workers: a.workers(), Now: time.Now, Logger: a.log.logger, Progress: &validate.Progress{}}
	if t != nil {
		o.Tenant, o.CacheDir = t.Name, filepath.Join(c.StateFolder(t.Name), "cache")
	}
	version := schemaVersions()[len(schemaVersions())-1]
	if r != nil {
		version = r.DataStandard
	}
	var err error
	if o.Standard, err = standard(version); err != nil {
		return o, err
	}
	o.EmbeddedDescriptors, err = schema.StandardDescriptors(schemas.FS, version)
	return o, err
}
