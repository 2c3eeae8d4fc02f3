package sandbox

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/schemas"
)

// What the sandbox begins with would pass its own checks.
func TestSeedsAreValid(t *testing.T) {
	std, err := schema.Load(schemas.FS, "5.1")
	if err != nil {
		t.Fatal(err)
	}
	values, err := schema.StandardDescriptors(schemas.FS, "5.1")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(Options{Standard: std, Descriptors: values})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := s.takeRecord()
	for _, e := range s.model.endpoints {
		n := 0
		s.store.walk(e, 0, func(it *item) bool {
			if r.body, err = s.store.body(r.body[:0], it); err != nil {
				t.Fatal(err)
			}
			// Two of the standard's own values end in a blank.
			if err := r.begin(e); err != nil || !r.check(e) && !strings.Contains(strings.Join(r.invalid["$.codeValue"], ""), "trailing spaces") {
				t.Errorf("%s: %v %v %s", e.Name, err, r.invalid, r.body)
			}
			if k := r.recordKey(e); k != it.slot.key {
				t.Errorf("%s: the key of %s is another", e.Name, r.body)
			}
			if got, ok := s.store.byID(e, s.store.recordID(it)); !ok || got.slot.key != it.slot.key {
				t.Errorf("%s: %s is not found by its id", e.Name, r.body)
			}
			for i := range r.uses {
				if _, ok := s.store.resolve(&r.uses[i]); !ok {
					t.Errorf("%s: %s refers to nothing", e.Name, r.body)
				}
			}
			n++
			return n < 400
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"a":1}`, `{"a":[1,-0.5e+3,true,false,null,"x\u00e9\ud83d\ude00\n"]}`, ` {"a":{"b":[]}} `, `{"a":01}`, `{"a":1.}`, `{"a":"\ud800"}`,
		`{"a":"\ud800\u0041"}`, `{"a",}`, `{"a":1,}`, `[1]`, `{"a":"` + "\x01" + `"}`, `{"a":nul}`, `{"a":-}`, "{\"a\":\"\xff\"}", `{"a":tru`, `{"\u0061":1}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var tr tree
		err := tr.parse(data)
		want := json.Valid(data) && utf8.Valid(data) && strings.HasPrefix(strings.TrimLeft(string(data), " \t\r\n"), "{")
		if err != nil && strings.Contains(err.Error(), "nested") {
			return
		}
		if (err == nil) != want {
			t.Fatalf("%q: %v", data, err)
		}
		if err != nil {
			return
		}
		var whole any
		d := json.NewDecoder(strings.NewReader(string(data)))
		d.UseNumber()
		if err := d.Decode(&whole); err != nil {
			t.Fatal(err)
		}
		if !same(&tr, 0, whole) {
			t.Fatalf("%q is read as something else", data)
		}
	})
}

// same compares a node with what encoding/json made of the same text.
func same(tr *tree, n int32, want any) bool {
	nd := &tr.nodes[n]
	switch w := want.(type) {
	case nil:
		return nd.kind == jsonNull
	case bool:
		return nd.kind == jsonBool && (string(nd.text) == "true") == w
	case json.Number:
		return nd.kind == jsonNumber && string(nd.text) == w.String()
	case string:
		return nd.kind == jsonString && string(nd.text) == w
	case []any:
		i := 0
		for c := nd.child; c != 0; c = tr.nodes[c].next {
			if i >= len(w) || !same(tr, c, w[i]) {
				return false
			}
			i++
		}
		return nd.kind == jsonArray && i == len(w)
	case map[string]any:
		last := map[string]int32{}
		for c := nd.child; c != 0; c = tr.nodes[c].next {
			last[string(tr.nodes[c].name)] = c
		}
		for name, c := range last {
			if v, ok := w[name]; !ok || !same(tr, c, v) {
				return false
			}
		}
		return nd.kind == jsonObject && len(last) == len(w)
	}
	return false
}

func TestOrdinal(t *testing.T) {
	for n, want := range map[int]string{1: "1st", 2: "2nd", 3: "3rd", 4: "4th", 11: "11th", 12: "12th", 13: "13th", 21: "21st", 112: "112th"} {
		if got := ordinal(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}
