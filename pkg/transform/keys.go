package transform

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/ordered"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// keyEntry is one row or element in the first pass: what it is compared by, and where it is.
// 32 bytes a key, and nothing else is kept of it.
type keyEntry struct {
	key     [16]byte
	content uint64 // of all bound cells
	at      keyPlace
}

// keyPlace is file (12 bits), line (36) and element (16): order of places is order of numbers.
type keyPlace uint64

const (
	maxFiles    = 1 << 12
	maxElements = 1 << 16
)

func placeOf(file int, line int64, element int) keyPlace {
	return keyPlace(file)<<52 | keyPlace(line)<<16 | keyPlace(element)
}

func (p keyPlace) file() int    { return int(p >> 52) }
func (p keyPlace) line() int64  { return int64(p>>16) & (1<<36 - 1) }
func (p keyPlace) element() int { return int(p & (maxElements - 1)) }

// keyStore holds entries in buckets of chunks, so that it grows without copying and sorts in parts
// that fit the processor's cache.
type keyStore [256][][]keyEntry

const keyChunk = 64

func (s *keyStore) add(e keyEntry) {
	b := &s[e.key[0]]
	if last := len(*b) - 1; last < 0 || len((*b)[last]) == keyChunk {
		*b = append(*b, make([]keyEntry, 0, keyChunk))
	}
	last := len(*b) - 1
	(*b)[last] = append((*b)[last], e)
}

// groups calls yield for the entries of each key that occurs more than once, in their order, and
// forgets all entries.
func (s *keyStore) groups(yield func([]keyEntry)) {
	for i := range s {
		all := slices.Concat(s[i]...)
		s[i] = nil
		slices.SortFunc(all, func(a, b keyEntry) int {
			return cmp.Or(cmp.Compare(binary.BigEndian.Uint64(a.key[:]), binary.BigEndian.Uint64(b.key[:])),
				cmp.Compare(binary.BigEndian.Uint64(a.key[8:]), binary.BigEndian.Uint64(b.key[8:])), cmp.Compare(a.at, b.at))
		})
		for from := 0; from < len(all); {
			to := from + 1
			for to < len(all) && all[to].key == all[from].key {
				to++
			}
			if to-from > 1 {
				yield(all[from:to])
			}
			from = to
		}
	}
}

type verdictKind uint8

const (
	keyDropped   verdictKind = iota // another one stays
	keyConflict                     // all are rejected
	keyUnordered                    // rejected: `by` of one of them cannot be had, so none can be chosen
)

// keyVerdict is what the first pass decided about a row or an element; most have none.
type keyVerdict struct {
	at    keyPlace
	kind  verdictKind
	other string            // the row it repeats, or conflicts with
	fault *expression.Fault // of an element: records share it
}

// keyVerdicts is the verdicts of one file, in order.
type keyVerdicts struct {
	rows  []keyVerdict
	lists map[*list][]keyVerdict
}

func (v *keyVerdicts) row(line int64) (*keyVerdict, bool) {
	if v == nil || len(v.rows) == 0 {
		return nil, false
	}
	return findVerdict(v.rows, line, 0)
}

func (v *keyVerdicts) element(l *list, line int64, number int) (*keyVerdict, bool) {
	if v == nil || len(v.lists) == 0 {
		return nil, false
	}
	return findVerdict(v.lists[l], line, number)
}

func findVerdict(list []keyVerdict, line int64, element int) (*keyVerdict, bool) {
	want := placeOf(0, line, element)
	i, ok := slices.BinarySearchFunc(list, want, func(v keyVerdict, at keyPlace) int {
		return cmp.Compare(v.at&(1<<52-1), at)
	})
	if !ok {
		return nil, false
	}
	return &list[i], true
}

// needsKeys reports whether an input's rows or elements are compared.
func (in *input) needsKeys() bool {
	if len(in.def.Key) > 0 {
		return true
	}
	var any func(lists []*list) bool
	any = func(lists []*list) bool {
		return slices.ContainsFunc(lists, func(l *list) bool { return len(l.def.Key) > 0 || any(l.lists) })
	}
	return any(in.lists)
}

// keyPass is the first pass over the files of one input.
type keyPass struct {
	input *input
	files []*boundFile
	rows  keyStore
	lists map[*list]*keyStore
	out   []*keyVerdicts // by file
}

