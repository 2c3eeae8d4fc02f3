package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/source"
	"github.com/sluice-edfi/sluice/pkg/tenant"
	"github.com/sluice-edfi/sluice/pkg/transform"
)

// transformFlags are the flags of transform and run.
type transformFlags struct {
	inputs []string
	params []string
	run    string
}

func (f *transformFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.inputs, "input", "i", nil, "NAME=FILE, an input of the bundle; again for more; FILE may be a pattern, or - for stdin")
	flags.StringArrayVarP(&f.params, "param", "p", nil, "NAME=VALUE, a parameter of the bundle; again for more")
	flags.StringVar(&f.run, "run", "", "the run directory (default: runs/TENANT/TIME-BUNDLE beside sluice.yaml)")
}

func (a *app) newTransform() *cobra.Command {
	var f transformFlags
	cmd := &cobra.Command{
		Use:   "transform BUNDLE --input NAME=FILE …",
		Short: "Vendor files into staged Ed-Fi records",
		Long: `Maps vendor files to Ed-Fi records by a bundle and stages them in a run directory, one
JSON object a line. BUNDLE is a path to a folder (it holds a separator) or name[@version],
looked up in the folders of sluice.yaml and among those in this binary.

Every row is accounted for: read = used + filtered + duplicate + other + unmatched + rejected.
What is wrong is listed with file, line and column in problems/, rejected rows are kept
verbatim in rejects/, values without a mapping in unmapped.csv.`,
		Example: `  sluice transform nwea-map-growth --input results=export.csv --param school_year=2026 --tenant gb
  sluice transform ./bundles/mine -i results='exports/*.csv' --run r1
  zcat export.csv.gz | sluice transform nwea-map-growth -i results=- -p school_year=2026`,
		Args:              exactArgs("BUNDLE"),
		ValidArgsFunction: a.completeBundles,
		RunE: func(cmd *cobra.Command, args []string) error {
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
			p, err := a.prepare(c, t, args[0], f)
			if err != nil {
				return err
			}
			lock, err := p.lock("sluice transform")
			if err != nil {
				return err
			}
			defer lock.Unlock()
			r, status, err := a.transform(cmd.Context(), c, t, p)
			if err != nil {
				return err
			}
			next := "sluice validate " + shownPath(r.Path) + " --offline"
			if t != nil {
				next = "sluice validate " + shownPath(r.Path) + " --tenant " + t.Name
			}
			return a.finish(r, status, next)
		},
	}
	f.add(cmd)
	return cmd
}

// prepared is a transform of which everything is known that can be before a file is read.
type prepared struct {
	program  *transform.Program
	inputs   []source.Input
	path     string // of the run directory, absolute
	manifest runs.Manifest
}

// lock takes the lock of the run directory to be. A folder that is foreign is refused first, so that
// not even a lock is left in it.
func (p *prepared) lock(command string) (*durable.Lock, error) {
	if err := runs.CheckFree(p.path); err != nil {
		return nil, err
	}
	return lockRun(p.path, command)
}

