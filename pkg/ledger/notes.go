package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// notePrefix begins the names of facts that are notes of whoever keeps the ledger.
const notePrefix = "note "

// Note records short texts by name, for the next load. As facts they wait until the ledger is bound.
func (l *Ledger) Note(ctx context.Context, notes map[string]string) error {
	switch {
	case len(notes) == 0:
		return nil
	case !l.bound.Load():
		if l.notes == nil {
			l.notes = map[string]string{}
		}
		maps.Copy(l.notes, notes)
		return nil
	}
	err := l.transaction(ctx, func(tx *sql.Tx) error { return storeNotes(ctx, tx, notes) })
	if err != nil {
		return fmt.Errorf("write the ledger: %w", explain(err, l.path))
	}
	return nil
}

func storeNotes(ctx context.Context, tx *sql.Tx, notes map[string]string) error {
	facts := map[string]string{}
	for name, text := range notes {
		facts[notePrefix+name] = text
	}
	return storePairs(ctx, tx, "fact", facts)
}

// Notes reads what was noted.
func (l *Ledger) Notes(ctx context.Context) (map[string]string, error) {
	facts, err := loadPairs(ctx, l.read, "fact")
	if err != nil {
		return nil, fmt.Errorf("read the ledger: %w", explain(err, l.path))
	}
	notes := map[string]string{}
	for name, text := range facts {
		if note, ok := strings.CutPrefix(name, notePrefix); ok {
			notes[note] = text
		}
	}
	return notes, nil
}

// Knows reports whether the ledger has a row of one of the records.
func (l *Ledger) Knows(ctx context.Context, keys []Hash) (bool, error) {
	entries := make([]Entry, len(keys))
	for i, k := range keys {
		entries[i].Key = k
	}
	states, err := l.Decide(ctx, entries, nil)
	return slices.ContainsFunc(states, func(s State) bool { return s != New }), err
}

// Sent reports whether one of the records was sent from here. That a rebuild found it at the target
// does not say so.
func (l *Ledger) Sent(ctx context.Context, keys []Hash) (bool, error) {
	sent, wanted := false, map[Hash]bool{}
	for _, k := range keys {
		wanted[k] = true
	}
	err := eachRow(ctx, l.read, func(row *sql.Rows) error {
		var h int64
		var rest sql.RawBytes
		if err := row.Scan(&h, &rest); err != nil {
			return err
		}
		sent = sent || wanted[key(h, rest)]
		return nil
	}, "SELECT r.half, r.rest FROM record r JOIN run ON run.no = r.run WHERE run.bundle <> '' AND "+
		"r.half IN (SELECT value FROM json_each(?))", halves(keys))
	if err != nil {
		return false, fmt.Errorf("read the ledger: %w", explain(err, l.path))
	}
	return sent, nil
}
