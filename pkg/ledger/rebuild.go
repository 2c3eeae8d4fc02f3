package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// former is the ledger that a rebuilt one will replace.
type former struct {
	path      string
	ledger    *Ledger // nil: there is none that can be used
	damaged   bool
	resources []string
}

// OpenToRebuild opens an empty ledger, which takes the place of the one at path when Rebuild has filled
// it. That one may be damaged, or of another target.
func OpenToRebuild(path string, id Identity) (*Ledger, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	f := &former{path: path}
	if f.ledger, err = openAt(path, id, true); err == nil {
		f.resources, err = f.ledger.Resources(context.Background())
	}
	unfinished := path + ".rebuild"
	if errors.Is(err, ErrDamaged) {
		f.damaged = true
		err = f.close()
	}
	if err = errors.Join(err, removeFiles(unfinished)); err != nil {
		return nil, errors.Join(err, f.close())
	}
	l, err := Open(unfinished, id)
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	l.former = f
	return l, nil
}

// close closes the former ledger; nothing more is read from it.
func (f *former) close() error {
	if f.ledger == nil {
		return nil
	}
	l := f.ledger
	f.ledger = nil
	return l.Close()
}

// FormerResources names the resources that the ledger to be replaced knew; none if it cannot be read.
func (l *Ledger) FormerResources() []string { return l.former.resources }

// FormerRows gives to add what the ledger to be replaced knew of a resource, without digests.
func (l *Ledger) FormerRows(ctx context.Context, resource string, add func(Row) error) error {
	old := l.former.ledger
	if old == nil || old.foreign {
		return nil
	}
	err := eachRow(ctx, old.read, func(row *sql.Rows) error {
		var h, at int64
		var rest, id sql.RawBytes
		r := Row{Resource: resource}
		if err := row.Scan(&h, &rest, &id, &at, &r.Source); err != nil {
			return err
		}
		r.Key, r.ID, r.Time = key(h, rest), unpackID(id), time.Unix(at, 0)
		return add(r)
	}, "SELECT half, rest, id, time, source FROM record WHERE resource = (SELECT no FROM resource WHERE name = ?)", resource)
	if err = explain(err, old.path); errors.Is(err, ErrDamaged) {
		l.former.damaged = true // what it does not give is sent again as if it were new
		return nil
	}
	return err
}

// rebuildBatch is how many rows Rebuild writes at a time.
const rebuildBatch = 1000

// Rebuild fills a ledger that was opened for it with what fill adds, puts it in the place of the former
// one, and closes it. A damaged one is kept beside it, as .damaged. After an error or a crash the former
// one is as it was, but a damaged one may already have that name. Its notes are not
// kept. fill may run for hours.
func (l *Ledger) Rebuild(ctx context.Context, run Run, facts Facts, fill func(add func(Row) error) error) error {
	l.facts = facts
	rows := make([]Row, 0, rebuildBatch)
	flush := func() error {
		err := l.Record(ctx, run, rows)
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
		return fmt.Errorf("rebuild the ledger: %w", err)
	}
	if err := flush(); err != nil {
		return err
	}
	if err := l.replace(); err != nil {
		return fmt.Errorf("put the rebuilt ledger in place: %w", err)
	}
	return nil
}

// replace closes the ledger and puts it in the place of the former one.
func (l *Ledger) replace() error {
	// All of it has to be in the file itself, because nothing but that is renamed.
	if _, err := l.write.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		return explain(err, l.path)
	}
	if info, err := os.Stat(l.path + "-wal"); err == nil && info.Size() > 0 {
		return fmt.Errorf("%w: %s", ErrDisk, l.path)
	}
	f := l.former
	l.former = nil // Close need not remove this one
	if err := errors.Join(f.close(), l.Close()); err != nil {
		return err
	}
	if f.damaged {
		if err := os.Rename(f.path, f.path+".damaged"); err != nil {
			return err
		}
	}
	for _, beside := range []string{"-wal", "-shm"} { // of the former one: they must not be taken for those of the new one
		if err := os.Remove(f.path + beside); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return os.Rename(l.path, f.path)
}
