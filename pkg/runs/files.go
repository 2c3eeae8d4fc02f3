package runs

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// File is the path of something in the run.
func (r *Run) File(elem ...string) string { return filepath.Join(append([]string{r.Path}, elem...)...) }

// StagedFile is the path of a resource's staged records.
func (r *Run) StagedFile(resource string) string { return r.File("staged", resource+".jsonl") }

// OriginFile is the path of a resource's origins.
func (r *Run) OriginFile(resource string) string { return r.File("staged", resource+".origin") }

// RejectFile is the path, in the run, of the rows of an input's file that are to be corrected. nth counts
// the input's files from 1, and is 0 for the only one; of several, each has the name of the vendor's file in
// its own, as far as it is letters, digits and the like.
func RejectFile(input string, nth int, from string) string {
	if nth > 0 {
		base := filepath.Base(filepath.ToSlash(from))
		base = strings.TrimSuffix(base, filepath.Ext(base))
		base = strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._-", r) {
				return r
			}
			return '_'
		}, strings.ToValidUTF8(base, "_"))
		for len(base) > 120 { // names of files are bounded, and others are made of this one
			_, size := utf8.DecodeLastRuneInString(base)
			base = base[:len(base)-size]
		}
		input += "-" + strconv.Itoa(nth) + "-" + base
	}
	return "rejects/" + input + ".csv"
}

// Beside is a file beside another one, which tells more of it.
func Beside(path, what string) string { return strings.TrimSuffix(path, ".csv") + "." + what + ".csv" }

// Rejected is a file of rows to correct.
type Rejected struct{ Input, Path string }

// Rejects lists the files of rows to correct, in the order of the inputs.
func (r *Run) Rejects() []Rejected {
	var all []Rejected
	for _, c := range r.ToCorrect {
		if c.Rows > 0 {
			all = append(all, Rejected{c.Input, r.File(c.File)})
		}
	}
	return all
}

// VerdictFile is the path of a resource's verdicts.
func (r *Run) VerdictFile(resource string) string { return r.File("verdicts", resource) }

// StagedResources lists the resources that have a staged file now, whether transform wrote it or not.
func (r *Run) StagedResources() ([]string, error) {
	entries, err := os.ReadDir(r.File("staged"))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".jsonl"); ok && e.Type().IsRegular() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}
