// Package pipeline owns the life cycle of the stages of one run: who may work in the run directory,
// what is logged, and what manifest, report and summaries say of a stage.
//
//	New ─► Create or Open ─► Transform ─► Validate ─► Send ─► Close
//	       takes the lock    └──────────────┬──────────────┘  gives it back
//	       of the run                       │
//	                   each stage: begin in the manifest ─► the stage's own work ─► counts and
//	                   outcome in the manifest ─► report.json, report.html ─► summaries/
//
// The stages do the work and know nothing of each other. An Execution is one run at work; several may
// go on side by side in one process, since all they share is a Workplace, which does not change: what
// commands look up under one sluice.yaml (bundles, data standards, targets), and Doctor.
// The package prints nothing: an Observer is told what goes on.
package pipeline

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"runtime"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/report"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/target"
	"github.com/sluice-edfi/sluice/pkg/tenant"
)

// Workplace is what all executions under one sluice.yaml have in common. It does not change.
type Workplace struct {
	Config    *tenant.Config
	Bundles   fs.FS // the embedded bundles
	Schemas   fs.FS // the embedded data standards
	Tool      string
	UserAgent string
	Workers   int          // 0: one per core
	Strict    bool         // a stage with warnings ends partly
	Stdin     io.Reader    // the input "-"
	Log       slog.Handler // beside the run's log.jsonl; nil: that alone
	Observer  Observer
	Command   func(words ...string) string // how advice writes a command of sluice; nil: diag.ShellCommand
	Next      func(*runs.Run) *runs.Next   // the command that goes on with a run; nil: none
}

func (w *Workplace) command(words ...string) string {
	if w.Command == nil {
		return diag.ShellCommand(words...)
	}
	return w.Command(words...)
}

// Library is where bundles are looked up.
func (w *Workplace) Library() bundle.Library {
	return bundle.Library{Folders: w.Config.Bundles, Embedded: w.Bundles}
}

// Bundle finds and loads a bundle that can be used.
func (w *Workplace) Bundle(ref string) (*bundle.Bundle, error) {
	b, problems, err := w.Library().Open(ref)
	if err != nil {
		return nil, err
	}
	if problems.Blocks() {
		return nil, w.Unusable(ref, problems)
	}
	return b, nil
}

// Unusable is the error of a bundle with such problems.
func (w *Workplace) Unusable(ref string, problems diag.List) error {
	return bundle.Unusable(ref, problems, w.command("bundle", "lint", ref))
}

func (w *Workplace) workers() int {
	if w.Workers > 0 {
		return w.Workers
	}
	return runtime.GOMAXPROCS(0)
}

// stateFile is the path of a file that is kept for a tenant.
func (w *Workplace) stateFile(t *tenant.Tenant, name string) string {
	return filepath.Join(w.Config.StateFolder(t.Name), name)
}

// Loaded names the resources that the runs of a tenant have loaded, or tried to.
func (w *Workplace) Loaded(tenant string) ([]string, error) {
	all, err := runs.List(w.Config.Runs, tenant)
	var names []string
	for _, r := range all {
		if r.Stages[runs.Send] != nil {
			staged, failed := r.StagedResources()
			names, err = append(names, staged...), errors.Join(err, failed)
		}
	}
	return names, err
}

// Observer is told what goes on. Each function may be nil; they are called by the goroutine that runs
// the stage, but Wait and Note, which others call too.
type Observer struct {
	Note  func(text string)                                      // a line for the person who waits
	Wait  func(target.Wait)                                      // nil: waits are logged instead
	Begin func(stage string)                                     // before anything of the stage is done
	Watch func(stage string, read func() Progress) (stop func()) // while the stage works; read at any time
	End   func(rep *report.Report, stage *report.Stage)          // when it has counted, whatever stopped it
	Path  func(path string) string                               // how a path is shown; nil: as it is
}

// Progress is how far a stage is.
type Progress struct {
	Doing       string // what it does with them, as "reading"
	Done, Total int64  // Total is 0 while it is not known
	Bytes       bool   // they are bytes, else records
	Also        int64  // what else was counted
	Of          string // what that is, as "rows mapped"
}

func (o Observer) note(format string, args ...any) {
	if o.Note != nil {
		o.Note(fmt.Sprintf(format, args...))
	}
}

func (o Observer) watch(stage string, read func() Progress) (stop func()) {
	if o.Watch == nil {
		return func() {}
	}
	return o.Watch(stage, read)
}

func (o Observer) path(path string) string {
	if o.Path == nil {
		return path
	}
	return o.Path(path)
}
