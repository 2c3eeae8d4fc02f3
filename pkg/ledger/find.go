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

// Sent says of each record whether it was sent from here. That a rebuild found it at the target does not say so.
func (l *Ledger) Sent(ctx context.Context, keys []Hash) ([]bool, error) {
	sent := map[Hash]bool{}
	for part := range slices.Chunk(keys, batch) {
		err := eachRow(ctx, l.read, func(row *sql.Rows) error {
			var h int64
			var rest sql.RawBytes
			err := row.Scan(&h, &rest)
			sent[key(h, rest)] = true
			return err
		}, "SELECT r.half, r.rest FROM record r JOIN run ON run.no = r.run WHERE run.bundle <> '' AND "+
			"r.half IN (SELECT value FROM json_each(?))", halves(part))
		if err != nil {
			return nil, fmt.Errorf("read the ledger: %w", explain(err, l.path))
		}
	}
	all := make([]bool, len(keys))
	for i, k := range keys {
		all[i] = sent[k]
	}
	return all, nil
}
