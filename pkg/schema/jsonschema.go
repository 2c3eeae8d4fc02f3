package schema

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// jsonSchemaDialect is that of the schemas we write. Formats are notes in it; ours are checked by
// the keyword of our own that Validator adds.
const jsonSchemaDialect = "https://json-schema.org/draft/2020-12/schema"

// JSONSchema writes what is known of a resource as a JSON Schema: names, types, lengths, ranges,
// formats and what is required, and under x-… what JSON Schema has no word for. It is the form of
// the embedded files, which Load reads back.
func (s *Standard) JSONSchema(resource string) ([]byte, bool) {
	r, ok := s.Resources[resource]
	if !ok {
		return nil, false
	}
	w := &schemaWriter{}
	w.raw("{\n")
	w.line(`"$schema": `+quote(jsonSchemaDialect), true)
	w.line(`"title": `+quote(r.Name), true)
	if r.Segment != coreSegment {
		w.line(`"x-segment": `+quote(r.Segment), true)
	}
	if r.Descriptor != "" {
		w.line(`"x-descriptor": `+quote(r.Descriptor), true)
	}
	if r.KeyUpdates {
		w.line(`"x-keyUpdates": true`, true)
	}
	w.line(`"x-key": [`, false)
	for i, k := range r.Identity {
		paths := append([]Path{k.Path}, k.Also...)
		w.line(" "+quotePaths(paths), i < len(r.Identity)-1)
	}
	w.line("]", true)
	if len(r.Equal) > 0 {
		w.line(`"x-equal": [`, false)
		for i, e := range r.Equal {
			w.line(" "+quotePaths(e[:]), i < len(r.Equal)-1)
		}
		w.line("]", true)
	}
	w.object(r.Root)
	w.raw("}\n")
	return []byte(w.b.String()), true
}

// schemaWriter writes one property a line, so that a change of the standard is a change of lines.
type schemaWriter struct {
	b      strings.Builder
	indent int
}

func (w *schemaWriter) raw(s string) { w.b.WriteString(s) }

func (w *schemaWriter) line(s string, comma bool) {
	w.b.WriteString(strings.Repeat(" ", w.indent))
	w.b.WriteString(s)
	if comma {
		w.b.WriteByte(',')
	}
	w.b.WriteByte('\n')
}

// object writes the keywords of an object, without its braces.
func (w *schemaWriter) object(o *Object) {
	w.line(`"type": "object"`, true)
	if ref := o.Reference; ref != nil {
		if ref.Abstract != "" {
			w.line(`"x-abstract": `+quote(ref.Abstract), true)
		}
		w.line(`"x-targets": [`+quoteAll(ref.Targets)+"]", true)
		if ref.Identity {
			w.line(`"x-identity": true`, true)
		}
		pairs := make([]string, 0, len(ref.Keys))
		for _, k := range ref.Keys {
			pairs = append(pairs, quote(k.Name)+": "+quote(strings.Join(k.Target, ".")))
		}
		w.line(`"x-targetKey": {`+strings.Join(pairs, ", ")+"}", true)
	}
	required := make([]string, 0, len(o.Properties))
	for _, p := range o.Required() {
		required = append(required, p.Name)
	}
	if len(required) > 0 {
		w.line(`"required": [`+quoteAll(required)+"]", true)
	}
	if !o.Open {
		w.line(`"additionalProperties": false`, true)
	}
	w.line(`"properties": {`, false)
	w.indent++
	for i, p := range o.Properties {
		w.property(p, i < len(o.Properties)-1)
	}
	w.indent--
	w.line("}", false)
}

func (w *schemaWriter) property(p *Property, comma bool) {
	end := "}"
	if comma {
		end = "},"
	}
	if p.Object == nil {
		w.line(quote(p.Name)+": {"+strings.Join(scalarKeywords(p), ", ")+"}", comma)
		return
	}
	w.line(quote(p.Name)+": {", false)
	w.indent++
	if p.Kind == KindArray {
		w.line(`"type": "array"`, true)
		if p.Required {
			w.line(`"minItems": 1`, true)
		}
		if len(p.ItemKey) > 0 {
			w.line(`"x-unique": `+quotePaths(p.ItemKey), true)
		}
		w.line(`"items": {`, false)
		w.indent++
		w.object(p.Object)
		w.indent--
		w.line("}", false)
	} else {
		w.object(p.Object)
	}
	w.indent--
	w.line(end, false)
}

