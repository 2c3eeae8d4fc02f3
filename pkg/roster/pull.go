package roster

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io/fs"
	"net/url"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/keyset"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// Reader reads the records of a target; *target.Client is one.
type Reader interface {
	Count(ctx context.Context, resource string, query url.Values) (int64, error)
	EachNow(ctx context.Context, resource string, workers int, yield func(items []json.RawMessage) error) error
	EachChanged(ctx context.Context, resource string, version int64, workers int, yield func(items []json.RawMessage) error) error
	EachDeleted(ctx context.Context, resource string, version int64, yield func(ids []string) error) error
	NewestChangeVersion(ctx context.Context) (int64, error)
}

// renamed marks, among the records that changed, students whose own record was read.
const renamed = "studentUniqueId"

// The resources that a roster is read from. Codes are on a record of their own from Data Standard 6.0 on, and
// before on the student's association with an organization.
const (
	students     = "students"
	enrollments  = "studentSchoolAssociations"
	Codes        = "studentIdentificationCodes"
	Associations = "studentEducationOrganizationAssociations"
)

// PullOptions says how a target's students are read. Codes and Target must be set.
type PullOptions struct {
	Codes       string // the resource that has the identification codes; empty: the data standard has none
	Target      string // identity of the target
	Full        bool   // read all, whatever is known
	AcceptFewer bool   // a person knows that there are none, or far fewer than before
	Crosswalk   []Own
	Now         time.Time
	Progress    *Progress // nil: nobody looks
}

// Progress is how far a pull is; it may be read at any time.
type Progress struct{ Done, Total atomic.Int64 }

// Pull is what a pull did.
type Pull struct {
	*About
	Changes int64          // records that were read because they had changed
	Deleted int64          // records that others had deleted
	Whole   string         // why all was read; empty: changes alone
	Left    map[string]int // ids that are not kept, by identification system
}

// unkept are identification systems whose ids are not kept: nobody should find students by them.
var unkept = []string{"ssn", "canadian sin"}

// overlap is by how many change versions a pull goes back behind the one before. What others were writing while
// that one read may have an older version than the newest it was told of, and be seen only later. A small target
// has few versions altogether: there it is a tenth of them.
const overlap = 1000

// workers is how many pages are under way at a time.
const workers = 4

// errWhole says that changes alone do not do; it holds the reason.
type errWhole string

func (e errWhole) Error() string { return string(e) }

// PullFrom reads the students of a target into the index at path: by change versions on top of the index that is
// there, or whole. The index is replaced when everything was read.
func PullFrom(ctx context.Context, r Reader, path string, o PullOptions) (*Pull, error) {
	if o.Progress == nil {
		o.Progress = &Progress{}
	}
	p := &pull{reader: r, path: path, PullOptions: o}
	var err error
	if p.before, err = Open(path); err == nil {
		defer p.before.Close() //nolint:errcheck // read only
	}
	unread := ""
	switch {
	case errors.Is(err, fs.ErrNotExist):
		unread = "there was no roster yet"
	case errors.Is(err, errDamaged):
		unread = "the roster that was there is damaged, or of another version"
	case err != nil:
		return nil, err
	}
	if p.version, err = newestChange(ctx, r); err != nil {
		return nil, err
	}
	if err := p.probe(ctx); err != nil {
		return nil, err
	}
	whole := p.needsWhole(unread)
	for {
		done, err := p.read(ctx, whole)
		if why, again := errors.AsType[errWhole](err); again && whole == "" {
			whole = string(why)
			continue
		}
		return done, err
	}
}

// newestChange is the newest change version; 0 if the target does not say.
func newestChange(ctx context.Context, r Reader) (int64, error) {
	newest, err := r.NewestChangeVersion(ctx)
	if errors.Is(err, target.ErrNotOffered) || target.IsKind(err, target.Forbidden, target.NotFound, target.Odd, target.Validation) {
		return 0, nil
	}
	return newest, explained(err)
}

func explained(err error) error { return target.Explain(err, "the students could not be read") }

// pull is a pull at work.
type pull struct {
	PullOptions
	reader  Reader
	path    string
	before  *Index // nil: none
	version int64  // the newest, before anything was read
	unread  []string
	counts  map[string]int64 // of the resources that may be read
	changed keyset.Set       // records that changed or were deleted
	done    *Pull
	w       *Writer
}

