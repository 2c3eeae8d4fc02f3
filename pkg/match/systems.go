package match

import (
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/roster"
)

// Of are the students of a roster, looked up in the systems named, in that order; without names in all of them.
// unknown is a name that no system of the roster has.
func Of(index *roster.Index, names []string) (s *Students, unknown string) {
	var person *System
	var all, systems []System
	for _, known := range index.Systems() {
		one := System{known.Name, known.Widths}
		if strings.EqualFold(one.Name, roster.Crosswalk) {
			person = &one
		} else {
			all = append(all, one)
		}
	}
	if person != nil {
		all = append(all, *person) // to be chosen if no other one is better
	}
	for _, name := range names {
		i := slices.IndexFunc(all, func(one System) bool { return strings.EqualFold(one.Name, roster.Code(name)) })
		if i < 0 {
			return New(index, person, all), name
		}
		if !slices.ContainsFunc(systems, func(one System) bool { return one.Name == all[i].Name }) {
			systems = append(systems, all[i])
		}
	}
	if len(names) == 0 {
		systems = all
	}
	return New(index, person, systems), ""
}

// Systems are the names of the systems in which ids are looked up, in their order.
func (s *Students) Systems() (names []string) {
	for i := range s.systems {
		names = append(names, s.systems[i].Name)
	}
	return names
}
