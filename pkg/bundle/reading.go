package bundle

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// Reading says how the files of an input are written where that is not what the bundle says; empty: it is.
type Reading struct{ Encoding, Delimiter string }

// String says it as run.json does.
func (r Reading) String() string {
	var parts []string
	if r.Encoding != "" {
		parts = append(parts, "encoding "+r.Encoding)
	}
	if r.Delimiter != "" {
		parts = append(parts, "delimiter "+cmp.Or(map[string]string{"\t": "tab"}[r.Delimiter], r.Delimiter))
	}
	return strings.Join(parts, ", ")
}

// delimiterWords are delimiters that are hard to type in a shell.
var delimiterWords = map[string]string{"tab": "\t", "comma": ",", "semicolon": ";", "bar": "|"}

// ReadAs is the bundle with inputs whose files are written otherwise. b does not change.
func (b *Bundle) ReadAs(inputs map[string]Reading) (*Bundle, error) {
	if len(inputs) == 0 {
		return b, nil
	}
	other := *b
	other.Inputs = slices.Clone(b.Inputs)
	var known []string
	for _, in := range b.Inputs {
		known = append(known, in.Name.Value)
	}
	for name, r := range inputs {
		i := slices.Index(known, name)
		if i < 0 {
			return nil, diag.Fail(diag.Usage, diag.ConfigInput, "Inputs of "+b.Name+": "+strings.Join(known, ", ")+".",
				"bundle %s has no input %q%s", b.Name, name, diag.DidYouMean(name, known))
		}
		in := *b.Inputs[i]
		if r.Encoding != "" {
			if err := table.CheckEncoding(r.Encoding); err != nil {
				return nil, diag.FailWith(err, diag.Usage, diag.ConfigInput, "Write it as windows-1252, utf-8 or utf-16le.", "input %s", name)
			}
			in.Encoding.Value = r.Encoding
		}
		if r.Delimiter != "" {
			in.Delimiter = cmp.Or(delimiterWords[r.Delimiter], r.Delimiter)
			if !table.ValidDelimiter(in.Delimiter) {
				return nil, diag.Fail(diag.Usage, diag.ConfigInput, "Write one character, or tab, comma, semicolon or bar.", "input %s: %q cannot separate cells", name, r.Delimiter)
			}
		}
		other.Inputs[i] = &in
	}
	return &other, nil
}
