package ledger

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/sluice-edfi/sluice/pkg/durable"
)

func TestMain(m *testing.M) {
	if path := os.Getenv("LEDGER_TEST_WRITER"); path != "" {
		writeUntilKilled(path)
	}
	goleak.VerifyTestMain(m)
}

var (
	bend = Identity{Tenant: "grand-bend", Environment: "production", BaseURL: "https://ods.example.org/api/", SchoolYear: 2026,
		DataURL: "https://ods.example.org/api/data/v3/", OAuthURL: "https://ods.example.org/api/oauth/token", MetadataURL: "https://ods.example.org/api/metadata",
		DependenciesURL: "https://ods.example.org/api/metadata/dependencies", ChangeQueriesURL: "https://ods.example.org/api/changeQueries/v1"}
	noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	run1 = Run{ID: "run1", Bundle: "nwea-map-growth", Version: "1.0.0"}
)

// hash is a key or digest made of a number.
func hash(parts ...int) (h Hash) {
	var b []byte
	for _, n := range parts {
		b = binary.AppendVarint(b, int64(n))
	}
	sum := sha256.Sum256(b)
	copy(h[:], sum[:])
	return h
}

func row(resource string, n, payload int) Row {
	return Row{Resource: resource, Key: hash(n), Digest: hash(n, payload), ID: fmt.Sprintf("%032x", n), Time: noon, Source: "results:" + strconv.Itoa(n)}
}

