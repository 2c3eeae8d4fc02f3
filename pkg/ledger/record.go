package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Row is one record that the target accepted.
type Row struct {
	Resource string
	Key      Hash
	Digest   Hash   // of the payload; zero: not known, the record is sent again
	ID       string // the target's
	Time     time.Time
	Source   string // results:1042
}

// Run says what the rows of a run have in common.
type Run struct {
	ID       string
	Bundle   string
	Version  string
	Exported time.Time // when the vendor's file was exported; zero: not known
}

// newestKept is how many of a resource's latest rows are kept in mind for Sample: a target restored
// from a backup lacks these first.
const newestKept = 4

const (
	putRecord = "REPLACE INTO record (half, rest, resource, id, time, run, source) VALUES (?, ?, ?, ?, ?, ?, ?)"
	columns   = 7
)

// together is how many rows one statement writes: calling it costs as much as a row.
const together = 16

var putRecords = putRecord + strings.Repeat(", (?, ?, ?, ?, ?, ?, ?)", together-1)

// Record writes what the target accepted, in one transaction.
func (l *Ledger) Record(ctx context.Context, run Run, rows []Row) error {
	err := l.transaction(ctx, func(tx *sql.Tx) error { return l.put(ctx, tx, run, rows) })
	if err != nil {
		return fmt.Errorf("write the ledger: %w", l.explain(err))
	}
	return nil
}

// put writes rows in a transaction.
func (l *Ledger) put(ctx context.Context, tx *sql.Tx, run Run, rows []Row) error {
	runNo, err := runNumber(ctx, tx, run)
	if err != nil {
		return err
	}
	resources := map[string]int64{}
	latest := map[int64][]int64{}
	order := make([]place, len(rows))
	for i := range rows {
		r := &rows[i]
		no, ok := resources[r.Resource]
		if !ok {
			if no, err = resourceNumber(ctx, tx, r.Resource); err != nil {
				return err
			}
			resources[r.Resource] = no
		}
		order[i] = place{half(r.Key), i}
		if len(latest[no]) == newestKept {
			latest[no] = latest[no][1:]
		}
		latest[no] = append(latest[no], half(r.Key))
	}
	// In the order of the file; of two rows for one key the later one stays.
	slices.SortFunc(order, func(a, b place) int { return cmp.Or(cmp.Compare(a.half, b.half), cmp.Compare(a.i, b.i)) })
	if err := l.putOrdered(ctx, tx, order, rows, resources, runNo); err != nil {
		return err
	}
	for no, halves := range latest {
		for slot, h := range halves {
			if _, err := tx.ExecContext(ctx, "REPLACE INTO newest VALUES (?, ?, ?)", no, slot, h); err != nil {
				return err
			}
		}
	}
	return nil
}

// putOrdered writes rows in the given order, many at a time.
func (l *Ledger) putOrdered(ctx context.Context, tx *sql.Tx, order []place, rows []Row, resources map[string]int64, runNo int64) error {
	one, many := tx.StmtContext(ctx, l.putOne), tx.StmtContext(ctx, l.putMany)
	args := make([]any, 0, columns*together)
	for part := range slices.Chunk(order, together) {
		args = args[:0]
		for _, p := range part {
			r := &rows[p.i]
			rest := append(make([]byte, 0, 24), r.Key[8:]...)
			if r.Digest != (Hash{}) {
				rest = append(rest, r.Digest[:]...)
			}
			args = append(args, p.half, rest, resources[r.Resource], packID(r.ID), r.Time.Unix(), runNo, r.Source)
		}
		var err error
		if len(part) == together {
			_, err = many.ExecContext(ctx, args...)
		} else {
			for row := range slices.Chunk(args, columns) {
				_, failed := one.ExecContext(ctx, row...)
				err = errors.Join(err, failed)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// runNumber finds or makes the number that stands for a run.
func runNumber(ctx context.Context, tx *sql.Tx, run Run) (no int64, err error) {
	var exported sql.NullInt64
	if !run.Exported.IsZero() {
		exported = sql.NullInt64{Int64: run.Exported.Unix(), Valid: true}
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO run (id, bundle, version, exported) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
		run.ID, run.Bundle, run.Version, exported); err != nil {
		return 0, err
	}
	err = tx.QueryRowContext(ctx, "SELECT no FROM run WHERE id = ?", run.ID).Scan(&no)
	return no, err
}

// resourceNumber finds or makes the number that stands for a resource.
func resourceNumber(ctx context.Context, tx *sql.Tx, name string) (no int64, err error) {
	if _, err := tx.ExecContext(ctx, "INSERT INTO resource (name) VALUES (?) ON CONFLICT DO NOTHING", name); err != nil {
		return 0, err
	}
	err = tx.QueryRowContext(ctx, "SELECT no FROM resource WHERE name = ?", name).Scan(&no)
	return no, err
}

// packID halves the two forms of id that targets use: 32 hex digits, and a UUID with dashes. Any
// other form is kept as it is; its first byte is a printable one, which tells the three apart.
func packID(id string) []byte {
	switch bare := strings.ReplaceAll(id, "-", ""); {
	case len(bare) != 32 || strings.ToLower(id) != id:
	case len(id) == 32:
		if b, err := hex.AppendDecode([]byte{idPlain}, []byte(id)); err == nil {
			return b
		}
	case len(id) == 36 && unpackUUID(bare) == id:
		if b, err := hex.AppendDecode([]byte{idDashed}, []byte(bare)); err == nil {
			return b
		}
	}
	return []byte(id)
}

const (
	idPlain  = 1
	idDashed = 2
)

func unpackID(packed []byte) string {
	switch {
	case len(packed) == 17 && packed[0] == idPlain:
		return hex.EncodeToString(packed[1:])
	case len(packed) == 17 && packed[0] == idDashed:
		return unpackUUID(hex.EncodeToString(packed[1:]))
	}
	return string(packed)
}

func unpackUUID(bare string) string {
	return bare[:8] + "-" + bare[8:12] + "-" + bare[12:16] + "-" + bare[16:20] + "-" + bare[20:]
}
