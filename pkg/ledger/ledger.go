// Package ledger owns what a tenant's target last accepted, one row per natural key.
//
// A digest is written only after the target said yes, and is taken out before another version of the
// record is posted. So a crash at any moment leaves a ledger that knows less than the target holds and
// never something else: the record is then sent again, which the target takes as an update. The
// package knows neither records nor HTTP. Keys and digests come to it hashed: the file holds no natural
// key, no student's name and no secret.
package ledger

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/sluice-edfi/sluice/pkg/durable"
)

// layout is the version of the tables, kept as user_version. Layout 1 had a column more in `run`,
// which nothing used. Up to layout 2 a row without an id could have a digest.
const layout = 3

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

// ErrDamaged is in the chain of the error for a file that is not a ledger, or a broken one.
var ErrDamaged = errors.New("the ledger is damaged")

// ErrDisk is in the chain of the error for a disk that is full, or that refuses to read or write.
var ErrDisk = errors.New("the disk of the ledger is full, or cannot be read or written")

// ErrNewer is in the chain of the error for a ledger that a newer version wrote.
var ErrNewer = errors.New("the ledger was written by a newer version")

// Ledger is an open ledger.db. Its methods are safe for concurrent use; one process at a time may
// have it open, which is what durable.LockFolder is for.
type Ledger struct {
	path     string
	identity Identity
	id       string      // tells this file from any other: a rebuilt one is another
	bound    atomic.Bool // the file says which target it is of
	foreign  bool        // it is of another target
	facts    Facts       // of a ledger that is not bound yet
	notes    map[string]string
	former   *former // what it is to replace; else nil
	closed   bool
	write    *sql.DB // one connection
	read     *sql.DB
	lookup   *sql.Stmt // on read
	putOne   *sql.Stmt // on write
	putMany  *sql.Stmt // on write
}

// Open opens the ledger at path, or makes it. A ledger of another target is refused with
// ErrOtherTarget. A new one is of no target until the first record was accepted.
func Open(path string, id Identity) (*Ledger, error) { return openAt(path, id, false) }

// openAt opens or makes the ledger; adopt says that it may be of another target.
func openAt(path string, id Identity, adopt bool) (*Ledger, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		if err := create(path); err != nil {
			return nil, fmt.Errorf("make the ledger: %w", explain(err, path))
		}
	case err != nil:
		return nil, fmt.Errorf("open the ledger: %w", err)
	case info.Size() < smallest:
		return nil, fmt.Errorf("%w: %s is only %d B long", ErrDamaged, path, info.Size())
	}
	return open(path, id, adopt)
}

// smallest is the size of SQLite's smallest file. One that is smaller was cut off, or never was a ledger.
const smallest = 512

// create makes an empty ledger, complete or not at all.
func create(path string) error {
	if err := durable.MkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	unfinished := path + ".new"
	if err := errors.Join(removeFiles(unfinished), removeFiles(path)); err != nil { // what is beside a ledger that is gone
		return err
	}
	// Nobody else may read who took which test when. SQLite gives its -wal and -shm files the rights of
	// the main file, but would make that one with those of the umask.
	f, err := os.OpenFile(unfinished, os.O_CREATE|os.O_EXCL|os.O_WRONLY, durable.FileMode)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	// Without a journal of its own beside it: when this is committed, the file is complete.
	db, err := connect(unfinished, 1)
	if err != nil {
		return err
	}
	_, err = db.Exec(tables + fmt.Sprintf("PRAGMA user_version = %d", layout))
	if err := errors.Join(err, db.Close()); err != nil {
		return errors.Join(err, removeFiles(unfinished))
	}
	return os.Rename(unfinished, path)
}

// removeFiles removes a ledger and what SQLite keeps beside it.
func removeFiles(path string) error {
	var all error
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			all = errors.Join(all, err)
		}
	}
	return all
}

