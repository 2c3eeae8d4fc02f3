// Package validate is the gate: it judges every staged record as the target would, writes a verdict
// for each, and the pass without which send does nothing.
//
// It owns the judgement that needs more than one record: keys that stand twice, references to
// staged records and to the target's, descriptor values, and what depends on what is invalid. The
// check of a single record is schema's. It changes nothing at the target and prints nothing.
package validate

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-edfi/sluice/pkg/catalog"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/keyset"
	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/rules"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// Options says what is judged, and by whom.
type Options struct {
	Run *runs.Run // whose transform ended well

	// Client is the target; nil: offline, against Standard and EmbeddedDescriptors.
	Client  *target.Client
	Catalog func(context.Context) (*catalog.Catalog, error) // opens what the target offers and holds
	Target  runs.Target                                     // its Identity, BaseURL, Environment, ClientID; the rest is asked

	Standard            *schema.Standard
	EmbeddedDescriptors []schema.DescriptorValue
	Against             string   // offline: what Standard is, for the pass
	Students            Students // whose enrollments results are compared with; nil: nothing is known of any

	NoEnrollments bool // the tenant has a roster, and it knows of none

	Embedded []string // data standards that records can be shaped for

	Ledger    *ledger.Ledger               // what the target accepted from here; nil: nothing yet
	AcceptNew bool                         // results that the ledger does not know are new at the target: a person has looked
	Command   func(words ...string) string // how advice writes a command of sluice; nil: diag.ShellCommand

	Modelling  bool              // ask what makes results of use, too (modelling.go)
	Rules      *rules.Set        // of bundle and tenant; nil: none
	LastTotals map[string]string // of the run to compare with; nil: there is none

	Workers  int              // 0: one
	Now      func() time.Time // never nil
	Logger   *slog.Logger     // nil: nothing is logged
	Progress *Progress        // nil: nobody watches
}

// Progress may be watched while Run works.
type Progress struct {
	BytesTotal atomic.Int64
	BytesRead  atomic.Int64
	Records    atomic.Int64
}

// gate is one execution of the stage. It is owned by the goroutine of Run; workers read standard
// and descriptors, and what earlier resources left in judged.
//
// A run is judged one resource after the other, descriptors first and then in load order:
//
//	blocks of lines ─► workers   the schema, the natural key, descriptor values, and references to
//	                             what was judged before
//	                ─► receiver  numbers the keys and collects duplicates and open references
//	the whole file  ─► finish    duplicates, references within the file, the target's answers, and
//	                             what depends on records that do not pass
//	                ─► write     verdicts/<resource>, counts, problems with their source lines
type gate struct {
	options     Options
	run         *runs.Run
	standard    *schema.Standard
	descriptors *descriptorValues
	catalog     *catalog.Catalog // nil: offline
	references  *catalog.References
	namespaces  []string // folded prefixes of those that the credential is for; none: not known
	judged      map[string]*resource
	problems    *runs.Problems
	counts      *runs.ValidateCounts
	verdicts    map[string]jsonl.Digest
	staged      map[string]string // digests of what stands there
	lost        []string          // resources of which staged records are gone
	sums        rules.Sums
	declared    *declared
	totals      map[string]string // of rules, by name
	withheld    error             // why there is no pass, whatever the verdicts are
	planned     *catalog.Plan     // not nil: this is told, and nothing is judged or written
	events      *runs.PassEvents  // nil: no results are staged, or nobody was asked
	guard       *diag.Error       // too many results are at the target under other identifiers
}

func (g *gate) online() bool { return g.catalog != nil }

// Result is what the gate found, for the manifest.
type Result struct {
	Counts   *runs.ValidateCounts
	Verdicts map[string]jsonl.Digest // of verdicts/, by resource
	Target   *runs.Target            // nil: offline
	Pass     *runs.Pass              // nil: none, beside an error
	Totals   map[string]string       // of rules, by name
	Withheld error                   // why there is no pass although all was judged; nil: there is one
}

