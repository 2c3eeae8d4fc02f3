package ledger

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
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

const putRecord = "REPLACE INTO record (half, rest, resource, id, time, run, source) VALUES (?, ?, ?, ?, ?, ?, ?)"

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
	stmt, err := tx.PrepareContext(ctx, putRecord)
	if err != nil {
		return err
	}
	defer stmt.Close()
	resources := map[string]int64{}
	latest := map[int64][]int64{}
	var rest [24]byte
	for i := range rows {
		r := &rows[i]
		no, ok := resources[r.Resource]
		if !ok {
			if no, err = resourceNumber(ctx, tx, r.Resource); err != nil {
				return err
			}
			resources[r.Resource] = no
		}
		value := append(rest[:0], r.Key[8:]...)
		if r.Digest != (Hash{}) {
			value = append(value, r.Digest[:]...)
		}
		if _, err := stmt.ExecContext(ctx, half(r.Key), value, no, packID(r.ID), r.Time.Unix(), runNo, r.Source); err != nil {
			return err
		}
		if len(latest[no]) == newestKept {
			latest[no] = latest[no][1:]
		}
		latest[no] = append(latest[no], half(r.Key))
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
