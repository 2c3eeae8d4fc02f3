package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// values is the descriptor values of one type.
type values struct {
	known  map[string]string // folded: as the target writes it
	fresh  bool              // read in this run: what is not in it does not exist
	denied bool              // the credential may not read them
}

// Descriptor says whether the target has a value of a descriptor type. value is folded as
// schema.FoldDescriptor does. The answer does not depend on who asks first: a value that the cache
// knew stays known when the type is read again.
func (c *Catalog) Descriptor(ctx context.Context, typ, value string) (Answer, error) {
	res, ok := c.standard.DescriptorResource(typ)
	if !ok {
		return Unreadable, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.descriptors[res.Name]
	if all == nil {
		var err error
		if all, err = c.cachedValues(ctx, res); err != nil {
			return NotAsked, err
		}
		c.descriptors[res.Name] = all
	}
	if all.known[value] == "" && !all.fresh {
		if err := c.readValues(ctx, res, all); err != nil {
			return NotAsked, err
		}
	}
	switch {
	case all.known[value] != "":
		return Present, nil
	case all.denied:
		return Unreadable, nil
	}
	return Absent, nil
}

// KnownDescriptors are the values of a type, as far as Descriptor had to ask for them.
func (c *Catalog) KnownDescriptors(typ string) []string {
	res, ok := c.standard.DescriptorResource(typ)
	if !ok {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if all := c.descriptors[res.Name]; all != nil {
		return slices.Collect(maps.Values(all.known))
	}
	return nil
}

// PlanDescriptor notes that a value of a type is to be looked up, which PlanDescriptors tells; value is folded.
func (c *Catalog) PlanDescriptor(ctx context.Context, typ, value string) error {
	res, ok := c.standard.DescriptorResource(typ)
	if !ok {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.descriptors[res.Name] == nil {
		all, err := c.cachedValues(ctx, res)
		if err != nil {
			return err
		}
		c.descriptors[res.Name] = all
	}
	if c.planned[res.Name] == nil {
		c.planned[res.Name] = map[string]bool{}
	}
	c.planned[res.Name][value] = c.descriptors[res.Name].known[value] != ""
	return nil
}

// PlanDescriptors adds to p how the values would be looked up that were noted: a type of which the cache knows
// all of them is not asked for, any other is read whole.
func (c *Catalog) PlanDescriptors(p *Plan) {
	asked, number, known := int64(0), int64(0), int64(0)
	for _, values := range c.planned {
		number += int64(len(values))
		if slices.Contains(slices.Collect(maps.Values(values)), false) {
			asked++
		} else {
			known += int64(len(values))
		}
	}
	if number == 0 {
		return
	}
	s := Step{Of: fmt.Sprintf("values of %s", diag.Counted(len(c.planned), "descriptor type", "descriptor types")), Number: number, AtTarget: -1,
		Ways: []Way{{WayWhole, asked, PageCost * asked}}}
	if asked == 0 {
		s.Ways = []Way{{Name: WayKnown}}
	}
	if known > 0 {
		s.Note = fmt.Sprintf("%d of the values are in the cache", known)
	}
	p.Add(s)
}

func valuesFile(res *schema.Resource) string { return "descriptors-" + res.Name + ".json" }

// cachedValues are the values of a type as the cache knows them, up to its age, or as long as nothing at all was
// written at the target.
func (c *Catalog) cachedValues(ctx context.Context, res *schema.Resource) (*values, error) {
	all := &values{known: map[string]string{}}
	kept, ok := c.cache.read(valuesFile(res))
	if ok && !kept.fresh && kept.Version > 0 {
		now, err := c.newestChange(ctx)
		if err != nil {
			return nil, err
		}
		kept.fresh = now == kept.Version
	}
	var list []string
	if !ok || !kept.fresh || json.Unmarshal(kept.body, &list) != nil {
		return all, nil
	}
	all.add(list)
	return all, nil
}

func (all *values) add(list []string) {
	for _, v := range list {
		all.known[string(schema.FoldDescriptor(nil, []byte(v)))] = v
	}
}

// readValues reads the values of a type from the target and adds them to those known.
func (c *Catalog) readValues(ctx context.Context, res *schema.Resource, all *values) error {
	version, err := c.newestChange(ctx)
	if err != nil {
		return err
	}
	var list []string
	got, err := c.readPages(ctx, res.Endpoint(), func(items []json.RawMessage) error {
		for _, item := range items {
			var d struct{ Namespace, CodeValue string }
			if err := json.Unmarshal(item, &d); err != nil {
				return diag.FailWith(err, diag.CouldNotRun, diag.TargetOdd, "", "the target's %s cannot be read", res.Name)
			}
			list = append(list, d.Namespace+"#"+d.CodeValue)
		}
		return nil
	})
	if err != nil {
		return err
	}
	all.fresh, all.denied = true, got != replyGiven
	if all.denied {
		return nil
	}
	all.add(list)
	slices.Sort(list)
	if body, err := json.Marshal(slices.Compact(list)); err == nil {
		c.cache.writeAt(valuesFile(res), "", version, body)
	}
	return nil
}
