package table

import (
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// TestKinds: a file that is not a text with rows is called what it is, in one message with its remedy.
func TestKinds(t *testing.T) {
	for text, want := range map[string]string{
		"PK\x03\x04..[Content_Types].xml..xl/workbook.xml":                     "an Excel workbook",
		"PK\x03\x04..mimetypeapplication/vnd.oasis.opendocument.spreadsheetPK": "of another spreadsheet",
		"PK\x03\x04..[Content_Types].xml..word/document.xml":                   "an Office document",
		"PK\x03\x04..export.csv..":                                             "a zip archive",
		"PK\x05\x06" + strings.Repeat("\x00", 18):                              "a zip archive",
		"\xd0\xcf\x11\xe0":                  "an old Excel workbook",
		"\x1f\x8b\x08":                      "packed with gzip",
		"BZh91AY&SY":                        "packed with bzip2",
		"\xfd7zXZ\x00":                      "packed with xz",
		"\x28\xb5\x2f\xfd":                  "packed with zstd",
		"7z\xbc\xaf\x27\x1c":                "a 7-Zip archive",
		"%PDF-1.7":                          "a PDF document",
		"\x89PNG\r\n":                       "a picture",
		`{\rtf1 x}`:                         "an RTF document",
		"-----BEGIN PGP MESSAGE-----\n":     "encrypted with PGP",
		"\xef\xbb\xbf\n <!DOCTYPE html>":    "a web page",
		"<html lang=\"en\">":                "a web page",
		"<?xml version=\"1.0\"?>":           "XML",
		"<Students xmlns=\"x\">\n<Student>": "XML",
		"{\n \"a\": 1}":                     "JSON",
		"[{\"a\": 1}]":                      "JSON",
		"[[1,2]]":                           "JSON",
		"\x01\x02\x03\x04\x05\x06,\x07\x0e": "not a text",
		strings.Repeat("\x00", 100):         "nothing but NUL bytes",
		" \n\n":                             "nothing but blank lines",
	} {
		_, _, err := read(text, Options{Input: "results"})
		e, ok := diag.AsError(err)
		if !ok || e.Kind != diag.Guarded || !strings.HasPrefix(e.Message, "f.csv ") || !strings.Contains(e.Message, want) || e.Advice() == "" || !e.Repeats() {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"[Student ID],[Grade]\n1,2\n", "<Id>,<Grade>\n", "{id},{grade}\n", "BZhang,x\n", "<student>\n1\n", "PKG,x\n", "\"[\",\"{\"\n"} {
		if _, _, err := read(text, Options{}); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	_, _, err := read("\x1f\x8b\x08", Options{Input: "results"})
	if e, _ := diag.AsError(err); !strings.Contains(e.Next, "gunzip -c FILE | sluice … --input results=-") || Unpacker([]byte("\x1f\x8b\x08")) != "gunzip -c" {
		t.Error(e.Next)
	}
}

// TestEncodingAdvice: the option that is advised is one that the file can be read with.
func TestEncodingAdvice(t *testing.T) {
	le, _ := unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewEncoder().String("a,b\r\nJosé,2\r\n")
	be, _ := unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewEncoder().String("a,b\r\nJosé,2\r\n")
	for text, want := range map[string]string{le: "utf-16le", be: "utf-16be", "a,b\nJos\xe9,2\n": "windows-1252", "a,b\nMu\x96oz,Ren\x8e\n": "macintosh"} {
		_, _, err := read(text, Options{Input: "results"})
		e, _ := diag.AsError(err)
		if e == nil || !strings.Contains(e.Next, "--encoding results="+want+" ") || GuessEncoding([]byte(text)) != want {
			t.Errorf("%q: %+v", text, e)
		}
		if _, _, err := read(text, Options{Encoding: want}); err != nil {
			t.Error(err)
		}
	}
	for _, text := range []string{"a,é\n1", "\xff\xfea\x00", "", "a,b\n1,\xc3", "\x1f\x8b\x08\x00\x01\x02\x03\x04\x05\x06\x07\xff"} {
		if got := GuessEncoding([]byte(text)); got != "" {
			t.Errorf("%q: %s", text, got)
		}
	}
}
