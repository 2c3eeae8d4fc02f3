package adopted

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func row(student, own, to, run string) Row {
	return Row{Student: student, Assessment: "A", Namespace: "uri://acme.org", Own: own, Target: to, Run: run}
}

// What is adopted is found, for its student and assessment alone, and can be taken back.
func TestTable(t *testing.T) {
	path := filepath.Join(t.TempDir(), File)
	if table, err := Load(path); table != nil || err != nil {
		t.Errorf("%v, %v", table, err)
	}
	add := func(want int, rows ...Row) string {
		t.Helper()
		n, err := Add(t.Context(), path, rows)
		if err != nil || n != want {
			t.Errorf("%d new, %v", n, err)
		}
		table, err := Load(path)
		if err != nil {
			t.Fatal(err)
		}
		return table.SHA256
	}
	odd := "=1+1, \"quoted\"\nand | more"
	first := add(2, row("1", "a", "x", "r1"), row("2", odd, odd+odd, "r1"))
	if add(0, row("1", "a", "x", "r2")) != first {
		t.Error("the same again changed the table")
	}
	add(2, row("1", "a", "y", "r2"), row("1", "b", "z", "r2"))
	table, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []Row{row("1", "a", "y", ""), row("2", odd, odd+odd, ""), row("1", "b", "z", "")} {
		if got, ok := table.Find(want.Student, want.Assessment, want.Namespace, want.Own); !ok || got != want.Target {
			t.Errorf("%q: %q, %v", want.Own, got, ok)
		}
	}
	for _, other := range [][4]string{{"2", "A", "uri://acme.org", "a"}, {"1", "B", "uri://acme.org", "a"}, {"1", "A", "uri://acme.com", "a"}, {"1", "A", "uri://acme.org", "x"}} {
		if got, ok := table.Find(other[0], other[1], other[2], other[3]); ok {
			t.Errorf("%v: %s", other, got)
		}
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if n, err := Remove(t.Context(), path, "r2"); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if rows, err := Rows(path); len(rows) != 1 || rows[0].Own != odd || err != nil {
		t.Errorf("%v, %v", rows, err)
	}
	if n, err := Remove(t.Context(), path, "r1"); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if table, err := Load(path); table != nil || err != nil {
		t.Errorf("an empty table: %v, %v", table, err)
	}
}

// An event whose adopted identifier the target gave up in its turn has the next one.
func TestAdoptedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), File)
	for _, r := range []Row{row("1", "a", "x", "r1"), row("2", "a", "x", "r1"), row("1", "x", "y", "r2")} {
		if _, err := Add(t.Context(), path, []Row{r}); err != nil {
			t.Fatal(err)
		}
	}
	table, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	for student, want := range map[string]string{"1": "y", "2": "x"} {
		if got, ok := table.Find(student, "A", "uri://acme.org", "a"); !ok || got != want {
			t.Errorf("student %s: %q", student, got)
		}
	}
}

// A table that somebody edited wrongly is said to be wrong.
func TestWrongTables(t *testing.T) {
	path := filepath.Join(t.TempDir(), File)
	head := strings.Join(Header, ",") + "\n"
	for name, text := range map[string]string{"another header": "a,b\n1,2\n", "a cell is missing": head + "1,A,n,a,x\n", "an open quote": head + "1,A,n,\"a,x,r\n",
		"a blank identifier": head + "1,A,n,a, ,r\n", "twice": head + "1,A,n,a,x,r\n1,A,n,a,y,r\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if table, err := Load(path); err == nil {
			t.Errorf("%s: %v", name, table)
		}
	}
}

// A district's whole history may be adopted: it is held in little memory.
func TestManyRows(t *testing.T) {
	path := filepath.Join(t.TempDir(), File)
	var text strings.Builder
	out := csv.NewWriter(&text)
	_ = out.Write(Header)
	const n = 200_000
	for i := range n {
		_ = out.Write(row(fmt.Sprint(i), fmt.Sprintf("2026-03-04|%08d", i), fmt.Sprintf("7117%08d", i), "r").Cells())
	}
	out.Flush()
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	text.Reset()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	table, err := Load(path)
	if err != nil || table.Len() != n {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if each := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / n; each > 80 {
		t.Errorf("%d B each", each)
	}
	runtime.KeepAlive(table)
}
