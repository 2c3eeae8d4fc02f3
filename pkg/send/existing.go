package send

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// Another loader may have brought the same events to the target under identifiers of its own. Loading
// them again would double each of them.
const (
	results     = "studentAssessments"
	assessments = "assessments"
	looked      = 100 // results of an assessment that are looked at
	shown       = 3   // of those, as examples

	firstResults = 1000 // of a run that stages no assessments, read for those that they refer to
	everyResult  = 100  // of the others
)

// assessment is one that results of the run refer to.
type assessment struct {
	key   ledger.Hash
	name  string
	query url.Values
}

func newAssessment(key ledger.Hash, parts []schema.KeyValue) assessment {
	a := assessment{key: key, query: url.Values{"offset": {"0"}, "limit": {strconv.Itoa(looked)}}}
	var name []string
	for _, p := range parts {
		a.query.Set(p.Name, string(p.Value))
		name = append(name, string(p.Value))
	}
	a.name = strings.Join(name, ", ")
	return a
}

// loadedNote begins the names of the ledger's notes that say of which assessments results came from here.
const loadedNote = "loaded "

func (a *assessment) note() string { return loadedNote + hex.EncodeToString(a.key[:]) }

// checkExisting stops the load of results into a target that holds results of the same assessment, none
// of which came from here.
func (l *loader) checkExisting(ctx context.Context) error {
	if l.options.AcceptExisting || l.staged[results].lines == 0 {
		return nil
	}
	all, err := l.stagedAssessments()
	if err != nil {
		return err
	}
	notes, err := l.to.Ledger.Notes(ctx)
	if err != nil {
		return err
	}
	for _, a := range all {
		_, loaded := notes[a.note()]
		if loaded && !l.changes.deleted {
			continue
		}
		existing, examples, err := l.existing(ctx, a)
		if err != nil {
			return err
		}
		switch ours, err := l.areOurs(ctx, a, existing, loaded); {
		case err != nil:
			return err
		case ours:
			continue
		}
		next := l.to.Command("send", l.run.Path, "--tenant", l.to.Tenant, "--accept-existing")
		return &diag.Error{Kind: diag.Guarded, Code: diag.GuardExisting, Problems: examples,
			Next: "Compare them with staged/" + results + ".jsonl; if they are other results than those of this run, run `" + next + "`.",
			Message: fmt.Sprintf("the target already holds results of the assessment %q, and the ledger knows of none that came from here: "+
				"the same results under other identifiers would be doubled", a.name)}
	}
	return nil
}

// stagedAssessments are the assessments of the run. If it has none, its results tell: the first ones, and
// one in a hundred of the others, because to read all of them would take as long as sending them.
func (l *loader) stagedAssessments() (all []assessment, err error) {
	if l.assessments != nil {
		return l.assessments, nil
	}
	known := map[ledger.Hash]bool{}
	add := func(key ledger.Hash, parts []schema.KeyValue) {
		if !known[key] {
			known[key] = true
			all = append(all, newAssessment(key, parts))
		}
	}
	n := 0
	if l.staged[assessments].lines > 0 {
		err = l.eachStaged(assessments, func(c *schema.Checker, text []byte, rec *schema.Record) bool {
			if c.Key(text, rec); rec.Key.OK {
				add(rec.Key.Hash, rec.Key.Parts)
			}
			return true
		})
	} else {
		err = l.eachStaged(results, func(c *schema.Checker, text []byte, rec *schema.Record) bool {
			if n++; n <= firstResults || n%everyResult == 0 {
				c.Check(text, rec)
				if u := assessmentOf(rec); u != nil {
					add(u.HashFor(assessments), u.Parts)
				}
			}
			return true
		})
	}
	l.assessments = all
	return all, err
}

// assessmentOf is the reference of a result to its assessment.
func assessmentOf(rec *schema.Record) *schema.ReferenceUse {
	for i := range rec.References {
		if u := &rec.References[i]; slices.Equal(u.Reference.Targets, []string{assessments}) {
			return u
		}
	}
	return nil
}