// Run judges what is staged and writes verdicts/ and problems/validate.*. Records that are not valid
// are no error: they are in the counts. Of a run that lost staged records there are counts beside the
// error, and no pass.
func Run(ctx context.Context, o Options) (*Result, error) {
	o = o.withDefaults()
	c, err := o.open(ctx)
	if err != nil {
		return nil, err
	}
	return run(ctx, o, c)
}

// open asks what the target offers and holds; nil: offline. A run that was shaped for another major data
// standard is refused before that.
func (o *Options) open(ctx context.Context) (*catalog.Catalog, error) {
	if o.Client == nil {
		return nil, nil
	}
	about, err := o.Client.Discover(ctx)
	if err != nil {
		return nil, target.Explain(err, "the target could not be asked")
	}
	if err := Fits(o.Run.DataStandard, about.Standard(), o.Embedded, true); err != nil {
		return nil, err
	}
	o.Target.APIVersion, o.Target.DataStandard = about.Version, about.Standard()
	o.Target.BaseURL = cmp.Or(o.Target.BaseURL, o.Client.BaseURL())
	return o.Catalog(ctx)
}

// Fits refuses records that were shaped for another major data standard than the target's, or, offline, than
// the one that they would be judged by. What is not known fits.
func Fits(shaped, version string, embedded []string, online bool) error {
	if shaped == "" || version == "" || schema.SameMajor(shaped, version) {
		return nil
	}
	who := "the target has"
	if !online {
		who = "it would be judged by"
	}
	_, advice := schema.Shaping(embedded, version)
	return diag.Fail(diag.Guarded, diag.StandardMismatch, advice,
		"the run was shaped for data standard %s, %s %s", shaped, who, version)
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Progress == nil {
		o.Progress = &Progress{}
	}
	return o
}

// run judges the staged files; without a catalog, offline.
func run(ctx context.Context, o Options, c *catalog.Catalog) (result *Result, err error) {
	g, err := newGate(o, c)
	if err != nil {
		return nil, err
	}
	known, unknown, err := g.plan()
	if err != nil {
		return nil, err
	}
	if err := g.clearVerdicts(); err != nil {
		return nil, err
	}
	if g.problems, err = g.run.NewProblems(runs.Validate); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, g.problems.Close())
		}
	}()
	for i, name := range known {
		if err := g.judge(ctx, name, known[i+1:]); err != nil {
			return nil, err
		}
	}
	for _, name := range unknown {
		if err := g.refuse(name); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(g.missingFiles(), g.judgeTotals()); err != nil {
		return nil, err
	}
	if err := errors.Join(g.problems.Acknowledge(), g.problems.Commit()); err != nil {
		return nil, unwritable(err, g.run.File("problems"))
	}
	if err := g.checkEquation(); err != nil {
		return nil, err
	}
	if err := cmp.Or(g.guardLost(), g.guardSame()); err != nil {
		return &Result{Counts: g.counts}, err
	}
	return g.result(), nil
}

// newGate makes the gate of a run that fits.
func newGate(o Options, c *catalog.Catalog) (*gate, error) {
	g := &gate{options: o, run: o.Run, standard: o.Standard, catalog: c, references: c.References(), judged: map[string]*resource{},
		counts: &runs.ValidateCounts{Resources: map[string]runs.Verdicts{}}, verdicts: map[string]jsonl.Digest{}, staged: map[string]string{}}
	if c != nil {
		g.standard, g.namespaces, g.counts.Online = c.Standard(), c.Namespaces(), true
	}
	g.declared = newDeclared()
	if o.Rules != nil {
		g.sums = o.Rules.NewSums()
	}
	g.descriptors = newDescriptorValues(g.standard, c, o.EmbeddedDescriptors)
	return g, Fits(g.run.DataStandard, g.standard.Version, o.Embedded, g.online())
}

// Plan tells how Run would look up at the target what the staged records refer to, and what that costs. It reads
// the staged files and counts collections at the target; it judges and writes nothing.
func Plan(ctx context.Context, o Options) (*catalog.Plan, error) {
	o = o.withDefaults()
	c, err := o.open(ctx)
	if err != nil {
		return nil, err
	}
	return plan(ctx, o, c)
}

