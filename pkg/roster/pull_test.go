package roster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// fake is a target in memory.
type fake struct {
	records  map[string]map[string]fakeRecord // by resource and id
	deleted  map[string][]fakeRecord
	newest   int64
	forbid   map[string]bool // resources, or resource/deletes
	fails    string          // the resource whose reading ends in an error
	noChange bool
	asked    []string
	during   func() // what others do while students are read
}

type fakeRecord struct {
	id      string
	version int64
	body    string
	hidden  bool
	key     string
}

func newFake() *fake {
	return &fake{records: map[string]map[string]fakeRecord{}, deleted: map[string][]fakeRecord{}, forbid: map[string]bool{}, newest: 5000}
}

func (f *fake) put(resource, id, body string) {
	f.newest += 1000 // as if much else were written: no pull may read it again for the overlap alone
	if f.records[resource] == nil {
		f.records[resource] = map[string]fakeRecord{}
	}
	given := f.records[resource][id].id
	if given == "" {
		given = fmt.Sprint(id, "-", f.newest) // what is made again is another record
	}
	f.records[resource][id] = fakeRecord{id: given, version: f.newest, body: `{"id":"` + given + `",` + body + `}`}
}

func (f *fake) remove(resource, id string) {
	if r, ok := f.records[resource][id]; ok {
		f.newest += 1000
		delete(f.records[resource], id)
		f.deleted[resource] = append(f.deleted[resource], fakeRecord{id: r.id, version: f.newest, key: id})
	}
}

func (f *fake) student(id string) {
	f.put(students, "s"+id, fmt.Sprintf(`"studentUniqueId":%q,"lastSurname":"L%d","firstName":"F","birthDate":"2015-01-02"`, id, f.newest))
}

func (f *fake) enroll(id, student, school string) {
	f.put(enrollments, id, fmt.Sprintf(`"entryDate":"2026-08-20","entryGradeLevelDescriptor":"uri://ed-fi.org/GradeLevelDescriptor#Fifth grade","schoolReference":{"schoolId":%s},"studentReference":{"studentUniqueId":%q}`, school, student))
}

func (f *fake) code(id, student, system, code string) {
	f.put(Codes, id, fmt.Sprintf(`"identificationCode":%q,"studentIdentificationSystemDescriptor":"uri://ed-fi.org/StudentIdentificationSystemDescriptor#%s","studentReference":{"studentUniqueId":%q}`, code, system, student))
}

func (f *fake) refuses(resource string) error {
	if f.forbid[resource] {
		return &target.Failure{Kind: target.Forbidden, Status: 403, Method: "GET", Resource: resource}
	}
	return nil
}

func (f *fake) visible(resource string, after int64) (items []json.RawMessage) {
	for _, r := range f.records[resource] {
		if !r.hidden && r.version > after {
			items = append(items, json.RawMessage(r.body))
		}
	}
	return items
}

func (f *fake) Count(_ context.Context, resource string, _ url.Values) (int64, error) {
	return int64(len(f.visible(resource, 0))), f.refuses(resource)
}

func (f *fake) EachNow(_ context.Context, resource string, _ int, yield func([]json.RawMessage) error) error {
	return f.EachChanged(context.Background(), resource, 0, 1, yield)
}

func (f *fake) EachChanged(_ context.Context, resource string, version int64, _ int, yield func([]json.RawMessage) error) error {
	f.asked = append(f.asked, fmt.Sprintf("%s after %d", resource, version))
	if err := f.refuses(resource); err != nil {
		return err
	}
	if f.fails == resource {
		return &target.Failure{Kind: target.Transport, Method: "GET", Resource: resource, Detail: "connection reset"}
	}
	for _, item := range f.visible(resource, version) {
		if err := yield([]json.RawMessage{item}); err != nil {
			return err
		}
	}
	if during := f.during; during != nil && resource == students {
		f.during = nil
		during()
	}
	return nil
}

