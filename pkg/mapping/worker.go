package mapping

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"iter"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/keyset"
)

// Worker is what one worker knows of the row it is at. It is owned by one goroutine, and reused from
// row to row: slots remember the number of the row they were filled for.
type Worker struct {
	plan      *Plan
	place     Place
	frame     expression.Frame
	line      int64
	padded    []string
	elements  []elementState
	fits      []fits                 // by the plan's columns
	sites     []map[string]*resolved // by place in the records: what was decided for a value
	made      []*Decision            // decided by this worker
	log       []int32                // decisions of the record at hand
	counts    []int64                // by decision, of records that were made
	keyParts  [16]span
	faults    int // of the record at hand
	resource  string
	short     int                 // cells of the row at hand, if it ends early
	listed    []*expression.Fault // of the row at hand
	uncounted int                 // where its problems say how many more it has
	warned    []*score
	out       *Batch
	scratch   Batch  // of the first pass
	content   []byte // of the row or element whose hash is made
	recent    []recentRecord
	unnamed   []tally // of columns without header that hold a value
	lost      []tally // of values in a column that is not read, where another one is
	decided   Decided // nil: nothing
	renamer   Renamer // nil: every record keeps its natural key
	matches   MatchCounts
}

type elementState struct {
	row   int64
	there bool
	fault *expression.Fault // `on` could not tell whether it is
}

// Place names a file among the inputs.
type Place struct {
	Input  string
	File   string // as the caller named it
	Number int    // among the files of its input, from 1; 0 if it is the only one
}

// Origin appends where a row's records come from: results:1042, or results#2:1042.
func (p Place) Origin(dst []byte, line int64) []byte {
	return jsonl.Origin{Input: p.Input, File: p.Number, Line: line}.Append(dst)
}

// NewWorker makes a worker for a file; decided may be nil.
func NewWorker(pl *Plan, at Place, decided Decided) *Worker {
	renamer, _ := decided.(Renamer)
	return &Worker{renamer: renamer, plan: pl, place: at, decided: decided, frame: *expression.NewFrame(pl.slots), elements: make([]elementState, len(pl.elements)),
		fits: make([]fits, len(pl.columns)), sites: make([]map[string]*resolved, pl.sites), padded: make([]string, len(pl.headers)),
		unnamed: make([]tally, len(pl.unnamed)), lost: make([]tally, len(pl.doubles))}
}

// Decisions is the descriptors that the worker decided in records, with how often each.
func (r *Worker) Decisions() iter.Seq2[Decision, int64] {
	return func(yield func(Decision, int64) bool) {
		for id, n := range r.counts {
			d := r.plan.decisions
			if id >= len(d) {
				id -= len(d)
				d = r.made
			}
			if n > 0 && !yield(*d[id], n) {
				return
			}
		}
	}
}

// tally is rows that are counted.
type tally struct {
	rows  int
	first int64 // line
}

func (t *tally) see(line int64) {
	if t.rows++; t.rows == 1 { // a worker's lines ascend
		t.first = line
	}
}

// total adds up what workers counted.
func total(workers []*Worker, of func(*Worker) tally) (sum tally) {
	for _, r := range workers {
		t := of(r)
		if t.rows > 0 && (sum.rows == 0 || t.first < sum.first) {
			sum.first = t.first
		}
		sum.rows += t.rows
	}
	return sum
}

// begin moves to the next row; what slots hold is forgotten by its number.
func (r *Worker) begin(line int64, cells []string) {
	r.frame.Row++
	r.line, r.frame.Cells, r.frame.Missed = line, cells, r.frame.Missed[:0]
	r.listed, r.warned = r.listed[:0], r.warned[:0]
	if len(cells) < len(r.plan.headers) {
		n := copy(r.padded, cells)
		clear(r.padded[n:])
		r.frame.Cells = r.padded
	}
	for i := range r.unnamed {
		if !expression.IsBlank(r.frame.Cells[r.plan.unnamed[i]]) {
			r.unnamed[i].see(line)
		}
	}
}

// fail spoils the record at hand; the row lists a fault once.
func (r *Worker) fail(f *expression.Fault, path string) {
	r.faults++
	if slices.Contains(r.listed, f) {
		return
	}
	r.listed = append(r.listed, f)
	if f.Miss != nil {
		r.frame.Missed = append(r.frame.Missed, f.Miss)
	}
	if len(r.listed) > maxListed {
		r.more(f)
		return
	}
	p := f.Problem()
	p.Resource = r.resource
	if path != "$" {
		p.Path = path
	}
	r.list(p)
}