func plan(ctx context.Context, o Options, c *catalog.Catalog) (*catalog.Plan, error) {
	g, err := newGate(o, c)
	if err != nil {
		return nil, err
	}
	g.planned, g.descriptors.planning = &catalog.Plan{}, true
	known, _, err := g.plan()
	for i, name := range known {
		if err == nil {
			err = g.judge(ctx, name, known[i+1:])
		}
	}
	c.PlanDescriptors(g.planned)
	return g.planned, err
}

// plan orders what is staged: descriptors first, since any record may use them, then by load
// order, and last what the data standard does not know.
func (g *gate) plan() (known, unknown []string, err error) {
	names, err := g.run.StagedResources()
	if err != nil {
		return nil, nil, unreadable(err, g.run.File("staged"))
	}
	var descriptors, others []string
	for _, n := range names {
		if info, err := os.Stat(g.run.StagedFile(n)); err == nil {
			g.options.Progress.BytesTotal.Add(info.Size())
		}
		switch r, ok := g.standard.Resource(n); {
		case !ok:
			unknown = append(unknown, n)
		case r.Descriptor != "":
			descriptors = append(descriptors, n)
		default:
			others = append(others, n)
		}
	}
	for _, wave := range append(g.standard.Waves(descriptors), g.standard.Waves(others)...) {
		known = append(known, wave...)
	}
	return known, unknown, nil
}

// clearVerdicts removes what an earlier execution said: it may have been about other lines.
func (g *gate) clearVerdicts() error {
	if err := os.RemoveAll(g.run.File("verdicts")); err != nil {
		return unwritable(err, g.run.File("verdicts"))
	}
	if err := durable.MkdirAll(g.run.File("verdicts")); err != nil {
		return unwritable(err, g.run.File("verdicts"))
	}
	return g.clearSameEvents()
}

// judge judges one resource; later are those that follow and may refer to it.
func (g *gate) judge(ctx context.Context, name string, later []string) error {
	res, _ := g.standard.Resource(name)
	checker, ok := g.standard.Checker(name)
	if !ok {
		return diag.Fail(diag.CouldNotRun, diag.Internal, "", "no check for %s", name)
	}
	r := &resource{name: name, gate: g, checker: checker, descriptor: res.Descriptor != "",
		links: map[*schema.Reference]*link{}, list: newProblemList(name), free: sync.Pool{New: func() any { return &batch{} }}}
	if name == catalog.Results && g.online() {
		r.perAssessment = map[keyset.Key]int64{}
	}
	for _, ref := range res.References {
		r.links[ref] = g.link(res, ref)
	}
	if name == events && g.options.NoEnrollments {
		r.list.add(diag.Problem{Code: diag.EnrollmentNone, Message: "the roster has no enrollments, so nothing is said of where the students were enrolled"})
	}
	if err := r.stream(ctx); err != nil {
		return err
	}
	if err := r.finish(ctx); err != nil {
		return err
	}
	if g.planned == nil {
		if err := g.write(r); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(later, func(n string) bool { return g.refersTo(n, name) }) {
		g.judged[name] = &resource{name: name, keys: r.keys, verdicts: r.verdicts} // the rest is not needed any more
	}
	g.options.Logger.Debug("judged", "resource", name, "records", len(r.verdicts))
	return nil
}

func (g *gate) refersTo(name, target string) bool {
	res, _ := g.standard.Resource(name)
	return res.RefersTo(target)
}

// link prepares a reference for judgement.
func (g *gate) link(res *schema.Resource, ref *schema.Reference) *link {
	l := &link{ref: ref, path: res.JSONPath(ref.Path), self: slices.Contains(ref.Targets, res.Name)}
	for i := range ref.Path {
		if p, ok := res.Property(ref.Path[:i+1]); ok && p.Kind == schema.KindArray {
			l.nested = true
		}
	}
	for _, t := range ref.Targets {
		if j := g.judged[t]; j != nil {
			l.staged = append(l.staged, j)
		}
	}
	if len(ref.Targets) > 0 {
		l.referent = g.references.Referent(ref)
	}
	return l
}

func unwritable(err error, path string) error {
	return diag.FailWith(err, diag.CouldNotRun, diag.MachineDisk, "Check the folder's permissions and free space, then validate again.",
		"%s cannot be written", path)
}
