package sandbox

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// people are the resources that load in two passes: created early, updated once an association makes
// them visible to the caller.
var people = map[string][]string{
	"students": {"studentSchoolAssociations"},
	"staffs":   {"staffEducationOrganizationEmploymentAssociations", "staffEducationOrganizationAssignmentAssociations"},
	"contacts": {"studentContactAssociations"},
}

// dependency is one entry of the dependencies document.
type dependency struct {
	Resource   string   `json:"resource"`
	Order      int      `json:"order"`
	Operations []Action `json:"operations"`
}

// notLoaded is the one resource that the dependencies leave out: an ODS is installed with it.
const notLoaded = "schoolYearTypes"

func (s *Server) serveDependencies(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(r.Header.Get("Accept"), "application/graphml") {
		w.Header().Set("Content-Type", "application/graphml")
		_, _ = w.Write(s.model.graphML())
		return
	}
	writeJSON(w, http.StatusOK, s.model.dependencies())
}

func (m *model) loaded() []*endpoint {
	return slices.DeleteFunc(slices.Clone(m.endpoints), func(e *endpoint) bool { return e.Name == notLoaded })
}

func (m *model) dependencies() []dependency {
	var out []dependency
	for _, e := range m.loaded() {
		after := 0
		for _, name := range people[e.Name] {
			if a, ok := m.find(name); ok {
				after = max(after, a.Order)
			}
		}
		if after == 0 {
			out = append(out, dependency{e.path(), e.Order, []Action{Create, Update}})
			continue
		}
		out = append(out, dependency{e.path(), e.Order, []Action{Create}}, dependency{e.path(), after + 1, []Action{Update}})
	}
	slices.SortFunc(out, func(a, b dependency) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), strings.Compare(a.Resource, b.Resource))
	})
	return out
}

// graphML writes what must be loaded before what. As in an ODS, whatever refers to a person comes
// after the association that makes the person visible, where that association is loaded before it.
func (m *model) graphML() []byte {
	out := []byte("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n  <graph id=\"EdFi Dependencies\" edgedefault=\"directed\">\n")
	for _, e := range m.loaded() {
		out = fmt.Appendf(out, "    <node id=%q/>\n", e.path())
	}
	for _, e := range m.loaded() {
		for _, before := range m.before(e) {
			out = fmt.Appendf(out, "    <edge source=%q target=%q/>\n", before, e.path())
		}
	}
	return append(out, "  </graph>\n</graphml>\n"...)
}

// before are the paths of what e needs loaded first, sorted.
func (m *model) before(e *endpoint) []string {
	var out []string
	add := func(t *endpoint) {
		if t == e || t.Name == notLoaded {
			return
		}
		found := false
		for _, name := range people[t.Name] {
			if a, ok := m.find(name); ok && a.Order < e.Order {
				out, found = append(out, a.path()), true
			}
		}
		if !found {
			out = append(out, t.path())
		}
	}
	for _, r := range e.references {
		for _, t := range r.targets {
			add(t.endpoint)
		}
	}
	for _, d := range e.descriptors {
		add(d)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