// prepare loads and compiles; it writes nothing. t may be nil.
func (a *app) prepare(c *tenant.Config, t *tenant.Tenant, ref string, f transformFlags) (*prepared, error) {
	b, err := a.openBundle(c, ref)
	if err != nil {
		return nil, err
	}
	params, err := pairs("--param", f.params)
	if err != nil {
		return nil, err
	}
	inputs, err := source.Find(b, f.inputs)
	if err != nil {
		return nil, err
	}
	name, wanted := "", ""
	if t != nil {
		name, wanted = t.Name, t.DataStandard
	}
	all, err := standards(b, wanted)
	if err != nil {
		return nil, err
	}
	config, params, err := transformConfig(b, all, t, params)
	if err != nil {
		return nil, err
	}
	program, problems := transform.Compile(config)
	if problems.Blocks() {
		return nil, bundleProblems(ref, problems)
	}
	for _, p := range problems {
		a.log.logger.Info("bundle warning", "code", p.Code, "at", p.Pos().String())
	}
	now := time.Now()
	path := f.run
	if path == "" {
		path = runs.NewPath(c.Runs, name, b.Name, now)
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	if err := source.CheckOutside(path, inputs); err != nil {
		return nil, err
	}
	student := "the vendor's id as it stands"
	if config.RosterColumn != "" {
		student = "column " + config.RosterColumn
	}
	return &prepared{program, inputs, path, runs.Manifest{Tool: toolName(), Created: now.UTC(), Tenant: name, Student: student, Params: params,
		Bundle: runs.Bundle{Name: b.Name, Version: b.Version, Digest: b.Digest, Origin: b.Origin}, DataStandard: all[0].Version}}, nil
}

// transform runs the stage; the run directory is locked. t may be nil.
func (a *app) transform(ctx context.Context, c *tenant.Config, t *tenant.Tenant, p *prepared) (*runs.Run, runs.Outcome, error) {
	r, err := runs.Create(p.path, p.manifest)
	if err != nil {
		return nil, 0, err
	}
	if err := runs.Remember(c.Runs, r.Path); err != nil {
		return nil, 0, asDiskError(err)
	}
	progress := &transform.Progress{}
	status, err := a.stage(ctx, r, runs.Transform, func(ctx context.Context) (runs.Counts, error) {
		stop := a.watch("transform", func() sample {
			return sample{progress.BytesRead.Load(), progress.BytesTotal.Load(), fmt.Sprintf("(%d rows)", progress.Rows.Load())}
		})
		defer stop()
		files, remove, err := source.Fetch(ctx, p.inputs, r.Path, a.in)
		if err != nil {
			return nil, err
		}
		counts, err := p.program.Run(ctx, transform.RunOptions{Run: r, Inputs: files, Workers: a.workers(), Progress: progress})
		err = errors.Join(err, remove())
		if counts == nil {
			return nil, err
		}
		return counts, err
	})
	if status == exitPartly && t != nil && t.Tables == "" {
		a.screen.note("tenant %s has no tables of its own yet: where unmapped.csv names tenants/%s/, add `tables: tenants/%s/` to the tenant in sluice.yaml", t.Name, t.Name, t.Name)
	}
	return r, status, err
}

// transformConfig joins bundle, tenant and parameters. Parameters of the tenant that the bundle
// does not have are for other bundles; those of the command line win.
func transformConfig(b *bundle.Bundle, all []*schema.Standard, t *tenant.Tenant, given map[string]string) (transform.Config, map[string]string, error) {
	config := transform.Config{Bundle: b, Standards: all, Params: map[string]string{}}
	if t != nil {
		config.Tenant, config.LEACodes, config.RosterColumn = t.Name, t.LEACodes, t.RosterColumn
		for _, p := range b.Params {
			if v, ok := t.Params[p.Name.Value]; ok {
				config.Params[p.Name.Value] = v
			}
		}
		var err error
		if config.Overlay, err = overlay(t, b.Name); err != nil {
			return config, nil, err
		}
	}
	for k, v := range given {
		config.Params[k] = v
	}
	return config, config.Params, nil
}

// overlay is the tenant's tables for a bundle. Where there are none yet it still says where they
// would lie, because unmapped.csv names the file to put a row into.
func overlay(t *tenant.Tenant, name string) (*transform.Overlay, error) {
	if t.Tables == "" {
		return &transform.Overlay{Path: filepath.Join("tenants", t.Name, name)}, nil
	}
	folder := filepath.Join(t.Tables, name)
	info, err := os.Stat(folder)
	if os.IsNotExist(err) {
		return &transform.Overlay{Path: folder}, nil
	}
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "open", Path: folder, Err: errors.New("it is not a folder")}
	}
	if err != nil {
		return nil, diag.FailWith(err, diag.Usage, diag.ConfigFile, "check the folder's rights", "the tenant's tables cannot be read")
	}
	return &transform.Overlay{FS: bundle.Folder(folder), Path: folder}, nil
}

// pairs splits NAME=VALUE.
func pairs(flag string, list []string) (map[string]string, error) {
	out := map[string]string{}
	for _, s := range list {
		name, value, ok := strings.Cut(s, "=")
		if !ok || name == "" {
			return nil, usage("write "+flag+" name=value", "%s %q has no name and value", flag, s)
		}
		if _, twice := out[name]; twice {
			return nil, usage("give it once", "%s %s is given twice", flag, name)
		}
		out[name] = value
	}
	return out, nil
}
