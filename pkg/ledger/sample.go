package ledger

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
)

// Sampled is a record that the target should have, if the ledger is true.
type Sampled struct {
	Resource string
	Key      Hash
	ID       string
}

const sampled = "SELECT r.half, substr(r.rest, 1, 8), s.name, r.id FROM record r JOIN resource s ON s.no = r.resource "

// Sample picks records to be looked for at the target: of each of the resources the newest, which
// a target restored from a backup lacks, and n random ones of any resource.
func (l *Ledger) Sample(ctx context.Context, resources []string, n int) ([]Sampled, error) {
	var all []Sampled
	seen := map[Hash]bool{}
	pick := func(row *sql.Rows) error {
		var h int64
		var rest, id sql.RawBytes
		var s Sampled
		if err := row.Scan(&h, &rest, &s.Resource, &id); err != nil {
			return err
		}
		binary.BigEndian.PutUint64(s.Key[:8], uint64(h))
		copy(s.Key[8:], rest)
		s.ID = unpackID(id)
		if !seen[s.Key] {
			seen[s.Key] = true
			all = append(all, s)
		}
		return nil
	}
	var err error
	for _, name := range resources {
		err = errors.Join(err, eachRow(ctx, l.read, pick, sampled+"JOIN newest n ON n.half = r.half WHERE n.resource = (SELECT no FROM resource WHERE name = ?)", name))
	}
	for range n {
		// Keys are hashes, so the first one after a random number is a random one.
		err = errors.Join(err, eachRow(ctx, l.read, pick, sampled+"WHERE r.half >= ? ORDER BY r.half LIMIT 1", int64(rand.Uint64())))
	}
	if err != nil {
		return nil, fmt.Errorf("sample the ledger: %w", l.explain(err))
	}
	return all, nil
}

// Resources names the resources of which the ledger has, or once had, records.
func (l *Ledger) Resources(ctx context.Context) ([]string, error) {
	var names []string
	err := eachRow(ctx, l.read, func(row *sql.Rows) error {
		var name string
		err := row.Scan(&name)
		names = append(names, name)
		return err
	}, "SELECT name FROM resource ORDER BY name")
	if err != nil {
		return nil, fmt.Errorf("read the ledger: %w", l.explain(err))
	}
	return names, nil
}
