package schema_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// beyondJSONSchema tells whether a finding is by a rule that JSON Schema does not express. All
// others must be refused by the library too.
func beyondJSONSchema(f schema.Finding) bool {
	switch f.Code {
	case diag.RecordItemTwice, // uniqueness by key
		diag.RecordPartsDiffer,               // equality of two places
		diag.RecordDate, diag.RecordPortable: // worth knowing, not wrong
		return true
	case diag.RecordJSON: // a name twice: the library's decoder takes the last
		return strings.Contains(f.Message, "appears twice")
	}
	for _, rule := range []string{
		" is blank", // required text of blanks only
		"looks like HTML",
		"holds #", "is not the namespace of a descriptor", // in the record of a descriptor
		"has blanks at its beginning",     // keys
		"is 0, which targets read as not", // numbers in keys
		"holds a NUL", "holds half a character",
	} {
		if strings.Contains(f.Message, rule) {
			return true
		}
	}
	return strings.HasSuffix(f.Message, "must be a whole number") // 5.0 is one to the library
}

// takenAnyway tells whether a finding is only a warning although JSON Schema refuses the value: targets take it.
func takenAnyway(f schema.Finding) bool {
	return f.Code == diag.RecordPortable && slices.ContainsFunc([]string{"in quotes", "as a text or a number", "reference is empty", "a blank between", "passes over it"},
		func(rule string) bool { return strings.Contains(f.Message, rule) })
}

// recordMaker makes records that fit but for some mutations.
type recordMaker struct {
	*rand.Rand
	mutate float64
}

func (m recordMaker) object(o *schema.Object, depth int) map[string]any {
	out := map[string]any{}
	for _, p := range o.Properties {
		if !p.Required && m.Float64() < 0.6 {
			continue
		}
		if m.mutated() {
			switch m.IntN(4) {
			case 0:
				continue // missing
			case 1:
				out[p.Name+"x"] = "unknown"
				continue
			case 2:
				out[p.Name] = m.anything()
				continue
			default:
				out["link"] = "x"
			}
		}
		out[p.Name] = m.value(p, depth)
	}
	return out
}

func (m recordMaker) mutated() bool { return m.Float64() < m.mutate }

func (m recordMaker) anything() any {
	return []any{nil, true, "text", json.Number("7"), json.Number("7.5"), json.Number("7.0"), map[string]any{}, []any{}, []any{"x"}, []any{map[string]any{}}, ""}[m.IntN(11)]
}

func (m recordMaker) value(p *schema.Property, depth int) any {
	switch p.Kind {
	case schema.KindObject:
		return m.object(p.Object, depth+1)
	case schema.KindArray:
		items := []any{}
		n := 1 + m.IntN(3)
		if m.mutated() {
			n = 0
		}
		for range n {
			items = append(items, m.object(p.Object, depth+1))
		}
		return items
	case schema.KindBoolean:
		return m.IntN(2) == 0
	case schema.KindInteger:
		return json.Number([]string{"1", "2022", "2147483647", "2147483648", "-2147483649", "9223372036854775808", "12"}[m.oneOf(2, 7)])
	case schema.KindNumber:
		return json.Number([]string{"1", "0.5", "-3.25", "99999999999999", "1e3", "-99999999999999"}[m.oneOf(2, 6)])
	case schema.KindDate:
		return []string{"2024-02-29", "2025-03-04", "2025-02-29", "3/4/2025", "2025-3-4", "2025-03-04T00:00:00Z", ""}[m.oneOf(2, 7)]
	case schema.KindDateTime:
		return []string{"2025-03-04T14:00:00Z", "2025-03-04T14:00:00.5+01:00", "2025-03-04", "2025-03-04T25:00:00Z", "2025-03-04 14:00", "2025-03-04T14:00:00Z0"}[m.oneOf(3, 6)]
	case schema.KindTime:
		return []string{"08:00", "23:59:59", "24:00", "8:00", "08:00:00Z"}[m.oneOf(2, 5)]
	}
	text := "uri://acme.org/x"
	if p.Descriptor != "" {
		text = "uri://ed-fi.org/X#" + string(rune('a'+m.IntN(26)))
	}
	if m.mutated() {
		text = []string{"", " ", " x ", "#", "a#", strings.Repeat("é", 300), strings.Repeat("😀", p.MaxLength/2+1), strings.Repeat("x", p.MaxLength), "\x00"}[m.IntN(9)]
	}
	if p.MaxLength > 0 && p.MaxLength < len(text) && m.Float64() > m.mutate {
		text = strings.Repeat("y", max(1, p.MinLength))
	}
	return text
}

// oneOf picks one of the first good of all, or, mutated, one of all.
func (m recordMaker) oneOf(good, all int) int {
	if m.mutated() {
		return m.IntN(all)
	}
	return m.IntN(good)
}

// FuzzCheckAgainstJSONSchema holds the check over bytes against the library: records made of the
// facts and mutated must be refused by both or by neither, but for the rules listed above.
func FuzzCheckAgainstJSONSchema(f *testing.F) {
	s := load(f)
	names := s.Names()
	validators := map[string]*schema.Validator{}
	reused := map[string]*reusedCheck{}
	for i := range uint64(600) {
		f.Add(uint16(i*7), i, uint8(i%8))
	}
	f.Fuzz(func(t *testing.T, resource uint16, seed uint64, mutations uint8) {
		name := names[int(resource)%len(names)]
		v, ok := validators[name]
		if !ok {
			var err error
			if v, err = s.Validator(name); err != nil {
				t.Fatal(err)
			}
			validators[name] = v
		}
		r, _ := s.Resource(name)
		m := recordMaker{Rand: rand.New(rand.NewPCG(seed, 1)), mutate: float64(mutations) / 256}
		text, err := json.Marshal(m.object(r.Root, 0))
		if err != nil {
			t.Fatal(err)
		}
		compare(t, s, v, name, text)
		if reused[name] == nil {
			c, _ := s.Checker(name)
			reused[name] = &reusedCheck{checker: c}
		}
		checkKey(t, reused[name].checker, text)
		reused[name].compare(t, text)
		reused[name].compare(t, text)
	})
}

