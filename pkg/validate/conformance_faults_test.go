package validate

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// fault is one thing that may be odd about a record, and what is to come of it. The target is an ODS/API 7.2.
type fault struct {
	name   string
	of     func(r *schema.Resource) bool                           // nil: any resource
	at     func(s site) bool                                       // which properties can have it; nil: the record as a whole
	make   func(p *proof, record map[string]any, s site) (ok bool) // nil: nothing is changed
	text   func(text []byte) []byte                                // changes the record as written
	taken  bool                                                    // the target takes it
	code   diag.Code                                               // what the gate says; "": nothing
	reason string                                                  // why gate and target differ
	inCase bool                                                    // a target that compares keys without regard to case takes it
	adds   string                                                  // the property that it adds
	rare   bool                                                    // some standards have no place for it
}

// passes says that the gate lets a record with the fault pass.
func (f *fault) passes() bool { return f.code == "" || diag.LevelOf(f.code) > diag.LevelError }

// The reasons for which the gate refuses what the target takes.
const (
	dropped   = "the target would take the record and drop this part of it in silence"
	twoValues = "one of two values would be lost, and targets differ in which; the Data Management Service refuses it"
)

// put is a fault that consists in a value.
func put(v any) func(*proof, map[string]any, site) bool {
	return func(_ *proof, _ map[string]any, s site) bool {
		s.set(v)
		return true
	}
}

// change is a fault that is made of a good value.
func change(with func(s site) any) func(*proof, map[string]any, site) bool {
	return func(_ *proof, _ map[string]any, s site) bool {
		v := with(s)
		s.set(v)
		return v != nil
	}
}

func add(name string, v any) func(*proof, map[string]any, site) bool {
	return func(_ *proof, record map[string]any, s site) bool {
		if s.holder != nil {
			record = s.holder
		}
		record[name] = v
		return true
	}
}

// adding is a fault that consists in a property more.
func adding(name string, v any, f fault) fault {
	f.adds, f.make = name, add(name, v)
	return f
}

func remove(_ *proof, _ map[string]any, s site) bool {
	delete(s.holder, s.prop.Name)
	return true
}

// rename gives a property another name, with its value.
func rename(with func(name string) string) func(*proof, map[string]any, site) bool {
	return func(_ *proof, _ map[string]any, s site) bool {
		s.holder[with(s.prop.Name)] = s.value()
		delete(s.holder, s.prop.Name)
		return with(s.prop.Name) != s.prop.Name
	}
}

func upperFirst(name string) string { return strings.ToUpper(name[:1]) + name[1:] }

func optional(s site) bool { return !s.prop.Required && s.free() }

func required(s site) bool { return s.prop.Required && !s.inReference() }

func reference(s site) bool { return s.prop.Object != nil && s.prop.Object.Reference != nil }

func list(s site) bool { return s.prop.Kind == schema.KindArray }

func described(s site) bool { return s.prop.Descriptor != "" && s.free() }

func isDescriptor(r *schema.Resource) bool { return r.Descriptor != "" }

// ownKey is a text of the record itself that is a part of its natural key.
func ownKey(s site) bool {
	return s.root && s.key && !s.tied && s.text() && s.prop.Name != "namespace" && s.of.Reference == nil
}

// plainText is a text on which nothing depends.
func plainText(s site) bool { return s.text() && s.free() && s.prop.Name != "namespace" }

func ofKind(k schema.Kind) func(site) bool {
	return func(s site) bool { return s.kind(k) && s.free() }
}

func both(conditions ...func(site) bool) func(site) bool {
	return func(s site) bool {
		return !slices.ContainsFunc(conditions, func(c func(site) bool) bool { return !c(s) })
	}
}

func maxLength(s site) bool { return s.prop.MaxLength > 0 }

func minLength(n int) func(site) bool { return func(s site) bool { return s.prop.MinLength >= n } }

func noMinLength(s site) bool { return s.prop.MinLength == 0 }

// ofLength is a text of so many units for the property's greatest length.
func ofLength(unit string, more int) func(*proof, map[string]any, site) bool {
	return change(func(s site) any { return strings.Repeat(unit, s.prop.MaxLength/units(unit)+more) })
}