var kindKeywords = [...]string{
	KindString: `"type": "string"`, KindInteger: `"type": "integer"`, KindNumber: `"type": "number"`, KindBoolean: `"type": "boolean"`,
	KindDate: `"type": "string", "format": "date"`, KindDateTime: `"type": "string", "format": "date-time"`, KindTime: `"type": "string", "format": "time"`,
	KindArray: `"type": "array"`,
}

func scalarKeywords(p *Property) []string {
	out := []string{kindKeywords[p.Kind]}
	if p.Kind == KindInteger {
		format := "int32"
		if p.Int64 {
			format = "int64"
		}
		out = append(out, `"format": `+quote(format))
	}
	if p.Descriptor != "" {
		out = append(out, `"x-descriptor": `+quote(p.Descriptor))
	}
	if p.MinLength > 0 {
		out = append(out, `"minLength": `+strconv.Itoa(p.MinLength))
	}
	if p.MaxLength > 0 {
		out = append(out, `"maxLength": `+strconv.Itoa(p.MaxLength))
	}
	if p.Minimum != nil {
		out = append(out, `"minimum": `+numberText(*p.Minimum))
	}
	if p.Maximum != nil {
		out = append(out, `"maximum": `+numberText(*p.Maximum))
	}
	return out
}

// numberText writes a bound in full, never with an exponent.
func numberText(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// quote is enough for names of a standard: they hold nothing that JSON escapes.
func quote(s string) string { return strconv.Quote(s) }

func quoteAll(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = quote(n)
	}
	return strings.Join(out, ", ")
}

func quotePaths(paths []Path) string {
	out := make([]string, len(paths))
	for i, p := range paths {
		out[i] = quote(strings.Join(p, "."))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// Files are the embedded files of the standard, by name: one JSON Schema a resource, one that all
// descriptors share, and the table of contents with the load order. What Load reads.
func (s *Standard) Files() map[string][]byte {
	files := map[string][]byte{}
	shared := ""
	var endpoints strings.Builder
	for i, name := range s.names {
		r := s.Resources[name]
		text, _ := s.JSONSchema(name)
		form := ""
		if r.Descriptor != "" {
			plain := descriptorForm(r, text)
			if shared == "" {
				shared = plain
			}
			if plain == shared {
				form = ", " + quote("descriptor") + ": " + quote(r.Descriptor)
			}
		}
		if form == "" {
			files[name+".json"] = text
		}
		endpoints.WriteString(" " + quote(name) + `: {"order": ` + strconv.Itoa(r.Order) + form + "}")
		if i < len(s.names)-1 {
			endpoints.WriteByte(',')
		}
		endpoints.WriteByte('\n')
	}
	if shared != "" {
		files[descriptorFile] = []byte(shared)
	}
	files[standardFile] = []byte("{\n\"version\": " + quote(s.Version) + ",\n\"endpoints\": {\n" + endpoints.String() + "}\n}\n")
	return files
}

// descriptorForm is the schema of a descriptor endpoint without what is its alone.
func descriptorForm(r *Resource, text []byte) string {
	plain := strings.Replace(string(text), `"title": `+quote(r.Name)+",\n", "", 1)
	return strings.Replace(plain, `"x-descriptor": `+quote(r.Descriptor)+",\n", "", 1)
}

// DescriptorFile is the embedded file of descriptor values: type, namespace, codes, all sorted.
func DescriptorFile(values []DescriptorValue) []byte {
	byType := map[string]map[string][]string{}
	for _, v := range values {
		if byType[v.Type] == nil {
			byType[v.Type] = map[string][]string{}
		}
		byType[v.Type][v.Namespace] = append(byType[v.Type][v.Namespace], v.CodeValue)
	}
	var blocks []string
	for _, typ := range slices.Sorted(maps.Keys(byType)) {
		var spaces []string
		for _, ns := range slices.Sorted(maps.Keys(byType[typ])) {
			codes := byType[typ][ns]
			slices.Sort(codes)
			lines := make([]string, len(codes))
			for i, c := range codes {
				lines[i] = "  " + jsonText(c)
			}
			spaces = append(spaces, " "+jsonText(ns)+": [\n"+strings.Join(lines, ",\n")+"]")
		}
		blocks = append(blocks, quote(typ)+": {\n"+strings.Join(spaces, ",\n")+"}")
	}
	return []byte("{\n" + strings.Join(blocks, ",\n") + "\n}\n")
}

// jsonText is s as a JSON text, with nothing escaped that need not be.
func jsonText(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string into memory: cannot fail
	return strings.TrimSuffix(b.String(), "\n")
}
