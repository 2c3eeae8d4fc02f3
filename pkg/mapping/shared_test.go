package mapping

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/table"
)

// One program is used by many: whatever is done with it, and by how many at once, it gives the same.
func TestProgramIsSafeForConcurrentUse(t *testing.T) {
	folders, _ := filepath.Glob("../../testdata/bundles/*/fixtures")
	for _, fixtures := range append(folders, "../../bundles/nwea-map-growth/fixtures") {
		folder := filepath.Dir(fixtures)
		t.Run(filepath.Base(folder), func(t *testing.T) {
			p := example(t, folder)
			want := everything(t, p)
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					for range 2 {
						if got := everything(t, p); got != want {
							t.Errorf("one of eight gives %d bytes, alone it gives %d, or others", len(got), len(want))
						}
					}
				})
			}
			all.Wait()
		})
	}
}

// everything is what a program gives: contracts, lint, and the records of a file with the columns of
// each contract, mapped by a worker of its own.
func everything(t *testing.T, p *Program) string {
	var out strings.Builder
	fmt.Fprintln(&out, p.Lint(), p.InputNames(), p.Resources(), len(p.TableRecords()))
	for _, in := range p.Inputs() {
		contracts, err := p.Contracts(in.Name)
		if err != nil {
			t.Error(err)
		}
		for _, c := range contracts {
			var headers []string
			for _, col := range c.Columns {
				headers = append(headers, `"`+col.Header+`"`)
			}
			row := strings.Repeat(`"7",`, len(headers)-1) + `"7"`
			described, err := json.Marshal(c)
			if err != nil {
				t.Error(err)
			}
			fmt.Fprintf(&out, "%s\n", described)
			b, err := mapped(p, in, strings.Join(headers, ",")+"\n"+row+"\n"+strings.ReplaceAll(row, "7", "8")+"\n")
			if err != nil { // of a format that cannot be read, or with more than one line of headers
				fmt.Fprintln(&out, err)
				continue
			}
			fmt.Fprintf(&out, "%s %v %v\n", bytes.Join(b.Texts, nil), b.Problems, len(b.Misses))
		}
	}
	return out.String()
}

// mapped is what a file gives.
func mapped(p *Program, in *Input, text string) (*Batch, error) {
	src, err := table.OpenReader("file.csv", strings.NewReader(text), in.Def.TableOptions())
	if err != nil {
		return nil, err
	}
	defer func() { _ = src.Close() }()
	plan, err := p.Bind(in, "file.csv", src.Header().Names, "")
	if err != nil {
		return nil, err
	}
	w := NewWorker(plan, Place{Input: in.Name, File: "file.csv"}, nil)
	b := &Batch{}
	b.Reset(len(p.Resources()))
	var block table.Block
	var parser table.Parser
	for {
		if err := src.Next(&block); errors.Is(err, io.EOF) {
			return b, nil
		} else if err != nil {
			return nil, err
		}
		for row := range block.Rows(&parser) {
			w.Map(&row, b)
			w.Keys(&row, nil)
		}
	}
}
