package rejects

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// HeadOf is what rows of a file stand under. Rows are written as UTF-8, so a mark says so wherever the
// input would be taken for something else: its bundle declares another encoding, or the file had one.
func HeadOf(declared string, h table.Header) Head {
	const utf8 = "utf-8"
	text := strings.TrimRight(h.Text, "\r\n") + h.LineEnd
	if h.Encoding != utf8 || declared != "" && !strings.EqualFold(declared, utf8) {
		text = "\ufeff" + text
	}
	return Head{Text: text, LineEnd: h.LineEnd}
}

// WrittenAs is how a file is written, as a manifest keeps it.
func WrittenAs(o table.Options) *runs.Written {
	return &runs.Written{Format: o.Format, Delimiter: o.Delimiter, Encoding: o.Encoding, HeaderRows: o.HeaderRows, NoQuotes: o.NoQuotes, JoinTitles: o.JoinTitles}
}

func options(w *runs.Written) table.Options {
	return table.Options{Format: w.Format, Delimiter: w.Delimiter, Encoding: w.Encoding, HeaderRows: w.HeaderRows, NoQuotes: w.NoQuotes, JoinTitles: w.JoinTitles}
}

// sourceRow is a row as it stands in the vendor's file.
type sourceRow struct {
	line int64
	raw  string
}

// source is where the rows of a file are read from, in their order.
type source struct {
	head Head
	next func() (sourceRow, error, bool)
	stop func()
	at   sourceRow // the row at hand
	why  error     // why there are no more rows; nil: the file has ended, or not yet
	end  bool
}

func newSource(head Head, rows iter.Seq2[sourceRow, error], closer io.Closer) *source {
	s := &source{head: head}
	next, stop := iter.Pull2(rows)
	s.next = next
	s.stop = func() {
		stop()
		_ = closer.Close() // read only
	}
	return s
}

// row finds the row that begins in a line; lines are asked for in their order.
func (s *source) row(line int64) (raw string, ok bool) {
	for !s.end && s.at.line < line {
		row, err, more := s.next()
		s.at, s.why, s.end = row, err, !more || err != nil
	}
	return s.at.raw, !s.end && s.at.line == line
}

// unread is why the rows of a vendor's file cannot be read again. It is no failure: the lines are listed.
type unread struct{ why string }

func (u unread) Error() string { return u.why }

// openVendor opens the file that transform read, if it is still that one.
func openVendor(r *runs.Run, in *runs.Input) (*source, error) {
	path := in.Path
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.Folder, path)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && in.Path == "standard input":
		return nil, unread{"they came from standard input, which cannot be read twice"}
	case errors.Is(err, fs.ErrNotExist):
		return nil, unread{in.Path + " is not there any more"}
	case err != nil:
		return nil, unread{fmt.Sprintf("%s cannot be read (%v)", in.Path, err)}
	case !info.Mode().IsRegular(): // to open a pipe would wait for its other side
		return nil, unread{in.Path + " is a pipe or a device, which cannot be read twice"}
	case info.Size() != in.Bytes:
		return nil, unread{in.Path + " has changed since it was transformed"}
	}
	if sum, err := digest(path); err != nil {
		return nil, unread{fmt.Sprintf("%s cannot be read (%v)", in.Path, err)}
	} else if sum != in.SHA256 {
		return nil, unread{in.Path + " has changed since it was transformed"}
	}
	reader, err := table.Open(path, options(in.Written))
	if err != nil {
		return nil, unread{fmt.Sprintf("%s cannot be read (%v)", in.Path, err)}
	}
	return newSource(HeadOf(in.Written.Encoding, reader.Header()), rowsOf(reader), reader), nil
}

// openEarlier opens the rows that stand in rejects/ already, if they are as they were written: what is there
// need not be read from the vendor's file.
func openEarlier(r *runs.Run, in *runs.Input, was runs.Reject) (*source, error) {
	path := r.File(was.File)
	if sum, err := digest(path); was.Rows == 0 || err != nil || sum != was.SHA256 {
		return nil, unread{"the file in rejects/ is not as it was written"}
	}
	o := options(in.Written)
	o.Encoding = "" // they are written as UTF-8
	reader, err := table.Open(path, o)
	if err != nil {
		return nil, unread{err.Error()}
	}
	reasons, err := os.Open(r.File(runs.Beside(was.File, "reasons")))
	if err != nil {
		_ = reader.Close() // read only
		return nil, unread{err.Error()}
	}
	header := reader.Header()
	rows := func(yield func(sourceRow, error) bool) {
		lines, last := csv.NewReader(reasons), int64(0)
		_, _ = lines.Read() // the header
		for row, err := range rowsOf(reader) {
			if err == nil {
				row.line, err = lineOf(lines, row.line, last)
			}
			if last = row.line; !yield(row, err) || err != nil {
				return
			}
		}
	}
	text := header.Text
	if marked(path) {
		text = "\ufeff" + text
	}
	return newSource(Head{text, header.LineEnd}, rows, closers{reader, reasons}), nil
}

// lineOf is the line that a row of rejects/ has in the vendor's file, as the next of the reasons tells.
func lineOf(reasons *csv.Reader, at, last int64) (int64, error) {
	cells, err := reasons.Read()
	if err != nil || len(cells) < 2 {
		return 0, unread{"the reasons do not match the rows of rejects/"}
	}
	line, _ := strconv.ParseInt(cells[0], 10, 64)
	if rejectLine, _ := strconv.ParseInt(cells[1], 10, 64); rejectLine != at || line <= last {
		return 0, unread{"the reasons do not match the rows of rejects/"}
	}
	return line, nil
}

// rowsOf are the rows of a file; blank lines are none.
func rowsOf(reader table.Reader) iter.Seq2[sourceRow, error] {
	return func(yield func(sourceRow, error) bool) {
		var block table.Block
		var parser table.Parser
		for {
			switch err := reader.Next(&block); {
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				yield(sourceRow{}, unread{err.Error()})
				return
			}
			for row := range block.Rows(&parser) {
				if !row.Blank && !yield(sourceRow{row.Line, row.Raw}, nil) {
					return
				}
			}
		}
	}
}

type closers []io.Closer

func (all closers) Close() error {
	var errs []error
	for _, c := range all {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

func marked(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close() //nolint:errcheck // read only
	begin := make([]byte, 3)
	_, err = io.ReadFull(f, begin)
	return err == nil && string(begin) == "\ufeff"
}

// digest is the SHA-256 of a file in hex.
func digest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // read only
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
