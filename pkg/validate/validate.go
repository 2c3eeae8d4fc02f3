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
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sluice-edfi/sluice/pkg/catalog"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// Options says what is judged, and by whom.
type Options struct {
	Run    *runs.Run
	Tenant string // for which the records are; must be the run's

	// Client is the target; nil: offline, against Standard and EmbeddedDescriptors.
	Client *target.Client
	Target runs.Target // who the target is (Identity, BaseURL, Environment, ClientID); the rest is asked

	Standard            *schema.Standard
	EmbeddedDescriptors []schema.DescriptorValue

	CacheDir string           // keeps the target's metadata between runs; "": nothing is kept
	Workers  int              // 0: one
	Now      func() time.Time // nil: time.Now
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
type gate struct {
	options     Options
	run         *runs.Run
	standard    *schema.Standard
	descriptors *descriptorValues
	catalog     *catalog.Catalog // nil: offline
	references  *catalog.References
	namespaces  []string // folded prefixes of those that the credential is for; none: not known
	judged      map[string]*judged
	problems    *runs.Problems
	counts      *runs.ValidateCounts
	verdicts    map[string]jsonl.Digest
	staged      map[string]string // digests of what stands there
	lost        []string          // resources of which staged records are gone
}

func (g *gate) online() bool { return g.catalog != nil }

// Run judges what is staged. It writes verdicts/ and problems/validate.*, and sets Verdicts, Target
// and Pass of the run's manifest, which the caller saves. Records that are not valid are no error:
// they stand in the counts, which are given beside the guard's error for records that are gone too.
func Run(ctx context.Context, o Options) (*runs.ValidateCounts, error) {
	o = o.withDefaults()
	if err := guardRun(o); err != nil {
		return nil, err
	}
	if o.Client == nil {
		return run(ctx, o, nil)
	}
	about, err := o.Client.Discover(ctx)
	if err != nil {
		return nil, target.Explain(err, "the target could not be asked")
	}
	if err := guardStandard(o.Run, about.Standard(), true); err != nil {
		return nil, err
	}
	c, err := catalog.Open(ctx, o.Client, catalog.Options{Identity: o.Target.Identity, ClientID: o.Target.ClientID, CacheDir: o.CacheDir, Now: o.Now, Logger: o.Logger})
	if err != nil {
		return nil, err
	}
	o.Target.APIVersion, o.Target.DataStandard = about.Version, about.Standard()
	o.Target.BaseURL = cmp.Or(o.Target.BaseURL, o.Client.BaseURL())
	return run(ctx, o, c)
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Progress == nil {
		o.Progress = &Progress{}
	}
	return o
}

// run judges the staged files; without a catalog, offline.
func run(ctx context.Context, o Options, c *catalog.Catalog) (counts *runs.ValidateCounts, err error) {
	g := &gate{options: o, run: o.Run, standard: o.Standard, catalog: c, references: c.References(), judged: map[string]*judged{},
		counts: &runs.ValidateCounts{Resources: map[string]runs.Verdicts{}}, verdicts: map[string]jsonl.Digest{}, staged: map[string]string{}}
	if c != nil {
		g.standard, g.namespaces, g.counts.Online = c.Standard(), c.Namespaces(), true
	}
	g.descriptors = newDescriptorValues(g.standard, c, o.EmbeddedDescriptors)
	if err := guardStandard(g.run, g.standard.Version, g.online()); err != nil {
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
			err = joinClose(err, g.problems)
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
	if err := g.missingFiles(); err != nil {
		return nil, err
	}
	if err := g.problems.Commit(); err != nil {
		return nil, unwritable(err, g.run.File("problems"))
	}
	if err := g.checkEquation(); err != nil {
		return nil, err
	}
	if err := g.guardLost(); err != nil {
		return g.counts, err
	}
	g.pass()
	return g.counts, nil
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
	g.run.Verdicts, g.run.Pass = nil, nil
	if err := os.RemoveAll(g.run.File("verdicts")); err != nil {
		return unwritable(err, g.run.File("verdicts"))
	}
	if err := durable.MkdirAll(g.run.File("verdicts")); err != nil {
		return unwritable(err, g.run.File("verdicts"))
	}
	return nil
}

// judge judges one resource; later are those that follow and may refer to it.
func (g *gate) judge(ctx context.Context, name string, later []string) error {
	res, _ := g.standard.Resource(name)
	checker, ok := g.standard.Checker(name)
	if !ok {
		return diag.Fail(diag.CouldNotRun, diag.Internal, "", "no check for %s", name)
	}
	r := &resource{judged: judged{name: name}, gate: g, checker: checker, descriptor: res.Descriptor != "",
		links: map[*schema.Reference]*link{}, list: newProblemList(name)}
	for _, ref := range res.References {
		r.links[ref] = g.link(res, ref)
	}
	if err := r.stream(ctx); err != nil {
		return err
	}
	if err := r.finish(ctx); err != nil {
		return err
	}
	if err := g.write(r); err != nil {
		return err
	}
	if slices.ContainsFunc(later, func(n string) bool { return g.refersTo(n, name) }) {
		g.judged[name] = &judged{name, r.keys, r.verdicts}
	}
	g.options.Logger.Debug("judged", "resource", name, "records", len(r.verdicts))
	return nil
}

func (g *gate) refersTo(name, target string) bool {
	res, _ := g.standard.Resource(name)
	return slices.ContainsFunc(res.References, func(ref *schema.Reference) bool { return slices.Contains(ref.Targets, target) })
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

// write gives a resource's verdicts, counts and problems to the run.
func (g *gate) write(r *resource) error {
	var c runs.Verdicts
	text := make([]byte, len(r.verdicts))
	for i, v := range r.verdicts {
		text[i] = byte(v)
		c.Staged++
		switch v {
		case runs.Valid:
			c.Valid++
		case runs.Marked:
			c.Valid, c.Marked = c.Valid+1, c.Marked+1
		case runs.Duplicate:
			c.Valid, c.Duplicate = c.Valid+1, c.Duplicate+1
		case runs.Invalid:
			c.Invalid++
		case runs.Unchecked:
			c.Unchecked++
		}
	}
	g.counts.Resources[r.name] = c
	g.staged[r.name] = r.digest.SHA256
	if err := g.writeVerdicts(r.name, text); err != nil {
		return err
	}
	edited, moved := g.edited(r.name, r.digest)
	problems := r.list.finish()
	if !moved {
		if err := g.addOrigins(r.name, problems); err != nil {
			return err
		}
	}
	if edited != nil {
		problems = append(diag.List{*edited}, problems...)
	}
	for _, p := range problems {
		if err := g.problems.Add(p); err != nil {
			return unwritable(err, g.run.File("problems"))
		}
	}
	return nil
}

func (g *gate) writeVerdicts(name string, text []byte) error {
	path := g.run.VerdictFile(name)
	w, err := jsonl.Create(path)
	if err != nil {
		return unwritable(err, path)
	}
	if err := w.Write(text, len(text)); err != nil {
		return unwritable(joinClose(err, w), path)
	}
	d, err := w.Commit()
	if err != nil {
		return unwritable(err, path)
	}
	g.verdicts[name] = d
	return nil
}

// refuse declares every line of a resource that the data standard does not know invalid.
func (g *gate) refuse(name string) error {
	d, err := jsonl.DigestFile(g.run.StagedFile(name))
	if err != nil {
		return unreadable(err, g.run.StagedFile(name))
	}
	text := make([]byte, d.Lines)
	for i := range text {
		text[i] = byte(runs.Invalid)
	}
	g.counts.Resources[name] = runs.Verdicts{Staged: d.Lines, Invalid: d.Lines}
	g.staged[name] = d.SHA256
	g.options.Progress.BytesRead.Add(d.Bytes)
	g.options.Progress.Records.Add(d.Lines)
	if err := g.writeVerdicts(name, text); err != nil {
		return err
	}
	problem := diag.Problem{Code: diag.ResourceUnknown, Resource: name, Count: int(d.Lines),
		Message: fmt.Sprintf("data standard %s has no resource %q%s; none of the records in %s.jsonl can be sent", g.standard.Version, name,
			diag.DidYouMean(name, g.standard.Names()), name),
		Fix: "rename the file to the resource it is for, or remove it"}
	if _, ours := g.run.Staged[name]; ours {
		problem.Fix = "remove the resource from the bundle, then run transform again"
	}
	list := diag.List{problem}
	if edited, _ := g.edited(name, d); edited != nil {
		list = append(list, *edited)
	}
	for _, p := range list {
		if err := g.problems.Add(p); err != nil {
			return unwritable(err, g.run.File("problems"))
		}
	}
	return nil
}

// checkEquation makes sure that every line staged is accounted for.
func (g *gate) checkEquation() error {
	for name, c := range g.counts.Resources {
		if !c.Holds() || c.Staged != g.verdicts[name].Lines {
			return diag.Fail(diag.Guarded, diag.GuardEquation, "", "%s: %d staged are not %d valid + %d invalid + %d unchecked",
				name, c.Staged, c.Valid, c.Invalid, c.Unchecked)
		}
	}
	return nil
}

// pass sets what send asks for. An offline pass opens nothing, but says what was looked at.
func (g *gate) pass() {
	verdicts := map[string]string{}
	for name, d := range g.verdicts {
		verdicts[name] = d.SHA256
	}
	g.run.Verdicts = g.verdicts
	g.run.Pass = &runs.Pass{Tenant: g.run.Tenant, Bundle: g.run.Bundle.Digest, DataStandard: g.standard.Version, Online: g.online(),
		At: g.options.Now().UTC(), Staged: g.staged, Verdicts: verdicts}
	if g.online() {
		t := g.options.Target
		g.run.Target = &t
		g.run.Pass.Target = t.Identity
		return
	}
	for _, c := range g.counts.Resources {
		g.counts.OpenForTarget = g.counts.OpenForTarget || c.Unchecked > 0
	}
}

func unwritable(err error, path string) error {
	return diag.FailWith(err, diag.CouldNotRun, diag.MachineDisk, "check the folder's rights and free space, then validate again", "%s cannot be written", path)
}

// joinClose closes c and adds its error, if any, to err.
func joinClose(err error, c io.Closer) error {
	if e := c.Close(); e != nil {
		return errors.Join(err, e)
	}
	return err
}
