package validate

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// Targets on SQL Server compare keys without regard to case and to how characters are composed: two records whose
// keys differ in nothing else are one record there, and the second overwrites the first.

// mostFolded bounds the lines of a file that are compared so, at 8 bytes each; mostReread those that are
// read once more, since two keys may share a hash by chance.
const (
	mostFolded = 1 << 20
	mostReread = 10 * listWarnings
)

// foldedKeys are the lines of a file, each behind the hash of its folded key. The zero value is ready.
type foldedKeys struct{ list []uint64 }

// expect prepares for so many lines.
func (f *foldedKeys) expect(lines int64) { f.list = make([]uint64, 0, max(0, min(lines, mostFolded))) }

func (f *foldedKeys) add(line uint32, hash uint32) {
	if len(f.list) < mostFolded {
		f.list = append(f.list, uint64(hash)<<32|uint64(line))
	}
}

// pairs yields each line whose hash an earlier line has, with the first such line.
func (f *foldedKeys) pairs(yield func(first, line uint32) error) error {
	slices.Sort(f.list)
	for i, first := 1, 0; i < len(f.list); i++ {
		if f.list[i]>>32 != f.list[first]>>32 {
			first = i
			continue
		}
		if err := yield(uint32(f.list[first]), uint32(f.list[i])); err != nil {
			return err
		}
	}
	return nil
}

// judgeFolded warns of keys that differ in nothing but case and composition.
func (r *resource) judgeFolded() error {
	reread := 0
	var raw, folded [2][]byte
	return r.folded.pairs(func(first, line uint32) error {
		if v := r.verdicts[line-1]; v == runs.Duplicate || v == runs.Invalid || reread == mostReread {
			return nil
		}
		reread++
		for i, n := range []uint32{first, line} {
			if err := r.checkAgain(n); err != nil {
				return err
			}
			raw[i], folded[i] = append(raw[i][:0], r.checked.Key.String()...), r.checked.Key.AppendFolded(folded[i][:0])
		}
		if bytes.Equal(folded[0], folded[1]) && !bytes.Equal(raw[0], raw[1]) {
			how := "upper and lower case"
			if !bytes.Equal(schema.FoldDescriptor(nil, raw[0]), schema.FoldDescriptor(nil, raw[1])) {
				how = "how characters are composed, which cannot be seen"
			}
			r.problem(line, diag.Problem{Code: diag.RecordKeyCase,
				Message: fmt.Sprintf("the natural key of staged line %d differs only in %s", first, how)})
		}
		return nil
	})
}