func units(text string) int {
	n := 0
	for _, r := range text {
		n++
		if r > 0xffff {
			n++
		}
	}
	return n
}

// breaks are the texts that are not JSON.
func broken(name string, text func([]byte) []byte) fault {
	return fault{name: name, text: text, code: diag.RecordJSON}
}

// rarely is a fault that some standards have no place for.
func rarely(f fault) fault {
	f.rare = true
	return f
}

func wrong(name string, at func(site) bool, make func(*proof, map[string]any, site) bool) fault {
	return fault{name: name, at: at, make: make, code: diag.RecordSchema}
}

func good(name string, at func(site) bool, make func(*proof, map[string]any, site) bool) fault {
	return fault{name: name, at: at, make: make, taken: true}
}

// odd is what some targets refuse, and this one does not.
func odd(name string, at func(site) bool, make func(*proof, map[string]any, site) bool) fault {
	return fault{name: name, at: at, make: make, taken: true, code: diag.RecordPortable}
}

func lossy(name string, at func(site) bool, make func(*proof, map[string]any, site) bool, code diag.Code, reason string) fault {
	return fault{name: name, at: at, make: make, taken: true, code: code, reason: reason}
}

var faults = slices.Concat(shapeFaults, textFaults, numberFaults, dateFaults, descriptorFaults, referenceFaults, listFaults, nameFaults, jsonFaults)

var shapeFaults = []fault{
	{name: "nothing", taken: true},
	{name: "nothing, again", taken: true},
	{name: "nothing, once more", taken: true},
	wrong("a required property is missing", required, remove),
	wrong("a required property is null", required, put(nil)),
	good("an optional property is missing", optional, remove),
	good("an optional property is null", optional, put(nil)),
	wrong("an object for a scalar", func(s site) bool { return s.prop.Object == nil && s.free() }, put(map[string]any{"a": 1})),
	wrong("a list for a scalar", func(s site) bool { return s.prop.Object == nil && s.free() }, change(func(s site) any { return []any{s.value()} })),
	wrong("a text for an object", func(s site) bool { return s.kind(schema.KindObject) && !s.key }, put("x")),
	wrong("a number for an object", func(s site) bool { return s.kind(schema.KindObject) && !s.key }, put(7)),
	wrong("a list for an object", func(s site) bool { return s.kind(schema.KindObject) && !s.key }, change(func(s site) any { return []any{s.value()} })),
	wrong("an object for a list", list, change(func(s site) any { return s.value().([]any)[0] })),
	wrong("a text for a list", list, put("x")),
	wrong("a text for an item", list, change(func(s site) any { return append(s.value().([]any), "x") })),
	wrong("null for an item", list, change(func(s site) any { return append(s.value().([]any), nil) })),
	wrong("a list for an item", list, change(func(s site) any { return append(s.value().([]any), []any{}) })),
	wrong("a number for a text", plainText, put(7)),
	wrong("true for a text", plainText, put(true)),
	wrong("a number for a descriptor", described, put(7)),
	wrong("true for a number", func(s site) bool { return (s.kind(schema.KindInteger) || s.kind(schema.KindNumber)) && s.free() }, put(true)),
	wrong("a number for a date", ofKind(schema.KindDate), put(20250304)),
	wrong("a number for a date with time", ofKind(schema.KindDateTime), put(1741096800)),
}

