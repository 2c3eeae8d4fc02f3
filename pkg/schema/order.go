package schema

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// setOrder gives each resource its place in the load order: the one of the dependencies document,
// or, where that is silent, behind everything the resource refers to.
func (s *Standard) setOrder(dependencies []byte) error {
	known := map[string]int{}
	if len(dependencies) > 0 {
		var entries []struct {
			Resource string
			Order    int
		}
		if err := json.Unmarshal(dependencies, &entries); err != nil {
			return err
		}
		for _, e := range entries {
			name := e.Resource[strings.LastIndexByte(e.Resource, '/')+1:]
			// People stand twice: created early, updated behind the association that shows them
			// to the caller. The first is when they can be loaded.
			if order, ok := known[name]; !ok || e.Order < order {
				known[name] = e.Order
			}
		}
	}
	o := orderer{standard: s, known: known, done: map[string]int{}}
	for _, name := range slices.Sorted(maps.Keys(s.Resources)) {
		s.Resources[name].Order = o.order(name)
	}
	return nil
}

type orderer struct {
	standard *Standard
	known    map[string]int
	done     map[string]int
}

// order is one more than the highest order of what the resource refers to. A resource that is
// still being asked (a circle between resources, which no standard has) counts as not there.
func (o *orderer) order(name string) int {
	if order, ok := o.known[name]; ok {
		return order
	}
	if order, ok := o.done[name]; ok {
		return order
	}
	o.done[name] = 0
	r := o.standard.Resources[name]
	highest := 0
	if usesDescriptors(r.Root) {
		highest = 1
	}
	for _, ref := range r.References {
		for _, target := range ref.Targets {
			if target != name {
				highest = max(highest, o.order(target))
			}
		}
	}
	order := highest + 1
	if r.Descriptor != "" {
		order = 1
	}
	// schoolYearTypes stands in no dependencies document: it is there before anything is loaded.
	if len(o.known) > 0 && len(r.References) == 0 && highest == 0 && r.Descriptor == "" {
		order = 0
	}
	o.done[name] = order
	return order
}

func usesDescriptors(o *Object) bool {
	return slices.ContainsFunc(o.Properties, func(p *Property) bool {
		return p.Descriptor != "" || p.Object != nil && usesDescriptors(p.Object)
	})
}