func compare(t *testing.T, s *schema.Standard, v *schema.Validator, name string, text []byte) {
	t.Helper()
	refusals, err := v.Refusals(text)
	if err != nil {
		t.Fatal(err)
	}
	c, _ := s.Checker(name)
	var rec schema.Record
	c.Check(text, &rec)
	wrong, told, taken := false, false, false
	for _, finding := range rec.Findings {
		wrong = wrong || finding.Level <= diag.LevelError
		told = told || !beyondJSONSchema(finding)
		taken = taken || takenAnyway(finding)
	}
	if len(refusals) > 0 && !wrong && !taken {
		t.Errorf("only the library refuses %s %s: %+v", name, text, refusals)
	}
	if told && len(refusals) == 0 {
		t.Errorf("only the check refuses %s %s: %+v", name, text, rec.Findings)
	}
}

// FuzzCheckBytes holds the reading of JSON against encoding/json, over any bytes.
func FuzzCheckBytes(f *testing.F) {
	for _, seed := range []string{minimalStudentAssessment, with(minimalStudentAssessment, `"scoreResults":[`+score+`],"x":[1,-2.5e+3,true,null,{"a":"\ud83d\ude00\n"}]`), "{}", `{"a":`, "{\"\xff\":1}"} {
		f.Add([]byte(seed))
	}
	s := load(f)
	c, _ := s.Checker("studentAssessments")
	v, err := s.Validator("studentAssessments")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var rec schema.Record
		c.Check(data, &rec)
		checkKey(t, c, data)
		malformed := false
		for _, finding := range rec.Findings {
			malformed = malformed || finding.Code == diag.RecordJSON && !beyondJSONSchema(finding)
		}
		var members map[string]any
		isObject := json.Unmarshal(data, &members) == nil && members != nil && utf8.Valid(data)
		switch {
		case malformed && isObject && !strings.Contains(rec.Findings[len(rec.Findings)-1].Message, "too deep"):
			t.Errorf("encoding/json reads what the check does not: %+v", rec.Findings)
		case !malformed && !isObject:
			t.Error("the check reads what encoding/json does not")
		case isObject && !malformed && !hasDoubledNames(rec):
			if refusals, err := v.Refusals(data); err == nil && len(refusals) > 0 && len(rec.Findings) == 0 {
				t.Errorf("only the library refuses: %+v", refusals)
			}
		}
	})
}

func hasDoubledNames(rec schema.Record) bool {
	for _, f := range rec.Findings {
		if f.Code == diag.RecordJSON {
			return true
		}
	}
	return false
}

// checkKey makes sure that Key finds what Check finds.
func checkKey(t *testing.T, c *schema.Checker, text []byte) {
	t.Helper()
	var whole, key schema.Record
	c.Check(text, &whole)
	c.Key(text, &key)
	if whole.Key.OK != key.Key.OK || whole.Key.Hash != key.Key.Hash || whole.Key.String() != key.Key.String() {
		t.Fatalf("Check finds the key %v, Key %v in\n%.500s", whole.Key, key.Key, text)
	}
	if len(key.Findings)+len(key.Descriptors)+len(key.References) > 0 {
		t.Fatalf("Key finds more than a key: %d findings, %d descriptors, %d references", len(key.Findings), len(key.Descriptors), len(key.References))
	}
}

// reusedCheck is a Record that has judged many others of its resource, and so expects much.
type reusedCheck struct {
	checker *schema.Checker
	rec     schema.Record
}

// compare makes sure that a Record finds the same whatever it judged before.
func (r *reusedCheck) compare(t *testing.T, text []byte) {
	t.Helper()
	var fresh schema.Record
	r.checker.Check(text, &fresh)
	r.checker.Check(text, &r.rec)
	show := func(rec *schema.Record) []string {
		out := []string{fmt.Sprint(rec.Key)}
		for _, f := range rec.Findings {
			out = append(out, fmt.Sprint(f))
		}
		for _, d := range rec.Descriptors {
			out = append(out, fmt.Sprint(d.Type, d.Property.Name, string(d.Value), d.Place))
		}
		for _, u := range rec.References {
			out = append(out, fmt.Sprint(u.Hash, u.String(), u.Place))
		}
		return out
	}
	if diff := cmp.Diff(show(&fresh), show(&r.rec)); diff != "" {
		t.Errorf("a record used before finds something else: %s", diff)
	}
	// What is settled is left out, and nothing else is.
	var settling schema.Record
	r.checker.Check(text, &settling)
	unsettled := 0
	for i := range settling.Descriptors {
		if d := &settling.Descriptors[i]; len(d.Value)%2 == 0 {
			settling.Settle(d)
		} else {
			unsettled++
		}
	}
	r.checker.Check(text, &settling)
	odd := 0
	for _, d := range settling.Descriptors {
		odd += len(d.Value) % 2
	}
	if odd != unsettled {
		t.Errorf("%d descriptors were not settled, %d are there", unsettled, odd)
	}
}