var textFaults = []fault{
	wrong("a text one character too long", both(plainText, maxLength), ofLength("x", 1)),
	good("a text as long as can be", both(plainText, maxLength), ofLength("x", 0)),
	good("a text as long as can be, not ASCII", both(plainText, maxLength), ofLength("é", 0)),
	good("a text as long as can be, of pairs", both(plainText, maxLength), ofLength("😀", 0)),
	wrong("a text of pairs, too long by one", both(plainText, maxLength), ofLength("😀", 1)),
	wrong("a key one character too long", both(ownKey, maxLength), ofLength("x", 1)),
	rarely(wrong("a text too short", both(plainText, minLength(2)), put("x"))),
	rarely(good("a text as short as can be", both(plainText, minLength(2)), change(func(s site) any { return strings.Repeat("y", s.prop.MinLength) }))),
	wrong("a required text is empty", both(required, plainText), put("")),
	wrong("a required text is blank", both(required, plainText), put("   ")),
	odd("an optional text is empty", both(optional, plainText, noMinLength), put("")),
	odd("an optional text is blank", both(optional, plainText, noMinLength), put("   ")),
	rarely(wrong("an optional text is shorter than it may be, since it is empty", both(optional, plainText, minLength(1)), put(""))),
	wrong("a key is empty", ownKey, put("")),
	wrong("a key is blank", ownKey, put(" ")),
	wrong("a key begins with a blank", ownKey, change(func(s site) any { return " " + fmt.Sprint(s.value()) })),
	wrong("a key ends with a blank", ownKey, change(func(s site) any { return fmt.Sprint(s.value()) + " " })),
	wrong("a key ends with a tab", ownKey, change(func(s site) any { return fmt.Sprint(s.value()) + "\t" })),
	wrong("a key ends with a blank that does not break", ownKey, change(func(s site) any { return fmt.Sprint(s.value()) + "\u00a0" })),
	good("a key has a blank inside", ownKey, change(func(s site) any { return fmt.Sprint(s.value()) + " z" })),
	good("a key is not ASCII", ownKey, change(func(s site) any { return fmt.Sprint(s.value()) + "é" })),
	odd("a text ends with a blank", plainText, change(func(s site) any { return "abcdefgh"[:max(1, s.prop.MinLength)] + " " })),
	odd("a part of an item's key ends with a blank", func(s site) bool { return s.item && s.text() && !s.inReference() && s.prop.MaxLength > 8 },
		change(func(s site) any { return "abcdefg " })),
	wrong("a text looks like HTML", both(plainText, func(s site) bool { return s.prop.MaxLength >= 9 }), put("a <b> c d")),
	wrong("a text looks like a character of HTML", both(plainText, func(s site) bool { return s.prop.MaxLength >= 9 }), put("a&#65; bcd")),
	good("a text has signs of HTML with blanks around", both(plainText, func(s site) bool { return s.prop.MaxLength >= 9 }), put("a < b & c")),
	wrong("a text has a NUL", plainText, put(verbatim(`"abcdefg\u0000"`))),
	wrong("a text has half a character", plainText, put(verbatim(`"abcdefg\ud83d"`))),
	good("a text is escaped", both(plainText, func(s site) bool { return s.prop.MaxLength >= 8 }), put(verbatim(`"\u0061bcd\/\"\\e"`))),
}

func numbers(s site) bool {
	return (s.kind(schema.KindInteger) || s.kind(schema.KindNumber)) && s.free()
}

var numberFaults = []fault{
	wrong("a text for a number", numbers, put("many")),
	wrong("an empty text for a number", numbers, put("")),
	odd("a number in quotes", numbers, change(func(s site) any { return fmt.Sprint(s.value()) })),
	wrong("a number below its minimum", both(numbers, func(s site) bool { return s.prop.Minimum != nil }), change(func(s site) any {
		if *s.prop.Minimum < -1e12 {
			return nil
		}
		return verbatim(fmt.Sprintf("%.0f", *s.prop.Minimum-2))
	})),
	wrong("a number above its maximum", both(numbers, func(s site) bool { return s.prop.Maximum != nil }), change(func(s site) any {
		if *s.prop.Maximum > 1e12 {
			return nil
		}
		return verbatim(fmt.Sprintf("%.0f", *s.prop.Maximum+2))
	})),
	good("a number is its minimum", both(numbers, func(s site) bool { return s.prop.Minimum != nil }), change(func(s site) any { return *s.prop.Minimum })),
	wrong("a fraction for a whole number", ofKind(schema.KindInteger), put(5.5)),
	wrong("a whole number with a fraction of zero", ofKind(schema.KindInteger), put(verbatim("5.0"))),
	wrong("a whole number with an exponent", ofKind(schema.KindInteger), put(verbatim("1e0"))),
	wrong("a whole number beyond 32 bits", both(ofKind(schema.KindInteger), func(s site) bool { return !s.prop.Int64 }), put(verbatim("2147483648"))),
	wrong("a whole number beyond 64 bits", ofKind(schema.KindInteger), put(verbatim("9223372036854775808"))),
	wrong("zero in a key", func(s site) bool {
		return s.root && s.key && !s.tied && s.kind(schema.KindInteger) && s.prop.Maximum == nil
	}, put(0)),
	odd("a decimal with an exponent", ofKind(schema.KindNumber), put(verbatim("1e0"))),
	good("a decimal", ofKind(schema.KindNumber), put(verbatim("0.5"))),
	odd("a decimal with more digits than are kept", both(ofKind(schema.KindNumber), func(s site) bool {
		return s.prop.Maximum != nil && strings.Trim(fmt.Sprintf("%.9g", *s.prop.Maximum), "9.") == ""
	}),
		put(verbatim("0.123456789"))),
	odd("true in quotes", ofKind(schema.KindBoolean), put("true")),
	odd("TRUE in quotes", ofKind(schema.KindBoolean), put("TRUE")),
	odd("1 for true", ofKind(schema.KindBoolean), put(1)),
	wrong("yes for true", ofKind(schema.KindBoolean), put("yes")),
	wrong("2 for true", ofKind(schema.KindBoolean), put(2)),
}

