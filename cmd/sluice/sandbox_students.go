package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/pipeline"
	"github.com/sluice-edfi/sluice/pkg/report"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/tenant"
)

func (a *app) newSandboxStudents() *cobra.Command {
	return &cobra.Command{
		Use:   "students RUN",
		Short: "Let the sandbox know the students of a run",
		Long: `The sandbox knows only made-up students, so it refuses results of yours. This
notes the ids of a run's students beside its store; the tenant "sandbox" and
` + "`sluice sandbox`" + ` know them from then on. It says nothing about your own target:
there the students must be enrolled.`,
		Example:           "  sluice sandbox students latest",
		Args:              exactArgs("RUN"),
		ValidArgsFunction: a.completeRuns,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.runSandboxStudents(cmd.Context(), args[0]) },
	}
}

func (a *app) runSandboxStudents(ctx context.Context, name string) error {
	r, err := a.findRun(name)
	if err != nil {
		return err
	}
	place, err := a.workplace()
	if err != nil {
		return err
	}
	ids, err := studentsOf(r)
	if err != nil {
		return pipeline.DiskError(err)
	}
	if len(ids) == 0 {
		return diag.Fail(diag.Usage, diag.ConfigRun, "Name a run whose transform staged results.",
			"no record of %s names a student", shownPath(r.Path))
	}
	if err := durable.MkdirAll(place.Config.StateFolder(tenant.Sandbox)); err != nil {
		return pipeline.DiskError(err)
	}
	added := 0
	err = durable.Edit(ctx, place.SandboxStudents(), func(before []byte) (after []byte, err error) {
		after, added, err = addIDs(before, ids)
		return after, err
	})
	if err != nil {
		return pipeline.DiskError(err)
	}
	a.screen.say("the sandbox knows %s from now on", plural(added, "more student"))
	a.screen.say("next: %s", a.command("validate", shownPath(r.Path), "--tenant", tenant.Sandbox))
	return a.screen.result(map[string]any{"run": r.Path, "added": added})
}

// studentsOf are the ids of the students that the staged records of a run name, in their order.
func studentsOf(r *runs.Run) ([]string, error) {
	resources, err := r.StagedResources()
	if err != nil {
		return nil, err
	}
	var ids []string
	seen := map[string]bool{}
	for _, resource := range resources {
		f, err := os.Open(r.StagedFile(resource))
		if err != nil {
			return nil, err
		}
		records := json.NewDecoder(f)
		for err == nil {
			var record struct {
				Student struct {
					ID string `json:"studentUniqueId"`
				} `json:"studentReference"`
			}
			if err = records.Decode(&record); err == nil && record.Student.ID != "" && !seen[record.Student.ID] {
				seen[record.Student.ID] = true
				ids = append(ids, record.Student.ID)
			}
		}
		if err := errors.Join(f.Close()); err != nil {
			return nil, err
		}
		if !errors.Is(err, io.EOF) {
			return nil, err
		}
	}
	return ids, nil
}

// addIDs adds those ids to a list of students that it does not hold. What is there keeps its order: the
// sandbox numbers students by it.
func addIDs(before []byte, ids []string) (after []byte, added int, err error) {
	rows, err := csv.NewReader(bytes.NewReader(before)).ReadAll()
	if err != nil {
		return nil, 0, err
	}
	known := map[string]bool{}
	for _, row := range rows {
		known[row[0]] = true
	}
	if len(rows) == 0 {
		rows = [][]string{{"studentUniqueId"}}
	}
	for _, id := range ids {
		if !known[id] {
			rows, added = append(rows, []string{id}), added+1
		}
	}
	var out bytes.Buffer
	err = csv.NewWriter(&out).WriteAll(rows)
	return out.Bytes(), added, err
}

// lacksStudents reports whether the sandbox refused results because it does not know their students.
func lacksStudents(r *runs.Run, rep *report.Report) bool {
	return r.Tenant == tenant.Sandbox && slices.ContainsFunc(rep.Problems, func(g report.Group) bool {
		return g.Code == diag.ReferenceMissing && strings.Contains(g.Path, "studentReference")
	})
}
