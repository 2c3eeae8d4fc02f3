package send

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/runs"
)

// What was changed after the pass was checked is found out before a line of the block is handed on.
func TestChangedBehindTheCheck(t *testing.T) {
	line := `{"a":"` + strings.Repeat("x", 1000) + `"}` + "\n"
	whole := strings.Repeat(line, 3*blockSize/len(line))
	for name, c := range map[string]struct {
		text   string
		blocks int // at most, that are still as they were
		want   error
	}{
		"as it was":     {whole, 0, nil},
		"first block":   {"[" + whole[1:], 0, errChanged},
		"last byte":     {whole[:len(whole)-2] + " \n", 2, errChanged},
		"cut to blocks": {whole[:blockSize/len(line)*len(line)], 1, errChanged},
		"emptied":       {"", 0, errChanged},
		"longer":        {whole + strings.Repeat(line, 2*blockSize/len(line)), 3, errChanged},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := runs.Create(filepath.Join(t.TempDir(), "run"), runs.Manifest{})
			if err != nil {
				t.Fatal(err)
			}
			write := func(text string) {
				t.Helper()
				if err := os.WriteFile(r.StagedFile("students"), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write(whole)
			_, p, err := takeChecksums(t.Context(), r.StagedFile("students"))
			if err != nil {
				t.Fatal(err)
			}
			write(c.text)
			s, err := openStaged(r, "students", p)
			if err != nil {
				t.Fatal(err)
			}
			defer s.close()
			var b block
			blocks := 0
			for err = s.next(&b); err == nil; err = s.next(&b) {
				blocks++
			}
			if c.want == nil && blocks != len(p) || c.want != nil && (blocks > c.blocks || !errors.Is(err, c.want)) {
				t.Errorf("%d of %d blocks, then %v", blocks, len(p), err)
			}
		})
	}
}
