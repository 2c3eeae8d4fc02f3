// Package table reads tabular files as vendors write them. It finds whole records one after the other
// and leaves their cells to be split in parallel; what a cell means is its callers' business.
//
// A file that cannot be read as a table is an error of level 1 with its line. A record that is
// short, long or malformed is a row like any other, and visible as such.
package table

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"

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
	Hint     string   // says so if the header looks as if it were written with another delimiter; else empty
}

// Options says how a file is written; the zero value is CSV in UTF-8 with its header on line 1.
type Options struct {
	Name       string // what messages call the file that is opened; empty: its path
	Format     string // a name of the registry; empty: csv
	Delimiter  string // one ASCII character; empty: that of the format
	Encoding   string // a name of the WHATWG Encoding Standard; empty: utf-8. A byte order mark overrules it
	HeaderRows []int  // lines of the header, ascending from 1; empty: [1]
	NoQuotes   bool   // a quote is a character like others
	JoinTitles bool   // all but the last of HeaderRows are titles, filled to the right and joined to the names

	BlockSize int // bytes of a block; 0: 256 KiB
	MaxRecord int // bytes that one record may have; 0: 16 MiB
}

// Open opens a file and reads its header. The error is a *diag.Error.
func Open(path string, o Options) (Reader, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil, diag.Fail(diag.Usage, diag.ConfigFile, "Name a file in it.", "%s is a directory, not a file", path)
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, diag.FailWith(err, diag.Usage, diag.ConfigFile, "", "there is no file %s", path)
	}
	if err != nil {
		return nil, diag.FailWith(err, diag.Usage, diag.ConfigFile, "", "%s cannot be read", path)
	}
	r, err := OpenReader(cmp.Or(o.Name, path), f, o)
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
