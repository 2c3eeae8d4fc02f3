package send

import (
	"cmp"
	"encoding/json"
	"io"
	"os"
	"slices"
	"sync"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
)

// validateProblems finds what validate said of a staged line. It reads problems/validate.jsonl when it
// is first asked, and keeps where each problem is in the file, not its text.
type validateProblems struct {
	path string

	once  sync.Once
	file  *os.File
	index map[string][]finding // by resource, sorted by line and level
}

type finding struct {
	line   int64
	offset int64
	size   int
	level  diag.Level
}

// worst is the problem of a staged line that has the highest level. It only helps to
// understand why a record was not sent, so that a file that cannot be read is as good as none.
func (v *validateProblems) worst(resource string, line int64) (diag.Problem, bool) {
	v.once.Do(v.open)
	all := v.index[resource]
	i, ok := slices.BinarySearchFunc(all, line, func(f finding, line int64) int { return cmp.Compare(f.line, line) })
	if !ok {
		return diag.Problem{}, false
	}
	text := make([]byte, all[i].size)
	if _, err := io.ReadFull(io.NewSectionReader(v.file, all[i].offset, int64(len(text))), text); err != nil {
		return diag.Problem{}, false
	}
	var p diag.Problem
	if err := json.Unmarshal(text, &p); err != nil {
		return diag.Problem{}, false
	}
	return p, true
}

func (v *validateProblems) open() {
	f, err := os.Open(v.path)
	if err != nil {
		return
	}
	v.file = f
	index := map[string][]finding{}
	err = jsonl.Each(v.path, func(line jsonl.Line) error {
		var p struct {
			Resource   string     `json:"resource"`
			StagedLine int64      `json:"stagedLine"`
			Level      diag.Level `json:"level"`
		}
		if err := json.Unmarshal(line.Text, &p); err != nil {
			return err
		}
		if p.StagedLine > 0 {
			index[p.Resource] = append(index[p.Resource], finding{p.StagedLine, line.Offset, len(line.Text), p.Level})
		}
		return nil
	})
	if err != nil {
		return
	}
	for _, all := range index {
		slices.SortStableFunc(all, func(a, b finding) int { return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.level, b.level)) })
	}
	v.index = index
}

func (v *validateProblems) close() {
	if v.file != nil {
		v.file.Close()
	}
}
