package catalog

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// Needs is what a bundle or a run will load, as far as it is known. The zero value needs nothing.
type Needs struct {
	Resources []string // by endpoint: studentAssessments
	Whole     bool     // Each gave every record that will be loaded; else those that depend on no row

	// Own are the descriptor types whose values the records bring along.
	Own []string

	counts     map[string]int               // records given, by resource
	namespaces map[string]bool              // that records are written in
	values     map[string]map[string]string // by descriptor type: values used, folded, as one record writes them
	staged     map[string]map[string]string // the same by resource: values brought along
	records    map[string][][]byte          // by resource: the first records, to be looked for at the target
	rec        schema.Record
}

// mostLookedFor is how many records of a resource that the credential may not write are looked for at the target.
const mostLookedFor = 100

// See takes in a record that will be loaded. text may change afterwards.
func (n *Needs) See(std *schema.Standard, resource string, text []byte) {
	if n.counts == nil {
		n.counts, n.namespaces, n.records = map[string]int{}, map[string]bool{}, map[string][][]byte{}
		n.values, n.staged = map[string]map[string]string{}, map[string]map[string]string{}
	}
	res, ok := std.Resource(resource)
	checker, checks := std.Checker(resource)
	if n.counts[resource]++; !ok || !checks {
		return
	}
	checker.Check(text, &n.rec)
	key := &n.rec.Key
	if namespace := key.Part("namespace"); len(namespace) > 0 {
		n.namespaces[string(namespace)] = true
		if res.Descriptor != "" {
			put(n.staged, res.Name, []byte(string(namespace)+"#"+string(key.Part("codeValue"))))
		}
	}
	for i := range n.rec.Descriptors {
		d := &n.rec.Descriptors[i]
		put(n.values, d.Type, d.Value)
	}
	if len(n.records[resource]) < mostLookedFor {
		n.records[resource] = append(n.records[resource], slices.Clone(text))
	}
}

func put(sets map[string]map[string]string, name string, value []byte) {
	if sets[name] == nil {
		sets[name] = map[string]string{}
	}
	folded := string(schema.FoldDescriptor(nil, value))
	if _, ok := sets[name][folded]; !ok {
		sets[name][folded] = string(value)
	}
}

// Fits compares the target with what is needed, by the rules of validate: which resources there are, which of
// them and in which namespaces the credential may write, and which descriptor values are missing.
func (c *Catalog) Fits(ctx context.Context, n *Needs) ([]Finding, error) {
	if len(n.Resources)+len(n.Own) == 0 {
		return nil, nil
	}
	names := map[string]bool{}
	for _, name := range n.Resources {
		names[name] = true
	}
	for _, typ := range n.Own {
		if r, ok := c.standard.DescriptorResource(typ); ok {
			typ = r.Name
		}
		names[typ] = true
	}
	var found []Finding
	var there []*schema.Resource
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if r, ok := c.standard.Resource(name); ok {
			there = append(there, r)
		} else {
			found = append(found, Finding{Subject: "resource " + name, Code: diag.ResourceUnknown, Says: "the target does not have it"})
		}
	}
	if len(found) == 0 {
		found = append(found, Fact("resources", "the target has all %d: %s", len(there), strings.Join(slices.Sorted(maps.Keys(names)), ", ")))
	}
	writing, err := c.writing(ctx, n, there)
	if err != nil {
		return nil, err
	}
	values, err := c.missingValues(ctx, n)
	return slices.Concat(found, writing, c.foreign(n), values), err
}

// writing says which of the resources the credential may write.
func (c *Catalog) writing(ctx context.Context, n *Needs, there []*schema.Resource) ([]Finding, error) {
	var found []Finding
	var may []string
	for _, r := range there {
		create, known := c.access.may(r, "Create")
		update, _ := c.access.may(r, "Update")
		switch {
		case !known:
			return []Finding{unknown("may write", "not known: the target does not say what the credential may write")}, nil
		case create && update:
			may = append(may, r.Name)
		case create:
			found = append(found, Finding{Subject: "resource " + r.Name, Unknown: true, Code: diag.AuthForbidden,
				Says: "the credential may create records and not update them; those that the target has otherwise stay as they are"})
		default:
			f, err := c.unwritable(ctx, n, r, there)
			if err != nil {
				return nil, err
			}
			found = append(found, f)
		}
	}
	if len(may) == len(there) && len(may) > 0 {
		return []Finding{Fact("may write", "the credential may create and update all of them")}, nil
	}
	if len(may) > 0 {
		found = append([]Finding{Fact("may write", "%s", strings.Join(may, ", "))}, found...)
	}
	return found, nil
}

