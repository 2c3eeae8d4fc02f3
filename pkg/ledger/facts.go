package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
)

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
		return Facts{}, fmt.Errorf("read the ledger: %w", l.explain(err))
	}
	version, err := strconv.ParseInt(values["changeVersion"], 10, 64)
	if err != nil && values["changeVersion"] != "" {
		return Facts{}, fmt.Errorf("read the ledger: %w: the change version is not a number", ErrDamaged)
	}
	return Facts{ClientID: values["clientId"], APIVersion: values["apiVersion"], DataStandard: values["dataStandard"],
		ChangeVersion: version}, nil
}

// SetFacts records what the target says of itself now.
func (l *Ledger) SetFacts(ctx context.Context, f Facts) error {
	if err := l.transaction(ctx, func(tx *sql.Tx) error { return f.store(ctx, tx) }); err != nil {
		return fmt.Errorf("write the ledger: %w", l.explain(err))
	}
	return nil
}

func (f Facts) store(ctx context.Context, tx *sql.Tx) error {
	return storePairs(ctx, tx, "fact", map[string]string{"clientId": f.ClientID, "apiVersion": f.APIVersion,
		"dataStandard": f.DataStandard, "changeVersion": strconv.FormatInt(f.ChangeVersion, 10)})
}
