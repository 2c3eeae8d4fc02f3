package table

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// read returns the headers and rows of a text, each row as "line|cell|cell".
func read(text string, o Options) (headers, rows []string, err error) {
	s, err := OpenReader("f.csv", iotest.OneByteReader(strings.NewReader(text)), o)
	if err != nil {
		return nil, nil, err
	}
	headers = s.Header().Names
	var p Parser
	for {
		var b Block
		if err := s.Next(&b); errors.Is(err, io.EOF) {
			return headers, rows, nil
		} else if err != nil {
			return headers, rows, err
		}
		for r := range b.Rows(&p) {
			row := fmt.Sprintf("%d|%s", r.Line, strings.Join(r.Cells, "|"))
			if r.Blank {
				row = fmt.Sprintf("%d blank", r.Line)
			}
			if r.Malformed != "" {
				row += " !" + r.Malformed
			}
			rows = append(rows, row)
		}
	}
}

func TestRecords(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		o    Options
		want []string
	}{
		"plain":                {"a,b\n1,2\n3,4\n", Options{}, []string{"2|1|2", "3|3|4"}},
		"CRLF":                 {"a,b\r\n1,2\r\n3,4\r\n", Options{}, []string{"2|1|2", "3|3|4"}},
		"no line end":          {"a,b\n1,2\n3,4", Options{}, []string{"2|1|2", "3|3|4"}},
		"quotes":               {"a,b\n\"1\",\"2, 3\"\n", Options{}, []string{"2|1|2, 3"}},
		"doubled quotes":       {"a,b\n\"say \"\"hi\"\"\",\"\"\n\"\"\"\",x\n", Options{}, []string{`2|say "hi"|`, `3|"|x`}},
		"line ends in quotes":  {"a,b\n\"x\ny\",1\n2,\"p\r\nq\n\"\n3,4\n", Options{}, []string{"2|x\ny|1", "4|2|p\r\nq\n", "7|3|4"}},
		"a quote inside":       {"a,b\n5\" pipe,x\"y\n 1,\"2\" \n", Options{}, []string{`2|5" pipe|x"y`, "3| 1|2 "}},
		"text behind a quote":  {"a,b\n\"1\"2,3\n", Options{}, []string{"2|12|3 !there is text after a closing quote"}},
		"then another quote":   {"a,b\n\"1\"\"2\"3\"4,5\n", Options{}, []string{`2|1"23"4|5 !there is text after a closing quote`}},
		"short and long":       {"a,b\n1\n1,2,3\n,,\n", Options{}, []string{"2|1", "3|1|2|3", "4 blank"}},
		"blank lines":          {"a,b\n\n1,2\n \u00a0\t,\n\r\n3,4\n\n", Options{}, []string{"2 blank", "3|1|2", "4 blank", "5 blank", "6|3|4", "7 blank"}},
		"blank quoted":         {"a,b\n\"\",\"\n\"\n1,2", Options{}, []string{"2 blank", "4|1|2"}},
		"tsv":                  {"a\tb\n1,5\t\"2\t3\"\n", Options{Format: "tsv"}, []string{"2|1,5|2\t3"}},
		"own delimiter":        {"a;b\n1,5;2\n", Options{Delimiter: ";"}, []string{"2|1,5|2"}},
		"lone CR is text":      {"a,b\n1\r2,3\n", Options{}, []string{"2|1\r2|3"}},
		"byte order mark":      {"\ufeff\"a\",b\n1,2\n", Options{}, []string{"2|1|2"}},
		"CRLF after quotes":    {"a,b\r\n\"1\",\"2\"\r\n", Options{}, []string{"2|1|2"}},
		"CR at the end":        {"a,b\n1,2\r", Options{}, []string{"2|1|2"}},
		"header only":          {"a,b\n", Options{}, nil},
		"header without end":   {"a,b", Options{}, nil},
		"quotes in the header": {"\"a\nx\",b\n1,2\n", Options{}, []string{"3|1|2"}},
	} {
		for _, block := range []int{1, 3, 7, 1 << 16} {
			c.o.BlockSize = block
			headers, rows, err := read(c.text, c.o)
			if err != nil || len(headers) != 2 {
				t.Errorf("%s: %v %v", name, headers, err)
			}
			if d := cmp.Diff(c.want, rows); d != "" {
				t.Errorf("%s, blocks of %d: %s", name, block, d)
			}
		}
	}
}

