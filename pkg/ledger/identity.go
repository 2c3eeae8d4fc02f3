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

// ErrOtherTarget is in the chain of the error for a ledger that was written for another target.
var ErrOtherTarget = errors.New("the ledger belongs to another target")

func (i Identity) store(ctx context.Context, tx *sql.Tx) error {
	return storePairs(ctx, tx, "identity", map[string]string{"tenant": i.Tenant, "environment": i.Environment, "url": i.BaseURL,
		"instance": i.Instance, "year": strconv.Itoa(i.SchoolYear), "store": i.Store})
}

func loadIdentity(ctx context.Context, tx *sql.Tx) (Identity, error) {
	values, err := loadPairs(ctx, tx, "identity")
	if err != nil {
		return Identity{}, err
	}
	year, err := strconv.Atoi(values["year"])
	if err != nil {
		return Identity{}, fmt.Errorf("%w: the year of its target is not a number", ErrDamaged)
	}
	return Identity{Tenant: values["tenant"], Environment: values["environment"], BaseURL: values["url"],
		Instance: values["instance"], SchoolYear: year, Store: values["store"]}, nil
}
