package table

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
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

// EncodingName is the one name of an encoding that may have several; "" is UTF-8's.
func EncodingName(name string) string {
	_, canonical, err := lookUp(name)
	if err != nil {
		return name
	}
	return canonical
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

// headSize is how much of a file says what it is.
const headSize = 64 << 10

// decode makes a reader of UTF-8 text without byte order mark, of a file that is a text.
func (d *delimited) decode(r io.Reader, declared string) error {
	e, canonical, err := lookUp(declared)
	if err != nil {
		return diag.FailWith(err, diag.Usage, diag.BundleValue, "", "%s cannot be read", d.name)
	}
	in := bufio.NewReaderSize(r, headSize)
	head, err := in.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return diag.FailWith(err, diag.CouldNotRun, diag.ConfigFile, "", "%s cannot be read", d.name)
	}
	if k, other := kindOf(head); other {
		if k.tool != "" {
			k.fix = "Unpack it on the way: `" + k.tool + " FILE | sluice … --input " + d.input + "=-`."
			if d.input == "" {
				k.fix = "Unpack it on the way: `" + k.tool + " " + diag.ShellWord(d.name) + " | sluice inspect -`."
			}
		}
		return d.whole(diag.FileFormat, k.fix, "is "+k.what+", not a text with rows")
	}
	skip := 0
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe\x00\x00")), bytes.HasPrefix(head, []byte("\x00\x00\xfe\xff")):
		return d.whole(diag.FileEncoding, "Export it as UTF-8.", "is UTF-32, which is not read")
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		e, canonical, skip = nil, utf8Name, 3
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		e, canonical, skip = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), "utf-16le", 2
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		e, canonical, skip = unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), "utf-16be", 2
	case !strings.HasPrefix(canonical, "utf-16"):
		if err := d.notText(head); err != nil {
			return err
		}
	}
	_, _ = in.Discard(skip) // which were peeked at
	d.decoded, d.header.Encoding = in, canonical
	if c := firstWide(head); c != "" && singleByte.MatchString(canonical) {
		as, _ := e.NewDecoder().String(c)
		d.header.Doubt = fmt.Sprintf("it is read as %s, but it looks like UTF-8: %q would become %q", canonical, c, as)
	}
	if e != nil {
		d.decoded = transform.NewReader(in, e.NewDecoder())
	}
	return nil
}

// singleByte matches the encodings of which each byte is a character, so that any file can be read as one of them.
var singleByte = regexp.MustCompile(`^(windows-|iso-8859-|macintosh|x-mac-|ibm|koi8-)`)

// firstWide is the first character of several bytes in the beginning of a text that is UTF-8; "" if it has none, or
// is not.
func firstWide(head []byte) string {
	for n := 0; n < utf8.UTFMax-1 && len(head) > 0 && !utf8.Valid(head); n++ { // the last character may be cut off
		head = head[:len(head)-1]
	}
	at := bytes.IndexFunc(head, func(r rune) bool { return r >= utf8.RuneSelf })
	if at < 0 || !utf8.Valid(head) {
		return ""
	}
	_, size := utf8.DecodeRune(head[at:])
	return string(head[at : at+size])
}

// notText says so if a beginning cannot be that of a text whose characters are single bytes or UTF-8.
func (d *delimited) notText(head []byte) error {
	if name := wide(head); name != "" {
		return d.whole(diag.FileNUL, d.readAs(name), "is UTF-16 without its byte order mark")
	}
	switch {
	case len(head) > 0 && len(bytes.TrimSpace(head)) == 0:
		return d.whole(diag.FileEmpty, "", "holds nothing but blank lines")
	case len(head) > 0 && len(bytes.Trim(head, "\x00")) == 0:
		return d.whole(diag.FileNUL, "Export it again.", "holds nothing but NUL bytes")
	case isBinary(head):
		return d.whole(diag.FileFormat, "Name the vendor's export.", "is not a text")
	}
	return nil
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
		at := firstOdd(text)
		name, words := likely(text[max(0, at-1):])
		return d.problem(diag.FileEncoding, d.lineAt(d.start+at), d.readAs(name), "is not UTF-8 (byte %#02x); the file is likely to be %s", text[at], words)
	}
	if at := bytes.IndexRune(text, utf8.RuneError); at >= 0 {
		return d.problem(diag.FileEncoding, d.lineAt(d.start+at), d.readAs("NAME"), "is not %s", d.header.Encoding)
	}
	return nil
}

// readAs is the advice for a file that is written in another encoding.
func (d *delimited) readAs(encoding string) string {
	if d.input == "" {
		return "Export it as UTF-8."
	}
	with := "Export it as UTF-8, or add --encoding " + d.input + "=" + encoding
	if encoding == "NAME" {
		return with + " with the one that it is written in."
	}
	return with + " to the command."
}

// nul reports NUL bytes in a line.
func (d *delimited) nul(text []byte, at int) error {
	from, to := bytes.LastIndexByte(text[:at], '\n')+1, len(text)
	if end := bytes.IndexByte(text[at:], '\n'); end >= 0 {
		to = at + end
	}
	return d.problem(diag.FileNUL, d.lineAt(d.start+at), "Export it again; a file that was cut off or copied badly has such bytes.", "holds %s",
		diag.Counted(bytes.Count(text[from:to], []byte{0}), "NUL byte", "NUL bytes"))
}

// likely guesses what a text that is not UTF-8 was written in, from the byte before the first odd one on: a
// name, and words for people.
func likely(text []byte) (name, words string) {
	text = text[:min(len(text), headSize)]
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
		return "macintosh", "macintosh, or windows-1252"
	}
	return "windows-1252", "windows-1252 (Excel's \"CSV\")"
}

// whole is an error that says what a file is, with the file as its problem.
func (d *delimited) whole(code diag.Code, fix, what string) error {
	return d.stop(0, code, fix, d.name+" "+what)
}

// problem is an error that says what is wrong with a line. The message goes on from "line N of FILE".
func (d *delimited) problem(code diag.Code, line int, fix, format string, args ...any) error {
	return d.stop(line, code, fix, fmt.Sprintf("line %d of %s ", line, d.name)+fmt.Sprintf(format, args...))
}

// stop is an error that stops the file, with its place as a problem that says the same.
func (d *delimited) stop(line int, code diag.Code, fix, message string) error {
	p := diag.At(diag.Pos{File: d.name, Line: line}, code, fix, "%s", message)
	p.Input = d.input
	e := diag.Fail(diag.Guarded, code, fix, "%s", message)
	e.Problems = diag.List{p}
	return e
}