func TestHeaders(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		o    Options
		want []string
	}{
		"trimmed":               {" a ,\u00a0b\n", Options{}, []string{"a", "b"}},
		"mark inside":           {"\ufeff\ufeffa,\"\ufeffb\"\n", Options{}, []string{"a", "b"}},
		"doubled":               {"x,Filler,y,Filler,Filler\n", Options{}, []string{"x", "Filler (1)", "y", "Filler (2)", "Filler (3)"}},
		"doubled and numbered":  {"A,A,A (1)\n", Options{}, []string{"A (1) (1)", "A (2)", "A (1) (2)"}},
		"without header":        {"a,,b, \n", Options{}, []string{"a", "", "b", ""}},
		"third line":            {"x\n\na,b\n", Options{HeaderRows: []int{3}}, []string{"a", "b"}},
		"titles":                {",,G,,H\n\nw,s,d,e,d\n", Options{HeaderRows: []int{1, 3}, JoinTitles: true}, []string{"w", "s", "G__d", "G__e", "H__d"}},
		"titles, no name":       {"G,,\na,,b\n", Options{HeaderRows: []int{1, 2}, JoinTitles: true}, []string{"G__a", "", "G__b"}},
		"two lines of titles":   {"P,,Q\nG,H\na,b,c\n", Options{HeaderRows: []int{1, 2, 3}, JoinTitles: true}, []string{"P__G__a", "P__H__b", "Q__H__c"}},
		"one line of a list":    {"a,b\n", Options{HeaderRows: []int{1}, JoinTitles: true}, []string{"a", "b"}},
		"titles, still doubled": {"G,\na,a\n", Options{HeaderRows: []int{1, 2}, JoinTitles: true}, []string{"G__a (1)", "G__a (2)"}},
	} {
		got, _, err := read(c.text, c.o)
		if d := cmp.Diff(c.want, got); d != "" || err != nil {
			t.Errorf("%s: %v %s", name, err, d)
		}
	}
}

func TestVerbatim(t *testing.T) {
	text := "t1,\"x\ny\"\r\na,b\r\n\"1\", 2 \r\n3,\"4\n5\"\n\r\n6"
	s, err := OpenReader("f", strings.NewReader("\ufeff"+text), Options{HeaderRows: []int{2}})
	if err != nil {
		t.Fatal(err)
	}
	if h := s.Header(); h.Text != "t1,\"x\ny\"\r\na,b\r\n" || h.LineEnd != "\r\n" || h.Encoding != "utf-8" {
		t.Errorf("%+v", h)
	}
	var b Block
	if err := s.Next(&b); err != nil {
		t.Fatal(err)
	}
	var got []string
	for r := range b.Rows(&Parser{}) {
		got = append(got, fmt.Sprintf("%d %s", r.Line, r.Raw))
	}
	if d := cmp.Diff([]string{`4 "1", 2 `, "5 3,\"4\n5\"", "7 ", "8 6"}, got); d != "" {
		t.Error(d)
	}
	if err := s.Next(&b); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	sha, n := s.Digest()
	if n != int64(len(text)+3) || len(sha) != 64 || s.Close() != nil {
		t.Errorf("%s %d", sha, n)
	}
}

