package schema

// Documents is what a target publishes of itself, or the generator is given.
type Documents struct {
	Resources    [][]byte // OpenAPI documents, Swagger 2.0 or OpenAPI 3
	Descriptors  [][]byte
	Dependencies []byte // the dependencies document in JSON; empty: the order is derived
	Version      string
}

// FromOpenAPI reads a data standard from its documents.
func FromOpenAPI(docs Documents) (*Standard, error) { return &Standard{Version: docs.Version}, nil }
