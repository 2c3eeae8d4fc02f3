package sandbox

import (
	"net/http"
)

// apiVersion is the ODS/API whose behaviour is emulated.
const apiVersion = "7.2"

// about is the root document.
type about struct {
	Version    string            `json:"version"`
	Info       string            `json:"informationalVersion"`
	Suite      string            `json:"suite"`
	Build      string            `json:"build"`
	DataModels []dataModel       `json:"dataModels"`
	URLs       map[string]string `json:"urls"`
}

type dataModel struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Info    string `json:"informationalVersion"`
}

func (s *Server) serveRoot(w http.ResponseWriter, r *http.Request, inContext bool) {
	if r.Method != http.MethodGet {
		methodNotAllowed("Only GET is supported.").write(w, r)
		return
	}
	base := s.base(r)
	if !inContext { // an ODS with a route context tells only those who know it what it is
		base = base[:len(base)-len(s.context)] + "{schoolYearFromRoute}"
	}
	writeJSON(w, http.StatusOK, about{
		Version: apiVersion, Info: "The Ed-Fi ODS/API " + apiVersion, Suite: "3", Build: apiVersion + ".0.0",
		DataModels: []dataModel{{"Ed-Fi", s.model.version + ".0", "The Ed-Fi Data Model " + s.model.version}},
		URLs: map[string]string{
			"dependencies":      base + "/metadata/data/v3/dependencies",
			"openApiMetadata":   base + "/metadata/",
			"oauth":             base + "/oauth/token",
			"dataManagementApi": base + "/data/v3/",
			"changeQueries":     base + "/changeQueries/v1/",
		},
	})
}

func (s *Server) serveListing(w http.ResponseWriter, r *http.Request) {
	type listed struct {
		Name     string `json:"name"`
		Endpoint string `json:"endpointUri"`
		Prefix   string `json:"prefix"`
	}
	at := func(name string) string { return s.base(r) + "/metadata/data/v3/" + name + "/swagger.json" }
	writeJSON(w, http.StatusOK, []listed{
		{"Resources", at("resources"), ""}, {"Descriptors", at("descriptors"), ""}, {"Ed-Fi", at("ed-fi"), "Extensions"},
	})
}

func (s *Server) serveChangeVersions(w http.ResponseWriter, r *http.Request) {
	if _, p := s.authenticate(r); p != nil {
		p.write(w, r)
		return
	}
	writeJSON(w, http.StatusOK, struct {
		Oldest uint64 `json:"oldestChangeVersion"`
		Newest uint64 `json:"newestChangeVersion"`
	}{0, s.store.newestVersion()})
}
