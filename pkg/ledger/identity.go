package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Identity says which target a ledger belongs to. It never changes silently (design §3): what
// rotates or is upgraded (client id, versions) stands in Facts.
type Identity struct {
	Tenant      string
	Environment string
	BaseURL     string
	Instance    string // of an instance-specific ODS
	SchoolYear  int    // of a year-specific ODS; 0: none
	Store       string // id of the sandbox's store, which counts in place of its address
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
		add("url", strings.TrimRight(i.BaseURL, "/"))
	}
	add("instance", i.Instance)
	if i.SchoolYear != 0 {
		add("year", strconv.Itoa(i.SchoolYear))
	}
	return strings.Join(parts, " ")
}

// ErrOtherTarget is in the chain of OtherTargetError.
var ErrOtherTarget = errors.New("the ledger belongs to another target")

// OtherTargetError refuses a ledger that was written for another target.
type OtherTargetError struct{ Known, Asked Identity }

func (e *OtherTargetError) Error() string {
	return fmt.Sprintf("%v: it holds what %q accepted, not %q", ErrOtherTarget, e.Known, e.Asked)
}

func (e *OtherTargetError) Unwrap() error { return ErrOtherTarget }

func (i Identity) store(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM identity"); err != nil {
		return err
	}
	for name, value := range map[string]string{"tenant": i.Tenant, "environment": i.Environment, "url": i.BaseURL,
		"instance": i.Instance, "year": strconv.Itoa(i.SchoolYear), "store": i.Store} {
		if _, err := tx.ExecContext(ctx, "INSERT INTO identity VALUES (?, ?)", name, value); err != nil {
			return err
		}
	}
	return nil
}

func loadIdentity(ctx context.Context, tx *sql.Tx) (Identity, error) {
	values, err := pairs(ctx, tx, "SELECT name, value FROM identity")
	if err != nil {
		return Identity{}, err
	}
	year, err := strconv.Atoi(values["year"])
	if err != nil {
		return Identity{}, fmt.Errorf("%w: the year of its target is no number", ErrDamaged)
	}
	return Identity{Tenant: values["tenant"], Environment: values["environment"], BaseURL: values["url"],
		Instance: values["instance"], SchoolYear: year, Store: values["store"]}, nil
}

// querier is a connection or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// pairs reads a table of names and values.
func pairs(ctx context.Context, q querier, query string) (map[string]string, error) {
	rows, err := q.QueryContext(ctx, query)
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