func open(path string, id Identity, adopt bool) (*Ledger, error) {
	var err error
	l := &Ledger{path: path, identity: id}
	// Statements that write several rows keep what they change until they are through; that fits in memory.
	l.write, err = connect(path, 1, "journal_mode(WAL)", "cache_size(-32768)", "wal_autocheckpoint(4000)", "temp_store(MEMORY)")
	if err != nil {
		return nil, err
	}
	if err := l.prepare(context.Background(), adopt); err != nil {
		return nil, errors.Join(explain(err, path), l.write.Close())
	}
	// Lookups hit pages at random: mapped into memory they cost half of what reading them does.
	l.read, err = connect(path, readers, "journal_mode(WAL)", "cache_size(-16384)", "mmap_size(4294967296)", "query_only(true)")
	if err != nil {
		return nil, errors.Join(err, l.write.Close())
	}
	for text, stmt := range map[string]**sql.Stmt{putRecord: &l.putOne, putRecords: &l.putMany} {
		if *stmt, err = l.write.Prepare(text); err != nil {
			return nil, errors.Join(explain(err, path), l.read.Close(), l.write.Close())
		}
	}
	// CROSS JOIN fixes the order: the list is walked, and the rows come in its order.
	if l.lookup, err = l.read.Prepare("SELECT r.half, r.rest FROM json_each(?) j CROSS JOIN record r ON r.half = j.value"); err != nil {
		return nil, errors.Join(explain(err, path), l.read.Close(), l.write.Close())
	}
	return l, nil
}

// connect prepares connections to the file. Each transaction is synced: a digest that was taken out
// must not come back after a power cut.
func connect(path string, n int, pragmas ...string) (*sql.DB, error) {
	q := url.Values{"_txlock": {"immediate"}}
	for _, p := range append([]string{"busy_timeout(10000)", "synchronous(FULL)"}, pragmas...) {
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

// prepare checks layout and identity, and brings an earlier layout up to date.
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
			return fmt.Errorf("%w: %s holds no ledger", ErrDamaged, l.path)
		}
		known, err := loadIdentity(ctx, tx)
		if err != nil {
			return err
		}
		if l.id, err = ownID(ctx, tx); err != nil {
			return err
		}
		l.bound.Store(known != nil)
		l.foreign = known != nil && known.String() != l.identity.as(known).String()
		if l.foreign && !adopt {
			return fmt.Errorf("%w: it holds what %q accepted, not %q", ErrOtherTarget, known, l.identity.as(known))
		}
		if version == layout {
			return nil
		}
		_, err = tx.ExecContext(ctx, forget+fmt.Sprintf(" AND length(id) = 0; PRAGMA user_version = %d", layout))
		return err
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

// explain marks what SQLite says of a broken file and of a disk. Our statements are right, so one that
// fails has met tables that are not ours.
func explain(err error, path string) error {
	var s *sqlite.Error
	if !errors.As(err, &s) || errors.Is(err, ErrDamaged) {
		return err
	}
	switch s.Code() & 0xff {
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR:
		return fmt.Errorf("%w: %s: %w", ErrDamaged, path, err)
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return fmt.Errorf("%w: %s: %w", ErrDisk, path, err)
	}
	return err
}

// Identity is the target that the ledger belongs to.
func (l *Ledger) Identity() Identity { return l.identity }

// ID tells the ledger from any other, also from one that was rebuilt in its place.
func (l *Ledger) ID() string { return l.id }

// ownID is the id of the file, which is given one when it is first opened.
func ownID(ctx context.Context, tx *sql.Tx) (string, error) {
	if _, err := tx.ExecContext(ctx, "INSERT INTO fact VALUES ('ledgerId', ?) ON CONFLICT DO NOTHING", rand.Text()); err != nil {
		return "", err
	}
	var id string
	err := tx.QueryRowContext(ctx, "SELECT value FROM fact WHERE name = 'ledgerId'").Scan(&id)
	return id, err
}

// Path is where the ledger lies.
func (l *Ledger) Path() string { return l.path }

// Close closes the ledger. One that was opened to be rebuilt, and was not, is removed.
func (l *Ledger) Close() error {
	if l.closed {
		return nil
	}
	l.closed = true
	err := errors.Join(l.lookup.Close(), l.putOne.Close(), l.putMany.Close(), l.read.Close(), l.write.Close())
	if l.former != nil {
		err = errors.Join(err, l.former.close(), removeFiles(l.path))
	}
	return err
}
