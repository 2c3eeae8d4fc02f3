package pipeline

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/Masterminds/semver/v3"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/lint"
	"github.com/sluice-edfi/sluice/pkg/mapping"
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

// usual is a data standard of the major version that most targets have.
const usual = "5.0"

// Standards loads the embedded data standards in a bundle's range: first the one that is shaped for where
// nothing is known of a target, which is the newest of the usual major version or else of all; then the
// others, newest first.
func (w *Workplace) Standards(b *bundle.Bundle) ([]*schema.Standard, error) {
	fit, err := w.shaping(b)
	if err != nil {
		return nil, err
	}
	slices.Reverse(fit)
	if i := slices.IndexFunc(fit, func(v string) bool { return schema.SameMajor(v, usual) }); i > 0 {
		fit = slices.Concat(fit[i:i+1], fit[:i], fit[i+1:])
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

// standard is the data standard that a run of the bundle is shaped for, and why: the tenant's setting, else what
// its target had when it was last asked, else the first of Standards.
func (x *Execution) standard(b *bundle.Bundle) (s *schema.Standard, why string, err error) {
	wanted, asks := "", ""
	switch t := x.tenant; {
	case t == nil:
	case t.DataStandard != "":
		wanted, why, asks = t.DataStandard, "data_standard of the tenant", "the tenant asks for"
	case t.API == nil:
		wanted, why, asks = sandboxStandard(x.place.SandboxFolder()), "the sandbox has it", "the sandbox has"
	default:
		if wanted, err = x.lastStandard(); err != nil {
			return nil, "", err
		}
		why, asks = "the target had it when it was last asked", "the target has"
	}
	if wanted == "" {
		all, err := x.place.Standards(b)
		if err != nil {
			return nil, "", err
		}
		return all[0], "no target was asked; it is the newest 5.x that the bundle covers, or else the newest", nil
	}
	fit, err := x.place.shaping(b)
	if err != nil {
		return nil, "", err
	}
	shaped, advice := schema.Shaping(fit, wanted)
	if t := x.tenant; t.DataStandard != "" && !slices.Contains(fit, wanted) {
		shaped = "" // what a person wrote is meant
	}
	if shaped == "" {
		return nil, "", diag.Fail(diag.Usage, diag.BundleStandard, advice,
			"bundle %s covers data standards %s, %s %s", b.Name, b.DataStandard.Value, asks, wanted)
	}
	s, err = x.place.Standard(shaped)
	return s, why, err
}

// standardFile is where the data standard that the tenant's target had last is kept.
func (x *Execution) standardFile() string { return x.place.stateFile(x.tenant, "data-standard") }

// lastStandard is the data standard that the tenant's target had when it was last asked; "" if it never was.
func (x *Execution) lastStandard() (string, error) {
	text, err := os.ReadFile(x.standardFile())
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", diag.FailWith(err, diag.Usage, diag.ConfigFile, "Let the user who runs sluice read it.", "%s cannot be read", x.standardFile())
	}
	version := strings.TrimSpace(string(text))
	if _, err := semver.NewVersion(version); err != nil {
		return "", nil // the next answer of the target replaces it
	}
	return version, nil
}

// rememberStandard keeps the data standard that the target has, for the next transform.
func (x *Execution) rememberStandard(version string) error {
	if last, err := x.lastStandard(); err != nil || version == "" || last == version {
		return err
	}
	return DiskError(durable.WriteFile(x.standardFile(), []byte(version+"\n")))
}

// Suits makes sure that a target takes what the bundle is shaped for here.
func (w *Workplace) Suits(b *bundle.Bundle, version string) error {
	fit, err := w.shaping(b)
	if err != nil || version == "" {
		return err
	}
	if shaped, advice := schema.Shaping(fit, version); shaped == "" {
		return diag.Fail(diag.Usage, diag.StandardMismatch, advice, "%s. %s", version, advice)
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

// References is what the cells of a program's tables refer to.
func (w *Workplace) References(p *mapping.Program) *lint.References {
	all := sync.OnceValue(func() map[string][]string {
		byType := map[string][]string{}
		values, err := schema.StandardDescriptors(w.Schemas, p.Standard.Version)
		if err != nil {
			return nil
		}
		for _, d := range values {
			byType[d.Type] = append(byType[d.Type], d.Namespace+"#"+d.CodeValue)
		}
		return byType
	})
	return lint.Refer(p, func(typ string) []string { return all()[typ] })
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
