package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// Finding is one line of the pre-flight: something that fits, or does not.
type Finding struct {
	Subject string    `json:"subject"`
	OK      bool      `json:"ok"`
	Code    diag.Code `json:"code,omitempty"`
	Says    string    `json:"says"`
}

// Needs is what a bundle or a run will load.
type Needs struct {
	Resources   []string // by endpoint: studentAssessments
	Descriptors []string // by type: PerformanceLevelDescriptor
}

// Fits compares the target with what is needed: resources first, then what the credential may do.
// An older API does not list what a credential may do; then nothing is reported as missing.
func (c *Catalog) Fits(n Needs) []Finding {
	found := []Finding{{Subject: "resources", OK: true, Says: fmt.Sprintf("%d, descriptors among them", len(c.standard.Names()))}}
	names := map[string]bool{}
	for _, name := range n.Resources {
		names[name] = true
	}
	for _, typ := range n.Descriptors {
		name := typ
		if r, ok := c.standard.DescriptorResource(typ); ok {
			name = r.Name
		}
		names[name] = true
	}
	needed := slices.Sorted(maps.Keys(names))
	for _, name := range needed {
		if _, ok := c.standard.Resource(name); !ok {
			found = append(found, Finding{"resource " + name, false, diag.ResourceUnknown, "the target does not have it"})
		}
	}
	found = append(found, c.permissions(needed)...)
	if len(needed) > 0 && !slices.ContainsFunc(found, func(f Finding) bool { return !f.OK }) {
		says := fmt.Sprintf("the target has all %d: %s", len(needed), strings.Join(needed, ", "))
		if c.permission == nil || len(c.permission.Resources) == 0 {
			says += "; it does not say whether the credential may write them"
		} else {
			says += "; the credential may create and update them"
		}
		found = append(found, Finding{Subject: "needed", OK: true, Says: says})
	}
	return found
}

func (c *Catalog) permissions(needed []string) []Finding {
	p := c.permission
	if p == nil {
		return []Finding{{Subject: "permissions", OK: true, Says: "the target does not say what the credential may do"}}
	}
	var found []Finding
	if p.ClaimSet.Name != "" {
		found = append(found, Finding{Subject: "claim set", OK: true, Says: p.ClaimSet.Name})
	}
	if len(p.NamespacePrefixes) > 0 {
		found = append(found, Finding{Subject: "namespaces", OK: true, Says: strings.Join(p.NamespacePrefixes, ", ")})
	}
	if len(p.Resources) == 0 {
		return found
	}
	may, before := map[string][]string{}, len(found)
	for _, r := range p.Resources {
		may[strings.ToLower(r.Resource)] = r.Operations
	}
	for _, name := range needed {
		r, ok := c.standard.Resource(name)
		if !ok {
			before = -1 // it is missed already
			continue
		}
		operations := may["/"+strings.ToLower(r.Endpoint())]
		for _, want := range []string{"Create", "Update"} {
			if !slices.ContainsFunc(operations, func(o string) bool { return strings.EqualFold(o, want) }) {
				found = append(found, Finding{"resource " + name, false, diag.AuthForbidden,
					"the credential lacks " + want + "; records can still refer to what the target already holds"})
			}
		}
	}
	if len(needed) > 0 && len(found) == before {
		found = append(found, Finding{Subject: "permissions", OK: true, Says: "the credential may create and update what is needed"})
	}
	return found
}
