package catalog

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// Access is a target that was entered: what it says of itself, and what the credential may do there.
type Access struct {
	About      *target.About
	client     *target.Client
	clientID   string
	permission *target.TokenInfo // nil: the target does not say
}

// Enter asks a target what it is and what the credential may do. The credential is tried in any case. The error is
// the end of a command, with its code.
func Enter(ctx context.Context, client *target.Client, clientID string) (*Access, error) {
	about, err := client.Discover(ctx)
	if err != nil {
		return nil, notAsked(err)
	}
	permission, err := tryCredential(ctx, client)
	return &Access{about, client, clientID, permission}, err
}

// Finding is one line of what was looked at: it fits, it does not, or it is not known.
type Finding struct {
	Subject string    `json:"subject"`
	OK      bool      `json:"ok"`
	Unknown bool      `json:"unknown,omitempty"` // not OK, and nothing that surely stops a load
	Code    diag.Code `json:"code,omitempty"`
	Says    string    `json:"says"`
	Fix     string    `json:"fix,omitempty"`
}

// Fact is a finding with nothing wrong.
func Fact(subject, format string, args ...any) Finding {
	return Finding{Subject: subject, OK: true, Says: fmt.Sprintf(format, args...)}
}

func unknown(subject, format string, args ...any) Finding {
	return Finding{Subject: subject, Unknown: true, Says: fmt.Sprintf(format, args...)}
}

// Product is which API a target is: ODS/API 7.2.
func Product(about *target.About) string {
	kind := "ODS/API"
	if about.Service {
		kind = "Data Management Service"
	}
	return kind + " " + cmp.Or(about.Version, "of an unknown version")
}

// Target says what the target is.
func (a *Access) Target(ctx context.Context) ([]Finding, error) {
	about := a.About
	api := Product(about)
	if about.Mode != "" {
		api += ", " + about.Mode
	}
	found := []Finding{Fact("API", "%s", api), Fact("data standard", "%s", cmp.Or(about.Standard(), "unknown"))}
	if about.Standard() == "" {
		found[1].OK, found[1].Unknown = false, true
	}
	if len(about.Extensions) > 0 {
		found = append(found, Fact("extensions", "%s", strings.Join(about.Extensions, ", ")))
	}
	for _, address := range [][2]string{{"data", about.DataURL}, {"token", about.OAuthURL}, {"metadata", about.OpenAPIURL},
		{"dependencies", about.DependenciesURL}, {"change queries", about.ChangeQueriesURL}} {
		found = append(found, Fact(address[0], "%s", cmp.Or(address[1], "not offered")))
	}
	newest, err := NewestChange(ctx, a.client)
	if err != nil {
		return nil, err
	}
	reading := "the target has no change versions: what others delete and insert at the same time while it is read can hide a record"
	if newest > 0 {
		reading = fmt.Sprintf("the newest change version is %d; what others write while a collection is being read is read, too", newest)
	}
	found = append(found, Fact("reading", "%s", reading))
	for _, note := range about.Notes {
		found = append(found, Fact("note", "%s", note))
	}
	return found, nil
}

// Credential says what the credential may do.
func (a *Access) Credential() []Finding {
	found := []Finding{Fact("credential", "accepted, key %s", a.clientID)}
	p := a.permission
	if p == nil {
		return append(found, unknown("permissions", "not known: the target does not say what the credential may do (no token_info)"))
	}
	if p.ClaimSet.Name != "" {
		found = append(found, Fact("claim set", "%s", p.ClaimSet.Name))
	}
	switch {
	case p.NamespacePrefixes == nil:
		found = append(found, unknown("namespaces", "not known"))
	case len(p.NamespacePrefixes) == 0:
		found = append(found, Fact("namespaces", "none is given to the credential"))
	default:
		found = append(found, Fact("namespaces", "%s", strings.Join(p.NamespacePrefixes, ", ")))
	}
	switch all := p.Organizations; {
	case all == nil:
		found = append(found, unknown("organizations", "not known"))
	case len(all) == 0:
		found = append(found, Fact("organizations", "none is given to the credential"))
	default:
		found = append(found, Fact("organizations", "%s", organizations(all)))
	}
	if len(p.Profiles) > 0 {
		found = append(found, unknown("profiles", "%s; a profile may hide or refuse properties, which sluice does not know", strings.Join(p.Profiles, ", ")))
	}
	if p.Resources == nil {
		return append(found, unknown("permissions", "not known: the target does not list what its claim sets allow (it does from API 7.3 on)"))
	}
	writes := 0
	for _, r := range p.Resources {
		if allows(r.Operations, "Create") {
			writes++
		}
	}
	return append(found, Fact("permissions", "it may create records of %d of the %s that its claim set names",
		writes, diag.Counted(len(p.Resources), "resource", "resources")))
}

// mostNamed is how many organizations are named one by one.
const mostNamed = 5