// resources are what is read, the students first.
func (p *pull) resources() []string {
	all := []string{students, enrollments}
	if p.Codes != "" {
		all = append(all, p.Codes)
	}
	return all
}

// probe asks how many records there are, and which the credential may not read.
func (p *pull) probe(ctx context.Context) error {
	p.counts = map[string]int64{}
	for _, resource := range p.resources() {
		n, err := p.reader.Count(ctx, resource, nil)
		switch {
		case target.IsKind(err, target.Forbidden, target.NotFound):
			p.unread = append(p.unread, resource)
			continue
		case err != nil && !errors.Is(err, target.ErrNoCount):
			return explained(err)
		}
		p.counts[resource] = n
	}
	if slices.Contains(p.unread, students) && slices.Contains(p.unread, enrollments) {
		return diag.Fail(diag.CouldNotRun, diag.AuthForbidden, "Ask the target's host for a claim set that reads students, such as Roster Vendor or Assessment Vendor.",
			"the credential may not read the students")
	}
	return nil
}

// needsWhole is why changes alone would not do; empty: they may.
func (p *pull) needsWhole(unread string) string {
	if p.Full {
		return "--full"
	}
	if unread != "" {
		return unread
	}
	before := &p.before.About().Origin
	switch {
	case before.From != Pulled:
		return "the roster was imported before"
	case before.Target != p.Target:
		return "the roster is of another target or another store"
	case p.version == 0 || before.Version == 0:
		return "the target does not tell what changed"
	case p.version < before.Version:
		return "the target has gone back: its newest change is older than the one that the roster has seen"
	case !slices.Equal(before.Unread, p.unread) || before.Codes != p.Codes:
		return "the credential may read other resources than before"
	}
	return ""
}

// read makes the index: whole says why all is read, or is empty.
func (p *pull) read(ctx context.Context, whole string) (*Pull, error) {
	p.done, p.changed = &Pull{Whole: whole, Left: map[string]int{}}, keyset.Set{}
	p.Progress.Done.Store(0)
	p.w = Create(p.path)
	defer p.w.Close() //nolint:errcheck // it is committed, or an error is on its way
	steps := []func(context.Context) error{p.deletes, p.changes, p.keep}
	if whole != "" {
		steps = []func(context.Context) error{p.all}
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return nil, explained(err)
		}
	}
	if err := addCrosswalk(p.w, p.Crosswalk); err != nil {
		return nil, err
	}
	if p.before != nil {
		_ = p.before.Close() // what was read of it is all that is needed; Windows does not replace an open file
	}
	p.w.Accept = func(about *About) error { return explained(p.accept(ctx, about, whole)) }
	var err error
	p.done.About, err = p.w.Commit(Origin{From: Pulled, Pulled: p.Now, Target: p.Target, Version: p.version, Unread: p.unread, Codes: p.Codes}, p.Now)
	return p.done, err
}

// accept looks at what was read before it takes the place of what was there.
func (p *pull) accept(ctx context.Context, about *About, whole string) error {
	if whole == "" {
		if err := p.compare(ctx, about); err != nil {
			return err
		}
	}
	return guardFewer(p.before, about, p.AcceptFewer, "the target shows")
}

// guardFewer refuses an index that has no students, or far fewer than the one before.
func guardFewer(before *Index, now *About, accept bool, who string) error {
	const next = "Check the credential and the target, or the file. If it is right, run the command again with --accept-fewer."
	switch {
	case accept:
	case now.Students == 0:
		return diag.Fail(diag.Guarded, diag.GuardRoster, next, "%s no students", who)
	case before != nil && now.Students*2 < before.Size():
		return diag.Fail(diag.Guarded, diag.GuardRoster, next, "%s %s; there were %d before", who, diag.Counted(int(now.Students), "student", "students"), before.Size())
	}
	return nil
}

// compare makes sure that changes told everything. A student who comes from another district, for one, is seen
// from that day on, though the record is as old as ever.
func (p *pull) compare(ctx context.Context, about *About) error {
	have := map[string]int64{students: about.Named, enrollments: about.Enrollments, p.Codes: about.Coded}
	for _, resource := range p.resources() {
		if slices.Contains(p.unread, resource) {
			continue
		}
		n, err := p.reader.Count(ctx, resource, nil)
		if errors.Is(err, target.ErrNoCount) {
			return errWhole("the target does not count its records")
		}
		if err != nil {
			return err
		}
		if have := have[resource]; n != have {
			return errWhole("the changes did not tell everything: the target has " + strconv.FormatInt(n, 10) + " " + resource + ", and " + strconv.FormatInt(have, 10) + " were known")
		}
	}
	return nil
}