func (f *fake) EachDeleted(_ context.Context, resource string, version int64, yield func([]string) error) error {
	if err := f.refuses(resource + "/deletes"); err != nil {
		return err
	}
	for _, r := range f.deleted[resource] {
		if again := f.records[resource][r.key].id != ""; r.version > version && !again { // as an ODS tells it
			if err := yield([]string{r.id}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *fake) NewestChangeVersion(context.Context) (int64, error) {
	if f.noChange {
		return 0, target.ErrNotOffered
	}
	return f.newest, nil
}

func (f *fake) pull(t *testing.T, path string, change ...func(*PullOptions)) (*Pull, error) {
	t.Helper()
	o := PullOptions{Codes: Codes, Target: "target", Now: noon}
	for _, c := range change {
		c(&o)
	}
	f.asked = nil
	return PullFrom(t.Context(), f, path, o)
}

func mustPull(t *testing.T, f *fake, path string, change ...func(*PullOptions)) *Pull {
	t.Helper()
	done, err := f.pull(t, path, change...)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func full(o *PullOptions)        { o.Full = true }
func acceptFewer(o *PullOptions) { o.AcceptFewer = true }

// Whatever others create, change and delete between two pulls, what changed on top of what was known is what a
// whole read gives.
func TestChangesAreAsTheWhole(t *testing.T) {
	byChanges := 0
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 2))
		f := newFake()
		for i := range 40 {
			f.student(fmt.Sprint(i))
		}
		path, other := filepath.Join(t.TempDir(), "index"), filepath.Join(t.TempDir(), "index")
		mustPull(t, f, path)
		for round := range 12 {
			for range r.IntN(30) {
				f.mutate(r)
			}
			if round%3 == 0 {
				f.during = func() { f.mutate(r); f.mutate(r) }
			}
			mustPull(t, f, path, acceptFewer)
			f.during = nil
			done := mustPull(t, f, path, acceptFewer)
			whole := mustPull(t, f, other, full, acceptFewer)
			if done.Digest != whole.Digest {
				t.Fatalf("seed %d, round %d: changes make another roster than the whole; %+v %+v", seed, round, done.About, whole.About)
			}
			if done.Whole == "" {
				byChanges++
			}
		}
	}
	if byChanges < 60 {
		t.Errorf("of 96 pulls only %d were by changes", byChanges)
	}
}

// mutate does what others may do at a target: nothing is deleted that others refer to.
func (f *fake) mutate(r *rand.Rand) {
	student := fmt.Sprint(r.IntN(60))
	other := fmt.Sprint(r.IntN(60))
	record := fmt.Sprint("e", r.IntN(50))
	has := f.records[students]["s"+student].id != ""
	switch r.IntN(7) {
	case 0, 1:
		f.student(student)
	case 2:
		if has {
			f.enroll(record, student, fmt.Sprint(r.IntN(5)+1)) // of another student before: the key changed
		}
	case 3:
		if has {
			f.code("c"+record, student, []string{"State", "Local", "SSN"}[r.IntN(3)], other)
		}
	case 4:
		f.remove(enrollments, record)
	case 5:
		f.remove(Codes, "c"+record)
	default:
		for _, resource := range []string{enrollments, Codes} {
			for id, rec := range f.records[resource] {
				if strings.Contains(rec.body, fmt.Sprintf(`"studentUniqueId":%q`, student)) {
					f.remove(resource, id)
				}
			}
		}
		f.remove(students, "s"+student)
	}
}

// What others write while a pull reads is in the roster after the next one at the latest.
func TestChangedWhileReading(t *testing.T) {
	f, path := newFake(), filepath.Join(t.TempDir(), "index")
	f.student("1")
	f.during = func() { f.student("2"); f.enroll("e", "2", "7") }
	first := mustPull(t, f, path)
	second := mustPull(t, f, path)
	if first.Students != 2 || first.Named != 1 || second.Whole != "" || second.Named != 2 || second.Enrollments != 1 {
		t.Errorf("%+v\n%+v", first, second)
	}
	third := mustPull(t, f, path)
	if third.Digest != second.Digest || third.Changes > 1 {
		t.Errorf("%+v", third)
	}
}

// What is known is read again by changes only where that tells everything.
func TestWhyAllIsRead(t *testing.T) {
	for name, c := range map[string]struct {
		change func(f *fake)
		option func(o *PullOptions)
		want   string
	}{
		"asked":          {option: full, want: "--full"},
		"another target": {option: func(o *PullOptions) { o.Target = "other" }, want: "another target"},
		"restored":       {change: func(f *fake) { f.newest = 10 }, want: "gone back"},
		"no changes":     {change: func(f *fake) { f.noChange = true }, want: "does not tell what changed"},
		"no deletes":     {change: func(f *fake) { f.forbid[enrollments+"/deletes"] = true }, want: "what was deleted"},
		"codes denied":   {change: func(f *fake) { f.forbid[Codes] = true }, want: "other resources"},
		"comes into sight": {change: func(f *fake) {
			r := f.records[students]["s3"]
			r.hidden = false
			f.records[students]["s3"] = r
		}, want: "did not tell everything"},
	} {
		t.Run(name, func(t *testing.T) {
			f, path := newFake(), filepath.Join(t.TempDir(), "index")
			f.student("3")
			f.student("1")
			f.student("2")
			f.code("c", "1", "State", "9")
			r := f.records[students]["s3"]
			r.hidden = true
			f.records[students]["s3"] = r
			if done := mustPull(t, f, path); done.Whole == "" || done.Students != 2 {
				t.Fatalf("%+v", done)
			}
			if done := mustPull(t, f, path); done.Whole != "" {
				t.Fatal(done.Whole)
			}
			options := func(*PullOptions) {}
			if c.option != nil {
				options = c.option
			}
			if c.change != nil {
				c.change(f)
			}
			done := mustPull(t, f, path, options)
			if !strings.Contains(done.Whole, c.want) {
				t.Errorf("%q, not %q", done.Whole, c.want)
			}
			other := mustPull(t, f, filepath.Join(t.TempDir(), "index"))
			if other.Digest != done.Digest {
				t.Error("not what the target has")
			}
		})
	}
}

// What the credential may not read is named, and the rest is there.
func TestUnreadable(t *testing.T) {
	f, path := newFake(), filepath.Join(t.TempDir(), "index")
	f.student("1")
	f.enroll("e", "1", "7")
	f.code("c", "1", "State", "9")
	f.code("d", "1", "SSN", "123-45-6789")
	if done := mustPull(t, f, path); len(done.Origin.Unread) != 0 || len(done.Systems) != 2 || done.Left["SSN"] != 1 {
		t.Errorf("%+v", done)
	}
	if text, err := os.ReadFile(path); err != nil || strings.Contains(string(text), "123-45-6789") {
		t.Error("a social security number is kept", err)
	}
	f.forbid[Codes] = true
	if done := mustPull(t, f, path); !slices.Equal(done.Origin.Unread, []string{Codes}) || len(done.Systems) != 1 || done.Students != 1 {
		t.Errorf("%+v", done)
	}
	if done := mustPull(t, f, path); done.Whole != "" {
		t.Errorf("%+v", done)
	}
	f.forbid[students] = true
	if done := mustPull(t, f, path); done.Students != 1 || done.Named != 0 || done.Enrollments != 1 {
		t.Errorf("%+v", done)
	}
	f.forbid[enrollments] = true
	if _, err := f.pull(t, path); err == nil || !strings.Contains(err.Error(), "may not read the students") {
		t.Error(err)
	}
}

// An emptied target is not believed, and a broken reading leaves the roster as it was.
func TestRosterStays(t *testing.T) {
	f, path := newFake(), filepath.Join(t.TempDir(), "index")
	for i := range 10 {
		f.student(fmt.Sprint(i))
	}
	before := mustPull(t, f, path)
	f.fails = enrollments
	if _, err := f.pull(t, path, full); err == nil {
		t.Error("nothing failed")
	}
	f.fails = ""
	for i := range 6 {
		f.remove(students, fmt.Sprint("s", i))
	}
	for _, left := range []int{4, 0} {
		_, err := f.pull(t, path)
		if e, ok := diag.AsError(err); !ok || e.Kind != diag.Guarded || e.Code != diag.GuardRoster || !strings.Contains(e.Next, "--accept-fewer") {
			t.Errorf("%d students: %v", left, err)
		}
		for i := range 10 {
			f.remove(students, fmt.Sprint("s", i))
		}
	}
	x, err := Open(path)
	if err != nil || x.Digest() != before.Digest {
		t.Error("another roster", err)
	}
	if err := x.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Error(left, err)
	}
	if done := mustPull(t, f, path, acceptFewer); done.Students != 0 {
		t.Error(done.Students)
	}
}

