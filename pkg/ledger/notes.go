package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
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
