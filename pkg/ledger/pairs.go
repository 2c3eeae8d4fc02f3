package ledger

import (
	"context"
	"database/sql"
)

// querier is a connection or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// loadPairs reads a table of names and values.
func loadPairs(ctx context.Context, q querier, table string) (map[string]string, error) {
	rows, err := q.QueryContext(ctx, "SELECT name, value FROM "+table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	values := map[string]string{}
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return nil, err
		}
		values[name] = value
	}
	return values, rows.Err()
}

// storePairs writes names and values over those of the same names.
func storePairs(ctx context.Context, tx *sql.Tx, table string, values map[string]string) error {
	for name, value := range values {
		if _, err := tx.ExecContext(ctx, "REPLACE INTO "+table+" VALUES (?, ?)", name, value); err != nil {
			return err
		}
	}
	return nil
}
