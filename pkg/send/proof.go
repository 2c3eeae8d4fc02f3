package send

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/sluice-edfi/sluice/pkg/catalog"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// sampleSize is how many records are looked for at the target, beside the newest of each resource. If the target lost a quarter of its records, the sample shows it with a probability of 99 %.
const sampleSize = 16

// prove makes sure that the target is the one that the ledger and the pass speak of: same major
// data standard, change versions that did not run backwards, and a sample of the ledger's records
// still there. Without that, "unchanged" would be a guess.
func (l *loader) prove(ctx context.Context) (ledger.Facts, error) {
	known, err := l.to.Ledger.Facts(ctx)
	if err != nil {
		return known, err
	}
	facts, err := factsOf(ctx, l.to.Client, l.to.ClientID)
	if err != nil {
		return facts, err
	}
	if !schema.SameMajor(known.DataStandard, facts.DataStandard) && known.DataStandard != "" && facts.DataStandard != "" {
		return facts, diag.Fail(diag.Guarded, diag.GuardTargetChanged, "check the target, then run `"+l.to.Command("target", "accept", "--tenant", l.to.Tenant)+"`",
			"the target has data standard %s now; it had %s when it was last loaded", facts.DataStandard, known.DataStandard)
	}
	if p := l.run.Pass; p.DataStandard != facts.DataStandard && p.DataStandard != "" && facts.DataStandard != "" {
		return facts, diag.Fail(diag.Guarded, diag.GuardOldPass, l.validateAgain(),
			"the run was validated against data standard %s; the target has %s now", p.DataStandard, facts.DataStandard)
	}
	rebuild := "run `" + l.to.Command("ledger", "rebuild", "--tenant", l.to.Tenant) + "`: it reads from the target what it holds"
	if facts.ChangeVersion != 0 && facts.ChangeVersion < known.ChangeVersion {
		return facts, diag.Fail(diag.Guarded, diag.GuardLedger, rebuild,
			"the target was restored or replaced: its newest change version is %d, it was %d before", facts.ChangeVersion, known.ChangeVersion)
	}
	if err := l.findChanges(ctx, known, facts); err != nil {
		return facts, err
	}
	missing, asked, err := l.readBack(ctx)
	if err != nil {
		return facts, err
	}
	if missing > 0 {
		return facts, diag.Fail(diag.Guarded, diag.GuardLedger, rebuild,
			"the target was emptied, restored or replaced: of %d records that it took before, %d are not there any more", asked, missing)
	}
	if known.DataStandard != "" && (known.ClientID != facts.ClientID || known.APIVersion != facts.APIVersion || known.DataStandard != facts.DataStandard) {
		l.to.Logger.Info("the target or its credential changed since the last load", "credential_changed", known.ClientID != facts.ClientID,
			"api_version", facts.APIVersion, "api_version_before", known.APIVersion, "data_standard", facts.DataStandard, "data_standard_before", known.DataStandard)
	}
	if facts.ChangeVersion == 0 {
		facts.ChangeVersion = known.ChangeVersion // change queries were switched off, not back
	}
	if l.options.DryRun {
		return facts, nil
	}
	return facts, l.to.Ledger.SetFacts(ctx, facts)
}

// readBack looks for a sample of the ledger's records at the target.
func (l *loader) readBack(ctx context.Context) (missing, asked int, err error) {
	sample, err := l.to.Ledger.Sample(ctx, l.resources(), sampleSize)
	if err != nil {
		return 0, 0, err
	}
	var mu sync.Mutex // guards the counts
	denied, read := map[string]bool{}, map[string]bool{}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(l.to.Concurrency)
	for _, s := range sample {
		g.Go(func() error {
			there, err := l.isThere(ctx, s)
			mu.Lock()
			defer mu.Unlock()
			asked++
			switch {
			case target.IsKind(err, target.Forbidden):
				asked--
				denied[s.Resource] = true
				return nil
			case err != nil:
				return target.Explain(err, "the target could not be asked for what it holds")
			case !there && l.changes.records[s.Key] == nil:
				missing++
			}
			read[s.Resource] = true
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return 0, 0, err
	}
	for name := range denied {
		if !read[name] && !l.unproven[name] {
			l.unproven[name] = true
			l.to.Logger.Warn("the credential may not read the resource, so the ledger cannot be proven: every record is sent", "resource", name)
		}
	}
	return missing, asked, nil
}

// isThere reports whether the target still has a record under the id that it gave it, and with the
// same natural key.
func (l *loader) isThere(ctx context.Context, s ledger.Sampled) (bool, error) {
	known, ok := l.to.Standard.Resource(s.Resource)
	if !ok {
		return true, nil // a resource of another data standard; nothing of this run depends on it
	}
	got, err := l.to.Client.GetByID(ctx, known.Endpoint(), s.ID)
	switch {
	case target.IsKind(err, target.NotFound):
		return false, nil
	case err != nil:
		return false, err
	}
	checker, _ := l.to.Standard.Checker(s.Resource)
	var rec schema.Record
	checker.Check(got.Body, &rec)
	return rec.Key.OK && rec.Key.Hash == s.Key, nil
}

// factsOf asks the target what it is.
func factsOf(ctx context.Context, client Client, clientID string) (ledger.Facts, error) {
	about, err := client.Discover(ctx)
	if err != nil {
		return ledger.Facts{}, target.Explain(err, "the target could not be asked what it is")
	}
	facts := ledger.Facts{ClientID: clientID, APIVersion: about.Version, DataStandard: about.Standard()}
	facts.ChangeVersion, err = catalog.NewestChange(ctx, client)
	return facts, err
}

// remember records what the next load should know of this one that went through: how far the ledger
// knows the target, and whose results came from here. A failure is only logged: the next load has more to ask.
func (l *loader) remember(ctx context.Context, facts ledger.Facts) {
	err := l.noteLoaded(ctx)
	if l.changes.newest != 0 && err == nil {
		newest := l.changes.newest
		if l.to.Progress.Sent.Load() > 0 {
			newest, err = catalog.NewestChange(ctx, l.to.Client)
		}
		if err == nil && newest > facts.ChangeVersion {
			facts.ChangeVersion = newest
			err = l.to.Ledger.SetFacts(ctx, facts)
		}
		if err == nil {
			err = l.keepChanges(ctx, newest)
		}
	}
	if err != nil {
		l.to.Logger.Warn("it could not be recorded how far the ledger knows the target", "error", err.Error())
	}
}
