package validate

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
)

// changed says if a staged file is not what transform wrote; moved, if lines were added or removed,
// so that origins no longer tell where a line came from.
func (g *gate) changed(name string, d jsonl.Digest) (p *diag.Problem, moved bool) {
	p = &diag.Problem{Code: diag.RecordEdited, Level: diag.LevelOf(diag.RecordEdited), Resource: name}
	switch was, ok := g.run.Staged[name]; {
	case !ok:
		moved = true
		p.Message = fmt.Sprintf("staged/%s.jsonl was not written by transform; it was judged as it stands (lines: %d)", name, d.Lines)
	case was.SHA256 == d.SHA256:
		return nil, false
	case d.Lines < was.Lines:
		moved = true
		g.lost = append(g.lost, name)
		p.Level = diag.LevelError
		p.Message = fmt.Sprintf("staged/%s.jsonl has %s, and transform wrote %d: records are lost", name, diag.Counted(int(d.Lines), "line", "lines"), was.Lines)
	case was.Lines != d.Lines:
		moved = true
		p.Message = fmt.Sprintf("staged/%s.jsonl was changed after transform, which wrote %s: the %d it has now were judged as they stand, and their source lines are not known", name, diag.Counted(int(was.Lines), "line", "lines"), d.Lines)
	default:
		p.Message = fmt.Sprintf("staged/%s.jsonl was changed after transform; it was judged as it stands", name)
	}
	return p, moved
}

// missingFiles says which staged files that transform wrote are gone.
func (g *gate) missingFiles() error {
	for _, name := range slices.Sorted(maps.Keys(g.run.Staged)) {
		if _, ok := g.counts.Resources[name]; ok {
			continue
		}
		g.lost = append(g.lost, name)
		err := g.listAll(diag.List{{Code: diag.RecordEdited, Level: diag.LevelError, Resource: name,
			Message: fmt.Sprintf("staged/%s.jsonl is gone; transform wrote it with %s", name, diag.Counted(int(g.run.Staged[name].Lines), "line", "lines"))}})
		if err != nil {
			return err
		}
	}
	return nil
}

// guardLost stops a run of which staged records are gone: a pass would let send load the rest and
// call it everything.
func (g *gate) guardLost() error {
	if len(g.lost) == 0 {
		return nil
	}
	slices.Sort(g.lost)
	return diag.Fail(diag.Guarded, diag.RecordEdited, fmt.Sprintf("Run `sluice transform` again with --run %s; what is not to be loaded is left out by the bundle's `when`, or of the input.", diag.ShellWord(g.run.Path)),
		"staged records that transform wrote are gone, of %s; the run has no pass", strings.Join(g.lost, ", "))
}

// addOrigins fills in where the records of problems, sorted by line, came from.
func (g *gate) addOrigins(name string, problems diag.List) error {
	isOfLine := func(p diag.Problem) bool { return p.StagedLine > 0 }
	if !slices.ContainsFunc(problems, isOfLine) {
		return nil
	}
	path, i := g.run.OriginFile(name), 0
	err := jsonl.Each(path, func(l jsonl.Line) error {
		for ; i < len(problems) && problems[i].StagedLine <= int(l.Number); i++ {
			if p := &problems[i]; isOfLine(*p) {
				origin, _ := jsonl.ParseOrigin(string(l.Text)) // of a record of a table the table is named
				p.Input, p.File, p.Line = origin.Input, g.run.InputFile(origin), int(origin.Line)
			}
		}
		if i == len(problems) {
			return io.EOF // the rest of the file is not needed
		}
		return nil
	})
	if err != nil && !errors.Is(err, io.EOF) {
		return unreadable(err, path)
	}
	return nil
}
