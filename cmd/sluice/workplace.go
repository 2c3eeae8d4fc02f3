package main

import (
	"errors"
	"io/fs"
	"os"

	"github.com/sluice-edfi/sluice/bundles"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/pipeline"
	"github.com/sluice-edfi/sluice/pkg/tenant"
	"github.com/sluice-edfi/sluice/schemas"
)

const defaultConfig = "sluice.yaml"

// config finds sluice.yaml, or what holds without one.
func (a *app) config() (*tenant.Config, error) {
	if a.Config != "" {
		return tenant.Load(a.Config)
	}
	if _, err := os.Stat(defaultConfig); err == nil {
		return tenant.Load(defaultConfig)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, diag.FailWith(err, diag.Usage, diag.ConfigFile, "check its rights, or name another with --config",
			"sluice.yaml cannot be read")
	}
	folder, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	return tenant.Default(folder), nil
}

// workplace is what commands work with: sluice.yaml, what is embedded, and the global flags.
func (a *app) workplace() (*pipeline.Workplace, error) {
	c, err := a.config()
	if err != nil {
		return nil, err
	}
	return &pipeline.Workplace{Config: c, Bundles: bundles.FS, Schemas: schemas.FS, Tool: toolName(), UserAgent: userAgent(),
		Workers: a.Workers, Strict: a.Strict, Stdin: a.in, Log: a.log, Observer: a.observer()}, nil
}

// reading begins an execution that leaves nothing behind, for a tenant, "" being none; closing ends it.
func (a *app) reading(command, tenant string) (*pipeline.Execution, error) {
	w, err := a.workplace()
	if err != nil {
		return nil, err
	}
	return begin(w, command, tenant)
}

// writing begins an execution that leaves something behind: where there is no sluice.yaml it says where.
func (a *app) writing(command, tenant string) (*pipeline.Execution, error) {
	w, err := a.workplace()
	if err != nil {
		return nil, err
	}
	if w.Config.File == "" {
		a.screen.note("no sluice.yaml here: runs and state go into %s", w.Config.Folder)
	}
	return begin(w, command, tenant)
}

func begin(w *pipeline.Workplace, command, name string) (*pipeline.Execution, error) {
	if name == "" {
		return pipeline.New(w, nil, command), nil
	}
	t, err := w.Config.Tenant(name)
	if err != nil {
		return nil, err
	}
	return pipeline.New(w, t, command), nil
}

// closing ends an execution; what it cannot give back the system will.
func (a *app) closing(x *pipeline.Execution) {
	if err := x.Close(); err != nil {
		a.logger.Warn("the run did not end well", "error", err)
	}
}
