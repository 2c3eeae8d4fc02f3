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

// workplaceForWriting also says, once, where runs and state go when there is no sluice.yaml.
func (a *app) workplaceForWriting() (*pipeline.Workplace, error) {
	w, err := a.workplace()
	if err == nil && w.Config.File == "" {
		a.screen.note("no sluice.yaml here: runs and state go into %s", w.Config.Folder)
	}
	return w, err
}