// unwritable says of a resource that the credential may not create whether the target has what is needed of it.
func (c *Catalog) unwritable(ctx context.Context, n *Needs, r *schema.Resource, there []*schema.Resource) (Finding, error) {
	f := Finding{Subject: "resource " + r.Name, Code: diag.AuthForbidden, Says: "the credential may not create its records"}
	shared := r.Descriptor != "" || slices.ContainsFunc(there, func(o *schema.Resource) bool { return o != r && o.RefersTo(r.Name) })
	if !shared {
		return f, nil
	}
	f.Unknown = true
	records := n.records[r.Name]
	if len(records) == 0 {
		f.Says += ", and which of them are needed is known of a run only"
		f.Fix = "Look at a run with --run."
		return f, nil
	}
	missing, first := 0, ""
	checker, _ := c.standard.Checker(r.Name)
	var rec schema.Record
	for _, text := range records {
		checker.Key(text, &rec)
		held, err := c.Record(ctx, r.Name, &rec.Key)
		if errors.Is(err, ErrDenied) || errors.Is(err, ErrNoResource) {
			f.Says += ", nor read which of them are there"
			return f, nil
		}
		if err != nil {
			return f, err
		}
		if held == nil {
			if missing++; first == "" {
				first = rec.Key.String()
			}
		}
	}
	switch {
	case missing > 0 && (n.Whole || r.Descriptor == ""):
		f.Unknown = false
		f.Says += fmt.Sprintf(", and %d of the %d that are needed are not there: %s", missing, len(records), first)
		f.Fix = "Have them loaded by a key that may, or ask for the right to create them."
	case n.Whole && n.counts[r.Name] == len(records):
		return Fact(f.Subject, "the credential may not create its records, and the target has all %d", len(records)), nil
	default:
		f.Says += fmt.Sprintf("; the target has all %d of them that do not depend on the rows", len(records))
	}
	return f, nil
}

// foreign says in which namespaces the credential may not write.
func (c *Catalog) foreign(n *Needs) []Finding {
	var found []Finding
	prefixes := c.access.Namespaces()
	all := map[string]bool{}
	maps.Copy(all, n.namespaces)
	for _, typ := range n.Own {
		for _, value := range n.values[typ] {
			namespace, _, _ := strings.Cut(value, "#")
			all[namespace] = true
		}
	}
	names := slices.Sorted(maps.Keys(all))
	for _, name := range names {
		if len(prefixes) > 0 && !Covers(prefixes, []byte(name)) {
			found = append(found, Finding{Subject: "namespace", Unknown: true, Code: diag.AuthNamespace, Says: ForeignNamespace(prefixes, name)})
		}
	}
	switch {
	case len(names) == 0 || len(found) > 0:
	case len(prefixes) == 0:
		found = append(found, unknown("namespace", "not known: the target does not say for which namespaces the credential is; %s are needed", strings.Join(names, ", ")))
	default:
		found = append(found, Fact("namespace", "the credential covers all that are written: %s", strings.Join(names, ", ")))
	}
	return found
}

// missingValues says which descriptor values the target lacks that the records use and do not bring along.
func (c *Catalog) missingValues(ctx context.Context, n *Needs) ([]Finding, error) {
	var found []Finding
	count := 0
	for _, typ := range slices.Sorted(maps.Keys(n.values)) {
		res, ok := c.standard.DescriptorResource(typ)
		if !ok || slices.ContainsFunc(n.Own, func(own string) bool { return strings.EqualFold(own, typ) }) {
			continue
		}
		var missing []string
		for _, value := range slices.Sorted(maps.Keys(n.values[typ])) {
			if _, ok := n.staged[res.Name][value]; ok {
				continue
			}
			count++
			answer, err := c.Descriptor(ctx, typ, value)
			if err != nil {
				return nil, err
			}
			if answer == Unreadable {
				found = append(found, unknown("descriptors", "not known: the credential may not read %s", res.Name))
				break
			}
			if answer == Absent {
				missing = append(missing, n.values[typ][value])
			}
		}
		if len(missing) > 0 {
			found = append(found, Finding{Subject: "descriptors", Code: diag.RecordDescriptor,
				Says: fmt.Sprintf("the target lacks %s of %s: %s", diag.Counted(len(missing), "value", "values"), typ, strings.Join(missing[:min(len(missing), mostNamed)], ", ")),
				Fix:  "Load them at the target, or point the mapping (in the tenant's overlay) at values that the target has."})
		}
	}
	if count > 0 && len(found) == 0 {
		found = append(found, Fact("descriptors", "the target has all values that the records use and do not bring along (%d)", count))
	}
	return found, nil
}
