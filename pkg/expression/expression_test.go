package expression

import (
	"strings"
	"testing"

	"github.com/expr-lang/expr"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// testEnv is a place to try expressions: a table and lists of what is reported.
type testEnv struct {
	table    *Table
	problems diag.List
	lints    diag.List
}

func (e *testEnv) Param(string) (*Symbol, []string) { return nil, nil }

func (e *testEnv) Lookup(name string) (*Table, []string, bool) {
	if name == e.table.Name {
		return e.table, nil, false
	}
	return nil, []string{e.table.Name}, false
}

func (e *testEnv) FitsKey(_ *Table, _ int, k Kind) bool { return k.IsText() }
func (e *testEnv) Use(*Symbol)                          {}
func (e *testEnv) Report(p diag.Problem)                { e.problems = append(e.problems, p) }
func (e *testEnv) Lint(p diag.Problem)                  { e.lints = append(e.lints, p) }
func (e *testEnv) Inferring() bool                      { return false }

// bench is a row with a value of each type and one that is empty, and a table to look up in.
func bench() (*testEnv, *Scope) {
	e := &testEnv{table: &Table{Name: "tests", Header: []string{"code", "title"}, Keys: []int{0}, From: -1, To: -1, Kinds: []Kind{KindText, KindText},
		Rows: []TableRow{{Cells: []string{"S", "Simple"}}}, Place: "tests.csv"}}
	e.table.Fill(true, e.Report)
	s := NewScope(nil)
	s.Put(&Symbol{Name: "ds", Code: ConstantCode(Value{Kind: KindDecimal, S: "5.1"}, Type{Kind: KindDecimal})})
	for name, v := range map[string]Value{
		"t": TextValue("Fall 2023-2024"), "accented": TextValue("éàü"), "i": IntegerValue(7), "d": {Kind: KindDecimal, S: "3.40"},
		"yes": BooleanValue(true), "day": {Kind: KindDate, S: "2024-03-01"}, "at": {Kind: KindDateTime, S: "2024-03-01T08:15:00.5Z"}, "clock": {Kind: KindTime, S: "08:15:00"}, "big": {Kind: KindDecimal, S: "123456789012345678901234567890"},
	} {
		s.Put(&Symbol{Name: name, What: "column", Code: Code{Type: Type{Kind: v.Kind}, Eval: func(*Frame) (Value, *Fault) { return v, nil }}})
	}
	for name, k := range map[string]Kind{"no_t": KindText, "no_i": KindInteger, "no_b": KindBoolean, "no_day": KindDate} {
		s.Put(&Symbol{Name: name, What: "column", Code: Code{Type: Type{Kind: k, Nullable: true}, Eval: func(*Frame) (Value, *Fault) { return Value{}, nil }}})
	}
	return e, s
}

// Text is an expression that stands at a place.
func text(source string, pos diag.Pos) Text {
	return Text{Source: source, At: func(line, col int) diag.Pos {
		return diag.Pos{File: pos.File, Line: pos.Line + line - 1, Col: pos.Col + col - 1}
	}}
}

// compiled is an expression compiled; what is wrong with it is in the env.
func (e *testEnv) compiled(t Text, s *Scope) Code {
	e.problems, e.lints = nil, nil
	tree, problem := Parse(t)
	if problem != nil {
		e.Report(*problem)
		return BadCode
	}
	return Compile(e, tree, s)
}

// try compiles and evaluates; the text is the value, or the problem, or the fault.
func try(e *testEnv, s *Scope, source string) string {
	out := e.compiled(text(source, diag.Pos{File: "b.yaml", Line: 1, Col: 1}), s)
	if len(e.problems) > 0 {
		return "problem: " + e.problems[0].Message
	}
	v, f := out.Eval(NewFrame(8))
	switch {
	case f != nil:
		return "fault: " + f.Message
	case v.IsNull():
		return "null"
	}
	return v.Kind.String() + " " + v.Text()
}

func TestExpressions(t *testing.T) {
	c, s := bench()
	for _, tt := range []struct{ source, want string }{
		// numbers are exact, and print without exponent
		{`7 / 2`, "decimal 3.5"}, {`0.1 + 0.2`, "decimal 0.3"}, {`1 / 3`, "decimal 0.333333333333333333"}, {`floor(3.8)`, "integer 3"},
		{`floor(-3.2)`, "integer -4"}, {`round(2.5)`, "integer 3"}, {`round(-2.5)`, "integer -3"}, {`7 % 2`, "integer 1"}, {`-i`, "integer -7"},
		{`text(d)`, "text 3.40"}, {`d + 0`, "decimal 3.4"}, {`d == 3.4`, "boolean true"}, {`text(big)`, "text 123456789012345678901234567890"},
		{`big > 1`, "boolean true"}, {`big * 10`, "decimal 1234567890123456789012345678900"}, {`9223372036854775807 + 1`, "problem"},
		{`-3 * i`, "integer -21"}, {`-1 * (0 - 9223372036854775807 - 1)`, "problem"}, {`i / 0`, "fault: division by zero"}, {`i % 0`, "fault: division by zero"}, {`int("007")`, "integer 7"}, {`int("3.0")`, "integer 3"}, {`int("3.5")`, "fault"}, {`int(t)`, "fault"},
		// text is characters, not bytes
		{`left(accented, 1)`, "text é"}, {`right(accented, 1)`, "text ü"}, {`mid(accented, 2, 1)`, "text à"}, {`right(t, 4)`, "text 2024"}, {`left(t, 99)`, "text Fall 2023-2024"},
		{`part(t, " ", 1)`, "text Fall"}, {`part(t, " ", -1)`, "text 2023-2024"}, {`part(t, " ", 3)`, "null"}, {`part(t, " ", -3)`, "null"}, {`part(t, "", 1)`, "fault"},
		{`upper("é")`, "text É"}, {`trim("\u00a0x ")`, "text x"}, {`replace("a-b", "-", "")`, "text ab"}, {`replace("ab", "", "x")`, "fault"},
		// a length is counted as the API counts it: a character beyond the first plane is two
		{`key("` + strings.Repeat("é", 60) + `") == "` + strings.Repeat("é", 60) + `"`, "boolean true"}, {`key("` + strings.Repeat("😀", 30) + `") == "` + strings.Repeat("😀", 30) + `"`, "boolean true"},
		{`key("` + strings.Repeat("😀", 31) + `")`, "text abee01fc31046323bb50c0c81a7ad24998450e90"}, {`short_code("` + strings.Repeat("😀", 31) + `")`, "text " + strings.Repeat("😀", 25) + "~"},
		// datetimes and times are instants: neither milliseconds nor zones make one another
		{`at > "2024-03-01T08:15:00Z"`, "boolean true"}, {`at <= "2024-03-01T08:15:00.500Z"`, "boolean true"}, {`at == "2024-03-01T10:15:00.500+02:00"`, "boolean true"},
		{`at in ["2024-03-01T08:15:00.50Z"]`, "boolean true"}, {`at != "2024-03-01T08:15:00.501Z"`, "boolean true"}, {`text(at) < "2024-03-01T08:15:00Z"`, "boolean true"},
		{`at == "2024-03-01"`, "problem: \"2024-03-01\" is compared with a datetime, but is not a datetime"}, {`at < t`, "fault: t is used as a datetime, but is not a datetime"},
		{`clock < "08:15:01"`, "boolean true"}, {`clock == "8:15"`, "problem"}, {`"08:15:00" == clock`, "boolean true"}, {`clock == at`, "problem"},
		// null: == != ?? in contains startsWith endsWith matches take it, everything else rejects
		{`no_t == ""`, "boolean false"}, {`no_t == null`, "boolean true"}, {`no_t != null`, "boolean false"}, {`no_t == nil`, "boolean true"}, {`no_t ?? "x"`, "text x"},
		{`no_t in ["x"]`, "boolean false"}, {`no_t contains "x"`, "boolean false"}, {`t contains no_t`, "boolean false"}, {`no_t startsWith ""`, "boolean false"}, {`no_t matches "x"`, "boolean false"},
		{`no_t not in ["x"]`, "boolean true"}, {`no_i < 3`, "fault: no_i is empty"}, {`no_t + "x"`, "fault: no_t is empty"}, {`upper(no_t)`, "fault: no_t is empty"}, {`yes and no_b`, "fault: no_b is empty"},
		{`no_b or yes`, "fault: no_b is empty"}, {`yes or no_b`, "boolean true"}, {`not no_b`, "fault"}, {`if no_b { 1 } else { 2 }`, "fault"}, {`text(no_i)`, "fault: no_i is empty"}, {`key(t, no_t)`, "fault: no_t is empty"},
		{`if no_t != null and no_t startsWith "x" { 1 } else { 2 }`, "integer 2"},
		// what is not of the language
		{`len(t)`, "problem: there is no function"}, {`filter([1], # > 0)`, "problem: there is no function"}, {`map([1], #)`, "problem"}, {`t[0:1]`, "problem: texts are not cut"}, {`1..3`, "problem"},
		{`now()`, "problem: there is no function"}, {`date("2024-01-01")`, "problem: there is no function"}, {`string(1)`, "problem: there is no function"}, {`$env.t`, "problem: $env"}, {`$env["t"]`, "problem"},
		{`t.foo`, "problem"}, {`t.upper()`, "problem"}, {`[1, 2]`, "problem: a list of values"}, {`{a: 1}`, "problem"}, {`let x = 1; x`, "problem: an expression is one value"}, {`1; 2`, "problem: an expression is one value"},
		{`2 ** 3`, "problem: the operator"}, {`2 ^ 3`, "problem: the operator"}, {`t | upper()`, "problem: the operator `|`"}, {`!yes`, "problem: the operator `!`"}, {`yes && yes`, "problem: the operator `&&`"}, {`1 < i < 9`, "problem: a value is compared with one bound"}, {`"a|b"`, "text a|b"}, {`"a" in t`, "problem: `in` needs a list of values"}, {`t matches no_t`, "problem: the pattern"}, {`t matches "("`, "problem: the pattern"},
		{`keys({})`, "problem"}, {`params`, "problem"}, {`scores`, "problem: `scores` is a list"}, {`layout`, "problem: `layout` is not known"}, {`nme`, "problem: there is no name"}, {`upper`, "problem: \"upper\" is a function"},
		// types
		{`i == "7"`, "problem: i is an integer"}, {`not t`, "problem"}, {`not t == null`, "problem"}, {`i + t`, "problem"}, {`if yes { "a" } else { 5 }`, "problem: one branch"}, {`no_t ?? 5`, "problem: no_t is text"},
		{`day < "2024-12-31"`, "boolean true"}, {`day == "3/1/2024"`, "problem"}, {`day < 5`, "problem"}, {`i < d`, "boolean false"}, {`i in ["x"]`, "problem"}, {`t matches "^Fall"`, "boolean true"},
		{`left(t)`, "problem: left does not take 1"}, {`left(i, 1)`, "problem: left takes text"}, {`if t { 1 } else { 2 }`, "problem: the condition"}, {`yes ? 1 : 2`, "problem: `c ? a : b`"},
		{`a ?? b + c`, "problem: `??` is mixed with"}, {`(`, "problem"}, {``, "problem: the expression is empty"}, {`1 +`, "problem"}, {`99999999999999999999`, "problem"},
		// keys and codes
		{`key("a", "b|c", "d\\e")`, `text a|b\|c|d\\e`}, {`key(i, day)`, "text 7|2024-03-01"}, {`key("")`, "problem-or-fault"}, {`key(d)`, "text 3.40"},
		{`short_code("` + strings.Repeat("é", 60) + `")`, "text " + strings.Repeat("é", 60)},
		{`spring_year(day)`, "integer 2024"}, {`spring_year("2024-07-01")`, "integer 2025"}, {`spring_year("2024-08-01", 9)`, "integer 2024"}, {`spring_year("2024-13-01")`, "fault"}, {`ds`, "decimal 5.1"}, {`ds >= 5.2`, "boolean false"},
	} {
		got := try(c, s, tt.source)
		if tt.want == "problem-or-fault" && !strings.HasPrefix(got, "text") {
			continue
		}
		if !strings.HasPrefix(got, tt.want) && (tt.want != "problem" || !strings.HasPrefix(got, "fault")) {
			t.Errorf("%s = %s, want %s", tt.source, got, tt.want)
		}
		if strings.Contains(got, "interface") || strings.Contains(got, "reflect") || strings.Contains(got, "int64") {
			t.Errorf("%s speaks of Go: %s", tt.source, got)
		}
	}
}

func TestKeysAndCodesHaveOneLength(t *testing.T) {
	long := strings.Repeat("x", 61)
	v, _ := keyFunction([]Value{TextValue(long)})
	if len(v.S) != 40 {
		t.Errorf("key of 61 characters: %q", v.S)
	}
	code, _ := shortCode([]Value{TextValue(long)})
	if len(code.S) != 60 || code.S[51] != '~' {
		t.Errorf("short_code of 61 characters: %q", code.S)
	}
	a, _ := keyFunction([]Value{TextValue("a|b"), TextValue("c")})
	b, _ := keyFunction([]Value{TextValue("a"), TextValue("b|c")})
	if a.S == b.S {
		t.Error("key is not injective")
	}
}

func TestBoundsOfExpressions(t *testing.T) {
	c, s := bench()
	if got := try(c, s, "1"+strings.Repeat("+1", 300)); !strings.Contains(got, "more than 500 parts") {
		t.Error(got)
	}
	if got := try(c, s, strings.Repeat("(", 20_000)); !strings.Contains(got, "longer than") {
		t.Error(got)
	}
	if got := try(c, s, strings.Repeat("(", 8_000)+"1"+strings.Repeat(")", 8_000)); got != "integer 1" {
		t.Error(got)
	}
	// forty lets of a + a, and replace in replace, stay within 64 KiB
	name := "t"
	for i := range 40 {
		next := "a" + string(rune('a'+i/26)) + string(rune('a'+i%26))
		body := c.compiled(text(name+" + "+name, diag.Pos{}), s)
		s.Put(&Symbol{Name: next, Code: body})
		name = next
	}
	if got := try(c, s, name); !strings.Contains(got, "grows beyond 64 KiB") {
		t.Error(got)
	}
	if got := try(c, s, `replace(replace(replace(replace(replace("aaaaaaaaaa", "a", "aaaaaaaaaa"), "a", "aaaaaaaaaa"), "a", "aaaaaaaaaa"), "a", "aaaaaaaaaa"), "a", "aaaaaaaaaa")`); !strings.Contains(got, "64 KiB") {
		t.Error(got)
	}
}

func TestPositionsOfExpressions(t *testing.T) {
	c, s := bench()
	for _, tt := range []struct {
		text Text
		want string
	}{
		{text(`i + nme`, diag.Pos{File: "b", Line: 3, Col: 10}), "b:3:14"},
		{text("if yes {\n  nme\n} else { i }", diag.Pos{File: "b", Line: 8, Col: 5}), "b:9:7"},
		{text(`"é" + nme`, diag.Pos{File: "b", Line: 3, Col: 1}), "b:3:7"},
		{text(`i +`, diag.Pos{File: "b", Line: 3, Col: 1}), "b:3:3"},
	} {
		c.compiled(tt.text, s)
		if len(c.problems) == 0 || c.problems[0].Pos().String() != tt.want {
			t.Errorf("%q: %v, want %s", tt.text.Source, c.problems, tt.want)
		}
	}
}

func TestHints(t *testing.T) {
	c, s := bench()
	for source, want := range map[string]string{
		`no_i < 3`:    "no_i may be empty",
		`upper(no_t)`: "no_t may be empty",
		`t + no_t`:    "no_t may be empty",
		`if no_t != null { upper(no_t) } else { t }`: "",
		`no_i == null or no_i > 0`:                   "",
		`upper(no_t ?? "x")`:                         "",
		`t + no_t ?? "x"`:                            "without parentheses",
		`t + (no_t ?? "x")`:                          "",
	} {
		c.compiled(text(source, diag.Pos{}), s)
		if got := lintText(c.lints); (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", source, got, want)
		}
	}
}

// FuzzExpressions: nothing panics, and what both expr and we can evaluate is the same.
func FuzzExpressions(f *testing.F) {
	for _, s := range []string{`i + 2 * 3`, `"a" + t`, `if yes { i } else { 0 - i }`, `t contains "Fall" and i >= 7`, `i in [1, 7]`, `not (i == 7)`, `((i))`, `"é" < "f"`,
		`no_t ?? "x"`, `key(t, i)`, `lookup("tests", t).title`, `t matches "^F"`, `i % 3`, `1..2`, "a\n+b"} {
		f.Add(s)
	}
	c, s := bench()
	env := map[string]any{"t": "Fall 2023-2024", "i": 7, "yes": true, "accented": "éàü"}
	f.Fuzz(func(t *testing.T, source string) {
		got := try(c, s, source)
		kind, text, _ := strings.Cut(got, " ")
		if kind != "text" && kind != "integer" && kind != "boolean" || strings.ContainsAny(source, "/.?|^{*") || strings.Contains(source, "null") {
			return // division, decimals, null and what expr does otherwise
		}
		program, err := expr.Compile(source, expr.Env(env), expr.DisableAllBuiltins())
		if err != nil {
			return
		}
		want, err := expr.Run(program, env)
		if err != nil {
			return
		}
		var w string
		switch want := want.(type) {
		case string:
			w = want
		case bool:
			w = BooleanValue(want).Text()
		case int:
			w = IntegerValue(int64(want)).Text()
		default:
			return
		}
		if w != text {
			t.Errorf("%q: we say %s, expr says %v", source, got, want)
		}
	})
}

func lintText(list diag.List) string {
	var b strings.Builder
	for _, p := range list {
		b.WriteString(p.Message + "\n")
	}
	return b.String()
}

// What people write out of habit gets the advice that it needs.
func TestHabitsGetAdvice(t *testing.T) {
	e, s := bench()
	for source, want := range map[string]string{
		"DIBELS": `'"DIBELS"'`, "DIBELS 8": `'"DIBELS 8"'`, "3rd grade": `'"3rd grade"'`, "Reading & Math": `'"Reading & Math"'`, "t == DIBELS": `write it in quotes: "DIBELS"`, "t & t()": "Write `a + b`",
		`t if yes else "x"`: "Write `if c { a } else { b }`", `if yes then "a" else "b"`: "Write `if c { a } else { b }`", `t = "a"`: "Write `==`",
		`t is null`: "Write `x == null`", "i <> 3": "Write `!=`", "yes AND yes": "Write `and`", "1 < i < 9": "Write `a < x and x < b`.", "yes && yes": "Write `and`, `or`.",
	} {
		e.compiled(text(source, diag.Pos{}), s)
		if len(e.problems) != 1 || !strings.Contains(e.problems[0].Fix, want) {
			t.Errorf("%s: %+v", source, e.problems)
		}
	}
}

// A fault names the column that was looked up, whatever texts stand in the expression.
func TestFaultsNameColumnAndValue(t *testing.T) {
	e, s := bench()
	s.Put(&Symbol{Name: "minutes", What: "column", Header: "Minutes", Code: Code{Type: Type{Kind: KindText}, Eval: func(*Frame) (Value, *Fault) { return TextValue("x7"), nil }}})
	s.Put(&Symbol{Name: "zero", What: "column", Header: "Zero", Code: Code{Type: Type{Kind: KindInteger}, Eval: func(*Frame) (Value, *Fault) { return IntegerValue(0), nil }}})
	for source, want := range map[string]Fault{
		`int(minutes)`:       {Column: "Minutes", Value: "x7", Message: `int("x7"): the text is not a whole number`},
		`mid("ab", zero, 1)`: {Column: "Zero", Value: "0", Message: `mid("ab", 0, 1): characters are counted from 1, and n may not be negative`},
		`i / zero`:           {Column: "Zero", Value: "0", Message: "division by zero: 7 / 0"},
		`int(minutes + "` + strings.Repeat("y", 99) + `")`: {Message: `int("x7` + strings.Repeat("y", 58) + `…"): the text is not a whole number`},
	} {
		_, f := e.compiled(text(source, diag.Pos{}), s).Eval(NewFrame(8))
		if f == nil || f.Column != want.Column || f.Value != want.Value || f.Message != want.Message {
			t.Errorf("%s: %+v", source, f)
		}
	}
}

func TestColumnOfALookupThatMisses(t *testing.T) {
	e, s := bench()
	s.Put(&Symbol{Name: "grade", What: "column", Header: "Grade (last)", Code: Code{Type: Type{Kind: KindText}, Eval: func(*Frame) (Value, *Fault) { return TextValue("9"), nil }}})
	for source, want := range map[string]string{
		`lookup("tests", grade).title`:                 "Grade (last)",
		`lookup("tests", grade + " (column A)").title`: "Grade (last)",
		`lookup("tests", " (column A)" + grade).title`: "Grade (last)",
	} {
		_, f := e.compiled(text(source, diag.Pos{}), s).Eval(NewFrame(0))
		if f == nil || f.Column != want {
			t.Errorf("%s: %+v, want column %q", source, f, want)
		}
	}
}