// compareKeys runs the first pass: it types only the cells that district, when and key need.
func (p *Program) compareKeys(ctx context.Context, o *RunOptions, in *input, files []*boundFile) ([]*keyVerdicts, error) {
	if !in.needsKeys() {
		return make([]*keyVerdicts, len(files)), nil
	}
	if len(files) > maxFiles {
		return nil, diag.Fail(diag.Usage, diag.ConfigInput, "", "the input %s has more than %d files", in.name, maxFiles)
	}
	k := &keyPass{input: in, files: files, lists: map[*list]*keyStore{}}
	for _, f := range files {
		k.out = append(k.out, &keyVerdicts{lists: map[*list][]keyVerdict{}})
		for _, l := range f.plan.listKeys {
			if k.lists[l.list] == nil {
				k.lists[l.list] = &keyStore{}
			}
			if len(f.plan.elements) >= maxElements {
				return nil, diag.Fail(diag.Usage, diag.BundleList, "", "the list %s has more than %d elements", l.list.path, maxElements)
			}
		}
		if err := k.read(ctx, o, f); err != nil {
			return nil, err
		}
	}
	return k.out, k.decide(o)
}

// keyBatch is a block of rows in the first pass.
type keyBatch struct {
	block   table.Block
	scratch batch
	rows    []keyEntry
	lists   []listEntry
}

type listEntry struct {
	list *list
	keyEntry
}

// read hashes the keys of one file.
func (k *keyPass) read(ctx context.Context, o *RunOptions, f *boundFile) error {
	src, err := f.open()
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }() // read only
	free := make(chan *keyBatch, 4*o.workers()+4)
	next := func() (*keyBatch, error) {
		b := &keyBatch{}
		select {
		case b = <-free:
		default:
		}
		b.rows, b.lists = b.rows[:0], b.lists[:0]
		if err := src.Next(&b.block); err != nil {
			return nil, err
		}
		o.Progress.read(int64(b.block.Len()))
		return b, nil
	}
	worker := func() func(*keyBatch) error {
		r := newState(f.plan, f.place)
		var p table.Parser
		return func(b *keyBatch) error {
			r.out = &b.scratch
			b.scratch.reset(0)
			for row := range b.block.Rows(&p) {
				if !row.Blank {
					r.keys(b, &row, f.number)
				}
			}
			return nil
		}
	}
	return ordered.Run(ctx, o.workers(), next, worker, func(b *keyBatch) error {
		for _, e := range b.rows {
			k.rows.add(e)
		}
		for _, e := range b.lists {
			k.lists[e.list].add(e.keyEntry)
		}
		select {
		case free <- b:
		default:
		}
		return nil
	})
}

// keys adds the entries of a row. One that is another's or filtered is not compared; one that is
// rejected is, so that no older one steps in for it.
func (r *state) keys(b *keyBatch, row *table.Row, file int) {
	r.begin(row.Line, row.Cells)
	f := r.malformed(row)
	if f != nil && f.Code == diag.RowQuote {
		return // which cell is which cannot be told
	}
	if done, ended := r.ours(false); ended && done != rowRejected {
		return
	}
	rows, lists := len(b.rows), len(b.lists)
	r.entries(b, file)
	if f != nil {
		r.sure(b, rows, lists, row, file)
	}
}

func (r *state) entries(b *keyBatch, file int) {
	at := placeOf(file, r.line, 0)
	if key, ok := r.keyHash(r.plan.key); ok {
		b.rows = append(b.rows, keyEntry{key, r.contentHash(r.plan.content, nil, at), at})
	}
	for _, lk := range r.plan.listKeys {
		for _, e := range lk.elements {
			if !r.standing(e) {
				continue
			}
			if key, ok := r.keyHash(e.key); ok {
				at := placeOf(file, r.line, e.number)
				b.lists = append(b.lists, listEntry{lk.list, keyEntry{key, r.contentHash(e.content, r.plan.who, at), at}})
			}
		}
	}
}

// sure keeps those entries of a malformed row whose keys do not depend on the cells that it lacks:
// they are the same whatever these hold. Its contents equal no other's.
func (r *state) sure(b *keyBatch, rows, lists int, row *table.Row, file int) {
	for i := range b.rows[rows:] {
		b.rows[rows+i].content = uint64(b.rows[rows+i].at)
	}
	for i := range b.lists[lists:] {
		b.lists[lists+i].content = uint64(b.lists[lists+i].at)
	}
	if len(row.Cells) >= len(r.frame.Cells) {
		return
	}
	again := keyBatch{}
	for i := len(row.Cells); i < len(r.frame.Cells); i++ {
		r.frame.Cells[i] = "\x00"
	}
	r.frame.Row++ // what slots hold is forgotten
	r.entries(&again, file)
	b.rows = append(b.rows[:rows], slices.DeleteFunc(b.rows[rows:], func(e keyEntry) bool {
		return !slices.ContainsFunc(again.rows, func(o keyEntry) bool { return o.key == e.key })
	})...)
	b.lists = append(b.lists[:lists], slices.DeleteFunc(b.lists[lists:], func(e listEntry) bool {
		return !slices.ContainsFunc(again.lists, func(o listEntry) bool { return o.list == e.list && o.key == e.key && o.at == e.at })
	})...)
}