var dateFaults = []fault{
	wrong("a day that does not exist", ofKind(schema.KindDate), put("2025-02-30")),
	wrong("a date of another form", ofKind(schema.KindDate), put("3/4/2025")),
	wrong("a date without zeros", ofKind(schema.KindDate), put("2025-3-4")),
	wrong("a date with a time", ofKind(schema.KindDate), put("2025-03-04T00:00:00Z")),
	wrong("an empty date", ofKind(schema.KindDate), put("")),
	wrong("the year 0", ofKind(schema.KindDate), put("0000-01-01")),
	odd("a year before 1753", ofKind(schema.KindDate), put("1752-12-31")),
	good("the year 1753", ofKind(schema.KindDate), put("1753-01-01")),
	good("the year 9999", ofKind(schema.KindDate), put("9999-12-31")),
	good("a date with time and offset", ofKind(schema.KindDateTime), put("2025-03-04T14:00:00.5+05:30")),
	good("a date with time without zone", ofKind(schema.KindDateTime), put("2025-03-04T14:00:00")),
	odd("a date with time without seconds", ofKind(schema.KindDateTime), put("2025-03-04T14:00Z")),
	odd("a date with time and a blank between", ofKind(schema.KindDateTime), put("2025-03-04 14:00:00")),
	{name: "a date for a date with time", at: ofKind(schema.KindDateTime), make: put("2025-03-04"), taken: true, code: diag.RecordDate},
	odd("a date with time before 1753", ofKind(schema.KindDateTime), put("1752-12-31T00:00:00Z")),
	wrong("the hour 24", ofKind(schema.KindDateTime), put("2025-03-04T24:00:00Z")),
	wrong("an offset that is none", ofKind(schema.KindDateTime), put("2025-03-04T14:00:00+25:00")),
	wrong("a comma before a fraction of a second", ofKind(schema.KindDateTime), put("2025-03-04T14:00:00,5Z")),
	wrong("a date with time of another form", ofKind(schema.KindDateTime), put("03/04/2025 14:00")),
	wrong("an empty date with time", ofKind(schema.KindDateTime), put("")),
	good("a time without seconds", ofKind(schema.KindTime), put("08:05")),
	good("a time with a fraction", ofKind(schema.KindTime), put("08:05:00.25")),
	wrong("a time with a zone", ofKind(schema.KindTime), put("08:05:00Z")),
	wrong("a time with an offset", ofKind(schema.KindTime), put("08:05:00-05:00")),
	wrong("a time without its zero", ofKind(schema.KindTime), put("8:05")),
	wrong("the time 24:00", ofKind(schema.KindTime), put("24:00:00")),
	wrong("an empty time", ofKind(schema.KindTime), put("")),
}

func swapCase(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 32
		case r >= 'A' && r <= 'Z':
			return r + 32
		}
		return r
	}, text)
}

func unknownValue(name string, at func(site) bool, with func(value string) string) fault {
	return fault{name: name, at: at, make: change(func(s site) any { return with(s.value().(string)) }), code: diag.RecordDescriptor}
}

