package report

import (
	"bytes"
	"io"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/runs"
)

// File is a file of the run's folder that a person may want to open.
type File struct {
	Path string `json:"path"` // in the folder, with slashes
	What string `json:"what"`
}

// files lists what there is to open, the rows to correct first. Lists without an entry are left out.
func files(r *runs.Run) []File {
	all := []File{}
	add := func(folder, name string, what func(name string) string) {
		if file := r.File(folder, name); filepath.Ext(name) == ".csv" && !hasRows(file) {
			return
		} else if _, err := os.Stat(file); err != nil {
			return
		}
		all = append(all, File{path.Join(folder, name), what(strings.TrimSuffix(name, path.Ext(name)))})
	}
	lists := func(folder string, what func(name string) string) {
		entries, _ := os.ReadDir(r.File(folder)) // none: nothing to open
		for _, e := range entries {
			if filepath.Ext(e.Name()) == ".csv" {
				add(folder, e.Name(), what)
			}
		}
	}
	is := func(text string) func(string) string { return func(string) string { return text } }
	lists("rejects", func(name string) string {
		if strings.HasSuffix(name, ".reasons") {
			return "why these rows are there, in the same order"
		}
		if strings.HasSuffix(name, ".lost") {
			return "lines of rows that could not be read again, and why they need correcting"
		}
		if strings.Contains(name, ".edited") {
			return "rows that somebody edited before others were written"
		}
		return "rows to correct and to load again"
	})
	add("", "unmapped.csv", is("values that no table knows, with the row to add"))
	add("", "candidates.csv", is("students whom ids that are not known may belong to, for a person to decide"))
	lists("errors", func(name string) string { return name + " that did not load, with the target's own words" })
	lists("problems", func(name string) string { return "every problem of " + name + ", with file, line and column" })
	add("", "mappings.csv", is("what each value of the file became"))
	add("", "log.jsonl", is("what went on, and when"))
	add("", "run.json", is("what ran, with which files and settings"))
	return append(all, File{"report.json", "this page for programs"})
}

// hasRows reports whether a CSV file has more than its header.
func hasRows(file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 64<<10)
	n, _ := io.ReadFull(f, head)
	end := bytes.IndexByte(head[:n], '\n')
	return n == len(head) || end >= 0 && end+1 < n
}

// relative is a path in the run's folder as a link from a page there.
func relative(path string) string { return (&url.URL{Path: path}).String() }
