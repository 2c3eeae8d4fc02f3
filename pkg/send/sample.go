package send

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// sampleSize is how many records are looked for at the target, beside the newest of each resource. If the
// target lost a quarter of its records, the sample shows it with a probability of 99 %.
const sampleSize = 16

// checkSample refuses a target that does not hold, as they were sent, some records that it took before.
func (l *loader) checkSample(ctx context.Context, rebuild string) error {
	all, err := l.readBack(ctx)
	if err != nil {
		return err
	}
	if missing := all.count(func(s sampled) bool { return !s.there }); missing > 0 {
		return diag.Fail(diag.Guarded, diag.GuardLedger, rebuild,
			"records that the target took before are not there any more (%d of the %d looked for): they were deleted, "+
				"or the target was emptied, restored or replaced", missing, len(all))
	}
	changed, err := l.changedSince(ctx, all)
	if err == nil && changed > 0 {
		err = diag.Fail(diag.Guarded, diag.GuardLedger, rebuild,
			"records that the target took before have changed since (%d of the %d looked for): "+
				"another client wrote them, or a later load that this ledger does not know of", changed, len(all))
	}
	return err
}

// sampled is a record of the ledger, looked for at the target.
type sampled struct {
	ledger.Sampled
	there   bool        // under the id that the target gave it, and with the same natural key
	content ledger.Hash // if it is there
}

type sample []sampled

func (all sample) count(is func(sampled) bool) (n int) {
	for _, s := range all {
		if is(s) {
			n++
		}
	}
	return n
}

// readBack looks for a sample of the ledger's records at the target. What the credential may not read, and
// what is known to have been deleted, is left out.
func (l *loader) readBack(ctx context.Context) (sample, error) {
	wanted, err := l.to.Ledger.Sample(ctx, l.resources(), sampleSize)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex // guards the rest
	var all sample
	denied, read := map[string]bool{}, map[string]bool{}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(l.to.Concurrency)
	for _, one := range wanted {
		known, ok := l.to.Standard.Resource(one.Resource)
		if !ok {
			continue // of another data standard; nothing of this run depends on it
		}
		g.Go(func() error {
			s, err := l.lookUp(ctx, known, one)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case target.IsKind(err, target.Forbidden):
				denied[one.Resource] = true
				return nil
			case err != nil:
				return target.Explain(err, "the target could not be asked for what it holds")
			case s.there || l.changes.records[s.Key] == nil:
				all = append(all, s)
			}
			read[one.Resource] = true
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for name := range denied {
		if !read[name] && !l.unproven[name] {
			l.unproven[name] = true
			l.to.warn(name, "the credential may not read the resource, so the ledger cannot be proven: every record is sent")
		}
	}
	return all, nil
}

func (l *loader) lookUp(ctx context.Context, known *schema.Resource, one ledger.Sampled) (sampled, error) {
	s := sampled{Sampled: one}
	got, err := l.to.Client.GetByID(ctx, known.Endpoint(), one.ID)
	if target.IsKind(err, target.NotFound) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	checker, _ := l.to.Standard.Checker(one.Resource)
	var rec schema.Record
	checker.Key(got.Body, &rec)
	s.there, s.content = rec.Key.OK && rec.Key.Hash == one.Key, contentOf(known, got.Body)
	return s, nil
}

// seenNote is the ledger's note of what a sample of its records was at the target after the last load.
const seenNote = "seen"

// seen is one of these records, as it was sent and as the target gave it back.
type seen struct{ Digest, Content string }

func (s *sampled) seen() seen {
	return seen{hex.EncodeToString(s.Digest[:]), hex.EncodeToString(s.content[:])}
}

func (s *sampled) name() string { return hex.EncodeToString(s.Key[:]) }

// changedSince counts the records of a sample that somebody wrote since the last load: as far as the ledger
// knows they were not sent again, and the target gives back something else.
func (l *loader) changedSince(ctx context.Context, all sample) (n int, err error) {
	before, err := l.seenBefore(ctx)
	return all.count(func(s sampled) bool {
		was, ok := before[s.name()]
		return ok && was.Digest == s.seen().Digest && was.Content != s.seen().Content && l.changes.records[s.Key] == nil
	}), err
}

func (l *loader) seenBefore(ctx context.Context) (map[string]seen, error) {
	before := map[string]seen{}
	notes, err := l.to.Ledger.Notes(ctx)
	if err != nil || notes[seenNote] == "" {
		return before, err
	}
	if json.Unmarshal([]byte(notes[seenNote]), &before) != nil {
		return before, fmt.Errorf("%w: a note cannot be read", ledger.ErrDamaged)
	}
	return before, nil
}

// keepSeen notes what the sample is at the target now, if that is not noted.
func (l *loader) keepSeen(ctx context.Context) error {
	before, err := l.seenBefore(ctx)
	if err != nil || len(before) > 0 && l.to.Progress.Sent.Load() == 0 {
		return err
	}
	all, err := l.readBack(ctx)
	if err != nil {
		return err
	}
	now := map[string]seen{}
	for _, s := range all {
		if s.there {
			now[s.name()] = s.seen()
		}
	}
	text, err := json.Marshal(now)
	if err != nil {
		return err
	}
	return l.to.Ledger.Note(ctx, map[string]string{seenNote: string(text)})
}
