// Package adopted owns the table of the identifiers that a tenant's target already had for events of the tenant,
// from another loader or from before a part of their key was corrected.
//
// It is a CSV file in the tenant's state: which student and assessment, the identifier that the bundle makes, and the
// one that the target has. It knows nothing of bundles, runs or targets.
package adopted

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/keyset"
)

// File is the name of the table in the tenant's folder of state.
const File = "adopted-identifiers.csv"

// Header is the table's first line.
var Header = []string{"studentUniqueId", "assessmentIdentifier", "namespace", "identifier", "targetIdentifier", "run"}

// Row is one event.
type Row struct {
	Student    string `json:"studentUniqueId"`
	Assessment string `json:"assessmentIdentifier"`
	Namespace  string `json:"namespace"`
	Own        string `json:"identifier"`       // as the bundle makes it
	Target     string `json:"targetIdentifier"` // as the target has it
	Run        string `json:"run"`              // in which it was found, by its folder
}

// Cells are those of the table.
func (r Row) Cells() []string {
	return []string{r.Student, r.Assessment, r.Namespace, r.Own, r.Target, r.Run}
}

func (r *Row) key() keyset.Key { return keyOf(r.Student, r.Assessment, r.Namespace, r.Own) }

func keyOf(parts ...string) keyset.Key {
	var scratch [256]byte
	b := scratch[:0]
	for _, p := range parts {
		b = append(append(b, p...), 0)
	}
	sum := sha256.Sum256(b)
	return keyset.Key(sum[:])
}

// Table is the table, to look up in. It does not change, and any number of goroutines may use it.
type Table struct {
	SHA256 string
	keys   keyset.Set
	at     keyset.List[uint32] // of an identifier in names, by the key's number; the next one's is its end
	names  []byte
}

// Len is how many identifiers are adopted.
func (t *Table) Len() int { return t.keys.Len() }

// Find is the identifier that the target has for an event.
func (t *Table) Find(student, assessment, namespace, own string) (identifier string, ok bool) {
	n, ok := t.keys.Find(keyOf(student, assessment, namespace, own))
	if !ok {
		return "", false
	}
	end := uint32(len(t.names))
	if int(n)+1 < t.at.Len() {
		end = *t.at.At(n + 1)
	}
	return string(t.names[*t.at.At(n):end]), true
}

// Load reads the table; nil: there is none, or an empty one.
func Load(path string) (*Table, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	t, sum := &Table{}, sha256.New()
	err = read(io.TeeReader(file, sum), func(r *Row) error {
		if _, fresh := t.keys.Add(r.key()); !fresh {
			return fmt.Errorf("%s occurs twice for one student and assessment", r.Own)
		}
		t.at.Append(uint32(len(t.names)))
		t.names = append(t.names, r.Target...)
		return nil
	})
	if err != nil || t.Len() == 0 {
		return nil, err
	}
	t.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return t, nil
}

// read gives each row of a table; it is valid during the call.
func read(from io.Reader, use func(*Row) error) error {
	in := csv.NewReader(from)
	in.FieldsPerRecord, in.ReuseRecord = len(Header), true
	first, err := in.Read()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil || !slices.Equal(first, Header) {
		return errors.Join(err, fmt.Errorf("its first line is not the header of adopted identifiers"))
	}
	for {
		c, err := in.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err // with its line
		}
		if i := slices.IndexFunc(c[:5], func(cell string) bool { return strings.TrimSpace(cell) == "" }); i >= 0 {
			err = fmt.Errorf("%s is empty", Header[i])
		} else {
			err = use(&Row{c[0], c[1], c[2], c[3], c[4], c[5]})
		}
		if err != nil {
			line, _ := in.FieldPos(0)
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
}

// Rows are all rows of the table.
func Rows(path string) (rows []Row, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return rows, read(bytes.NewReader(text), func(r *Row) error {
		rows = append(rows, *r)
		return nil
	})
}

// Add puts rows into the table, in place of those of the same events. It says how many were not there as they are. An
// event that has an adopted identifier already, and that the target now has under another one, follows it.
func Add(ctx context.Context, path string, more []Row) (fresh int, err error) {
	err = change(ctx, path, func(rows []Row) []Row {
		number, having := map[keyset.Key]int{}, map[keyset.Key][]int{}
		for i, r := range rows {
			number[r.key()] = i
			r.Own = r.Target
			having[r.key()] = append(having[r.key()], i)
		}
		for _, r := range more {
			for _, i := range having[r.key()] {
				rows[i].Target, rows[i].Run = r.Target, r.Run
			}
			i, known := number[r.key()]
			switch {
			case !known:
				number[r.key()] = len(rows)
				rows = append(rows, r)
				fresh++
			case rows[i].Target != r.Target:
				rows[i] = r
				fresh++
			}
		}
		return rows
	})
	return fresh, err
}

// Remove takes the rows of a run out of the table.
func Remove(ctx context.Context, path, run string) (removed int, err error) {
	err = change(ctx, path, func(rows []Row) []Row {
		left := slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return r.Run == run })
		removed = len(rows) - len(left)
		return left
	})
	return removed, err
}

// change rewrites the table, sorted: what it says, and not the order in which it was learnt, decides its digest.
func change(ctx context.Context, path string, with func([]Row) []Row) error {
	rows, err := Rows(path)
	if err != nil {
		return err
	}
	rows = with(rows)
	slices.SortFunc(rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(a.Student, b.Student), cmp.Compare(a.Assessment, b.Assessment), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Own, b.Own))
	})
	return durable.WriteWith(path, func(w io.Writer) error {
		out := csv.NewWriter(w)
		if err := out.Write(Header); err != nil {
			return err
		}
		for _, r := range rows {
			if err := errors.Join(ctx.Err(), out.Write(r.Cells())); err != nil {
				return err
			}
		}
		out.Flush()
		return out.Error()
	})
}
