package mapping

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"iter"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// Key is what one row, or one element of it, is compared by.
type Key struct {
	List    *List // nil for the row
	Line    int64
	Number  int // of the element, among all of its list
	Key     [16]byte
	Content uint64 // of all bound cells
	Alone   bool   // its content equals no other's
	Unknown bool   // whose it is: it is no other's either
}

// Keys appends the keys of a row and of its elements. A row that is another's or filtered has none;
// one that is rejected has, so that no older one steps in for it.
func (r *Worker) Keys(row *table.Row, keys []Key) []Key {
	r.first(row)
	f := r.malformed(row)
	if f != nil && f.Code == diag.RowQuote {
		return keys // which cell is which cannot be told
	}
	if done, ended := r.selectRow(); ended && done != RowRejected {
		return keys
	}
	before := len(keys)
	keys = r.keys(keys)
	if f != nil {
		keys = append(keys[:before], r.certain(keys[before:], row)...)
	}
	return keys
}

func (r *Worker) keys(keys []Key) []Key {
	if key, ok := r.keyHash(r.plan.key); ok {
		who, known := r.who()
		keys = append(keys, Key{Line: r.line, Key: key, Content: r.contentHash(r.plan.content, who), Unknown: !known})
	}
	for _, lk := range r.plan.listKeys {
		for _, e := range lk.elements {
			if !r.allExist(e) {
				continue
			}
			if key, ok := r.keyHash(e.key); ok {
				who, known := r.who()
				keys = append(keys, Key{List: lk.list, Line: r.line, Number: e.number, Key: key, Content: r.contentHash(e.content, who), Unknown: !known})
			}
		}
	}
	return keys
}

// certain keeps those keys of a malformed row that do not depend on the cells that it lacks: they are
// the same whatever these hold. Such a row never counts as equal to another.
func (r *Worker) certain(keys []Key, row *table.Row) []Key {
	for i := range keys {
		keys[i].Alone = true
	}
	if len(row.Cells) >= len(r.frame.Cells) {
		return keys
	}
	for i := len(row.Cells); i < len(r.frame.Cells); i++ {
		r.frame.Cells[i] = "\x00"
	}
	r.frame.Row++ // what slots hold is forgotten
	other := r.keys(nil)
	return slices.DeleteFunc(keys, func(k Key) bool {
		return !slices.ContainsFunc(other, func(o Key) bool { return o.List == k.List && o.Number == k.Number && o.Key == k.Key })
	})
}

// first moves to a row in the first pass, which leaves it to the second one to say what is wrong.
func (r *Worker) first(row *table.Row) {
	r.out = &r.scratch
	r.out.Problems = r.out.Problems[:0]
	r.begin(row.Line, row.Cells)
}

// By is the value by which `duplicates` chooses among rows, or among the elements of a list, on a row;
// false if it cannot be read.
func (r *Worker) By(row *table.Row, l *List, number int) (expression.Value, bool) {
	if r.line != row.Line {
		r.first(row)
	}
	by := r.plan.by
	if l != nil {
		by = r.plan.element(l, number).by
	}
	if by == nil {
		return expression.Value{}, true
	}
	v, f := by.Eval(&r.frame)
	v.S = strings.Clone(v.S)
	return v, f == nil && r.malformed(row) == nil
}

// element finds an element of a list with a key by its number.
func (pl *Plan) element(l *List, number int) *element {
	i := slices.IndexFunc(pl.listKeys, func(lk *listKey) bool { return lk.list == l })
	return pl.listKeys[i].elements[number]
}

// KeyedLists is the lists whose elements are compared by keys.
func (pl *Plan) KeyedLists() []*List {
	var all []*List
	for _, lk := range pl.listKeys {
		all = append(all, lk.list)
	}
	return all
}

// Looks is at how many names of a row `when` looks.
func (pl *Plan) Looks() int { return len(pl.whenNames) }

// Elements is how many elements of lists a row may have.
func (pl *Plan) Elements() int { return len(pl.elements) }

// Around calls yield for the elements around an element of a list, from the inside out.
func (pl *Plan) Around(l *List, number int) iter.Seq2[*List, int] {
	return func(yield func(*List, int) bool) {
		for e := pl.element(l, number).outer; e != nil; e = e.outer {
			if !yield(e.list, e.number) {
				return
			}
		}
	}
}

// keyHash hashes a key's values; false if all are null, or one cannot be read.
func (r *Worker) keyHash(key []expression.Code) (h [16]byte, ok bool) {
	var scratch [256]byte
	b := scratch[:0]
	for i := range key {
		v, f := key[i].Eval(&r.frame)
		if f != nil {
			return h, false
		}
		ok = ok || !v.IsNull()
		b = v.AppendKey(b)
	}
	if !ok {
		return h, false
	}
	return hash16(b), true
}

// contentCell is a bound cell where rows or elements are compared. Its tag says what the cell means,
// so that files with other columns, or with the same in another order, can be compared.
type contentCell struct {
	tag   uint64
	index int
	cell  *expression.Cell
	whose bool // it says whose the row is, which is compared as the roster knows it
}

// contentTag is the tag of what a declaration binds.
func contentTag(pos diag.Pos, parts ...string) uint64 {
	return maphash.String(contentSeed, fmt.Sprintf("%s:%d:%d\x00%s", pos.File, pos.Line, pos.Col, strings.Join(parts, "\x00")))
}

// orderContent puts cells into an order that is the same in all files, each meaning once.
func orderContent(cells []contentCell) []contentCell {
	slices.SortFunc(cells, func(a, b contentCell) int { return cmp.Compare(a.tag, b.tag) })
	return slices.CompactFunc(cells, func(a, b contentCell) bool { return a.tag == b.tag })
}

// Said is what a row says in a column by which rows are compared; the tag is the same in all files.
type Said struct {
	Tag          uint64
	Column       int
	Header, Text string
}

// Says is what a row says in all of these columns.
func (r *Worker) Says(row *table.Row) (all []Said) {
	r.first(row)
	for i := range r.plan.content {
		c := &r.plan.content[i]
		text := expression.TrimSpace(r.frame.Cells[c.index])
		if v, f := c.cell.Read(text, "", &r.frame); f == nil {
			text = v.Text()
		}
		all = append(all, Said{c.tag, c.index, r.plan.headers[c.index], strings.Clone(text)})
	}
	return all
}

// contentHash hashes cells by their values; one that does not fit its type by its text. Null tokens are
// null, and so is what is not bound.
func (r *Worker) contentHash(cells []contentCell, who expression.Value) uint64 {
	b := who.AppendKey(append(r.content[:0], r.plan.Layout...))
	row := r.frame.Cells
	for i := range cells {
		c := &cells[i]
		s := expression.TrimSpace(row[c.index])
		if c.whose || expression.IsNullCell(s, c.cell.Nulls) {
			continue
		}
		b = binary.LittleEndian.AppendUint64(b, c.tag)
		if c.cell.Kind.IsNumber() && expression.IsPlain(s) { // most numbers: nothing to parse
			b = expression.TextValue(s).AppendKey(append(b, 'v'))
			continue
		}
		if c.cell.Kind != expression.KindText || c.cell.Pad > 0 {
			if v, f := c.cell.Read(s, "", &r.frame); f == nil {
				b = v.AppendKey(append(b, 'v'))
				continue
			}
		}
		b = binary.AppendUvarint(append(b, 't'), uint64(len(s)))
		b = append(b, s...)
	}
	r.content = b
	return maphash.Bytes(contentSeed, b)
}
