package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/sluice-edfi/sluice/pkg/jsonl"
)

// Validator checks records against the resource's JSON Schema with a JSON Schema library: the second
// opinion of bundle tests, and the oracle that tests compare Checker with. It is many times slower and
// knows only what JSON Schema can say, with lengths and formats as targets count them. It is safe for
// concurrent use.
type Validator struct {
	schema *jsonschema.Schema
}

// Refusal is one thing that the library finds wrong.
type Refusal struct {
	Path    string // $.scoreResults[1].result
	Message string
}

// Validator compiles the resource's schema.
func (s *Standard) Validator(resource string) (*Validator, error) {
	r, ok := s.Resource(resource)
	if !ok {
		return nil, fmt.Errorf("data standard %s has no %s", s.Version, resource)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat = true
	for name, fits := range map[string]func(text []byte) bool{
		"date":      isDate,
		"date-time": func(v []byte) bool { return isDate(v) || isDateTime(v) },
		"time":      isTime,
	} {
		c.Formats[name] = func(v any) bool {
			text, ok := v.(string)
			return !ok || fits([]byte(text))
		}
	}
	for name, bits := range map[string]int{"int32": 32, "int64": 64} {
		c.Formats[name] = func(v any) bool { return fitsInteger(v, bits) }
	}
	c.RegisterExtension("own", nil, ownKeywords{})
	name := resource + ".json"
	if err := c.AddResource(name, bytes.NewReader(layOut(r.schema()))); err != nil {
		return nil, fmt.Errorf("read schema of %s: %w", resource, err)
	}
	compiled, err := c.Compile(name)
	if err != nil {
		return nil, fmt.Errorf("compile schema of %s: %w", resource, err)
	}
	return &Validator{schema: compiled}, nil
}

// fitsInteger reports whether a whole number fits into size bits; other values do.
func fitsInteger(v any, size int) bool {
	n, ok := v.(json.Number)
	if !ok || strings.ContainsAny(n.String(), ".eE") {
		return true
	}
	i, err := n.Int64()
	return err == nil && (size == 64 || i == int64(int32(i)))
}

// Refusals checks one record; an error means that it is not JSON at all.
func (v *Validator) Refusals(data []byte) ([]Refusal, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var doc any
	if err := dec.Decode(&doc); err != nil {
		return nil, fmt.Errorf("read record: %w", err)
	}
	err := v.schema.Validate(withoutNulls(doc))
	if err == nil {
		return nil, nil
	}
	var refused *jsonschema.ValidationError
	if !errors.As(err, &refused) {
		return nil, fmt.Errorf("validate record: %w", err)
	}
	return leaves(refused, nil), nil
}

// withoutNulls leaves out members that are null: to a target that is the same as absent.
func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			if member == nil {
				delete(v, name)
				continue
			}
			withoutNulls(member)
		}
	case []any:
		for _, item := range v {
			withoutNulls(item)
		}
	}
	return v
}

// leaves are the causes that have no causes of their own.
func leaves(e *jsonschema.ValidationError, out []Refusal) []Refusal {
	if len(e.Causes) == 0 {
		return append(out, Refusal{Path: jsonPath(e.InstanceLocation), Message: e.Message})
	}
	for _, cause := range e.Causes {
		out = leaves(cause, out)
	}
	return out
}

var itemNumber = regexp.MustCompile(`/([0-9]+)`)

// jsonPath turns a JSON pointer into the form of Finding.Path.
func jsonPath(pointer string) string {
	path := strings.ReplaceAll(itemNumber.ReplaceAllString(pointer, "[$1]"), "/", ".")
	return "$" + strings.NewReplacer("~1", "/", "~0", "~").Replace(path)
}

// ownKeywords counts lengths in UTF-16 units, as targets do (the library counts characters), and
// knows the form of descriptor values.
type ownKeywords struct{}

// Compile finds these keywords in a schema.
func (ownKeywords) Compile(_ jsonschema.CompilerContext, m map[string]any) (jsonschema.ExtSchema, error) {
	own := ownSchema{min: keywordNumber(m["minLength"]), max: keywordNumber(m["maxLength"]),
		descriptor: m["x-descriptor"] != nil && m["type"] == "string"}
	if own == (ownSchema{}) {
		return nil, nil
	}
	return own, nil
}

// keywordNumber is the value of a keyword that is a whole number; 0 if it is absent.
func keywordNumber(v any) int {
	n, _ := v.(json.Number)
	i, _ := strconv.Atoi(n.String())
	return i
}

type ownSchema struct {
	min, max   int
	descriptor bool
}

// Validate checks a text.
func (o ownSchema) Validate(ctx jsonschema.ValidationContext, v any) error {
	text, ok := v.(string)
	if !ok {
		return nil
	}
	n := jsonl.UTF16Length(text)
	switch namespace, code, found := strings.Cut(text, "#"); {
	case o.max > 0 && n > o.max:
		return ctx.Error("maxLength", "%d characters long, at most %d are allowed", n, o.max)
	case n < o.min:
		return ctx.Error("minLength", "%d characters long, at least %d are needed", n, o.min)
	case o.descriptor && (!found || namespace == "" || code == ""):
		return ctx.Error("x-descriptor", "no descriptor value")
	}
	return nil
}