var descriptorFaults = []fault{
	good("a descriptor value in another case", described, change(func(s site) any { return swapCase(s.value().(string)) })),
	unknownValue("an unknown code", described, func(v string) string { return v + "zzz" }),
	unknownValue("a code with something behind", described, func(v string) string { return v + "#x" }),
	unknownValue("an unknown namespace", described, func(v string) string { return strings.Replace(v, "uri://", "uri://www.", 1) }),
	unknownValue("a value of another type", both(described, func(s site) bool { return s.prop.Descriptor != "LanguageDescriptor" }),
		func(string) string { return "uri://ed-fi.org/LanguageDescriptor#eng" }),
	unknownValue("a value with a blank behind", described, func(v string) string { return v + " " }),
	unknownValue("a value with a blank before", described, func(v string) string { return " " + v }),
	unknownValue("an unknown code in a reference", func(s site) bool { return s.inReference() && s.prop.Descriptor != "" && !s.tied }, func(v string) string { return v + "zzz" }),
	unknownValue("an unknown code in the key of an item", func(s site) bool { return s.item && s.prop.Descriptor != "" }, func(v string) string { return v + "zzz" }),
	wrong("a code without a namespace", described, put("Reading")),
	wrong("a namespace without a code", described, put("uri://ed-fi.org/GradeLevelDescriptor#")),
	wrong("a required descriptor is empty", both(required, described), put("")),
	odd("an optional descriptor is empty", both(optional, described, noMinLength), put("")),
	wrong("an optional descriptor is blank", both(optional, described), put("  ")),

	{name: "a descriptor", of: isDescriptor, taken: true},
	{name: "a descriptor with # in its code", of: isDescriptor, make: add("codeValue", "a#b"), code: diag.RecordSchema},
	{name: "a descriptor with too long a code", of: isDescriptor, make: add("codeValue", strings.Repeat("x", 51)), code: diag.RecordSchema},
	{name: "a descriptor without its short description", of: isDescriptor, code: diag.RecordSchema,
		make: func(_ *proof, record map[string]any, _ site) bool { delete(record, "shortDescription"); return true }},
	{name: "a descriptor whose namespace is no URI", of: isDescriptor, make: add("namespace", "acme.org/XDescriptor"), code: diag.RecordSchema},
	{name: "a descriptor whose namespace has a blank", of: isDescriptor, make: add("namespace", "uri://acme org/XDescriptor"), code: diag.RecordSchema},
	{name: "a descriptor whose namespace has no name", of: isDescriptor, make: add("namespace", "uri://acme.org"), code: diag.RecordSchema},
	{name: "a descriptor whose namespace has further segments", of: isDescriptor, make: add("namespace", "uri://www.acme.org/map/growth/PerformanceLevelDescriptor"), taken: true},
}

// other gives a part of a reference a value that no record at the target has.
func other(s site) any {
	switch v := s.value().(type) {
	case string:
		if s.kind(schema.KindDate) {
			return "1999-12-31"
		}
		return v[:len(v)-1] + "~"
	case int:
		if s.prop.Maximum != nil {
			return nil
		}
		return 12345678
	}
	return nil
}

func part(s site) bool { return s.inReference() && !s.tied && s.prop.Descriptor == "" }

func optionalReference(s site) bool { return reference(s) && !s.prop.Required }

// parts changes all parts of a reference.
func parts(with func(s site) any) func(*proof, map[string]any, site) bool {
	return func(_ *proof, _ map[string]any, s site) bool {
		holder := s.value().(map[string]any)
		for _, p := range s.prop.Object.Properties {
			holder[p.Name] = with(site{prop: p, holder: holder, of: s.prop.Object})
		}
		return true
	}
}

