package sandbox

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

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
	for _, e := range s.model.endpoints {
		n := 0
		s.store.walk(e, 0, func(r *row) bool {
			m, err := s.record(r)
			if err != nil {
				t.Fatal(err)
			}
			// Two of the standard's own values end in a blank.
			c := check{model: s.model, store: s.store, endpoint: e}
			if !c.run(m) && !strings.Contains(strings.Join(c.invalid["$.codeValue"], ""), "trailing spaces") {
				t.Errorf("%s: %v %v", e.Name, c.invalid, m)
			}
			if k := s.model.recordKey(e, m); k != r.Key {
				t.Errorf("%s: the key of %v is another", e.Name, m)
			}
			if got := s.store.byID(e, s.store.recordID(r)); got == nil || got.Key != r.Key {
				t.Errorf("%s: %v is not found by its id", e.Name, m)
			}
			for _, p := range c.pointers {
				if s.store.target(p) == nil {
					t.Errorf("%s: %v refers to nothing", e.Name, m)
				}
			}
			n++
			return n < 400
		})
	}
}

func TestOrdinal(t *testing.T) {
	for n, want := range map[int]string{1: "1st", 2: "2nd", 3: "3rd", 4: "4th", 11: "11th", 12: "12th", 13: "13th", 21: "21st", 112: "112th"} {
		if got := ordinal(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}

// A body is read as encoding/json reads it.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"a":1}`, `{"a":[1,-0.5e+3,true,false,null,"x\u00e9\ud83d\ude00\n"]}`, ` {"a":{"b":[]}} `, `{"a":01}`, `{"a":1.}`, `{"a":"\ud800"}`,
		`{"a":"\ud800\u0041"}`, `{"a",}`, `{"a":1,}`, `[1]`, `{"a":"` + "\x01" + `"}`, `{"a":nul}`, `{"a":-}`, "{\"a\":\"\xff\"}", `{"a":tru`, `{"\u0061":1}`,
		`{"a":"\"}`, `{"a":1,"a":2}`, `{"a":}`, `{"a":1}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := decode(data)
		if err != nil && strings.Contains(err.Error(), "nested") {
			return
		}
		valid := json.Valid(data) && utf8.Valid(data) && strings.HasPrefix(strings.TrimLeft(string(data), " \t\r\n"), "{")
		if (err == nil) != valid {
			t.Fatalf("%q: %v", data, err)
		}
		if err != nil {
			return
		}
		var want object
		d := json.NewDecoder(bytes.NewReader(data))
		d.UseNumber()
		if err := d.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q: %s", data, diff)
		}
	})
}
