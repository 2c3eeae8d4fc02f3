package table

import (
	"io"
	"slices"
)

// Support says what this version can do with a format.
type Support uint8

// What this version can do with a format; the zero value is that of a name that nobody knows.
const (
	Unknown  Support = iota
	Foreseen         // known by name alone; a bundle may not use it yet
	Declared         // a bundle may describe such files, but they cannot be read
	Readable
)

// Format is an entry of the registry: all that the rest of the program may ask about a format.
type Format struct {
	Name      string
	Support   Support
	Files     string             // what messages call such files
	HasHeader bool               // files name their columns; else `layouts` of the bundle do
	Delimiter string             // what separates cells unless an input says otherwise; empty: nothing does
	CanSample bool               // synthetic files can be written
	Refuses   map[string]Refusal // keys of an input that make no sense with the format

	open func(name string, r io.Reader, o Options) (Reader, error)
}

// Refusal says why a key of an input makes no sense with a format, and what to do.
type Refusal struct{ Why, Fix string }

// formats is the registry, in the order in which messages list the names. A format is added here, with
// a file of this package that reads it.
var formats = []Format{
	{
		Name: "csv", Support: Readable, HasHeader: true, Delimiter: ",", CanSample: true,
		open: openDelimited,
	},
	{
		Name: "tsv", Support: Readable, HasHeader: true, Delimiter: "\t", CanSample: true,
		Refuses: map[string]Refusal{
			"delimiter": {"a tsv file has tabs", "Write `format: csv` with a delimiter, or leave the delimiter out."},
		},
		open: openDelimited,
	},
	{
		Name: "fixed", Support: Declared, Files: "files of fixed length",
		Refuses: map[string]Refusal{
			"delimiter":   {"a fixed file has no delimiters", "Leave it out."},
			"quotes":      {"a fixed file has no quotes", "Leave it out."},
			"header_rows": {"a fixed file has no header", "Leave it out; `layouts` names the fields."},
		},
	},
	{Name: "xlsx", Support: Foreseen},
	{Name: "xls", Support: Foreseen},
	{Name: "xml", Support: Foreseen},
	{Name: "json", Support: Foreseen},
	{Name: "jsonl", Support: Foreseen},
}

// FormatOf finds a format by its name; no name is csv. The Support of the result tells whether there
// is one.
func FormatOf(name string) Format {
	if name == "" {
		return formats[0]
	}
	if i := slices.IndexFunc(formats, func(f Format) bool { return f.Name == name }); i >= 0 {
		return formats[i]
	}
	return Format{Name: name}
}

// FormatNames lists the formats that a bundle may use and for which keep is true.
func FormatNames(keep func(Format) bool) []string {
	var names []string
	for _, f := range formats {
		if f.Support >= Declared && keep(f) {
			names = append(names, f.Name)
		}
	}
	return names
}
