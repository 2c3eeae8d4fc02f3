package expression

import (
	"slices"
	"strings"
)

// Table is what lookup finds rows in: keys, and rows of typed values that may be valid for some days
// only. It is filled before the first row is mapped, and immutable from then on.
type Table struct {
	Name   string
	Header []string
	Keys   []int // columns
	From   int   // columns of validity, or -1
	To     int
	Kinds  []Kind // of the columns
	Place  string // the file that a missing row belongs into, for messages

	Values [][]Value // by row and column; nil until they are known
	Empty  []bool    // a column has empty cells
	index  map[string][]int32
}

// Column finds a column by its name.
func (t *Table) Column(name string) (int, bool) {
	i := slices.Index(t.Header, name)
	return i, i >= 0
}

// TypeOf is what a column holds.
func (t *Table) TypeOf(col int) Type { return Type{Kind: t.Kinds[col], Nullable: t.Empty[col]} }

// Dated reports whether rows have days on which they are valid.
func (t *Table) Dated() bool { return t.From >= 0 || t.To >= 0 }

// KeyNames is the columns of the key, for messages.
func (t *Table) KeyNames() string {
	names := make([]string, len(t.Keys))
	for i, k := range t.Keys {
		names[i] = t.Header[k]
	}
	return strings.Join(names, ", ")
}

// Key is the key of a row as Find takes it; false if a part of it is null.
func (t *Table) Key(row int) (key []byte, ok bool) {
	ok = true
	for _, k := range t.Keys {
		ok = ok && !t.Values[row][k].IsNull()
		key = t.Values[row][k].AppendKey(key)
	}
	return key, ok
}

// Index lets a row be found by its key.
func (t *Table) Index(key []byte, row int) {
	if t.index == nil {
		t.index = make(map[string][]int32, len(t.Values))
	}
	t.index[string(key)] = append(t.index[string(key)], int32(row))
}

// Rows is the rows of a key.
func (t *Table) Rows(key []byte) []int32 { return t.index[string(key)] }

// Find is the row of a key, valid on a day; -1 if there is none.
func (t *Table) Find(key []byte, day string) int {
	for _, i := range t.index[string(key)] {
		if !t.Dated() {
			return int(i)
		}
		from, to := t.Validity(int(i))
		if day >= from && (to == "" || day <= to) {
			return int(i)
		}
	}
	return -1
}

// Validity is the first and last day of a row, empty if open.
func (t *Table) Validity(row int) (from, to string) {
	if t.From >= 0 {
		from = t.Values[row][t.From].S
	}
	if t.To >= 0 {
		to = t.Values[row][t.To].S
	}
	return from, to
}