var referenceFaults = []fault{
	{name: "a reference to nothing", at: part, make: change(other), code: diag.ReferenceMissing},
	{name: "a reference in another case", at: both(part, site.text), code: diag.ReferenceMissing, inCase: true,
		make: change(func(s site) any {
			if v := swapCase(s.value().(string)); v != s.value() {
				return v
			}
			return nil
		})},
	wrong("a reference lacks a part", func(s site) bool { return s.inReference() && len(s.of.Properties) > 1 }, remove),
	wrong("a part of a reference is null", func(s site) bool { return s.inReference() && len(s.of.Properties) > 1 }, put(nil)),
	wrong("a part of a reference is empty", func(s site) bool { return s.inReference() && s.text() && len(s.of.Properties) > 1 }, put("")),
	wrong("a part of a reference has a blank behind", func(s site) bool { return s.inReference() && s.text() && !s.tied },
		change(func(s site) any { return s.value().(string) + " " })),
	wrong("a required reference is empty", both(reference, required), put(map[string]any{})),
	odd("an optional reference is empty", optionalReference, put(map[string]any{})),
	good("an optional reference is null", optionalReference, put(nil)),
	lossy("an optional reference whose parts are zero or empty", optionalReference, parts(func(s site) any {
		if s.kind(schema.KindInteger) {
			return 0
		}
		return ""
	}), diag.RecordSchema, dropped),
	{name: "references that disagree", at: func(s site) bool {
		return s.inReference() && s.facing && s.prop.Descriptor == "" && !s.kind(schema.KindDate)
	},
		make: change(other), code: diag.RecordPartsDiffer},
	good("an organization of another kind", func(s site) bool {
		return s.inReference() && s.of.Reference.Abstract == "EducationOrganization" && !s.tied
	},
		func(p *proof, _ map[string]any, s site) bool {
			name := s.of.Reference.Targets[p.rnd.IntN(len(s.of.Reference.Targets))]
			s.set(valueAt(p.anchors[name], p.mustResource(name).Identity[0].Path))
			return true
		}),
	{name: "an organization that is none", at: func(s site) bool {
		return s.inReference() && s.of.Reference.Abstract == "EducationOrganization" && !s.tied
	},
		make: put(99887766), code: diag.ReferenceMissing},
	odd("a reference by a number in quotes", func(s site) bool { return part(s) && s.kind(schema.KindInteger) }, change(func(s site) any { return fmt.Sprint(s.value()) })),
	{name: "a student that nobody has", at: func(s site) bool { return part(s) && s.prop.Name == "studentUniqueId" && len(s.of.Properties) == 1 },
		make: put("nobody"), code: diag.ReferenceMissing},
}

func twice(s site, with func(copy map[string]any) bool) any {
	items := s.value().([]any)
	second := copyOf(items[0]).(map[string]any)
	if !with(second) {
		return nil
	}
	return append(items, second)
}

func keyed(s site) bool { return list(s) && len(s.prop.ItemKey) > 0 }

var listFaults = []fault{
	wrong("a required list is empty", both(list, required), put([]any{})),
	good("an optional list is empty", both(list, optional), put([]any{})),
	good("an optional list is null", both(list, optional), put(nil)),
	{name: "an item twice", at: keyed, code: diag.RecordItemTwice, make: change(func(s site) any { return twice(s, func(map[string]any) bool { return true }) })},
	{name: "an item twice, in another case", at: func(s site) bool {
		return keyed(s) && !slices.ContainsFunc(s.prop.ItemKey, func(k schema.Path) bool { return len(k) > 1 || !strings.HasSuffix(k[0], "Descriptor") })
	}, code: diag.RecordItemTwice, make: change(func(s site) any {
		return twice(s, func(copy map[string]any) bool {
			for _, k := range s.prop.ItemKey {
				if v, ok := copy[k[0]].(string); ok { // a part of the key may be optional
					copy[k[0]] = swapCase(v)
				}
			}
			return true
		})
	})},
	good("two items whose keys differ", func(s site) bool {
		return keyed(s) && slices.ContainsFunc(s.prop.ItemKey, func(k schema.Path) bool {
			p := s.prop.Object.ByName[k[0]]
			return len(k) == 1 && p.Kind == schema.KindString && p.Descriptor == "" && p.MaxLength > 8
		})
	}, change(func(s site) any {
		return twice(s, func(copy map[string]any) bool {
			for _, k := range s.prop.ItemKey {
				if p := s.prop.Object.ByName[k[0]]; len(k) == 1 && p.Kind == schema.KindString && p.Descriptor == "" {
					copy[k[0]] = strings.Repeat("z", max(8, p.MinLength))
				}
			}
			return true
		})
	})),
}

