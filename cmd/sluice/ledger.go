package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/pipeline"
	"github.com/sluice-edfi/sluice/pkg/send"
)

func (a *app) newLedgerRebuild() *cobra.Command {
	return &cobra.Command{
		Use:   "rebuild",
		Short: "Read back what the target holds, after it was emptied or restored",
		Long: `Replaces the tenant's ledger with what the target really holds of the resources that the ledger or the
tenant's runs know; if neither knows any, of all. It changes nothing at the target, and nothing in the
ledger unless everything was read. A damaged ledger is set aside as ledger.db.damaged.
What is read back is sent again by the next send, which the target takes as an update.`,
		Example: "  sluice ledger rebuild --tenant gb",
		Args:    exactArgs(),
		PreRunE: a.needTenant,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.runLedgerRebuild(cmd.Context()) },
	}
}

func (a *app) runLedgerRebuild(ctx context.Context) error {
	x, err := a.writing("sluice ledger rebuild", a.Tenant)
	if err != nil {
		return err
	}
	defer a.closing(x)
	return x.AtLedger(ctx, ledger.OpenToRebuild, func(d send.Destination) error {
		others, err := x.Place().Loaded(a.Tenant)
		if err != nil {
			return err
		}
		d.Progress = &send.Progress{}
		stop := a.watch("ledger rebuild", func() pipeline.Progress {
			return pipeline.Progress{Doing: "reading back", Done: d.Progress.Done.Load()}
		})
		counts, err := send.Rebuild(ctx, d, others)
		stop()
		if err == nil {
			err = x.ForgetEvents()
		}
		if err != nil {
			return err
		}
		total := int64(0)
		var rows [][]string
		for _, name := range slices.Sorted(maps.Keys(counts)) {
			total += counts[name]
			if counts[name] > 0 {
				rows = append(rows, []string{name, fmt.Sprint(counts[name])})
			}
		}
		if total == 0 {
			a.screen.say("the target holds no record that the key of tenant %s may read; the next send loads everything", a.Tenant)
		} else {
			a.screen.grid([]string{"resource", "at the target"}, rows)
			if empty := len(counts) - len(rows); empty > 0 {
				a.screen.say("  %s: nothing", diag.Counted(empty, "other resource", "other resources"))
			}
			a.screen.say("the ledger of tenant %s now knows %s; the next send checks them, or sends them again", a.Tenant, plural(int(total), "record"))
		}
		return a.screen.result(map[string]any{"tenant": a.Tenant, "resources": counts, "records": total})
	})
}
