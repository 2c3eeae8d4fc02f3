// Command gen writes the embedded data standards from the documents that describe them: the OpenAPI
// documents and the dependencies of an Ed-Fi API, and lists of standard descriptor values. It keeps facts
// only, and what it writes depends on nothing but its input.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/sluice-edfi/sluice/pkg/schema"
)

// standards are the data standards to embed, those that others take facts from first.
var standards = []standard{
	{version: "3.3", values: "3.3"},
	{version: "4.0", values: "4.0"},
	{version: "5.0", values: "5.0"},
	{version: "5.1", values: "5.1"},
	{version: "6.0", values: "5.2"}, // none are published for 6.0
	{version: "5.2", values: "5.2", neighbours: []string{"6.0", "5.0", "5.1"}},
}

// standard says what a data standard is made of.
type standard struct {
	version string
	values  string // the data standard whose descriptor values it ships with
	// Standards whose documents come from the ODS/API, where this one's do not (see settle); the nearest last.
	neighbours []string
}

func main() {
	from := flag.String("from", "", "folder of the documents: openapi/ds-5.1-resources.json.gz and so on (schemas/README.md)")
	out := flag.String("o", "schemas", "folder to write; the .json files of its ds- folders are replaced")
	flag.Parse()
	if err := run(*from, *out); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(from, out string) error {
	if from == "" {
		return errors.New("-from is needed; see -h")
	}
	done := map[string]*schema.Standard{}
	for _, s := range standards {
		files, err := s.files(from, done)
		if err == nil {
			err = write(filepath.Join(out, "ds-"+s.version), files)
		}
		if err != nil {
			return fmt.Errorf("data standard %s: %w", s.version, err)
		}
	}
	return nil
}

// files are what belongs into the folder of the standard. It adds the standard to those that are done.
func (s standard) files(from string, done map[string]*schema.Standard) (map[string][]byte, error) {
	document := func(name string) ([]byte, error) {
		return read(filepath.Join(from, "openapi", "ds-"+s.version+"-"+name+".json.gz"))
	}
	docs := schema.Documents{Version: s.version, Resources: make([][]byte, 1), Descriptors: make([][]byte, 1)}
	var err error
	if docs.Resources[0], err = document("resources"); err != nil {
		return nil, err
	}
	if docs.Descriptors[0], err = document("descriptors"); err != nil {
		return nil, err
	}
	if docs.Dependencies, err = document("dependencies"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err // without it the load order is derived
	}
	made, err := schema.FromOpenAPI(docs)
	if err != nil {
		return nil, err
	}
	var neighbours []*schema.Standard
	for _, v := range s.neighbours {
		neighbours = append(neighbours, done[v])
	}
	settle(made, neighbours)
	done[s.version] = made
	for _, name := range made.Names() {
		if _, err := made.Validator(name); err != nil {
			return nil, err
		}
	}
	files := made.Files()
	list := filepath.Join(from, "descriptors", "ed-fi-descriptors-ds-"+s.values+".csv.gz")
	text, err := read(list)
	if err != nil {
		return nil, err
	}
	values, err := descriptorValues(made, text, s.values == s.version)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", list, err)
	}
	files["descriptor-values.json"] = schema.DescriptorFile(values)
	return files, nil
}

// write replaces the .json files of a folder.
func write(folder string, files map[string][]byte) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(folder, "*.json"))
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
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// read returns the unpacked content of a file.
func read(name string) ([]byte, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	zr, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("unpack %s: %w", name, err)
	}
	return io.ReadAll(zr)
}

// descriptorValues reads a list and spells types as the standard does. A list of another standard may hold
// types that this one lacks; they are left out.
func descriptorValues(s *schema.Standard, text []byte, own bool) ([]schema.DescriptorValue, error) {
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, errors.New("the list is empty")
	}
	column := func(name string) int { return slices.Index(rows[0], name) }
	typ, namespace, code := column("descriptor"), column("namespace"), column("codeValue")
	if typ < 0 || namespace < 0 || code < 0 {
		return nil, errors.New("the header must hold descriptor, namespace and codeValue")
	}
	out := make([]schema.DescriptorValue, 0, len(rows)-1)
	for _, row := range rows[1:] {
		r, ok := s.DescriptorResource(row[typ])
		if ok {
			out = append(out, schema.DescriptorValue{Type: r.Descriptor, Namespace: row[namespace], CodeValue: row[code]})
		} else if own {
			return nil, fmt.Errorf("the standard has no %s", row[typ])
		}
	}
	return out, nil
}