// eachStaged reads a staged file until use returns false.
func (l *loader) eachStaged(name string, use func(c *schema.Checker, text []byte, rec *schema.Record) bool) error {
	checker, ok := l.to.Standard.Checker(name)
	if !ok {
		return nil
	}
	r := &resource{loader: l, name: name, file: l.staged[name]}
	return r.readFile(nil, func(s *staged) error {
		var b block
		var rec schema.Record
		for {
			if err := s.next(&b); err != nil {
				if errors.Is(err, io.EOF) {
					return nil
				}
				return err
			}
			for i := range b.lines {
				if !use(checker, b.lines[i].text, &rec) {
					return nil
				}
			}
		}
	})
}

// existing asks for the results of an assessment that the target holds, and describes some of them.
func (l *loader) existing(ctx context.Context, a assessment) (keys []ledger.Hash, examples diag.List, err error) {
	known, found := l.to.Standard.Resource(results)
	checker, ok := l.to.Standard.Checker(results)
	if !found || !ok {
		return nil, nil, nil
	}
	got, err := l.to.Client.Get(ctx, known.Endpoint(), a.query)
	if target.IsKind(err, target.Forbidden) {
		l.to.warn(results, "the credential may not read results, so it is not known whether another loader brought the same ones")
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, target.Explain(err, "the target could not be asked for the results that it holds")
	}
	var items []json.RawMessage
	if err := json.Unmarshal(got.Body, &items); err != nil {
		return nil, nil, diag.FailWith(err, diag.CouldNotRun, diag.TargetOdd, "", "the target's %s cannot be read", results)
	}
	var rec schema.Record
	for _, item := range items {
		checker.Check(item, &rec)
		// A target may not know a parameter and answer with all that it has.
		if u := assessmentOf(&rec); u == nil || u.HashFor(assessments) != a.key || !rec.Key.OK {
			continue
		}
		// As problems, because a message goes into logs and reports, and other loaders make identifiers of students' ids.
		id := rec.Key.Part("studentAssessmentIdentifier")
		example := diag.Problem{Code: diag.GuardExisting, Level: diag.LevelFormat, Resource: results,
			Key: "studentAssessmentIdentifier=" + string(id), Message: fmt.Sprintf("the target holds, for example, %q", id)}
		if len(examples) < shown && !slices.Contains(examples, example) {
			examples = append(examples, example)
		}
		keys = append(keys, rec.Key.Hash)
	}
	return keys, examples, nil
}

// areOurs reports whether results of an assessment at the target came from here: one of these or of the
// staged ones was sent before and not deleted there, or at least half have the key of a staged one, which is
// then the same record and not a second one; a few equal keys may be chance. Of an assessment that was loaded
// from here, a rebuilt ledger knows no more than that one is there. If there are no results, none can be
// doubled.
func (l *loader) areOurs(ctx context.Context, a assessment, existing []ledger.Hash, loaded bool) (ours bool, err error) {
	if len(existing) == 0 {
		return true, nil
	}
	known := l.to.Ledger.Sent
	if loaded {
		known = l.to.Ledger.Knows
	}
	if ours, err = known(ctx, existing); err != nil || ours {
		return ours, err
	}
	var keys []ledger.Hash
	same := map[ledger.Hash]bool{}
	failed := l.eachStaged(results, func(c *schema.Checker, text []byte, rec *schema.Record) bool {
		c.Check(text, rec)
		if u := assessmentOf(rec); u == nil || u.HashFor(assessments) != a.key || !rec.Key.OK {
			return true
		}
		if slices.Contains(existing, rec.Key.Hash) {
			same[rec.Key.Hash] = true
		} else if !l.changes.isGone(rec.Key.Hash) {
			keys = append(keys, rec.Key.Hash)
		}
		ours = 2*len(same) >= len(existing)
		return !ours
	})
	for part := range slices.Chunk(keys, 10_000) {
		if !ours && err == nil {
			ours, err = l.to.Ledger.Sent(ctx, part)
		}
	}
	return ours, errors.Join(failed, err)
}

// noteLoaded keeps in mind that results of these assessments came from here.
func (l *loader) noteLoaded(ctx context.Context) error {
	c := l.counts.Resources[results]
	if c.Created+c.Updated+c.Unchanged == 0 {
		return nil
	}
	all, err := l.stagedAssessments()
	if err != nil {
		return err
	}
	notes := map[string]string{}
	for _, a := range all {
		notes[a.note()] = ""
	}
	return l.to.Ledger.Note(ctx, notes)
}
