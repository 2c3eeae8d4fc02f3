package send

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// RebuildOptions says which ledger is rebuilt from which target.
type RebuildOptions struct {
	Client      Target
	ClientID    string
	Ledger      *ledger.Ledger
	Standard    *schema.Standard
	Resources   []string         // read in addition to those that the ledger knows
	Concurrency int              // pages under way at a time; 0: 8
	Now         func() time.Time // nil: time.Now
	Logger      *slog.Logger     // nil: nothing is logged
	Progress    *Progress        // Done counts the records read; nil: nobody watches
}

// Rebuilt says what a rebuilt ledger holds.
type Rebuilt struct {
	Records map[string]int64 `json:"records"`          // by resource
	Unread  []string         `json:"unread,omitempty"` // the credential may not read them, or the target has none: their records are sent again
}

// Rebuild replaces the ledger by what the target holds, read back from it. What the records say is
// not known then, so the next send sends each of them once more, as an update. A rebuild that fails
// leaves the ledger as it was.
func Rebuild(ctx context.Context, o RebuildOptions) (*Rebuilt, error) {
	d := Options{Concurrency: o.Concurrency, Now: o.Now, Logger: o.Logger, Progress: o.Progress}.withDefaults()
	facts, err := factsOf(ctx, o.Client, o.ClientID)
	if err != nil {
		return nil, interruptedOr(ctx, err)
	}
	names, err := o.Ledger.Resources(ctx)
	if err != nil {
		return nil, err
	}
	names = append(names, o.Resources...)
	slices.Sort(names)
	names = slices.Compact(names)

	out := &Rebuilt{Records: map[string]int64{}}
	now := d.Now()
	err = o.Ledger.Rebuild(ctx, ledger.Run{ID: "rebuild " + now.UTC().Format(time.RFC3339Nano)}, facts, func(add func(ledger.Row) error) error {
		for _, name := range names {
			checker, ok := o.Standard.Checker(name)
			if !ok {
				out.Unread = append(out.Unread, name)
				continue
			}
			n, err := readResource(ctx, o, d, checker, name, now, add)
			if target.IsKind(err, target.Forbidden, target.NotFound) && n == 0 {
				out.Unread = append(out.Unread, name)
				d.Logger.Warn("the resource cannot be read; its records will be sent again", "resource", name)
				continue
			}
			if err != nil {
				return brokenOff(err, "the target's records could not be read; the ledger is as it was")
			}
			out.Records[name] = n
			d.Logger.Info("resource read", "resource", name, "records", n)
		}
		return nil
	})
	if err != nil {
		return nil, interruptedOr(ctx, err)
	}
	return out, nil
}

// readResource adds the records of one resource.
func readResource(ctx context.Context, o RebuildOptions, d Options, checker *schema.Checker, name string, now time.Time, add func(ledger.Row) error) (n int64, err error) {
	var rec schema.Record
	err = o.Client.PagesParallel(ctx, endpoint(o.Standard, name), nil, target.MaxPage, d.Concurrency, func(items []json.RawMessage) error {
		for _, item := range items {
			var id struct{ ID string }
			if err := json.Unmarshal(item, &id); err != nil {
				return diag.FailWith(err, diag.CouldNotRun, diag.TargetOdd, "", "the target's %s cannot be read", name)
			}
			checker.Check(item, &rec)
			if !rec.Key.OK {
				continue // nothing that we could send has such a key
			}
			if err := add(ledger.Row{Resource: name, Key: rec.Key.Hash, ID: id.ID, Time: now}); err != nil {
				return err
			}
			n++
			d.Progress.Done.Add(1)
		}
		return nil
	})
	return n, err
}

// AcceptTarget records what the target is now, another major data standard included, so that send
// goes on. It returns what was recorded before, and what is now.
func AcceptTarget(ctx context.Context, client Target, clientID string, l *ledger.Ledger) (before, now ledger.Facts, err error) {
	if before, err = l.Facts(ctx); err != nil {
		return before, now, err
	}
	if now, err = factsOf(ctx, client, clientID); err != nil {
		return before, now, interruptedOr(ctx, err)
	}
	// A change version that ran backwards is not accepted here: that takes a rebuild.
	now.ChangeVersion = max(now.ChangeVersion, before.ChangeVersion)
	return before, now, l.SetFacts(ctx, now)
}
