package catalog

import (
	"context"
	"errors"

	"github.com/sluice-edfi/sluice/pkg/target"
)

// ChangeReader asks a target for its newest change version; *target.Client is one.
type ChangeReader interface {
	NewestChangeVersion(ctx context.Context) (int64, error)
}

// NewestChange is the newest change version of a target, which grows with every write; 0 if the
// target does not say, or not to this credential.
func NewestChange(ctx context.Context, r ChangeReader) (int64, error) {
	newest, err := r.NewestChangeVersion(ctx)
	if errors.Is(err, target.ErrNotOffered) || target.IsKind(err, target.Forbidden, target.NotFound, target.Odd, target.Validation) {
		return 0, nil
	}
	return newest, target.Explain(err, "the target could not be asked for its change version")
}
