package strictyaml

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// show writes problems as line:col message.
func show(list diag.List) []string {
	var out []string
	for _, p := range list {
		out = append(out, fmt.Sprintf("%d:%d %s", p.Line, p.Col, p.Message))
	}
	return out
}

// TestFence holds every trap of YAML that we know of: what is written, and what is said.
func TestFence(t *testing.T) {
	for name, c := range map[string]struct {
		src  string
		want []string // line:col and a part of the message
		fix  string   // a part of the first problem's fix
	}{
		"comma in a flow map":   {"let: {assessment: lookup(\"subjects\", subject).x}\n", []string{`1:38 "subject).x" has no value`}, "Quote the whole value"},
		"hash glued":            {"header: Irregularity Code #1 01\n", []string{`1:27 YAML cuts the text "Irregularity Code" here`}, "Quote the whole text"},
		"hash in an expression": {"a: map(goals, # > 3)\n", []string{`1:15 YAML cuts`}, ""},
		"one blank and comment": {"a: x # y\n", []string{"1:6 YAML cuts"}, "two blanks"},
		"two blanks, glued":     {"a: x  #y\n", []string{"1:7 YAML cuts"}, ""},
		"hash in a list":        {"a: [x #y\n  ]\n", []string{"1:7 YAML cuts"}, ""},
		"hash after a number":   {"a: 1 # y\n", []string{"1:6 YAML cuts"}, ""},
		"tag":                   {"when: !late\nx: 1\n", []string{"1:7 !late is a tag"}, "not"},
		"tag with a colon":      {"a: {b: !x:y z}\n", []string{"1:8 !x:y is a tag"}, `: "!x:y";`},
		"known tag":             {"a: !!str 1\n", []string{"1:4 !!str is a tag"}, ""},
		"tag on nothing":        {"a: !!null\nb: 1\n", []string{"1:4 !!null is a tag", "2:1 unexpected"}, ""},
		"anchor and alias":      {"a: &x 1\nb: *x\n", []string{"1:4 `&` makes an anchor", "2:4 `*` makes an alias"}, ""},
		"merge key":             {"a: {b: 1}\nc:\n  <<: {b: 2}\n", []string{"3:3 `<<` merges maps"}, ""},
		"two documents":         {"a: 1\n---\nb: 2\n", []string{"2:1 `---` begins a second document"}, ""},
		"document after end":    {"a: 1\n...\nb: 2\n", []string{"3:1 a second document"}, ""},
		"directive":             {"%YAML 1.2\n---\na: 1\n", []string{"1:1 `%` begins a directive"}, ""},
		"repeated key":          {"a: 1\nb: 2\na: 3\n\"a\": 4\n", []string{`3:1 the key "a" occurs a second time here (first in line 1)`, `4:1 the key "a"`}, ""},
		"repeated in braces":    {"a: {b: 1, b: 2}\n", []string{`1:11 the key "b"`}, ""},
		"null values": {"a:\nb: ~\nc: null\nd: [~, x]\ne: {f: }\ng:\n  - \n  - 1\n", []string{`1:1 "a" has no value`, `2:4 "b" is null`,
			`3:4 "c" is null`, "4:5 an item of this list is null", `5:5 "f" has no value`, "7:4 an item of this list has no value"}, "Write a value"},
		"keys that are no text": {"007: x\nnull: y\n~: z\ntrue: b\n1.5: q\n1:30: r\n", []string{"1:1 the key 007 is a number", "2:1 the key null is null", "3:1 the key ~ is null",
			"4:1 the key true is a boolean", "5:1 the key 1.5 is a number", "6:1 the key 1:30 is a number"}, `Write "007".`},
		"folded":                 {"a: >\n  x\n  y\n", []string{"1:4 `>` joins lines"}, "`|`"},
		"plain over lines":       {"a: x\n  y\n", []string{"1:4 a plain text goes on"}, "`|`"},
		"quoted over lines":      {"a: \"x\n  y\"\nb: 'x\n  y'\n", []string{"1:4 a quoted text goes on", "3:4 a quoted text goes on"}, ""},
		"flow plain over lines":  {"a: [x\n  y]\n", []string{"1:5 a plain text goes on"}, ""},
		"complex key":            {"? a\n: b\n", []string{"1:1 `?` begins a complex key"}, ""},
		"question mark":          {"a: x ? 1 : 2\n", []string{"1:4 `: ` ends a plain text"}, "if condition"},
		"colon in a text":        {"a: Score: total\n", []string{"1:4 `: ` stands inside a plain text"}, "Quote"},
		"glued colon":            {"a: {z:3}\n", []string{"1:6 `:` between key and value needs a blank"}, ""},
		"unclosed bracket":       {"a: {b: c\nd: e\n", []string{"1:4 a { is not closed", "2:1 a { is not closed"}, "Close the bracket"},
		"unclosed quote":         {"a: \"x\n", []string{"1:4 could not find end character"}, "Close the quote"},
		"brackets in a text":     {"a: [x[1], y]\n", []string{"1:6 a [ is not closed"}, "quote"},
		"reserved character":     {"a: @x\n", []string{"1:4 '@' is a reserved character"}, "Quote"},
		"wrong indentation":      {"a:\n    b: 1\n   c: 2\n", []string{"3:4 this does not belong"}, "indentation"},
		"no-break space":         {"a: 1\nb:\u00a0c\n", []string{"2:1 non-map value"}, "no-break space"},
		"unknown escape":         {"a: \"\\q\"\n", []string{"1:6 found unknown escape"}, ""},
		"errors in two sections": {"a: x: y\nb: 1\nc: @d\n", []string{"1:4 `: ` stands", "3:4 '@' is"}, ""},
		"tab in a plain text":    {"a: x\ty\n", []string{"1:4 this plain text can be read in two ways"}, "Quote"},
		"text like a mark":       {"?\n", []string{"1:1 a plain text cannot begin like this"}, "Quote"},
		"colon elsewhere":        {"''\n: 0\n", []string{"1:1 `:` does not follow its key"}, "key: value"},
		"glued document mark":    {"a: 1\n...b: 0\n", []string{`2:1 "..." begins a document`}, "Quote"},
		"block of two minds":     {"a: |\n  \n #\nb: 1\n", []string{"3:1 this line of the block can be read in two ways"}, "alike"},
		"key below a dash":       {"x:\n-\ny: 0\n", []string{"3:1 this does not belong to the `-`"}, "further"},
		"tab as indentation":     {"a:\n\tb: 1\n \tc: 2\n", []string{"2:1 there is a tab", "3:2 there is a tab"}, "blanks"},
		"not UTF-8":              {"a: caf\xe9\nb: \xff\n", []string{"1:7 this is not UTF-8: byte 0xe9", "2:4 this is not UTF-8"}, "UTF-8"},
		"UTF-16":                 {"\xff\xfea\x00:\x00", []string{"1:1 the file is UTF-16"}, "UTF-8"},
		"NUL":                    {"a: x\x00y\n", []string{"1:5 there is a NUL byte"}, ""},
		"control character":      {"a: x\x07y\n", []string{"1:5 there is the control character U+0007"}, "escape"},
		"inner byte order mark":  {"a: \ufeffx\n", []string{"1:4 there is an invisible byte order mark"}, ""},
		"old Mac line ends":      {"a: 1\rb: 2\r", []string{"1:5 there is a carriage return without a line feed"}, ""},
		"empty":                  {"", []string{"1:1 the file is empty"}, ""},
		"blank":                  {" \n\n", []string{"1:1 the file is empty"}, ""},
		"comments only":          {"# a\n", []string{"1:1 the file holds nothing but comments"}, ""},
		"too long":               {strings.Repeat("#", MaxSize+1), []string{"0:0 the file is larger than 512 KiB"}, ""},
		"too deep":               {strings.Repeat("[", 1000), []string{"1:65 this is nested more than 64 levels deep"}, ""},
		"too deep by dashes":     {strings.Repeat("- ", 1000), []string{"nested more than 64 levels deep"}, ""},
		"too many tags":          {"a: " + strings.Repeat("!a ", 1000), []string{"nested more than 64 levels deep"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, list := Parse("bundle.yaml", []byte(c.src))
			got := show(list)
			if name == "too many tags" {
				got = got[len(got)-1:]
			}
			if len(got) != len(c.want) {
				t.Fatalf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
			for i, w := range c.want {
				if !strings.HasPrefix(got[i], w) && !strings.Contains(got[i], " "+w) && !strings.HasSuffix(got[i], w) {
					t.Errorf("got %q, want %q", got[i], w)
				}
			}
			if len(list) == 0 || !strings.Contains(list[0].Fix, c.fix) {
				t.Errorf("fix: %+v", list)
			}
			for _, p := range list {
				if p.Code != diag.BundleYAML || p.File != "bundle.yaml" || p.Line > 0 && p.Snippet == "" && strings.TrimSpace(c.src) != "" && !strings.HasPrefix(c.src, " ") {
					t.Errorf("%+v", p)
				}
			}
		})
	}
}

// TestHarmless holds what looks like a trap and is none.
func TestHarmless(t *testing.T) {
	for _, src := range []string{
		"a: x  # comment\n", "a: x\n# comment\n", "# comment\na: 1  # one\n", "a: 'x' # comment\n", "a: {b: c} # comment\n", "a: |  # comment\n  # text\n",
		"a: x#y\n", "a: uri://ed-fi.org\n", "a: {b: uri://x.y, c: [uri://a, b]}\n", "a: if x { \"y\" } else { z }\n", "yes: [Y]\nno: [N]\non: x\n",
		"---\na: 1\n", "---\n# c\na: 1\n...\n", "a: 1\r\nb: |\r\n  x\r\n  y\r\n", "\ufeffa: 1\n", "a: \"#1\"\n", "a: |\n  x\ty\n", "a:\tx\n", "a: 1..8\nb: 01..30\n",
		"a: [\n  b,\n  c,\n]\n", "a: {}\nb: []\n", "\"007\": x\n\"null\": y\n", "a: \"null\"\n", "a: Łódź \U0001F600\n", "a: {\"b\":1}\n",
	} {
		if n, list := Parse("x.yaml", []byte(src)); len(list) > 0 || n == nil {
			t.Errorf("%q: %v", src, show(list))
		}
	}
}

func TestTabsInBlocks(t *testing.T) {
	n, list := Parse("x", []byte("a: |\n  x\ty\n  z\t\n"))
	if v, ok := n.Get("a"); !ok || len(list) > 0 || v.Value != "x\ty\nz\t\n" {
		t.Errorf("%q %v", v.Value, show(list))
	}
}

func TestPositions(t *testing.T) {
	src := "a: 1\r\n" +
		"b: [x, y z, \"q\\u00e9\\tr\" , {f: 'it''s', ł: g}]\r\n" +
		"é: \"ä\"  # c\r\n" +
		"k: |  # why\r\n" +
		"    line1\r\n" +
		"      line2\r\n" +
		"\r\n" +
		"z:\tw\r\n" +
		"l:\r\n" +
		"  - when: a\r\n" +
		"  -  |\r\n" +
		"    x\r\n"
	root, list := Parse("b.yaml", []byte(src))
	if len(list) > 0 {
		t.Fatal(show(list))
	}
	var got []string
	var walk func(n *Node)
	walk = func(n *Node) {
		line := fmt.Sprintf("%s %d:%d", n.Kind, n.Pos.Line, n.Pos.Col)
		if n.Kind == Scalar {
			line += fmt.Sprintf(" %q text %d:%d %v", n.Value, n.TextPos.Line, n.TextPos.Col, n.Columns)
		}
		got = append(got, line)
		for _, p := range n.Pairs {
			walk(p.Key)
			walk(p.Value)
		}
		for _, i := range n.Items {
			walk(i)
		}
	}
	walk(root)
	want := []string{
		`a map 1:1`,
		`a single value 1:1 "a" text 1:1 []`, `a single value 1:4 "1" text 1:4 []`,
		`a single value 2:1 "b" text 2:1 []`, `a list 2:4`, `a single value 2:5 "x" text 2:5 []`, `a single value 2:8 "y z" text 2:8 []`,
		`a single value 2:13 "qé\tr" text 2:14 [14 15 21 23]`, `a map 2:28`, `a single value 2:29 "f" text 2:29 []`,
		`a single value 2:32 "it's" text 2:33 [33 34 35 37]`, `a single value 2:41 "ł" text 2:41 []`, `a single value 2:44 "g" text 2:44 []`,
		`a single value 3:1 "é" text 3:1 []`, `a single value 3:4 "ä" text 3:5 []`,
		`a single value 4:1 "k" text 4:1 []`, `a single value 4:4 "line1\n  line2\n" text 5:5 []`,
		`a single value 8:1 "z" text 8:1 []`, `a single value 8:4 "w" text 8:4 []`,
		`a single value 9:1 "l" text 9:1 []`, `a list 10:3`, `a map 10:5`, `a single value 10:5 "when" text 10:5 []`, `a single value 10:11 "a" text 10:11 []`,
		`a single value 11:6 "x\n" text 12:5 []`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestTypes(t *testing.T) {
	for value, want := range map[string]Type{
		"1": Number, "1.0": Number, "007": Number, "-3": Number, "+1": Number, "1e3": Number, ".5": Number, "0x1F": Number, "0o7": Number, "0b1": Number, "1_000": Number, "1:30": Number,
		".inf": Number, "-.Inf": Number, ".nan": Number, "08": Number,
		"true": Boolean, "False": Boolean, "1.0.0": Text, "1..8": Text, "01..30": Text, "yes": Text, "Y": Text, "2024-01-01": Text, "1,2": Text, "K": Text, "'1'": Text, `"true"`: Text,
	} {
		n, list := Parse("x", []byte("a: "+value))
		if v, ok := n.Get("a"); !ok || len(list) > 0 || v.Type != want || v.IsText() != (want == Text) {
			t.Errorf("%s: %v %v", value, v, show(list))
		}
	}
	if _, ok := (*Node)(nil).Get("a"); ok {
		t.Error("a nil node has no keys")
	}
}

func TestCodeOfTheFamily(t *testing.T) {
	_, list := ParseAs(diag.ConfigKey, "sluice.yaml", []byte("a: 1\na: 2\n"))
	if len(list) != 1 || list[0].Code != diag.ConfigKey || list[0].Snippet != "a: 2" {
		t.Errorf("%+v", list)
	}
}

// sourceLine is the snippet of a problem in a line of src.
func sourceLine(src []byte, line int) string {
	list := diag.List{{File: "f", Line: line}}
	Snippets(list, "f", src)
	return list[0].Snippet
}

func TestSnippets(t *testing.T) {
	src := []byte("\ufeffa\r\nb\n\nd")
	for line, want := range map[int]string{1: "a", 2: "b", 3: "", 4: "d", 5: ""} {
		if got := sourceLine(src, line); got != want {
			t.Errorf("line %d: %q", line, got)
		}
	}
}

// TestHostileInputIsBounded parses what could take a parser down by depth or by time.
func TestHostileInputIsBounded(t *testing.T) {
	for name, unit := range map[string]string{
		"brackets": "[", "braces": "{a: ", "dashes": "- ", "question marks": "? ", "tags": "!a ", "anchors": "&a ", "flow list": "a, ", "colons in a list": "a:b,", "quotes in a text": "a + \",\" ", "quotes": `"a" `, "keys": "a: 1\n", "blanks": " ",
		"one line": "a", "colons": "a: ", "comments": "#\n", "blocks": "a: |\n  x\n", "escapes": `\ud800`, "documents": "---\n", "steps": "\n a:", "bad bytes": "\xff\n",
	} {
		for _, head := range []string{"", "a: [", "a: \"", "a: |\n  "} {
			src := head + strings.Repeat(unit, MaxSize/8/len(unit))
			begin := time.Now()
			Parse("x", []byte(src))
			if d := time.Since(begin); d > 20*time.Second {
				t.Errorf("%s after %q took %v", name, head, d)
			}
		}
	}
}

// FuzzParse checks that nothing panics, and that every scalar stands where its position says.
func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("../../testdata/bundles/*/bundle.yaml")
	for _, name := range files {
		if b, err := os.ReadFile(name); err == nil {
			f.Add(b)
		}
	}
	f.Add([]byte("a: [x, 'y', \"z\\n\", {b: 1}]\nc: |\n  d\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		root, list := Parse("x", src)
		if len(list) > 0 {
			for _, p := range list {
				if p.Message == "" || !utf8.ValidString(p.Message) {
					t.Fatalf("%+v", p)
				}
			}
			return
		}
		var check func(n *Node)
		check = func(n *Node) {
			line := []rune(sourceLine(src, n.Pos.Line))
			begin := map[Style]string{Plain: n.Value, Single: "'", Double: `"`, Literal: "|"}[n.Style]
			if n.Kind == Scalar && (n.Pos.Col < 1 || n.Pos.Col > len(line)+1 || !strings.HasPrefix(string(line[n.Pos.Col-1:]), begin)) {
				t.Fatalf("%q is not at %v in\n%s", n.Value, n.Pos, src)
			}
			for _, p := range n.Pairs {
				check(p.Key)
				check(p.Value)
			}
			for _, i := range n.Items {
				check(i)
			}
		}
		check(root)
	})
}

// TestQuotesInPlainTexts: what stands in quotes inside of a plain text ends it for YAML; that is said where it stands.
func TestQuotesInPlainTexts(t *testing.T) {
	for src, want := range map[string]string{
		"a: k + \": \" + v\nb: x + \"|\"\n":             "1:8 'k + \": \" + v'",
		"a:\n  - k + ': ' + v # w\nb: 'c'\n":            "2:9 'k + '': '' + v'",
		"a: {b: true, c: k + \", \" + v, d: 1}\ne: 2\n": "1:21 'k + \", \" + v'",
		"a: {b: f(\"{\"), c: [g + \"]\" + h]}\ne: 2\n":  "1:10 'f(\"{\")' 1:24 'g + \"]\" + h'",
		"a: k + \" # \" + v\n":                          "1:8 'k + \" # \" + v'",
		"a: |\n  k + \": \" + v\nb: k + \"|\" + v\nc: 'k + \": \" + v'\nd: [\"x: y\", Grade's, Form's]\ne: k  # \"a: b\"\nf: {g: x == \"b\"}\nh: [Year ('24), Year ('25)]\n": "",
	} {
		root, list := Parse("x", []byte(src))
		var got []string
		for _, p := range list {
			got = append(got, fmt.Sprintf("%d:%d %s", p.Line, p.Col, strings.TrimSuffix(strings.TrimPrefix(p.Fix, "Quote the whole text: "), ".")))
		}
		if g := strings.Join(got, " "); g != want || root == nil {
			t.Errorf("%s: got %s want %s", src, show(list), want)
		}
	}
}

// TestColonsInFlow: a colon without a blank behind it belongs to its text.
func TestColonsInFlow(t *testing.T) {
	root, list := Parse("x", []byte("a: {f: [HH:mm:ss, \"HH:mm\", uri://x.org:80/y], g: HH:mm, h: [a: b]}\n"))
	a, _ := root.Get("a")
	f, _ := a.Get("f")
	g, _ := a.Get("g")
	if len(list) > 0 || len(f.Items) != 3 || f.Items[0].Value != "HH:mm:ss" || f.Items[2].Value != "uri://x.org:80/y" || g.Value != "HH:mm" || g.Pos.Col != 50 {
		t.Errorf("%+v %s", a, show(list))
	}
	if _, list := Parse("x", []byte("a: {z:3}\n")); len(list) == 0 || !strings.Contains(list[0].Message, "needs a blank after it") {
		t.Errorf("%s", show(list))
	}
	if _, list := Parse("x", []byte("a: \uf8f0\n")); len(list) != 1 {
		t.Errorf("%s", show(list))
	}
}
