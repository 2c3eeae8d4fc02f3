package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/sluice-edfi/sluice/pkg/keyset"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// growing is a target with students, and change versions.
type growing struct {
	noResults
	students []int // the change version of each
	hidden   map[int]bool
	deletes  int64
	version  int64
	asked    map[string]int
}

func (g *growing) add(n int) {
	for range n {
		g.version++
		g.students = append(g.students, int(g.version))
	}
}

func (g *growing) pages(from int64, yield func([]json.RawMessage) error) error {
	var items []json.RawMessage
	for i, version := range g.students {
		if int64(version) > from && !g.hidden[i] {
			items = append(items, json.RawMessage(fmt.Sprintf(`{"id":"%d","studentUniqueId":"%d"}`, i, i)))
		}
	}
	return yield(items)
}

func (g *growing) Count(_ context.Context, resource string, _ url.Values) (int64, error) {
	g.asked["count"]++
	if resource == "ed-fi/students/deletes" {
		return g.deletes, nil
	}
	return int64(len(g.students) - len(g.hidden)), nil
}

func (g *growing) Get(_ context.Context, _ string, query url.Values) (*target.Response, error) {
	g.asked["key"]++
	id := query.Get("studentUniqueId")
	if n, err := strconv.Atoi(id); id != "" && (err != nil || n >= len(g.students)) {
		return &target.Response{Body: []byte(`[]`)}, nil
	}
	if id == "" {
		id = "0"
	}
	return &target.Response{Body: []byte(`[{"studentUniqueId":"` + id + `"}]`)}, nil
}

func (g *growing) EachPage(_ context.Context, _ string, _ int, yield func([]json.RawMessage) error) error {
	g.asked["whole"]++
	return g.pages(0, yield)
}

func (g *growing) EachChanged(_ context.Context, _ string, version int64, _ int, yield func([]json.RawMessage) error) error {
	g.asked["changed"]++
	return g.pages(version, yield)
}

func (g *growing) NewestChangeVersion(context.Context) (int64, error) {
	g.asked["version"]++
	return g.version, nil
}

// The keys of a collection that was read whole are kept, and from then on only what was written since is read. What is
// missing among them is asked for; after a deletion, or if the count is another one, they are not believed.
func TestKeptKeys(t *testing.T) {
	std, _ := standard()
	dir := t.TempDir()
	g := &growing{hidden: map[int]bool{}}
	g.add(100)
	ask := func(want string, missing int, ids ...int) {
		t.Helper()
		g.asked = map[string]int{}
		c := New(g, std)
		c.cache = openCache(dir, time.Now, slog.New(slog.DiscardHandler), "id")
		q := c.References()
		ref := studentReference(std)
		r := q.Referent(ref)
		numbers := map[int]uint32{}
		for _, id := range ids {
			text := strconv.Itoa(id)
			use := &schema.ReferenceUse{Reference: ref, Hash: studentKey(t, std, text), Parts: []schema.KeyValue{{Name: "studentUniqueId", Value: []byte(text)}}}
			n, err := q.Add(r, r.Key(use), func() (*schema.ReferenceUse, error) { return use, nil })
			if err != nil {
				t.Fatal(err)
			}
			numbers[id] = n
		}
		if err := q.Ask(t.Context()); err != nil {
			t.Fatal(err)
		}
		absent := 0
		for _, n := range numbers {
			if q.Answer(n) != Present {
				absent++
			}
		}
		if got := fmt.Sprint(g.asked["whole"], " whole ", g.asked["changed"], " changed"); got != want || absent != missing {
			t.Errorf("read %s, want %s; %d missing, want %d", got, want, absent, missing)
		}
	}
	some := []int{1, 2, 3, 4, 5, 6, 7}
	ask("1 whole 0 changed", 0, some...)
	ask("0 whole 0 changed", 0, some...)
	g.add(3)
	ask("0 whole 1 changed", 0, append(some, 101)...)
	ask("0 whole 0 changed", 0, append(some, 102)...)
	ask("0 whole 0 changed", 1, append(some, 500)...) // never missing because of the cache alone
	if g.asked["key"] == 0 {
		t.Error("what is not among the kept keys was not asked for")
	}
	g.version++
	g.deletes = 1
	ask("1 whole 0 changed", 0, some...)
	g.deletes = 0
	g.hidden[50] = true // as others see it no longer: the count tells
	ask("1 whole 0 changed", 0, some...)
}

func studentReference(std *schema.Standard) *schema.Reference {
	res, _ := std.Resource("studentAssessments")
	for _, ref := range res.References {
		if len(ref.Targets) == 1 && ref.Targets[0] == "students" {
			return ref
		}
	}
	return nil
}

func studentKey(t *testing.T, std *schema.Standard, id string) keyset.Key {
	checker, ok := std.Checker("students")
	if !ok {
		t.Fatal("no students")
	}
	var rec schema.Record
	checker.Key([]byte(`{"studentUniqueId":"`+id+`"}`), &rec)
	return rec.Key.Hash
}