// all reads all records.
func (p *pull) all(ctx context.Context) error {
	total := int64(0)
	for _, n := range p.counts {
		total += n
	}
	p.Progress.Total.Store(total)
	return p.eachReadable(func(resource string, take func([]json.RawMessage) error) error {
		return p.reader.EachNow(ctx, resource, workers, take)
	})
}

// changes reads what changed since the pull before.
func (p *pull) changes(ctx context.Context) error {
	p.Progress.Total.Store(0)
	return p.eachReadable(func(resource string, take func([]json.RawMessage) error) error {
		return p.reader.EachChanged(ctx, resource, p.since(), workers, func(items []json.RawMessage) error {
			p.done.Changes += int64(len(items))
			return take(items)
		})
	})
}

func (p *pull) since() int64 {
	version := p.before.About().Origin.Version
	return version - min(overlap, version/10)
}

// deletes reads what was deleted since the pull before. It comes first: a record that is deleted after that is
// still known, and goes with the next pull.
func (p *pull) deletes(ctx context.Context) error {
	for _, resource := range p.resources() {
		if slices.Contains(p.unread, resource) {
			continue
		}
		err := p.reader.EachDeleted(ctx, resource, p.since(), func(ids []string) error {
			for _, id := range ids {
				p.changed.Add(recordOf(resource, id))
			}
			p.done.Deleted += int64(len(ids))
			return nil
		})
		if target.IsKind(err, target.Forbidden, target.NotFound, target.Validation) {
			return errWhole("the target does not tell this credential what was deleted (" + resource + "/deletes)")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// keep takes over from the index before what has not changed.
func (p *pull) keep(context.Context) error {
	stale := func(r Record) bool {
		_, found := p.changed.Find(r)
		return found
	}
	return p.before.Each(func(s *Student) error {
		s.IDs = slices.DeleteFunc(s.IDs, func(id ID) bool { return id.Own || stale(id.Record) })
		s.Enrollments = slices.DeleteFunc(s.Enrollments, func(e Enrollment) bool { return stale(e.Record) })
		s.Silent = slices.DeleteFunc(s.Silent, stale)
		if stale(s.Record) || stale(recordOf(renamed, s.UniqueID)) {
			s.Record, s.LastName, s.FirstName, s.BirthDate = Record{}, "", "", ""
		}
		if s.Record == (Record{}) && len(s.IDs) == 0 && len(s.Enrollments) == 0 && len(s.Silent) == 0 {
			return nil
		}
		return p.w.Add(s)
	})
}

// eachReadable reads the resources that may be read, one after the other.
func (p *pull) eachReadable(read func(resource string, take func([]json.RawMessage) error) error) error {
	parts := map[string]func(Record, []byte) (*Student, error){students: p.student, enrollments: p.enrollment, Codes: p.code, Associations: p.association}
	for _, resource := range p.resources() {
		if slices.Contains(p.unread, resource) {
			continue
		}
		err := read(resource, func(items []json.RawMessage) error {
			for _, item := range items {
				if err := p.take(resource, item, parts[resource]); err != nil {
					return err
				}
			}
			p.Progress.Done.Add(int64(len(items)))
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// take adds what a record says of a student.
func (p *pull) take(resource string, item []byte, part func(Record, []byte) (*Student, error)) error {
	id := target.IDOf(item)
	record := recordOf(resource, id)
	if p.done.Whole == "" {
		p.changed.Add(record)
	}
	s, err := part(record, item)
	if err == nil && s.UniqueID == "" {
		err = errors.New("it names no student")
	}
	if err == nil && id == "" {
		err = errors.New("it has no id")
	}
	if err != nil {
		return diag.FailWith(err, diag.CouldNotRun, diag.TargetOdd, "Ask the target's administrator.", "a record of %s cannot be read", resource)
	}
	return p.w.Add(s)
}

func recordOf(resource, id string) Record {
	if resource != renamed {
		id = target.NormalID(id)
	}
	sum := sha256.Sum256([]byte(resource + "/" + id))
	return Record(sum[:16])
}
