package ledger

import (
	"context"
	"database/sql"
	"fmt"
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