func open1(t testing.TB, path string) *Ledger {
	t.Helper()
	l, err := Open(path, bend)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// count is how many records the ledger knows of.
func count(t *testing.T, l *Ledger) (n int) {
	t.Helper()
	if err := l.read.QueryRow("SELECT count(*) FROM record").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDecide(t *testing.T) {
	ctx := t.Context()
	l := open1(t, filepath.Join(t.TempDir(), "state of", "bénd #1%", "ledger.db"))
	if err := l.Record(ctx, run1, []Row{row("students", 1, 1), row("students", 2, 1), row("students", 3, 1)}); err != nil {
		t.Fatal(err)
	}
	unknown := row("students", 4, 1)
	unknown.Digest = Hash{}
	sharing := hash(5)
	if err := l.Record(ctx, run1, []Row{row("students", 2, 2), unknown, {Resource: "students", Key: sharing, Digest: hash(5, 1), Time: noon}}); err != nil {
		t.Fatal(err)
	}
	sharing[15]++ // another key with the same first half
	entries := []Entry{
		{hash(3), hash(3, 1)}, {hash(9), hash(9, 1)}, {hash(2), hash(2, 1)}, {hash(2), hash(2, 2)},
		{hash(1), hash(1, 2)}, {hash(4), hash(4, 1)}, {hash(4), Hash{}}, {sharing, hash(5, 1)}, {hash(3), hash(3, 1)},
	}
	got, err := l.Decide(ctx, entries, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]State{Unchanged, New, Changed, Unchanged, Changed, Forgotten, Forgotten, New, Unchanged}, got); d != "" {
		t.Error(d)
	}
	if got, err = l.Decide(ctx, nil, got); err != nil || len(got) != 0 {
		t.Errorf("nothing asked: %v, %v", got, err)
	}
}

// The answers for many entries, decided in several parts at once, are those of one by one.
func TestDecideMany(t *testing.T) {
	ctx := t.Context()
	l := open1(t, filepath.Join(t.TempDir(), "ledger.db"))
	const n = 3 * batch
	rows := make([]Row, n)
	for i := range rows {
		rows[i] = row("students", i, i%2)
	}
	if err := l.Record(ctx, run1, rows); err != nil {
		t.Fatal(err)
	}
	entries := make([]Entry, n+n/2)
	want := make([]State, len(entries))
	for i := range entries {
		k := rand.IntN(n + n/10)
		entries[i] = Entry{hash(k), hash(k, 1)}
		switch {
		case k >= n:
			want[i] = New
		case k%2 == 0:
			want[i] = Changed
		default:
			want[i] = Unchanged
		}
	}
	got, err := l.Decide(ctx, entries, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestIdentity(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := open1(t, path)
	if err := l.Record(t.Context(), run1, []Row{row("students", 1, 1)}); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	same := bend
	same.BaseURL = "https://ods.example.org/api"
	l2, err := Open(path, same)
	if err != nil {
		t.Fatal(err)
	}
	if err := l2.Close(); err != nil {
		t.Fatal(err)
	}
	for _, other := range []func(*Identity){
		func(i *Identity) { i.Tenant = "other" }, func(i *Identity) { i.Environment = "test" },
		func(i *Identity) { i.BaseURL = "https://ods.example.org/api2" }, func(i *Identity) { i.SchoolYear = 2027 },
		func(i *Identity) { i.Instance = "255901" }, func(i *Identity) { i.Store = "1f" },
		func(i *Identity) { i.DataURL = "https://other.example.org/data/v3" }, func(i *Identity) { i.OAuthURL += "2" },
		func(i *Identity) { i.MetadataURL = "https://ods.example.org/api/metadata/2027" },
		func(i *Identity) { i.DependenciesURL += "2" }, func(i *Identity) { i.ChangeQueriesURL = "https://other.example.org/changes" },
	} {
		id := bend
		other(&id)
		if l, err := Open(path, id); !errors.Is(err, ErrOtherTarget) {
			t.Errorf("%v: %v, %v", id, l, err)
		}
	}
	// A target may begin or cease to offer change queries.
	without := bend
	without.ChangeQueriesURL = ""
	for _, pair := range [][2]Identity{{bend, without}, {without, bend}} {
		if known, now := pair[0], pair[1].as(&pair[0]); known.String() != now.String() {
			t.Errorf("%v is not %v", now, known)
		}
	}

	moved := bend
	moved.SchoolYear = 2027
	l3, err := OpenToRebuild(path, moved)
	if err != nil {
		t.Fatal(err)
	}
	if err := l3.Rebuild(t.Context(), Run{ID: "rebuild"}, Facts{DataStandard: "5.1"}, func(add func(Row) error) error {
		return add(row("schools", 7, 1))
	}); err != nil {
		t.Fatal(err)
	}
	if l, err := Open(path, bend); err == nil {
		t.Errorf("the old identity still opens %v", l)
	}
	l4, err := Open(path, moved)
	if err != nil {
		t.Fatal(err)
	}
	defer l4.Close()
	states, err := l4.Decide(t.Context(), []Entry{{hash(1), hash(1, 1)}, {hash(7), hash(7, 1)}}, nil)
	if err != nil || states[0] != New || states[1] != Unchanged {
		t.Errorf("after the rebuild: %v, %v", states, err)
	}
	if f, err := l4.Facts(t.Context()); err != nil || f.DataStandard != "5.1" {
		t.Errorf("facts after the rebuild: %v, %v", f, err)
	}
}

func TestSandboxIsItsStore(t *testing.T) {
	a := Identity{Tenant: "sandbox", Store: "77", BaseURL: "http://127.0.0.1:1234"}
	b := Identity{Tenant: "sandbox", Store: "77", BaseURL: "http://127.0.0.1:9999"}
	if a.String() != b.String() {
		t.Errorf("%q and %q differ", a, b)
	}
}

func TestFailedRebuildChangesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := open1(t, path)
	if err := l.Record(t.Context(), run1, []Row{row("students", 1, 1)}); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the target went away")
	ctx, cancel := context.WithCancel(t.Context())
	for name, fill := range map[string]func(func(Row) error) error{
		"error":     func(add func(Row) error) error { return errors.Join(add(row("students", 2, 1)), broken) },
		"cancelled": func(func(Row) error) error { cancel(); return ctx.Err() },
	} {
		again, err := OpenToRebuild(path, bend)
		if err != nil {
			t.Fatal(err)
		}
		if err := again.Rebuild(ctx, Run{ID: "rebuild"}, Facts{}, fill); !errors.Is(err, broken) && !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	}
	states, err := l.Decide(t.Context(), []Entry{{hash(1), hash(1, 1)}, {hash(2), hash(2, 1)}}, nil)
	if err != nil || states[0] != Unchanged || states[1] != New {
		t.Errorf("%v, %v", states, err)
	}
	if left, err := filepath.Glob(path + ".*"); err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

// What a rebuild keeps of the former ledger has no digest; a damaged ledger is set aside.
func TestRebuild(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := open1(t, path)
	if err := l.Record(t.Context(), run1, []Row{row("students", 1, 1), row("schools", 2, 1)}); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	again := open1(t, path)
	if again.ID() != l.ID() {
		t.Errorf("opened again, the ledger has the id %q, and not %q", again.ID(), l.ID())
	}
	if sent, err := again.Sent(t.Context(), []Hash{hash(1), hash(7), hash(2)}); !slices.Equal(sent, []bool{true, false, true}) || err != nil {
		t.Errorf("sent from here: %v, %v", sent, err)
	}
	if err := errors.Join(again.Note(t.Context(), map[string]string{"kept 1": "x", "other": "y"}), again.Close()); err != nil {
		t.Fatal(err)
	}
	rebuild := func(want ...string) *Ledger {
		t.Helper()
		again, err := OpenToRebuild(path, bend)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, again.FormerResources()); d != "" {
			t.Error(d)
		}
		err = again.Rebuild(t.Context(), Run{ID: "rebuild"}, Facts{DataStandard: "5.1"}, func(add func(Row) error) error {
			return again.FormerRows(t.Context(), "students", add)
		})
		if err := errors.Join(err, again.Close()); err != nil {
			t.Fatal(err)
		}
		return open1(t, path)
	}
	l = rebuild("schools", "students")
	states, err := l.Decide(t.Context(), []Entry{{hash(1), hash(1, 1)}, {hash(2), hash(2, 1)}}, nil)
	if err != nil || states[0] != Forgotten || states[1] != New {
		t.Errorf("%v, %v", states, err)
	}
	if notes, err := l.Notes(t.Context()); len(notes) != 0 || err != nil {
		t.Errorf("%v, %v", notes, err)
	}
	if sent, err := l.Sent(t.Context(), []Hash{hash(1), hash(2)}); sent[0] || sent[1] || err != nil {
		t.Errorf("what a rebuild found was sent from here: %v", err)
	}
	if l.ID() == "" || l.ID() == again.ID() {
		t.Errorf("the rebuilt ledger has the id %q, and the former one had %q", l.ID(), again.ID())
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 1); err != nil {
		t.Fatal(err)
	}
	l = rebuild()
	if n := count(t, l); n != 0 {
		t.Errorf("%d records", n)
	}
	if info, err := os.Stat(path + ".damaged"); err != nil || info.Size() != 1 {
		t.Errorf("the damaged ledger: %v, %v", info, err)
	}
}

// A digest that was taken out is not known any more, and comes back with the next acceptance.
func TestForget(t *testing.T) {
	l := open1(t, filepath.Join(t.TempDir(), "ledger.db"))
	noID := row("students", 3, 1)
	noID.ID = ""
	if err := l.Record(t.Context(), run1, []Row{row("students", 1, 1), row("students", 2, 1), noID}); err != nil {
		t.Fatal(err)
	}
	if err := l.Forget(t.Context(), []Hash{hash(2), hash(9)}); err != nil {
		t.Fatal(err)
	}
	entries := []Entry{{hash(1), hash(1, 1)}, {hash(2), hash(2, 1)}, {hash(3), hash(3, 1)}, {hash(9), hash(9, 1)}}
	states, err := l.Decide(t.Context(), entries, nil)
	if d := cmp.Diff([]State{Unchanged, Forgotten, Forgotten, New}, states); d != "" || err != nil {
		t.Error(d, err)
	}
	if s, err := l.Sample(t.Context(), []string{"students"}, 5); err != nil || len(s) != 1 || s[0].Key != hash(1) {
		t.Errorf("the sample holds what is not claimed: %v, %v", s, err)
	}
	if err := l.Record(t.Context(), run1, []Row{row("students", 2, 1)}); err != nil {
		t.Fatal(err)
	}
	if states, err = l.Decide(t.Context(), entries[1:2], states); err != nil || states[0] != Unchanged {
		t.Errorf("%v, %v", states, err)
	}
}

// A ledger that never accepted anything is of no target: the first one may be a mistake.
func TestUnbound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	wrong := bend
	wrong.SchoolYear = 2027
	for _, id := range []Identity{wrong, bend} {
		l, err := Open(path, id)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.SetFacts(t.Context(), Facts{DataStandard: "4.0"}); err != nil {
			t.Fatal(err)
		}
		if f, err := l.Facts(t.Context()); err != nil || f != (Facts{}) {
			t.Errorf("%+v, %v", f, err)
		}
		if id == bend {
			if err := l.Record(t.Context(), run1, []Row{row("students", 1, 1)}); err != nil {
				t.Fatal(err)
			}
			if f, err := l.Facts(t.Context()); err != nil || f.DataStandard != "4.0" {
				t.Errorf("%+v, %v", f, err)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Open(path, wrong); !errors.Is(err, ErrOtherTarget) {
		t.Error(err)
	}
}

// What is noted before the ledger is bound waits together, whoever notes it.
func TestNotesThatWait(t *testing.T) {
	l := open1(t, filepath.Join(t.TempDir(), "ledger.db"))
	first, second := l.Note(t.Context(), map[string]string{"a": "1", "b": "1"}), l.Note(t.Context(), map[string]string{"b": "2"})
	if err := errors.Join(first, second, l.Record(t.Context(), run1, []Row{row("students", 1, 1)})); err != nil {
		t.Fatal(err)
	}
	if got, err := l.Notes(t.Context()); err != nil || len(got) != 2 || got["a"] != "1" || got["b"] != "2" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestFacts(t *testing.T) {
	l := open1(t, filepath.Join(t.TempDir(), "ledger.db"))
	if err := l.Record(t.Context(), run1, nil); err != nil {
		t.Fatal(err)
	}
	if f, err := l.Facts(t.Context()); err != nil || f != (Facts{}) {
		t.Errorf("a new ledger says %v, %v", f, err)
	}
	for _, want := range []Facts{{"key", "7.2", "5.1", 12}, {"key2", "7.3", "5.2", 1 << 40}, {}} {
		if err := l.SetFacts(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		if got, err := l.Facts(t.Context()); err != nil || got != want {
			t.Errorf("%v became %v, %v", want, got, err)
		}
	}
}

func TestSample(t *testing.T) {
	ctx := t.Context()
	l := open1(t, filepath.Join(t.TempDir(), "ledger.db"))
	if s, err := l.Sample(ctx, []string{"students"}, 5); err != nil || len(s) != 0 {
		t.Errorf("of nothing: %v, %v", s, err)
	}
	var rows []Row
	for i := range 500 {
		rows = append(rows, row("students", i, 1))
	}
	rows = append(rows, row("schools", 1000, 1), row("calendars", 1001, 1))
	if err := l.Record(ctx, run1, rows); err != nil {
		t.Fatal(err)
	}
	s, err := l.Sample(ctx, []string{"students", "schools", "unheard"}, 10)
	if err != nil {
		t.Fatal(err)
	}
	byKey := map[Hash]Row{}
	for _, r := range rows {
		byKey[r.Key] = r
	}
	found := map[Hash]bool{}
	for _, one := range s {
		r := byKey[one.Key]
		if one.Resource != r.Resource || one.ID != r.ID || found[one.Key] {
			t.Errorf("%v is not %v, or comes twice", one, r)
		}
		found[one.Key] = true
	}
	for _, n := range []int{496, 497, 498, 499, 1000} {
		if !found[hash(n)] {
			t.Errorf("the newest, %d, is not in the sample", n)
		}
	}
	if len(s) < 8 || len(s) > 15 {
		t.Errorf("%d records in the sample", len(s))
	}
	again, err := l.Sample(ctx, []string{"students", "schools", "unheard"}, 10)
	if d := cmp.Diff(s, again); d != "" || err != nil {
		t.Error("another sample of the same ledger:", d, err)
	}
	names, err := l.Resources(ctx)
	if d := cmp.Diff([]string{"calendars", "schools", "students"}, names); d != "" || err != nil {
		t.Error(d, err)
	}
	if n := count(t, l); n != 502 {
		t.Errorf("%d records", n)
	}
}

func TestIDs(t *testing.T) {
	for id, size := range map[string]int{
		"0123456789abcdef0123456789abcdef":     17,
		"01234567-89ab-cdef-0123-456789abcdef": 17,
		"0123456789ABCDEF0123456789ABCDEF":     32,
		"0123456789abcdef0123456789abcdeg":     32,
		"0123456-789ab-cdef-0123-456789abcdef": 36,
		"17":                                   2,
		"":                                     0,
	} {
		if p := packID(id); len(p) != size || unpackID(p) != id {
			t.Errorf("%q is packed into %d bytes and becomes %q", id, len(p), unpackID(p))
		}
	}
}

func TestBadFiles(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("this is no ledger. ", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(text, bend); !errors.Is(err, ErrDamaged) {
		t.Errorf("text: %v", err)
	}
	for _, content := range []string{"", "S", strings.Repeat("\x00", 4096)} {
		cut := filepath.Join(dir, "cut.db")
		if err := os.WriteFile(cut, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(cut, bend); !errors.Is(err, ErrDamaged) {
			t.Errorf("%d bytes: %v", len(content), err)
		}
	}
	other := filepath.Join(dir, "other.db")
	o := open1(t, other)
	if _, err := o.write.Exec("DROP TABLE newest"); err != nil {
		t.Fatal(err)
	}
	if err := o.Record(t.Context(), run1, []Row{row("students", 1, 1)}); !errors.Is(err, ErrDamaged) {
		t.Errorf("a missing table: %v", err)
	}
	full := open1(t, filepath.Join(dir, "full.db"))
	if _, err := full.write.Exec("PRAGMA max_page_count = 8"); err != nil {
		t.Fatal(err)
	}
	many := make([]Row, 2000)
	for i := range many {
		many[i] = row("students", i, 1)
	}
	if err := full.Record(t.Context(), run1, many); !errors.Is(err, ErrDisk) {
		t.Errorf("a full disk: %v", err)
	}
	newer := filepath.Join(dir, "newer.db")
	l := open1(t, newer)
	if _, err := l.write.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(newer, bend); !errors.Is(err, ErrNewer) {
		t.Errorf("newer: %v", err)
	}
	if _, err := Open(filepath.Join(text, "ledger.db"), bend); err == nil {
		t.Error("a ledger below a file was opened")
	}
}

// Pages that were overwritten in the middle are noticed where they are read, and a rebuild gets over them.
func TestDamagedPages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := open1(t, path)
	rows, entries := make([]Row, 3000), make([]Entry, 3000)
	for i := range rows {
		rows[i], entries[i] = row("students", i, 1), Entry{hash(i), hash(i, 1)}
	}
	if err := errors.Join(l.Record(t.Context(), run1, rows), l.Close()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := len(text) / 2; i < len(text); i++ {
		text[i] = 0xa5
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	l = open1(t, path)
	if _, err := l.Decide(t.Context(), entries, nil); !errors.Is(err, ErrDamaged) {
		t.Errorf("decide: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := OpenToRebuild(path, bend)
	if err != nil {
		t.Fatal(err)
	}
	err = again.Rebuild(t.Context(), Run{ID: "rebuild"}, Facts{}, func(add func(Row) error) error {
		return again.FormerRows(t.Context(), "students", add)
	})
	if err := errors.Join(err, again.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + ".damaged"); err != nil {
		t.Error(err)
	}
	if _, err := open1(t, path).Decide(t.Context(), entries, nil); err != nil {
		t.Error(err)
	}
}

// Ledgers of earlier layouts are used as they are, but for what they claim of records without an id;
// they learn the addresses of their target.
func TestEarlierLayouts(t *testing.T) {
	for version, change := range map[int]string{1: "ALTER TABLE run ADD COLUMN exported INTEGER", 2: ""} {
		path := filepath.Join(t.TempDir(), "ledger.db")
		l := open1(t, path)
		if err := l.Record(t.Context(), run1, []Row{row("students", 1, 1), row("students", 2, 1)}); err != nil {
			t.Fatal(err)
		}
		if _, err := l.write.Exec(fmt.Sprintf("%s; UPDATE record SET id = x'' WHERE half = %d; DELETE FROM identity WHERE name IN ('data', 'oauth', 'metadata'); PRAGMA user_version = %d",
			change, half(hash(2)), version)); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = open1(t, path)
		states, err := l.Decide(t.Context(), []Entry{{hash(1), hash(1, 1)}, {hash(2), hash(2, 1)}}, nil)
		if d := cmp.Diff([]State{Unchanged, Forgotten}, states); d != "" || err != nil {
			t.Error(d, err)
		}
		if err := errors.Join(l.Record(t.Context(), run1, []Row{row("students", 3, 1)}), l.SetFacts(t.Context(), Facts{})); err != nil {
			t.Fatal(err)
		}
		if n := count(t, l); n != 3 {
			t.Errorf("%d records", n)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		moved := bend
		moved.DataURL = "https://ods.example.org/api/data/v3/2027"
		if _, err := Open(path, moved); !errors.Is(err, ErrOtherTarget) {
			t.Errorf("another data URL: %v", err)
		}
	}
}

func TestRights(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("rights follow the folder's access list")
	}
	dir := filepath.Join(t.TempDir(), "state", "bend")
	l := open1(t, filepath.Join(dir, "ledger.db"))
	if err := l.Record(t.Context(), run1, []Row{row("students", 1, 1)}); err != nil {
		t.Fatal(err)
	}
	lock, err := durable.LockFolder(dir, "send", noon)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, "ledger.db"): 0o600, filepath.Join(dir, "ledger.db-wal"): 0o600,
		filepath.Join(dir, "ledger.db-shm"): 0o600, filepath.Join(dir, "lock"): 0o600, filepath.Join(dir, "lock.holder"): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

// writeUntilKilled writes rows and says of each batch that it is written.
func writeUntilKilled(path string) {
	l, err := Open(path, bend)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for i := 0; ; i += 10 {
		rows := make([]Row, 10)
		for j := range rows {
			rows[j] = row("students", i+j, 1)
		}
		if err := l.Record(context.Background(), run1, rows); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("written", i+10)
	}
}

// A process that is killed leaves a ledger that holds all that it said was written, whole batches only.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	said := 0
	for range 3 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "LEDGER_TEST_WRITER="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Duration(100+rand.IntN(200))*time.Millisecond, func() { cmd.Process.Kill() })
		for s := bufio.NewScanner(out); s.Scan(); {
			var n int
			if _, err := fmt.Sscanf(s.Text(), "written %d", &n); err != nil {
				t.Fatal(s.Text())
			}
			said = max(said, n)
		}
		cmd.Wait()

		l := open1(t, path)
		if n := count(t, l); n < said || n%10 != 0 {
			t.Fatalf("%d rows of %d", n, said)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if said == 0 {
		t.Error("nothing was written")
	}
}

// BenchmarkDecide asks about records that the ledger knows, in a small ledger and in one of five
// million (-short leaves that out).
func BenchmarkDecide(b *testing.B) {
	for _, known := range []int{100_000, 5_000_000} {
		b.Run(fmt.Sprintf("known=%d", known), func(b *testing.B) {
			if testing.Short() && known > 1_000_000 {
				b.Skip("takes a minute to prepare")
			}
			path := filepath.Join(b.TempDir(), "ledger.db")
			l, err := OpenToRebuild(path, bend)
			if err != nil {
				b.Fatal(err)
			}
			err = l.Rebuild(b.Context(), run1, Facts{}, func(add func(Row) error) error {
				for i := range known {
					if err := add(row("students", i, 1)); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
			l = open1(b, path)
			// As send asks: some dozens of records at a time, and as many callers as there are processors.
			for _, size := range []int{2048, 64} {
				b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
					entries := make([]Entry, 1<<16)
					for b.Loop() {
						b.StopTimer()
						for i := range entries {
							k := rand.IntN(known)
							entries[i] = Entry{hash(k), hash(k, 1)}
						}
						batches := make(chan []Entry, len(entries)/size)
						for batch := range slices.Chunk(entries, size) {
							batches <- batch
						}
						close(batches)
						b.StartTimer()
						var callers sync.WaitGroup
						for range runtime.GOMAXPROCS(0) {
							callers.Go(func() { decideAll(b, l, batches) })
						}
						callers.Wait()
					}
					b.ReportMetric(float64(b.N*len(entries))/b.Elapsed().Seconds(), "records/s")
				})
			}
		})
	}
}

func decideAll(b *testing.B, l *Ledger, batches <-chan []Entry) {
	var states []State
	var err error
	for batch := range batches {
		if states, err = l.Decide(b.Context(), batch, states); err != nil {
			b.Error(err)
			return
		}
		if slices.ContainsFunc(states, func(s State) bool { return s != Unchanged }) {
			b.Error("an entry is not unchanged")
		}
	}
}
