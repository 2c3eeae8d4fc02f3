package table

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

const utf8Name = "utf-8"

// CheckEncoding says whether a name of an encoding is known.
func CheckEncoding(name string) error {
	_, _, err := lookUp(name)
	return err
}

// lookUp finds an encoding; that of UTF-8 is nil, because nothing is decoded.
func lookUp(name string) (encoding.Encoding, string, error) {
	if name == "" {
		return nil, utf8Name, nil
	}
	e, err := htmlindex.Get(name)
	if err != nil {
		return nil, "", fmt.Errorf("there is no encoding %q; known are those of the WHATWG Encoding Standard, as utf-8, utf-16le, windows-1252, macintosh", name)
	}
	canonical, err := htmlindex.Name(e)
	if err != nil {
		return nil, "", fmt.Errorf("the encoding %q cannot be used: %w", name, err)
	}
	switch canonical {
	case utf8Name:
		return nil, utf8Name, nil
	case "replacement", "x-user-defined":
		return nil, "", fmt.Errorf("the encoding %q cannot be used", name)
	}
	return e, canonical, nil
}

// What files begin with that are no text at all.
var signatures = []struct{ begin, what string }{
	{"PK\x03\x04", "an Excel workbook or a zip archive"},
	{"\xd0\xcf\x11\xe0", "an old Excel workbook"},
	{"\x1f\x8b", "a gzip archive"},
	{"%PDF-", "a PDF document"},
}

// decode returns a reader of UTF-8 text without byte order mark.
func decode(name string, r io.Reader, declared string) (io.Reader, string, error) {
	e, canonical, err := lookUp(declared)
	if err != nil {
		return nil, "", diag.FailWith(err, diag.Usage, diag.BundleValue, "", "%s cannot be read", name)
	}
	in := bufio.NewReaderSize(r, 64<<10)
	head, err := in.Peek(8)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, "", diag.FailWith(err, diag.CouldNotRun, diag.ConfigFile, "", "reading %s", name)
	}
	for _, s := range signatures {
		if strings.HasPrefix(string(head), s.begin) {
			return nil, "", fileProblem(name, diag.FileEncoding, 0, "Export as CSV.", "the file is %s, not text", s.what)
		}
	}
	skip := 0
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe\x00\x00")), bytes.HasPrefix(head, []byte("\x00\x00\xfe\xff")):
		return nil, "", fileProblem(name, diag.FileEncoding, 1, "Export as UTF-8.", "the file is UTF-32, which is not read")
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		e, canonical, skip = nil, utf8Name, 3
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		e, canonical, skip = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), "utf-16le", 2
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		e, canonical, skip = unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), "utf-16be", 2
	}
	_, _ = in.Discard(skip) // which were peeked at
	if e == nil {
		return in, canonical, nil
	}
	return transform.NewReader(in, e.NewDecoder()), canonical, nil
}

// check finds what must not stand in a text, which begins the buffer: NUL bytes, and bytes that do not
// decode.
func (d *delimited) check(text []byte) error {
	if at := bytes.IndexByte(text, 0); at >= 0 {
		return d.nul(text, at)
	}
	if d.header.Encoding == utf8Name {
		if utf8.Valid(text) {
			return nil
		}
		at := 0
		for at < len(text) {
			r, n := utf8.DecodeRune(text[at:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			at += n
		}
		return d.problem(diag.FileEncoding, d.lineAt(d.start+at), "Export as UTF-8, or add --encoding INPUT=NAME with the one it is written in, such as windows-1252.",
			"this is not UTF-8 (byte %#02x); it is likely to be %s", text[at], likely(text[max(0, at-1):]))
	}
	if at := bytes.IndexRune(text, utf8.RuneError); at >= 0 {
		return d.problem(diag.FileEncoding, d.lineAt(d.start+at), "Export as UTF-8, or add --encoding INPUT=NAME with the one it is written in.",
			"this is not %s", d.header.Encoding)
	}
	return nil
}

// nul reports a NUL byte; a text with one behind every letter is UTF-16.
func (d *delimited) nul(text []byte, at int) error {
	line := d.lineAt(d.start + at)
	begin := text[max(0, at-1):min(len(text), at+63)]
	if n := bytes.Count(begin, []byte{0}); 3*n >= len(begin) {
		order := "utf-16be"
		if at%2 == 1 {
			order = "utf-16le"
		}
		return d.problem(diag.FileNUL, line, "Export as UTF-8, or add --encoding INPUT="+order+".", "every second byte is NUL: the file is UTF-16 without its byte order mark")
	}
	return d.problem(diag.FileNUL, line, "", "there is a NUL byte in this line")
}

// likely guesses what a text that is not UTF-8 was written in, from the byte before the first odd one on.
func likely(text []byte) string {
	text = text[:min(len(text), 64<<10)]
	var western, mac int
	for i, c := range text {
		letterBefore := i > 0 && (text[i-1]|0x20 >= 'a' && text[i-1]|0x20 <= 'z')
		switch {
		case c >= 0xC0: // letters in windows-1252
			western += 2
		case c >= 0x80 && c <= 0x9F && c != 0x92 && letterBefore: // letters on old Macs; 0x92 is an apostrophe in windows-1252
			mac++
		case c >= 0x91 && c <= 0x97: // quotation marks and dashes in windows-1252
			western++
		}
	}
	if mac > western {
		return "macintosh, or windows-1252"
	}
	return "windows-1252 (Excel's \"CSV\"), or iso-8859-1"
}

// Problems of level 1.

func (d *delimited) problem(code diag.Code, line int, fix, format string, args ...any) error {
	return fileProblem(d.name, code, line, fix, format, args...)
}

// fileProblem is an error that stops the file, with its place as a problem.
func fileProblem(name string, code diag.Code, line int, fix, format string, args ...any) error {
	p := diag.At(diag.Pos{File: name, Line: line}, code, fix, format, args...)
	e := diag.Fail(diag.Guarded, code, fix, "%s: %s", p.Pos(), p.Message)
	e.Problems = diag.List{p}
	return e
}
