package sandbox

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
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
			room := &arena{}
			m, err := s.record(r, room)
			if err != nil {
				t.Fatal(err)
			}
			// Two of the standard's own values end in a blank.
			c := check{arena: room, model: s.model, store: s.store, endpoint: e}
			if said := c.run(m); said != nil && !strings.Contains(strings.Join(said["$.codeValue"], ""), "trailing spaces") {
				t.Errorf("%s: %v %v", e.Name, said, m)
			}
			if k := e.keyOf(s.model.appendRecordKey(nil, e, m)); k != r.key {
				t.Errorf("%s: the key of %v is another", e.Name, m)
			}
			if got, ok := s.store.byID(e, string(s.store.appendID(nil, r))); !ok || got.key != r.key {
				t.Errorf("%s: %v is not found by its id", e.Name, m)
			}
			if c.unresolved != "" {
				t.Errorf("%s: %v refers to nothing", e.Name, m)
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

// nested is a made-up shape that holds itself: a text, a list and an object.
func nested() *schema.Object {
	o := &schema.Object{}
	o.Properties = []*schema.Property{{Name: "a"}, {Name: "list", Kind: schema.KindArray, Object: o}, {Name: "object", Kind: schema.KindObject, Object: o}}
	return o
}

// What the standard has of a body is read as encoding/json reads it.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"a":1}`, `{"list":[1,-0.5e+3,true,false,null,"x\u00e9\ud83d\ude00\n",{"a":{}}]}`, ` {"a":{"b":[]}} `, `{"a":01}`, `{"a":1.}`, `{"a":"\ud800"}`,
		`{"object":{"list":[{"a":"\ud800\u0041"}]}}`, `{"a",}`, `{"a":1,}`, `[1]`, `{"a":"` + "\x01" + `"}`, `{"a":nul}`, `{"a":-}`, "{\"a\":\"\xff\"}", `{"a":tru`,
		`{"\u0061":1}`, `{"a":"\"}`, `{"a":1,"a":2}`, `{"a":}`, `{"a":1}}`, `{"b":{"a":[{}]}}`,
		"{ \"a\" : true , \"list\" :\t[ false , 1 ,null ] }",
	} {
		f.Add([]byte(s))
	}
	root := nested()
	f.Fuzz(func(t *testing.T, data []byte) {
		got, _, err := decode(data, root, &arena{})
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
		if diff := cmp.Diff(expected(&schema.Property{Object: root}, want), unflawed(value{kind: '{', parts: got}), cmp.AllowUnexported(value{})); diff != "" && !inOtherCase(want) {
			t.Fatalf("%q: %s", data, diff)
		}
	})
}

// unflawed makes texts with flaws, which encoding/json does not tell apart, like others.
func unflawed(v value) value {
	if v.kind == flawed {
		v.kind = '"'
	}
	for i := range v.parts {
		v.parts[i] = unflawed(v.parts[i])
	}
	return v
}

// expected is what decode makes of a value that encoding/json has read.
func expected(p *schema.Property, v any) value {
	switch v := v.(type) {
	case object:
		out := value{kind: '{'}
		if p == nil || p.Object == nil {
			return out
		}
		for _, inner := range p.Object.Properties {
			out.parts = append(out.parts, expected(inner, v[inner.Name]))
		}
		return out
	case []any:
		out := value{kind: '[', parts: []value{}}
		for _, item := range v {
			out.parts = append(out.parts, expected(p, item))
		}
		return out
	case string:
		return value{kind: '"', text: []byte(v)}
	case json.Number:
		return value{kind: '0', text: []byte(v.String())}
	case bool:
		text := strconv.FormatBool(v)
		return value{kind: text[0], text: []byte(text)}
	}
	return value{}
}

// inOtherCase says that a name is spelt in another case than the shape has it, or twice.
func inOtherCase(v any) bool {
	switch v := v.(type) {
	case object:
		for name, inner := range v {
			if lower := strings.ToLower(name); name != lower && slices.Contains([]string{"a", "list", "object"}, lower) || inOtherCase(inner) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, inOtherCase)
	}
	return false
}
