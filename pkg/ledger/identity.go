package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Identity says which target a ledger belongs to. It changes only by a rebuild; what rotates or is
// upgraded without a word (client id, versions) is in Facts.
type Identity struct {
	Tenant           string
	Environment      string
	BaseURL          string
	DataURL          string // the addresses that are used, as the target or the settings give them
	OAuthURL         string
	MetadataURL      string
	DependenciesURL  string
	ChangeQueriesURL string // none where the target does not offer them
	Instance         string // of an instance-specific ODS
	SchoolYear       int    // of a year-specific ODS; 0: none
	Store            string // id of the sandbox's store, which counts in place of its address
}

// String is the identity in one line. It decides whether two are the same, and is what a pass is
// bound to.
func (i Identity) String() string {
	parts := []string{"tenant=" + i.Tenant}
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, name+"="+value)
		}
	}
	add("environment", i.Environment)
	if i.Store != "" {
		add("store", i.Store)
	} else {
		base := strings.TrimRight(i.BaseURL, "/")
		below := func(address string) string { return strings.TrimPrefix(strings.TrimRight(address, "/"), base+"/") }
		add("url", base)
		add("data", below(i.DataURL))
		add("oauth", below(i.OAuthURL))
		add("metadata", below(i.MetadataURL))
		add("dependencies", below(i.DependenciesURL))
		add("changes", below(i.ChangeQueriesURL))
	}
	add("instance", i.Instance)
	if i.SchoolYear != 0 {
		add("year", strconv.Itoa(i.SchoolYear))
	}
	return strings.Join(parts, " ")
}

// ErrOtherTarget is in the chain of the error for a ledger that was written for another target.
var ErrOtherTarget = errors.New("the ledger belongs to another target")

func (i Identity) store(ctx context.Context, tx *sql.Tx) error {
	return storePairs(ctx, tx, "identity", map[string]string{"tenant": i.Tenant, "environment": i.Environment, "url": i.BaseURL,
		"data": i.DataURL, "oauth": i.OAuthURL, "metadata": i.MetadataURL, "dependencies": i.DependenciesURL, "changes": i.ChangeQueriesURL,
		"instance": i.Instance, "year": strconv.Itoa(i.SchoolYear), "store": i.Store})
}

// loadIdentity is nil for a ledger that is of no target yet.
func loadIdentity(ctx context.Context, tx *sql.Tx) (*Identity, error) {
	values, err := loadPairs(ctx, tx, "identity")
	if err != nil || len(values) == 0 {
		return nil, err
	}
	year, err := strconv.Atoi(values["year"])
	if err != nil {
		return nil, fmt.Errorf("%w: the year of its target is not a number", ErrDamaged)
	}
	return &Identity{Tenant: values["tenant"], Environment: values["environment"], BaseURL: values["url"],
		DataURL: values["data"], OAuthURL: values["oauth"], MetadataURL: values["metadata"],
		DependenciesURL: values["dependencies"], ChangeQueriesURL: values["changes"],
		Instance: values["instance"], SchoolYear: year, Store: values["store"]}, nil
}

// as is the identity as far as the other one goes: a ledger of an earlier layout has one address, or three. Which
// documents and change queries a target offers may change; those that both name must be the same.
func (i Identity) as(other *Identity) Identity {
	if other.DataURL == "" && other.OAuthURL == "" && other.MetadataURL == "" {
		i.DataURL, i.OAuthURL, i.MetadataURL = "", "", ""
	}
	if i.DependenciesURL == "" || other.DependenciesURL == "" {
		i.DependenciesURL = other.DependenciesURL
	}
	if i.ChangeQueriesURL == "" || other.ChangeQueriesURL == "" {
		i.ChangeQueriesURL = other.ChangeQueriesURL
	}
	return i
}

// Facts is what the target said of itself when it was last loaded. It may change (rotation and
// upgrades are normal); who compares decides what a change means.
type Facts struct {
	ClientID      string
	APIVersion    string
	DataStandard  string // "5.1"; empty: never loaded
	ChangeVersion int64  // newest change version seen; 0: none, or no change queries
}

// Facts reads what is recorded of the target.
func (l *Ledger) Facts(ctx context.Context) (Facts, error) {
	values, err := loadPairs(ctx, l.read, "fact")
	if err != nil {
		return Facts{}, fmt.Errorf("read the ledger: %w", explain(err, l.path))
	}
	version, err := strconv.ParseInt(values["changeVersion"], 10, 64)
	if err != nil && values["changeVersion"] != "" {
		return Facts{}, fmt.Errorf("read the ledger: %w: the change version is not a number", ErrDamaged)
	}
	return Facts{ClientID: values["clientId"], APIVersion: values["apiVersion"], DataStandard: values["dataStandard"],
		ChangeVersion: version}, nil
}

// SetFacts records what the target says of itself now. A ledger that is of no target yet becomes this
// one's only when it has accepted a record: until then the facts wait in memory.
func (l *Ledger) SetFacts(ctx context.Context, f Facts) error {
	if !l.bound.Load() {
		l.facts = f
		return nil
	}
	if err := l.transaction(ctx, func(tx *sql.Tx) error { return l.bind(ctx, tx, f) }); err != nil {
		return fmt.Errorf("write the ledger: %w", explain(err, l.path))
	}
	return nil
}

// bind writes which target the ledger is of, and what that said of itself.
func (l *Ledger) bind(ctx context.Context, tx *sql.Tx, f Facts) error {
	return errors.Join(l.identity.store(ctx, tx), f.store(ctx, tx), storeNotes(ctx, tx, l.notes))
}

func (f Facts) store(ctx context.Context, tx *sql.Tx) error {
	return storePairs(ctx, tx, "fact", map[string]string{"clientId": f.ClientID, "apiVersion": f.APIVersion,
		"dataStandard": f.DataStandard, "changeVersion": strconv.FormatInt(f.ChangeVersion, 10)})
}

// querier is a connection or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// eachRow calls yield for each row that a query gives.
func eachRow(ctx context.Context, q querier, yield func(*sql.Rows) error, query string, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := yield(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// loadPairs reads a table of names and values.
func loadPairs(ctx context.Context, q querier, table string) (map[string]string, error) {
	values := map[string]string{}
	err := eachRow(ctx, q, func(row *sql.Rows) error {
		var name, value string
		err := row.Scan(&name, &value)
		values[name] = value
		return err
	}, "SELECT name, value FROM "+table)
	return values, err
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
