package pipeline

import (
	"cmp"
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/mapping"
	"github.com/sluice-edfi/sluice/pkg/rules"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/source"
	"github.com/sluice-edfi/sluice/pkg/tenant"
)

// Request is what a new run is to be made of.
type Request struct {
	Bundle string            // a folder, or name[@version]
	Inputs []string          // NAME=FILE; FILE may be a pattern, a pipe, or - for standard input
	Params map[string]string // they win over the tenant's

	// Student is the column that students' ids are read from, whatever the tenant says and the last run
	// did: a person has chosen. Empty: the tenant's, or the first that a file has.
	Student string

	Run string // the run directory; empty: runs/<tenant>/<time>-<bundle> beside sluice.yaml
	// Read says, by input, how its files are written where that is neither what the bundle says nor the
	// tenant.
	Read map[string]bundle.Reading

	Rematch bool // columns and systems of students' ids are chosen anew
	Retry   bool // the rows were rejected before

	Tables string // folder of overlays in place of the tenant's; empty: the tenant's
}

// prepared is a transform of which everything is known that can be before a file is read.
type prepared struct {
	request  Request
	program  *mapping.Program
	students *students         // nil: ids are taken as they stand
	student  map[string]string // the column of each input in the tenant's last run; nil: any may be
	inputs   []source.Input
	path     string // of the run directory, absolute
	manifest runs.Manifest
	rules    []rules.Source // of the bundle
}

// Create compiles the mapping, finds the inputs, and takes the lock of the run directory to be. The
// run itself is made by Transform.
func (x *Execution) Create(ctx context.Context, q Request) error {
	m, err := x.prepare(ctx, q)
	if err != nil {
		return err
	}
	return x.claim(m)
}

// claim takes the lock of the run directory to be. A folder that is foreign is refused before that, so
// that not even the lock is left in it.
func (x *Execution) claim(m *prepared) error {
	if err := runs.CheckFree(m.path); err != nil {
		return err
	}
	x.prepared = m
	return x.lockRun(m.path)
}

// prepare loads and compiles; it writes nothing.
func (x *Execution) prepare(ctx context.Context, q Request) (*prepared, error) {
	if q.Tables != "" {
		t := *x.tenant // the configuration is not changed
		t.Tables = q.Tables
		x.tenant = &t
	}
	b, err := x.place.Bundle(q.Bundle)
	if err != nil {
		return nil, err
	}
	if err := x.stray(b, q.Params); err != nil {
		return nil, err
	}
	read := x.readAs(b, q.Read)
	if b, err = b.ReadAs(read); err != nil {
		return nil, err
	}
	name := ""
	if x.tenant != nil {
		name = x.tenant.Name
	}
	standard, why, err := x.standard(b)
	if err != nil {
		return nil, err
	}
	config, err := x.place.transformConfig(b, standard, x.tenant, q.Params)
	if err != nil {
		return nil, err
	}
	if err := x.place.needs(q.Bundle, b, q.Inputs, config.Params); err != nil {
		return nil, err
	}
	files, err := source.Find(b, q.Inputs)
	if err != nil {
		return nil, err
	}
	config.RosterColumn = cmp.Or(q.Student, config.RosterColumn)
	known, err := x.openStudents(q, b.Name)
	if err != nil {
		return nil, err
	}
	if known != nil {
		config.Students = known
	}
	program, err := x.compile(ctx, config, q.Bundle)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	own, err := x.checkRules(b, standard, now)
	if err != nil {
		return nil, err
	}
	path, err := x.runPath(q, b.Name, files, now)
	if err != nil {
		return nil, err
	}
	folder, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	student := "the vendor's id as it stands"
	if known != nil {
		student = "the roster"
	}
	if config.RosterColumn != "" {
		student = "column " + config.RosterColumn
	}
	manifest := runs.Manifest{Tool: x.place.Tool, Created: now.UTC(), Tenant: name, Student: student, StudentAsked: q.Student != "", Params: config.Params,
		Folder:       folder,
		Bundle:       runs.Bundle{Name: b.Name, Version: b.Version, Digest: b.Digest, Origin: b.Origin, Assessment: strings.TrimSpace(b.Family + " " + b.FamilyVersion)},
		DataStandard: standard.Version, StandardFrom: why, LeftOut: program.LeftOut, ReadAs: map[string]string{}}
	for in, r := range read {
		manifest.ReadAs[in] = r.String()
	}
	columns, err := x.lastStudents(b.Name, q.Student)
	return &prepared{q, program, known, columns, files, path, manifest, own}, err
}

// runPath is where the run is to lie.
func (x *Execution) runPath(q Request, bundle string, files []source.Input, now time.Time) (string, error) {
	path := q.Run
	if path == "" {
		name := ""
		if x.tenant != nil {
			name = x.tenant.Name
		}
		path = runs.NewPath(x.place.Config.Runs, name, bundle, now)
	}
	if strings.ContainsAny(path, "\n\r") { // lists of runs have one to a line
		return "", diag.Fail(diag.Usage, diag.ConfigRun, "Name another folder with --run.", "the path of the run directory %q holds a line break", path)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return path, source.CheckOutside(path, files)
}

// readAs joins how the tenant and the command say that files are written; the command wins.
func (x *Execution) readAs(b *bundle.Bundle, asked map[string]bundle.Reading) map[string]bundle.Reading {
	all := map[string]bundle.Reading{}
	if x.tenant != nil {
		for in, r := range x.tenant.Inputs[b.Name] {
			all[in] = bundle.Reading(r)
		}
	}
	for in, r := range asked {
		all[in] = bundle.Reading{Encoding: cmp.Or(r.Encoding, all[in].Encoding), Delimiter: cmp.Or(r.Delimiter, all[in].Delimiter)}
	}
	return all
}

// compile compiles the bundle, in whose tables nothing may refer to what is not there; ref is how it was named.
func (x *Execution) compile(ctx context.Context, config mapping.Config, ref string) (*mapping.Program, error) {
	program, problems, err := mapping.Compile(ctx, config)
	if err != nil {
		return nil, err
	}
	if problems.Blocks() {
		return nil, x.place.Unusable(ref, problems)
	}
	for _, p := range problems {
		x.logger.Info("bundle warning", "code", p.Code, "at", p.Pos().String())
	}
	x.references = x.place.References(program)
	found := slices.DeleteFunc(x.references.Problems(), func(p diag.Problem) bool { return p.Code != diag.BundleOverlay }) // the others are for the bundle's author
	if found.Blocks() {
		return nil, x.place.Unusable(ref, found)
	}
	x.known = append(x.known, found...)
	return program, nil
}

// transformConfig joins bundle, tenant and parameters. Parameters of the tenant that the bundle does
// not have are for other bundles; those given win.
func (w *Workplace) transformConfig(b *bundle.Bundle, s *schema.Standard, t *tenant.Tenant, given map[string]string) (mapping.Config, error) {
	config := mapping.Config{Bundle: b, Standards: []*schema.Standard{s}, Params: map[string]string{}}
	if t != nil {
		config.LEACodes, config.RosterColumn = t.LEACodes, t.RosterColumn
		for _, p := range b.Params {
			if v, ok := t.Params[p.Name.Value]; ok {
				config.Params[p.Name.Value] = v
			}
		}
		var err error
		if config.Overlay, err = w.overlay(t, b.Name); err != nil {
			return config, err
		}
	}
	maps.Copy(config.Params, given)
	return config, nil
}