// An answer that is no student's is an error without a word of what it holds.
func TestOddRecords(t *testing.T) {
	for _, body := range []string{`"studentUniqueId":5`, `"lastSurname":"Secret"`, `"studentUniqueId":"1","birthDate":{}`} {
		f := newFake()
		f.put(students, "x", body)
		if _, err := f.pull(t, filepath.Join(t.TempDir(), "index")); err == nil || strings.Contains(err.Error(), "Secret") {
			t.Errorf("%s: %v", body, err)
		}
	}
	f := newFake()
	f.records[students] = map[string]fakeRecord{"": {body: `{"studentUniqueId":"1"}`, version: 1}}
	if _, err := f.pull(t, filepath.Join(t.TempDir(), "index")); err == nil {
		t.Error("a record without an id")
	}
}

func TestAssociationsHaveCodes(t *testing.T) {
	f, path := newFake(), filepath.Join(t.TempDir(), "index")
	f.student("1")
	f.put(Associations, "a", `"studentReference":{"studentUniqueId":"1"},"studentIdentificationCodes":[{"studentIdentificationSystemDescriptor":"uri://x.org/StudentIdentificationSystemDescriptor#Local","identificationCode":" 007 ","assigningOrganizationIdentificationCode":"z"}]`)
	f.put(Associations, "b", `"studentReference":{"studentUniqueId":"1"}`)
	associations := func(o *PullOptions) { o.Codes = Associations }
	mustPull(t, f, path, associations)
	f.student("2")
	if done := mustPull(t, f, path, associations); done.Whole != "" || done.Changes == 0 {
		t.Errorf("%+v", done)
	}
	x, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = x.Close() }()
	if got, err := x.Find("local", "007"); err != nil || !slices.Equal(got, []string{"1"}) {
		t.Error(got, err)
	}
}

// The crosswalk outlives pulls, and what it says of students whom nobody knows is left out.
func TestCrosswalkStays(t *testing.T) {
	f, dir := newFake(), t.TempDir()
	path, file := filepath.Join(dir, "index"), filepath.Join(dir, "crosswalk.csv")
	f.student("1")
	if _, err := Renew(path, nil, time.Now()); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if err := WriteCrosswalk(file, []Own{{Crosswalk, "v1", "1", "", ""}, {Crosswalk, "v2", "2", "", ""}}); err != nil {
		t.Fatal(err)
	}
	rows, undecided, err := ReadCrosswalk(file, file, CrosswalkForm{})
	if err != nil || undecided != 0 || len(rows) != 2 {
		t.Fatal(rows, undecided, err)
	}
	with := func(o *PullOptions) { o.Crosswalk = rows }
	for range 2 {
		if done := mustPull(t, f, path, with); done.Unknown != 1 || done.Systems[1].IDs != 1 {
			t.Errorf("%+v", done)
		}
	}
	if about, err := Renew(path, rows[1:], time.Now()); err != nil || about.Unknown != 1 || len(about.Systems) != 1 || about.Origin.Target != "target" {
		t.Error(about, err)
	}
}
