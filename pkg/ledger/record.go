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
	ID       string // the target's; without it the digest is not kept, because it could not be proven
	Time     time.Time
	Source   string // results:1042
}

// Run says what the rows of a run have in common.
type Run struct {
	ID      string
	Bundle  string
	Version string
}

// newestKept is how many of a resource's latest rows are kept in mind for Sample: a target restored
// from a backup lacks these first.
const newestKept = 4

const (
	putRecord = "REPLACE INTO record (half, rest, resource, id, time, run, source) VALUES (?, ?, ?, ?, ?, ?, ?)"
	columns   = 7
)

// together is how many rows one statement writes, because calling a statement costs as much as
// writing a row.
const together = 16

var putRecords = putRecord + strings.Repeat(", (?, ?, ?, ?, ?, ?, ?)", together-1)

// Record writes what the target accepted, in one transaction.
func (l *Ledger) Record(ctx context.Context, run Run, rows []Row) error {
	err := l.transaction(ctx, func(tx *sql.Tx) error {
		if !l.bound.Load() {
			if err := l.bind(ctx, tx, l.facts); err != nil {
				return err
			}
		}
		return l.put(ctx, tx, run, rows)
	})
	if err != nil {
		return fmt.Errorf("write the ledger: %w", explain(err, l.path))
	}
	l.bound.Store(true)
	return nil
}

// forget takes out digests: the rows stay, and with them what is asked for when the ledger is proven.
const forget = "UPDATE record SET rest = substr(rest, 1, 8) WHERE length(rest) > 8"

// Forget takes out the digests of records that may become others at the target, before they are
// posted. When it returns they are gone for good: a later version is unchanged only after it was
// accepted.
func (l *Ledger) Forget(ctx context.Context, keys []Hash) error {
	err := l.transaction(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, forget+" AND half IN (SELECT value FROM json_each(?))", halves(keys))
		return err
	})
	if err != nil {
		return fmt.Errorf("write the ledger: %w", explain(err, l.path))
	}
	return nil
}

// put writes rows in a transaction.
func (l *Ledger) put(ctx context.Context, tx *sql.Tx, run Run, rows []Row) error {
	runNo, err := number(ctx, tx, "INSERT INTO run (id, bundle, version) VALUES (?, ?, ?)", "SELECT no FROM run WHERE id = ?",
		run.ID, run.Bundle, run.Version)
	if err != nil {
		return err
	}
	resources := map[string]int64{}
	latest := map[int64][]int64{}
	order := make([]position, len(rows))
	for i := range rows {
		r := &rows[i]
		no, ok := resources[r.Resource]
		if !ok {
			no, err = number(ctx, tx, "INSERT INTO resource (name) VALUES (?)", "SELECT no FROM resource WHERE name = ?", r.Resource)
			if err != nil {
				return err
			}
			resources[r.Resource] = no
		}
		order[i] = position{half(r.Key), i}
		if len(latest[no]) == newestKept {
			latest[no] = latest[no][1:]
		}
		latest[no] = append(latest[no], half(r.Key))
	}
	// In the order of the file; of two rows for one key the later one stays.
	slices.SortFunc(order, func(a, b position) int { return cmp.Or(cmp.Compare(a.half, b.half), cmp.Compare(a.i, b.i)) })
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
func (l *Ledger) putOrdered(ctx context.Context, tx *sql.Tx, order []position, rows []Row, resources map[string]int64, runNo int64) error {
	one, many := tx.StmtContext(ctx, l.putOne), tx.StmtContext(ctx, l.putMany)
	args := make([]any, 0, columns*together)
	for part := range slices.Chunk(order, together) {
		args = args[:0]
		for _, p := range part {
			r := &rows[p.i]
			rest := append(make([]byte, 0, 24), r.Key[8:]...)
			if r.Digest != (Hash{}) && r.ID != "" {
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

// number finds or makes the number that stands for a row of a table; the first of the values tells rows apart.
func number(ctx context.Context, tx *sql.Tx, insert, find string, values ...any) (no int64, err error) {
	if _, err := tx.ExecContext(ctx, insert+" ON CONFLICT DO NOTHING", values...); err != nil {
		return 0, err
	}
	err = tx.QueryRowContext(ctx, find, values[0]).Scan(&no)
	return no, err
}

// An id is kept in one of three forms, which its first byte tells apart. Targets use the first two,
// which take half the space of their text.
const (
	idPlain  = 1 // and 16 bytes: 32 hex digits
	idDashed = 2 // and 16 bytes: a UUID with dashes
	// anything printable: the first byte of the id itself
)

func packID(id string) []byte {
	if digits, err := hex.DecodeString(strings.ReplaceAll(id, "-", "")); err == nil {
		for _, form := range []byte{idPlain, idDashed} {
			if packed := append([]byte{form}, digits...); unpackID(packed) == id {
				return packed
			}
		}
	}
	return []byte(id)
}

func unpackID(packed []byte) string {
	if len(packed) != 17 || packed[0] > idDashed {
		return string(packed)
	}
	digits := hex.EncodeToString(packed[1:])
	if packed[0] == idDashed {
		return strings.Join([]string{digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]}, "-")
	}
	return digits
}
