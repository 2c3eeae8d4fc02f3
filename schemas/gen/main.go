// Command gen writes an embedded data standard from the documents that describe it: the OpenAPI
// documents and the dependencies of an Ed-Fi API, and a list of its standard descriptor values.
// It keeps facts only, and what it writes depends on nothing but its input.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/sluice-edfi/sluice/pkg/schema"
)

func main() {
	var o options
	flag.StringVar(&o.resources, "resources", "", "OpenAPI document of the resources (.json or .json.gz)")
	flag.StringVar(&o.descriptors, "descriptors", "", "OpenAPI document of the descriptors")
	flag.StringVar(&o.dependencies, "dependencies", "", "dependencies document in JSON; without it the load order is derived")
	flag.StringVar(&o.values, "values", "", "standard descriptor values: CSV with the columns descriptor, namespace, codeValue")
	flag.StringVar(&o.version, "version", "", "version of the data standard, as in 5.1")
	flag.StringVar(&o.out, "o", "", "folder to write, as in schemas/ds-5.1; its .json files are replaced")
	flag.Parse()
	if err := o.run(); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

type options struct {
	resources, descriptors, dependencies, values, version, out string
}

func (o options) run() error {
	if o.resources == "" || o.descriptors == "" || o.version == "" || o.out == "" {
		return errors.New("-resources, -descriptors, -version and -o are needed; see -h")
	}
	files, err := o.files()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(o.out, "*.json"))
	if err != nil {
		return err
	}
	for _, name := range old {
		if _, ok := files[filepath.Base(name)]; !ok {
			if err := os.Remove(name); err != nil {
				return err
			}
		}
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(o.out, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// files are what belongs into the folder.
func (o options) files() (map[string][]byte, error) {
	docs := schema.Documents{Version: o.version, Resources: make([][]byte, 1), Descriptors: make([][]byte, 1)}
	for name, into := range map[string]*[]byte{o.resources: &docs.Resources[0], o.descriptors: &docs.Descriptors[0], o.dependencies: &docs.Dependencies} {
		text, err := read(name)
		if err != nil {
			return nil, err
		}
		*into = text
	}
	standard, err := schema.FromOpenAPI(docs)
	if err != nil {
		return nil, err
	}
	for _, name := range standard.Names() {
		if _, err := standard.Validator(name); err != nil {
			return nil, err
		}
	}
	files := standard.Files()
	text, err := read(o.values)
	if err != nil {
		return nil, err
	}
	values, err := descriptorValues(standard, text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.values, err)
	}
	files["descriptor-values.json"] = schema.DescriptorFile(values)
	return files, nil
}

// read returns a file's content, unpacked if it is gzip; no name is no content.
func read(name string) ([]byte, error) {
	if name == "" {
		return nil, nil
	}
	data, err := os.ReadFile(name)
	if err != nil || !bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		return data, err
	}
	zr, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("unpack %s: %w", name, err)
	}
	return io.ReadAll(zr)
}

// descriptorValues reads the list and spells types as the standard does.
func descriptorValues(s *schema.Standard, text []byte) ([]schema.DescriptorValue, error) {
	if len(text) == 0 {
		return nil, nil
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		return nil, err
	}
	column := func(name string) int { return slices.Index(rows[0], name) }
	typ, namespace, code := column("descriptor"), column("namespace"), column("codeValue")
	if typ < 0 || namespace < 0 || code < 0 {
		return nil, errors.New("the header must hold descriptor, namespace and codeValue")
	}
	out := make([]schema.DescriptorValue, 0, len(rows)-1)
	for _, row := range rows[1:] {
		r, ok := s.DescriptorResource(row[typ])
		if !ok {
			return nil, fmt.Errorf("the standard has no %s", row[typ])
		}
		out = append(out, schema.DescriptorValue{Type: r.Descriptor, Namespace: row[namespace], CodeValue: row[code]})
	}
	return out, nil
}
