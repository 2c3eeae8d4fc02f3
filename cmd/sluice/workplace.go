package main

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sluice-edfi/sluice/bundles"
	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/mapping"
	"github.com/sluice-edfi/sluice/pkg/pipeline"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/tenant"
	"github.com/sluice-edfi/sluice/schemas"
)

const defaultConfig = "sluice.yaml"

// config finds sluice.yaml, or what holds without one.
func (a *app) config() (*tenant.Config, error) {
	if a.Config != "" {
		return tenant.Load(a.Config)
	}
	if _, err := os.Stat(defaultConfig); !errors.Is(err, fs.ErrNotExist) {
		return tenant.Load(defaultConfig)
	}
	folder, err := os.Getwd()
	if err != nil {
		return nil, diag.FailWith(err, diag.Usage, diag.ConfigFile, "Change into a folder that is there.", "the current folder cannot be used")
	}
	return tenant.Default(folder), nil
}

// workplace is what commands work with: sluice.yaml, what is embedded, and the global flags. Beside an error stands
// what is there without what is wrong with sluice.yaml, for commands that can do so much.
func (a *app) workplace() (*pipeline.Workplace, error) {
	c, err := a.config()
	if c == nil {
		folder, _ := filepath.Abs(filepath.Dir(cmp.Or(a.Config, defaultConfig)))
		c = tenant.Default(folder) // beside it lie runs and state
	}
	return &pipeline.Workplace{Config: c, Bundles: bundles.FS, Schemas: schemas.FS, Tool: toolName(), UserAgent: "sluice/" + version,
		Workers: a.Workers, Strict: a.Strict, Stdin: a.in, Log: a.log, Observer: a.observer(), Command: a.command,
		Next: func(r *runs.Run) *runs.Next { return a.kept(a.withOther(r, a.nextOrAgain(r))) }}, err
}

// openBundle loads a bundle that can be used, with the data standards that it covers.
func (a *app) openBundle(ref string) (*bundle.Bundle, []*schema.Standard, error) {
	place, err := a.workplace()
	if err != nil {
		return nil, nil, err
	}
	b, err := place.Bundle(ref)
	if err != nil {
		return nil, nil, err
	}
	all, err := place.Standards(b)
	return b, all, err
}

// compile compiles a bundle, of which ref is the name, without a file.
func (a *app) compile(ctx context.Context, ref string, config mapping.Config) (*mapping.Program, error) {
	config.Samples = true
	program, problems, err := mapping.Compile(ctx, config)
	if err == nil && problems.Blocks() {
		err = bundle.Unusable(ref, problems, a.command("bundle", "lint", ref))
	}
	return program, err
}

// writing begins an execution that leaves something behind, for a tenant, "" being none; closing ends it.
func (a *app) writing(command, tenant string) (*pipeline.Execution, error) {
	w, err := a.workplace()
	if err != nil {
		return nil, err
	}
	return pipeline.New(w, tenant, command)
}

// closing ends an execution; what it cannot give back the system will.
func (a *app) closing(x *pipeline.Execution) {
	if err := x.Close(); err != nil {
		a.screen.note("the command did not finish cleanly: %s", err)
	}
}
