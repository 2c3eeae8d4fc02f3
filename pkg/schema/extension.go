package schema

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"iter"
	"path"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// namespaces is the object at _ext: its properties are the namespaces of extensions.
var namespaces = &Object{Open: true}

// Undeclared is a property of extension data, of which only the target knows the schema; nil if the object has no
// such data. types are the descriptor types with which its name may end.
func (o *Object) Undeclared(name string, types iter.Seq[string]) *Property {
	switch {
	case name == extensions:
		return &Property{Name: name, Kind: KindObject, Object: namespaces}
	case o == namespaces:
		return &Property{Name: name, Kind: KindObject, Object: &Object{Open: true}}
	case o.Open:
		byName := map[string]string{}
		for typ := range types {
			byName[strings.ToLower(typ)] = typ
		}
		return &Property{Name: name, Kind: KindAny, Descriptor: descriptorOf(name, byName), Object: o}
	}
	return nil
}

// OfExtension reports whether a record was found to have extension data, of which the standard knows nothing: the
// embedded ones know of no extension.
func (f *Finding) OfExtension() bool {
	return f.Code == diag.RecordUnknown && strings.HasSuffix(f.Path, "."+extensions)
}

// Extend adds extension data to resources of an embedded standard, for an emulator that is to have some. extension is
// JSON: by resource and namespace, an object's schema in the form of the embedded files.
func Extend(fsys fs.FS, version string, extension []byte) (fs.FS, error) {
	var added map[string]map[string]map[string]any
	if err := json.Unmarshal(extension, &added); err != nil {
		return nil, fmt.Errorf("read the extension: %w", err)
	}
	out := extended{fsys, map[string][]byte{}}
	for resource, spaces := range added {
		text, err := readEmbedded(fsys, version, resource+".json")
		if err != nil {
			return nil, fmt.Errorf("data standard %s has no %s", version, resource)
		}
		var f map[string]any
		if err := json.Unmarshal(text, &f); err != nil {
			return nil, fmt.Errorf("read schema of %s: %w", resource, err)
		}
		f["properties"].(map[string]any)[extensions] = map[string]any{"type": "object", "additionalProperties": false, "properties": spaces}
		if text, err = json.Marshal(f); err == nil {
			err = decode(text, &resourceSchema{})
		}
		if err != nil {
			return nil, fmt.Errorf("the extension of %s: %w", resource, err)
		}
		out.files[path.Join(folderPrefix+version, resource+".json")] = text
	}
	return out, nil
}

// extended is a file system of which some files have other contents.
type extended struct {
	fs.FS
	files map[string][]byte
}

// ReadFile reads a file as it was extended, or as it is.
func (e extended) ReadFile(name string) ([]byte, error) {
	if text, ok := e.files[name]; ok {
		return text, nil
	}
	return fs.ReadFile(e.FS, name)
}