// keyHash hashes a key's values; false if all are null, or one cannot be had.
func (r *state) keyHash(key []expression.Code) (h [16]byte, ok bool) {
	var scratch [256]byte
	b := scratch[:0]
	for i := range key {
		v, f := key[i].Eval(r.frame)
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
	nulls []string
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

// contentHash hashes cells as they are compared: trimmed, null tokens as null, and what is not bound
// as null too. Elements are compared with their student, and equal none where that is not known: a
// key that lacks the student must not drop another one's result.
func (r *state) contentHash(cells []contentCell, who *expression.Code, at keyPlace) uint64 {
	var scratch [1024]byte
	b := append(scratch[:0], r.plan.layout...)
	if who != nil {
		v, f := who.Eval(r.frame)
		if f != nil || v.IsNull() {
			b = binary.LittleEndian.AppendUint64(b, uint64(at))
		} else {
			b = v.AppendKey(b)
		}
	}
	for i := range cells {
		c := &cells[i]
		s := expression.TrimSpace(r.frame.Cells[c.index])
		if isNullCell(s, c.nulls) {
			continue
		}
		b = binary.LittleEndian.AppendUint64(b, c.tag)
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return maphash.Bytes(contentSeed, b)
}

// group is the entries of one key that are left once equal ones are dropped.
type group struct {
	list    *list // nil for rows
	entries []keyEntry
}

// decide says which rows and elements are dropped, and which conflict.
func (k *keyPass) decide(o *RunOptions) error {
	if err := k.decideStore(o, &k.rows, nil, k.input.def.Duplicates != nil, func() (string, bool) {
		d := k.input.def.Duplicates
		return d.Keep, d.By != nil
	}); err != nil {
		return err
	}
	lists := make([]*list, 0, len(k.lists))
	for l := range k.lists {
		lists = append(lists, l)
	}
	slices.SortFunc(lists, func(a, b *list) int { return strings.Compare(a.path, b.path) })
	for _, l := range lists {
		if err := k.decideStore(o, k.lists[l], l, l.def.Duplicates != nil, func() (string, bool) {
			return l.def.Duplicates.Keep, l.def.Duplicates.By != nil
		}); err != nil {
			return err
		}
	}
	return nil
}

func (k *keyPass) decideStore(o *RunOptions, s *keyStore, l *list, keeps bool, rule func() (keep string, by bool)) error {
	var byValue []group
	s.groups(func(entries []keyEntry) {
		if l != nil {
			entries = slices.DeleteFunc(slices.Clone(entries), func(e keyEntry) bool { return k.outerDropped(l, e.at) })
		}
		var left []keyEntry
		for _, e := range entries {
			if i := slices.IndexFunc(left, func(f keyEntry) bool { return f.content == e.content }); i >= 0 {
				k.verdict(l, e, keyDropped, left[i])
			} else {
				left = append(left, e)
			}
		}
		if len(left) < 2 {
			return
		}
		if !keeps {
			for i, e := range left {
				other := left[0]
				if i == 0 {
					other = left[1]
				}
				k.verdict(l, e, keyConflict, other)
			}
			return
		}
		keep, by := rule()
		if by {
			byValue = append(byValue, group{l, left})
			return
		}
		k.keepOne(group{l, left}, keep == "last", nil)
	})
	if len(byValue) > 0 {
		values, err := k.values(byValue)
		if err != nil {
			return err
		}
		keep, _ := rule()
		for _, g := range byValue {
			k.keepOne(g, keep == "last", values)
		}
	}
	for _, v := range k.out {
		list := v.rows
		if l != nil {
			list = v.lists[l]
		}
		slices.SortFunc(list, func(a, b keyVerdict) int { return cmp.Compare(a.at, b.at) })
	}
	return nil
}

// outerDropped reports whether the row of an element, or an element around it, was dropped: it is
// then not compared. Rows are decided before lists, and lists before those in them.
func (k *keyPass) outerDropped(l *list, at keyPlace) bool {
	verdicts := k.out[at.file()]
	if v, ok := verdicts.row(at.line()); ok && v.kind == keyDropped {
		return true
	}
	if l.outer == nil {
		return false
	}
	keys := k.files[at.file()].plan.listKeys
	i := slices.IndexFunc(keys, func(lk *listKey) bool { return lk.list == l })
	for e := keys[i].elements[at.element()].outer; e != nil; e = e.outer {
		if v, ok := verdicts.element(e.list, at.line(), e.number); ok && v.kind == keyDropped {
			return true
		}
	}
	return false
}

// kept is what `by` says of a row or an element.
type kept struct {
	expression.Value
	unknown bool // it cannot be had
}

// keepOne drops all but one: the first or last, or the one with the smallest or greatest value.
// Where values cannot be had nobody knows which one that is: these and the one that would stay
// without them are rejected.
func (k *keyPass) keepOne(g group, last bool, values map[keyPlace]kept) {
	stays, unknown := -1, -1
	for i, e := range g.entries {
		if values[e.at].unknown {
			unknown = i
			continue
		}
		if stays < 0 {
			stays = i
			continue
		}
		c := compareKept(values[e.at].Value, values[g.entries[stays].at].Value)
		if last && c >= 0 || !last && c < 0 {
			stays = i
		}
	}
	for i, e := range g.entries {
		switch {
		case i == stays && unknown < 0:
		case i == stays:
			k.verdict(g.list, e, keyUnordered, g.entries[unknown])
		case values[e.at].unknown:
			k.verdict(g.list, e, keyUnordered, e)
		default:
			k.verdict(g.list, e, keyDropped, g.entries[stays])
		}
	}
}

// compareKept orders values of `by`: numbers as numbers, text by code point, null lowest.
func compareKept(a, b expression.Value) int {
	switch {
	case a.IsNull() && b.IsNull():
		return 0
	case a.IsNull():
		return -1
	case b.IsNull():
		return 1
	case a.Kind.IsNumber() && b.Kind.IsNumber():
		return expression.CompareNumbers(a, b)
	case a.Kind == expression.KindBoolean:
		return cmp.Compare(a.N, b.N)
	}
	return strings.Compare(a.S, b.S) // of UTF-8: by code point
}

func (k *keyPass) verdict(l *list, e keyEntry, kind verdictKind, other keyEntry) {
	at := k.files[other.at.file()].place
	v := keyVerdict{at: e.at, kind: kind, other: string(at.origin(nil, other.at.line()))}
	out := k.out[e.at.file()]
	if l == nil {
		out.rows = append(out.rows, v)
		return
	}
	if kind != keyDropped {
		v.fault = v.conflict("an element of "+l.path+" has the same key as one of ", l.def.Key, l.def.Duplicates)
	}
	out.lists[l] = append(out.lists[l], v)
}

// conflict is why a row or an element is rejected that has the key of another one.
func (v *keyVerdict) conflict(what string, key []bundle.Text, d *bundle.Duplicates) *expression.Fault {
	f := &expression.Fault{Code: diag.RowKeyConflict, Rule: key[0].Pos, Message: what + v.other + ", but other content"}
	if v.kind == keyUnordered {
		f.Message = what + v.other + ", whose " + d.By.Value + " cannot be had, so which of them stays cannot be told"
	}
	return f
}

// clash is the fault of a verdict that rejects: what is wrong with `by` where that is why.
func (r *state) clash(v *keyVerdict, by *expression.Code, other func() *expression.Fault) *expression.Fault {
	if v.kind == keyUnordered {
		if _, f := by.Eval(r.frame); f != nil {
			return f
		}
	}
	return other()
}

// values reads the values of `by` of the few rows and elements that need them.
func (k *keyPass) values(groups []group) (map[keyPlace]kept, error) {
	values := map[keyPlace]kept{}
	files := map[int]bool{}
	for _, g := range groups {
		for _, e := range g.entries {
			values[e.at] = kept{}
			files[e.at.file()] = true
		}
	}
	for i, f := range k.files {
		if !files[i] {
			continue
		}
		if err := f.each(func(r *state, row *table.Row) {
			read := func(at keyPlace, by *expression.Code) {
				if _, ok := values[at]; !ok || by == nil {
					return
				}
				v, f := by.Eval(r.frame)
				v.S = strings.Clone(v.S)
				values[at] = kept{v, f != nil || r.malformed(row) != nil}
			}
			if groups[0].list == nil {
				read(placeOf(i, r.line, 0), r.plan.by)
				return
			}
			for _, e := range r.plan.elements {
				if e.list == groups[0].list {
					read(placeOf(i, r.line, e.number), e.by)
				}
			}
		}); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// each walks the rows of a file, one after the other.
func (f *boundFile) each(visit func(r *state, row *table.Row)) error {
	src, err := f.open()
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }() // read only
	r := newState(f.plan, f.place)
	r.out = &batch{}
	var block table.Block
	var p table.Parser
	for {
		if err := src.Next(&block); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		r.out.reset(0)
		for row := range block.Rows(&p) {
			r.begin(row.Line, row.Cells)
			visit(r, &row)
		}
	}
}