func anyObject(s site) bool { return s.root }

var nameFaults = []fault{
	adding("madeUpProperty", "x", lossy("an unknown property", anyObject, nil, diag.RecordUnknown, dropped)),
	adding("madeUpProperty", 1, lossy("an unknown property in an item", func(s site) bool { return s.items != nil }, nil, diag.RecordUnknown, dropped)),
	adding("madeUpProperty", "x", lossy("an unknown property in a reference", site.inReference, nil, diag.RecordUnknown, dropped)),
	lossy("an optional property in another case", optional, rename(upperFirst), diag.RecordUnknown, "the Data Management Service would drop it in silence"),
	lossy("a required property in another case", both(required, func(s site) bool { return s.root && !s.key }), rename(upperFirst), diag.RecordUnknown,
		"the Data Management Service would not find it"),
	adding("_ext", map[string]any{"acme": map[string]any{"a": 1}}, lossy("extension data that the target does not have", anyObject, nil, diag.RecordUnknown, dropped)),
	{name: "an id", at: anyObject, make: add("id", "0123456789abcdef0123456789abcdef"), code: diag.RecordServerField},
	adding("id", nil, odd("an id of null", anyObject, nil)),
	adding("_etag", "1", odd("an ETag", anyObject, nil)),
	adding("_lastModifiedDate", "2025-03-04T14:00:00Z", odd("a date of change", anyObject, nil)),
	adding("link", map[string]any{"rel": "Student", "href": "/ed-fi/students/1"}, odd("a link in a reference", site.inReference, nil)),
	lossy("a name twice", both(optional, plainText), func(_ *proof, _ map[string]any, s site) bool {
		s.set(verbatim(fmt.Sprintf(`"abcdefgh","%s":"abcdefgh"`, s.prop.Name)))
		return s.prop.MaxLength >= 8
	}, diag.RecordJSON, twoValues),
}

func replaceEnd(with string) func([]byte) []byte {
	return func(text []byte) []byte { return append(bytes.TrimSuffix(text, []byte("}")), with...) }
}

var jsonFaults = []fault{
	broken("nothing at all", func([]byte) []byte { return nil }),
	broken("blanks alone", func([]byte) []byte { return []byte("   ") }),
	broken("a list around the record", func(text []byte) []byte { return slices.Concat([]byte("["), text, []byte("]")) }),
	broken("a text for a record", func([]byte) []byte { return []byte(`"x"`) }),
	broken("null for a record", func([]byte) []byte { return []byte("null") }),
	broken("a record cut off", func(text []byte) []byte { return text[:len(text)*2/3] }),
	broken("a comma at the end", replaceEnd(",}")),
	broken("two records on a line", func(text []byte) []byte { return append(text, "{}"...) }),
	broken("a comment", replaceEnd("/* x */}")),
	broken("NaN", replaceEnd(`,"x":NaN}`)),
	broken("Infinity", replaceEnd(`,"x":-Infinity}`)),
	broken("a number with a zero before", replaceEnd(`,"x":012}`)),
	broken("a number with a plus", replaceEnd(`,"x":+1}`)),
	broken("a number without its zero", replaceEnd(`,"x":.5}`)),
	broken("single quotes", replaceEnd(`,'x':1}`)),
	broken("a name without quotes", replaceEnd(`,x:1}`)),
	broken("a control character", replaceEnd(",\"x\":\"a\tb\"}")),
	broken("bytes that are not UTF-8", replaceEnd(",\"x\":\"a\xffb\"}")),
	broken("a byte order mark", func(text []byte) []byte { return append([]byte("\ufeff"), text...) }),
	broken("lists a hundred deep", replaceEnd(`,"x":`+strings.Repeat("[", 200)+strings.Repeat("]", 200)+"}")),
	{name: "blanks between everything", taken: true, text: func(text []byte) []byte {
		return bytes.ReplaceAll(bytes.ReplaceAll(text, []byte(`":`), []byte("\" :\t")), []byte(`,"`), []byte(` , "`))
	}},
}
