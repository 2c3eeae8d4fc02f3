package jsonl

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

// FuzzSkip holds what Skip takes for a value against encoding/json.
func FuzzSkip(f *testing.F) {
	for _, s := range []string{`{"a":[1,-2.5e+3,true,null,{"b":"\ud83d\ude00\n"}]}`, " [] ", "", `"a`, "01", "1.", "1e", `{"a" 1}`, `{"a":1,}`, "nul", "\"\xff\"", "\"\n\"", `"\x"`, `"\u12g4"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := Scanner{Data: data}
		ok := s.Skip() && s.Peek() == 0 && s.Pos == len(data)
		if want := json.Valid(data) && utf8.Valid(data); ok != want && !strings.Contains(s.Problem, "too deep") {
			t.Errorf("%q: %v %q, want %v", data, ok, s.Problem, want)
		}
	})
}

// FuzzText holds the texts that Text reads against encoding/json.
func FuzzText(f *testing.F) {
	for _, s := range []string{"plain and much longer than eight", `\"\\\/\b\f\n\r\t\u00e9`, "Zoë \U0001F600", `\ud83d\ude00`, `\ud83d`, `\ud83dA`, `a\u0000`, `\`, "12345678\x01"} {
		f.Add(s, uint8(3))
	}
	f.Fuzz(func(t *testing.T, text string, n uint8) {
		quoted := []byte(`"` + text + `"`)
		s := Scanner{Data: quoted}
		got, ok := s.Text()
		var want string
		valid := utf8.ValidString(text) && json.Unmarshal(quoted, &want) == nil
		if whole := ok && s.Pos == len(quoted); whole != valid || valid && string(got) != want {
			t.Errorf("%s: %q %v %q, want %q %v", quoted, got, ok, s.Problem, want, valid)
		}
		if i := int(n) % (len(text) + 1); plainEnd([]byte(text), i) != slowPlainEnd(text, i) {
			t.Errorf("plainEnd of %q at %d", text, i)
		}
		if n := UTF16Length(text); n != len(utf16.Encode([]rune(text))) || n != UTF16Length([]byte(text)) {
			t.Errorf("%q has %d UTF-16 units", text, n)
		}
	})
}

func slowPlainEnd(text string, i int) int {
	for i < len(text) && text[i] >= ' ' && text[i] < 0x80 && text[i] != '"' && text[i] != '\\' {
		i++
	}
	return i
}

func TestFlaws(t *testing.T) {
	for text, want := range map[string][]Flaw{
		`"\u0000\ud83d\u0000"`: {NUL, LoneSurrogate, NUL},
		`"\ud83d\ude00"`:       nil,
	} {
		s := Scanner{Data: []byte(text + `"plain"`)}
		if _, ok := s.Text(); !ok || !slices.Equal(s.Flaws, want) {
			t.Errorf("%s: %v %v", text, s.Flaws, ok)
		}
		if _, ok := s.Text(); !ok || len(s.Flaws) > 0 {
			t.Errorf("the flaws of the text before stay: %v", s.Flaws)
		}
	}
}

func TestDepth(t *testing.T) {
	for depth, want := range map[int]bool{maxDepth: true, maxDepth + 1: false} {
		s := Scanner{Data: []byte(strings.Repeat("[", depth) + strings.Repeat("]", depth))}
		if got := s.Skip(); got != want {
			t.Errorf("%d lists in each other: %v", depth, got)
		}
	}
}