// more counts what the row does not list, in one line of its own.
func (r *Worker) more(f *expression.Fault) {
	n := len(r.listed) - maxListed
	if n == 1 {
		r.uncounted = len(r.out.Problems)
		r.list(diag.Problem{Code: f.Code, Level: diag.LevelOf(f.Code)})
	}
	p := &r.out.Problems[r.uncounted]
	p.Count, p.Message = n, fmt.Sprintf("and %d more problems of this row, not listed one by one", n)
}

// maxListed bounds what one row lists.
const maxListed = 50

// list lists a problem at the row.
func (r *Worker) list(p diag.Problem) {
	p.Input, p.File, p.Line = r.place.Input, r.place.File, int(r.line)
	r.out.Problems = append(r.out.Problems, p)
}

// warn lists a score outside of its range, once a row.
func (r *Worker) warn(sc *score, s, why, path string) {
	if slices.Contains(r.warned, sc) {
		return
	}
	r.warned = append(r.warned, sc)
	r.list(diag.Problem{Code: diag.CellScoreRange, Level: diag.LevelOf(diag.CellScoreRange), Column: sc.header, Resource: r.resource, Path: path,
		Value: strings.Clone(s), Personal: sc.personal, Rule: sc.pos.Rule(), Message: "the score " + sc.method + " is " + why})
}

// make makes the record of a unit in dst; false if there is none, or it was rejected.
func (r *Worker) make(u *unit, dst []byte) ([]byte, RecordHash, bool) {
	start := len(dst)
	r.log = r.log[:0]
	clear(r.keyParts[:len(u.source.names)])
	dst, ok := u.node.emit(r, dst)
	if r.faults > 0 {
		return dst[:start], RecordHash{}, false
	}
	if !ok {
		r.fail(expression.FaultAt(u.source.def.Pos, diag.RecordRequired, "nothing in the record has a value"), "$")
		return dst[:start], RecordHash{}, false
	}
	if r.renamer != nil {
		dst = r.rename(u, dst)
	}
	h := r.hash(u, dst, start)
	return append(dst, '\n'), h, true
}

// RecordHash tells records apart: by natural key, and by all their bytes.
type RecordHash struct {
	Key     keyset.Key
	Content uint64
}

// Hashes are compared within a run only, so they may be those of the process: two seeds make one of
// 128 bits, many times faster than a digest. Which records are equal does not depend on them.
var contentSeed, otherSeed = maphash.MakeSeed(), maphash.MakeSeed()

// hash16 is a hash of 16 bytes.
func hash16(b []byte) (h [16]byte) {
	binary.LittleEndian.PutUint64(h[:], maphash.Bytes(contentSeed, b))
	binary.LittleEndian.PutUint64(h[8:], maphash.Bytes(otherSeed, b))
	return h
}

func (r *Worker) hash(u *unit, text []byte, start int) RecordHash {
	var scratch [256]byte
	b := binary.AppendUvarint(scratch[:0], uint64(u.source.resource))
	for _, part := range r.keyParts[:len(u.source.names)] {
		b = append(b, text[part.start:part.end]...)
		b = append(b, 0)
	}
	return RecordHash{hash16(b), maphash.Bytes(contentSeed, text[start:])}
}

// keyText is the natural key for people.
func (r *Worker) keyText(u *unit, text []byte) string {
	var b strings.Builder
	for i, part := range r.keyParts[:len(u.source.names)] {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(u.source.names[i] + "=" + jsonText(text[part.start:part.end]))
	}
	return b.String()
}

// commit counts the decisions of a record that was made.
func (r *Worker) commit() {
	for _, id := range r.log {
		for int(id) >= len(r.counts) {
			r.counts = append(r.counts, 0)
		}
		r.counts[id]++
	}
}

// recentRecord is a record that this worker made before: an equal one need not be written again.
type recentRecord struct {
	hash RecordHash
	made bool
}

// recentRecords is how many a worker remembers, in a table that forgets.
const recentRecords = 4096

// seen reports whether this worker has made an equal record before. What a worker made before
// stands earlier in the input, so the first one stays, whatever the number of workers.
func (r *Worker) seen(h RecordHash) bool {
	if r.recent == nil {
		r.recent = make([]recentRecord, recentRecords)
	}
	at := &r.recent[binary.LittleEndian.Uint16(h.Key[:])%recentRecords]
	if at.made && at.hash == h {
		return true
	}
	*at = recentRecord{h, true}
	return false
}
