package send

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// CheckPass refuses a run whose pass is missing, for others, given offline or too old.
// It looks at the manifest only; Run looks at the files and at the target too.
func CheckPass(r *runs.Run, tenant string, maxAge time.Duration, now time.Time, command Command) error {
	next := validateAgain(r, tenant, command)
	refuse := func(code diag.Code, format string, args ...any) error {
		return diag.Fail(diag.Guarded, code, next, format, args...)
	}
	p := r.Pass
	switch {
	case r.Tenant == "":
		return diag.Fail(diag.Guarded, diag.GuardForeignPass, makeAgain(r, tenant, command),
			"the run was transformed without a tenant: it can be validated offline, not sent")
	case r.Tenant != tenant:
		return diag.Fail(diag.Guarded, diag.GuardForeignPass, makeAgain(r, tenant, command)+" Or name the tenant of the run.",
			"the run was made for the tenant %q, not for %q", r.Tenant, tenant)
	case p == nil && r.Stopped != nil && r.Stopped.Code == diag.GuardWhole:
		return refuse(diag.GuardNoPass, "the run has no pass: it was validated with --all-or-nothing, and not all of it passed")
	case p == nil:
		return refuse(diag.GuardNoPass, "the run has no pass: it was not validated, or changed since")
	case !p.Online:
		return refuse(diag.GuardForeignPass, "the run was validated offline; only the target itself can open it")
	case p.Tenant != tenant:
		return refuse(diag.GuardForeignPass, "the pass is for the tenant %q, not for %q", p.Tenant, tenant)
	case p.Bundle != r.Bundle.Digest:
		return refuse(diag.GuardForeignPass, "the pass is for another bundle than the one that the run was made with")
	}
	switch age := now.Sub(p.At); {
	case age > maxAge:
		return refuse(diag.GuardOldPass, "the run was validated %s ago; a pass is good for %s", age.Round(time.Minute), maxAge)
	case age < -clockSkew:
		return refuse(diag.GuardOldPass, "the pass was given at %s, which is in the future: a clock is wrong", p.At.Format(time.RFC3339))
	}
	return nil
}

// clockSkew is how far the clocks of the machine that validates and the one that sends may differ.
const clockSkew = 10 * time.Minute

// checkFiles refuses staged files and verdicts that are not those the pass was given for, and one
// for another target. It reads every file, so that nothing has been sent when it refuses.
func (l *loader) checkFiles(ctx context.Context) error {
	pass := l.run.Pass
	next := l.validateAgain()
	if identity := l.to.Ledger.Identity().String(); pass.Target != identity {
		return diag.Fail(diag.Guarded, diag.GuardForeignPass, next, "the pass is for the target %q, not for %q", pass.Target, identity)
	}
	names, err := l.run.StagedResources()
	if err != nil {
		return fmt.Errorf("list the staged files: %w", err)
	}
	changed := func(format string, args ...any) error {
		return diag.Fail(diag.Guarded, diag.GuardOldPass, next, format, args...)
	}
	if passed := slices.Sorted(maps.Keys(pass.Staged)); !slices.Equal(names, passed) {
		return changed("the run was changed after it was validated: staged are %s, validated were %s", list(names), list(passed))
	}
	files := make([]stagedFile, len(names))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(2) // the disk is the limit
	for i, name := range names {
		g.Go(func() error {
			d, sums, err := takeChecksums(ctx, l.run.StagedFile(name))
			if err != nil {
				return unreadable(err, name+".jsonl")
			}
			if d.SHA256 != pass.Staged[name] {
				return changed("staged/%s.jsonl was changed after it was validated", name)
			}
			if err := checkOrigins(l.run.OriginFile(name)); err != nil {
				return unreadable(err, name+".origin")
			}
			verdicts, err := os.ReadFile(l.run.VerdictFile(name))
			if err != nil {
				return changed("verdicts/%s is gone or cannot be read", name)
			}
			if sum := sha256.Sum256(verdicts); hex.EncodeToString(sum[:]) != pass.Verdicts[name] || int64(len(verdicts)) != d.Lines {
				return changed("verdicts/%s was changed after validate wrote it", name)
			}
			files[i] = stagedFile{d.Lines, verdicts, sums}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i, name := range names {
		l.staged[name] = files[i]
		l.to.Progress.Total.Add(files[i].lines)
	}
	return nil
}

func unreadable(err error, file string) error {
	return diag.FailWith(err, diag.CouldNotRun, diag.MachineDisk, "Check the file's permissions, or run transform again.",
		"staged/%s cannot be read", file)
}

// stagedFile is what checkFiles learns of the staged file of a resource.
type stagedFile struct {
	lines    int64
	verdicts []byte // one for each line
	sums     checksums
}

// validateAgain is the command that gives a new pass.
func (l *loader) validateAgain() string { return validateAgain(l.run, l.to.Tenant, l.to.Command) }

func validateAgain(r *runs.Run, tenant string, command Command) string {
	return "Run `" + command("validate", r.Path, "--tenant", tenant) + "`."
}

// makeAgain is the command that makes such a run for a tenant.
func makeAgain(r *runs.Run, tenant string, command Command) string {
	if r.Records != "" {
		return "Run `" + command("validate", r.Records, "--tenant", tenant) + "`."
	}
	return "Run `sluice transform` again with --tenant " + tenant + "."
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
