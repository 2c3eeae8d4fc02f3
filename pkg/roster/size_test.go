package roster

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// How large an index is, how fast, and in how much memory it is made and read: `make bench-roster`, which gives
// the number of students. Without one they are few.
func TestManyStudents(t *testing.T) {
	n, each := 2000, 1000
	if many, err := strconv.Atoi(os.Getenv("BENCH_STUDENTS")); err == nil {
		n, each = many, 250_000
	}
	path := filepath.Join(t.TempDir(), "index")
	begin := time.Now()
	w := Create(path)
	defer func() { _ = w.Close() }()
	for part := range 3 {
		for i := range n {
			if err := w.Add(numbered(i*7919%n, part)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := w.Commit(Origin{From: Pulled}, time.Now()); err != nil {
		t.Fatal(err)
	}
	report(t, n, begin, "students with two enrollments and three ids each are written", path)
	x, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = x.Close() }()
	begin = time.Now()
	var g sync.WaitGroup
	const askers = 4
	for asker := range askers {
		g.Go(func() {
			for i := range each {
				number := (i*104729 + asker) % n
				if got, err := x.FindOn("local", fmt.Sprint("L", number), "2026-09-01"); err != nil || len(got) != 1 || got[0] != fmt.Sprint(1_000_000+number) {
					t.Errorf("%d: %v %v", number, got, err)
					return
				}
			}
		})
	}
	g.Wait()
	report(t, askers*each, begin, "ids are found in any order", path)
	begin = time.Now()
	if err := x.Each(func(*Student) error { return nil }); err != nil {
		t.Fatal(err)
	}
	report(t, n, begin, "students are read in order", path)
}

// numbered is a part of what is known of a student: the name, the enrollments or the ids.
func numbered(i, part int) *Student {
	s := &Student{UniqueID: fmt.Sprint(1_000_000 + i)}
	record := Record{byte(i), byte(i >> 8), byte(i >> 16), byte(part)}
	switch part {
	case 0:
		s.Record, s.LastName, s.FirstName, s.BirthDate = record, "Surname"+fmt.Sprint(i%5000), "Name"+fmt.Sprint(i%700), "2014-05-06"
	case 1:
		s.Enrollments = []Enrollment{
			{School: fmt.Sprint(255901000 + i%3000), Grade: "Fifth grade", Entry: "2025-08-20", Exit: "2026-06-01", SchoolYear: "2026", Record: record},
			{School: fmt.Sprint(255901000 + i%2999), Grade: "Sixth grade", Entry: "2026-08-20", SchoolYear: "2027", Record: record}}
	default:
		s.IDs = []ID{{System: "State", Value: fmt.Sprint("S", i), Record: record}, {System: "Local", Value: fmt.Sprint("L", i), Record: record},
			{System: "District", Value: fmt.Sprint(i), Record: record}}
	}
	return s
}

func report(t *testing.T, n int, begin time.Time, what, path string) {
	t.Helper()
	took := time.Since(begin).Seconds()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	peak := "unknown here"
	if status, err := os.ReadFile("/proc/self/status"); err == nil {
		_, rest, _ := strings.Cut(string(status), "VmHWM:")
		line, _, _ := strings.Cut(rest, "\n")
		kB, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(line), " kB"))
		if err != nil {
			t.Fatal(err)
		}
		if peak = fmt.Sprint(kB/1024, " MB"); kB > 300<<10 {
			t.Errorf("peak memory is %s, more than 300 MB", peak)
		}
	}
	fmt.Printf("%d %s: %.1f s, %.0f per second; file %d MB, peak memory %s\n", n, what, took, float64(n)/took, info.Size()>>20, peak)
}
