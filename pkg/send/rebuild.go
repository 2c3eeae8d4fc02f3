package send

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/sluice-edfi/sluice/pkg/catalog"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// Rebuild fills the ledger, which was opened for it, with what the target holds of the resources that
// the former one knows and of others, and says how many records that are. If there is none of either, it
// reads all that the target has. Whether the records are as they were sent is not known then, so the next
// send sends each of them once more, as an update. What the credential may not read is kept in the same
// way. A rebuild that fails leaves the ledger as it was.
func Rebuild(ctx context.Context, d Destination, others []string) (map[string]int64, error) {
	d = d.withDefaults()
	facts, err := factsOf(ctx, d.Client, d.ClientID)
	if err != nil {
		return nil, interruptedOr(ctx, err)
	}
	names := slices.Concat(d.Ledger.FormerResources(), others)
	if len(names) == 0 {
		names = d.Standard.Names()
	}
	slices.Sort(names)
	names = slices.Compact(names)
	counts := map[string]int64{}
	now := d.Now()
	run := ledger.Run{ID: "rebuild " + now.UTC().Format(time.RFC3339Nano)}
	err = d.Ledger.Rebuild(ctx, run, facts, func(add func(ledger.Row) error) error {
		var denied error
		for _, name := range names {
			n, err := d.readResource(ctx, name, now, add)
			if n == 0 && (target.IsKind(err, target.Forbidden, target.NotFound) || errors.Is(err, catalog.ErrNoResource)) {
				d.warn(name, "the resource cannot be read; its records will be sent again")
				denied = err
				err = d.Ledger.FormerRows(ctx, name, add)
			} else if err == nil {
				counts[name] = n
				d.Logger.Info("resource read", "resource", name, "records", n)
			}
			if err != nil {
				return target.Explain(err, "the target's records could not be read; the ledger is as it was")
			}
		}
		if len(counts) == 0 && denied != nil {
			return target.Explain(denied, "the target does not let the credential read anything; the ledger is unchanged")
		}
		return nil
	})
	if err != nil {
		return nil, interruptedOr(ctx, err)
	}
	return counts, nil
}

// readResource adds the records of one resource.
func (d Destination) readResource(ctx context.Context, name string, now time.Time, add func(ledger.Row) error) (n int64, err error) {
	err = catalog.New(d.Client, d.Standard).Each(ctx, name, d.Concurrency, func(rec *schema.Record, text json.RawMessage) error {
		var id struct{ ID string }
		if err := json.Unmarshal(text, &id); err != nil {
			return diag.FailWith(err, diag.CouldNotRun, diag.TargetOdd, "", "the target's %s cannot be read", name)
		}
		n++
		d.Progress.Done.Add(1)
		return add(ledger.Row{Resource: name, Key: rec.Key.Hash, ID: id.ID, Time: now})
	})
	return n, err
}

// Accept records what the target is now, another major data standard included, so that send goes on.
// It returns what was recorded before, and what is now.
func Accept(ctx context.Context, d Destination) (before, now ledger.Facts, err error) {
	if before, err = d.Ledger.Facts(ctx); err != nil {
		return before, now, err
	}
	if now, err = factsOf(ctx, d.Client, d.ClientID); err != nil {
		return before, now, interruptedOr(ctx, err)
	}
	// A change version that ran backwards is not accepted here: that takes a rebuild.
	now.ChangeVersion = max(now.ChangeVersion, before.ChangeVersion)
	return before, now, d.Ledger.SetFacts(ctx, now)
}
