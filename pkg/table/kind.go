package table

import (
	"bytes"
	"regexp"
	"strings"
	"unicode/utf8"
)

// kind is what a file is that is not a text with rows.
type kind struct {
	what string // such as "a PDF document"
	fix  string
	tool string // the command that unpacks it to standard output, without the file; "" if none does
}

const asCSV = `Open it, and save the sheet as "CSV UTF-8".`

// kinds are what files begin with that are not a text.
var kinds = []struct {
	begin string
	kind
}{
	{"\xd0\xcf\x11\xe0", kind{what: "an old Excel workbook, or another Office document", fix: asCSV}},
	{"\x1f\x8b", kind{what: "packed with gzip", tool: "gunzip -c"}},
	{"BZh", kind{what: "packed with bzip2", tool: "bunzip2 -c"}},
	{"\xfd7zXZ\x00", kind{what: "packed with xz", tool: "xz -dc"}},
	{"\x28\xb5\x2f\xfd", kind{what: "packed with zstd", tool: "zstd -dc"}},
	{"7z\xbc\xaf\x27\x1c", kind{what: "a 7-Zip archive", fix: "Unpack it, and name the file in it."}},
	{"Rar!\x1a\x07", kind{what: "a RAR archive", fix: "Unpack it, and name the file in it."}},
	{"%PDF-", kind{what: "a PDF document", fix: "Ask the vendor for the export as CSV."}},
	{"\x89PNG", kind{what: "a picture", fix: "Name the vendor's export."}},
	{"\xff\xd8\xff", kind{what: "a picture", fix: "Name the vendor's export."}},
	{`{\rtf`, kind{what: "an RTF document", fix: "Ask the vendor for the export as CSV."}},
	{"SQLite format 3\x00", kind{what: "an SQLite database", fix: "Export its table as CSV."}},
	{"PAR1", kind{what: "a Parquet file", fix: "Export it as CSV."}},
	{"-----BEGIN PGP MESSAGE-----", kind{what: "encrypted with PGP", fix: "Decrypt it, and name the file that comes out."}},
}

var (
	page    = regexp.MustCompile(`(?i)^<(!doctype\s+html|html|head|body|script|meta|title|table|div)\b`)
	xmlText = regexp.MustCompile(`^<(\?xml\b|!--|[A-Za-z_][\w:.-]*(\s[^<>]*)?>\s*<)`)
	object  = regexp.MustCompile(`^(\{\s*("(\\.|[^"\\])*"\s*:|\}\s*$)|\[\s*[\[{])`)
)

// kindOf tells what a file is from how it begins; false: it may be a text with rows.
func kindOf(head []byte) (kind, bool) {
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	if bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("PK\x05\x06")) {
		return zipKind(head), true
	}
	for _, k := range kinds {
		if bytes.HasPrefix(head, []byte(k.begin)) && (k.begin != "BZh" || len(head) > 4 && bytes.HasPrefix(head[4:], []byte("1AY&SY"))) {
			return k.kind, true
		}
	}
	text := bytes.TrimSpace(head)
	switch {
	case page.Match(text):
		return kind{what: "a web page", fix: "Log in to the vendor's site again, and export the file again."}, true
	case xmlText.Match(text):
		return kind{what: "XML", fix: "Export it as CSV."}, true
	case object.Match(text):
		return kind{what: "JSON", fix: "Export it as CSV."}, true
	}
	return kind{}, false
}

// zipKind tells workbooks and documents from other zip archives, by the names in them.
func zipKind(head []byte) kind {
	has := func(s string) bool { return bytes.Contains(head, []byte(s)) }
	switch {
	case has("xl/") || has("opendocument.spreadsheet"):
		return kind{what: "an Excel workbook, or one of another spreadsheet", fix: asCSV}
	case has("word/") || has("ppt/") || has("opendocument."):
		return kind{what: "an Office document", fix: "Ask the vendor for the export as CSV."}
	}
	return kind{what: "a zip archive", fix: "Unpack it, and name the file in it."}
}

// Unpacker is the command that unpacks a file with this beginning to standard output; "" if it is not
// packed, or in a way that holds several files.
func Unpacker(head []byte) string {
	k, _ := kindOf(head)
	return k.tool
}

// GuessEncoding is the encoding that a file with this beginning is likely to have, and to be declared by
// name; "" if it is UTF-8, has a mark that says what it is, or is not a text. The beginning may end within
// a character.
func GuessEncoding(head []byte) string {
	if bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) {
		return ""
	}
	if name := wide(head); name != "" {
		return name
	}
	if at := firstOdd(head); utf8.FullRune(head[at:]) && at < len(head) && !isBinary(head) {
		name, _ := likely(head[max(0, at-1):])
		return name
	}
	return ""
}

// firstOdd is where a text ceases to be UTF-8; its length if it does not.
func firstOdd(text []byte) int {
	at := 0
	for at < len(text) {
		r, n := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	return at
}

// wide is the name of UTF-16 for a text in it that has no mark: of nearly all its characters, one byte is
// NUL. "" if it is something else.
func wide(head []byte) string {
	head = head[:min(len(head), 4096)]
	var nul [2]int
	for i, c := range head {
		if c == 0 {
			nul[i%2]++
		}
	}
	switch few := len(head) / 50; {
	case len(head) < 8:
	case nul[1] >= len(head)/3 && nul[0] <= few:
		return "utf-16le"
	case nul[0] >= len(head)/3 && nul[1] <= few:
		return "utf-16be"
	}
	return ""
}

// isBinary reports whether a beginning is not text in any encoding: it has many control characters.
func isBinary(head []byte) bool {
	head = head[:min(len(head), 4096)]
	odd := 0
	for _, c := range head {
		if c < 0x20 && !strings.ContainsRune("\t\n\v\f\r\x1a\x1b", rune(c)) {
			odd++
		}
	}
	return odd > 4 && odd > len(head)/50
}
