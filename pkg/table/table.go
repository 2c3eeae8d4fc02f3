// Package table reads tabular files as vendors write them. It finds whole records one after the other
// and leaves their cells to be split in parallel; what a cell means is its callers' business.
//
// A file that cannot be read as a table is an error of level 1 with its line. A record that is
// short, long or malformed is a row like any other, and visible as such.
package table

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// Reader yields the rows of one open file, whatever its format. One goroutine uses it; the blocks
// that it fills may be split by others.
type Reader interface {
	// Header is what the file says of its columns; it has been read when the file is open.
	Header() Header
	// Next fills a block with some whole records. It returns io.EOF at the end, and a *diag.Error
	// where the file cannot be read further as a table; that error stays.
	Next(*Block) error
	// Digest is the SHA-256 of the file in hex and its length in bytes. It is made while the file is
	// read, without a pass of its own, and so is complete once Next has returned io.EOF.
	Digest() (sha string, size int64)
	// Close closes what the reader reads from, if that can be closed.
	Close() error
}

// Header is what stands before the rows of a file. A format without one leaves the texts empty; it
// takes the names from what describes the file.
type Header struct {
	Names    []string // of the columns in order, trimmed and unique: "X (1)", "X (2)" where X occurs more than once; empty: a column without a name
	Cells    []string // the names as they stand, titles joined
	Text     string   // what a file of rejected rows must begin with: all up to the last line end of the header, verbatim
	LineEnd  string   // of the header, "\n" or "\r\n"
	Encoding string   // that of the byte order mark, else that of Options; the texts are UTF-8 whatever it is
	Doubt    string   // says so if the file begins like UTF-8 and is read as another encoding; else empty
	Hint     string   // says so if the header looks as if it were written with another delimiter; else empty
}

// Options says how a file is written; the zero value is CSV in UTF-8 with its header on line 1.
type Options struct {
	Name       string // what messages call the file that is opened; empty: its path
	Input      string // what its input is called on the command line, for advice; empty: it is not one
	Format     string // a name of the registry; empty: csv
	Delimiter  string // one ASCII character; empty: that of the format
	Encoding   string // a name of the WHATWG Encoding Standard; empty: utf-8. A byte order mark overrules it
	HeaderRows []int  // lines of the header, ascending from 1; empty: [1]
	NoQuotes   bool   // a quote is a character like others
	JoinTitles bool   // all but the last of HeaderRows are titles, filled to the right and joined to the names

	BlockSize int // bytes of a block; 0: 256 KiB
	MaxRecord int // bytes that one record may have; 0: 16 MiB
}

// Stat finds a regular file that can be read as a table; name is what messages call it. The error is a *diag.Error.
func Stat(path, name string) (fs.FileInfo, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, diag.Fail(diag.Usage, diag.ConfigFile, "Check the path.", "there is no file %s%s", name, beside(path, name))
	case err != nil:
		return nil, diag.FailWith(err, diag.Usage, diag.ConfigFile, "Check the path.", "%s cannot be read", name)
	case info.IsDir():
		return nil, diag.Fail(diag.Usage, diag.ConfigFile, "Name the file in it, or a pattern such as "+diag.ShellWord(filepath.Join(name, "*.csv"))+".", "%s is a folder, not a file", name)
	case !info.Mode().IsRegular():
		return nil, diag.Fail(diag.Usage, diag.ConfigFile, "Name a file, a pipe, or - for standard input.", "%s is a device, not a file", name)
	}
	return info, nil
}

// beside asks whether a file is meant that is called much like one that is not there.
func beside(path, name string) string {
	word := func(file string) string { return strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)) }
	entries, _ := os.ReadDir(filepath.Dir(path)) // which may not exist either
	var words []string
	files := map[string]string{}
	for _, e := range entries {
		if e.Name() == filepath.Base(path) {
			return ": it is a link to a file that is not there"
		}
		words = append(words, word(e.Name()))
		files[word(e.Name())] = filepath.Join(filepath.Dir(name), e.Name())
	}
	near := diag.Nearest(word(path), words, 1)
	if len(near) == 0 {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", files[near[0]])
}

// Open opens a file and reads its header. The error is a *diag.Error.
func Open(path string, o Options) (Reader, error) {
	name := cmp.Or(o.Name, path)
	if _, err := Stat(path, name); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, diag.FailWith(err, diag.Usage, diag.ConfigFile, "Check the file's permissions.", "%s cannot be read", name)
	}
	r, err := OpenReader(name, f, o)
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return r, nil
}

// OpenReader reads the header of r; name is what problems call it. If it fails, r stays open.
func OpenReader(name string, r io.Reader, o Options) (Reader, error) {
	format := FormatOf(o.Format)
	if format.Support != Readable {
		return nil, diag.Fail(diag.Usage, diag.BundleUnsupported, "", "%s cannot be read: the format %s is not in this version", name, o.Format)
	}
	if o.Delimiter == "" {
		o.Delimiter = format.Delimiter
	}
	return format.open(name, r, o)
}
