package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// The folder of an embedded standard is named ds-5.1. It holds these files beside <resource>.json.
const (
	folderPrefix   = "ds-"
	standardFile   = "standard.json"
	descriptorFile = "descriptor.json"
	valuesFile     = "descriptor-values.json"
)

// DescriptorValue is a descriptor that ships with a data standard.
type DescriptorValue struct {
	Type      string // GradeLevelDescriptor
	Namespace string
	CodeValue string
}

// Versions are the embedded data standards, oldest first.
func Versions(fsys fs.FS) []string {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		if v, ok := strings.CutPrefix(e.Name(), folderPrefix); ok && e.IsDir() {
			out = append(out, v)
		}
	}
	slices.SortFunc(out, CompareVersions)
	return out
}

// CompareVersions orders data standards, oldest first.
func CompareVersions(a, b string) int { return slices.Compare(versionNumbers(a), versionNumbers(b)) }

func versionNumbers(v string) []int {
	var out []int
	for part := range strings.SplitSeq(v, ".") {
		n, _ := strconv.Atoi(part) // what is not a number sorts first
		out = append(out, n)
	}
	return out
}

// StandardDescriptors are the descriptor values that ship with a data standard, sorted by type,
// namespace and code.
func StandardDescriptors(fsys fs.FS, version string) ([]DescriptorValue, error) {
	text, err := readEmbedded(fsys, version, valuesFile)
	if err != nil {
		return nil, err
	}
	var byType map[string]map[string][]string
	if err := json.Unmarshal(text, &byType); err != nil {
		return nil, fmt.Errorf("read descriptor values of data standard %s: %w", version, err)
	}
	var out []DescriptorValue
	for _, typ := range slices.Sorted(maps.Keys(byType)) {
		for _, ns := range slices.Sorted(maps.Keys(byType[typ])) {
			for _, code := range byType[typ][ns] {
				out = append(out, DescriptorValue{Type: typ, Namespace: ns, CodeValue: code})
			}
		}
	}
	return out, nil
}

// contents is the file of a standard that lists its endpoints.
type contents struct {
	Version   string              `json:"version"`
	Endpoints map[string]endpoint `json:"endpoints"`
}

type endpoint struct {
	Order      int    `json:"order"`
	Descriptor string `json:"descriptor,omitempty"` // of an endpoint whose schema is that of all descriptors
}

// Load reads an embedded data standard. A resource is decoded when it is first asked for: a command
// needs a few of some hundred. The files are part of the binary, so that one which cannot be decoded
// is a fault of the build: it panics.
func Load(fsys fs.FS, version string) (*Standard, error) {
	text, err := readEmbedded(fsys, version, standardFile)
	if err != nil {
		return nil, err
	}
	var c contents
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, fmt.Errorf("read data standard %s: %w", version, err)
	}
	s := newStandard(c.Version)
	descriptor := sync.OnceValue(func() *Resource { return mustDecode(fsys, version, descriptorFile) })
	for name, e := range c.Endpoints {
		if e.Descriptor != "" {
			s.descriptors[strings.ToLower(e.Descriptor)] = name
		}
		s.resources[name] = sync.OnceValue(func() *Resource {
			if e.Descriptor == "" {
				r := mustDecode(fsys, version, name+".json")
				r.Name, r.Order = name, e.Order
				return r
			}
			r := *descriptor() // all descriptors share their objects, which nobody changes
			r.Name, r.Order, r.Descriptor = name, e.Order, e.Descriptor
			return &r
		})
	}
	return s, nil
}

func mustDecode(fsys fs.FS, version, name string) *Resource {
	var f resourceSchema
	text, err := readEmbedded(fsys, version, name)
	if err == nil {
		err = decode(text, &f)
	}
	if err != nil {
		panic(fmt.Sprintf("embedded data standard %s: %s: %v", version, name, err))
	}
	return f.resource()
}

func readEmbedded(fsys fs.FS, version, name string) ([]byte, error) {
	text, err := fs.ReadFile(fsys, path.Join(folderPrefix+version, name))
	if err != nil {
		return nil, fmt.Errorf("data standard %s is not embedded (there is %s): %w", version, strings.Join(Versions(fsys), ", "), err)
	}
	return text, nil
}

// Files are the files of the standard that Load reads, by name: a JSON Schema for each resource, one
// that all descriptors share, and the list of endpoints with their load order.
func (s *Standard) Files() map[string][]byte {
	files := map[string][]byte{}
	list := contents{Version: s.Version, Endpoints: map[string]endpoint{}}
	for r := range s.All {
		e := endpoint{Order: r.Order}
		if r.Descriptor != "" {
			shared := r.schema()
			shared.Title, shared.Descriptor = "", ""
			text := layOut(shared)
			if files[descriptorFile] == nil {
				files[descriptorFile] = text
			}
			if bytes.Equal(text, files[descriptorFile]) {
				e.Descriptor = r.Descriptor
			}
		}
		if e.Descriptor == "" {
			files[r.Name+".json"] = layOut(r.schema())
		}
		list.Endpoints[r.Name] = e
	}
	files[standardFile] = layOut(list)
	return files
}

// closing is a closing bracket on a line of its own, except the one of the whole text.
var closing = regexp.MustCompile(`\n +([]}])`)

// DescriptorFile is the file of descriptor values that StandardDescriptors reads: types, their
// namespaces, the codes of each, all sorted.
func DescriptorFile(values []DescriptorValue) []byte {
	byType := map[string]map[string][]string{}
	for _, v := range values {
		if byType[v.Type] == nil {
			byType[v.Type] = map[string][]string{}
		}
		byType[v.Type][v.Namespace] = append(byType[v.Type][v.Namespace], v.CodeValue)
	}
	for _, namespaces := range byType {
		for _, codes := range namespaces {
			slices.Sort(codes)
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	_ = enc.Encode(byType) // text into memory: cannot fail
	text := closing.ReplaceAll(b.Bytes(), []byte("$1"))
	return bytes.ReplaceAll(text, []byte("\n "), []byte("\n"))
}
