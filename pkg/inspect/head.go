package inspect

import (
	"bytes"
	"io"
	"os"
	"slices"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// Head is the beginning of a file, and how it seems to be written.
type Head struct {
	Text      []byte
	Encoding  string // to be declared by name; "" where the file says it, or is UTF-8
	Delimiter string

	name string
	size int64
}

// headBytes is how much of a file decides how it is written.
const headBytes = 256 << 10

// usualDelimiters are tried in this order.
var usualDelimiters = []string{",", "\t", ";", "|"}

// ReadHead reads the beginning of a file and finds out how it is written: with a usual delimiter or one of
// those that are expected, its header where one of the contracts has it. name is what messages call the
// file. What is not a text with rows is an error that says what it is.
func ReadHead(path, name string, contracts []Contract, expected ...string) (*Head, error) {
	info, err := table.Stat(path, name)
	if err != nil {
		return nil, err
	}
	h := &Head{name: name, size: info.Size()}
	if h.Text, err = Beginning(path); err != nil {
		return nil, diag.FailWith(err, diag.Usage, diag.ConfigFile, "Check the file's permissions.", "%s cannot be read", name)
	}
	h.Encoding = table.GuessEncoding(h.Text)
	shapes := []table.Options{{}}
	for _, c := range contracts {
		if !slices.ContainsFunc(shapes, func(o table.Options) bool { return slices.Equal(o.HeaderRows, c.Options.HeaderRows) }) {
			shapes = append(shapes, c.Options)
		}
	}
	most := -1
	for _, delimiter := range append(expected, usualDelimiters...) {
		for i, shape := range shapes {
			names, err := h.read(shape, delimiter)
			if err != nil && i == 0 {
				return nil, err
			}
			if len(names) > most {
				most, h.Delimiter = len(names), delimiter
			}
		}
	}
	return h, nil
}

// Beginning is as much of a file as decides how it is written.
func Beginning(path string) ([]byte, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close() //nolint:errcheck // read only
	return io.ReadAll(io.LimitReader(in, headBytes))
}

// as is how a file is read whose contract has these options, but for what the file itself tells.
func (h *Head) as(o table.Options, delimiter string) table.Options {
	o.Name, o.Format, o.Delimiter, o.Encoding = h.name, "", delimiter, h.Encoding
	return o
}

func (h *Head) read(o table.Options, delimiter string) ([]string, error) {
	r, err := table.OpenReader(h.name, bytes.NewReader(h.Text), h.as(o, delimiter))
	if err != nil {
		return nil, err
	}
	return r.Header().Names, nil
}

// names is how the columns are called if the header stands where a contract says; nil if it does not.
func (h *Head) names(o table.Options) []string {
	names, err := h.read(o, h.Delimiter)
	if err != nil {
		return nil
	}
	return names
}

// NoHeader reports whether the line where a contract has the header looks like a row.
func (h *Head) NoHeader(c Contract) bool {
	return slices.ContainsFunc(h.names(c.Options), func(name string) bool { return newTally(name, false).headerIsCell() })
}
