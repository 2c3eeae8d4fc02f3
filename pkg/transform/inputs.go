package transform

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/mapping"
	"github.com/sluice-edfi/sluice/pkg/source"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// boundFile is a file of an input, bound to its headers.
type boundFile struct {
	input  *mapping.Input
	place  mapping.Place
	number int // index among the files of its input
	local  source.Local
	plan   *mapping.Plan
	sha256 string
	bytes  int64
	rows   int64
	lines  int64 // below the header
}

func (f *boundFile) open() (table.Reader, error) {
	o := f.input.Def.TableOptions()
	o.Name, o.Input = f.local.Name, f.input.Name
	return table.Open(f.local.Path, o)
}

// openInputs opens and binds all files, so that whatever is wrong with a header is known before any
// row, all of it at once.
func (r *runner) openInputs(given map[string][]source.Local) error {
	p := r.program
	names := p.InputNames()
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(names, name) {
			return diag.Fail(diag.Usage, diag.ConfigInput, "Its inputs are "+strings.Join(names, ", ")+".", "the bundle %s has no input %q%s", p.Bundle.Name, name, diag.DidYouMean(name, names))
		}
	}
	var problems diag.List
	var failed []*diag.Error
	for _, in := range p.Inputs() {
		locals := given[in.Name]
		if len(locals) == 0 && !in.Def.Optional {
			return diag.Fail(diag.Usage, diag.ConfigInput, "Give it with --input "+in.Name+"=FILE.", "the input %q has no file", in.Name)
		}
		if err := readable(in.Def); err != nil {
			return err
		}
		for i, local := range locals {
			f := &boundFile{input: in, number: i, local: local, place: mapping.Place{Input: in.Name, File: local.Name}}
			if len(locals) > 1 {
				f.place.Number = i + 1
			}
			if err := r.bindFile(f); err != nil {
				e, ok := diag.AsError(err)
				if !ok {
					return err
				}
				failed = append(failed, e)
				problems = append(problems, e.Problems...)
				continue
			}
			r.files[in] = append(r.files[in], f)
			passes := int64(1)
			if in.Def.HasKeys() {
				passes++
			}
			if r.measure != nil && len(f.plan.StudentColumns()) > 0 {
				passes++
			}
			r.progress.BytesTotal.Add(passes * local.Size)
		}
	}
	switch len(failed) {
	case 0:
		return r.sameStudent()
	case 1:
		return failed[0]
	}
	joined := *failed[0]
	joined.Problems = problems
	joined.Message, joined.Next = fmt.Sprintf("%d files cannot be read as the bundle says", len(failed)), "Correct them, then run the command again."
	return &joined
}

// sameStudent refuses to take the student from another column than in the run's other files, or than in the
// tenant's last run: ids of two kinds would load as two students. Files of another input count if that has
// the column too.
func (r *runner) sameStudent() error {
	name, where := "", ""
	for _, in := range r.program.Inputs() {
		if last := r.student[in.Name]; last != "" {
			name, where = last, "the last run of the bundle that was loaded"
		} else if !slices.Contains(bundle.Values(in.Def.Student), name) {
			name = ""
		}
		for _, f := range r.files[in] {
			own := f.plan.StudentName
			switch {
			case own == "": // no row of it has a student
				continue
			case own != name && name != "":
				return diag.Fail(diag.Guarded, diag.FileDrift, "Find out which of them holds the ids that the target knows; then say so: --student "+own+", or --student "+name+".",
					"%s would take the student from its column %s (%s), but %s took it from %s: one student could be loaded as two", f.place.File, f.plan.Student, own, where, name)
			}
			name, where = own, f.place.File
		}
	}
	return nil
}

// readable refuses what a bundle may describe and this version cannot read.
func readable(def *bundle.Input) error {
	format := table.FormatOf(def.Format.Value)
	what := "`unpack`"
	switch {
	case format.Support != table.Readable:
		what = format.Files
	case len(def.Unpack) == 0:
		return nil
	}
	return diag.Fail(diag.Usage, diag.BundleUnsupported, "Use a version of sluice that does.", "this version cannot read %s (%s)", what, def.Format.Pos)
}

// bindFile reads a file's header and binds the input to it.
func (r *runner) bindFile(f *boundFile) error {
	src, err := f.open()
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }() // read only
	header := src.Header()
	f.plan, err = r.program.Bind(f.input, f.place.File, header.Names, header.Hint)
	if err == nil && header.Doubt != "" {
		f.plan.Notes = append(f.plan.Notes, diag.Problem{Code: diag.FileEncoding, Level: diag.LevelWarning, File: f.place.File,
			Message: header.Doubt, Fix: "If letters are wrong in what is staged, run again with --encoding " + f.input.Name + "=utf-8."})
	}
	return err
}
