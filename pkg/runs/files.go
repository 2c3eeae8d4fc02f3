package runs

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// File is the path of something in the run.
func (r *Run) File(elem ...string) string { return filepath.Join(append([]string{r.Path}, elem...)...) }

// StagedFile is the path of a resource's staged records.
func (r *Run) StagedFile(resource string) string { return r.File("staged", resource+".jsonl") }

// OriginFile is the path of a resource's origins.
func (r *Run) OriginFile(resource string) string { return r.File("staged", resource+".origin") }

// RejectFile is the path of the rejected rows of an input's file; nth counts the input's files from 1,
// and is 0 for the only one.
func (r *Run) RejectFile(input string, nth int) string {
	if nth > 0 {
		input += "-" + strconv.Itoa(nth)
	}
	return r.File("rejects", input+".csv")
}

// Rejected is a file of rejected rows.
type Rejected struct{ Input, Path string }

// Rejects lists the files of rejected rows, in the order of the inputs.
func (r *Run) Rejects() []Rejected {
	files, nth := map[string]int{}, map[string]int{}
	for _, in := range r.Inputs {
		files[in.Name]++
	}
	var all []Rejected
	for _, in := range r.Inputs {
		if files[in.Name] > 1 {
			nth[in.Name]++
		}
		path := r.RejectFile(in.Name, nth[in.Name])
		if _, err := os.Stat(path); err == nil {
			all = append(all, Rejected{in.Name, path})
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