func organizations(all []target.Organization) string {
	var names []string
	for _, o := range all[:min(len(all), mostNamed)] {
		names = append(names, strings.TrimSpace(fmt.Sprintf("%d %s", o.ID, o.Name)))
	}
	text := strings.Join(names, ", ")
	if more := len(all) - len(names); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func allows(operations []string, want string) bool {
	return slices.ContainsFunc(operations, func(o string) bool { return strings.EqualFold(o, want) })
}

// may reports whether the claim set allows an operation on a resource; known: the target says so.
func (a *Access) may(res *schema.Resource, operation string) (allowed, known bool) {
	if a == nil || a.permission == nil || a.permission.Resources == nil {
		return false, false
	}
	for _, r := range a.permission.Resources {
		if strings.EqualFold(strings.Trim(r.Resource, "/"), res.Endpoint()) {
			return allows(r.Operations, operation), true
		}
	}
	return false, true
}

// Namespaces are the prefixes, folded as descriptors are, of the namespaces that the credential is
// for; none if the target does not say.
func (a *Access) Namespaces() []string {
	if a == nil || a.permission == nil {
		return nil
	}
	var folded []string
	for _, n := range a.permission.NamespacePrefixes {
		folded = append(folded, string(schema.FoldDescriptor(nil, []byte(n))))
	}
	return folded
}

// Covers reports whether a namespace begins with one of the prefixes, which are folded.
func Covers(prefixes []string, namespace []byte) bool {
	folded := string(schema.FoldDescriptor(nil, namespace))
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(folded, prefix) })
}

// ForeignNamespace words that the credential is for other namespaces. It is no verdict: a claim set may allow
// more than namespaces.
func ForeignNamespace(prefixes []string, namespace string) string {
	return fmt.Sprintf("the credential is for namespaces that begin with %s, not for %s; unless its claim set says otherwise the target will refuse these records",
		strings.Join(prefixes, " or "), namespace)
}

// agency is a district that the target has.
type agency struct {
	ID    int64  `json:"localEducationAgencyId"`
	Name  string `json:"nameOfInstitution"`
	Codes []struct {
		Code string `json:"identificationCode"`
	} `json:"identificationCodes"` // until Data Standard 5.2
}

func (g *agency) is(code string) bool {
	return sameNumber(code, fmt.Sprint(g.ID)) || slices.ContainsFunc(g.Codes, func(c struct {
		Code string `json:"identificationCode"`
	}) bool {
		return sameNumber(code, c.Code)
	})
}

// sameNumber compares codes as they are, but for leading zeros.
func sameNumber(a, b string) bool {
	return strings.EqualFold(strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0"))
}

// District says whether the target is that of a tenant with these codes of districts. It is wrong for sure where
// the credential is for other districts, and a code is that of one more that the target has. Where no code is
// known there, nothing is sure: a vendor may number districts in its own way.
func (a *Access) District(ctx context.Context, codes []string) (Finding, error) {
	const subject = "district"
	var own []target.Organization
	if a.permission != nil {
		own = a.permission.Organizations
	}
	if len(codes) == 0 {
		return Fact(subject, "lea_codes of the tenant is not set, so it is not compared with the target's"), nil
	}
	of := map[int64]string{} // the credential's districts
	wide := len(own) == 0    // it is for more, or it is not known for what
	for _, o := range own {
		id := o.Agency
		if id == 0 && strings.HasSuffix(o.Type, "LocalEducationAgency") {
			id = o.ID
		}
		wide = wide || id == 0
		if of[id] == "" || id == o.ID {
			of[id] = o.Name
		}
		if i := slices.IndexFunc(codes, func(code string) bool { return id != 0 && sameNumber(code, fmt.Sprint(id)) }); i >= 0 {
			return Fact(subject, "the credential is for %s, as lea_codes say", codes[i]), nil
		}
	}
	all, readable, err := a.agencies(ctx)
	if err != nil {
		return Finding{}, err
	}
	var other *agency
	var code string
	for i := range all {
		g := &all[i]
		at := slices.IndexFunc(codes, g.is)
		if at < 0 {
			continue
		}
		if _, isOwn := of[g.ID]; isOwn || wide && len(own) > 0 || wide && len(all) == 1 {
			return Fact(subject, "the target has %s %s, as lea_codes say", codes[at], g.Name), nil
		}
		other, code = g, codes[at]
	}
	said := strings.Join(codes, ", ")
	switch {
	case other != nil && !wide:
		return Finding{Subject: subject, Code: diag.GuardDistrict,
			Says: fmt.Sprintf("lea_codes say %s, which is %s at this target, and the credential is for %s", code, cmp.Or(other.Name, "another district"), organizations(own)),
			Fix:  "Use the credential and the address of the tenant's own district, or correct `lea_codes`."}, nil
	case other != nil:
		return unknown(subject, "the target has %s %s; whether the credential is for it is not known", code, other.Name), nil
	case !wide || readable && len(all) > 0:
		f := unknown(subject, "not known: lea_codes say %s, and the target knows no such district; it has %s", said, cmp.Or(organizations(own), districts(all)))
		f.Code = diag.GuardDistrict
		f.Fix = "Check that this is the tenant's own target; if so, add the target's number of the district to `lea_codes`."
		return f, nil
	}
	return unknown(subject, "not known: the target does not say which district it is, and lea_codes say %s", said), nil
}

func districts(all []agency) string {
	var list []target.Organization
	for _, g := range all {
		list = append(list, target.Organization{ID: g.ID, Name: g.Name})
	}
	return organizations(list)
}

// agencies reads the districts that the target has; readable: the credential may read them.
func (a *Access) agencies(ctx context.Context) (all []agency, readable bool, err error) {
	err = a.client.EachPage(ctx, "localEducationAgencies", 1, func(items []json.RawMessage) error {
		for _, item := range items {
			var g agency
			if err := json.Unmarshal(item, &g); err == nil && g.ID != 0 {
				all = append(all, g)
			}
		}
		return nil
	})
	got, err := replyOf(err)
	return all, got == replyGiven, err
}
