// Package ledger owns what a tenant's target last accepted, one row per natural key.
//
// A row is written only after the target said yes, so that a crash at any moment leaves a ledger
// that is behind the target and never ahead: the record is then sent again, which the target takes
// as an update. The package knows neither records nor HTTP. Keys and digests come to it hashed: there
// is no natural key, no name and no secret in the file.
package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/sluice-edfi/sluice/pkg/durable"
)

// layout is the version of the tables, kept as user_version. Layout 1 had a column more in `run`,
// which nothing used: such a ledger is used as it is.
const layout = 2

// A key is a hash already, so its first eight bytes serve as SQLite's own row number: that is the
// cheapest thing to seek, in a tree without an index beside it. The other eight are in `rest`.
// Should two keys of a ledger ever share their first half (once in a million ledgers of five
// million keys), they take turns in one row and each is sent again, which costs time and no more.
const tables = `
CREATE TABLE identity (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE resource (no INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE run (no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, bundle TEXT NOT NULL, version TEXT NOT NULL);
CREATE TABLE record (
	half     INTEGER PRIMARY KEY, -- first half of the key
	rest     BLOB NOT NULL,       -- second half, followed by the payload's digest if that is known
	resource INTEGER NOT NULL,
	id       BLOB NOT NULL,       -- the target's id of the record
	time     INTEGER NOT NULL,    -- of acceptance, Unix seconds
	run      INTEGER NOT NULL,
	source   TEXT NOT NULL        -- where the record came from, results:1042
);
CREATE TABLE newest (resource INTEGER, slot INTEGER, half INTEGER NOT NULL, PRIMARY KEY (resource, slot)) WITHOUT ROWID;
`

// readers is how many batches are decided at a time; each has a connection with a cache of its own.
const readers = 4

// ErrDamaged is in the chain of the error for a file that is no ledger, or a broken one.
var ErrDamaged = errors.New("the ledger is damaged")

// ErrNewer is in the chain of the error for a ledger that a newer version wrote.
var ErrNewer = errors.New("the ledger was written by a newer version")

// Ledger is an open ledger.db. Its methods are safe for concurrent use; one process at a time may
// have it open, which is what durable.LockFolder is for.
type Ledger struct {
	path     string
	identity Identity
	write    *sql.DB // one connection
	read     *sql.DB
	lookup   *sql.Stmt // on read
	putOne   *sql.Stmt // on write
	putMany  *sql.Stmt // on write
}

// Open opens the ledger at path, or makes it. A ledger of another target is refused with
// ErrOtherTarget.
func Open(path string, id Identity) (*Ledger, error) {
	return open(path, id, false)
}

// OpenToRebuild opens a ledger whose target may have become another one. Rebuild must follow: only
// that makes its content true.
func OpenToRebuild(path string, id Identity) (*Ledger, error) {
	return open(path, id, true)
}

func open(path string, id Identity, adopt bool) (*Ledger, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := durable.MkdirAll(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("make the folder of the ledger: %w", err)
	}
	// Nobody else may read who took which test when. SQLite gives its -wal and -shm files the rights of
	// the main file, but would make that one with those of the umask.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, durable.FileMode)
	if err != nil {
		return nil, fmt.Errorf("open the ledger: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("open the ledger: %w", err)
	}
	l := &Ledger{path: path, identity: id}
	// Statements that write several rows keep what they change until they are through; that fits in memory.
	if l.write, err = connect(path, 1, "cache_size(-32768)", "wal_autocheckpoint(4000)", "temp_store(MEMORY)"); err != nil {
		return nil, err
	}
	if err := l.prepare(context.Background(), adopt); err != nil {
		return nil, errors.Join(l.explain(err), l.write.Close())
	}
	// Lookups hit pages at random: mapped into memory they cost half of what reading them does.
	if l.read, err = connect(path, readers, "cache_size(-16384)", "mmap_size(4294967296)", "query_only(true)"); err != nil {
		return nil, errors.Join(err, l.write.Close())
	}
	for text, stmt := range map[string]**sql.Stmt{putRecord: &l.putOne, putRecords: &l.putMany} {
		if *stmt, err = l.write.Prepare(text); err != nil {
			return nil, errors.Join(l.explain(err), l.read.Close(), l.write.Close())
		}
	}
	// CROSS JOIN fixes the order: the list is walked, and the rows come in its order.
	if l.lookup, err = l.read.Prepare("SELECT r.half, r.rest FROM json_each(?) j CROSS JOIN record r ON r.half = j.value"); err != nil {
		return nil, errors.Join(l.explain(err), l.read.Close(), l.write.Close())
	}
	return l, nil
}

// connect prepares connections to the file. Losing the last transactions in a power cut is fine (the
// ledger is then behind), so the file is synced at checkpoints only.
func connect(path string, n int, pragmas ...string) (*sql.DB, error) {
	q := url.Values{"_txlock": {"immediate"}}
	for _, p := range append([]string{"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(NORMAL)"}, pragmas...) {
		q.Add("_pragma", p)
	}
	slashed := filepath.ToSlash(path)
	if slashed[0] != '/' {
		slashed = "/" + slashed // C:/… on Windows
	}
	u := url.URL{Scheme: "file", Path: slashed, RawQuery: q.Encode()}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return nil, fmt.Errorf("open the ledger: %w", err)
	}
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db, nil
}

// prepare makes the tables of a new ledger, and checks layout and identity of an old one.
func (l *Ledger) prepare(ctx context.Context, adopt bool) error {
	return l.transaction(ctx, func(tx *sql.Tx) error {
		var version int
		if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
			return err
		}
		switch {
		case version > layout:
			return fmt.Errorf("%w: %s has layout %d, this version knows %d", ErrNewer, l.path, version, layout)
		case version == 0:
			if _, err := tx.ExecContext(ctx, tables); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", layout)); err != nil {
				return err
			}
			return l.identity.store(ctx, tx)
		}
		known, err := loadIdentity(ctx, tx)
		if err != nil {
			return err
		}
		if !adopt && known.String() != l.identity.String() {
			return fmt.Errorf("%w: it holds what %q accepted, not %q", ErrOtherTarget, known, l.identity)
		}
		return nil
	})
}

// transaction runs do in a transaction of the one writing connection.
func (l *Ledger) transaction(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := l.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		if failed := tx.Rollback(); !errors.Is(failed, sql.ErrTxDone) { // done: the context ended it
			err = errors.Join(err, failed)
		}
		return err
	}
	return tx.Commit()
}

// explain marks what SQLite says of a broken file.
func (l *Ledger) explain(err error) error {
	var s *sqlite.Error
	if errors.As(err, &s) && (s.Code()&0xff == sqlite3.SQLITE_NOTADB || s.Code()&0xff == sqlite3.SQLITE_CORRUPT) {
		return fmt.Errorf("%w: %s: %w", ErrDamaged, l.path, err)
	}
	return err
}

// Identity is the target that the ledger belongs to.
func (l *Ledger) Identity() Identity { return l.identity }

// Path is where the ledger lies.
func (l *Ledger) Path() string { return l.path }

// Close closes the ledger.
func (l *Ledger) Close() error {
	return errors.Join(l.lookup.Close(), l.putOne.Close(), l.putMany.Close(), l.read.Close(), l.write.Close())
}
