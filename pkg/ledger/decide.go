package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"
)

// Hash is a key or a digest: the first half of a SHA-256.
type Hash = [16]byte

// Entry asks about one record.
type Entry struct {
	Key    Hash
	Digest Hash // of its payload
}

// State is what the ledger says of an entry.
type State uint8

// The states. Forgotten is a record whose digest is not known, as after a rebuild.
const (
	New State = iota
	Changed
	Unchanged
	Forgotten
)

// batch is how many entries one query decides. Larger batches read each page of the file once for
// more entries; this many still leave work for several readers.
const batch = 8192

// Decide says of each entry whether the target has it already, in the order of entries. states is
// used if it is large enough. The entries of one call are looked up together and in the order of the
// file, which is several times as fast as one by one.
func (l *Ledger) Decide(ctx context.Context, entries []Entry, states []State) ([]State, error) {
	states = slices.Grow(states[:0], len(entries))[:len(entries)]
	clear(states)
	order := make([]position, len(entries))
	for i := range entries {
		order[i] = position{half(entries[i].Key), i}
	}
	slices.SortFunc(order, func(a, b position) int { return cmp.Compare(a.half, b.half) })

	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readers)
	for part := range slices.Chunk(order, batch) {
		g.Go(func() error { return l.decide(ctx, part, entries, states) })
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("ask the ledger: %w", explain(err, l.path))
	}
	return states, nil
}

// position is where a row lies in the file and which of the rows of a call it is.
type position struct {
	half int64
	i    int
}

func half(key Hash) int64 { return int64(binary.BigEndian.Uint64(key[:8])) }

// decide looks up the entries of part, which are in order, and sets their states. Equal keys that
// fall into two parts are decided in each.
func (l *Ledger) decide(ctx context.Context, part []position, entries []Entry, states []State) error {
	wanted := make([]int64, len(part))
	for i, p := range part {
		wanted[i] = p.half
	}
	rows, err := l.lookup.QueryContext(ctx, list(wanted))
	if err != nil {
		return err
	}
	defer rows.Close()
	next := 0
	for rows.Next() {
		var at int64
		var rest sql.RawBytes
		if err := rows.Scan(&at, &rest); err != nil {
			return err
		}
		for ; next < len(part) && part[next].half <= at; next++ {
			if p := part[next]; p.half == at {
				states[p.i] = entries[p.i].state(rest)
			}
		}
	}
	return rows.Err()
}

// halves lists the row numbers of keys in the order of the file.
func halves(keys []Hash) string {
	all := make([]int64, len(keys))
	for i, k := range keys {
		all[i] = half(k)
	}
	slices.Sort(all)
	return list(all)
}

// list writes row numbers as SQLite reads many of them at once: a JSON array.
func list(all []int64) string {
	text := append(make([]byte, 0, len(all)*len("-9223372036854775808,")+1), '[')
	for i, h := range all {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, h, 10)
	}
	return string(append(text, ']'))
}

// state compares the entry with the row that has the first half of its key.
func (e *Entry) state(rest []byte) State {
	switch {
	case len(rest) < 8 || string(rest[:8]) != string(e.Key[8:]):
		return New
	case string(rest[8:]) == string(e.Digest[:]):
		return Unchanged
	case len(rest) == 8:
		return Forgotten
	}
	return Changed
}
