package roster

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

// write makes an index of parts with little memory, so that it spills.
func write(t *testing.T, limit int, parts ...Student) *Index {
	t.Helper()
	path := filepath.Join(t.TempDir(), "index")
	w := Create(path)
	w.parts.limit, w.ids.limit = limit, limit
	for i := range parts {
		if err := w.Add(&parts[i]); err != nil {
			t.Fatal(err)
		}
	}
	about, err := w.Commit(Origin{From: Pulled, Pulled: noon, Version: 7}, noon)
	if err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("beside the index there is something: %v %v", left, err)
	}
	x, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(about, x.About()); diff != "" {
		t.Error(diff)
	}
	t.Cleanup(func() { _ = x.Close() })
	return x
}

func TestPartsOfAStudent(t *testing.T) {
	record := Record{1}
	x := write(t, sortBytes,
		Student{UniqueID: " 100 ", IDs: []ID{{System: "uri://ed-fi.org/StudentIdentificationSystemDescriptor#State", Value: " S1 "}, {System: "Local", Value: "  "}}},
		Student{UniqueID: "100", LastName: "Ortega", FirstName: "Ana", BirthDate: "2015-03-04", Record: record},
		Student{UniqueID: "100", Enrollments: []Enrollment{{School: "255901107", Grade: "Fifth grade", Entry: "2026-08-20"}}},
		Student{UniqueID: "100", IDs: []ID{{System: "state", Value: "S1"}, {System: "Local", Value: "7"}}},
		Student{UniqueID: "99", IDs: []ID{{System: "local", Value: "7"}}},
		Student{UniqueID: "98", IDs: []ID{{System: "Local", Value: "007"}}},
	)
	s, found, err := x.Student("100")
	want := &Student{UniqueID: "100", LastName: "Ortega", FirstName: "Ana", BirthDate: "2015-03-04", Record: record,
		IDs:         []ID{{System: "Local", Value: "7"}, {System: "state", Value: "S1"}, {System: "uri://ed-fi.org/StudentIdentificationSystemDescriptor#State", Value: "S1"}},
		Enrollments: []Enrollment{{School: "255901107", Grade: "Fifth grade", Entry: "2026-08-20"}}}
	if diff := cmp.Diff(want, s); diff != "" || !found || err != nil {
		t.Error(diff, found, err)
	}
	if _, found, err := x.Student("1"); found || err != nil {
		t.Error("found nobody", err)
	}
	wantSystems := []System{{Name: UniqueID, Students: 3, IDs: 3, Widths: []int{2, 3}}, {Name: "Local", Students: 3, IDs: 2, Ambiguous: 1, Widths: []int{1, 3}}, {Name: "State", Students: 1, IDs: 1}}
	if diff := cmp.Diff(wantSystems, x.Systems()); diff != "" {
		t.Error(diff)
	}
	for _, q := range []struct {
		system, value string
		want          []string
	}{
		{"State", "S1", []string{"100"}}, {"STATE", "S1", []string{"100"}}, {"state", "s1", nil}, {"state", "", nil},
		{"uri://x.org/StudentIdentificationSystemDescriptor#State", "S1", []string{"100"}},
		{"local", "7", []string{"100", "99"}}, {"Local", "007", []string{"98"}}, {"Local", "07", nil},
		{UniqueID, "99", []string{"99"}}, {"studentuniqueid", "9", nil},
	} {
		if got, err := x.Find(q.system, q.value); !slices.Equal(got, q.want) || err != nil {
			t.Errorf("%s %q: %v %v", q.system, q.value, got, err)
		}
	}
	if _, err := x.Find("District", "7"); !errors.Is(err, ErrNoSystem) || x.Has("District") || !x.Has("state") {
		t.Error(err)
	}
}

// An id of a crosswalk may pass from one student to another.
func TestDatedIDs(t *testing.T) {
	x := write(t, sortBytes,
		Student{UniqueID: "1", IDs: []ID{{System: Crosswalk, Value: "v", Until: "2026-06-30"}, {System: Crosswalk, Value: "w", From: "2026-01-01"}}},
		Student{UniqueID: "2", IDs: []ID{{System: Crosswalk, Value: "v", From: "2026-07-01"}, {System: Crosswalk, Value: "w", Until: "2026-01-01"}}},
	)
	for day, want := range map[string][]string{"": {"1", "2"}, "2026-06-30": {"1"}, "2026-07-01": {"2"}} {
		if got, err := x.FindOn(Crosswalk, "v", day); !slices.Equal(got, want) || err != nil {
			t.Errorf("%q: %v %v", day, got, err)
		}
	}
	if got := x.Systems()[1]; !cmp.Equal(got, System{Name: Crosswalk, Students: 2, IDs: 2, Ambiguous: 1}) {
		t.Errorf("%+v", got)
	}
}

// Ids of the tenant's own do not make a student.
func TestOwnIDs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index")
	w := Create(path)
	own := func(student string) *Student {
		return &Student{UniqueID: student, IDs: []ID{{System: Crosswalk, Value: "v" + student, Own: true}}}
	}
	if err := errors.Join(w.AddOwn(own("1")), w.AddOwn(own("2")), w.Add(&Student{UniqueID: "1"})); err != nil {
		t.Fatal(err)
	}
	about, err := w.Commit(Origin{}, noon)
	if err != nil || about.Students != 1 || about.Unknown != 1 {
		t.Fatal(about, err)
	}
	x, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = x.Close() }()
	s, found, err := x.Student("1")
	if diff := cmp.Diff(own("1"), s); diff != "" || !found || err != nil {
		t.Error(diff, found, err)
	}
	if got, err := x.Find(Crosswalk, "v2"); got != nil || err != nil {
		t.Error(got, err)
	}
}

