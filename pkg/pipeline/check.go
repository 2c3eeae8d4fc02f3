package pipeline

import (
	"context"
	"fmt"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/catalog"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/validate"
)

// enterTarget asks the tenant's target what it is and what the credential may do, once for all stages.
func (x *Execution) enterTarget(ctx context.Context) (*catalog.Access, error) {
	if x.access != nil {
		return x.access, nil
	}
	api, err := x.Connect(ctx)
	if err != nil {
		return nil, err
	}
	x.access, err = catalog.Enter(ctx, api.Client, api.ClientID)
	return x.access, err
}

// CheckTarget says what the tenant's target is, what the credential may do there, and whether it is the tenant's
// own district. It reads no documents and writes nothing.
func (x *Execution) CheckTarget(ctx context.Context) ([]catalog.Finding, error) {
	access, err := x.enterTarget(ctx)
	if err != nil {
		return nil, err
	}
	found, err := access.Target(ctx)
	if err != nil {
		return nil, err
	}
	district, err := access.District(ctx, x.tenant.LEACodes)
	found = append([]catalog.Finding{catalog.Fact("address", "%s", x.target.Identity.BaseURL)}, found...)
	return append(append(found, access.Credential()...), district), err
}

// guardDistrict refuses a target that is surely another district's, once for all stages.
func (x *Execution) guardDistrict(ctx context.Context) error {
	if x.ownDistrict || len(x.tenant.LEACodes) == 0 {
		return nil
	}
	access, err := x.enterTarget(ctx)
	if err != nil {
		return err
	}
	f, err := access.District(ctx, x.tenant.LEACodes)
	if err != nil {
		return err
	}
	x.ownDistrict = true
	switch {
	case f.OK || f.Code == "":
	case f.Unknown:
		x.place.Observer.note("warning [%s]: %s", f.Code, f.Says)
		x.logger.Warn("the target may be another district's", "tenant", x.tenant.Name)
	default:
		x.ownDistrict = false
		return diag.Fail(diag.Guarded, f.Code, f.Fix, "%s", f.Says)
	}
	return nil
}

// CheckBundle compares the tenant's target with what a bundle needs, by the rules of transform and validate.
func (x *Execution) CheckBundle(ctx context.Context, ref string) ([]catalog.Finding, error) {
	b, err := x.place.Bundle(ref)
	if err != nil {
		return nil, err
	}
	offered, err := x.Catalog(ctx) // first: what the target has decides what is shaped
	if err != nil {
		return nil, err
	}
	standard, _, err := x.standard(b)
	if err != nil {
		return []catalog.Finding{badFit(err)}, nil
	}
	if err := x.fits(offered, standard.Version); err != nil {
		return []catalog.Finding{badFit(err)}, nil
	}
	needs, err := x.needsOfBundle(ctx, ref, b, standard, offered.Standard())
	if err != nil {
		return []catalog.Finding{badFit(err)}, nil
	}
	found, err := offered.Fits(ctx, needs)
	return append([]catalog.Finding{catalog.Fact("shaped for", "Data Standard %s", standard.Version)}, found...), err
}

// needsOfBundle is what is known of a bundle's records before there are rows.
func (x *Execution) needsOfBundle(ctx context.Context, ref string, b *bundle.Bundle, shaped, there *schema.Standard) (*catalog.Needs, error) {
	config, err := x.place.transformConfig(b, shaped, x.tenant, nil)
	if err != nil {
		return nil, err
	}
	config.Samples = true
	program, err := x.compile(ctx, config, ref)
	if err != nil {
		return nil, err
	}
	needs := &catalog.Needs{Resources: program.Resources()}
	for _, d := range b.Descriptors.Vendor {
		needs.Own = append(needs.Own, d.Type.Value)
	}
	for _, record := range program.TableRecords() {
		needs.See(there, program.Resources()[record.Resource], record.Text)
	}
	return needs, nil
}

// CheckRun compares the tenant's target with what a run has staged, by the rules of validate.
func (x *Execution) CheckRun(ctx context.Context, name string) ([]catalog.Finding, error) {
	r, err := runs.Find(x.place.Config.Runs, x.tenant.Name, name)
	if err != nil {
		return nil, err
	}
	if err := x.mayJudge(r); err != nil {
		return nil, err
	}
	if _, err := x.place.Standard(r.DataStandard); err != nil {
		return nil, err
	}
	offered, err := x.Catalog(ctx)
	if err != nil {
		return nil, err
	}
	if err := x.fits(offered, r.DataStandard); err != nil {
		return []catalog.Finding{badFit(err)}, nil
	}
	needs := &catalog.Needs{Whole: true}
	if needs.Resources, err = r.StagedResources(); err != nil {
		return nil, err
	}
	for _, resource := range needs.Resources {
		err := jsonl.Each(r.StagedFile(resource), func(l jsonl.Line) error {
			needs.See(offered.Standard(), resource, l.Text)
			return ctx.Err()
		})
		if err != nil {
			return nil, fmt.Errorf("read the staged %s: %w", resource, err)
		}
	}
	found, err := offered.Fits(ctx, needs)
	return append([]catalog.Finding{catalog.Fact("shaped for", "Data Standard %s", r.DataStandard)}, found...), err
}

// fits refuses what was shaped for another major data standard than the target's, as validate does.
func (x *Execution) fits(offered *catalog.Catalog, shaped string) error {
	return validate.Fits(shaped, offered.Access().About.Standard(), schema.Versions(x.place.Schemas), true)
}

// badFit is the finding that an error is.
func badFit(err error) catalog.Finding {
	c := failed("shaped for", err)
	c.Fix = c.Next
	return c.Finding
}
