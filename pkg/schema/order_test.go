package schema

import (
	"slices"
	"testing"
)

// TestCirclesAreOpened closes two circles: one where a record can do without a reference, and one
// where it cannot. Each resource is listed behind what it needs, where that is possible.
func TestCirclesAreOpened(t *testing.T) {
	s := &Standard{resources: map[string]func() *Resource{}}
	for _, r := range []struct {
		name    string
		needs   []string
		mayHave []string
	}{
		{name: "a", needs: []string{"b"}},
		{name: "b", needs: []string{"d"}, mayHave: []string{"a"}},
		{name: "c", needs: []string{"a"}},
		{name: "d"},
		{name: "x", needs: []string{"y"}},
		{name: "y", needs: []string{"x"}},
	} {
		resource := &Resource{Name: r.name, Root: &Object{}}
		for _, target := range r.needs {
			resource.References = append(resource.References, &Reference{Path: Path{target}, Required: true, Targets: []string{target}})
		}
		for _, target := range r.mayHave {
			resource.References = append(resource.References, &Reference{Path: Path{target}, Targets: []string{target}})
		}
		s.add(resource)
	}
	if got, want := s.loadable(), []string{"d", "x", "b", "y", "a", "c"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
