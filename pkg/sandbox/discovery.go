package sandbox

import "net/http"

// apiVersion is the ODS/API whose behaviour is emulated.
const apiVersion = "7.2"

func (s *Server) serveRoot(w http.ResponseWriter, r *http.Request, inContext bool) {
	if r.Method != http.MethodGet {
		methodNotAllowed("Only GET is supported.").write(w, r)
		return
	}
	base := s.base(r)
	if !inContext { // an ODS with a route context tells only those who know it what it is
		base = base[:len(base)-len(s.context)] + "/{schoolYearFromRoute}"
	}
	writeJSON(w, http.StatusOK, object{
		"version": apiVersion, "informationalVersion": "The Ed-Fi ODS/API " + apiVersion, "suite": "3", "build": apiVersion + ".0.0",
		"dataModels": []object{{"name": "Ed-Fi", "version": s.model.version + ".0", "informationalVersion": "The Ed-Fi Data Model " + s.model.version}},
		"urls": object{
			"dependencies":      base + "/metadata/data/v3/dependencies",
			"openApiMetadata":   base + "/metadata/",
			"oauth":             base + "/oauth/token",
			"dataManagementApi": base + "/data/v3/",
			"changeQueries":     base + "/changeQueries/v1/",
		},
	})
}

func (s *Server) serveListing(w http.ResponseWriter, r *http.Request) {
	document := func(name, path, prefix string) object {
		return object{"name": name, "endpointUri": s.base(r) + "/metadata/data/v3/" + path + "/swagger.json", "prefix": prefix}
	}
	writeJSON(w, http.StatusOK, []object{
		document("Resources", "resources", ""), document("Descriptors", "descriptors", ""), document("Ed-Fi", "ed-fi", "Extensions"),
	})
}

func (s *Server) serveChangeVersions(w http.ResponseWriter, r *http.Request) {
	if _, _, err := s.authenticate(r); err != nil {
		s.refuse(w, r, err)
		return
	}
	if inSnapshot(r) {
		s.refuse(w, r, notFound(noSnapshot))
		return
	}
	s.store.mu.RLock()
	newest := s.store.version
	s.store.mu.RUnlock()
	writeJSON(w, http.StatusOK, object{"oldestChangeVersion": 0, "newestChangeVersion": newest})
}
