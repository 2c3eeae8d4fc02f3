package jsonl

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestWriteAndRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.jsonl")
	w, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for i := range 1000 {
		want = append(want, fmt.Sprintf(`{"n":%d,"pad":"%s"}`, i, strings.Repeat("x", i%90)))
		if err := w.Write([]byte(want[i]+"\n"), 1); err != nil {
			t.Fatal(err)
		}
	}
	digest, err := w.Commit()
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1, 7, 100, 1 << 20} {
		r, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		var b Block
		n := int64(0)
		for {
			err := r.Next(&b, size)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for line, text := range b.Lines {
				n++
				if line != n || string(text) != want[n-1] {
					t.Fatalf("size %d: line %d is %d %q", size, n, line, text)
				}
			}
		}
		if got := r.Digest(); got != digest || n != 1000 {
			t.Errorf("size %d: %+v, want %+v", size, got, digest)
		}
		r.Close()
	}
}

func TestEach(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.jsonl")
	if err := os.WriteFile(path, []byte("{} \n\n{\"a\":1}"), 0o600); err != nil {
		t.Fatal(err)
	}
	var got []string
	each := func(l Line) error {
		got = append(got, fmt.Sprintf("%d: %s", l.Number, l.Text))
		if l.Number == 3 {
			return io.ErrUnexpectedEOF
		}
		return nil
	}
	if err := Each(path, each); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	if want := []string{"1: {} ", "2: ", `3: {"a":1}`}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if err := Each(path+"x", each); err != nil || len(got) != 3 {
		t.Errorf("a file that does not exist: %v %q", err, got)
	}
}

func TestLastLineWithoutEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.jsonl")
	if err := os.WriteFile(path, []byte("{}\n{\"a\":1}"), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := DigestFile(path)
	if err != nil || d.Lines != 2 || d.Bytes != 10 {
		t.Errorf("%+v %v", d, err)
	}
}

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "a\"b\\c\n\t\r\x00\x1f", "Zoë 日本 \U0001F600", "\xff\xc3", "</script>\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var back string
		if err := json.Unmarshal(AppendString(nil, s), &back); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if want := strings.ToValidUTF8(s, "\ufffd"); utf8.ValidString(s) && back != want {
			t.Fatalf("%q became %q", s, back)
		}
		if string(AppendString(nil, []byte(s))) != string(AppendString(nil, s)) {
			t.Fatal("bytes and string differ")
		}
	})
}