func TestEmpty(t *testing.T) {
	x := write(t, sortBytes)
	if got, err := x.Find(UniqueID, "1"); got != nil || err != nil || x.Size() != 0 {
		t.Error(got, err)
	}
	if err := x.Each(func(*Student) error { return errors.New("a student") }); err != nil {
		t.Error(err)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// The index answers as maps of the same students do, whatever the order in which parts came, and however
// often it spilled.
func TestIndexAgainstMaps(t *testing.T) {
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 1))
		n := 1 + r.IntN(3000)
		students, owners := map[string]*Student{}, map[[2]string]map[string]bool{}
		var parts []Student
		for range n {
			unique := fmt.Sprint(r.IntN(2 * n))
			s := Student{UniqueID: unique}
			if r.IntN(2) == 0 {
				s.LastName = strings.Repeat("x", r.IntN(200))
			}
			for range r.IntN(4) {
				id := ID{System: []string{"State", "Local", "Übung"}[r.IntN(3)], Value: fmt.Sprint(r.IntN(1+n/3)) + strings.Repeat("é", r.IntN(3))}
				s.IDs = append(s.IDs, id)
				key := [2]string{id.System, id.Value}
				if owners[key] == nil {
					owners[key] = map[string]bool{}
				}
				owners[key][unique] = true
			}
			students[unique] = &s
			parts = append(parts, s)
		}
		one := write(t, sortBytes, parts...)
		r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		two := write(t, 4000, parts...)
		if one.Size() != int64(len(students)) || two.Size() != one.Size() {
			t.Fatalf("%d and %d of %d", one.Size(), two.Size(), len(students))
		}
		checkOwners(t, two, owners)
		last := ""
		err := two.Each(func(s *Student) error {
			if s.UniqueID <= last || students[s.UniqueID] == nil {
				t.Errorf("%q after %q", s.UniqueID, last)
			}
			last = s.UniqueID
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		for range 50 {
			unique := fmt.Sprint(r.IntN(2 * n))
			if got, err := one.Find(UniqueID, unique); err != nil || (len(got) == 1) != (students[unique] != nil) {
				t.Error(unique, got, err)
			}
		}
	}
}

func checkOwners(t *testing.T, x *Index, owners map[[2]string]map[string]bool) {
	t.Helper()
	var g sync.WaitGroup
	for range 3 {
		g.Go(func() {
			for key, want := range owners {
				got, err := x.Find(key[0], key[1])
				if err != nil || !slices.Equal(got, slices.Sorted(maps.Keys(want))) {
					t.Error(key, got, err)
				}
				if got, err := x.Find(key[0], key[1]+"~"); err != nil || got != nil {
					t.Error(key, got, err)
				}
			}
		})
	}
	g.Wait()
	ambiguous := map[string]int64{}
	for key, all := range owners {
		if len(all) > 1 {
			ambiguous[key[0]]++
		}
	}
	for _, s := range x.Systems() {
		if s.Ambiguous != ambiguous[s.Name] {
			t.Errorf("%+v, not %d", s, ambiguous[s.Name])
		}
	}
}

// The digest is that of the students: neither the order of parts nor the time is in it.
func TestDigest(t *testing.T) {
	a, b := Student{UniqueID: "1", LastName: "A"}, Student{UniqueID: "2", IDs: []ID{{System: "State", Value: "5"}}}
	first, second := write(t, sortBytes, a, b).Digest(), write(t, sortBytes, b, a).Digest()
	b.IDs[0].Value = "6"
	if third := write(t, sortBytes, b, a).Digest(); first != second || first == third || !strings.HasPrefix(first, "sha256:") {
		t.Error(first, second, third)
	}
}

// What is not committed leaves nothing behind, and an index in place as it was.
func TestAbsentOrComplete(t *testing.T) {
	dir := t.TempDir()
	w := Create(filepath.Join(dir, "index"))
	w.parts.limit = 100
	for i := range 100 {
		if err := w.Add(&Student{UniqueID: fmt.Sprint(i), LastName: "Name"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Add(&Student{UniqueID: " "}); err == nil {
		t.Error("a student without an id")
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Error(left, err)
	}
}

// A file that was cut or changed is refused, at the latest when the damaged place is read; nothing panics.
func FuzzDamaged(f *testing.F) {
	dir := f.TempDir()
	path := filepath.Join(dir, "index")
	w := Create(path)
	for i := range 400 {
		s := Student{UniqueID: fmt.Sprint(i), LastName: "Name", IDs: []ID{{System: "State", Value: fmt.Sprint("s", i)}}}
		if err := w.Add(&s); err != nil {
			f.Fatal(err)
		}
	}
	if _, err := w.Commit(Origin{}, noon); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	for _, at := range []int{0, 20, 5000, len(whole) - 300, len(whole) - 10} {
		f.Add(at, byte(1), len(whole))
		f.Add(at, byte(0), at)
	}
	f.Fuzz(func(t *testing.T, at int, change byte, size int) {
		if at < 0 || at >= len(whole) || size < 0 || size > len(whole) || change == 0 && size == len(whole) {
			return
		}
		text := slices.Clone(whole)
		text[at] ^= change
		damaged := filepath.Join(t.TempDir(), "index")
		if err := os.WriteFile(damaged, text[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		x, err := Open(damaged)
		if err != nil {
			return
		}
		defer func() { _ = x.Close() }()
		err = x.Each(func(*Student) error { return nil })
		for i := range 400 {
			_, other := x.Find("State", fmt.Sprint("s", i))
			err = errors.Join(err, other)
		}
		if err == nil {
			t.Errorf("byte %d of %d, cut at %d: nothing was noticed", at, len(whole), size)
		}
	})
}
