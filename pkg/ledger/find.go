package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
)

// EachDigest gives the key and the target's id of each record of a resource of which the ledger claims to
// know the content.
func (l *Ledger) EachDigest(ctx context.Context, resource string, yield func(key Hash, id string)) error {
	err := eachRow(ctx, l.read, func(row *sql.Rows) error {
		var h int64
		var rest, id sql.RawBytes
		if err := row.Scan(&h, &rest, &id); err != nil {
			return err
		}
		yield(key(h, rest), unpackID(id))
		return nil
	}, "SELECT half, rest, id FROM record WHERE length(rest) > 8 AND resource = (SELECT no FROM resource WHERE name = ?)", resource)
	if err != nil {
		return fmt.Errorf("read the ledger: %w", explain(err, l.path))
	}
	return nil
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
