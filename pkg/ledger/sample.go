package ledger

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Sampled is a record that the target should have as it was sent, if the ledger is true.
type Sampled struct {
	Resource string
	Key      Hash
	Digest   Hash // of the payload that was sent
	ID       string
}

// A row without a digest claims nothing that could be proven.
const sampled = "SELECT r.half, r.rest, s.name, r.id FROM record r JOIN resource s ON s.no = r.resource WHERE length(r.rest) > 8 AND "

// stride is how many rows are looked through for one of a sample.
const stride = 64

// Sample picks records to be looked for at the target: of each of the resources the newest, which
// a target restored from a backup lacks, and up to n of any resource. The same ledger gives the same
// sample.
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
		s.Key, s.ID = key(h, rest), unpackID(id)
		copy(s.Digest[:], rest[8:])
		if !seen[s.Key] {
			seen[s.Key] = true
			all = append(all, s)
		}
		return nil
	}
	var err error
	for _, name := range resources {
		err = errors.Join(err, eachRow(ctx, l.read, pick, sampled+
			"r.half IN (SELECT half FROM newest WHERE resource = (SELECT no FROM resource WHERE name = ?)) ORDER BY r.half", name))
	}
	for i := range n {
		// Keys are hashes, so places at equal distances are as good as random ones.
		from := math.MinInt64 + int64(uint64(i)*(math.MaxUint64/uint64(n)))
		err = errors.Join(err, eachRow(ctx, l.read, pick, sampled+
			"r.half IN (SELECT half FROM record WHERE half >= ? ORDER BY half LIMIT ?) ORDER BY r.half LIMIT 1", from, stride))
	}
	if err != nil {
		return nil, fmt.Errorf("sample the ledger: %w", explain(err, l.path))
	}
	return all, nil
}

// key puts the two halves of a key together.
func key(half int64, rest []byte) (k Hash) {
	binary.BigEndian.PutUint64(k[:8], uint64(half))
	copy(k[8:], rest[:min(8, len(rest))])
	return k
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
		return nil, fmt.Errorf("read the ledger: %w", explain(err, l.path))
	}
	return names, nil
}
