package pipeline

import (
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// Standard loads an embedded data standard.
func (w *Workplace) Standard(version string) (*schema.Standard, error) {
	s, err := schema.Load(w.Schemas, version)
	if err != nil {
		_, advice := schema.Shaping(schema.Versions(w.Schemas), version)
		return nil, diag.Fail(diag.Usage, diag.BundleStandard, advice, "data standard %s is not embedded in this sluice", version)
	}
	return s, nil
}

// Standards loads the data standards to shape and check for: first the one that the tenant asks
// for, or the newest embedded one in the bundle's range; then the others of the range.
func (w *Workplace) Standards(b *bundle.Bundle, wanted string) ([]*schema.Standard, error) {
	fit, err := w.shaping(b)
	if err != nil {
		return nil, err
	}
	if wanted != "" {
		if asked, err := w.covered(b, []string{wanted}); err != nil || len(asked) == 0 {
			_, advice := schema.Shaping(fit, wanted)
			return nil, diag.Fail(diag.Usage, diag.BundleStandard, advice,
				"bundle %s covers data standards %s, the tenant asks for %s", b.Name, b.DataStandard.Value, wanted)
		}
	}
	slices.Reverse(fit)
	if wanted != "" {
		fit = append([]string{wanted}, slices.DeleteFunc(fit, func(v string) bool { return v == wanted })...)
	}
	var all []*schema.Standard
	for _, v := range fit {
		s, err := w.Standard(v)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// Suits makes sure that a target takes what the bundle is shaped for here.
func (w *Workplace) Suits(b *bundle.Bundle, version string) error {
	fit, err := w.shaping(b)
	if err != nil || version == "" {
		return err
	}
	if shaped, advice := schema.Shaping(fit, version); shaped == "" {
		return diag.Fail(diag.Usage, diag.StandardMismatch, advice, "%s; %s", version, advice)
	}
	return nil
}

// shaping are the embedded data standards in the bundle's range, oldest first; there is one.
func (w *Workplace) shaping(b *bundle.Bundle) ([]string, error) {
	fit, err := w.covered(b, schema.Versions(w.Schemas))
	if err == nil && len(fit) == 0 {
		next := "Use a version of the bundle for " + strings.Join(schema.Versions(w.Schemas), " or ") + ", or a release of sluice that has one of its data standards."
		err = diag.Fail(diag.Usage, diag.BundleStandard, next,
			"bundle %s covers data standards %s, and none of them is embedded in this sluice", b.Name, b.DataStandard.Value)
	}
	return fit, err
}

// covered are the versions that lie in the bundle's range of data standards.
func (w *Workplace) covered(b *bundle.Bundle, versions []string) ([]string, error) {
	within, err := semver.NewConstraint(b.DataStandard.Value)
	if err != nil {
		p := diag.At(b.DataStandard.Pos, diag.BundleValue, `Write it as ">=4.0 <6".`, "data_standard %q is not a range of versions", b.DataStandard.Value)
		return nil, w.Unusable(b.Name, diag.List{p})
	}
	var fit []string
	for _, v := range versions {
		if version, err := semver.NewVersion(v); err == nil && within.Check(version) {
			fit = append(fit, v)
		}
	}
	return fit, nil
}

// published are the data standards that Ed-Fi has published for the APIs in use.
var published = []string{"3.3", "4.0", "5.0", "5.1", "5.2", "6.0"}

// NotEmbedded are the published data standards in the bundle's range that are not embedded, so that
// the bundle cannot be checked against them; none if the range cannot be read.
func (w *Workplace) NotEmbedded(b *bundle.Bundle) []string {
	embedded := schema.Versions(w.Schemas)
	others := slices.DeleteFunc(slices.Clone(published), func(v string) bool { return slices.Contains(embedded, v) })
	fit, _ := w.covered(b, others)
	return fit
}