func TestFileErrors(t *testing.T) {
	utf16, _ := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String("a,b\n1,2\n")
	for name, c := range map[string]struct {
		text string
		o    Options
		code diag.Code
		line int
		want string // part of the message
	}{
		"empty":                     {"", Options{}, diag.FileEmpty, 0, "empty"},
		"mark only":                 {"\ufeff", Options{}, diag.FileEmpty, 0, "empty"},
		"blank lines":               {"\n\n", Options{HeaderRows: []int{5}}, diag.FileEmpty, 0, "f.csv holds nothing but blank lines"},
		"blank header":              {" , \n1,2\n", Options{}, diag.FileDrift, 1, "line 1 of f.csv should be the header, and is blank"},
		"ends before its header":    {"a\nb\n", Options{HeaderRows: []int{3}}, diag.FileDrift, 2, "line 2 of f.csv is its last one"},
		"unclosed quote":            {"a,b\n1,2\n3,\"4\n5,6\n7,8\n", Options{}, diag.FileQuote, 3, "never closed"},
		"unclosed after a record":   {"a,b\n\"1\n2\",\"3\n4\",5\n\"6", Options{}, diag.FileQuote, 5, "never closed"},
		"unclosed in the header":    {"a,\"b\n1,2\n", Options{}, diag.FileQuote, 1, "never closed"},
		"unclosed and huge":         {"a,b\n1,\"" + strings.Repeat("x,y\n", 100000), Options{MaxRecord: 1 << 16}, diag.FileQuote, 2, "never closed"},
		"endless line":              {"a,b\n" + strings.Repeat("x", 1000000), Options{MaxRecord: 1 << 16}, diag.FileEncoding, 2, "longer than 65536 bytes"},
		"NUL":                       {"a,b\n1,2\n3,\x004\n", Options{}, diag.FileNUL, 3, "line 3 of f.csv holds 1 NUL byte"},
		"UTF-16 without mark":       {utf16[2:], Options{}, diag.FileNUL, 0, "f.csv is UTF-16 without its byte order mark"},
		"windows-1252":              {"a,b\n1,2\nMu\xf1oz,3\n", Options{}, diag.FileEncoding, 3, "windows-1252"},
		"windows-1252 quotes":       {"a,b\n1,it\x92s \x93x\x94\n", Options{}, diag.FileEncoding, 2, "windows-1252"},
		"macintosh":                 {"a,b\nMu\x96oz,Ren\x8e\n", Options{}, diag.FileEncoding, 2, "macintosh"},
		"in the header":             {"a,caf\xe9\n1,2\n", Options{}, diag.FileEncoding, 1, "byte 0xe9"},
		"not what was declared":     {"a,b\n1,\x81\x20\n", Options{Encoding: "shift_jis"}, diag.FileEncoding, 2, "not shift_jis"},
		"UTF-32":                    {"\xff\xfe\x00\x00a\x00\x00\x00", Options{}, diag.FileEncoding, 0, "UTF-32"},
		"workbook":                  {"PK\x03\x04 xl/", Options{}, diag.FileFormat, 0, "f.csv is an Excel workbook"},
		"old Mac":                   {"a,b\r1,2\r3,4\r", Options{}, diag.FileLineEnds, 0, "carriage returns alone"},
		"unclosed hides bad bytes":  {"a,b\n\"1,2\n3,\xe9\n", Options{}, diag.FileEncoding, 3, "not UTF-8"},
		"the last row ends midway":  {"a,b\n1,\xc3", Options{}, diag.FileEncoding, 2, "not UTF-8"},
		"a surrogate without other": {"\xff\xfea\x00\n\x00\x00\xd8\n\x00", Options{}, diag.FileEncoding, 2, "not utf-16le"},
	} {
		_, _, err := read(c.text, c.o)
		e, ok := diag.AsError(err)
		if !ok || e.Kind != diag.Guarded || e.Code != c.code || !strings.Contains(e.Message, c.want) || len(e.Problems) != 1 {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if p := e.Problems[0]; p.Line != c.line || p.Level != diag.LevelFormat || p.File != "f.csv" {
			t.Errorf("%s: %+v", name, p)
		}
	}
	for name, o := range map[string]Options{"delimiter": {Delimiter: "ab"}, "quote": {Delimiter: `"`}, "encoding": {Encoding: "klingon"}, "rows": {HeaderRows: []int{3, 1}}, "row 0": {HeaderRows: []int{0}}} {
		if _, _, err := read("a\n", o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if CheckEncoding("windows-1252") != nil || CheckEncoding("") != nil || CheckEncoding("x-user-defined") == nil || CheckEncoding("ebcdic") == nil {
		t.Error("encodings")
	}
}

func TestAnErrorStays(t *testing.T) {
	s, err := OpenReader("f", strings.NewReader("a\n1\n\"2"), Options{BlockSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	var b Block
	for err == nil {
		err = s.Next(&b)
	}
	if again := s.Next(&b); !errors.Is(again, err) || errors.Is(err, io.EOF) {
		t.Error(err, again)
	}
}

func TestReadErrors(t *testing.T) {
	if _, err := OpenReader("f", iotest.ErrReader(errors.New("boom")), Options{}); err == nil {
		t.Error("no error")
	}
	s, err := OpenReader("f", io.MultiReader(strings.NewReader("a\n1\n"), iotest.ErrReader(errors.New("boom"))), Options{BlockSize: 2})
	for b := (Block{}); err == nil; {
		err = s.Next(&b)
	}
	if e, ok := diag.AsError(err); !ok || e.Kind != diag.CouldNotRun || !strings.Contains(err.Error(), "boom") {
		t.Error(err)
	}
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "none.csv")} {
		_, err := Open(path, Options{})
		if e, ok := diag.AsError(err); !ok || e.Kind != diag.Usage || e.Code != diag.ConfigFile {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestEncodings(t *testing.T) {
	text := "name,Łódź\r\n„x”,2\r\n"
	le, _ := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(text)
	be, _ := unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder().String(text)
	polish, _ := charmap.Windows1250.NewEncoder().String(text)
	for name, c := range map[string]struct {
		text, encoding, is string
	}{
		"utf-8": {text, "UTF-8", "utf-8"}, "utf-16le": {le, "", "utf-16le"}, "utf-16be": {be, "utf-8", "utf-16be"}, "declared": {le[2:], "utf-16le", "utf-16le"},
		"windows-1250": {polish, "windows-1250", "windows-1250"}, "the mark wins": {"\ufeff" + text, "windows-1252", "utf-8"},
	} {
		path := filepath.Join(t.TempDir(), "f.csv")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(path, Options{Encoding: c.encoding})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var b Block
		if err := s.Next(&b); err != nil || s.Header().Encoding != c.is || s.Header().Names[1] != "Łódź" {
			t.Errorf("%s: %v %+v", name, err, s.Header())
		}
		for r := range b.Rows(&Parser{}) {
			if r.Cells[0] != "„x”" {
				t.Errorf("%s: %q", name, r.Cells)
			}
		}
		if err := s.Next(&b); !errors.Is(err, io.EOF) {
			t.Error(err)
		}
		if _, n := s.Digest(); n != int64(len(c.text)) {
			t.Errorf("%s: %d bytes", name, n)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestDelimiterHint(t *testing.T) {
	for text, want := range map[string]string{"a;b;c\n": "is separated by semicolons, not by commas", "a\tb\n": "by tabs", "a|b,c\n": "", "a,b\n": "", "a\n": "", "a|b|c;d\n": "by bars"} {
		s, err := OpenReader("f", strings.NewReader(text), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Header().Hint; want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// TestFormats: what the registry says of a format holds for its reader.
func TestFormats(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range formats {
		if seen[f.Name] || (f.Support == Readable) != (f.open != nil) || f.CanSample && f.Support != Readable || f.Support == Declared && f.Files == "" {
			t.Errorf("%+v", f)
		}
		seen[f.Name] = true
		if r, err := OpenReader("f", strings.NewReader("a\n"), Options{Format: f.Name}); (err == nil) != (f.Support == Readable) || err == nil && (len(r.Header().Names) > 0) != f.HasHeader {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
	if FormatOf("").Name != "csv" || FormatOf("klingon").Support != Unknown || FormatOf("xlsx").Support != Foreseen {
		t.Error("names")
	}
	if d := cmp.Diff([]string{"csv", "tsv", "fixed"}, FormatNames(func(Format) bool { return true })); d != "" {
		t.Error(d)
	}
	if _, err := OpenReader("f", strings.NewReader("a\n"), Options{Format: "fixed"}); err == nil || !strings.Contains(err.Error(), "not in this version") {
		t.Error(err)
	}
}

// sheet is a Reader of cells, as one of a workbook would be: no text, no header line.
type sheet struct {
	rows []Row
	done bool
}

func (s *sheet) Header() Header          { return Header{Names: []string{"a", "b"}, LineEnd: "\n"} }
func (s *sheet) Digest() (string, int64) { return "", 0 }
func (s *sheet) Close() error            { return nil }

func (s *sheet) Next(b *Block) error {
	if s.done {
		return io.EOF
	}
	*b, s.done = Block{rows: s.rows, size: 9}, true
	return nil
}

// TestRowsOfCells: a format whose reader gets cells fits behind Reader and Block.
func TestRowsOfCells(t *testing.T) {
	want := []Row{{Line: 1, Cells: []string{"1", "2"}, Raw: "1,2"}, {Line: 3, Cells: []string{"3", "x,y"}, Raw: `3,"x,y"`}}
	var r Reader = &sheet{rows: want}
	var b Block
	if err := r.Next(&b); err != nil || b.Len() != 9 {
		t.Fatal(err, b.Len())
	}
	if d := cmp.Diff(want, slices.Collect(b.Rows(&Parser{}))); d != "" {
		t.Error(d)
	}
	if err := r.Next(&b); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

func TestThirdPartySamples(t *testing.T) {
	files, _ := filepath.Glob("../../../shared/samples/*/*.csv")
	if len(files) == 0 {
		t.Skip("the vendors' samples are not part of this repository: no file matches ../shared/samples/*/*.csv")
	}
	columns := map[string]int{"map-growth/sample_anonymized_file.csv": 143, "fastbridge-math/sample_anonymized_file.csv": 1711, "tx-kea/sample_anonymized_file.csv": 70, "i-ready/sample_anonymized_file_ela.csv": 65}
	for _, path := range files {
		s, err := Open(path, Options{})
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		for name, want := range columns {
			if strings.HasSuffix(filepath.ToSlash(path), name) && len(s.Header().Names) != want {
				t.Errorf("%s: %d columns", path, len(s.Header().Names))
			}
		}
		var b Block
		for err == nil {
			err = s.Next(&b)
		}
		if !errors.Is(err, io.EOF) {
			t.Errorf("%s: %v", path, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// FuzzTable reads anything with any block size: nothing panics, the raw rows are the file, the
// size of blocks changes nothing, and where encoding/csv reads the text it reads the same cells.
func FuzzTable(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "a,b\r\n\"x\ny\",\"\"\"\"\r\n", "a\n\"1\"2\n", "\ufeffa,b\n,\n\n", "a,b\n5\" x,\"", "a\rb\r", "\"\"\"\n\"\n,\"\"\n"} {
		f.Add([]byte(s), uint8(1))
	}
	f.Fuzz(func(t *testing.T, text []byte, block uint8) {
		whole, err1 := all(text, Options{})
		split, err2 := all(text, Options{BlockSize: int(block) + 1})
		if (err1 == nil) != (err2 == nil) {
			t.Fatalf("%v against %v", err1, err2)
		}
		if err1 != nil {
			if _, ok := diag.AsError(err1); !ok {
				t.Fatal(err1)
			}
			return
		}
		if d := cmp.Diff(whole, split); d != "" {
			t.Fatal(d)
		}
		if !utf8.Valid(text) || bytes.HasPrefix(text, []byte("\ufeff")) {
			return
		}
		compareWithCSV(t, text, whole.cells)
		remaining := strings.TrimPrefix(string(text), whole.header)
		for _, raw := range whole.raw {
			var ok bool
			if remaining, ok = strings.CutPrefix(remaining, raw); !ok {
				t.Fatalf("row %q is not at %q", raw, remaining)
			}
			remaining = strings.TrimPrefix(strings.TrimPrefix(remaining, "\r"), "\n")
		}
		if remaining != "" {
			t.Fatalf("%q is in no row", remaining)
		}
	})
}

type contents struct {
	header string
	cells  [][]string
	raw    []string
	lines  []int64
}

func (c contents) Equal(d contents) bool {
	return c.header == d.header && slices.Equal(c.raw, d.raw) && slices.Equal(c.lines, d.lines) && slices.EqualFunc(c.cells, d.cells, slices.Equal[[]string])
}

func all(text []byte, o Options) (contents, error) {
	s, err := OpenReader("f", bytes.NewReader(text), o)
	if err != nil {
		return contents{}, err
	}
	c := contents{header: s.Header().Text}
	var p Parser
	for {
		var b Block
		if err := s.Next(&b); errors.Is(err, io.EOF) {
			return c, nil
		} else if err != nil {
			return c, err
		}
		for r := range b.Rows(&p) {
			c.cells = append(c.cells, slices.Clone(r.Cells))
			c.raw = append(c.raw, r.Raw)
			c.lines = append(c.lines, r.Line)
		}
	}
}

func compareWithCSV(t *testing.T, text []byte, got [][]string) {
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord = -1
	want, err := r.ReadAll()
	if err != nil || len(want) == 0 || bytes.HasPrefix(text, []byte("\n")) || bytes.HasPrefix(text, []byte("\r\n")) {
		return
	}
	var have [][]string
	for _, cells := range got {
		if len(cells) == 1 && cells[0] == "" {
			continue // encoding/csv passes over empty lines
		}
		for i, c := range cells {
			cells[i] = strings.ReplaceAll(c, "\r\n", "\n")
		}
		have = append(have, cells)
	}
	want = slices.DeleteFunc(want[1:], func(cells []string) bool { return len(cells) == 1 && cells[0] == "" })
	if !slices.EqualFunc(want, have, slices.Equal[[]string]) {
		t.Fatalf("encoding/csv reads %q, we read %q", want, have)
	}
}

// BenchmarkSplit splits unquoted rows of 540 bytes and 143 columns (goal: 300 MB/s a core).
func BenchmarkSplit(b *testing.B) {
	text := wideRows(2000)
	s, err := OpenReader("f", strings.NewReader(text), Options{BlockSize: len(text)})
	if err != nil {
		b.Fatal(err)
	}
	var block Block
	if err := s.Next(&block); err != nil {
		b.Fatal(err)
	}
	var p Parser
	b.SetBytes(int64(block.Len()))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for r := range block.Rows(&p) {
			n += len(r.Cells)
		}
		if n != 2000*143 {
			b.Fatal(n)
		}
	}
}

// BenchmarkBlocks is the serial part: read, digest, check and find the record boundaries.
func BenchmarkBlocks(b *testing.B) {
	for name, quote := range map[string]string{"plain": "", "quoted": `"`} {
		b.Run(name, func(b *testing.B) {
			text := strings.ReplaceAll(wideRows(20000), "Mathematics", quote+"Mathematics"+quote)
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				s, err := OpenReader("f", strings.NewReader(text), Options{})
				var block Block
				for err == nil {
					err = s.Next(&block)
				}
				if !errors.Is(err, io.EOF) {
					b.Fatal(err)
				}
			}
		})
	}
}

func wideRows(n int) string {
	cells := make([]string, 143)
	for i := range cells {
		cells[i] = "h" + fmt.Sprint(i)
	}
	header := strings.Join(cells, ",") + "\n"
	for i := range cells {
		cells[i] = [...]string{"", "215", "Mathematics", "7", "09/16/2021", ""}[i%6]
	}
	row := strings.Join(cells, ",") + "\n"
	return header + strings.Repeat(row, n)
}

// rowsOf is the rows of a text, with what is wrong with each, and how many lines it has.
func rowsOf(t *testing.T, text string, o Options) (rows []Row, lines int64) {
	t.Helper()
	r, err := OpenReader("f.csv", strings.NewReader(text), o)
	if err != nil {
		t.Fatal(err)
	}
	var b Block
	var p Parser
	for r.Next(&b) == nil {
		lines += b.Lines()
		for row := range b.Rows(&p) {
			row.Cells = slices.Clone(row.Cells)
			rows = append(rows, row)
		}
	}
	return rows, lines
}

// A quote that nobody meant makes one record of several rows. That is said, with the lines, and lets
// alone what has line ends of its own.
func TestSwallowedRows(t *testing.T) {
	const head = "K,Name,V\n"
	for _, tt := range []struct {
		name, text string
		wrong      string // of the first row
		rows       int
	}{
		{"rows in a cell", "1,\"Ace,5\n2,Bob,6\n3,Cid,7\n4,Dee 6ft\",8\n5,Eve,9\n", "a quote opens a cell in line 2 and closes it in line 5, but line 3 is a row by itself: it has as many cells as the header", 2},
		{"CRLF, and quotes in what was swallowed", "1,\"Ace,5\r\n2,\"\"\"\",6\r\n3,Dee 6ft\",8\r\n", "line 3 is a row by itself", 1},
		{"two rows", "1,\"Ace,5\n2,Bob 6ft\",6\n3,Cid,7\n", "line 3 is a row by itself", 2},
		{"two stray quotes", "1,\"Ace,5\n2,\",6\n3,Cid,7\n", "line 3 is a row by itself", 2},
		{"two stray quotes at the beginning", "\",Ace,5\n\",Bob,6\n3,Cid,7\n", "line 3 is a row by itself", 2},
		{"the last cell", "1,Ace,\"5\n2,Bob,6\n3,Cid,7\"\n", "line 3 is a row by itself", 1},
		{"text behind a quote", "1,\"Ace\n2,\"Bob\",6,7\n3,Cid,7\n", "there is text after a closing quote; the row is in lines 2 to 3", 2},
		{"line ends that were meant", "1,\"Ace\nof\nBase, a band\",5\n2,Bob,6\n", "", 2},
		{"commas in the first line", "1,\"Ace, of\nBase\",5\n2,Bob,6\n", "", 2},
		{"a quoted cell behind", "1,\"Ace, of\nBase\",\"5,6\"\n2,Bob,6\n", "", 2},
		{"two cells with line ends", "1,\"a\nb\",\"c\nd\"\n2,Bob,6\n", "", 2},
		{"blank lines", "1,\"a\n\n,,\n\nb\",5\n", "", 1},
		{"as many lines as a cell may have", "1,\"" + strings.Repeat("x\n", 999) + "\",5\n", "", 1},
		{"more", "1,\"" + strings.Repeat("x\n", 1000) + "\",5\n", "in line 2 and closes it in line 1002: no cell may have more than 1000 lines", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rows, lines := rowsOf(t, head+tt.text, Options{})
			if len(rows) != tt.rows || (tt.wrong == "") != (rows[0].Malformed == "") || !strings.Contains(rows[0].Malformed, tt.wrong) {
				t.Errorf("%d rows: %q", len(rows), rows[0].Malformed)
			}
			if want := int64(strings.Count(tt.text, "\n")); lines != want {
				t.Errorf("%d lines, want %d", lines, want)
			}
			for _, row := range rows[1:] {
				if row.Malformed != "" {
					t.Error(row.Malformed)
				}
			}
		})
	}
}

// In a file that does not quote, a quote is a character like others: in the header too.
func TestNoQuotes(t *testing.T) {
	rows, _ := rowsOf(t, "K\t\"V\"\n1\t\"Ace\n2\tBob 6\"\n3\t\"a\"\"b\"\n", Options{Format: "tsv", NoQuotes: true})
	want := [][]string{{"1", `"Ace`}, {"2", `Bob 6"`}, {"3", `"a""b"`}}
	for i, row := range rows {
		if i >= len(want) || !slices.Equal(row.Cells, want[i]) || row.Malformed != "" {
			t.Errorf("row %d: %q %s", i, row.Cells, row.Malformed)
		}
	}
	if len(rows) != len(want) {
		t.Errorf("%d rows", len(rows))
	}
}

func TestCutOffRow(t *testing.T) {
	rows, lines := rowsOf(t, "K,V\n1,a\n2", Options{})
	if len(rows) != 2 || rows[0].Cut || !rows[1].Cut || lines != 2 {
		t.Errorf("%+v %d", rows, lines)
	}
}

func TestTooManyColumns(t *testing.T) {
	for n, want := range map[int]bool{20_000: false, 20_001: true} {
		_, err := OpenReader("f.csv", strings.NewReader(strings.Repeat("x,", n-1)+"x\n"), Options{})
		if got := err != nil; got != want {
			t.Errorf("%d columns: %v", n, err)
		}
	}
}
