package send

import (
	"context"

	"github.com/sluice-edfi/sluice/pkg/catalog"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// prove makes sure that the target is the one that the ledger and the pass speak of: same major
// data standard, change versions that did not run backwards, and a sample of the ledger's records
// still there as they were. Without that, "unchanged" would be a guess.
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
		accept := "Check the target, then run `" + l.to.Command("target", "accept", "--tenant", l.to.Tenant) + "`."
		return facts, diag.Fail(diag.Guarded, diag.GuardTargetChanged, accept,
			"the target has data standard %s now; it had %s when it was last loaded", facts.DataStandard, known.DataStandard)
	}
	if p := l.run.Pass; p.DataStandard != facts.DataStandard && p.DataStandard != "" && facts.DataStandard != "" {
		return facts, diag.Fail(diag.Guarded, diag.GuardOldPass, l.validateAgain(),
			"the run was validated against data standard %s; the target has %s now", p.DataStandard, facts.DataStandard)
	}
	rebuild := "Run `" + l.to.Command("ledger", "rebuild", "--tenant", l.to.Tenant) + "`, which reads from the target what it holds."
	if facts.ChangeVersion != 0 && facts.ChangeVersion < known.ChangeVersion {
		return facts, diag.Fail(diag.Guarded, diag.GuardLedger, rebuild,
			"the target was emptied, restored or replaced since the last load: its newest change version is %d, and was %d", facts.ChangeVersion, known.ChangeVersion)
	}
	if err := l.findChanges(ctx, known, facts); err != nil {
		return facts, err
	}
	if err := l.checkSample(ctx, rebuild); err != nil {
		return facts, err
	}
	if known.DataStandard != "" && (known.ClientID != facts.ClientID || known.APIVersion != facts.APIVersion || known.DataStandard != facts.DataStandard) {
		l.to.Logger.Info("the target or its credential changed since the last load", "credential_changed", known.ClientID != facts.ClientID,
			"api_version", facts.APIVersion, "api_version_before", known.APIVersion, "data_standard", facts.DataStandard, "data_standard_before", known.DataStandard)
	}
	if facts.ChangeVersion == 0 {
		facts.ChangeVersion = known.ChangeVersion // change queries were switched off, not back
	}
	return facts, nil
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
// knows the target. A failure is only logged: the next load has more to ask.
func (l *loader) remember(ctx context.Context, facts ledger.Facts) {
	err := l.keepSeen(ctx)
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
		l.to.Logger.Warn("how far the ledger knows the target could not be recorded; the next load asks for more", "error", err.Error())
	}
}
