package schema

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/graph"
)

// setOrder gives each resource its place in the load order: the one of the dependencies document,
// or, where that says nothing, after everything that the resource refers to.
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
			segment, collection, _ := strings.Cut(strings.Trim(e.Resource, "/"), "/")
			name := nameOf(segment, collection)
			// Students, staff and contacts are listed twice: created early, updated after the
			// association by which the caller may see them. They can be loaded at the first.
			if order, ok := known[name]; !ok || e.Order < order {
				known[name] = e.Order
			}
		}
	}
	for _, name := range s.loadable() {
		r := s.resources[name]()
		order, ok := known[name]
		if !ok {
			order = s.derivedOrder(r)
			// What is not listed and refers to nothing exists before anything is loaded: schoolYearTypes.
			if len(known) > 0 && order == 1 && r.Descriptor == "" {
				order = 0
			}
		}
		r.Order = order
	}
	return nil
}

// derivedOrder is one more than the highest order of what r refers to; descriptors have order 1.
func (s *Standard) derivedOrder(r *Resource) int {
	highest := 0
	if usesDescriptors(r.Root) {
		highest = 1
	}
	for target := range r.targets(false) {
		highest = max(highest, s.resources[target]().Order)
	}
	return highest + 1
}

// targets are the other resources that r refers to; hard leaves out references that a record can do without.
func (r *Resource) targets(hard bool) map[string]bool {
	out := map[string]bool{}
	for _, ref := range r.References {
		if hard && (!ref.Required || len(ref.Path) > 1) {
			continue
		}
		for _, target := range ref.Targets {
			if target != r.Name {
				out[target] = true
			}
		}
	}
	return out
}

// loadable lists the resources so that each comes after what it refers to. Extensions can close circles
// of references. They are opened where a record can do without a reference: the first such resource does
// not wait for those of the circle.
func (s *Standard) loadable() []string {
	waits := map[string]map[string]bool{}
	for name, r := range s.resources {
		waits[name] = r().targets(false)
	}
	for {
		var g graph.Graph[string]
		for name, targets := range waits {
			g.Add(name)
			for target := range targets {
				g.Refer(name, target)
			}
		}
		order := g.Order()
		stuck := slices.Sorted(slices.Values(append(order.Circular, order.Behind...)))
		if len(stuck) == 0 {
			return slices.Concat(order.Waves...)
		}
		isStuck := func(target string, _ bool) bool { return slices.Contains(stuck, target) }
		opened := slices.IndexFunc(stuck, func(name string) bool {
			for target := range s.resources[name]().targets(true) {
				if isStuck(target, true) {
					return false
				}
			}
			return true
		})
		maps.DeleteFunc(waits[stuck[max(opened, 0)]], isStuck)
	}
}

func usesDescriptors(o *Object) bool {
	return slices.ContainsFunc(o.Properties, func(p *Property) bool {
		return p.Descriptor != "" || p.Object != nil && usesDescriptors(p.Object)
	})
}
