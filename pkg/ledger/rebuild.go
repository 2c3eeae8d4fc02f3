package ledger

import (
	"context"
	"database/sql"
	"fmt"
)

// rebuildBatch is how many rows Rebuild writes at a time.
const rebuildBatch = 1000

// Rebuild replaces the whole content by what fill adds, and the identity and facts with it, in one
// transaction: after an error or a crash the ledger is as it was. fill may run for hours.
func (l *Ledger) Rebuild(ctx context.Context, run Run, facts Facts, fill func(add func(Row) error) error) error {
	err := l.transaction(ctx, func(tx *sql.Tx) error {
		for _, table := range []string{"record", "newest"} {
			if _, err := tx.ExecContext(ctx, "DELETE FROM "+table); err != nil {
				return err
			}
		}
		rows := make([]Row, 0, rebuildBatch)
		flush := func() error {
			err := l.put(ctx, tx, run, rows)
			rows = rows[:0]
			return err
		}
		err := fill(func(r Row) error {
			if rows = append(rows, r); len(rows) < rebuildBatch {
				return nil
			}
			return flush()
		})
		if err != nil {
			return err
		}
		if err := flush(); err != nil {
			return err
		}
		if err := l.identity.store(ctx, tx); err != nil {
			return err
		}
		return facts.store(ctx, tx)
	})
	if err == nil {
		// The journal of such a transaction is larger than the file; readers need not walk it.
		_, err = l.write.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	}
	if err != nil {
		return fmt.Errorf("rebuild the ledger: %w", l.explain(err))
	}
	return nil
}
